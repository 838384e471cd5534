//! Decisions about who is who, by the commands that a user types and as lines of a capture: what follows from them, and
//! that what is taken back never was.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod command;

use command::{done, hilo, write};
use serde_json::{Value, json};
use std::{collections::BTreeMap, fs, path::Path};

fn message(at: &str, id: &str, who: &Value) -> Value {
    let mut contact = json!({"profile": {"name": "Ana"}});
    let mut text = json!({"id": id, "type": "text", "text": {"body": "hola"}, "timestamp": seconds(at)});
    if let Some(user) = who.get("user_id") {
        contact["user_id"] = user.clone();
        text["from_user_id"] = user.clone();
    }
    if let Some(wa_id) = who.get("wa_id") {
        contact["wa_id"] = wa_id.clone();
        text["from"] = wa_id.clone();
    }
    json!({"source": "whatsapp", "tenant": "acme", "received_at": at, "body": {
        "object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [{"field": "messages", "value": {
            "metadata": {"display_phone_number": "15550783881", "phone_number_id": "2"},
            "contacts": [contact], "messages": [text],
        }}]}]
    }})
}

fn seconds(at: &str) -> String {
    (hilo_domain::time::parse_rfc3339(at).unwrap() / 1_000).to_string()
}

fn decision(at: &str, event: &str, user: &Value, other: &Value) -> Value {
    json!({"source": "identity", "tenant": "acme", "at": at, "event": event, "user": user, "other": other,
        "actor": "ana", "reason": "asked"})
}

/// Two people who write within an hour of one another, and one more.
fn history() -> Vec<Value> {
    let (one, two) = (json!({"user_id": "CL.1"}), json!({"wa_id": "56961230002"}));
    vec![
        message("2026-05-04T13:00:00Z", "wamid.1", &one),
        message("2026-05-04T13:10:00Z", "wamid.2", &two),
        message("2026-05-04T13:20:00Z", "wamid.3", &one),
        message("2026-05-04T13:30:00Z", "wamid.4", &json!({"wa_id": "5491123456789"})),
        json!({"source": "outbound", "tenant": "acme", "at": "2026-05-04T14:00:00Z", "phone_number_id": "2",
            "message_id": "wamid.5", "to": {"phone": "+541123456789"}, "type": "text",
            "author": {"kind": "agent", "id": "ana"}}),
        json!({"source": "clock", "at": "2026-05-07T00:00:00Z"}),
    ]
}

fn merge() -> Value {
    decision(
        "2026-05-05T10:00:00Z",
        "merge",
        &json!({"user_id": "CL.1"}),
        &json!({"phone": "+56961230002"}),
    )
}

fn unmerge() -> Value {
    decision(
        "2026-05-06T10:00:00Z",
        "unmerge",
        &json!({"phone": "+56961230002"}),
        &json!({"user_id": "CL.1"}),
    )
}

/// Replays lines; gives the state files and the summary.
fn replayed(lines: &[Value]) -> (BTreeMap<&'static str, String>, Value) {
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
    let read = |name: &str| fs::read_to_string(out.join(name)).unwrap();
    let state = ["persons", "sessions", "messages"].map(|name| (name, read(&format!("state/{name}.ndjson"))));
    (state.into(), serde_json::from_str(&read("summary.json")).unwrap())
}

#[test]
fn a_merge_joins_people_and_sessions_and_what_is_taken_back_never_was() {
    let (before, _) = replayed(&history());
    assert_eq!(before["sessions"].lines().count(), 4, "{}", before["sessions"]);
    let mut merged_lines = history();
    merged_lines.push(merge());
    let (merged, summary) = replayed(&merged_lines);
    assert_eq!(summary["persons"], 3, "{}", merged["persons"]);
    let joined = r#""messages":["wamid.1","wamid.2","wamid.3"]"#;
    assert!(merged["sessions"].contains(joined), "{}", merged["sessions"]);
    // Whoever merges them in the CRM decides the same.
    let mut in_crm = history();
    in_crm.push(
        json!({"source": "crm", "tenant": "acme", "at": "2026-05-05T10:00:00Z", "system": "hubspot",
        "event": "contact_merged", "user": {"user_id": "CL.1"}, "other": {"phone": "+56961230002"}}),
    );
    assert_eq!(replayed(&in_crm).0, merged);
    // Taken back, in any order and more than once.
    let mut lines = history();
    lines.extend([merge(), unmerge()]);
    for turn in 0..lines.len() {
        lines.rotate_left(1);
        let mut twice = lines.clone();
        twice.extend(lines.iter().take(turn).rev().cloned());
        let (after, summary) = replayed(&twice);
        assert_eq!(after, before, "turned by {turn}");
        assert_eq!(summary["items"].as_u64(), Some(twice.len() as u64));
    }
    // And a merge in any order is the merge.
    for _ in 0..merged_lines.len() {
        merged_lines.rotate_left(1);
        assert_eq!(replayed(&merged_lines).0, merged);
    }
}

