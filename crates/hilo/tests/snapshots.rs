//! Polled snapshots of numbers and templates, from the line to the numbers and to questions as of a time.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod command;

use command::{done, write};
use serde_json::{Value, json};
use std::{fs, path::Path};

fn platform(at: &str, more: &Value) -> Value {
    let mut line = json!({"source": "platform", "tenant": "acme", "at": at, "waba_id": "310"});
    line.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    line
}

fn number(at: &str, rating: &str, limit: &str) -> Value {
    platform(
        at,
        &json!({"portfolio_id": "900", "number": {"id": "210", "display_phone_number": "+56 2 2987 6543", "quality_rating": rating,
            "whatsapp_business_manager_messaging_limit": limit, "throughput": {"level": "STANDARD"}, "status": "CONNECTED"}}),
    )
}

/// A number that was GREEN, then RED, then unrated in an account whose owner the poll does not name; a template of which an
/// event and a snapshot tell; what says nothing.
fn lines() -> Vec<Value> {
    let quality = json!({"message_template_id": 7001, "message_template_name": "promo", "message_template_language": "es",
        "previous_quality_score": "GREEN", "new_quality_score": "YELLOW"});
    vec![
        number("2026-05-04T09:30:00Z", "GREEN", "TIER_2K"),
        number("2026-05-04T12:30:00Z", "RED", "TIER_10K"),
        platform(
            "2026-05-05T10:00:00Z",
            &json!({"number": {"id": "210", "quality_rating": "UNKNOWN", "messaging_limit_tier": "TIER_NOT_SET"}}),
        ),
        json!({"source": "whatsapp", "tenant": "acme", "received_at": "2026-05-04T10:00:01Z", "body": {
            "object": "whatsapp_business_account", "entry": [{"id": "310", "time": 1_777_888_800, "changes": [
                {"field": "message_template_quality_update", "value": quality}]}]}}),
        platform(
            "2026-05-04T11:00:00Z",
            &json!({"template": {"id": "7001", "name": "promo", "language": "es", "status": "APPROVED",
                "quality_score": {"score": "GREEN", "date": 1_777_880_000}}}),
        ),
        // Of the quality it says nothing, and the one before stays.
        platform(
            "2026-05-04T13:00:00Z",
            &json!({"template": {"id": "7001", "name": "promo", "language": "es", "status": "PAUSED"}}),
        ),
        platform("2026-05-04T13:00:00Z", &json!({"number": {"quality_rating": "RED"}})),
        platform("2026-05-04T13:00:00Z", &json!({"portfolio_id": "900"})),
    ]
}

/// Replays lines into `out`.
fn replay(lines: &[Value], out: &Path) -> Value {
    let capture = out.with_extension("ndjson");
    write(&capture, lines);
    let arguments = [
        "replay",
        "--in",
        capture.to_str().unwrap(),
        "--out",
        out.to_str().unwrap(),
        "--json",
    ];
    serde_json::from_str(&done(&arguments)).unwrap()
}

/// Rows of both metrics: name, start of the window, dimensions; value and count.
fn rows(out: &Path) -> Vec<String> {
    let text = fs::read_to_string(out.join("metrics.ndjson")).unwrap();
    let rows = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let mut told: Vec<String> = rows
        .filter(|row| ["quality_rating", "messaging_limit"].contains(&row["metric"].as_str().unwrap()))
        .map(|row| {
            let window = match (&row["window"]["start"], &row["window"]["end"]) {
                (Value::String(start), Value::String(end)) => format!("{}..{}", &start[5..16], &end[5..16]),
                _ => "all".to_owned(),
            };
            let metric = row["metric"].as_str().unwrap();
            format!(
                "{metric} {window} {} = {} of {}",
                row["dimensions"], row["value"], row["count"]
            )
        })
        .collect();
    told.sort();
    told
}

