//! The consent ledger from capture lines to the answer of `hilo consent`: every kind of sign, as of a time, across merges,
//! and a chain that shows a change.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod command;

use command::{done, hilo, write};
use serde_json::{Value, json};
use std::{fs, path::Path};

fn seconds(at: &str) -> i64 {
    hilo_domain::time::parse_rfc3339(at).unwrap() / 1_000
}

fn webhook(field: &str, value: &Value) -> Value {
    json!({"source": "whatsapp", "tenant": "acme", "received_at": "2026-05-20T00:00:00Z", "body": {
        "object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [{"field": field, "value": value}]}]}})
}

fn preference(at: &str, value: &str) -> Value {
    webhook(
        "user_preferences",
        &json!({"metadata": {"display_phone_number": "15550783881", "phone_number_id": "2"},
            "user_preferences": [{"wa_id": "56961230001", "user_id": "CL.1", "category": "marketing_messages",
                "value": value, "timestamp": seconds(at)}]}),
    )
}

fn crm(at: &str, event: &str, user: &Value, more: &Value) -> Value {
    let mut line =
        json!({"source": "crm", "tenant": "acme", "system": "hubspot", "at": at, "event": event, "user": user});
    line.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    line
}

fn failed(at: &str, message_id: &str, code: i64, more: &Value) -> Value {
    let mut status = json!({"id": message_id, "status": "failed", "timestamp": seconds(at).to_string(),
        "errors": [{"code": code, "title": "x"}]});
    status
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    webhook(
        "messages",
        &json!({"metadata": {"display_phone_number": "15550783881", "phone_number_id": "2"}, "statuses": [status]}),
    )
}

/// One person by user id and number who agrees, is blocked, is let go, and says "baja"; another to whom a send is refused,
/// and one more send that another tool made.
fn history() -> Vec<Value> {
    let phone = json!({"phone": "+56961230001"});
    vec![
        crm(
            "2026-05-01T10:00:00Z",
            "opt_in",
            &phone,
            &json!({"legal_basis": "consent", "text_version": "v3", "actor": "ana"}),
        ),
        preference("2026-05-02T10:00:00Z", "stop"),
        preference("2026-05-03T10:00:00Z", "resume"),
        webhook(
            "messages",
            &json!({"metadata": {"display_phone_number": "15550783881", "phone_number_id": "2"},
                "contacts": [{"wa_id": "56961230001", "user_id": "CL.1"}],
                "messages": [{"from": "56961230001", "from_user_id": "CL.1", "id": "wamid.stop", "type": "text",
                    "text": {"body": "Baja"}, "timestamp": seconds("2026-05-04T10:00:00Z").to_string()}]}),
        ),
        preference("2026-05-05T10:00:00Z", "resume"),
        crm(
            "2026-05-06T10:00:00Z",
            "consent",
            &phone,
            &json!({"state": "granted", "channel": "email"}),
        ),
        json!({"source": "outbound", "tenant": "acme", "at": "2026-05-07T10:00:00Z", "phone_number_id": "2",
            "message_id": "wamid.out", "to": {"phone": "+56961230002"}, "type": "template",
            "template": {"name": "promo", "language": "es", "category": "marketing"}}),
        failed("2026-05-07T10:00:05Z", "wamid.out", 131_050, &json!({})),
        failed(
            "2026-05-07T10:30:05Z",
            "wamid.other",
            131_026,
            &json!({"recipient_id": "56961230002"}),
        ),
        failed(
            "2026-05-07T10:40:05Z",
            "wamid.other",
            131_050,
            &json!({"recipient_id": "56961230002"}),
        ),
        json!({"source": "clock", "at": "2026-05-08T00:00:00Z"}),
    ]
}

/// The latest entries of the ledger topic of a replay, without what depends on arrival, sorted.
fn replayed(lines: &[Value]) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let capture = folder.path().join("capture.ndjson");
    write(&capture, lines);
    let out = folder.path().join("out");
    done(&[
        "replay",
        "--in",
        capture.to_str().unwrap(),
        "--out",
        out.to_str().unwrap(),
    ]);
    let mut latest = std::collections::BTreeMap::new();
    for line in fs::read_to_string(out.join("consent.ndjson")).unwrap().lines() {
        let fact: Value = serde_json::from_str(line).unwrap();
        latest.insert(format!("{}{}", fact["person_id"], fact["entry_id"]), fact);
    }
    let mut entries: Vec<String> = latest
        .into_values()
        .filter(|fact| fact["kind"] == "entry")
        .map(|fact| {
            format!(
                "{} {} {} {}",
                fact["sequence"], fact["state"], fact["effective"], fact["hash"]
            )
        })
        .collect();
    entries.sort();
    entries
}

#[test]
fn the_ledger_is_the_same_for_every_order_and_repetition() {
    let mut lines = history();
    lines.push(
        json!({"source": "identity", "tenant": "acme", "at": "2026-05-07T12:00:00Z", "event": "merge",
        "user": {"user_id": "CL.1"}, "other": {"phone": "+56961230002"}, "actor": "ana", "reason": "x"}),
    );
    let want = replayed(&lines);
    assert_eq!(want.len(), 8, "{want:#?}");
    for _ in 0..lines.len() {
        lines.rotate_left(1);
        let mut twice: Vec<Value> = lines.iter().rev().cloned().collect();
        twice.extend(lines.iter().take(3).cloned());
        assert_eq!(replayed(&twice), want);
    }
    // Taken back, every entry is with its person again.
    let apart = replayed(&history());
    lines.push(
        json!({"source": "identity", "tenant": "acme", "at": "2026-05-07T13:00:00Z", "event": "unmerge",
        "user": {"user_id": "CL.1"}, "other": {"phone": "+56961230002"}, "actor": "ana", "reason": "x"}),
    );
    assert_eq!(replayed(&lines), apart);
}

#[test]
fn the_command_answers_as_of_a_time_and_across_merges_and_shows_a_change() {
    let folder = tempfile::tempdir().unwrap();
    let capture = folder.path().join("capture.ndjson");
    write(&capture, &history());
    let data = folder.path().join("data");
    let data = data.to_str().unwrap();
    done(&["ingest", capture.to_str().unwrap(), "--data-dir", data]);
    let why = ["--actor", "ana", "--reason", "known", "--data-dir", data];
    let merged = done(&[&["identity", "merge", "CL.1", "+56961230002"], &why[..], &["--json"]].concat());
    let part: Value = serde_json::from_str(&merged).unwrap();
    let part = part["person"]["absorbed"][0]["person_id"].as_str().unwrap();
    done(&[&["identity", "unmerge", "CL.1", part], &why[..]].concat());

    let ask = |id: &str, as_of: &[&str]| -> Value {
        let text = done(&[&["consent", id, "--data-dir", data, "--json"], as_of].concat());
        serde_json::from_str(&text).unwrap()
    };
    let follows = |answer: &Value, channel: &str| -> Option<String> {
        let all = answer["consent"].as_array().unwrap();
        let found = all
            .iter()
            .find(|one| one["channel"] == channel && one["purpose"] == "marketing")?;
        found["effective"].as_str().map(str::to_owned)
    };
    let as_of = |at: &str| follows(&ask("CL.1", &["--as-of", at]), "whatsapp");
    assert_eq!(as_of("2026-04-30T00:00:00Z"), None);
    assert_eq!(as_of("2026-05-01T12:00:00Z").as_deref(), Some("granted"));
    assert_eq!(
        as_of("2026-05-02T12:00:00Z").as_deref(),
        Some("denied"),
        "blocked by the platform"
    );
    assert_eq!(
        as_of("2026-05-03T12:00:00Z").as_deref(),
        Some("granted"),
        "the block is lifted"
    );
    assert_eq!(
        as_of("2026-05-04T12:00:00Z").as_deref(),
        Some("denied"),
        "the person said baja"
    );
    assert_eq!(
        as_of("2026-05-05T12:00:00Z").as_deref(),
        Some("denied"),
        "resume lifts no withdrawal"
    );
    let now = ask("CL.1", &[]);
    assert_eq!(follows(&now, "email").as_deref(), Some("granted"));
    let words: Vec<(&str, &str)> = now["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| (entry["method"].as_str().unwrap(), entry["word"].as_str().unwrap_or("-")))
        .collect();
    assert_eq!(
        words,
        [
            ("crm", "-"),
            ("user_preferences", "stop"),
            ("user_preferences", "resume"),
            ("keyword", "baja"),
            ("user_preferences", "resume"),
            ("crm", "-"),
        ]
    );
    assert_eq!(now["chain"]["is_whole"], true);
    let refused = ask("56961230002", &[]);
    for (entry, given_at) in [(0, "2026-05-07T10:00:05Z"), (1, "2026-05-07T10:40:05Z")] {
        let entry = &refused["entries"][entry];
        assert_eq!(
            (&entry["word"], &entry["event_time"]),
            (&json!("131050"), &json!(given_at))
        );
    }
    assert_eq!(follows(&refused, "whatsapp").as_deref(), Some("denied"));

    let whole: Value = serde_json::from_str(&done(&["consent", "--data-dir", data, "--json"])).unwrap();
    assert_eq!(whole, json!({"people": 2, "entries": 8, "broken": 0}));
    let golden = rusqlite::Connection::open(Path::new(data).join("golden.db")).unwrap();
    golden
        .execute(
            "UPDATE consent_entries SET state = 'granted' WHERE method = 'keyword'",
            [],
        )
        .unwrap();
    let changed = hilo(&["consent", "CL.1", "--data-dir", data]);
    assert_eq!(changed.status.code(), Some(1));
    let text = String::from_utf8_lossy(&changed.stdout).into_owned();
    assert!(
        text.contains("BROKEN") && text.contains("is not what was written"),
        "{text}"
    );
}