/// Ana changes her number; what was sent to the old one before is received after, and somebody new has that number last.
#[test]
fn a_late_status_tells_of_whom_the_message_was_sent_to() {
    let old = "56961234567";
    let status = |at: &str, name: &str| {
        let mut line = message(at, "x", &json!({}));
        line["body"]["entry"][0]["changes"][0]["value"] = json!({
            "metadata": {"display_phone_number": "15550783881", "phone_number_id": "2"},
            "statuses": [{"id": "wamid.1", "status": name, "timestamp": seconds(at), "recipient_id": old}]});
        line
    };
    let mut change = message("2026-05-04T10:00:00Z", "wamid.2", &json!({"wa_id": old}));
    let changed = &mut change["body"]["entry"][0]["changes"][0]["value"];
    changed.as_object_mut().unwrap().remove("contacts");
    changed["messages"][0]["type"] = "system".into();
    changed["messages"][0]["system"] = json!({"type": "user_changed_number", "wa_id": "56977770010"});
    let mut lines = vec![
        json!({"source": "outbound", "tenant": "acme", "at": "2026-05-04T09:00:00Z", "phone_number_id": "2",
            "message_id": "wamid.1", "to": {"phone": "+56961234567"}, "type": "text"}),
        change,
        status("2026-05-04T10:00:01Z", "sent"),
        status("2026-05-04T10:00:02Z", "delivered"),
    ];
    let ana = r#"{"tenant":"acme","identifiers":[{"kind":"phone","value":"+56977770010"},{"kind":"wa_id","value":"56977770010"}],"former":[{"kind":"phone","value":"+56961234567"},{"kind":"wa_id","value":"56961234567"}],"country":"CL"}"#;
    for _ in 0..lines.len() {
        lines.rotate_left(1);
        assert_eq!(replayed(&lines).0["persons"], format!("{ana}\n"));
    }
    // Whoever writes from the old number is somebody else, and stays so when a status comes still later.
    lines.push(message("2026-05-05T10:00:00Z", "wamid.3", &json!({"wa_id": old})));
    lines.push(status("2026-05-06T10:00:00Z", "read"));
    let other = r#"{"tenant":"acme","identifiers":[{"kind":"phone","value":"+56961234567"},{"kind":"wa_id","value":"56961234567"}],"former":[],"country":"CL"}"#;
    for _ in 0..lines.len() {
        lines.rotate_left(1);
        assert_eq!(replayed(&lines).0["persons"], format!("{other}\n{ana}\n"));
    }
}

#[test]
fn a_decision_that_does_not_say_who_when_and_what_is_a_dead_letter() {
    let user = json!({"user_id": "CL.1"});
    let whole = merge();
    let without = |key: &str| {
        let mut line = whole.clone();
        line.as_object_mut().unwrap().remove(key);
        line
    };
    let mut lines: Vec<Value> = ["at", "actor", "user", "other", "event"].map(without).into();
    lines.push(decision(
        "2026-05-05T10:00:00Z",
        "marry",
        &user,
        &json!({"user_id": "CL.2"}),
    ));
    let (_, summary) = replayed(&lines);
    let reasons = json!({"no_actor": 1, "no_event": 1, "no_person": 2, "no_time": 1, "unknown_event": 1});
    assert_eq!(summary["dead_letter_reasons"], reasons);
}

/// Ana writes from two accounts and gives one e-mail in both; the CRM knows the e-mail too.
#[test]
fn an_email_given_in_a_flow_waits_for_a_decision_and_makes_nobody_one() {
    let answers = |at: &str, id: &str, user_id: &str, answer: &Value| {
        let mut line = message(at, id, &json!({"user_id": user_id}));
        let text = &mut line["body"]["entry"][0]["changes"][0]["value"]["messages"][0];
        text["type"] = "interactive".into();
        text["interactive"] = json!({"type": "nfm_reply", "nfm_reply": {"response_json": answer.to_string()}});
        line
    };
    let flow = [
        answers(
            "2026-05-04T13:00:00Z",
            "wamid.1",
            "CL.1",
            &json!({"flow_token": "t", "email": "Ana@Example.com"}),
        ),
        answers(
            "2026-05-04T13:10:00Z",
            "wamid.2",
            "CL.2",
            &json!({"screen_0_TextInput_0": "ana@example.com"}),
        ),
        json!({"source": "crm", "tenant": "acme", "at": "2026-05-04T13:20:00Z", "system": "hubspot",
            "event": "contact_changed", "contact_id": "512", "user": {"email": "ana@example.com"}}),
    ];
    let persons = replayed(&flow).0["persons"].clone();
    assert_eq!(persons.lines().count(), 2, "{persons}");
    assert!(!persons.contains('@'), "{persons}");

    let folder = tempfile::tempdir().unwrap();
    let capture = folder.path().join("capture.ndjson");
    write(&capture, &flow);
    let data = folder.path().join("data");
    let place = ["--data-dir", data.to_str().unwrap()];
    done(&[&["ingest", capture.to_str().unwrap()], &place[..]].concat());
    let decide = |words: &[&str]| {
        let why = ["--actor", "ana", "--reason", "she said so"];
        done(&[&["identity"], words, &why[..], &place[..]].concat())
    };
    decide(&["reject", "CL.1", "hubspot_id:512"]);
    let masked = done(&[&["identity", "review"], &place[..]].concat());
    assert_eq!(masked.lines().count(), 2, "{masked}");
    assert!(!masked.to_lowercase().contains("ana@"), "{masked}");
    let review = || {
        done(
            &[
                &["identity", "review", "--json", "--reveal", "--reason", "ticket 7"],
                &place[..],
            ]
            .concat(),
        )
    };
    let mut found: Vec<String> = Vec::new();
    for line in review().lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        assert_eq!(
            (&line["rule"], &line["confidence_percent"]),
            (&json!("email"), &json!(70))
        );
        found.push(format!("{} {}", line["blocker"], line["evidence"]));
    }
    found.sort();
    let email = json!({"kind": "email", "value": "ana@example.com"});
    let with_record = json!([email, {"kind": "hubspot_id", "value": "512"}]);
    let expected = [
        format!("\"opposing_user_ids\" {}", json!([email])),
        format!("null {with_record}"),
    ];
    assert_eq!(found, expected);
    // What was decided about one of them holds for the one whom both are.
    decide(&["merge", "CL.1", "CL.2"]);
    assert_eq!(review(), "");
}

