//! What only says that something came gives way to content under its id, and history is history in every list.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a helper that fails is a test that fails"
)]

mod support;

use hilo_contracts::item::{Body, Item, Message, Origin};
use std::collections::BTreeMap;
use support::{line, lines};

fn element(kind: &str, at: u32) -> String {
    let kind = if kind.is_empty() {
        String::new()
    } else {
        format!(r#","type":"{kind}","{kind}":{{"body":"BAJA"}}"#)
    };
    format!(r#"{{"id":"m","from":"56961234567","timestamp":"{at}"{kind}}}"#)
}

fn received(kind: &str, at: u32) -> String {
    line("messages", &format!(r#"{{"messages":[{}]}}"#, element(kind, at)))
}

fn echo(kind: &str, at: u32) -> String {
    let field = "smb_message_echoes";
    line(field, &format!(r#"{{"message_echoes":[{}]}}"#, element(kind, at)))
}

fn history(kind: &str, at: u32) -> String {
    let threads = format!(
        r#"{{"history":[{{"threads":[{{"messages":[{}]}}]}}]}}"#,
        element(kind, at)
    );
    line("history", &threads)
}

fn message(item: &Item) -> &Message {
    match &item.body {
        Body::Message(message) => message,
        other => panic!("{other:?}"),
    }
}

/// Of each list what holds in the end: type and second.
fn held(told: &[String]) -> BTreeMap<Origin, (String, i64)> {
    let run = lines(&told.join("\n"));
    assert_eq!(run.total(), told.len() as u64, "each line has one outcome");
    let mut held: BTreeMap<Origin, &Item> = BTreeMap::new();
    for item in run.items.iter().filter(|item| !item.evidence_only) {
        if let Some(had) = held.insert(message(item).origin, item) {
            assert!(had.generation < item.generation, "the later one is better");
        }
    }
    let told = held.into_iter().map(|(origin, item)| {
        assert!(item.content.contains(&message(item).kind) || message(item).kind == "unknown");
        (origin, (message(item).kind.clone(), item.event_time / 1000))
    });
    told.collect()
}

fn orders(told: &[String]) -> Vec<Vec<String>> {
    if told.len() < 2 {
        return vec![told.to_vec()];
    }
    let mut all = Vec::new();
    for place in 0..told.len() {
        let mut rest = told.to_vec();
        let first = rest.remove(place);
        for mut order in orders(&rest) {
            order.insert(0, first.clone());
            order.push(first.clone());
            all.push(order);
        }
    }
    all
}

#[test]
fn content_holds_over_what_stands_in_for_it() {
    let of = |origin, kind: &str, at| (origin, (kind.to_owned(), at));
    for (told, want) in [
        // Within a list the content holds with its own time, whether it is earlier or later.
        (
            vec![received("unsupported", 5), received("text", 9)],
            vec![of(Origin::Received, "text", 9)],
        ),
        (
            vec![received("unsupported", 5), received("text", 3)],
            vec![of(Origin::Received, "text", 3)],
        ),
        (
            vec![received("", 5), received("image", 9)],
            vec![of(Origin::Received, "image", 9)],
        ),
        (
            vec![history("media_placeholder", 5), history("image", 5)],
            vec![of(Origin::History, "image", 5)],
        ),
        (
            vec![echo("unknown", 5), echo("audio", 7)],
            vec![of(Origin::Echo, "audio", 7)],
        ),
        // Among contents, and among stand-ins, the smallest.
        (
            vec![received("unsupported", 1), received("text", 9), received("image", 7)],
            vec![of(Origin::Received, "image", 7)],
        ),
        (
            vec![received("unsupported", 5), received("", 3)],
            vec![of(Origin::Received, "unknown", 3)],
        ),
        // Across lists the message stays what the first list makes it.
        (
            vec![received("unsupported", 5), history("text", 9)],
            vec![of(Origin::Received, "text", 5), of(Origin::History, "text", 9)],
        ),
        (
            vec![
                received("unsupported", 5),
                received("", 4),
                echo("image", 9),
                history("text", 7),
            ],
            vec![
                of(Origin::Received, "text", 4),
                of(Origin::Echo, "image", 9),
                of(Origin::History, "text", 7),
            ],
        ),
        (
            vec![echo("unsupported", 5), history("text", 9), history("image", 8)],
            vec![of(Origin::Echo, "image", 5), of(Origin::History, "image", 8)],
        ),
        // The list's own content is nearer, and an earlier list takes nothing from a later stand-in.
        (
            vec![received("unsupported", 5), received("image", 9), history("text", 7)],
            vec![of(Origin::Received, "image", 9), of(Origin::History, "text", 7)],
        ),
        (
            vec![received("image", 5), history("media_placeholder", 5)],
            vec![
                of(Origin::Received, "image", 5),
                of(Origin::History, "media_placeholder", 5),
            ],
        ),
    ] {
        for order in orders(&told) {
            assert_eq!(held(&order), BTreeMap::from_iter(want.clone()), "{order:#?}");
        }
    }
}

/// A line of the send log says what it says, also without a type.
#[test]
fn a_line_stands_in_for_nothing() {
    let sent = |kind: &str, second: u32| {
        format!(r#"{{"source":"outbound","tenant":"acme","at":"2026-05-04T13:00:0{second}Z","message_id":"m"{kind}}}"#)
    };
    let told = [sent("", 1), sent(r#","type":"text""#, 2), echo("image", 3)];
    for order in orders(&told) {
        assert_eq!(held(&order)[&Origin::Outbound].0, "unknown");
    }
}

#[test]
fn the_words_of_a_history_opt_nobody_out() {
    let opt_outs = |told: &[String]| -> Vec<bool> {
        let run = lines(&told.join("\n"));
        run.items.iter().map(|item| message(item).opt_out.is_some()).collect()
    };
    assert_eq!(opt_outs(&[received("text", 1)]), [true]);
    assert_eq!(opt_outs(&[history("text", 1)]), [false]);
    assert_eq!(opt_outs(&[received("unsupported", 1), history("text", 1)]), [false; 3]);
    assert_eq!(
        opt_outs(&[received("unsupported", 1), received("text", 1)]),
        [false, true]
    );
}

#[test]
fn all_of_a_change_of_the_field_history_is_history() {
    let told = |rest: &str| {
        let metadata = r#""metadata":{"display_phone_number":"56229876543","phone_number_id":"210"}"#;
        lines(&line("history", &format!("{{{metadata},{rest}}}")))
    };
    for (rest, inbound) in [
        (
            r#""messages":[{"id":"m","from":"56961234567","type":"text","text":{"body":"BAJA"}}]"#,
            true,
        ),
        (
            r#""messages":[{"id":"m","from":"56229876543","to":"56961234567","type":"image"}]"#,
            false,
        ),
        (
            r#""contacts":[{"wa_id":"56961234567"}],"messages":[{"id":"m","type":"image"}]"#,
            true,
        ),
        (
            r#""message_echoes":[{"id":"m","from":"56229876543","to":"56961234567","type":"image"}]"#,
            false,
        ),
        (
            r#""contacts":[{"wa_id":"56961234567"}],"message_echoes":[{"id":"m","type":"image"}]"#,
            false,
        ),
    ] {
        let run = told(rest);
        let item = run.item();
        let message = message(item);
        let found = (
            message.origin,
            message.inbound,
            message.opt_out.clone(),
            message.is_customer_message(),
        );
        assert_eq!(found, (Origin::History, inbound, None, false), "{rest}");
        assert!(!message.is_sent_message(), "{rest}");
        assert_eq!(message.author.kind, if inbound { "customer" } else { "unknown" });
        assert_eq!(
            support::identifiers(item, 0),
            ["phone:+56961234567", "wa_id:56961234567"],
            "{rest}"
        );
    }
    let run = told(r#""user_preferences":[{"wa_id":"56961234567","category":"marketing_messages","value":"stop"}]"#);
    assert!(matches!(&run.item().body, Body::Event { kind } if kind == "history_event"));
    assert!(run.item().has_person);
}

#[test]
fn a_permission_that_the_platform_gave_by_itself_is_no_customers() {
    let reply = |source: &str| {
        let told = format!(
            r#"{{"messages":[{{"id":"m","from":"56961234567","type":"interactive","interactive":{{"type":"call_permission_reply","call_permission_reply":{{"response":"accept","response_source":"{source}"}}}}}}]}}"#
        );
        message(lines(&line("messages", &told)).item()).clone()
    };
    let (automatic, own) = (reply("automatic"), reply("user_action"));
    assert_eq!(
        (automatic.author.kind.as_str(), own.author.kind.as_str()),
        ("automation", "customer")
    );
    assert_eq!(
        (automatic.is_customer_message(), own.is_customer_message()),
        (false, true)
    );
    assert!(automatic.inbound);
}
