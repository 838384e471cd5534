//! From facts on to CRMs: the desired records that follow from them, and what became of each there.

use crate::{
    behind::fact_step,
    story::{Reading, value},
};
use anyhow::Result;
use hilo_contracts::topics;
use hilo_dashboard::{Stage, Step};
use hilo_golden::Place;
use hilo_stream::Record;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Facts that are followed: the latest. A message has a few, a long session hundreds.
const CAUSES: usize = 100;

/// The steps that `told` leads to and that are not among them.
pub(crate) fn follow(reading: &mut Reading, told: &[Step]) -> Result<Vec<Step>> {
    let mut causes: Vec<&Step> = told.iter().filter(|step| is_cause(step)).collect();
    causes.sort_by_key(|step| std::cmp::Reverse(step.at));
    let causes: BTreeSet<&str> = causes
        .iter()
        .filter_map(|step| step.content["event_id"].as_str())
        .take(CAUSES)
        .collect();
    let mut found = Vec::new();
    // By record: the first revision that follows from one of these facts.
    let mut revisions: BTreeMap<String, i64> = BTreeMap::new();
    for (record, content) in named(reading, topics::CRM_RECORD, causes.iter().copied())? {
        let follows = content["facts"].as_array().is_some_and(|facts| {
            let mut ids = facts.iter().filter_map(Value::as_str);
            ids.any(|id| causes.contains(id))
        });
        if !follows {
            continue;
        }
        let (key, revision) = whose(&content);
        let first = revisions.entry(key).or_insert(revision);
        *first = revision.min(*first);
        found.push(fact_step(topics::CRM_RECORD, content, record.timestamp));
    }
    let mut outcomes: BTreeMap<String, Vec<(i64, Step)>> = BTreeMap::new();
    for (record, content) in named(reading, topics::CRM_WRITE, revisions.keys().map(String::as_str))? {
        let (key, revision) = whose(&content);
        if revisions.get(&key).is_some_and(|first| revision >= *first) {
            let step = fact_step(topics::CRM_WRITE, content, record.timestamp);
            outcomes.entry(key).or_default().push((revision, step));
        }
    }
    for of_record in outcomes.into_values() {
        // The writer writes the newest revision that it has: the first one told of holds what these facts changed.
        let first = of_record.iter().map(|(revision, _)| *revision).min();
        found.extend(
            of_record
                .into_iter()
                .filter(|(revision, _)| Some(*revision) == first)
                .map(|(_, step)| step),
        );
    }
    found.retain(|step| !told.contains(step));
    Ok(found)
}

fn is_cause(step: &Step) -> bool {
    step.stage == Stage::Fact && step.topic.as_deref() != Some(topics::CRM_RECORD)
}

fn whose(content: &Value) -> (String, i64) {
    (
        content["record_key"].as_str().unwrap_or_default().to_owned(),
        content["revision"].as_i64().unwrap_or_default(),
    )
}

/// The latest records of a topic that the index has under these ids, of the reader's tenants.
fn named<'a>(
    reading: &mut Reading,
    topic: &'static str,
    ids: impl Iterator<Item = &'a str>,
) -> Result<Vec<(Record, Value)>> {
    let mut places: BTreeSet<Place> = BTreeSet::new();
    for id in ids {
        reading.asked.still()?;
        let of_id = reading.golden.places(reading.tenants, id)?.into_iter();
        places.extend(of_id.filter(|place| place.topic == topic));
    }
    let surplus = places.len().saturating_sub(reading.limit);
    let places: Vec<Place> = places.into_iter().skip(surplus).collect();
    let mut found = Vec::new();
    for record in reading.shelf.at(&places)?.into_values() {
        let content = value(topic, &record.value)?;
        if content["tenant"].as_str().is_some_and(|tenant| reading.has(tenant)) {
            found.push((record, content));
        }
    }
    Ok(found)
}
