//! Small captures that once ended in facts that mean the wrong thing give their right values, in any order and
//! repetition of their lines, and over partitions.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod beside;
mod over_partitions;

use beside::beside;
use hilo::{replay, topology::Tenants};
use over_partitions::{difference, partitioned, replayed};
use rusqlite::Connection;
use serde_json::{Value, json};
use std::{fs, path::Path};

/// What a replay of some lines writes.
struct Replayed {
    summary: Value,
    folder: tempfile::TempDir,
}

impl Replayed {
    fn of(capture: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        replay::replay(&[capture.to_owned()], folder.path(), &Tenants::default()).unwrap();
        let summary = fs::read_to_string(folder.path().join("summary.json")).unwrap();
        Self {
            summary: serde_json::from_str(&summary).unwrap(),
            folder,
        }
    }

    fn lines(&self, name: &str) -> Vec<Value> {
        fs::read_to_string(self.folder.path().join(name))
            .unwrap()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    fn counts<const N: usize>(&self, names: [&str; N]) -> [u64; N] {
        names.map(|name| self.summary[name].as_u64().unwrap())
    }

    /// Rows of a metric over all input.
    fn rows(&self, metric: &str) -> Vec<Value> {
        let mut rows = self.lines("metrics.ndjson");
        rows.retain(|row| row["metric"] == metric && row["window"].is_null() && row["count"] != 0);
        rows
    }

    /// Numerator and denominator of the row with these dimensions.
    fn row(&self, metric: &str, dimensions: &Value) -> Option<(u64, u64)> {
        let row = self
            .rows(metric)
            .into_iter()
            .find(|row| row["dimensions"] == *dimensions)?;
        Some((row["numerator"].as_u64()?, row["denominator"].as_u64()?))
    }

    /// Rows of the golden record, each value as text, nothing as `-`.
    fn golden(&self, sql: &str) -> Vec<String> {
        let golden = Connection::open(self.folder.path().join("golden.db")).unwrap();
        let mut statement = golden.prepare(sql).unwrap();
        let columns = statement.column_count();
        let rows = statement.query_map([], |row| {
            let text = |column| -> rusqlite::Result<String> {
                Ok(match row.get::<_, rusqlite::types::Value>(column)? {
                    rusqlite::types::Value::Null => "-".to_owned(),
                    rusqlite::types::Value::Integer(number) => number.to_string(),
                    rusqlite::types::Value::Text(text) => text,
                    other => format!("{other:?}"),
                })
            };
            Ok((0..columns).map(text).collect::<Result<Vec<_>, _>>()?.join(" | "))
        });
        rows.unwrap().map(Result::unwrap).collect()
    }
}

fn a_reaction_is_no_answer(found: &Replayed) {
    assert_eq!(found.row("unanswered", &json!({})), Some((3, 3)));
    for none in [
        "frt_human_seconds",
        "frt_any_seconds",
        "reply_time_seconds",
        "handle_active_seconds",
        "bot_containment_rate",
        "bot_escalation_rate",
        "delivery_rate",
        "failure_rate",
        "reply_rate",
    ] {
        assert_eq!(found.rows(none), Vec::<Value>::new(), "{none}");
    }
    assert_eq!(
        found.counts(["sessions", "messages_received", "messages_sent"]),
        [3, 3, 3]
    );
}

fn automatic_call_permission(found: &Replayed) {
    assert_eq!(found.counts(["sessions", "messages_received"]), [0, 1]);
    assert!(found.rows("unanswered").is_empty());
    let facts = found.lines("conversation.ndjson");
    assert!(
        facts
            .iter()
            .any(|fact| fact["message_type"] == "interactive" && fact["details"].is_object())
    );
}

fn category_is_the_platforms(found: &Replayed) {
    let marketing = json!({"category": "marketing"});
    assert_eq!(found.row("delivery_rate", &marketing), Some((4, 4)));
    assert_eq!(found.row("opt_out_rate", &json!({"campaign": "aviso"})), Some((1, 4)));
    let unattributed = |row: &Value| row["dimensions"]["attribution"].is_string();
    assert!(!found.rows("opt_out_rate").iter().any(unattributed));
}

fn edits_and_revocations_in_the_record(found: &Replayed) {
    let messages = "SELECT message_id, text, edited_at, revoked_at FROM messages ORDER BY message_id";
    assert_eq!(
        found.golden(messages),
        [
            "wamid.ED1 | Quiero 20 cajas | 1788000060000 | -",
            "wamid.ED3 | - | - | 1788000130000",
            "wamid.ED5 | - | - | 1788000150000",
            "wamid.ED8 | Perdón, mañana | - | -",
        ]
    );
    assert_eq!(found.golden("SELECT messages FROM conversations"), ["4"]);
}

fn group_send_one_of_three_fails(found: &Replayed) {
    assert_eq!(found.lines("state/messages.ndjson")[0]["effective_status"], "read");
    assert_eq!(found.row("delivery_rate", &json!({})), Some((1, 1)));
    assert_eq!(found.row("failure_rate", &json!({})), Some((0, 1)));
    let facts = found.lines("status.ndjson");
    assert!(
        facts
            .iter()
            .any(|fact| fact["participant"].is_string() && fact["status"] == "failed")
    );
}

fn history_media_is_history(found: &Replayed) {
    assert_eq!(
        found.counts(["sessions", "messages_received", "messages_history"]),
        [0, 0, 2]
    );
    assert!(found.rows("unanswered").is_empty());
    assert_eq!(found.golden("SELECT * FROM windows"), [""; 0]);
    let messages = found.lines("state/messages.ndjson");
    let of = |id: &str| messages.iter().find(|row| row["message_id"] == id).unwrap();
    assert_eq!(of("wamid.HM1")["type"], "image");
}

fn numbering_plan_change(found: &Replayed) {
    assert_eq!(found.counts(["persons", "sessions"]), [2, 2]);
    let rows = found.rows("frt_human_seconds");
    let all = rows.iter().find(|row| row["dimensions"] == json!({})).unwrap();
    assert_eq!(
        [&all["count"], &all["p50"], &all["p90"]].map(Value::as_f64),
        [Some(2.0), Some(90.0), Some(90.0)]
    );
    assert_eq!(found.row("unanswered", &json!({})), Some((0, 2)));
}

fn opt_out_words(found: &Replayed) {
    let withdrawn = "SELECT state, count(DISTINCT person_id) FROM consents GROUP BY state";
    assert_eq!(found.golden(withdrawn), ["withdrawn | 8"]);
    let marketing = json!({"category": "marketing"});
    assert_eq!(found.row("reply_rate", &marketing), Some((0, 8)));
    assert_eq!(found.row("opt_out_rate", &marketing), Some((8, 8)));
}

fn window_of_a_merged_person(found: &Replayed) {
    assert_eq!(found.counts(["persons"]), [1]);
    // As of the last line, 2026-08-29T10:41:00Z.
    let open =
        "SELECT identifier_kind, identifier, window_expires_at FROM windows WHERE window_expires_at > 1788000060000";
    assert_eq!(found.golden(open), ["bsuid | CL.990102 | 1788086400000"]);
}

type Check = fn(&Replayed);

const CASES: [(&str, Check); 9] = [
    ("a-reaction-is-no-answer", a_reaction_is_no_answer),
    ("automatic-call-permission", automatic_call_permission),
    ("category-is-the-platforms", category_is_the_platforms),
    (
        "edits-and-revocations-in-the-record",
        edits_and_revocations_in_the_record,
    ),
    ("group-send-one-of-three-fails", group_send_one_of_three_fails),
    ("history-media-is-history", history_media_is_history),
    ("numbering-plan-change", numbering_plan_change),
    ("opt-out-words", opt_out_words),
    ("window-of-a-merged-person", window_of_a_merged_person),
];

/// The lines of a case: forwards, backwards, and each twice.
fn orders(lines: &[&str]) -> [(&'static str, String); 3] {
    let backwards: Vec<&str> = lines.iter().rev().copied().collect();
    let doubled = [lines, lines].concat();
    [
        ("forwards", lines.join("\n")),
        ("backwards", backwards.join("\n")),
        ("doubled", doubled.join("\n")),
    ]
}

#[test]
fn each_case_gives_its_values_in_any_order_and_over_partitions() {
    let Some(folder) = beside("cases") else { return };
    let work = tempfile::tempdir().unwrap();
    let mut wrong = Vec::new();
    for (name, check) in CASES {
        let text = fs::read_to_string(folder.join(format!("{name}.ndjson"))).unwrap();
        let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
        for (order, text) in orders(&lines) {
            let capture = work.path().join("capture.ndjson");
            fs::write(&capture, text).unwrap();
            let found = Replayed::of(&capture);
            let holds = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| check(&found)));
            if holds.is_err() {
                wrong.push(format!("{name}, {order}"));
            }
            let alone = replayed(&capture);
            for (partitions, seed) in [(2, 1), (5, 2)] {
                if let Some(difference) = difference(&alone, &partitioned(&capture, partitions, seed)) {
                    wrong.push(format!("{name}, {order}, over {partitions} partitions: {difference}"));
                }
            }
        }
    }
    assert_eq!(wrong, [""; 0]);
}
