//! `hilo dlq`: what could not be read.

use crate::{
    audit,
    cli::{Dlq, DlqCommand, Place, Reveal},
    failure::Failure,
    place,
    say::say,
    topology,
};
use anyhow::anyhow;
use hilo_contracts::{
    codec::{self, Codec as _},
    facts::{DeadLetter, Raw},
    json, topics,
};
use hilo_dashboard::mask::{self, Of};
use hilo_domain::time::to_rfc3339;
use hilo_stream::{
    Record,
    embedded::{DataDir, Log, RawLog},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

/// Records read at once.
const CHUNK: usize = 10_000;

pub(crate) fn run(arguments: &Dlq) -> Result<(), Failure> {
    match &arguments.command {
        DlqCommand::List { place, reveal, json } => list(place, reveal, *json),
        DlqCommand::Show {
            event_id,
            place,
            reveal,
        } => show(place, reveal, event_id),
        DlqCommand::Replay {
            reason,
            event_id,
            place,
            json,
        } => replay(place, reason.as_deref(), event_id.as_deref(), *json),
    }
}

fn each(place: &Place, topic: &str, mut visit: impl FnMut(&Record) -> anyhow::Result<()>) -> Result<PathBuf, Failure> {
    let (config, dir) = place::open(place)?;
    place::must_exist(&dir)?;
    let topology = topology::topology(&place::tenants(&config)?)?;
    let mut log = Log::open(&dir, &topology);
    let mut from = 0;
    loop {
        let records = log.read(topic, from, CHUNK)?;
        let Some((last, _)) = records.last() else {
            return Ok(dir);
        };
        from = last + 1;
        for (_, record) in &records {
            visit(record)?;
        }
    }
}

/// A dead letter as JSON, masked unless revealed.
fn shown(value: &[u8], reveal: &Reveal) -> anyhow::Result<serde_json::Value> {
    let letter = serde_json::from_str(&json::to_string(topics::DEAD_LETTER, value)?)?;
    Ok(if reveal.shown {
        letter
    } else {
        mask::record(Of::Topic(topics::DEAD_LETTER), &letter)
    })
}

fn list(place: &Place, reveal: &Reveal, as_json: bool) -> Result<(), Failure> {
    if as_json {
        let (_, dir) = place::open(place)?;
        audit::revealed(reveal, &dir, "dead_letters", "*")?;
    }
    let codec = codec::dead_letter();
    let mut by_reason: BTreeMap<String, (u64, DeadLetter)> = BTreeMap::new();
    each(place, topics::DEAD_LETTER, |record| {
        if as_json {
            say!("{}", shown(&record.value, reveal)?)?;
            return Ok(());
        }
        let letter = codec.decode(&record.value)?;
        let entry = by_reason
            .entry(letter.reason.clone())
            .or_insert_with(|| (0, DeadLetter::default()));
        entry.0 += 1;
        entry.1 = letter;
        Ok(())
    })?;
    for (reason, (count, last)) in &by_reason {
        say!(
            "{count:>8}  {reason:<24} last {} at {}: {}",
            last.event_id,
            to_rfc3339(last.ingest_time),
            last.detail
        )?;
    }
    if !as_json && by_reason.is_empty() {
        say!("no dead letters")?;
    }
    Ok(())
}

fn show(place: &Place, reveal: &Reveal, event_id: &str) -> Result<(), Failure> {
    let codec = codec::dead_letter();
    let mut found = None;
    let dir = each(place, topics::DEAD_LETTER, |record| {
        if codec.decode(&record.value)?.event_id == event_id {
            found = Some(record.value.clone());
        }
        Ok(())
    })?;
    let Some(value) = found else {
        return Err(Failure::failed(anyhow!(
            "there is no dead letter {event_id:?}; `hilo dlq list` names them"
        )));
    };
    audit::revealed(reveal, &dir, "dead_letter", event_id)?;
    say!("{}", shown(&value, reveal)?)?;
    Ok(())
}

/// Appends the deliveries of the selected dead letters to the raw log once more. What was good in them is a duplicate
/// by then, so only what could not be read before has an effect.
fn replay(place: &Place, reason: Option<&str>, event_id: Option<&str>, as_json: bool) -> Result<(), Failure> {
    if reason.is_none() && event_id.is_none() {
        return Err(Failure::usage(anyhow!(
            "say which dead letters: --reason NAME or --event-id ID"
        )));
    }
    let letters = codec::dead_letter();
    let mut deliveries: BTreeSet<String> = BTreeSet::new();
    let dir = each(place, topics::DEAD_LETTER, |record| {
        let letter = letters.decode(&record.value)?;
        let wanted = reason.is_none_or(|reason| reason == letter.reason)
            && event_id.is_none_or(|event_id| event_id == letter.event_id);
        if wanted {
            deliveries.insert(letter.delivery_id);
        }
        Ok(())
    })?;
    if deliveries.is_empty() {
        return Err(Failure::failed(anyhow!(
            "no dead letter is selected; `hilo dlq list` names them and their reasons"
        )));
    }
    let codec = codec::raw();
    let mut again: BTreeMap<String, Record> = BTreeMap::new();
    each(place, topics::RAW, |record| {
        let raw: Raw = codec.decode(&record.value)?;
        if deliveries.contains(&raw.delivery_id) {
            again.insert(raw.delivery_id, record.clone());
        }
        Ok(())
    })?;
    let count = again.len();
    let directory = DataDir::open(&dir)?;
    let log = RawLog::open(&directory, topics::RAW)?;
    log.append(again.into_values().collect()).wait()?;
    if as_json {
        say!("{}", serde_json::json!({"deliveries": count}))?;
    } else {
        say!("{count} deliveries appended once more; `hilo up` processes them")?;
    }
    Ok(())
}