#[test]
fn what_was_polled_is_a_number_and_a_limit_in_any_order() {
    let folder = tempfile::tempdir().unwrap();
    let lines = lines();
    let reversed: Vec<Value> = lines.iter().rev().cloned().collect();
    let out = folder.path().join("reversed");
    let summary = replay(&reversed, &out);
    assert_eq!(
        summary["outcomes"],
        json!({"emitted": 6, "duplicate": 0, "unclassified": 0, "dead_letter": 2})
    );
    assert_eq!(
        summary["dead_letter_reasons"],
        json!({"no_number_id": 1, "no_number_or_template": 1})
    );
    let told = rows(&out);
    let all = |metric: &str| -> Vec<&str> {
        let all = format!("{metric} all ");
        told.iter().filter_map(|row| row.strip_prefix(&all)).collect()
    };
    assert_eq!(
        all("quality_rating"),
        [
            r#"{"rating":"GREEN","subject_id":"7001","subject_kind":"template"} = 3 of 2"#,
            r#"{"rating":"UNKNOWN","subject_id":"210","subject_kind":"phone_number"} = null of 3"#,
        ]
    );
    // The last one says nothing of whose its account is; the others do.
    assert_eq!(all("messaging_limit"), [r#"{"portfolio_id":"900"} = null of 3"#]);
    for row in [
        r#"quality_rating 05-04T00:00..05-05T00:00 {"rating":"RED","subject_id":"210","subject_kind":"phone_number"} = 1 of 2"#,
        r#"quality_rating 05-04T09:00..05-04T10:00 {"rating":"GREEN","subject_id":"210","subject_kind":"phone_number"} = 3 of 1"#,
        r#"messaging_limit 05-04T09:00..05-04T10:00 {"portfolio_id":"900"} = 2000 of 1"#,
    ] {
        assert!(told.iter().any(|one| one == row), "{row}: {told:#?}");
    }
    let forward = folder.path().join("forward");
    replay(&[&lines[..], &reversed[..]].concat(), &forward);
    assert_eq!(rows(&forward), told);
}

#[test]
fn a_question_as_of_a_time_is_answered_by_the_snapshot_before_it() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let reversed: Vec<Value> = lines().into_iter().rev().collect();
    replay(&reversed, &out);
    let asked = |more: &[&str]| -> Vec<String> {
        let text = done(&[&["account", "--json", "--data-dir", out.to_str().unwrap()], more].concat());
        let states = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let told = |state: Value| {
            format!(
                "{} {} {} of {} {} at {}",
                state["kind"].as_str().unwrap(),
                state["quality"],
                state["limit"],
                state["portfolio_id"],
                state["attributes"]["status"],
                &state["event_time"].as_str().unwrap()[5..16]
            )
        };
        states.map(told).collect()
    };
    let green = r#"number_snapshot "GREEN" 2000 of "900" "CONNECTED" at 05-04T09:30"#;
    let red = r#"number_snapshot "RED" 10000 of "900" "CONNECTED" at 05-04T12:30"#;
    let unrated = r#"number_snapshot "UNKNOWN" null of "900" null at 05-05T10:00"#;
    assert_eq!(asked(&["210", "--as-of", "2026-05-04T09:00:00Z"]), [""; 0]);
    assert_eq!(asked(&["210", "--as-of", "2026-05-04T12:00:00Z"]), [green]);
    assert_eq!(asked(&["210", "--as-of", "2026-05-04T12:30:00Z"]), [red]);
    assert_eq!(asked(&["210"]), [unrated]);
    assert_eq!(asked(&["210", "--history"]), [green, red, unrated]);
    let event = r#"template_quality "YELLOW" null of null null at 05-04T10:00"#;
    assert_eq!(asked(&["promo", "--as-of", "2026-05-04T09:30:00Z"]), [""; 0]);
    assert_eq!(
        asked(&["promo", "--as-of", "2026-05-04T10:30:00Z"]),
        [event.replace("of null", r#"of "900""#)]
    );
    assert_eq!(
        asked(&["7001"]),
        [
            event.replace("of null", r#"of "900""#).as_str(),
            r#"template_snapshot null null of "900" "PAUSED" at 05-04T13:00"#,
            r#"template_snapshot "GREEN" null of "900" "APPROVED" at 05-04T11:00"#,
        ]
    );
}
