//! One lane of `normalize` against a bare transactional copy of the same records, by turns.

use super::{
    Capture, KafkaBench,
    stage::{Stage, through},
};
use anyhow::{Context as _, Result};
use hilo_bench::Spread;
use hilo_contracts::topics;
use hilo_kafka::{
    Framing,
    baseline::{self, Pace},
};
use hilo_stream::Topology;
use serde::Serialize;
use std::{fmt, sync::Arc};

/// Records a second, each measured several times.
#[derive(Debug, Serialize)]
pub(crate) struct Rates {
    rounds: usize,
    bare_records_per_second: Spread,
    normalize_records_per_second: Spread,
    normalize_items_per_second: f64,
    /// Of the medians.
    ratio_to_bare: f64,
}

impl fmt::Display for Rates {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        writeln!(
            out,
            "bare transactional copy   {} records/s, median of {} rounds (least–greatest)",
            self.bare_records_per_second, self.rounds
        )?;
        write!(
            out,
            "normalize alone           {} records/s, {:.0} items/s: {:.0} % of the bare rate",
            self.normalize_records_per_second,
            self.normalize_items_per_second,
            self.ratio_to_bare * 100.0
        )
    }
}

/// Each round has topics and groups of its own, and both read the same records in it. The first one warms the broker up
/// and does not count; who begins alternates.
pub(super) fn measure(
    bench: &KafkaBench,
    topology: &Topology,
    framing: &Arc<Framing>,
    capture: &Capture,
) -> Result<Rates> {
    let (mut bare, mut normalize) = (Vec::new(), Vec::new());
    for round in 0..=bench.rounds {
        let stage = Stage::new(&format!("rate{round}"), bench, topology, framing, bench.partitions)?;
        stage.produce(&capture.records)?;
        let copied;
        let processed;
        if round.is_multiple_of(2) {
            copied = copy(&stage, capture)?;
            processed = lane(&stage, capture)?;
        } else {
            processed = lane(&stage, capture)?;
            copied = copy(&stage, capture)?;
        }
        stage.remove()?;
        let word = if round == 0 { "warm-up" } else { "round" };
        eprintln!(
            "  {word} {round}: bare {:.0} records/s, normalize {:.0}",
            copied.rate(),
            processed.rate()
        );
        if round > 0 {
            bare.push(copied.rate());
            normalize.push(processed.rate());
        }
    }
    let of = |measured: &[f64]| Spread::of(measured).context("no round was measured: ask for one at least");
    let (bare, normalize) = (of(&bare)?, of(&normalize)?);
    Ok(Rates {
        rounds: bench.rounds,
        normalize_items_per_second: normalize.median * capture.items as f64 / capture.records.len() as f64,
        ratio_to_bare: normalize.median / bare.median,
        bare_records_per_second: bare,
        normalize_records_per_second: normalize,
    })
}

/// Into a topic that nobody reads here, and with as many partitions as the raw one.
fn copy(stage: &Stage, capture: &Capture) -> Result<Pace> {
    let (partitions, interval) = (stage.bench.partitions, stage.bench.commit_interval);
    let count = capture.records.len() as u64;
    Ok(baseline::copy(
        &stage.cluster,
        [topics::RAW, topics::UNIQUE],
        partitions,
        count,
        interval,
    )?)
}

fn lane(stage: &Stage, capture: &Capture) -> Result<Pace> {
    let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
    let (engine, measures) = stage.start(&["normalize"], 1, folder.path())?;
    let pace = through(&measures, &["normalize"], capture.records.len() as u64)?;
    engine.stop()?;
    Ok(pace)
}
