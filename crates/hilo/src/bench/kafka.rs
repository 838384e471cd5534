//! `hilo bench kafka`: lanes against a bare transactional copy on the same broker in the same run.

use super::replay::{START, WORLD_RATE};
use crate::{kafka::raw::wall_clock, topology};
use anyhow::{Context as _, Result, ensure};
use hdrhistogram::Histogram;
use hilo_bench::{peak_resident_bytes, process_seconds};
use hilo_contracts::{
    capture::{self as lines},
    codec, schemas, topics,
};
use hilo_kafka::{
    Cluster, Delivered, Engine, Framing, LaneSettings, Measures, Plan, RawProducer, Reader, baseline, restore,
    topics::{self as plans, Sizes},
};
use hilo_simulator::{Profile, capture};
use hilo_stream::{Record, Topology};
use prometheus::Registry;
use serde::Serialize;
use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// Deliveries a second while delays are measured.
const RATE: u64 = 1_000;
/// How long.
const LATENCY_RUN: Duration = Duration::from_secs(15);
/// Nothing has moved for so long: a stage is through.
const QUIET: Duration = Duration::from_secs(2);
/// Bytes of a person's entry in the restore: the mean of the simulated worlds.
const PERSON_BYTES: usize = 220;

/// What is to be measured.
pub(crate) struct KafkaBench {
    pub cluster: Cluster,
    pub items: u64,
    pub partitions: i32,
    pub lanes: usize,
    pub commit_interval: Duration,
    pub people: u64,
}

/// What was found.
#[derive(Debug, Serialize)]
pub(crate) struct KafkaReport {
    deliveries: u64,
    items: u64,
    bare_records_per_second: f64,
    normalize_records_per_second: f64,
    normalize_items_per_second: f64,
    ratio_to_bare: f64,
    chain_items_per_second: f64,
    chain_cpu_seconds_per_million_items: f64,
    peak_memory_bytes: u64,
    latency_deliveries_per_second: f64,
    latency_p50_ms: f64,
    latency_p99_ms: f64,
    restored_people: u64,
    restore_seconds: f64,
    restore_peak_memory_bytes: u64,
}

impl std::fmt::Display for KafkaReport {
    fn fmt(&self, out: &mut std::fmt::Formatter) -> std::fmt::Result {
        writeln!(out, "{} deliveries, {} items", self.deliveries, self.items)?;
        writeln!(
            out,
            "bare transactional copy   {:>9.0} records/s",
            self.bare_records_per_second
        )?;
        writeln!(
            out,
            "normalize alone           {:>9.0} records/s ({:.0} items/s): {:.0} % of the bare rate",
            self.normalize_records_per_second,
            self.normalize_items_per_second,
            self.ratio_to_bare * 100.0
        )?;
        writeln!(
            out,
            "the whole chain           {:>9.0} items/s, {:.1} CPU seconds per million items, peak memory {} MB",
            self.chain_items_per_second,
            self.chain_cpu_seconds_per_million_items,
            self.peak_memory_bytes >> 20
        )?;
        writeln!(
            out,
            "delivery to fact          p50 {:.0} ms, p99 {:.0} ms at {:.0} deliveries/s",
            self.latency_p50_ms, self.latency_p99_ms, self.latency_deliveries_per_second
        )?;
        write!(
            out,
            "restore                   {} people in {:.1} s, peak memory {} MB",
            self.restored_people,
            self.restore_seconds,
            self.restore_peak_memory_bytes >> 20
        )
    }
}

