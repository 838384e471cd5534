//! What a tenant's configuration, words of opt-out and reactions of the business do to what a replay finds, in any order
//! and repetition of the lines.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod beside;
mod command;

use beside::beside;
use command::{done, write};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

/// What a replay wrote.
struct Found {
    summary: Value,
    files: BTreeMap<&'static str, Vec<Value>>,
}

const FILES: [&str; 6] = [
    "consent",
    "unclassified",
    "metrics",
    "state/persons",
    "state/sessions",
    "state/messages",
];

fn replayed(lines: &[Value], config: &str) -> Found {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    write(&at("capture.ndjson"), lines);
    fs::write(at("hilo.toml"), config).unwrap();
    let path = |name: &str| at(name).to_str().unwrap().to_owned();
    let [capture, out, config] = ["capture.ndjson", "out", "hilo.toml"].map(path);
    done(&["replay", "--in", &capture, "--out", &out, "--config", &config]);
    let read = |name: &str| fs::read_to_string(at("out").join(name)).unwrap();
    let parse = |text: &str| serde_json::from_str(text).unwrap();
    Found {
        summary: parse(&read("summary.json")),
        files: FILES
            .map(|name| (name, read(&format!("{name}.ndjson")).lines().map(parse).collect()))
            .into(),
    }
}

/// Whatever the order of the lines, and where each came twice.
fn in_any_order(lines: &[Value], config: &str, holds: impl Fn(&Found)) {
    holds(&replayed(lines, config));
    let backwards: Vec<Value> = lines.iter().rev().cloned().collect();
    holds(&replayed(&backwards, config));
    holds(&replayed(&[&backwards, lines].concat(), config));
}

fn case(name: &str) -> Option<Vec<Value>> {
    let text = fs::read_to_string(beside(name)?).unwrap();
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    Some(lines.map(|line| serde_json::from_str(line).unwrap()).collect())
}

impl Found {
    /// Numerator and denominator of the row over all input.
    fn row(&self, metric: &str, dimensions: &Value) -> Option<(f64, Option<f64>)> {
        let is_row = |row: &&Value| {
            row["metric"] == metric && row["window"].is_null() && row["dimensions"] == *dimensions && row["count"] != 0
        };
        let row = self.files["metrics"].iter().find(is_row)?;
        Some((row["numerator"].as_f64()?, row["denominator"].as_f64()))
    }

    fn has(&self, metric: &str) -> bool {
        let mut rows = self.files["metrics"].iter();
        rows.any(|row| row["metric"] == metric && row["count"] != 0)
    }

    /// Persons whose ledger ends with a withdrawal by these words.
    fn withdrawn(&self) -> BTreeSet<(String, String)> {
        let entries = self.files["consent"]
            .iter()
            .filter(|entry| entry["state"] == "withdrawn");
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        entries
            .map(|entry| (text(&entry["person_id"]), text(&entry["word"])))
            .collect()
    }

    fn values(&self, file: &str, key: &str) -> Vec<&Value> {
        self.files[file].iter().map(|line| &line[key]).collect()
    }
}

const CONFIG: &str = "";

#[test]
fn an_opt_out_in_any_writing_is_one() {
    let Some(lines) = case("cases/opt-out-words.ndjson") else {
        return;
    };
    in_any_order(&lines, CONFIG, |found| {
        let withdrawn = found.withdrawn();
        assert_eq!(withdrawn.len(), 8, "{withdrawn:?}");
        let marketing = json!({"category": "marketing"});
        assert_eq!(found.row("reply_rate", &marketing), Some((0.0, Some(8.0))));
        assert_eq!(found.row("opt_out_rate", &marketing), Some((8.0, Some(8.0))));
    });
}

