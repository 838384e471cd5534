//! The whole chain on one backlog, and where its time goes.

use super::{
    Capture,
    stage::{Stage, through},
};
use anyhow::Result;
use hilo_bench::{ThreadGroups, machine_seconds, peak_resident_bytes, process_seconds, reset_peak, thread_seconds};
use hilo_kafka::{Engine, Measures};
use serde::Serialize;
use std::{fmt, path::Path, sync::Arc, time::Instant};

/// What the chain did with a backlog.
#[derive(Debug, Serialize)]
pub(crate) struct Chain {
    items: u64,
    items_per_second: f64,
    cpu_seconds_per_million_items: f64,
    peak_memory_bytes: u64,
    /// From the start of the lanes until nothing moved any more.
    seconds: f64,
    lanes: Vec<LaneTime>,
    cpu_seconds_clients: f64,
    cpu_seconds_others: f64,
    cpu_seconds: f64,
    /// What the machine did besides: the broker, where it is on this machine.
    cpu_seconds_elsewhere: f64,
}

/// Where the time of a processor's lanes went.
#[derive(Debug, Serialize)]
struct LaneTime {
    processor: &'static str,
    records: u64,
    cpu_seconds: f64,
    commits: u64,
    /// Of the clock: changes of state encoded and sent, the broker's answers, the local copy written.
    commit_seconds: f64,
}

impl fmt::Display for Chain {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        let per_item = |seconds: f64| seconds * 1e6 / self.items as f64;
        writeln!(
            out,
            "the whole chain           {:.0} items/s, {:.1} CPU seconds per million items, peak memory {} MB",
            self.items_per_second,
            self.cpu_seconds_per_million_items,
            self.peak_memory_bytes >> 20
        )?;
        writeln!(
            out,
            "  {:<22}  CPU s  µs/item    records  commits  in commits s",
            "where its time goes"
        )?;
        for lane in &self.lanes {
            writeln!(
                out,
                "  {:<22} {:>6.2} {:>8.1} {:>10} {:>8} {:>13.2}",
                lane.processor,
                lane.cpu_seconds,
                per_item(lane.cpu_seconds),
                lane.records,
                lane.commits,
                lane.commit_seconds
            )?;
        }
        for (name, seconds) in [
            ("threads of the client", self.cpu_seconds_clients),
            ("other threads", self.cpu_seconds_others),
            ("this process", self.cpu_seconds),
            ("the rest of the machine", self.cpu_seconds_elsewhere),
        ] {
            writeln!(out, "  {name:<22} {seconds:>6.2} {:>8.1}", per_item(seconds))?;
        }
        write!(out, "  in {:.1} s, start and end included", self.seconds)
    }
}

/// Runs everything over the records; the lanes go on.
pub(super) fn measure(stage: &Stage, capture: &Capture, state_dir: &Path) -> Result<(Chain, Engine, Arc<Measures>)> {
    stage.produce(&capture.records)?;
    let names: Vec<&'static str> = stage.topology.processors().iter().map(|spec| spec.name).collect();
    reset_peak();
    let began = Instant::now();
    let (machine, process, threads) = (machine_seconds(), process_seconds(), thread_seconds());
    let (engine, measures) = stage.start(&names, stage.bench.lanes, state_dir)?;
    let count = capture.records.len() as u64;
    let pace = through(&measures, &names, count)?;
    let cpu_seconds = process_seconds() - process;
    let cpu_seconds_elsewhere = (machine_seconds() - machine - cpu_seconds).max(0.0);
    let groups = ThreadGroups::between(&threads, &thread_seconds(), &names);
    let chain = Chain {
        items: capture.items,
        items_per_second: pace.rate() * capture.items as f64 / count as f64,
        cpu_seconds_per_million_items: cpu_seconds * 1e6 / capture.items as f64,
        peak_memory_bytes: peak_resident_bytes().unwrap_or_default(),
        seconds: began.elapsed().as_secs_f64(),
        lanes: lanes(&names, &measures, &groups),
        cpu_seconds_clients: groups.clients,
        cpu_seconds_others: groups.others,
        cpu_seconds,
        cpu_seconds_elsewhere,
    };
    Ok((chain, engine, measures))
}

fn lanes(names: &[&'static str], measures: &Measures, groups: &ThreadGroups) -> Vec<LaneTime> {
    names
        .iter()
        .map(|&processor| {
            let (commits, commit_seconds) = measures.commits(processor);
            LaneTime {
                processor,
                records: measures.processed(processor),
                cpu_seconds: groups.lanes.get(processor).copied().unwrap_or_default(),
                commits,
                commit_seconds,
            }
        })
        .collect()
}
