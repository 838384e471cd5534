//! All roles in one process on the embedded engine: raw log, engine, and the readers of its topics.

use crate::{
    captures,
    pulse::{Pulse, Reading},
    topology::{self, Tenants},
};
use anyhow::{Context as _, Result};
use hilo_contracts::{
    capture,
    codec::{self, Codec as _},
    topics,
};
use hilo_golden::{Golden, Placed};
use hilo_metrics::table::Table;
use hilo_stream::embedded::{Backoff, DataDir, Engine, Log, ProgressWatch, RawLog, RunningEngine, passes};
use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};
use tracing::{error, info};

/// The golden record beside the engine's files.
pub(crate) const GOLDEN_DB: &str = "golden.db";
/// Facts applied in one transaction.
const APPLY: usize = 10_000;
/// How long a reader waits for the next commit before it looks whether it should stop.
const PATIENCE: Duration = Duration::from_millis(250);
/// How long the engine, and then the reader, may take for the batch in hand when the node stops. Who takes longer is left
/// alone: the process ends, and what is not committed is done again at the next start.
const BATCH_IN_HAND: Duration = Duration::from_millis(2_500);

/// The numbers as of the last commit that was read, shared with pages and queries.
pub(crate) type SharedTable = Arc<RwLock<Table>>;

/// A running node.
pub(crate) struct Node {
    pub raw: Arc<RawLog>,
    pub watch: ProgressWatch,
    pub table: SharedTable,
    pub dir: PathBuf,
    engine: Option<RunningEngine>,
    reader: Option<JoinHandle<Result<()>>>,
    stop: Arc<AtomicBool>,
    pulse: Pulse,
}

impl Node {
    /// Opens the data directory, which nobody else may have open, and starts.
    pub(crate) fn start(dir: &Path, tenants: &Tenants) -> Result<Self> {
        let directory = DataDir::open(dir)?;
        let topology = topology::topology(tenants)?;
        let raw = Arc::new(RawLog::open(&directory, topics::RAW)?);
        let engine = Engine::open(&directory, &topology, &raw, topology::dead_letter)?.start()?;
        let watch = engine.watch();
        let table = SharedTable::default();
        let stop = Arc::new(AtomicBool::new(false));
        let pulse = Pulse::new(dir, watch.clone(), &raw);
        let reader = {
            let mut reader = Reader {
                log: Log::open(dir, &topology),
                golden: Golden::open(&dir.join(GOLDEN_DB))?,
                table: Arc::clone(&table),
                metrics_read: 0,
                reading: pulse.reading(),
                dir: dir.to_owned(),
            };
            let (watch, stop, reading) = (watch.clone(), Arc::clone(&stop), pulse.reading());
            thread::Builder::new().name("reader".to_owned()).spawn(move || {
                let ended = reader.run(&watch, &stop);
                reading.ended();
                ended
            })?
        };
        Ok(Self {
            raw,
            watch,
            table,
            dir: dir.to_owned(),
            engine: Some(engine),
            reader: Some(reader),
            stop,
            pulse,
        })
    }

    /// Whether it goes on, for whoever asks later.
    pub(crate) fn pulse(&self) -> Pulse {
        self.pulse.clone()
    }

