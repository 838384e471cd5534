//! What somebody wrote into a message, a name or a queue does not steer the terminal of whoever looks at it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod command;

use command::{done, hilo, write};
use serde_json::{Value, json};
use std::process::Command;

/// ESC, BEL, line feed, a C1 control, DEL and marks that turn the direction of writing.
const EVIL: &str = "x\u{1b}]0;pwned\u{7}\u{1b}[31mFAKE\nline\r\u{9b}2J\u{7f}\u{202e}gnp\u{2066}\u{200f}";

fn capture() -> Vec<Value> {
    let webhook = |field: &str, value: Value| {
        json!({"source": "whatsapp", "tenant": "acme", "received_at": "2026-05-04T13:00:01Z", "body": {
            "object": "whatsapp_business_account", "entry": [{"id": "1", "time": 1_777_899_600, "changes": [
                {"field": field, "value": value}]}]}})
    };
    vec![
        webhook(
            "messages",
            json!({"metadata": {"display_phone_number": "15550783881", "phone_number_id": "2"},
                "contacts": [{"wa_id": "56961230001", "profile": {"name": EVIL}}],
                "messages": [{"from": "56961230001", "id": "wamid.ESC", "timestamp": "1777899600", "type": EVIL,
                    "text": {"body": EVIL}}]}),
        ),
        webhook(
            "message_template_status_update",
            json!({"event": EVIL, "message_template_id": 7,
            "message_template_name": EVIL, "message_template_language": "es", "reason": EVIL}),
        ),
        json!({"source": "outbound", "tenant": "acme", "at": "2026-05-04T14:00:00Z", "phone_number_id": "2",
            "message_id": "wamid.out", "to": {"phone": "+56961230001"}, "type": "template",
            "template": {"name": EVIL, "language": "es", "category": "marketing"}, "segment": EVIL}),
        json!({"source": "inbox", "tenant": "acme", "at": "2026-05-04T14:10:00Z", "user": {"phone": "+56961230001"},
            "phone_number_id": "2", "event": "assigned", "agent": EVIL, "queue": EVIL}),
        json!({"source": "crm", "system": "hubspot", "tenant": "acme", "at": "2026-05-04T14:20:00Z", "event": "opt_out",
            "user": {"phone": "+56961230001"}, "actor": EVIL, "word": EVIL}),
        json!({"source": EVIL, "tenant": "acme"}),
        json!({"source": "clock", "at": "2026-05-08T00:00:00Z"}),
    ]
}

#[test]
fn no_command_hands_a_control_character_on() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("capture.ndjson");
    write(&file, &capture());
    let data = folder.path().join("data");
    let data = data.to_str().unwrap();
    done(&["ingest", file.to_str().unwrap(), "--data-dir", data]);
    // Runs what waits in the log, and writes down all that it does.
    let ran = Command::new(env!("CARGO_BIN_EXE_hilo"))
        .args([
            "demo",
            "--port",
            "0",
            "--duration",
            "1s",
            "--rate",
            "1",
            "--data-dir",
            data,
        ])
        .env("HILO_LOG", "trace")
        .output()
        .unwrap();
    let logged = String::from_utf8_lossy(&ran.stderr).into_owned();
    assert!(ran.status.success(), "{logged}");
    for personal in ["pwned", "FAKE", "56961230001", "wamid.ESC"] {
        assert!(!logged.contains(personal), "{personal} is in the log");
    }
    let mut outputs = vec![ran];
    let id = "56961230001";
    let why = ["--reveal", "--reason", "a test"];
    for (arguments, reveals) in [
        (vec!["trace", id], true),
        (vec!["trace", "wamid.ESC"], true),
        (vec!["identity", "show", id], true),
        (vec!["identity", "review"], true),
        (vec!["consent", id], true),
        (vec!["dlq", "show", EVIL], true),
        (vec!["dlq", "list"], false),
        (vec!["account"], false),
        (vec!["account", "--history"], false),
        (vec!["metrics"], false),
        (vec!["trace", EVIL], false),
    ] {
        for (json, revealed) in [(false, false), (true, false), (false, true), (true, true)] {
            let mut arguments = arguments.clone();
            // `show` has no other form.
            if json && !arguments.starts_with(&["dlq", "show"]) {
                arguments.push("--json");
            }
            if revealed && reveals {
                arguments.extend(why);
            }
            arguments.extend(["--data-dir", data]);
            outputs.push(hilo(&arguments));
        }
    }
    let mut shown = String::new();
    for output in outputs {
        for text in [output.stdout, output.stderr] {
            let text = String::from_utf8(text).unwrap();
            let steers = |character: char| {
                (character.is_control() && character != '\n')
                    || matches!(character, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
            };
            assert!(!text.chars().any(steers), "{text:?}");
            assert!(!text.lines().any(|line| line.starts_with("line")), "{text:?}");
            shown.push_str(&text);
        }
    }
    // They looked at what is evil.
    assert!(
        shown.contains("\\u001b]0;pwned\\u0007") && shown.contains("\\u009b2J"),
        "{shown}"
    );
}
