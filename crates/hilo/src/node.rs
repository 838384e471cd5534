//! All roles in one process on the embedded engine: raw log, engine, and the readers of its topics.

use crate::{
    captures,
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
use hilo_stream::embedded::{DataDir, Engine, Log, ProgressWatch, RawLog, RunningEngine};
use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};
use tracing::error;

/// The golden record beside the engine's files.
pub(crate) const GOLDEN_DB: &str = "golden.db";
/// Facts applied in one transaction.
const APPLY: usize = 10_000;
/// How long a reader waits for the next commit before it looks whether it should stop.
const PATIENCE: Duration = Duration::from_millis(250);

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

/// Whether a node goes on: what is asked of its health.
#[derive(Clone)]
pub(crate) struct Pulse {
    watch: ProgressWatch,
    reading: Arc<AtomicBool>,
}

impl Pulse {
    /// The error says what has stopped. Only a new start mends that.
    pub(crate) fn beats(&self) -> Result<(), String> {
        let stopped = match (self.watch.get().running, self.reading.load(Ordering::Acquire)) {
            (true, true) => return Ok(()),
            (false, _) => "the engine",
            (true, false) => "the reader of the topics, which writes the golden record,",
        };
        Err(format!("{stopped} has stopped; read the last error in the log"))
    }
}

impl Node {
    /// Opens the data directory, which nobody else may have open, and starts.
    pub(crate) fn start(dir: &Path, tenants: &Tenants) -> Result<Self> {
        let directory = DataDir::open(dir)?;
        let topology = topology::topology(tenants)?;
        let raw = RawLog::open(&directory, topics::RAW)?;
        let engine = Engine::open(&directory, &topology, &raw, topology::dead_letter)?.start()?;
        let watch = engine.watch();
        let table = SharedTable::default();
        let stop = Arc::new(AtomicBool::new(false));
        let pulse = Pulse {
            watch: watch.clone(),
            reading: Arc::new(AtomicBool::new(true)),
        };
        let reader = {
            let mut reader = Reader {
                log: Log::open(dir, &topology),
                golden: Golden::open(&dir.join(GOLDEN_DB))?,
                table: Arc::clone(&table),
                metrics_read: 0,
            };
            let (pulse, stop) = (pulse.clone(), Arc::clone(&stop));
            thread::Builder::new().name("reader".to_owned()).spawn(move || {
                let ended = reader.run(&pulse.watch, &stop);
                pulse.reading.store(false, Ordering::Release);
                ended
            })?
        };
        Ok(Self {
            raw: Arc::new(raw),
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
        self.raw.append(vec![record]).wait()?;
        Ok(())
    }

    /// Waits until everything that is in the raw log now is processed and read, then stops. Says what failed.
    pub(crate) fn finish(mut self) -> Result<()> {
        let progress = self.watch.wait_for(self.raw.len());
        self.stop.store(true, Ordering::Release);
        let read = match self.reader.take().map(JoinHandle::join) {
            Some(Ok(result)) => result,
            Some(Err(_)) => Err(anyhow::anyhow!(
                "the reader of the topics stopped: this is a defect of Hilo"
            )),
            None => Ok(()),
        };
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

/// Applies the derived topics to the golden record and to the table of the numbers.
struct Reader {
    log: Log,
    golden: Golden,
    table: SharedTable,
    metrics_read: u64,
}

impl Reader {
    fn run(&mut self, watch: &ProgressWatch, stop: &AtomicBool) -> Result<()> {
        let mut batches = 0;
        loop {
            let stopping = stop.load(Ordering::Acquire);
            match self.catch_up() {
                Ok(()) => {}
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
        }
        loop {
            let rows = read_metrics(&mut self.log, &mut self.metrics_read)?;
            if rows.is_empty() {
                return Ok(());
            }
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
