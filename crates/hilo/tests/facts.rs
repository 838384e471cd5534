//! What each documented shape becomes: `facts/shapes.ndjson` has one body a shape, `facts/expected.txt` its facts, reviewed
//! against the platform's documents. For the collected payloads, which stand beside the project, `facts/payloads.txt` names
//! the fields that each line fills. `UPDATE=1` writes both anew, to be reviewed.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod beside;

use beside::beside;
use serde_json::{Map, Value};
use std::{
    collections::BTreeMap,
    env,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Topics whose facts are shown.
const TOPICS: [&str; 6] = [
    "identity",
    "conversation",
    "status",
    "account",
    "unclassified",
    "dead_letter",
];

/// Fields that say nothing of the shape: ids, receipts, and what every fact of a body has.
const ELSEWHERE: [&str; 14] = [
    "event_id",
    "tenant",
    "ingest_time",
    "source",
    "person_id",
    "conversation_id",
    "session_id",
    "content",
    "revision",
    "detail",
    "file",
    "line",
    "original",
    "delivery_id",
];

fn here(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/facts").join(name)
}

/// The facts of a capture, by tenant, in the order of topics.
fn facts(capture: &Path) -> BTreeMap<String, Vec<(&'static str, Value)>> {
    let out = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_hilo"))
        .args(["replay", "--in"])
        .arg(capture)
        .arg("--out")
        .arg(out.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut by_tenant: BTreeMap<String, Vec<(&'static str, Value)>> = BTreeMap::new();
    for topic in TOPICS {
        for line in fs::read_to_string(out.path().join(format!("{topic}.ndjson")))
            .unwrap()
            .lines()
        {
            let fact: Value = serde_json::from_str(line).unwrap();
            let tenant = fact["tenant"].as_str().unwrap_or_default().to_owned();
            by_tenant.entry(tenant).or_default().push((topic, fact));
        }
    }
    by_tenant
}

/// A fact without what is empty and what says nothing of the shape.
fn told_by(fact: &Value) -> Value {
    let fields = fact.as_object().unwrap().iter();
    let fields = fields.filter(|(name, value)| !ELSEWHERE.contains(&name.as_str()) && **value != Value::Bool(false));
    fields
        .filter_map(|(name, value)| Some((name.clone(), shown(value)?)))
        .collect::<Map<String, Value>>()
        .into()
}

/// Who a person is, and was (in brackets).
fn who(fact: &Value) -> String {
    let mut text = fact["kind"].as_str().unwrap().to_owned();
    for span in fact["identifiers"].as_array().unwrap() {
        let identifier = format!("{} {}", span["kind"].as_str().unwrap(), span["value"].as_str().unwrap());
        let is_former = !span["valid_to"].is_null();
        let identifier = if is_former {
            format!("({identifier})")
        } else {
            identifier
        };
        write!(text, ", {identifier}").unwrap();
    }
    text
}

/// Without what is empty.
fn shown(value: &Value) -> Option<Value> {
    match value {
        Value::Null => None,
        Value::Array(items) => {
            let items: Vec<Value> = items.iter().filter_map(shown).collect();
            (!items.is_empty()).then_some(Value::Array(items))
        }
        Value::Object(fields) => {
            let fields: Map<String, Value> = fields
                .iter()
                .filter_map(|(name, value)| Some((name.clone(), shown(value)?)))
                .collect();
            (!fields.is_empty()).then_some(Value::Object(fields))
        }
        value => Some(value.clone()),
    }
}

/// Paths of what a fact fills.
fn paths(value: &Value, path: &str, out: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                paths(value, &format!("{path}.{name}"), out);
            }
        }
        Value::Array(items) => {
            for value in items {
                paths(value, path, out);
            }
        }
        Value::Null => {}
        _ => out.push(path.trim_start_matches('.').to_owned()),
    }
}

