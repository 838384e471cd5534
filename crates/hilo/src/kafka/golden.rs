//! The golden record and the table of the numbers, kept up to date from the topics: offsets rest with the rows.

use crate::kafka::raw::wall_clock;
use crate::node::{GOLDEN_DB, SharedTable};
use anyhow::{Context as _, Result};
use hilo_contracts::{
    codec::{self, Codec as _},
    json, topics,
};
use hilo_golden::{Golden, GoldenError, Placed};
use hilo_kafka::{Cluster, Framing, Measures, Reader, Received};
use std::{
    collections::BTreeMap,
    fmt::Display,
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};
use tracing::{error, warn};

/// Records applied in one transaction at most.
const BATCH: usize = 10_000;
/// How long a reader waits for records before it looks whether it should stop.
const PATIENCE: Duration = Duration::from_millis(200);
/// Its place among the lanes, for liveness and readiness.
const NAME: &str = "golden";

/// What else the topics say, for the page: counted since the first record that is there.
#[derive(Default)]
pub(crate) struct Kept {
    emitted: AtomicU64,
    statuses: AtomicU64,
    unclassified: AtomicU64,
    dead_letters: Mutex<BTreeMap<String, u64>>,
    /// Milliseconds from the append of the last fact to its row.
    delay: AtomicI64,
}

impl Kept {
    pub(crate) fn emitted(&self) -> u64 {
        self.emitted.load(Ordering::Relaxed)
    }

    pub(crate) fn statuses(&self) -> u64 {
        self.statuses.load(Ordering::Relaxed)
    }

    pub(crate) fn unclassified(&self) -> u64 {
        self.unclassified.load(Ordering::Relaxed)
    }

    pub(crate) fn dead_letters(&self) -> BTreeMap<String, u64> {
        self.dead_letters.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn delay_seconds(&self) -> f64 {
        self.delay.load(Ordering::Relaxed) as f64 / 1_000.0
    }
}

/// The threads that keep both.
pub(crate) struct Ledger {
    pub table: SharedTable,
    pub kept: Arc<Kept>,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<Result<()>>>,
}

impl Ledger {
    /// Opens the golden record in `dir`, which nobody else has open, and goes on where its offsets say.
    pub(crate) fn start(
        cluster: &Cluster,
        framing: &Arc<Framing>,
        dir: &Path,
        measures: &Arc<Measures>,
    ) -> Result<Self> {
        let mut golden = Golden::open(&dir.join(GOLDEN_DB))?;
        let mut offsets = Vec::new();
        let mut reader = Reader::open(
            cluster,
            &hilo_golden::TOPICS,
            Arc::clone(framing),
            |topic, partition| match golden.next_offset(topic, partition) {
                Ok(offset) => offset,
                Err(error) => {
                    offsets.push(error);
                    0
                }
            },
        )?;
        if let Some(error) = offsets.pop() {
            return Err(error).context("the golden record's offsets cannot be read");
        }
        let table = SharedTable::default();
        let mut rows = Reader::open(cluster, &[topics::METRIC], Arc::clone(framing), |_, _| 0)?;
        let mut bad = Reader::open(
            cluster,
            &[topics::DEAD_LETTER, topics::UNCLASSIFIED],
            Arc::clone(framing),
            |_, _| 0,
        )?;
        let stop = Arc::new(AtomicBool::new(false));
        let kept = Arc::new(Kept::default());
        let mut threads = Vec::new();
        {
            let (stop, measures, kept) = (Arc::clone(&stop), Arc::clone(measures), Arc::clone(&kept));
            threads.push(spawn("bad data", move || {
                let codec = codec::dead_letter();
                follow(&mut bad, 2, &stop, &measures, |received| {
                    for one in received {
                        if one.record.topic == topics::UNCLASSIFIED {
                            kept.unclassified.fetch_add(1, Ordering::Relaxed);
                            continue;
                        }
                        let Some(letter) = readable(codec.decode(&one.record.value), &one, &measures) else {
                            continue;
                        };
                        let mut reasons = kept.dead_letters.lock().unwrap_or_else(PoisonError::into_inner);
                        *reasons.entry(letter.reason).or_default() += 1;
                    }
                    Ok(())
                })
            })?);
        }
        {
            let (stop, measures, kept) = (Arc::clone(&stop), Arc::clone(measures), Arc::clone(&kept));
            threads.push(spawn("golden", move || {
                follow(&mut reader, 0, &stop, &measures, |received| {
                    for one in &received {
                        kept.emitted.fetch_add(1, Ordering::Relaxed);
                        if one.record.topic == topics::STATUS {
                            kept.statuses.fetch_add(1, Ordering::Relaxed);
                        }
                        kept.delay
                            .store((wall_clock() - one.appended).max(0), Ordering::Relaxed);
                    }
                    let batch: Vec<Placed> = received
                        .into_iter()
                        .map(|one| Placed {
                            partition: one.partition,
                            offset: one.offset,
                            record: one.record,
                        })
                        .collect();
                    match golden.apply(&batch) {
                        // Only then each is looked at: facts are written by Hilo alone, and decoded once.
                        Err(GoldenError::Record { .. }) => golden.apply(&facts(batch, &measures))?,
                        other => other?,
                    };
                    Ok(())
                })
            })?);
        }
        {
            let (stop, measures, table) = (Arc::clone(&stop), Arc::clone(measures), Arc::clone(&table));
            threads.push(spawn("table", move || {
                let codec = codec::metric();
                follow(&mut rows, 1, &stop, &measures, |received| {
                    let mut table = table.write().unwrap_or_else(PoisonError::into_inner);
                    for one in received {
                        if let Some(row) = readable(codec.decode(&one.record.value), &one, &measures) {
                            table.apply(row);
                        }
                    }
                    Ok(())
                })
            })?);
        }
        Ok(Self {
            table,
            kept,
            stop,
            threads,
        })
    }

