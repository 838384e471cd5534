//! Writes `schemas/README.md`, the catalogue of the topics, and checks that it is fresh.
//! `HILO_REGENERATE=1 cargo test -p hilo-contracts --test catalogue` writes it anew.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use hilo_contracts::schemas::{self, Version};
use serde::Deserialize;
use serde_json::Value;
use std::{env, fmt::Write as _, fs};

/// `topic.json`: what is true of a topic beside its schema and may change without a new version.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Topic {
    title: String,
    key: String,
    /// `delete` or `compact`.
    cleanup: String,
    retention: String,
    /// Why it is kept so long and no longer.
    why: String,
    written_by: Vec<String>,
    read_by: Vec<String>,
}

const INTRODUCTION: &str = "\
# Topics

<!-- Generated from the files in this folder. Write it anew with: HILO_REGENERATE=1 cargo test -p hilo-contracts --test catalogue -->

Every topic that others may read, with its contract. The `.avsc` files are the source of truth; `topic.json` beside them says what is
true of a topic but not of its records. Topics that are not listed belong to one release of Hilo and change without notice.

## How to read

- **On Kafka** read with `isolation.level=read_committed`. With `read_uncommitted` you also see what an aborted transaction wrote, and it
  comes a second time. The registry's subject is `<topic>-value`; a value is the Confluent header (a zero byte and the schema id) and the
  datum. Topic names may have a prefix, by configuration.
- **Without Kafka** `hilo export TOPIC` writes one JSON object a line; the examples below are such lines.
- **Facts are told anew** when late or better knowledge arrives. The highest `revision` of an entity holds; earlier ones are history.
  Where the table says *delete*, rows disappear with retention: keep your own copy of what you need for longer.
- **Times** are instants in UTC, `timestamp-millis` in Avro and RFC 3339 in JSON. Windows and sums use `event_time`, never `ingest_time`.
- **Bad data is data.** What could not be read is in `hilo.dead_letter`, what nobody knows yet in `hilo.unclassified`, both whole.
- **Keys** hold no personal data: person ids and hashes.
";

const POLICY: &str = "\
## What may change

The derived topics are `FULL_TRANSITIVE`: every released version of a subject can read what every other one wrote, so readers and writers
upgrade in any order, and what was kept for years stays readable. A test checks all pairs of versions with every change.

Hilo's own readers read every version up to that of their release. Where a later release wrote, they wait until the newer one runs, and
nothing is lost; so roll out readers first. Readers of your own resolve by the schema that the registry has for a record's id.

| change | allowed |
|---|---|
| a new field that is null by default | yes, as a new version |
| a new value of a text with *known values* | yes, without a new version: readers must bear values that they do not know |
| a better `doc` | yes, as a new version |
| a field goes | only where it has a default, and a version after its `doc` says so |
| a field is renamed, changes its type or its meaning | never: a new field, the old one stays |
| a released file `v<n>.avsc` is edited | never |

## Personal data

A field that is marked may say something about a customer. Marked fields are text or bytes, so that they can be masked or encrypted in
place. Ids of persons, conversations and sessions are opaque and not marked; ids of agents and bots name the business's own staff and
software and are not marked.

| mark | what |
|---|---|
| `phone` | a phone number, or an id that embeds one |
| `id` | an identifier of a person at the platform or in a CRM |
| `name` | a name that a person chose |
| `content` | what people wrote, or a payload with all of the above |
";

fn catalogue() -> String {
    let mut newest: Vec<&Version> = Vec::new();
    for version in schemas::all().unwrap() {
        newest.retain(|older| older.subject != version.subject);
        newest.push(version);
    }
    let topics: Vec<Topic> = newest.iter().map(|version| topic(version.subject)).collect();
    let mut out = String::from(INTRODUCTION);
    out.push_str("\n## All topics\n\n| topic | what | key | cleanup | kept | written by | read by |\n|---|---|---|---|---|---|---|\n");
    for (version, topic) in newest.iter().zip(&topics) {
        let Topic {
            title,
            key,
            cleanup,
            retention,
            written_by,
            read_by,
            ..
        } = topic;
        let link = version.subject.replace('.', "");
        let (writers, readers) = (written_by.join(", "), read_by.join(", "));
        let subject = version.subject;
        writeln!(
            out,
            "| [`{subject}`](#{link}) | {title} | {key} | {cleanup} | {retention} | {writers} | {readers} |"
        )
        .unwrap();
    }
    out.push('\n');
    out.push_str(POLICY);
    for (version, topic) in newest.iter().zip(&topics) {
        section(version, topic, &mut out);
    }
    out
}

