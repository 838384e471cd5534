//! The twenty pains of users of comparable products, one scenario each: `pains/NN-name/capture.ndjson` is what happens,
//! `expected.json` what must come of it, written from the definitions. `facts` says what the facts have to give for the
//! pain, `elsewhere` what of it lies outside the facts and who answers for that.
//!
//! An expectation names parts: `summary`, `messages` and `sessions` give some keys of a line, `persons` whole lines.
//! `expect` counts the facts (or metric rows) that have the parts `where`; without `count` there is one at least.
//! `account` asks `hilo account`. Each capture is also run backwards with every line twice: the state must be the same.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pains")
}

/// The scenarios, by name.
fn scenarios() -> Vec<(String, PathBuf)> {
    let mut found: Vec<(String, PathBuf)> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), path))
        .collect();
    found.sort();
    found
}

fn hilo(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_hilo"))
        .args(arguments)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn replay(capture: &Path, out: &Path) {
    hilo(&[
        "replay",
        "--in",
        capture.to_str().unwrap(),
        "--out",
        out.to_str().unwrap(),
    ]);
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn lines(path: &Path) -> Vec<Value> {
    fs::read_to_string(path).unwrap().lines().map(json).collect()
}

/// Whether `value` has all that `part` names. Dimensions of a metric row are named whole.
fn has(value: &Value, part: &Value) -> bool {
    match (value, part) {
        (Value::Object(value), Value::Object(part)) => part.iter().all(|(key, part)| {
            let value = value.get(key).unwrap_or(&Value::Null);
            if key == "dimensions" {
                value == part
            } else {
                has(value, part)
            }
        }),
        (Value::Array(value), Value::Array(part)) => {
            value.len() == part.len() && value.iter().zip(part).all(|(value, part)| has(value, part))
        }
        _ => value == part,
    }
}

/// Each part fits one line of its own, and no line is left over.
#[track_caller]
fn fits_all(name: &str, lines: &[Value], parts: &Value) {
    let parts = parts.as_array().unwrap();
    let mut left: Vec<&Value> = lines.iter().collect();
    for part in parts {
        let place = left
            .iter()
            .position(|line| has(line, part))
            .unwrap_or_else(|| panic!("{name}: no line has {part} among {left:#?}"));
        left.remove(place);
    }
    assert_eq!(left, [&Value::Null; 0], "{name}: lines that nobody expects");
}

/// What is not named by `key` in any part is of no interest.
fn named<'a>(lines: &'a [Value], parts: &Value, key: &str) -> Vec<Value> {
    let parts = parts.as_array().unwrap();
    let wanted = |line: &&'a Value| parts.iter().any(|part| part[key] == line[key]);
    lines.iter().filter(wanted).cloned().collect()
}

fn check(name: &str, out: &Path, expected: &Value) {
    let given = |key: &str| expected.get(key).filter(|part| !part.is_null());
    if let Some(part) = given("summary") {
        let summary = json(&fs::read_to_string(out.join("summary.json")).unwrap());
        assert!(has(&summary, part), "{name}: {summary} has not {part}");
    }
    let state = |file: &str| lines(&out.join("state").join(format!("{file}.ndjson")));
    if let Some(persons) = given("persons") {
        assert_eq!(Value::Array(state("persons")), *persons, "{name}");
    }
    if let Some(sessions) = given("sessions") {
        fits_all(name, &state("sessions"), sessions);
    }
    if let Some(messages) = given("messages") {
        fits_all(name, &named(&state("messages"), messages, "message_id"), messages);
    }
    for expectation in given("expect").and_then(Value::as_array).into_iter().flatten() {
        let topic = expectation["topic"].as_str().unwrap();
        let facts = lines(&out.join(format!("{topic}.ndjson")));
        let part = &expectation["where"];
        let found = facts.iter().filter(|fact| has(fact, part)).count() as u64;
        match expectation["count"].as_u64() {
            Some(count) => assert_eq!(found, count, "{name}: {topic} {part} in {facts:#?}"),
            None => assert!(found > 0, "{name}: no {topic} has {part} in {facts:#?}"),
        }
    }
    for question in given("account").and_then(Value::as_array).into_iter().flatten() {
        let text = |key: &str| question[key].as_str().unwrap();
        let place = out.to_str().unwrap();
        let told = hilo(&[
            "account",
            text("subject"),
            "--as-of",
            text("as_of"),
            "--json",
            "--data-dir",
            place,
        ]);
        let told: Vec<Value> = told.lines().map(json).collect();
        fits_all(name, &told, &question["says"]);
    }
    if expected["keyed_by_person"] == true {
        let facts = lines(&out.join("conversation.ndjson"));
        assert!(
            facts.iter().all(|fact| fact["person_id"].is_string()),
            "{name}: {facts:#?}"
        );
    }
}

#[test]
fn each_pain_has_its_scenario_and_its_answer() {
    let scenarios = scenarios();
    for (number, (name, _)) in (1..).zip(&scenarios) {
        assert!(name.starts_with(&format!("{number:02}-")), "{name}");
    }
    assert_eq!(scenarios.len(), 20);
    for (name, path) in scenarios {
        let expected = json(&fs::read_to_string(path.join("expected.json")).unwrap());
        for key in ["pain", "facts"] {
            assert!(
                expected[key].as_str().is_some_and(|text| text.ends_with('.')),
                "{name}: {key}"
            );
        }
        let out = tempfile::tempdir().unwrap();
        replay(&path.join("capture.ndjson"), out.path());
        check(&name, out.path(), &expected);
    }
}

#[test]
fn backwards_and_twice_gives_the_same_state() {
    for (name, path) in scenarios() {
        let capture = fs::read_to_string(path.join("capture.ndjson")).unwrap();
        let again: Vec<&str> = capture.lines().rev().chain(capture.lines()).collect();
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("again.ndjson");
        fs::write(&file, again.join("\n")).unwrap();
        let (one, two) = (place.path().join("one"), place.path().join("two"));
        replay(&path.join("capture.ndjson"), &one);
        replay(&file, &two);
        for state in ["persons", "sessions", "messages"] {
            let read = |out: &Path| fs::read_to_string(out.join(format!("state/{state}.ndjson"))).unwrap();
            assert_eq!(read(&one), read(&two), "{name}: {state}");
        }
    }
}
