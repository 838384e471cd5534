//! The pipeline's answer beside the reference's, and the smallest history on which they differ.

use super::{
    metrics::{self, Tie},
    over_partitions::configured,
    state::{self, State},
};
use serde_json::Value;
use std::fs;

/// What the pipeline finds.
pub(crate) struct Found {
    pub(crate) state: State,
    /// `status.ndjson`.
    pub(crate) statuses: String,
    /// The sum of the reasons of dead letters.
    pub(crate) dead_letters: u64,
}

pub(crate) fn pipeline(lines: &[Vec<u8>]) -> Found {
    let folder = tempfile::tempdir().unwrap();
    let capture = folder.path().join("capture.ndjson");
    fs::write(&capture, lines.join(&b'\n')).unwrap();
    let out = folder.path().join("out");
    hilo::replay::replay(&[capture], &out, &configured::tenants()).unwrap();
    let read = |name: &str| fs::read_to_string(out.join(name)).unwrap();
    let mut summary: Value = serde_json::from_str(&read("summary.json")).unwrap();
    let reasons = summary.as_object_mut().unwrap().remove("dead_letter_reasons").unwrap();
    Found {
        state: State {
            summary,
            messages: read("state/messages.ndjson"),
            sessions: read("state/sessions.ndjson"),
            persons: read("state/persons.ndjson"),
            metrics: metrics::of_pipeline(&read("metrics.ndjson")),
        },
        statuses: read("status.ndjson"),
        dead_letters: reasons.as_object().unwrap().values().filter_map(Value::as_u64).sum(),
    }
}

/// The difference of both answers as text; nothing where they agree.
pub(crate) fn difference(lines: &[Vec<u8>]) -> Option<String> {
    let found = pipeline(lines).state;
    let differs = |tie| between(&state::of(lines, tie), &found);
    differs(Tie::Least).filter(|_| differs(Tie::Greatest).is_some())
}

/// The difference of two states as text.
pub(crate) fn between(want: &State, got: &State) -> Option<String> {
    if want == got {
        return None;
    }
    let mut text = String::new();
    if want.summary != got.summary {
        text = format!("summary\n  wanted {}\n  found  {}\n", want.summary, got.summary);
    }
    for (name, want, got) in [
        ("messages", &want.messages, &got.messages),
        ("sessions", &want.sessions, &got.sessions),
        ("persons", &want.persons, &got.persons),
        ("metrics", &want.metrics, &got.metrics),
    ] {
        let only = |one: &str, other: &str| -> String {
            let only = one.lines().filter(|line| !other.lines().any(|theirs| theirs == *line));
            only.flat_map(|line| ["    ", line, "\n"]).collect()
        };
        if want != got {
            let parts = [
                name,
                "
  wanted
",
                &only(want, got),
                "  found
",
                &only(got, want),
            ];
            text.extend(parts);
        }
    }
    Some(text)
}

/// The smallest history found that still `fails`: lines go, then parts of their JSON.
pub(crate) fn shrink(lines: &[Vec<u8>], fails: &dyn Fn(&[Vec<u8>]) -> bool) -> Vec<Vec<u8>> {
    let mut best = lines.to_vec();
    loop {
        let before = best.clone();
        let mut size = best.len().div_ceil(2);
        while size > 0 {
            let mut at = 0;
            while at < best.len() {
                let mut fewer = best.clone();
                fewer.drain(at..(at + size).min(best.len()));
                if fails(&fewer) {
                    best = fewer;
                } else {
                    at += size;
                }
            }
            size /= 2;
        }
        for at in 0..best.len() {
            let Ok(value) = serde_json::from_slice::<Value>(&best[at]) else {
                continue;
            };
            let mut value = value;
            let mut place = 0;
            while let Some(smaller) = without(&value, &mut place.clone()) {
                let mut candidate = best.clone();
                candidate[at] = smaller.to_string().into_bytes();
                if smaller != value && fails(&candidate) {
                    best = candidate;
                    value = smaller;
                } else {
                    place += 1;
                }
            }
        }
        if best == before {
            return best;
        }
    }
}

/// Keys without which a line is another story.
const KEPT: &[&str] = &[
    "source",
    "at",
    "event",
    "id",
    "message_id",
    "type",
    "status",
    "timestamp",
    "metadata",
    "phone_number_id",
    "field",
    "value",
    "display_phone_number",
    "changes",
    "entry",
    "object",
    "body",
    "messages",
    "statuses",
    "message_echoes",
    "author",
    "kind",
    "from",
    "to",
    "direction",
    "system",
    "user_id_update",
    "previous",
    "current",
    "template",
    "name",
];

/// The value without its part number `place`, counted depth first; nothing when it has no such part.
fn without(value: &Value, place: &mut usize) -> Option<Value> {
    match value {
        Value::Array(items) => (0..items.len()).find_map(|at| {
            let mut items = items.clone();
            if *place == 0 {
                items.remove(at);
                return Some(Value::Array(items));
            }
            *place -= 1;
            items[at] = without(&items[at], place)?;
            Some(Value::Array(items))
        }),
        Value::Object(fields) => fields.keys().find_map(|key| {
            let mut fields = fields.clone();
            if *place == 0 && KEPT.contains(&key.as_str()) {
                return Some(value.clone());
            }
            if *place == 0 {
                fields.remove(key);
                return Some(Value::Object(fields));
            }
            *place -= 1;
            let smaller = without(&fields[key], place)?;
            fields.insert(key.clone(), smaller);
            Some(Value::Object(fields))
        }),
        _ => None,
    }
}