fn topic(subject: &str) -> Topic {
    let path = support::schemas().join(subject).join("topic.json");
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let topic: Topic = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert!(
        ["delete", "compact"].contains(&topic.cleanup.as_str()),
        "{}: unknown cleanup",
        path.display()
    );
    topic
}

fn section(version: &Version, topic: &Topic, out: &mut String) {
    let schema: Value = serde_json::from_str(version.text).unwrap();
    let Version { subject, number, .. } = version;
    let Topic {
        key,
        cleanup,
        retention,
        why,
        ..
    } = topic;
    writeln!(out, "\n## {subject}\n\n{}\n", text(&schema["doc"])).unwrap();
    writeln!(out, "- Key: {key}.\n- Kept: {retention} ({cleanup}): {why}.").unwrap();
    writeln!(
        out,
        "- Contract: [`v{number}.avsc`]({subject}/v{number}.avsc), record `hilo.{}`.",
        text(&schema["name"])
    )
    .unwrap();
    for released in schemas::all()
        .unwrap()
        .iter()
        .filter(|released| released.subject == *subject)
    {
        let released_schema: Value = serde_json::from_str(released.text).unwrap();
        writeln!(
            out,
            "- Version {}: {}",
            released.number,
            text(&released_schema["changes"])
        )
        .unwrap();
    }
    out.push_str("\n| field | type | null | personal | meaning |\n|---|---|---|---|---|\n");
    let mut known = Vec::new();
    rows(&schema, "", &mut known, out);
    let (_, sample) = support::sample(subject, *number);
    writeln!(out, "\n```json\n{sample}\n```").unwrap();
}

/// One row a field, those of inner records below the field that holds them.
fn rows(record: &Value, prefix: &str, known: &mut Vec<Value>, out: &mut String) {
    known.push(record.clone());
    for field in record["fields"].as_array().unwrap() {
        let path = format!("{prefix}{}", text(&field["name"]));
        let (kind, nullable) = match &field["type"] {
            Value::Array(branches) => (&branches[1], "yes"),
            kind => (kind, ""),
        };
        let (leaf, list) = match &kind["type"] {
            array if array == "array" => (&kind["items"], "list of "),
            _ => (kind, ""),
        };
        let named = known.iter().find(|record| record["name"] == *leaf).cloned();
        let inner = named.or_else(|| (leaf["type"] == "record").then(|| leaf.clone()));
        let name = match (&inner, leaf["logicalType"].as_str()) {
            (Some(inner), _) => text(&inner["name"]),
            (None, Some(logical)) => logical,
            (None, None) => text(leaf),
        };
        let pii = field["pii"]
            .as_str()
            .map(|class| format!("`{class}`"))
            .unwrap_or_default();
        let doc = text(&field["doc"]).replace('|', "\\|");
        writeln!(out, "| `{path}` | {list}{name} | {nullable} | {pii} | {doc} |").unwrap();
        if let Some(inner) = inner {
            let dots = if list.is_empty() { "." } else { "[]." };
            rows(&inner, &format!("{path}{dots}"), known, out);
        }
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("not a text: {value}"))
}

#[test]
fn the_catalogue_is_fresh() {
    let path = support::schemas().join("README.md");
    let expected = catalogue();
    if env::var_os("HILO_REGENERATE").is_some() {
        fs::write(&path, &expected).unwrap();
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == expected,
        "schemas/README.md is not what the schemas say; run HILO_REGENERATE=1 cargo test -p hilo-contracts --test catalogue"
    );
}
