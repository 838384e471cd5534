//! Deliveries as large as the platform says it makes them: 1,000 updates in one POST, thousands of messages in one chunk of
//! history.

mod support;

use hilo_contracts::item::Body;
use std::fmt::Write as _;
use support::{line, lines};

/// `count` elements, joined.
fn elements(count: usize, element: impl Fn(usize) -> String) -> String {
    (0..count).map(element).collect::<Vec<_>>().join(",")
}

#[test]
fn a_thousand_updates_of_all_kinds_in_one_delivery() {
    let messages = elements(400, |number| {
        format!(
            r#"{{"from":"5696{number:07}","id":"m{number}","timestamp":"1777899600","type":"text","text":{{"body":"{number}"}}}}"#
        )
    });
    let statuses = elements(598, |number| {
        format!(
            r#"{{"id":"s{}","status":"{}","timestamp":"1777899600"}}"#,
            number / 2,
            ["sent", "read"][number % 2]
        )
    });
    let value = format!(r#"{{"messages":[{messages}],"statuses":[{statuses}],"errors":[{{"code":1}},{{"code":2}}]}}"#);
    let run = lines(&line("messages", &value));
    assert_eq!(run.outcomes(), [1_000, 0, 0, 0]);
    let statuses = run.items.iter().filter(|item| matches!(item.body, Body::Status(_)));
    assert_eq!((statuses.count(), run.count("deliveries", "")), (598, 1));
    assert_eq!(run.items.iter().filter(|item| item.has_person).count(), 400);
}

#[test]
fn three_megabytes_of_history() {
    let mut threads = String::new();
    for thread in 0..300 {
        let messages = elements(33, |number| {
            format!(
                r#"{{"from":"5696{thread:07}","id":"h{thread}-{number}","timestamp":"1777{number:06}","type":"text","text":{{"body":"{}"}},"history_context":{{"status":"READ"}}}}"#,
                "ñ".repeat(64)
            )
        });
        let comma = if thread > 0 { "," } else { "" };
        write!(threads, r#"{comma}{{"id":"5696{thread:07}","messages":[{messages}]}}"#).unwrap();
    }
    let value =
        format!(r#"{{"history":[{{"metadata":{{"phase":1,"chunk_order":3,"progress":55}},"threads":[{threads}]}}]}}"#);
    assert!(value.len() > 2_500_000, "{}", value.len());
    let run = lines(&line("history", &value));
    assert_eq!(run.outcomes(), [9_900, 0, 0, 0]);
    assert!(run.items.iter().all(|item| item.has_person));
}
