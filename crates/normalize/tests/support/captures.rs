//! Capture lines as raw records, and what came out of a run, decoded. The tests of `deduplicate` use it too.

use hilo_contracts::{
    capture,
    codec::{self, Codec as _},
    facts::{DeadLetter, Raw, Unclassified},
    item::Item,
    topics,
};
use hilo_normalize::Tenant;
use hilo_stream::{Counts, Record, TestDriver, TopicKind, TopicSpec};
use std::{collections::BTreeMap, fs, path::PathBuf};

/// A file beside the project, which tests compare with; `None`, said aloud, where it is not there.
pub fn shared(name: &str) -> Option<String> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared")
        .join(name);
    let text = fs::read_to_string(&path).ok();
    if text.is_none() {
        eprintln!("SKIPPED: {} is not there", path.display());
    }
    text
}

/// The tests' tenants.
pub fn tenants() -> BTreeMap<String, Tenant> {
    BTreeMap::from([("acme".to_owned(), Tenant::of(Some("CL".to_owned())))])
}

/// The topic that everything starts from.
pub fn raw() -> TopicSpec {
    TopicSpec {
        name: topics::RAW,
        kind: TopicKind::Raw,
        key: "contact",
        schema: Some(topics::RAW),
        kept: "30 days",
        doc: "Raw.",
    }
}

pub fn record(raw: &Raw) -> Record {
    Record {
        topic: topics::RAW,
        key: capture::raw_key(raw),
        value: codec::raw().encode(raw).unwrap(),
        timestamp: raw.received_at,
    }
}

/// Raw records of the lines of a capture.
pub fn records(lines: &str) -> Vec<Record> {
    let lines = lines.lines().zip(1..);
    lines
        .filter_map(|(line, number)| capture::from_line(line.as_bytes(), Some("test.ndjson"), number))
        .map(|raw| record(&raw))
        .collect()
}

/// What came out of a run.
pub struct Run {
    pub counts: Counts,
    pub items: Vec<Item>,
    pub unclassified: Vec<Unclassified>,
    pub dead: Vec<DeadLetter>,
}

impl Run {
    /// What a driver put out, beside these items and counts.
    pub fn of(driver: &TestDriver, counts: Counts, items: Vec<Item>) -> Self {
        let unclassified = driver
            .topic(topics::UNCLASSIFIED)
            .map(|record| codec::unclassified().decode(&record.value).unwrap());
        let dead = driver
            .topic(topics::DEAD_LETTER)
            .map(|record| codec::dead_letter().decode(&record.value).unwrap());
        Self {
            counts,
            items,
            unclassified: unclassified.collect(),
            dead: dead.collect(),
        }
    }

    pub fn count(&self, name: &'static str, label: &'static str) -> u64 {
        self.counts.get(&(name, label)).copied().unwrap_or_default()
    }

    /// (emitted, duplicate, unclassified, dead letter).
    pub fn outcomes(&self) -> [u64; 4] {
        ["emitted", "duplicate", "unclassified", "dead_letter"].map(|outcome| self.count("items", outcome))
    }

    pub fn total(&self) -> u64 {
        self.outcomes().iter().sum()
    }

    /// Reasons of dead letters and unclassified items, in order.
    pub fn reasons(&self) -> Vec<&str> {
        let dead = self.dead.iter().map(|letter| letter.reason.as_str());
        dead.chain(self.unclassified.iter().map(|item| item.reason.as_str()))
            .collect()
    }

    /// The only item.
    #[track_caller]
    pub fn item(&self) -> &Item {
        let [item] = self.items.as_slice() else {
            panic!("{} items: {:#?}", self.items.len(), self.items)
        };
        item
    }
}

/// A body with one change of this field and value (JSON), in an entry of acme's account.
pub fn body(field: &str, value: &str) -> String {
    format!(
        r#"{{"object":"whatsapp_business_account","entry":[{{"id":"310","changes":[{{"field":"{field}","value":{value}}}]}}]}}"#
    )
}

/// A capture line of acme with that body, received at 2026-05-04T13:00:01Z.
pub fn line(field: &str, value: &str) -> String {
    envelope(&body(field, value))
}

/// A capture line of acme with this body.
pub fn envelope(body: &str) -> String {
    format!(r#"{{"source":"whatsapp","tenant":"acme","received_at":"2026-05-04T13:00:01Z","body":{body}}}"#)
}

/// Identifiers of the person of an item, as `kind:value`.
pub fn identifiers(item: &Item, sighting: usize) -> Vec<String> {
    item.sightings.get(sighting).map_or_else(Vec::new, |sighting| {
        sighting
            .identifiers
            .iter()
            .map(|id| format!("{}:{}", id.kind.as_str(), id.value))
            .collect()
    })
}