#[test]
fn a_reaction_of_the_business_answers_nobody() {
    let Some(lines) = case("cases/a-reaction-is-no-answer.ndjson") else {
        return;
    };
    in_any_order(&lines, CONFIG, |found| {
        assert_eq!(found.row("unanswered", &json!({})), Some((3.0, Some(3.0))));
        for metric in [
            "frt_human_seconds",
            "frt_any_seconds",
            "reply_time_seconds",
            "handle_active_seconds",
            "bot_containment_rate",
            "delivery_rate",
            "read_rate",
            "failure_rate",
        ] {
            assert!(!found.has(metric), "{metric}");
        }
        assert_eq!(found.summary["messages_sent"], 3);
        let types = found.values("state/messages", "type");
        assert_eq!(types.iter().filter(|kind| **kind == "reaction").count(), 3);
        // Nothing of the business stands in a session.
        let messages = found.values("state/sessions", "messages");
        assert_eq!(
            messages.iter().map(|ids| ids.as_array().unwrap().len()).sum::<usize>(),
            3
        );
    });
}

const NUMBER: &str = "56229990001";

fn delivery(entry: &str, list: &str, element: &Value) -> Value {
    let field = if list == "message_echoes" {
        "smb_message_echoes"
    } else {
        "messages"
    };
    let value = json!({"metadata": {"display_phone_number": NUMBER, "phone_number_id": "2"}, list: [element]});
    json!({"source": "whatsapp", "tenant": "acme", "received_at": "2026-08-29T20:00:00Z", "body": {
        "object": "whatsapp_business_account", "entry": [{"id": entry, "changes": [{"field": field, "value": value}]}]}})
}

fn said(from: &str, id: &str, at: i64, body: &str) -> Value {
    json!({"from": from, "id": id, "timestamp": at.to_string(), "type": "text", "text": {"body": body}})
}

fn echoed(to: &str, id: &str, at: i64, body: &str) -> Value {
    json!({"from": NUMBER, "to": to, "id": id, "timestamp": at.to_string(), "type": "text", "text": {"body": body}})
}

/// A customer who is greeted by the phone app and then answered; one who wants no more, in the tenant's own word; the
/// business's other number; another's account.
fn day() -> Vec<Value> {
    vec![
        delivery("310", "messages", &said("56955010001", "m1", 1_788_000_000, "hola")),
        delivery(
            "310",
            "message_echoes",
            &echoed("56955010001", "e1", 1_788_000_001, "¡Hola! Ya te leemos 🙂"),
        ),
        delivery(
            "310",
            "message_echoes",
            &echoed("56955010001", "e2", 1_788_000_090, "¡Hola! ¿En qué te ayudo?"),
        ),
        delivery(
            "310",
            "messages",
            &said("56955010002", "m2", 1_788_000_000, "No moléstar."),
        ),
        delivery("310", "messages", &said("56221234567", "m3", 1_788_000_000, "prueba")),
        delivery("999", "messages", &said("56955010003", "m4", 1_788_000_000, "hola")),
    ]
}

#[test]
fn a_replay_reads_items_as_the_tenants_configuration_says() {
    let config = r#"
[tenants.acme]
country = "CL"
own_numbers = ["22 123 4567"]
accounts = ["310"]
auto_replies = ["¡Hola! Ya te leemos 🙂"]
[tenants.acme.opt_out]
words = ["no molestar"]
"#;
    in_any_order(&day(), config, |found| {
        assert_eq!(found.files["state/persons"].len(), 2);
        assert_eq!(found.row("frt_human_seconds", &json!({})), Some((90.0, Some(1.0))));
        let words: Vec<String> = found.withdrawn().into_iter().map(|(_, word)| word).collect();
        assert_eq!(words, ["no molestar"]);
        let reasons: BTreeSet<&str> = found
            .values("unclassified", "reason")
            .iter()
            .filter_map(|reason| reason.as_str())
            .collect();
        assert_eq!(reasons, BTreeSet::from(["foreign_account"]));
        assert_eq!(found.summary["messages_received"], 3);
    });
    in_any_order(&day(), CONFIG, |found| {
        assert_eq!(found.files["state/persons"].len(), 4);
        assert_eq!(found.row("frt_human_seconds", &json!({})), Some((1.0, Some(1.0))));
        assert_eq!((found.withdrawn().len(), found.files["unclassified"].len()), (0, 0));
    });
}
