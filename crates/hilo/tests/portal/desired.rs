//! Desired records and outcomes as `hilo export` prints them.

use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct Field {
    pub name: String,
    #[serde(default)]
    pub value: Option<String>,
    pub write: String,
}

#[derive(Deserialize)]
struct Association {
    object: String,
    record_key: String,
}

/// Reads what a desired record belongs to as pairs of object and key.
fn pairs<'de, D: serde::Deserializer<'de>>(source: D) -> Result<Vec<(String, String)>, D::Error> {
    let list = Vec::<Association>::deserialize(source)?;
    Ok(list.into_iter().map(|one| (one.object, one.record_key)).collect())
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct Desired {
    pub kind: String,
    pub revision: i64,
    pub object: String,
    pub record_key: String,
    #[serde(default)]
    pub alias_of: Option<String>,
    pub fields: Vec<Field>,
    #[serde(deserialize_with = "pairs")]
    pub associations: Vec<(String, String)>,
    pub test: bool,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct Outcome {
    pub kind: String,
    pub revision: i64,
    #[serde(default)]
    pub record_key: Option<String>,
    #[serde(default)]
    pub code: Option<String>,
    #[serde(default)]
    pub field: Option<String>,
}

/// Lines of an export.
pub(crate) fn parse<T: for<'a> Deserialize<'a>>(lines: &str) -> Vec<T> {
    let parse = |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    lines.lines().map(parse).collect()
}

/// The newest revision of each record.
pub(crate) fn newest(all: &[Desired]) -> BTreeMap<&str, &Desired> {
    let mut newest: BTreeMap<&str, &Desired> = BTreeMap::new();
    for record in all {
        let held = newest.entry(&record.record_key).or_insert(record);
        if held.revision < record.revision {
            *held = record;
        }
    }
    newest
}

/// The record that holds what this one held.
pub(crate) fn holder<'a>(newest: &BTreeMap<&str, &'a Desired>, key: &'a str) -> &'a str {
    let mut key = key;
    for _ in 0..newest.len() {
        let into = newest.get(key).filter(|record| record.kind == "aliased");
        match into.and_then(|record| record.alias_of.as_deref()) {
            Some(into) => key = into,
            None => break,
        }
    }
    key
}

/// The last outcome of each record.
fn last(outcomes: &[Outcome]) -> BTreeMap<&str, &Outcome> {
    let of = |outcome: &'_ Outcome| outcome.record_key.is_some();
    outcomes
        .iter()
        .filter(|outcome| of(outcome))
        .map(|outcome| (outcome.record_key.as_deref().unwrap_or_default(), outcome))
        .collect()
}

/// Records whose newest revision has no last outcome yet.
pub(crate) fn open(all: &[Desired], outcomes: &[Outcome]) -> Vec<String> {
    let last = last(outcomes);
    let newest = newest(all);
    let is_open = |record: &&&Desired| {
        last.get(record.record_key.as_str())
            .is_none_or(|outcome| outcome.kind == "deferred" || outcome.revision < record.revision)
    };
    newest
        .values()
        .filter(is_open)
        .map(|record| {
            let last = last.get(record.record_key.as_str());
            format!(
                "{} {} {} r{}: {last:?}",
                record.kind, record.object, record.record_key, record.revision
            )
        })
        .collect()
}

/// Records that the CRM refused, and why.
pub(crate) fn rejected(newest: &BTreeMap<&str, &Desired>, outcomes: &[Outcome]) -> Vec<(String, String)> {
    let refused = last(outcomes)
        .into_iter()
        .filter(|(_, outcome)| outcome.kind == "rejected");
    refused
        .map(|(key, outcome)| {
            let what = newest
                .get(key)
                .map_or_else(String::new, |record| format!("{} {}", record.kind, record.object));
            let why = format!(
                "{} {}",
                outcome.code.as_deref().unwrap_or("?"),
                outcome.field.as_deref().unwrap_or("")
            );
            (format!("{what} {key}"), why)
        })
        .collect()
}

/// How many records there are by kind and object.
pub(crate) fn census(all: &[Desired]) -> BTreeMap<String, usize> {
    let mut census = BTreeMap::new();
    for record in newest(all).values() {
        *census.entry(format!("{} {}", record.kind, record.object)).or_default() += 1;
    }
    census
}
