//! No key of a topic or of a store shows a person: brokers and changelogs keep keys in the clear.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use hilo::{captures, topology};
use hilo_stream::{Record, TestDriver};
use serde_json::Value;
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// Keys of the platform's and our own lines under which people stand.
const NAMES_PEOPLE: &[&str] = &[
    "wa_id",
    "new_wa_id",
    "from",
    "to",
    "recipient_id",
    "phone",
    "phone_number",
    "user_id",
    "from_user_id",
    "to_user_id",
    "recipient_user_id",
    "parent_user_id",
    "username",
    "email",
    "document",
    "previous",
    "current",
];

fn collect(value: &Value, people: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value.as_str() {
                    // Also what is shown of a business stands under some of these; its numbers are at home in no key either.
                    Some(text) if NAMES_PEOPLE.contains(&name.as_str()) && text.len() > 5 => {
                        people.insert(text.trim_start_matches('+').to_owned());
                    }
                    _ => collect(value, people),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, people)),
        _ => {}
    }
}

fn captured() -> Vec<PathBuf> {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let pains = fs::read_dir(tests.join("pains")).unwrap();
    let mut captures: Vec<PathBuf> = pains
        .map(|entry| entry.unwrap().path().join("capture.ndjson"))
        .collect();
    captures.push(tests.join("facts/shapes.ndjson"));
    captures.sort();
    captures
}

#[test]
fn no_key_shows_a_person() {
    let captured = captured();
    let mut people = BTreeSet::new();
    for line in captured.iter().flat_map(fs::read).flat_map(|bytes| {
        let lines: Vec<Vec<u8>> = bytes.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
        lines
    }) {
        if let Ok(value) = serde_json::from_slice(&line) {
            collect(&value, &mut people);
        }
    }
    assert!(people.len() > 30, "{}", people.len());

    let topology = topology::topology(&topology::Tenants::default()).unwrap();
    let mut driver = TestDriver::all(&topology, topology::dead_letter).unwrap();
    let raw: Vec<Record> = captures::records(&captured).unwrap().map(Result::unwrap).collect();
    let mut keys: Vec<(String, Vec<u8>)> = raw
        .iter()
        .map(|record| (record.topic.to_owned(), record.key.clone()))
        .collect();
    driver.pipe_all(raw).unwrap();
    keys.extend(
        driver
            .outputs()
            .iter()
            .map(|record| (record.topic.to_owned(), record.key.clone())),
    );
    for (store, entries) in driver.state().unwrap() {
        keys.extend(entries.keys().map(|key| (format!("{store:?}"), key.clone())));
    }
    assert!(keys.len() > 1_000, "{}", keys.len());
    for (place, key) in keys {
        let shown = people
            .iter()
            .find(|person| key.windows(person.len()).any(|part| part == person.as_bytes()));
        assert_eq!(shown, None, "a key of {place}");
    }
}