#[test]
fn the_commands_suggest_decide_show_and_take_back() {
    let folder = tempfile::tempdir().unwrap();
    let capture = folder.path().join("capture.ndjson");
    let mut lines = history();
    lines.push(
        json!({"source": "crm", "tenant": "acme", "at": "2026-05-04T15:00:00Z", "system": "hubspot",
        "event": "contact_changed", "contact_id": "512", "user": {"phone": "+56961230002"}}),
    );
    write(&capture, &lines);
    let data = folder.path().join("data");
    let data = data.to_str().unwrap();
    done(&["ingest", capture.to_str().unwrap(), "--data-dir", data]);
    let why = ["--actor", "ana", "--reason", "she said so", "--data-dir", data];
    let decide = |words: &[&str]| -> Value {
        let text = done(&[&["identity"], words, &why[..], &["--json"]].concat());
        serde_json::from_str(text.lines().next().unwrap()).unwrap()
    };
    let show = |id: &str| -> Value {
        let text = done(&["identity", "show", id, "--data-dir", data, "--json"]);
        serde_json::from_str(&text).unwrap()
    };
    let review = || -> Vec<Value> {
        let text = done(&["identity", "review", "--data-dir", data, "--json"]);
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };

    let merged = decide(&["merge", "CL.1", "56961230002"]);
    let survivor = merged["person"]["person_id"].as_str().unwrap().to_owned();
    let part = merged["person"]["absorbed"][0]["person_id"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(show(&part)["person_id"].as_str(), Some(survivor.as_str()));
    assert_eq!(merged["person"]["decisions"][0]["ruling"], "merge");

    let rules: Vec<(String, u64)> = review()
        .iter()
        .map(|line| {
            (
                line["rule"].as_str().unwrap().to_owned(),
                line["confidence_percent"].as_u64().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        rules,
        [("crm_phone".to_owned(), 80), ("ar_mobile_prefix".to_owned(), 60)]
    );
    decide(&["merge", "CL.1", "hubspot_id:512"]);
    decide(&["reject", "phone:+5491123456789", "phone:+541123456789"]);
    assert!(review().is_empty());

    let back = decide(&["unmerge", &survivor, &part]);
    assert_eq!(back["decided"], "unmerge");
    let ids: Vec<Value> = ["CL.1", "56961230002"].map(|id| show(id)["person_id"].clone()).into();
    assert!(
        ids.contains(&json!(survivor)) && ids.contains(&json!(part)),
        "{ids:?} {survivor} {part}"
    );

    decide(&["split", "hubspot_id:512", "CL.1"]);
    let refused = hilo(&[&["identity", "merge", "CL.1", "CL.1"], &why[..]].concat());
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("already"));

    // Masked, unless somebody says why, and then it is on record without the id itself.
    let hidden = done(&["identity", "show", "CL.1", "--data-dir", data]);
    assert!(!hidden.contains("CL.1"), "{hidden}");
    assert_eq!(
        hilo(&["identity", "show", "CL.1", "--reveal", "--data-dir", data])
            .status
            .code(),
        Some(2)
    );
    let shown = done(&[
        "identity",
        "show",
        "CL.1",
        "--reveal",
        "--reason",
        "ticket 7",
        "--data-dir",
        data,
    ]);
    assert!(shown.contains("CL.1"), "{shown}");
    let audit: Value =
        serde_json::from_str(&fs::read_to_string(Path::new(data).join("audit.ndjson")).unwrap()).unwrap();
    assert_eq!(
        (&audit["actor"], &audit["reason"]),
        (&json!("tester"), &json!("ticket 7"))
    );
    assert!(audit["at"].is_string() && audit["id_hash"].as_str().is_some_and(|hash| hash.len() == 32));
}