    /// Whether a thread has ended: none does by itself but by a failure.
    pub(crate) fn has_ended(&self) -> bool {
        self.threads.iter().any(JoinHandle::is_finished)
    }

    /// Ends after the batch in hand; says what failed before.
    pub(crate) fn stop(self) -> Result<()> {
        self.stop.store(true, Ordering::Release);
        let mut result = Ok(());
        for thread in self.threads {
            let ended = thread.join().unwrap_or_else(|_| {
                Err(anyhow::anyhow!(
                    "a reader of the topics stopped: this is a defect of Hilo"
                ))
            });
            result = result.and(ended);
        }
        result
    }
}

/// What a record of a derived topic holds. What cannot be read is somebody else's: it is passed over and counted.
fn readable<T>(decoded: Result<T, impl Display>, one: &Received, measures: &Measures) -> Option<T> {
    decoded
        .inspect_err(|problem| passed_over(one.record.topic, one.partition, one.offset, problem, measures))
        .ok()
}

/// Those of a batch that hold a fact.
fn facts(batch: Vec<Placed>, measures: &Measures) -> Vec<Placed> {
    let mut unused = Vec::new();
    batch
        .into_iter()
        .filter(|one| {
            unused.clear();
            json::write(one.record.topic, &one.record.value, &mut unused)
                .inspect_err(|problem| passed_over(one.record.topic, one.partition, one.offset, problem, measures))
                .is_ok()
        })
        .collect()
}

fn passed_over(topic: &str, partition: i32, offset: i64, problem: &impl Display, measures: &Measures) {
    warn!(topic, partition, offset, %problem, "a record is no fact of ours: something else writes there; it is passed over");
    measures.passed_over(NAME, 1);
}

fn spawn(name: &str, work: impl FnOnce() -> Result<()> + Send + 'static) -> Result<JoinHandle<Result<()>>> {
    Ok(thread::Builder::new().name(name.to_owned()).spawn(work)?)
}

fn follow(
    reader: &mut Reader,
    place: usize,
    stop: &AtomicBool,
    measures: &Measures,
    mut apply: impl FnMut(Vec<Received>) -> Result<()>,
) -> Result<()> {
    while !stop.load(Ordering::Acquire) {
        let received = match reader.read(BATCH, PATIENCE) {
            Ok(received) => received,
            Err(failure) => {
                error!(%failure, "the topics cannot be read");
                return Err(failure.into());
            }
        };
        measures.took_in(NAME, place, received.len() as u64);
        measures.passed_over(NAME, reader.passed_over());
        for behind in reader.behind() {
            measures.is_behind(NAME, &behind, wall_clock());
        }
        if received.is_empty() {
            continue;
        }
        apply(received).inspect_err(|failure| {
            error!(
                error = format!("{failure:#}"),
                "the golden record cannot be kept up to date"
            );
        })?;
    }
    Ok(())
}
