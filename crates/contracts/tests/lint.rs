//! Rules for the files under `schemas/`, and what each rule finds in a schema that breaks it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use hilo_contracts::{facts, schemas};
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What is personal about a field, by `"pii"`.
const PII: [&str; 4] = ["phone", "name", "id", "content"];
/// The one name of every instant ends like this; its type is a logical one.
const INSTANTS: [&str; 6] = ["_at", "_time", "_from", "_to", "start", "end"];
/// Words of money: a double would round it.
const MONEY: [&str; 4] = ["amount", "price", "cost", "currency"];

/// What is wrong with a schema.
fn lint(schema: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    record(schema, &mut faults);
    faults
}

fn record(schema: &Value, faults: &mut Vec<String>) {
    let name = schema["name"].as_str().unwrap_or("?");
    documented(name, schema, faults);
    for field in schema["fields"].as_array().into_iter().flatten() {
        let path = format!("{name}.{}", field["name"].as_str().unwrap_or("?"));
        documented(&path, field, faults);
        check_field(&path, field, faults);
        for inner in types(&field["type"]) {
            match inner["type"].as_str() {
                Some("record") => record(inner, faults),
                Some("enum") if inner.get("default").is_none() => {
                    faults.push(format!("{path}: an enum without default"));
                }
                _ => {}
            }
        }
    }
}

fn documented(path: &str, of: &Value, faults: &mut Vec<String>) {
    let doc = of["doc"].as_str().unwrap_or_default();
    if doc.len() < 10 || !doc.ends_with(['.', ')']) {
        faults.push(format!("{path}: no doc"));
    }
}

fn check_field(path: &str, field: &Value, faults: &mut Vec<String>) {
    let mut fault = |what: &str| faults.push(format!("{path}: {what}"));
    let kind = &field["type"];
    if let Some(branches) = kind.as_array() {
        if branches.len() != 2 || branches[0] != "null" {
            fault("a union is null and one other type");
        }
        if field.get("default") != Some(&Value::Null) {
            fault("a union defaults to null");
        }
        if !field["doc"].as_str().unwrap_or_default().contains("ull") {
            fault("the doc does not say when it is null");
        }
    }
    let leaf = leaf(kind);
    let name = field["name"].as_str().unwrap_or_default();
    let is_instant = INSTANTS.iter().any(|ending| name.ends_with(ending));
    if is_instant != (leaf["logicalType"] == "timestamp-millis") && reply_is_no_instant(name) {
        fault("an instant is a timestamp-millis and is named like one");
    }
    if is_floating(leaf) && MONEY.iter().any(|word| name.contains(word)) {
        fault("money is no floating point number");
    }
    if let Some(pii) = field.get("pii") {
        if !PII.contains(&pii.as_str().unwrap_or_default()) {
            fault("an unknown class of personal data");
        }
        if leaf != "string" && leaf != "bytes" {
            fault("personal data is a string or bytes, so that it can be encrypted in place");
        }
    }
}

/// `reply_to` ends like the end of a span.
fn reply_is_no_instant(name: &str) -> bool {
    name != "reply_to"
}

fn is_floating(leaf: &Value) -> bool {
    leaf == "double" || leaf == "float"
}

/// The type itself, the branches of a union, the items of an array.
fn types(kind: &Value) -> Vec<&Value> {
    match kind {
        Value::Array(branches) => branches.iter().flat_map(types).collect(),
        Value::Object(array) if array["type"] == "array" => types(&array["items"]),
        other => vec![other],
    }
}

fn leaf(kind: &Value) -> &Value {
    kind.as_array().map_or(kind, |branches| branches.last().unwrap_or(kind))
}

/// Every record in a schema, by name.
fn records(schema: &Value, found: &mut BTreeMap<String, Vec<Value>>) {
    found
        .entry(schema["name"].as_str().unwrap().to_owned())
        .or_default()
        .push(schema.clone());
    for field in schema["fields"].as_array().unwrap() {
        for inner in types(&field["type"]) {
            if inner["type"] == "record" {
                records(inner, found);
            }
        }
    }
}

fn parsed() -> impl Iterator<Item = (&'static schemas::Version, Value)> {
    schemas::all()
        .unwrap()
        .iter()
        .map(|version| (version, serde_json::from_str(version.text).unwrap()))
}