pub(crate) fn run(bench: &KafkaBench) -> Result<KafkaReport> {
    let topology = topology::topology(&topology::Tenants::default())?;
    // Contracts cost five bytes a value, whatever the numbers are.
    let subjects = topology.topics().iter().filter_map(|topic| topic.schema);
    let framing = Arc::new(Framing::new(subjects.zip(1..)));
    eprintln!("generating a capture of {} items", bench.items);
    let mut text = Vec::new();
    let tally = capture::write(&mut text, 1, Profile::demo(START, WORLD_RATE), bench.items)?;
    let records = records(&text)?;
    drop(text);
    let count = records.len() as u64;
    let stage = |name: &str| Cluster {
        prefix: format!("{}bench-{}-{name}.", bench.cluster.prefix, wall_clock()),
        ..bench.cluster.clone()
    };

    eprintln!("a bare copy, then normalize alone");
    let first = Stage::new(stage("one"), &topology, bench, &framing)?;
    first.produce(&records)?;
    let bare = baseline::copy(&first.cluster, topics::RAW, topics::UNIQUE, bench.partitions, count)?.as_secs_f64();
    let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
    let (engine, measures) = first.start(&["normalize"], folder.path())?;
    let normalize = through(&measures, &["normalize"], count)?;
    engine.stop()?;
    first.remove()?;

    eprintln!("the whole chain");
    let second = Stage::new(stage("all"), &topology, bench, &framing)?;
    second.produce(&records)?;
    let names: Vec<&'static str> = topology.processors().iter().map(|spec| spec.name).collect();
    let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
    // Peak memory from here on, where that may be set back.
    drop(std::fs::write("/proc/self/clear_refs", "5"));
    let cpu = process_seconds();
    let (engine, measures) = second.start(&names, folder.path())?;
    let chain = through(&measures, &names, count)?;
    let cpu = process_seconds() - cpu;
    let peak = peak_resident_bytes().unwrap_or_default();
    eprintln!("delays at {RATE} deliveries/s");
    let (histogram, rate) = second.delays(&records)?;
    engine.stop()?;
    second.remove()?;

    eprintln!("restoring {} people", bench.people);
    let third = Stage::new(stage("restore"), &topology, bench, &framing)?;
    let person = |number: u64| {
        let hash = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (1, hash.to_be_bytes().to_vec(), vec![hash as u8; PERSON_BYTES])
    };
    restore::fill(&third.cluster, "identity", (0..bench.people).map(person))?;
    let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
    drop(std::fs::write("/proc/self/clear_refs", "5"));
    let before = peak_resident_bytes().unwrap_or_default();
    let (restored, took) = restore::measure(
        &third.cluster,
        &topology,
        "identity",
        topology::dead_letter,
        folder.path(),
    )?;
    let restore_peak = peak_resident_bytes().unwrap_or_default().saturating_sub(before);
    third.remove()?;
    ensure!(
        restored == bench.people,
        "{restored} of {} people were restored",
        bench.people
    );

    let items = tally.items.unsigned_abs();
    let (bare, normalized) = (count as f64 / bare, count as f64 / normalize.as_secs_f64());
    Ok(KafkaReport {
        deliveries: count,
        items,
        bare_records_per_second: bare,
        normalize_records_per_second: normalized,
        normalize_items_per_second: items as f64 / normalize.as_secs_f64(),
        ratio_to_bare: normalized / bare,
        chain_items_per_second: items as f64 / chain.as_secs_f64(),
        chain_cpu_seconds_per_million_items: cpu * 1e6 / items as f64,
        peak_memory_bytes: peak,
        latency_deliveries_per_second: rate,
        latency_p50_ms: histogram.value_at_quantile(0.5) as f64,
        latency_p99_ms: histogram.value_at_quantile(0.99) as f64,
        restored_people: restored,
        restore_seconds: took.as_secs_f64(),
        restore_peak_memory_bytes: restore_peak,
    })
}

fn records(text: &[u8]) -> Result<Vec<Record>> {
    let codec = codec::raw();
    text.split(|byte| *byte == b'\n')
        .filter_map(|line| lines::from_line(line, None, 0))
        .map(|raw| crate::captures::record(&codec, &raw))
        .collect()
}

/// Topics of their own for one measurement.
struct Stage<'a> {
    cluster: Cluster,
    topology: &'a Topology,
    bench: &'a KafkaBench,
    framing: &'a Arc<Framing>,
    plans: Vec<plans::TopicPlan>,
}

impl<'a> Stage<'a> {
    fn new(cluster: Cluster, topology: &'a Topology, bench: &'a KafkaBench, framing: &'a Arc<Framing>) -> Result<Self> {
        let sizes = Sizes {
            partitions: bench.partitions,
            replication: 1,
        };
        let plans = plans::plan(&cluster, topology, sizes, schemas::kept)?;
        plans::apply(&cluster, &plans, sizes)?;
        Ok(Self {
            cluster,
            topology,
            bench,
            framing,
            plans,
        })
    }

    fn remove(&self) -> Result<()> {
        Ok(plans::remove(&self.cluster, &self.plans)?)
    }

    fn producer(&self) -> Result<RawProducer> {
        let patience = Duration::from_mins(2);
        Ok(RawProducer::new(
            &self.cluster,
            topics::RAW,
            Arc::clone(self.framing),
            patience,
        )?)
    }

    fn produce(&self, records: &[Record]) -> Result<()> {
        let producer = self.producer()?;
        let safe = Arc::new(AtomicU64::new(0));
        let mut sent = 0;
        for chunk in records.chunks(1_000) {
            // The client's queue is bounded; the broker sets the pace.
            while sent - safe.load(Ordering::Acquire) > 20_000 {
                thread::sleep(Duration::from_millis(1));
            }
            let (safe, count) = (Arc::clone(&safe), chunk.len() as u64);
            producer.append(chunk.to_vec(), 0, "", move |outcome| {
                if outcome == Delivered::Safe {
                    safe.fetch_add(count, Ordering::Release);
                }
            });
            sent += count;
        }
        producer.finish(Duration::from_mins(2))?;
        let safe = safe.load(Ordering::Acquire);
        ensure!(safe == sent, "the broker took {safe} of {sent} records");
        Ok(())
    }

