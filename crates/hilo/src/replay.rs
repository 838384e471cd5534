//! `hilo replay`: captures in, derived topics, final state, golden record and metrics out.

use crate::{
    captures,
    pipeline::{self, Costly, TooCostly},
    progress::Progress,
    topology::{Tenants, topology},
};
use anyhow::{Context as _, Result};
use hilo_contracts::{
    codec::{self, Codec as _},
    json, topics,
};
use hilo_golden::{Golden, Placed};
use hilo_metrics::table::{self, Table};
use hilo_stream::TopicKind;
use serde::Serialize;
use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{BufWriter, Write as _},
    path::{Path, PathBuf},
};

/// `summary.json`.
#[derive(Debug, Serialize)]
pub struct Summary {
    /// Capture lines.
    pub lines: u64,
    /// Webhook bodies, also those that are a dead letter as a whole.
    pub deliveries: u64,
    /// Bodies whose entries hold no change.
    pub empty_deliveries: u64,
    /// Items of all lines, counted where they are split from them.
    pub items: u64,
    /// What became of them.
    pub outcomes: Outcomes,
    /// Dead letters by reason.
    pub dead_letter_reasons: BTreeMap<String, u64>,
    /// People.
    pub persons: u64,
    /// Sessions.
    pub sessions: u64,
    /// Distinct messages in.
    pub messages_received: u64,
    /// Distinct sends and echoes.
    pub messages_sent: u64,
    /// Messages that only a history tells of.
    pub messages_history: u64,
    /// Messages that only statuses tell of.
    pub orphans: u64,
    /// Distinct statuses.
    pub statuses: u64,
}

/// Outcomes of items; they add up to `items`.
#[derive(Debug, Serialize)]
pub struct Outcomes {
    /// Became a fact.
    pub emitted: u64,
    /// Told before.
    pub duplicate: u64,
    /// Of a kind that nobody knows; kept whole.
    pub unclassified: u64,
    /// Could not be read; kept whole.
    pub dead_letter: u64,
}

impl Summary {
    /// The counts of the processors and of the golden record, together.
    pub fn new(
        count: impl Fn(&'static str, &'static str) -> u64,
        dead_letter_reasons: BTreeMap<String, u64>,
        golden: &Golden,
    ) -> Result<Self> {
        let outcomes = Outcomes {
            emitted: count("items", "emitted"),
            duplicate: count("items", "duplicate"),
            unclassified: count("items", "unclassified"),
            dead_letter: count("items", "dead_letter"),
        };
        let known = golden.counts()?;
        Ok(Self {
            lines: count("lines", ""),
            deliveries: count("deliveries", ""),
            empty_deliveries: count("empty_deliveries", ""),
            items: count("fanned_out", ""),
            outcomes,
            dead_letter_reasons,
            persons: known.persons,
            sessions: known.sessions,
            messages_received: known.messages_received,
            messages_sent: known.messages_sent,
            messages_history: known.messages_history,
            orphans: known.orphans,
            statuses: count("statuses", ""),
        })
    }
}

/// Dead letters by reason among counters.
pub fn reasons<'a>(counts: impl Iterator<Item = (&'a str, &'a str, u64)>) -> BTreeMap<String, u64> {
    counts
        .filter(|(name, _, _)| *name == "dead_letter_reasons")
        .map(|(_, reason, count)| (reason.to_owned(), count))
        .collect()
}

/// Replays `inputs` into the folder `out`.
pub fn replay(inputs: &[PathBuf], out: &Path, tenants: &Tenants) -> Result<Summary> {
    let mut costly = Costly::new();
    loop {
        let failure = match attempt(inputs, out, tenants, &costly) {
            Ok(summary) => return Ok(summary),
            Err(failure) => failure,
        };
        match failure.downcast_ref::<TooCostly>() {
            Some(found) if !inputs.iter().any(|input| input == Path::new("-")) => {
                tracing::warn!(
                    record = found.number,
                    detail = found.detail,
                    "a record is too costly; the replay begins anew without it"
                );
                costly.insert(found.number, found.detail.clone());
            }
            _ => return Err(failure),
        }
    }
}

