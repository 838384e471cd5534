//! The fine rules about deliveries and items, one row each: what is counted, and under which reason.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a helper that fails is a test that fails"
)]

mod support;

use hilo_contracts::item::Body;
use hilo_stream::{Context, Processor as _};
use std::sync::Arc;
use support::{body, envelope, line, lines};

const MESSAGE: &str =
    r#"{"from":"56961234567","id":"m1","timestamp":"1777899600","type":"text","text":{"body":"hola"}}"#;

/// A body with these entries.
fn entries(entries: &str) -> String {
    envelope(&format!(
        r#"{{"object":"whatsapp_business_account","entry":{entries}}}"#
    ))
}

#[test]
fn bodies_entries_and_changes() {
    let message = body("messages", &format!(r#"{{"messages":[{MESSAGE}]}}"#));
    let change = format!(r#"{{"field":"messages","value":{{"messages":[{MESSAGE}]}}}}"#);
    let deep = format!(r#"{{"object":{}{}}}"#, "[".repeat(500), "]".repeat(500));
    // Line; emitted, duplicate, unclassified, dead letter; deliveries, empty deliveries; reasons.
    for (line, outcomes, deliveries, reasons) in [
        (message.clone(), [1, 0, 0, 0], [1, 0], vec![]),
        (envelope(&message), [1, 0, 0, 0], [1, 0], vec![]),
        (
            envelope(&serde_json::to_string(&message).unwrap()),
            [1, 0, 0, 0],
            [1, 0],
            vec![],
        ),
        (
            envelope(r#""{\"object\":\"whatsapp_busin""#),
            [0, 0, 0, 1],
            [1, 0],
            vec!["not_json"],
        ),
        (
            envelope(&serde_json::to_string(&deep).unwrap()),
            [0, 0, 0, 1],
            [1, 0],
            vec!["not_json"],
        ),
        (envelope("[]"), [0, 0, 0, 1], [1, 0], vec!["not_object"]),
        (envelope("7"), [0, 0, 0, 1], [1, 0], vec!["not_object"]),
        (envelope("null"), [0, 0, 0, 1], [1, 0], vec![]),
        (
            envelope(r#"{"object":"page","entry":[]}"#),
            [0, 0, 0, 1],
            [1, 0],
            vec!["wrong_object"],
        ),
        (envelope(r#"{"entry":[]}"#), [0, 0, 0, 1], [1, 0], vec!["wrong_object"]),
        (
            envelope(r#"{"object":"whatsapp_business_account"}"#),
            [0, 0, 0, 1],
            [1, 0],
            vec!["no_entry"],
        ),
        (entries("null"), [0, 0, 0, 1], [1, 0], vec!["no_entry"]),
        (entries("{}"), [0, 0, 0, 1], [1, 0], vec!["no_entry"]),
        (entries("[]"), [0, 0, 0, 0], [1, 1], vec![]),
        (entries(r#"[{"id":"1","changes":[]}]"#), [0, 0, 0, 0], [1, 1], vec![]),
        (
            entries(r#"[{"id":"1","changes":[]},{"changes":[]}]"#),
            [0, 0, 0, 0],
            [1, 1],
            vec![],
        ),
        (
            entries(&format!(r#"[{{"changes":[]}},{{"changes":[{change}]}}]"#)),
            [1, 0, 0, 0],
            [1, 0],
            vec![],
        ),
        (entries(r#"[{"id":"1"}]"#), [0, 0, 0, 1], [1, 0], vec!["no_changes"]),
        (
            entries(r#"[7,{"changes":{}},{"changes":null}]"#),
            [0, 0, 0, 3],
            [1, 0],
            vec!["no_changes"; 3],
        ),
        (
            entries(&format!(r#"[{{}},{{"changes":[{change},7,null]}}]"#)),
            [1, 0, 0, 3],
            [1, 0],
            vec!["no_changes", "change_not_object", "change_not_object"],
        ),
        (
            r#"{"object":"page","entry":[]}"#.to_owned(),
            [0, 0, 0, 1],
            [0, 0],
            vec!["unknown_source"],
        ),
        (
            r#"{"source":"fax"}"#.to_owned(),
            [0, 0, 0, 1],
            [0, 0],
            vec!["unknown_source"],
        ),
        ("[1]".to_owned(), [0, 0, 0, 1], [0, 0], vec!["unknown_source"]),
        ("{\"source\":".to_owned(), [0, 0, 0, 1], [0, 0], vec!["not_json"]),
        ("# comment\n\n  \n".to_owned(), [0, 0, 0, 0], [0, 0], vec![]),
    ] {
        let run = lines(&line);
        assert_eq!(run.outcomes(), outcomes, "{line}");
        assert_eq!(
            [run.count("deliveries", ""), run.count("empty_deliveries", "")],
            deliveries,
            "{line}"
        );
        if !reasons.is_empty() {
            assert_eq!(run.reasons(), reasons, "{line}");
        }
        assert!(
            run.dead
                .iter()
                .all(|letter| !letter.original.is_empty() && !letter.detail.is_empty()),
            "{line}"
        );
    }
}

#[test]
fn bytes_that_are_no_text() {
    let mut raw = hilo_contracts::capture::from_webhook("acme", 5, b"{\"object\":\"\xff\"}");
    let run = support::run(&[support::record(&raw)]);
    assert_eq!((run.outcomes(), run.reasons()), ([0, 0, 0, 1], vec!["not_utf8"]));
    assert_eq!(run.dead[0].original, raw.body, "whole");
    raw = hilo_contracts::capture::from_line(b"\xff\xfe", Some("x.ndjson"), 9).unwrap();
    let run = support::run(&[support::record(&raw)]);
    assert_eq!((run.outcomes(), run.count("deliveries", "")), ([0, 0, 0, 1], 0));
    assert_eq!(
        (run.dead[0].file.as_deref(), run.dead[0].line),
        (Some("x.ndjson"), Some(9))
    );
}

#[test]
fn changes_and_values() {
    let message = format!(r#"{{"messages":[{MESSAGE}]}}"#);
    for (changes, outcomes, reasons) in [
        (r#"{"field":"messages"}"#.to_owned(), [0, 0, 1, 0], vec!["no_value"]),
        (
            r#"{"field":"messages","value":null}"#.to_owned(),
            [0, 0, 1, 0],
            vec!["no_value"],
        ),
        (
            r#"{"field":"account_update"}"#.to_owned(),
            [0, 0, 1, 0],
            vec!["no_value"],
        ),
        (
            r#"{"field":"mood_update","value":{"messages":[{},{}]}}"#.to_owned(),
            [0, 0, 1, 0],
            vec!["unknown_field"],
        ),
        (
            r#"{"field":"mood_update"}"#.to_owned(),
            [0, 0, 1, 0],
            vec!["unknown_field"],
        ),
        (format!(r#"{{"value":{message}}}"#), [0, 0, 1, 0], vec!["no_field"]),
        (
            format!(r#"{{"field":7,"value":{message}}}"#),
            [0, 0, 1, 0],
            vec!["no_field"],
        ),
        ("{}".to_owned(), [0, 0, 1, 0], vec!["no_field"]),
        (
            r#"{"field":"messages","value":"x"}"#.to_owned(),
            [0, 0, 1, 0],
            vec!["no_content"],
        ),
        (
            r#"{"field":"messages","value":[]}"#.to_owned(),
            [0, 0, 1, 0],
            vec!["no_content"],
        ),
        (
            r#"{"field":"messages","value":{"contacts":[{"wa_id":"569"}]}}"#.to_owned(),
            [0, 0, 1, 0],
            vec!["no_content"],
        ),
        (
            r#"{"field":"messages","value":{"messages":{}}}"#.to_owned(),
            [0, 0, 1, 0],
            vec!["no_content"],
        ),
        (
            r#"{"field":"messages","value":{"messages":[]}}"#.to_owned(),
            [0, 0, 0, 0],
            vec![],
        ),
        (
            r#"{"field":"messages","value":{"messages":7,"statuses":[]}}"#.to_owned(),
            [0, 0, 0, 0],
            vec![],
        ),
        (
            r#"{"field":"flows","value":{}}"#.to_owned(),
            [0, 0, 1, 0],
            vec!["no_content"],
        ),
        (
            r#"{"field":"flows","value":{"event":"ENDPOINT_ERROR_RATE","errors":[{},{}]}}"#.to_owned(),
            [1, 0, 0, 0],
            vec![],
        ),
        (
            r#"{"field":"account_update","value":{}}"#.to_owned(),
            [0, 0, 1, 0],
            vec!["no_content"],
        ),
        (
            r#"{"field":"account_update","value":{"event":null}}"#.to_owned(),
            [0, 0, 1, 0],
            vec!["no_content"],
        ),
        (
            r#"{"field":"account_update","value":"x"}"#.to_owned(),
            [0, 0, 1, 0],
            vec!["no_content"],
        ),
        (
            r#"{"field":"account_update","value":{"event":"ACCOUNT_DELETED"}}"#.to_owned(),
            [1, 0, 0, 0],
            vec![],
        ),
        (
            r#"{"field":"history","value":{"history":[{"errors":[{"code":2593109}]}]}}"#.to_owned(),
            [1, 0, 0, 0],
            vec![],
        ),
        (
            r#"{"field":"history","value":{"history":[{"threads":[]},{"threads":[{"messages":[]}]}]}}"#.to_owned(),
            [2, 0, 0, 0],
            vec![],
        ),
    ] {
        let run = lines(&entries(&format!(r#"[{{"id":"310","changes":[{changes}]}}]"#)));
        assert_eq!((run.outcomes(), run.reasons()), (outcomes, reasons), "{changes}");
        for item in &run.unclassified {
            let sent: serde_json::Value = serde_json::from_str(&changes).unwrap();
            assert_eq!(
                serde_json::from_str::<serde_json::Value>(&item.original).unwrap(),
                sent,
                "kept whole"
            );
        }
    }
}

#[test]
fn elements() {
    for (field, value, outcomes, reasons) in [
        (
            "messages",
            r#"{"messages":[7,null,"x",[]]}"#,
            [0, 0, 0, 4],
            vec!["element_not_object"; 4],
        ),
        (
            "messages",
            r#"{"messages":[{"from":"1"},{"id":""},{"id":7},{"id":"a"}]}"#,
            [1, 0, 0, 3],
            vec!["no_id"; 3],
        ),
        (
            "messages",
            r#"{"statuses":[{"id":"a"},{"status":"sent"},{"id":"a","status":"sent"}]}"#,
            [1, 0, 0, 2],
            vec!["no_status", "no_id"],
        ),
        (
            "smb_message_echoes",
            r#"{"message_echoes":[{},{"id":"e"}]}"#,
            [1, 0, 0, 1],
            vec!["no_id"],
        ),
        ("calls", r#"{"calls":[{},{"id":"c"}]}"#, [1, 0, 0, 1], vec!["no_id"]),
        (
            "calls",
            r#"{"statuses":[{"id":"c","type":"call"},{"id":"c","type":"call","status":"RINGING"}]}"#,
            [1, 0, 0, 1],
            vec!["no_status"],
        ),
        (
            "history",
            r#"{"history":[7,{"threads":[{"messages":[{},{"id":"h"},7]},{"messages":[{"id":"i"}]}]}]}"#,
            [2, 0, 0, 3],
            vec!["element_not_object", "no_id", "element_not_object"],
        ),
        (
            "messages",
            r#"{"errors":[{"code":1},7],"messages":[{"id":"a"}],"user_actions":[{}]}"#,
            [3, 0, 0, 1],
            vec!["element_not_object"],
        ),
        (
            "group_lifecycle_update",
            r#"{"groups":[{},{"group_id":"g"}]}"#,
            [2, 0, 0, 0],
            vec![],
        ),
        (
            "smb_app_state_sync",
            r#"{"state_sync":[{},{"contact":7}]}"#,
            [2, 0, 0, 0],
            vec![],
        ),
        ("user_preferences", r#"{"user_preferences":[{}]}"#, [1, 0, 0, 0], vec![]),
        ("automatic_events", r#"{"automatic_events":[{}]}"#, [1, 0, 0, 0], vec![]),
        ("user_id_update", r#"{"user_id_update":[{}]}"#, [1, 0, 0, 0], vec![]),
    ] {
        let run = lines(&line(field, value));
        assert_eq!((run.outcomes(), run.reasons()), (outcomes, reasons), "{value}");
    }
    let run = lines(&line("messages", r#"{"messages":[{"id":"a"},{"from":"1"}]}"#));
    let [letter] = run.dead.as_slice() else { panic!() };
    assert_eq!((letter.entry, letter.change, letter.item), (Some(0), Some(0), Some(1)));
    assert_eq!(letter.original, br#"{"from":"1"}"#);
}

#[test]
fn capture_lines() {
    for (line, outcomes, reasons) in [
        (r#"{"source":"outbound","message_id":"m"}"#, [1, 0, 0, 0], vec![]),
        (
            r#"{"source":"outbound","to":{"phone":"+56961234567"}}"#,
            [0, 0, 0, 1],
            vec!["no_id"],
        ),
        (r#"{"source":"inbox","event":"resolved"}"#, [1, 0, 0, 0], vec![]),
        (r#"{"source":"inbox"}"#, [0, 0, 0, 1], vec!["no_event"]),
        (r#"{"source":"crm","event":"deal_won"}"#, [1, 0, 0, 0], vec![]),
        (r#"{"source":"platform","number":{"id":"1"}}"#, [1, 0, 0, 0], vec![]),
        (r#"{"source":"platform","template":{"id":7}}"#, [1, 0, 0, 0], vec![]),
        (
            r#"{"source":"platform","number":[],"template":{"id":7}}"#,
            [1, 0, 0, 0],
            vec![],
        ),
        (r#"{"source":"platform"}"#, [0, 0, 0, 1], vec!["no_number_or_template"]),
        (
            r#"{"source":"platform","number":"1","template":null}"#,
            [0, 0, 0, 1],
            vec!["no_number_or_template"],
        ),
        (
            r#"{"source":"platform","number":{"id":"1"},"template":{"id":"7"}}"#,
            [0, 0, 0, 1],
            vec!["number_and_template"],
        ),
        (
            r#"{"source":"platform","number":{"quality_rating":"GREEN"}}"#,
            [0, 0, 0, 1],
            vec!["no_number_id"],
        ),
        (
            r#"{"source":"platform","template":{"id":"","name":"promo"}}"#,
            [0, 0, 0, 1],
            vec!["no_template_id"],
        ),
        (
            r#"{"source":"clock","at":"2026-05-04T00:00:00Z"}"#,
            [1, 0, 0, 0],
            vec![],
        ),
        (r#"{"source":"clock"}"#, [0, 0, 0, 1], vec!["no_time"]),
        (
            r#"{"source":"outbound","message_id":"m","at":"yesterday"}"#,
            [0, 0, 0, 1],
            vec!["bad_time"],
        ),
        (
            r#"{"source":"outbound","message_id":"m","text":"\ud83d"}"#,
            [1, 0, 0, 0],
            vec![],
        ),
    ] {
        let run = lines(line);
        assert_eq!((run.outcomes(), run.reasons()), (outcomes, reasons), "{line}");
        assert_eq!((run.count("deliveries", ""), run.count("lines", "")), (0, 1), "{line}");
    }
}

/// The time that a line announces.
fn advanced(line: &str) -> Option<i64> {
    let mut context = Context::default();
    let mut normalize = hilo_normalize::Normalize::new(Arc::new(support::tenants()));
    normalize.process(&support::records(line)[0], &mut context).unwrap();
    context.advance_to
}

#[test]
fn a_line_that_its_receipt_contradicts_is_from_the_future() {
    let line = |source: &str, at: &str, more: &str| {
        format!(r#"{{"source":"{source}","tenant":"acme","received_at":"2026-05-04T13:00:00Z","at":"{at}"{more}}}"#)
    };
    let kinds = [
        ("outbound", r#","message_id":"m1","to":{"phone":"+56961234567"}"#),
        ("inbox", r#","event":"resolved","user":{"phone":"+56961234567"}"#),
        ("crm", r#","system":"hubspot","event":"deal_won""#),
        ("platform", r#","number":{"id":"1","quality_rating":"GREEN"}"#),
        (
            "identity",
            r#","event":"merge","user":{"phone":"+56961234567"},"other":{"user_id":"CL.1"},"actor":"ana""#,
        ),
    ];
    for (source, more) in kinds {
        for (at, dead) in [
            ("2026-05-04T13:05:00Z", 0),
            ("2026-05-04T13:05:01Z", 1),
            ("2056-01-01T00:00:00Z", 1),
        ] {
            let run = lines(&line(source, at, more));
            assert_eq!(run.count("items", "dead_letter"), dead, "{source} {at}");
            assert_eq!(
                run.count("dead_letter_reasons", "from_the_future"),
                dead,
                "{source} {at}"
            );
            assert_eq!(run.count("fanned_out", ""), 1);
        }
    }
    // Time is the same for all: a clock line moves it to its receipt and a minute beyond, whatever it says.
    for (at, moved) in [
        ("2026-05-04T12:59:00Z", -60),
        ("2026-05-04T13:01:00Z", 60),
        ("2056-01-01T00:00:00Z", 60),
    ] {
        assert_eq!(
            advanced(&line("clock", at, "")),
            Some(1_777_899_600_000 + moved * 1_000),
            "{at}"
        );
    }
    let unreceived = r#"{"source":"clock","at":"2056-01-01T00:00:00Z"}"#;
    assert_eq!(advanced(unreceived), Some(2_713_910_400_000));
}

/// 3 MB of `{},` were a million dead letters.
#[test]
fn a_body_of_too_many_items_is_one_dead_letter_with_its_bytes_once() {
    let change = |list: &str, element: &str, count: usize| {
        let elements = vec![element; count].join(",");
        body("messages", &format!(r#"{{"{list}":[{elements}]}}"#))
    };
    for (list, element) in [
        ("messages", "{}"),
        ("statuses", "0"),
        ("history", "{}"),
        ("errors", "{}"),
    ] {
        let run = lines(&change(list, element, 10_000));
        assert_eq!(run.count("fanned_out", ""), 10_000);
        let large = change(list, element, 10_001);
        let run = lines(&large);
        let counts = [
            ("lines", ""),
            ("deliveries", ""),
            ("fanned_out", ""),
            ("items", "dead_letter"),
        ];
        for (name, label) in counts.into_iter().chain([("dead_letter_reasons", "too_many_items")]) {
            assert_eq!(run.count(name, label), 1, "{list}: {name}");
        }
        assert_eq!(run.dead.len(), 1);
        assert_eq!(run.dead[0].original, large.as_bytes());
        assert!(run.dead[0].detail.contains("10001 items"), "{}", run.dead[0].detail);
    }
}

#[test]
fn event_times_are_inherited() {
    const RECEIVED: i64 = 1_777_899_601_000;
    let at = |lines: &str| -> Vec<i64> {
        support::lines(lines)
            .items
            .iter()
            .map(|item| item.event_time / 1000)
            .collect()
    };
    let timed = |time: &str, field: &str, value: &str| {
        entries(&format!(
            r#"[{{"id":"310"{time},"changes":[{{"field":"{field}","value":{value}}}]}}]"#
        ))
    };
    let two = r#"{"messages":[{"id":"a","timestamp":"200"},{"id":"b","timestamp":300},{"id":"c"},{"id":"d","timestamp":"x"}]}"#;
    assert_eq!(
        at(&timed("", "messages", two)),
        [200, 300, 200, 200],
        "the smallest of the value"
    );
    assert_eq!(
        at(&timed(r#","time":100"#, "messages", two)),
        [200, 300, 100, 100],
        "the entry's first"
    );
    assert_eq!(at(&timed(r#","time":"100""#, "messages", r#"{"errors":[{}]}"#)), [100]);
    let beside = r#"{"statuses":[{"id":"a","status":"sent","timestamp":"250"}],"errors":[{}]}"#;
    assert_eq!(at(&timed("", "messages", beside)), [250, 250]);
    assert_eq!(at(&timed("", "messages", r#"{"errors":[{}]}"#)), [RECEIVED / 1000]);
    assert_eq!(at(&timed("", "account_update", r#"{"event":"X"}"#)), [RECEIVED / 1000]);
    assert_eq!(
        at(&timed(
            r#","time":7"#,
            "account_settings_update",
            r#"{"type":"x","timestamp":"9"}"#
        )),
        [9]
    );
    let synced = r#"{"state_sync":[{"metadata":{"timestamp":"40"}},{}]}"#;
    assert_eq!(at(&timed("", "smb_app_state_sync", synced)), [40, 40]);
    let told = r#"{"history":[{"threads":[{"messages":[{"id":"a","timestamp":"60"},{"id":"b"}]}]}]}"#;
    assert_eq!(at(&timed("", "history", told)), [60, 60]);
    assert_eq!(
        at(&body("messages", r#"{"messages":[{"id":"a"}]}"#)),
        [0],
        "nothing says when: 1970"
    );
    let run = lines(&timed(r#","time":100"#, "mood_update", "{}"));
    assert_eq!(run.unclassified[0].event_time, 100_000);
    let run = lines(&timed("", "messages", "7"));
    assert_eq!(run.unclassified[0].event_time, RECEIVED);
}

#[test]
fn a_batch_split_into_deliveries_has_the_same_items() {
    let elements: Vec<String> = (0..40)
        .map(|n| {
            format!(
                r#"{{"id":"m{}","from":"569612345{:02}","timestamp":"{n}"}}"#,
                n / 2,
                n % 7
            )
        })
        .collect();
    let whole = lines(&line(
        "messages",
        &format!(r#"{{"messages":[{}]}}"#, elements.join(",")),
    ));
    let split: Vec<String> = elements
        .iter()
        .map(|one| line("messages", &format!(r#"{{"messages":[{one}]}}"#)))
        .collect();
    let split = lines(&split.join("\n"));
    assert_eq!(whole.outcomes(), [20, 20, 0, 0]);
    assert_eq!(whole.outcomes(), split.outcomes());
    let told = |run: &support::Run| -> Vec<_> {
        run.items
            .iter()
            .map(|item| {
                (
                    item.key.clone(),
                    item.event_time,
                    item.body.clone(),
                    item.sightings.clone(),
                )
            })
            .collect()
    };
    assert_eq!(told(&whole), told(&split));
}

#[test]
fn words_that_nobody_knows_are_facts_and_counted_once() {
    let hologram =
        r#"{"from":"56961234567","id":"h1","timestamp":"1777899600","type":"hologram","hologram":{"depth":3}}"#;
    let all = [
        line("messages", &format!(r#"{{"messages":[{hologram},{MESSAGE}]}}"#)),
        line("messages", &format!(r#"{{"messages":[{hologram}]}}"#)),
        line(
            "messages",
            r#"{"statuses":[{"id":"m","status":"savoured","timestamp":"1"}]}"#,
        ),
        line("account_update", r#"{"event":"ACCOUNT_SOMETHING"}"#),
        line(
            "message_template_status_update",
            r#"{"event":"SLEEPING","message_template_id":1}"#,
        ),
        line("tracking_events", "{}"),
        line("messages", "null"),
    ];
    let run = lines(&all.join("\n"));
    assert_eq!(run.outcomes(), [5, 1, 2, 0]);
    for (word, count) in [
        ("message_type", 1),
        ("status", 1),
        ("account_event", 1),
        ("template_event", 1),
    ] {
        assert_eq!(run.count("unknown_words", word), count, "{word}");
    }
    for reason in ["unknown_field", "no_value"] {
        assert_eq!(run.count("unclassified_reasons", reason), 1, "{reason}");
    }
    let item = run.items.iter().find(|item| item.content.contains("hologram")).unwrap();
    assert!(item.content.contains(r#""hologram":{"depth":3}"#), "it is kept whole");
}

#[test]
fn older_statuses_have_their_pricing_in_the_conversation_and_details_beside_the_code() {
    let run = lines(
        &line(
            "messages",
            r#"{"statuses":[{"id":"a","status":"failed","conversation":{"id":"c","pricing":{"pricing_model":"CBP","category":"utility"}},
            "errors":[{"code":131026,"title":"Undeliverable","details":"no account"}]}]}"#,
        )
        .replace('\n', ""),
    );
    let Body::Status(status) = &run.item().body else {
        panic!()
    };
    let pricing = status.pricing.as_ref().unwrap();
    assert_eq!(
        (pricing.model.as_deref(), pricing.category.as_deref()),
        (Some("CBP"), Some("utility"))
    );
    assert_eq!(status.errors[0].details.as_deref(), Some("no account"));
}
