//! L1: what comes from outside does not command the terminal of who looks at it.

use crate::{
    judge::Judge,
    room::{
        capture::ACME,
        genuine::wait_derived,
        node::{Node, Room, Settings},
    },
    scale::Scale,
};
use anyhow::Result;
use serde_json::json;
use std::time::Duration;

/// Sets a title, rings, paints, begins a line of its own, clears in the eight-bit form.
const EVIL: &str = "\u{1b}]0;pwned\u{7}\u{1b}[31mFAKE\r\n\u{9b}2J\u{7f}";

pub(crate) async fn attack(room: &Room, _: &Scale, judge: &mut Judge) -> Result<()> {
    let mut node = Node::start(room, Settings::default()).await?;
    let evil_id = format!("wamid.{EVIL}");
    let message = |id: &str, kind: &str| {
        ACME.delivery(&json!({
            "contacts": [{"profile": {"name": EVIL}, "wa_id": "56961234567"}],
            "messages": [{"from": "56961234567", "id": id, "timestamp": crate::room::capture::seconds().to_string(), "type": kind,
                "text": {"body": EVIL}}]}))
    };
    let mut odd = message("wamid.odd", "text");
    odd["entry"][0]["changes"][0]["field"] = EVIL.into();
    let account = json!({"object": "whatsapp_business_account", "entry": [{"id": ACME.waba, "changes": [
        {"field": "message_template_status_update", "value": {"event": EVIL, "message_template_id": 7, "message_template_name": EVIL,
            "message_template_language": EVIL, "reason": EVIL}}]}]});
    let broken = json!({"object": "whatsapp_business_account", "entry": [{"id": EVIL, "changes": EVIL}]});
    for body in [
        message("wamid.ESC", EVIL),
        message(&evil_id, "text"),
        odd,
        account,
        broken,
    ] {
        let answer = ACME.signed(&body).send(node.http).await?;
        anyhow::ensure!(answer.status == 200, "a signed delivery: {}", answer.brief());
    }
    let last = ACME.text("wamid.last", "56961234567", "hola");
    ACME.signed(&last).send(node.http).await?;
    wait_derived(&node, "wamid.last", Duration::from_mins(1)).await?;
    let letters = node.export("dead_letter").await?;
    let letter = letters
        .first()
        .and_then(|letter| letter["event_id"].as_str())
        .unwrap_or("none")
        .to_owned();
    node.terminate().await?;

    let shown = ["--reveal", "--reason", "the attack"];
    let commands = [
        &["trace", "wamid.ESC"][..],
        &["trace", &evil_id],
        &["trace", "+56961234567"],
        &["trace", "+56961234567", shown[0], shown[1], shown[2]],
        &["trace", "wamid.ESC", "--json"],
        &["trace", EVIL],
        &["identity", "show", "+56961234567", shown[0], shown[1], shown[2]],
        &["identity", "show", EVIL],
        &["identity", "review"],
        &["consent", "+56961234567"],
        &["account"],
        &["account", EVIL],
        &["metrics"],
        &["metrics", "--definition", EVIL],
        &["dlq", "list"],
        &["dlq", "show", &letter],
        &["dlq", "show", EVIL],
        &["export", "unclassified"],
        &["export", EVIL],
        &["doctor"],
    ];
    let mut printed = 0;
    for arguments in commands {
        let output = node.hilo(arguments).await?;
        printed += output.stdout.len() + output.stderr.len();
        for (name, bytes) in [("output", &output.stdout), ("error", &output.stderr)] {
            // JSON is data for programs: what its grammar lets through stays as it came.
            let is_json = arguments.contains(&"--json") || matches!(arguments, ["export", _] | ["dlq", "show", _]);
            let found = control(&String::from_utf8_lossy(bytes), is_json && name == "output");
            judge.check("no control character reaches a terminal", found.is_none(), || {
                format!("hilo {arguments:?}, its {name}: {found:?}")
            });
        }
    }
    judge.figure("bytes_printed", printed);
    let found = control(&node.log(), false);
    judge.check("no control character reaches the log", found.is_none(), || {
        format!("{found:?}")
    });
    Ok(())
}

/// The first sign that a terminal obeys, with what is around it.
fn control(text: &str, json: bool) -> Option<String> {
    let obeyed = |sign: char| {
        if json {
            sign < ' ' && sign != '\n'
        } else {
            sign.is_control() && sign != '\n'
        }
    };
    let at = text.find(obeyed)?;
    let around: String = text[..at]
        .chars()
        .rev()
        .take(20)
        .collect::<Vec<_>>()
        .into_iter()
        .rev()
        .collect();
    Some(
        format!("{around}{}", text[at..].chars().take(8).collect::<String>())
            .escape_debug()
            .to_string(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_obeys_is_found() {
        assert_eq!(control("one line\nand ünïcode ✓", false), None);
        for evil in ["\u{1b}[31m", "\u{7}", "\r", "\u{9b}2J", "\u{7f}"] {
            assert!(control(&format!("title {evil}"), false).is_some(), "{evil:?}");
        }
        assert_eq!(control("{\"title\":\"\\u001b \u{9b}\"}\n", true), None);
        assert!(control("{\"title\":\"\u{1b}\"}", true).is_some());
    }
}
