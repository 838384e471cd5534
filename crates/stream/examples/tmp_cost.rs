//! What the embedded engine costs, apart from any real processor: `cargo run --release -p hilo-stream --example
//! embedded_cost [directory]`. Prints a line a measurement; the figures in the README come from here.

#![allow(clippy::unwrap_used, reason = "a measurement that fails may stop")]

use hilo_stream::embedded::{DataDir, Engine, RawLog};
use hilo_stream::{
    Context, Processor, ProcessorError, ProcessorSpec, Record, Scope, StateStore, Store, StoreSpec, TopicKind,
    TopicSpec, Topology, Verdict,
};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

const RAW: &str = "raw";
const OUT: &str = "out";
const VALUE_BYTES: usize = 850;
const STATE_BYTES: usize = 120;

/// One read, one change and one output a record.
struct Count {
    counts: Store<(u64, Vec<u8>)>,
}

impl Processor for Count {
    fn process(&mut self, record: &Record, context: &mut Context) -> Result<Verdict, ProcessorError> {
        let entry = self
            .counts
            .get_or_insert_with(&record.key, || (0, vec![7; STATE_BYTES]))?;
        entry.0 += 1;
        context.send(OUT, record.key.clone(), record.timestamp, record.value[..300].to_vec());
        Ok(Verdict::Done)
    }

    fn stores(&mut self) -> Vec<&mut dyn StateStore> {
        vec![&mut self.counts]
    }
}

fn topology() -> Topology {
    let topic = |name, kind| TopicSpec {
        name,
        kind,
        key: "number",
        schema: Some(name),
        kept: "for the run",
        doc: "Measured.",
    };
    let count = ProcessorSpec {
        name: "count",
        doc: "Counts.",
        scope: Scope::Keyed,
        inputs: vec![RAW],
        outputs: vec![topic(OUT, TopicKind::Derived)],
        also_writes: vec![],
        stores: vec![StoreSpec {
            name: "counts",
            doc: "By number.",
        }],
        factory: Arc::new(|| {
            Box::new(Count {
                counts: Store::new("counts"),
            })
        }),
    };
    Topology::new(vec![topic(RAW, TopicKind::Raw)], vec![count]).unwrap()
}

/// Keys spread over `keys` values, as hashes are.
fn record(number: u64, keys: u64) -> Record {
    let key = (number.wrapping_mul(0x9e37_79b9_7f4a_7c15) % keys).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    Record {
        topic: RAW,
        key: key.to_be_bytes().to_vec(),
        value: vec![b'x'; VALUE_BYTES],
        timestamp: number.cast_signed(),
    }
}

/// CPU time of this process.
fn cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    let own: u64 = stat
        .split(' ')
        .next()
        .and_then(|text| text.parse().ok())
        .unwrap_or_default();
    let mut all = own;
    for thread in std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten() {
        if thread.file_name().to_string_lossy() != std::process::id().to_string() {
            let stat = std::fs::read_to_string(thread.path().join("schedstat")).unwrap_or_default();
            all += stat
                .split(' ')
                .next()
                .and_then(|text| text.parse::<u64>().ok())
                .unwrap_or_default();
        }
    }
    Duration::from_nanos(all)
}

fn told(what: &str, records: u64, since: Instant, cpu_since: Duration) {
    let (wall, cpu) = (since.elapsed(), cpu().saturating_sub(cpu_since));
    let each = |time: Duration| time.as_secs_f64() * 1e6 / records as f64;
    println!(
        "{what:<58} {records:>8} records  {:>8.2} µs wall  {:>6.2} µs CPU each",
        each(wall),
        each(cpu)
    );
}

fn main() {
    let home = tempfile::tempdir().unwrap();
    let home = std::env::args().nth(1).map_or(home.path().to_owned(), PathBuf::from);
    for keys in [50_000, 1_000_000] {
        let dir = DataDir::open(&home.join(keys.to_string())).unwrap();
        let topology = topology();
        let raw = RawLog::open(&dir, RAW).unwrap();
        let bury = |record: &Record, _: &'static str, _: &str| Ok(record.clone());

        let total = 600_000;
        let (start, used) = (Instant::now(), cpu());
        let mut receipts = Vec::new();
        for first in (0..total).step_by(100) {
            receipts.push(raw.append((first..first + 100).map(|number| record(number, keys)).collect()));
        }
        for receipt in receipts {
            receipt.wait().unwrap();
        }
        told("raw append, 100 a call, calls share commits", total, start, used);

        let mut engine = Engine::open(&dir, &topology, &raw, bury).unwrap();
        for part in 1..=3 {
            let (start, used) = (Instant::now(), cpu());
            let before = engine.progress().raw_offset;
            while engine.progress().raw_offset < total * part / 3 {
                engine.step().unwrap();
            }
            let done = engine.progress().raw_offset - before;
            told(
                &format!("engine, get + put + output, {keys} keys, part {part}"),
                done,
                start,
                used,
            );
        }

        let engine = engine.start().unwrap();
        let watch = engine.watch();
        for pause in [Duration::ZERO, Duration::from_millis(20)] {
            let mut times = Vec::new();
            for number in 0..3 {
                std::thread::sleep(pause);
                let sent = Instant::now();
                let offsets = raw.append(vec![record(number, keys)]).wait().unwrap();
                let durable = sent.elapsed();
                watch.wait_for(offsets.end);
                times.push((durable, sent.elapsed()));
            }
            let quantile = |mut of: Vec<Duration>, share: usize| {
                of.sort();
                of[of.len() * share / 100]
            };
            let durable: Vec<Duration> = times.iter().map(|time| time.0).collect();
            let derived: Vec<Duration> = times.iter().map(|time| time.1).collect();
            println!(
                "one at a time, {pause:?} apart: durable p50 {:?} p99 {:?}, derived p50 {:?} p99 {:?}",
                quantile(durable.clone(), 50),
                quantile(durable, 99),
                quantile(derived.clone(), 50),
                quantile(derived, 99)
            );
        }

        // A steady load in small calls, as a gateway makes it.
        let (start, used) = (Instant::now(), cpu());
        let (load, rate) = (100u64, 2_000);
        let batches = watch.get().batches;
        let mut last = None;
        for number in 0..load {
            let due = start + Duration::from_micros(1_000_000 / rate * number);
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            last = Some(raw.append(vec![record(number, keys)]));
        }
        let end = last.map(|receipt| receipt.wait().unwrap().end).unwrap_or_default();
        let progress = watch.wait_for(end);
        told(
            &format!("{rate} a second, one a call, {} commits", progress.batches - batches),
            load,
            start,
            used,
        );
        engine.stop().unwrap();
    }
}