    /// Announces a time to the topology.
    pub(crate) fn tick(&self, now: hilo_domain::Millis) -> Result<()> {
        let line = format!(r#"{{"source":"clock","at":"{}"}}"#, hilo_domain::time::to_rfc3339(now));
        let raw = capture::from_line(line.as_bytes(), None, 0).context("a clock line is no capture line")?;
        let record = captures::record(&codec::raw(), &raw)?;
        self.pulse.saw(now);
        self.raw.append(vec![record]).wait()?;
        Ok(())
    }

    /// Stops after the batches in hand, whatever waits: it is in the log, and the next start goes on with it. Says what
    /// failed before.
    pub(crate) fn stop(mut self) -> Result<()> {
        self.stop.store(true, Ordering::Release);
        let stopped = match self.engine.take() {
            Some(engine) => engine.stop_within(BATCH_IN_HAND)?,
            None => true,
        };
        if !stopped {
            info!("the engine is in the middle of a record; it is processed again at the next start");
        }
        let Some(reader) = self.reader.take() else {
            return Ok(());
        };
        let patience = Instant::now() + BATCH_IN_HAND;
        while !reader.is_finished() && Instant::now() < patience {
            thread::sleep(Duration::from_millis(10));
        }
        if !reader.is_finished() {
            return Ok(());
        }
        match joined(reader) {
            Err(failure) if passes(failure.as_ref()) => {
                info!(
                    cause = format!("{failure:#}"),
                    "what is not read is read at the next start"
                );
                Ok(())
            }
            ended => ended,
        }
    }

    /// Waits until everything that is in the raw log now is processed and read, then stops. Says what failed.
    pub(crate) fn finish(mut self) -> Result<()> {
        let progress = self.watch.wait_for(self.raw.len());
        self.stop.store(true, Ordering::Release);
        let read = self.reader.take().map_or(Ok(()), joined);
        if let Some(engine) = self.engine.take() {
            engine.stop()?;
        }
        anyhow::ensure!(
            progress.lag_records == 0,
            "the engine stopped with {} records left",
            progress.lag_records
        );
        read
    }
}

fn joined(reader: JoinHandle<Result<()>>) -> Result<()> {
    let defect = |_| anyhow::anyhow!("the reader of the topics stopped: this is a defect of Hilo");
    reader.join().map_err(defect)?
}

/// Applies the derived topics to the golden record and to the table of the numbers.
struct Reader {
    log: Log,
    golden: Golden,
    table: SharedTable,
    metrics_read: u64,
    reading: Arc<Reading>,
    dir: PathBuf,
}

impl Reader {
    fn run(&mut self, watch: &ProgressWatch, stop: &AtomicBool) -> Result<()> {
        let mut batches = 0;
        let mut backoff = Backoff::default();
        loop {
            let stopping = stop.load(Ordering::Acquire);
            let facts = watch.get().facts;
            match self.catch_up() {
                Ok(()) => {
                    self.reading.reached(facts);
                    backoff.reset();
                }
                Err(failure) if !stopping && passes(failure.as_ref()) => {
                    if backoff.is_due() {
                        error!(
                            error = format!("{failure:#}"),
                            "the golden record waits and is tried again; nothing is lost"
                        );
                    }
                    self.reading.failed(format!("{failure:#}"));
                    backoff.wait(&self.dir, || stop.load(Ordering::Acquire));
                    continue;
                }
                Err(failure) => {
                    error!(
                        error = format!("{failure:#}"),
                        "the golden record cannot be kept up to date"
                    );
                    return Err(failure);
                }
            }
            if stopping {
                return Ok(());
            }
            batches = watch.wait(batches, PATIENCE).batches;
        }
    }

    fn catch_up(&mut self) -> Result<()> {
        loop {
            let mut batch: Vec<Placed> = Vec::new();
            for topic in hilo_golden::TOPICS {
                let from = self.golden.next_offset(topic, 0)?;
                let records = self.log.read(topic, u64::try_from(from).unwrap_or_default(), APPLY)?;
                batch.extend(records.into_iter().map(|(offset, record)| Placed {
                    partition: 0,
                    offset: offset.cast_signed(),
                    record,
                }));
            }
            if batch.is_empty() {
                break;
            }
            self.golden.apply(&batch)?;
            self.reading.applied(batch.len());
        }
        loop {
            let rows = read_metrics(&mut self.log, &mut self.metrics_read)?;
            if rows.is_empty() {
                return Ok(());
            }
            self.reading.applied(rows.len());
            let mut table = self.table.write().unwrap_or_else(PoisonError::into_inner);
            for row in rows {
                table.apply(row);
            }
        }
    }
}

/// The next rows of the metric topic.
pub(crate) fn read_metrics(log: &mut Log, from: &mut u64) -> Result<Vec<hilo_contracts::facts::Metric>> {
    let codec = codec::metric();
    let records = log.read(topics::METRIC, *from, APPLY)?;
    let mut rows = Vec::with_capacity(records.len());
    for (offset, record) in records {
        rows.push(codec.decode(&record.value)?);
        *from = offset + 1;
    }
    Ok(rows)
}
