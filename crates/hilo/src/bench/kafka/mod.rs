//! `hilo bench kafka`: what lanes on a broker do, in one run against one broker.

mod chain;
mod delays;
mod people;
mod rates;
mod restore;
mod stage;

use super::replay::{START, WORLD_RATE};
use crate::topology;
use anyhow::{Context as _, Result};
use chain::Chain;
use clap::ValueEnum;
use delays::Delays;
use hilo_contracts::{capture as lines, codec};
use hilo_kafka::{Cluster, Framing};
use hilo_simulator::{Profile, capture};
use hilo_stream::Record;
pub(crate) use people::MOST;
use rates::Rates;
use restore::Restored;
use serde::Serialize;
use stage::Stage;
use std::{fmt, sync::Arc, time::Duration};

/// What can be measured alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    /// One lane of `normalize` against a bare transactional copy.
    Rates,
    /// All processors on one backlog, then the delay from webhook to fact.
    Chain,
    /// The state of people from its changelog.
    Restore,
}

/// What is to be measured.
pub(crate) struct KafkaBench {
    pub cluster: Cluster,
    /// None: everything.
    pub part: Option<Part>,
    pub items: u64,
    pub rounds: usize,
    pub partitions: i32,
    /// Of each processor in the chain.
    pub lanes: usize,
    pub commit_interval: Duration,
    pub people: u64,
}

/// A generated capture as records of the raw topic.
struct Capture {
    records: Vec<Record>,
    items: u64,
}

/// What was found.
#[derive(Debug, Serialize)]
pub(crate) struct KafkaReport {
    #[serde(skip_serializing_if = "Option::is_none")]
    deliveries: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    items: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rates: Option<Rates>,
    #[serde(skip_serializing_if = "Option::is_none")]
    chain: Option<Chain>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delays: Option<Delays>,
    #[serde(skip_serializing_if = "Option::is_none")]
    restore: Option<Restored>,
}

impl fmt::Display for KafkaReport {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        if let (Some(deliveries), Some(items)) = (self.deliveries, self.items) {
            writeln!(out, "{deliveries} deliveries, {items} items")?;
        }
        let parts: [Option<&dyn fmt::Display>; 4] = [
            self.rates.as_ref().map(|part| part as _),
            self.chain.as_ref().map(|part| part as _),
            self.delays.as_ref().map(|part| part as _),
            self.restore.as_ref().map(|part| part as _),
        ];
        for (place, part) in parts.into_iter().flatten().enumerate() {
            if place > 0 {
                writeln!(out)?;
            }
            write!(out, "{part}")?;
        }
        Ok(())
    }
}

pub(crate) fn run(bench: &KafkaBench) -> Result<KafkaReport> {
    let topology = topology::topology(&topology::Tenants::default())?;
    // Contracts cost five bytes a value, whatever the numbers are.
    let subjects = topology.topics().iter().filter_map(|topic| topic.schema);
    let framing = Arc::new(Framing::new(subjects.zip(1..)));
    let wanted = |part| bench.part.is_none_or(|only| only == part);
    let mut report = KafkaReport {
        deliveries: None,
        items: None,
        rates: None,
        chain: None,
        delays: None,
        restore: None,
    };
    // First, while this process is small: what is measured later leaves more behind.
    if wanted(Part::Restore) {
        report.restore = Some(restore::measure(bench, &topology, &framing)?);
    }
    if bench.part == Some(Part::Restore) {
        return Ok(report);
    }
    let capture = generate(bench.items)?;
    (report.deliveries, report.items) = (Some(capture.records.len()), Some(capture.items));
    if wanted(Part::Rates) {
        eprintln!("a bare copy and normalize by turns, {} rounds", bench.rounds);
        report.rates = Some(rates::measure(bench, &topology, &framing, &capture)?);
    }
    if wanted(Part::Chain) {
        eprintln!("the whole chain");
        let stage = Stage::new("chain", bench, &topology, &framing, bench.partitions)?;
        let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
        let (chain, engine, measures) = chain::measure(&stage, &capture, folder.path())?;
        report.chain = Some(chain);
        eprintln!("from webhook to fact");
        report.delays = Some(delays::measure(&stage, &measures)?);
        engine.stop()?;
        stage.remove()?;
    }
    Ok(report)
}

fn generate(items: u64) -> Result<Capture> {
    eprintln!("generating a capture of {items} items");
    let mut text = Vec::new();
    let tally = capture::write(&mut text, 1, Profile::demo(START, WORLD_RATE), items)?;
    let codec = codec::raw();
    let records = text
        .split(|byte| *byte == b'\n')
        .filter_map(|line| lines::from_line(line, None, 0))
        .map(|raw| crate::captures::record(&codec, &raw))
        .collect::<Result<_>>()?;
    Ok(Capture {
        records,
        items: tally.items.unsigned_abs(),
    })
}