#[track_caller]
fn reviewed(name: &str, told: &str) {
    let path = here(name);
    if env::var_os("UPDATE").is_some() {
        fs::write(&path, told).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    for (told, expected) in told.lines().zip(expected.lines()) {
        assert_eq!(told, expected, "{name}: review, then run with UPDATE=1");
    }
    assert_eq!(
        told.lines().count(),
        expected.lines().count(),
        "{name}: review, then run with UPDATE=1"
    );
}

#[test]
fn every_documented_shape_is_a_typed_fact() {
    let shapes = here("shapes.ndjson");
    let names: Vec<String> = fs::read_to_string(&shapes)
        .unwrap()
        .lines()
        .filter_map(|line| Some(serde_json::from_str::<Value>(line).ok()?["tenant"].as_str()?.to_owned()))
        .collect();
    let facts = facts(&shapes);
    let mut told = String::new();
    for name in names {
        writeln!(told, "{name}").unwrap();
        for (topic, fact) in facts.get(&name).into_iter().flatten() {
            match *topic {
                // People and sessions have tests of their own; here is who was seen.
                "identity" => writeln!(told, "  identity {}", who(fact)).unwrap(),
                _ if !fact["session"].is_null() => {}
                _ => writeln!(told, "  {topic} {}", told_by(fact)).unwrap(),
            }
        }
    }
    reviewed("expected.txt", &told);
}

#[test]
fn every_collected_payload_fills_typed_fields() {
    let Some(folder) = beside("payloads") else { return };
    // A tenant of its own for each line: in these files one id stands for many messages.
    let mut capture = String::new();
    for file in ["bindambc", "pywa"] {
        for (number, line) in (1..).zip(
            fs::read_to_string(folder.join(format!("{file}.ndjson")))
                .unwrap()
                .lines(),
        ) {
            writeln!(
                capture,
                r#"{{"source":"whatsapp","tenant":"{file} {number:02}","body":{line}}}"#
            )
            .unwrap();
        }
    }
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("payloads.ndjson");
    fs::write(&path, capture).unwrap();
    let mut told = String::new();
    for (name, facts) in facts(&path) {
        for (topic, fact) in facts {
            assert!(!["unclassified", "dead_letter"].contains(&topic), "{name}: {fact}");
            if topic == "identity" || !fact["session"].is_null() {
                continue;
            }
            let mut filled = Vec::new();
            for part in [
                "details",
                "errors",
                "pricing",
                "template",
                "referral",
                "quality",
                "limit",
                "previous",
                "announced",
                "effective_at",
                "restrictions",
            ] {
                paths(&shown(&fact[part]).unwrap_or_default(), part, &mut filled);
            }
            for attribute in fact["attributes"].as_array().into_iter().flatten() {
                filled.push(attribute["name"].as_str().unwrap().to_owned());
            }
            filled.sort();
            filled.dedup();
            let kind = [&fact["kind"], &fact["message_type"], &fact["status"], &fact["event"]];
            let kind: Vec<&str> = kind.into_iter().filter_map(Value::as_str).collect();
            writeln!(told, "{name} {topic} {}: {}", kind.join(" "), filled.join(" ")).unwrap();
        }
    }
    reviewed("payloads.txt", &told);
}

/// A step of a generator that needs no library.
fn next(random: &mut u64, bound: usize) -> usize {
    *random = random
        .wrapping_mul(6_364_136_223_846_793_005)
        .wrapping_add(1_442_695_040_888_963_407);
    (*random >> 33) as usize % bound.max(1)
}

/// Puts something else in the place of one value somewhere in `value`.
fn damage(value: &mut Value, random: &mut u64) {
    let children: Vec<&mut Value> = match value {
        Value::Object(fields) => fields.values_mut().collect(),
        Value::Array(items) => items.iter_mut().collect(),
        _ => Vec::new(),
    };
    let count = children.len();
    if count == 0 || next(random, 12) == 0 {
        let others = [
            Value::Null,
            Value::from(true),
            Value::from(-1),
            Value::from(1e300),
            Value::from("wamid.X"),
            Value::from(""),
            Value::Array(vec![Value::from(7), Value::Null]),
            serde_json::json!({"id": 1, "type": "edit", "errors": {}, "message": []}),
        ];
        *value = others[next(random, others.len())].clone();
        return;
    }
    let place = next(random, count);
    if let Some(child) = children.into_iter().nth(place) {
        damage(child, random);
    }
}

#[test]
fn damaged_shapes_stop_nobody_and_every_item_is_counted() {
    let mut random = 1;
    let mut capture = String::new();
    let mut lines = 0;
    for turn in 0..25 {
        for line in fs::read_to_string(here("shapes.ndjson")).unwrap().lines() {
            let Ok(mut line) = serde_json::from_str::<Value>(line) else {
                continue;
            };
            let tenant = format!("{} {turn}", line["tenant"].as_str().unwrap());
            for _ in 0..=next(&mut random, 3) {
                // Mostly inside the value: what stands around it is soon no delivery any more.
                let whole = next(&mut random, 8) == 0;
                let place = if whole {
                    "/body"
                } else {
                    "/body/entry/0/changes/0/value"
                };
                damage(line.pointer_mut(place).unwrap_or(&mut Value::Null), &mut random);
            }
            line["tenant"] = tenant.into();
            writeln!(capture, "{line}").unwrap();
            lines += 1;
        }
    }
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("damaged.ndjson");
    fs::write(&path, capture).unwrap();
    let tenants = hilo::topology::Tenants::default();
    let summary = hilo::replay::replay(&[path], &place.path().join("out"), &tenants).unwrap();
    assert_eq!(summary.lines, lines);
    let outcomes = &summary.outcomes;
    assert_eq!(
        summary.items,
        outcomes.emitted + outcomes.duplicate + outcomes.unclassified + outcomes.dead_letter
    );
    assert!(outcomes.emitted > 1_500, "{outcomes:?}");
    for reason in ["processor_error", "undecodable"] {
        assert_eq!(
            summary.dead_letter_reasons.get(reason),
            None,
            "{:?}",
            summary.dead_letter_reasons
        );
    }
}
