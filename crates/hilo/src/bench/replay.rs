//! `hilo bench replay`: a generated capture through the whole topology in memory.

use super::state::State;
use crate::{captures, pipeline, say::say, topology::Tenants};
use anyhow::{Context as _, Result, ensure};
use hilo_bench::{peak_resident_bytes, process_seconds, reset_peak};
use hilo_simulator::{Profile, capture};
use std::{
    fs::{self, File},
    io::BufWriter,
    time::Instant,
};

/// A Tuesday in May 2026: the world of a benchmark starts there, so that runs compare.
pub(super) const START: i64 = 1_777_975_200_000;
/// Items a second of the generated world: its busiest hour, not its speed.
pub(super) const WORLD_RATE: u32 = 500;

pub(crate) fn run(items: u64, seed: u64, as_json: bool) -> Result<()> {
    let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
    let path = folder.path().join("bench.ndjson");
    eprintln!("generating a capture of {items} items (seed {seed})");
    let mut file = BufWriter::with_capacity(1 << 20, File::create(&path)?);
    let tally = capture::write(&mut file, seed, Profile::demo(START, WORLD_RATE), items)?;
    drop(file);
    let bytes = fs::metadata(&path)?.len();
    // The first read of a file measures the disk.
    let mut warm = File::open(&path)?;
    std::io::copy(&mut warm, &mut std::io::sink())?;

    eprintln!("replaying {} MB", bytes >> 20);
    // Peak memory from here on. Without the right to reset it, the generator's small share stays in it.
    reset_peak();
    let cpu_before = process_seconds();
    let started = Instant::now();
    let mut facts = 0u64;
    let mut run = pipeline::run(&Tenants::default(), captures::records(&[path])?, |batch| {
        facts += batch.len() as u64;
        Ok(())
    })?;
    let seconds = started.elapsed().as_secs_f64();
    let cpu = process_seconds() - cpu_before;
    let peak = peak_resident_bytes().unwrap_or_default();
    let outcomes: u64 = run
        .counts
        .iter()
        .filter(|((name, _), _)| *name == "items")
        .map(|(_, count)| count)
        .sum();
    ensure!(
        outcomes == tally.items.unsigned_abs(),
        "{outcomes} items counted, {} generated",
        tally.items
    );
    let rate = outcomes as f64 / seconds;
    let state = State::of(&mut run.stages)?;
    if as_json {
        say!(
            "{}",
            serde_json::json!({
                "items": outcomes, "deliveries": tally.deliveries, "bytes": bytes, "facts": facts, "seconds": seconds,
                "items_per_second": rate, "cpu_seconds": cpu, "cpu_seconds_fan_out": run.fan_out_cpu,
                "cpu_seconds_fold": run.fold_cpu, "cpu_seconds_metrics": run.metrics_cpu, "peak_memory_bytes": peak,
                "state": state,
            })
        )?;
    } else {
        let per_item = |seconds: f64| seconds * 1e6 / outcomes as f64;
        say!(
            "{outcomes} items of {} lines in {seconds:.2} s: {rate:.0} items/s, {facts} facts",
            tally.lines
        )?;
        say!("CPU {cpu:.2} s: {:.2} µs an item", per_item(cpu))?;
        say!(
            "  {:.2} µs reading, parsing, fanning out · {:.2} µs duplicates, people, sessions, statuses · {:.2} µs numbers",
            per_item(run.fan_out_cpu),
            per_item(run.fold_cpu),
            per_item(run.metrics_cpu)
        )?;
        say!(
            "peak memory {} MB, all state of {} lines in it",
            peak >> 20,
            tally.lines
        )?;
        for line in state.to_string().trim_end().lines() {
            say!("{line}")?;
        }
    }
    Ok(())
}