    fn start(&self, processors: &[&'static str], state_dir: &Path) -> Result<(Engine, Arc<Measures>)> {
        let measures = Arc::new(Measures::new(&Registry::new())?);
        let engine = Engine::start(&Plan {
            topology: self.topology.clone(),
            processors: processors.to_vec(),
            cluster: self.cluster.clone(),
            framing: Arc::clone(self.framing),
            dead_letter: topology::dead_letter,
            settings: LaneSettings {
                lanes: self.bench.lanes,
                commit_interval: self.bench.commit_interval,
                transaction_timeout: Duration::from_secs(30),
                session_timeout: Duration::from_secs(30),
                instance: None,
                state_dir: state_dir.to_owned(),
                kill_point: None,
            },
            measures: Arc::clone(&measures),
        })?;
        Ok((engine, measures))
    }

    /// Sends deliveries at a fixed rate, whatever the answer, and tells how long after it was due each is a fact; a
    /// stall is charged to all that should have been sent meanwhile.
    fn delays(&self, records: &[Record]) -> Result<(Histogram<u64>, f64)> {
        let mut reader = Reader::open(
            &self.cluster,
            &[topics::CONVERSATION, topics::STATUS],
            Arc::clone(self.framing),
            |_, _| 0,
        )?;
        // What is there from before was received by nobody.
        while reader.read(50_000, QUIET)?.iter().any(|received| received.receipt == 0) {}
        let done = AtomicBool::new(false);
        let producer = self.producer()?;
        let mut histogram = Histogram::new_with_bounds(1, 600_000, 3)?;
        let sent = thread::scope(|scope| -> Result<u64> {
            let sender = scope.spawn(|| {
                let (begun, start) = (Instant::now(), wall_clock());
                let mut sent = 0;
                // Told again under another tenant, what was told before is new.
                for record in records.iter().filter(|record| record.value.len() < 4_000) {
                    let due = Duration::from_micros(sent * 1_000_000 / RATE);
                    if due > LATENCY_RUN {
                        break;
                    }
                    thread::sleep(due.saturating_sub(begun.elapsed()));
                    let receipt = start + due.as_millis() as i64;
                    producer.append(vec![renamed(record)], receipt, "", |_| ());
                    sent += 1;
                }
                done.store(true, Ordering::Release);
                sent
            });
            let mut quiet = Instant::now();
            while !done.load(Ordering::Acquire) || quiet.elapsed() < QUIET {
                let received = reader.read(10_000, Duration::from_millis(20))?;
                let now = wall_clock();
                for one in received.iter().filter(|one| one.receipt > 0) {
                    quiet = Instant::now();
                    histogram.saturating_record((now - one.receipt).max(1) as u64);
                }
            }
            sender
                .join()
                .map_err(|_| anyhow::anyhow!("the sender stopped: this is a defect of Hilo"))
        })?;
        ensure!(!histogram.is_empty(), "no delivery became a fact");
        Ok((histogram, sent as f64 / LATENCY_RUN.as_secs_f64()))
    }
}

/// The delivery of a record as another tenant's.
fn renamed(record: &Record) -> Record {
    use hilo_contracts::codec::Codec as _;
    let codec = codec::raw();
    let mut record = record.clone();
    if let Ok(mut raw) = codec.decode(&record.value) {
        "late".clone_into(&mut raw.tenant);
        if let Ok(value) = codec.encode(&raw) {
            record.value = value;
        }
    }
    record
}

/// Waits until the first of `processors` has processed `count` records and nothing moves any more; how long that took from
/// the first record on.
fn through(measures: &Measures, processors: &[&str], count: u64) -> Result<Duration> {
    let processed = || processors.iter().map(|name| measures.processed(name)).sum::<u64>();
    let mut begun: Option<Instant> = None;
    let (mut had, mut moved) = (0, Instant::now());
    loop {
        thread::sleep(Duration::from_millis(10));
        let now = processed();
        if now != had {
            begun.get_or_insert_with(Instant::now);
            (had, moved) = (now, Instant::now());
        }
        if measures.processed(processors[0]) >= count && moved.elapsed() > QUIET {
            return Ok(begun.map_or(Duration::ZERO, |begun| moved.duration_since(begun)));
        }
        ensure!(
            moved.elapsed() < Duration::from_mins(2),
            "nothing moves any more after {had} records"
        );
    }
}