#[test]
fn every_schema_keeps_the_rules() {
    let faults: Vec<String> = parsed()
        .flat_map(|(version, schema)| {
            let of = format!("{} v{}", version.subject, version.number);
            lint(&schema).into_iter().map(move |fault| format!("{of}: {fault}"))
        })
        .collect();
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn each_rule_finds_what_breaks_it() {
    let field = |name: &str, kind: Value, extra: Value| {
        let mut field = json!({"name": name, "type": kind, "doc": "Null until somebody says so."});
        field
            .as_object_mut()
            .unwrap()
            .extend(extra.as_object().unwrap().clone());
        json!({"type": "record", "name": "T", "doc": "A made-up record.", "fields": [field]})
    };
    let instant = json!({"type": "long", "logicalType": "timestamp-millis"});
    let inner =
        json!({"type": "record", "name": "I", "doc": "An inner record.", "fields": [{"name": "a", "type": "long"}]});
    let cases = [
        (field("a", json!("string"), json!({"pii": "phone"})), None),
        (
            field("a", json!(["null", "string"]), json!({"default": null, "pii": "name"})),
            None,
        ),
        (field("seen_at", instant.clone(), json!({})), None),
        (field("a", json!("long"), json!({"doc": "short"})), Some("T.a: no doc")),
        (
            field("a", json!(["string", "null"]), json!({"default": null})),
            Some("T.a: a union is null and one other type"),
        ),
        (
            field("a", json!(["null", "string"]), json!({})),
            Some("T.a: a union defaults to null"),
        ),
        (
            field(
                "a",
                json!(["null", "string"]),
                json!({"default": null, "doc": "A text of people."}),
            ),
            Some("T.a: the doc does not say when it is null"),
        ),
        (
            field("seen_at", json!("long"), json!({})),
            Some("T.seen_at: an instant is a timestamp-millis and is named like one"),
        ),
        (
            field("a", instant, json!({})),
            Some("T.a: an instant is a timestamp-millis and is named like one"),
        ),
        (
            field("amount", json!("double"), json!({})),
            Some("T.amount: money is no floating point number"),
        ),
        (
            field("a", json!("string"), json!({"pii": "secret"})),
            Some("T.a: an unknown class of personal data"),
        ),
        (
            field("a", json!("long"), json!({"pii": "phone"})),
            Some("T.a: personal data is a string or bytes, so that it can be encrypted in place"),
        ),
        (
            field("a", json!({"type": "enum", "name": "E", "symbols": ["X"]}), json!({})),
            Some("T.a: an enum without default"),
        ),
        (
            field("a", json!({"type": "array", "items": inner.clone()}), json!({})),
            Some("I.a: no doc"),
        ),
        (
            field("a", json!(["null", inner]), json!({"default": null})),
            Some("I.a: no doc"),
        ),
    ];
    for (schema, fault) in cases {
        assert_eq!(lint(&schema), fault.into_iter().collect::<Vec<_>>(), "{schema}");
    }
}

#[test]
fn a_shared_record_is_the_same_in_every_schema() {
    let mut found = BTreeMap::new();
    for (version, schema) in parsed() {
        if schemas::latest(version.subject).unwrap().number == version.number {
            records(&schema, &mut found);
        }
    }
    for (name, definitions) in found {
        assert!(
            definitions.windows(2).all(|pair| pair[0] == pair[1]),
            "{name} differs between schemas"
        );
    }
}

#[test]
fn versions_are_numbered_without_gaps_and_say_what_changed() {
    let mut last = ("", 0);
    for (version, schema) in parsed() {
        let expected = if version.subject == last.0 { last.1 + 1 } else { 1 };
        assert_eq!(version.number, expected, "{}", version.subject);
        assert!(
            schema["changes"].as_str().is_some_and(|text| text.ends_with('.')),
            "{}: no changes",
            version.subject
        );
        assert_eq!(schema["namespace"], "hilo", "{}", version.subject);
        last = (version.subject, version.number);
    }
}

/// Names of a struct's fields, in order.
fn fields<T: Serialize + Default>() -> Vec<String> {
    // Every field of a default value is a scalar, null, an empty list or a struct of scalars.
    let text = serde_json::to_string(&T::default()).unwrap();
    let mut depth = 0;
    let mut names = Vec::new();
    for part in text.split('"').map(str::trim) {
        if depth == 1 && !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            names.push(part.to_owned());
        }
        depth += part.matches('{').count();
        depth -= part.matches('}').count();
    }
    names
}

#[test]
fn every_struct_has_the_fields_of_its_record_in_their_order() {
    let structs = [
        ("Source", fields::<facts::Source>()),
        ("Raw", fields::<facts::Raw>()),
        ("IdentifierSpan", fields::<facts::IdentifierSpan>()),
        ("Identity", fields::<facts::Identity>()),
        ("Author", fields::<facts::AuthorRef>()),
        ("Template", fields::<facts::TemplateRef>()),
        ("Clock", fields::<facts::Clock>()),
        ("Work", fields::<facts::Work>()),
        ("Rating", fields::<facts::Rating>()),
        ("Session", fields::<facts::Session>()),
        ("Conversation", fields::<facts::Conversation>()),
        ("Error", fields::<facts::ErrorRef>()),
        ("Pricing", fields::<facts::PricingRef>()),
        ("Status", fields::<facts::Status>()),
        ("Subject", fields::<facts::Subject>()),
        ("Account", fields::<facts::Account>()),
        ("Dimension", fields::<facts::Dimension>()),
        ("Window", fields::<facts::Window>()),
        ("Metric", fields::<facts::Metric>()),
        ("DeadLetter", fields::<facts::DeadLetter>()),
        ("Unclassified", fields::<facts::Unclassified>()),
    ];
    let mut found = BTreeMap::new();
    for (_, schema) in parsed() {
        records(&schema, &mut found);
    }
    for (name, fields) in structs {
        let newest = found[name].last().unwrap();
        let expected: Vec<&str> = newest["fields"]
            .as_array()
            .unwrap()
            .iter()
            .map(|field| field["name"].as_str().unwrap())
            .collect();
        assert_eq!(fields, expected, "{name}");
    }
}