fn attempt(inputs: &[PathBuf], out: &Path, tenants: &Tenants, costly: &Costly) -> Result<Summary> {
    // Before the folder: a wrong file name makes none.
    let records = captures::records(inputs)?;
    let state = out.join("state");
    fs::create_dir_all(&state).with_context(|| format!("cannot make the folder {}", state.display()))?;
    let database = out.join("golden.db");
    for leftover in ["golden.db", "golden.db-wal", "golden.db-shm"] {
        let leftover = out.join(leftover);
        if leftover.exists() {
            fs::remove_file(&leftover).with_context(|| format!("cannot replace {}", leftover.display()))?;
        }
    }
    let mut golden = Golden::open(&database)?;
    let mut files: BTreeMap<&str, BufWriter<File>> = BTreeMap::new();
    // Derived topics are written as they are; metrics go through their highest revision first.
    let topology = topology(tenants)?;
    let derived = topology
        .topics()
        .iter()
        .filter(|topic| topic.kind == TopicKind::Derived);
    let other = [topics::METRIC, topics::COUNT, topics::CRM_RECORD, topics::CRM_WRITE];
    for topic in derived.filter(|topic| !other.contains(&topic.name)) {
        let name = topic.name.strip_prefix("hilo.").unwrap_or(topic.name);
        files.insert(topic.name, create(&out.join(format!("{name}.ndjson")))?);
    }
    let mut offsets: BTreeMap<&'static str, i64> = BTreeMap::new();
    let mut table = Table::default();
    // Of each record of a CRM the last revision, by its place in the log.
    let mut desired: BTreeMap<Vec<u8>, (i64, Vec<u8>)> = BTreeMap::new();
    let metric = codec::metric();
    let mut progress = Progress::new("facts");
    let run = pipeline::run_but(tenants, records, costly, |batch| {
        progress.add(batch.len() as u64);
        let mut known: Vec<Placed> = Vec::with_capacity(batch.len());
        for record in batch {
            if record.topic == topics::METRIC {
                table.apply(metric.decode(&record.value)?);
                continue;
            }
            if let Some(file) = files.get_mut(record.topic) {
                json::write(record.topic, &record.value, file)?;
                file.write_all(b"\n")?;
            }
            let offset = offsets.entry(record.topic).or_default();
            if record.topic == topics::CRM_RECORD {
                desired.insert(record.key.clone(), (*offset, record.value.clone()));
            }
            known.push(Placed {
                partition: 0,
                offset: *offset,
                record,
            });
            *offset += 1;
        }
        golden.apply(&known)?;
        Ok(())
    })?;
    progress.finish();
    for file in files.values_mut() {
        file.flush()?;
    }
    let mut desired: Vec<(i64, Vec<u8>)> = desired.into_values().collect();
    desired.sort_unstable();
    let mut records = create(&out.join("crm_record.ndjson"))?;
    for (_, value) in desired {
        json::write(topics::CRM_RECORD, &value, &mut records)?;
        records.write_all(b"\n")?;
    }
    records.flush()?;
    let mut metrics = create(&out.join("metrics.ndjson"))?;
    for row in table.rows().filter(|row| !table::is_internal(&row.metric)) {
        json::write_metric(row, &mut metrics)?;
        metrics.write_all(b"\n")?;
    }
    metrics.flush()?;
    golden.write_state(&state)?;
    let found = reasons(run.counts.iter().map(|((name, label), count)| (*name, *label, *count)));
    let summary = Summary::new(
        |name, label| run.counts.get(&(name, label)).copied().unwrap_or_default(),
        found,
        &golden,
    )?;
    let mut text = serde_json::to_string(&summary)?;
    text.push('\n');
    fs::write(out.join("summary.json"), text).context("cannot write summary.json")?;
    Ok(summary)
}

fn create(path: &Path) -> Result<BufWriter<File>> {
    let file = File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(BufWriter::with_capacity(1 << 18, file))
}
