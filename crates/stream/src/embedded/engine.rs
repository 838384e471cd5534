//! The engine: raw log in, derived logs and state out, one transaction a batch.

use super::bound::{BATCH_RECORDS, Bound};
use super::directory::DataDir;
use super::inlet::{Append, Inlet};
use super::log::{Log, Position};
use super::progress::{Progress, ProgressWatch};
use super::raw::{RawLog, Tail};
use super::state::{Batch, EngineFile};
use super::{Backoff, EmbeddedError, passes};
use crate::store_tables::Changes;
use crate::{Context, DeadLetterEncoder, Executor, ProcessorError, Record, TopicKind, Topology};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Least time from the start of a batch to that of the next one that is not full. An idle engine starts at once; under a
/// steady load this bounds the price of commits, at a delay that nobody sees.
const PACE: Duration = Duration::from_millis(20);

/// Reason of a dead letter that no processor chose: it failed on the record.
pub const PROCESSOR_ERROR: &str = "processor_error";
/// Reason of a dead letter that cost more than [`Context::BUDGET`].
pub const TOO_COSTLY: &str = "too_costly";

/// A record that no processor can take.
struct Poison {
    offset: u64,
    reason: &'static str,
    detail: String,
}

/// Detail of a dead letter [`TOO_COSTLY`], for the engine and for a replay.
#[must_use]
pub fn too_costly(spent: u64) -> String {
    format!(
        "{spent} units of work were spent when it was given up, {} are allowed: a unit is a step of a fold",
        Context::BUDGET
    )
}

/// The durable engine on one machine.
pub struct Engine {
    executor: Executor,
    file: EngineFile,
    log: Log,
    raw_topic: &'static str,
    position: Position,
    /// The record that failed: the batch before it ends there, the next one buries it.
    poison: Option<Poison>,
    bound: Bound,
    /// The last attempt failed and was not taken back yet.
    torn: bool,
    tail: Arc<Tail>,
    inlet: Inlet,
    watch: ProgressWatch,
    /// The directory is ours as long as the engine is there.
    directory: DataDir,
}

impl Engine {
    /// Opens the engine's file, or makes it, and goes on where the last commit left it.
    pub fn open(
        directory: &DataDir,
        topology: &Topology,
        raw: &RawLog,
        dead_letter: DeadLetterEncoder,
    ) -> Result<Self, EmbeddedError> {
        let stray = topology
            .topics()
            .iter()
            .find(|topic| topic.kind == TopicKind::Raw && topic.name != raw.topic());
        if let Some(stray) = stray {
            return Err(EmbeddedError::UnknownTopic(stray.name.to_owned()));
        }
        let executor = Executor::all(topology, dead_letter)?;
        let file = EngineFile::open(directory, topology)?;
        let position = file.position()?;
        let facts = file.facts();
        position.within(raw)?;
        let mut engine = Self {
            executor,
            file,
            log: Log::open(directory.path(), topology),
            raw_topic: raw.topic(),
            position,
            poison: None,
            bound: Bound::default(),
            torn: false,
            tail: raw.tail(),
            inlet: Inlet::new(topology, raw.tail()),
            watch: ProgressWatch::new(position, facts, raw.tail()),
            directory: directory.clone(),
        };
        engine.reset()?;
        Ok(engine)
    }

    /// Processes one batch and commits it; says how many raw records it had, 0 at the end of the log. After an error
    /// nothing of the batch has happened, and the next call tries it again.
    pub fn step(&mut self) -> Result<u64, EmbeddedError> {
        if self.torn {
            self.reset()?;
        }
        self.torn = true;
        let result = self.batch();
        self.torn = result.is_err();
        result
    }

    /// For tests: a batch ends after `time`, whatever a record costs on this machine.
    #[doc(hidden)]
    #[must_use]
    pub fn ending_batches_after(mut self, time: Duration) -> Self {
        self.bound = Bound::of(time);
        self
    }

    /// Where facts enter that no processor makes.
    #[must_use]
    pub fn inlet(&self) -> Inlet {
        self.inlet.clone()
    }

    /// The offset up to which the raw log is processed again, because the state was of an older release; `None`: it is not.
    #[must_use]
    pub fn rebuilds(&self) -> Option<u64> {
        self.file.rebuilds().filter(|upto| self.position.raw_offset < *upto)
    }

    /// How far it is.
    #[must_use]
    pub fn progress(&self) -> Progress {
        self.watch.get()
    }

    /// Runs in a thread of its own: as soon as something is appended, until it is stopped or fails.
    pub fn start(self) -> Result<RunningEngine, EmbeddedError> {
        let stop = Arc::new(AtomicBool::new(false));
        let (watch, tail) = (self.watch.clone(), Arc::clone(&self.tail));
        let thread = std::thread::Builder::new()
            .name("engine".to_owned())
            .spawn({
                let stop = Arc::clone(&stop);
                move || self.run(&stop)
            })
            .map_err(|source| EmbeddedError::Io {
                path: super::state::FILE.into(),
                doing: "served by a thread",
                cause: Arc::new(source),
            })?;
        Ok(RunningEngine {
            watch,
            tail,
            stop,
            thread: Some(thread),
        })
    }

    fn run(mut self, stop: &AtomicBool) -> Result<(), EmbeddedError> {
        let _ended = Ended(self.watch.clone(), self.inlet.clone());
        let mut earliest = Instant::now();
        let mut backoff = Backoff::default();
        loop {
            self.watch.waits(true);
            let wakes = || stop.load(Ordering::Acquire) || !self.inlet.is_empty();
            let len = self.tail.wait(self.position.raw_offset, None, wakes);
            self.watch.waits(false);
            if len < self.position.raw_offset + BATCH_RECORDS {
                std::thread::sleep(earliest.saturating_duration_since(Instant::now()));
            }
            if stop.load(Ordering::Acquire) {
                return Ok(());
            }
            earliest = Instant::now() + PACE;
            match self.step() {
                Ok(_) => {
                    if backoff.is_failing() {
                        tracing::info!("the engine goes on");
                        backoff.reset();
                    }
                }
                Err(error) if passes(&error) => {
                    if backoff.is_due() {
                        tracing::error!(%error, "the engine waits and tries again; what comes in is kept");
                    }
                    self.watch.failed(&error);
                    backoff.wait(self.directory.path(), || stop.load(Ordering::Acquire));
                }
                Err(error) => {
                    tracing::error!(%error, "the engine stops");
                    return Err(error);
                }
            }
        }
    }

    fn batch(&mut self) -> Result<u64, EmbeddedError> {
        let started = Instant::now();
        if let Some(poison) = self.poison.take_if(|poison| poison.offset == self.position.raw_offset) {
            self.bury(&poison)?;
            self.commit(Position {
                raw_offset: poison.offset + 1,
                ..self.position
            })?;
            return Ok(1);
        }
        let until_poison = self
            .poison
            .as_ref()
            .map(|poison| poison.offset - self.position.raw_offset);
        let records = self.read(until_poison.unwrap_or(u64::MAX).min(self.bound.records()))?;
        if records.is_empty() {
            if !self.inlet.is_empty() {
                self.commit(self.position)?;
            }
            return Ok(0);
        }
        let mut position = self.position;
        for record in records {
            let received = record.timestamp;
            if let Err(error) = self.executor.feed(record) {
                return self.poisoned(position.raw_offset, error);
            }
            position.now = position.now.max(Some(received));
            position.raw_offset += 1;
            if self.bound.is_over(started.elapsed()) {
                break;
            }
        }
        let count = position.raw_offset - self.position.raw_offset;
        self.bound.after(count, started.elapsed());
        self.commit(position)?;
        Ok(count)
    }

    /// A processor cannot take the record at `offset`. What the batch did is given up: it is done again without the record,
    /// and then the record is buried alone.
    fn poisoned(&mut self, offset: u64, error: ProcessorError) -> Result<u64, EmbeddedError> {
        if matches!(error, ProcessorError::Store(_)) {
            return Err(self.stopped(error));
        }
        let poison = match error {
            ProcessorError::TooCostly => Poison {
                offset,
                reason: TOO_COSTLY,
                detail: too_costly(self.executor.spent()),
            },
            other => Poison {
                offset,
                reason: PROCESSOR_ERROR,
                detail: other.to_string(),
            },
        };
        self.poison = Some(poison);
        self.executor.discard().map_err(|error| self.stopped(error))?;
        self.batch()
    }

    /// Puts the record at the committed offset among the dead letters.
    fn bury(&mut self, poison: &Poison) -> Result<(), EmbeddedError> {
        tracing::error!(
            reason = poison.reason,
            detail = poison.detail,
            offset = poison.offset,
            "a raw record becomes a dead letter"
        );
        for record in self.read(1)? {
            self.executor
                .dead_letter(&record, poison.reason, &poison.detail)
                .map_err(|error| self.stopped(error))?;
        }
        Ok(())
    }

    fn read(&mut self, limit: u64) -> Result<Vec<Record>, EmbeddedError> {
        let records = self
            .log
            .read(self.raw_topic, self.position.raw_offset, limit as usize)?;
        Ok(records.into_iter().map(|(_, record)| record).collect())
    }

    fn commit(&mut self, mut position: Position) -> Result<(), EmbeddedError> {
        position.now = position.now.max(self.executor.take_advance());
        let mut outputs = self.executor.take_outputs();
        let counts = self.executor.take_counts();
        // Drained before the transaction: a store that reads its backend here would wait for the transaction's end.
        let mut changes = Vec::new();
        for (name, store) in self.executor.stores_mut() {
            let mut entries = Changes::new();
            store
                .drain_dirty(&mut |(key, value)| entries.push((key.into(), value)))
                .map_err(|error| stopped(self.position.raw_offset, error.into()))?;
            changes.push((name, entries));
        }
        let outside = self.inlet.take();
        outputs.extend(outside.iter().flat_map(|append| append.records.iter().cloned()));
        let committed = self.file.commit(&Batch {
            raw_offset: position.raw_offset,
            now: position.now,
            outputs,
            counts,
            changes,
        });
        let facts = match committed {
            Ok(facts) => facts,
            Err(error) => {
                self.inlet.put_back(outside);
                return Err(error);
            }
        };
        outside.into_iter().for_each(Append::done);
        self.position = position;
        self.watch.committed(position, facts);
        Ok(())
    }

    /// Goes back to the last commit.
    fn reset(&mut self) -> Result<(), EmbeddedError> {
        let offset = self.position.raw_offset;
        self.executor.discard().map_err(|error| stopped(offset, error))?;
        for (name, store) in self.executor.stores_mut() {
            if let Some(backend) = self.file.backend(name) {
                store.attach(backend).map_err(|error| stopped(offset, error.into()))?;
            }
        }
        Ok(())
    }

    fn stopped(&self, error: ProcessorError) -> EmbeddedError {
        stopped(self.position.raw_offset, error)
    }
}

fn stopped(offset: u64, error: ProcessorError) -> EmbeddedError {
    EmbeddedError::Processor {
        offset,
        cause: Arc::new(error),
    }
}

/// Tells the watchers, however the thread ends.
struct Ended(ProgressWatch, Inlet);

impl Drop for Ended {
    fn drop(&mut self) {
        self.1.close();
        self.0.ended();
    }
}

/// An engine in its thread. Dropped, it stops after the batch in hand.
pub struct RunningEngine {
    watch: ProgressWatch,
    tail: Arc<Tail>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<Result<(), EmbeddedError>>>,
}

impl RunningEngine {
    /// Watches it.
    #[must_use]
    pub fn watch(&self) -> ProgressWatch {
        self.watch.clone()
    }

    /// Stops after the batch in hand; says why, if it has stopped before.
    pub fn stop(mut self) -> Result<(), EmbeddedError> {
        self.halt()
    }

    /// Stops after the batch in hand if that ends within `patience`, and says whether it did. Else the thread is left
    /// alone, for a process that ends now: what is not committed is done again at the next start.
    pub fn stop_within(mut self, patience: Duration) -> Result<bool, EmbeddedError> {
        self.stop.store(true, Ordering::Release);
        self.tail.interrupt();
        if self.watch.wait_for_end(patience) {
            return self.halt().map(|()| true);
        }
        drop(self.thread.take());
        Ok(false)
    }

    fn halt(&mut self) -> Result<(), EmbeddedError> {
        self.stop.store(true, Ordering::Release);
        self.tail.interrupt();
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(result)) => result,
            Some(Err(_)) => Err(EmbeddedError::Closed),
            None => Ok(()),
        }
    }
}

impl Drop for RunningEngine {
    fn drop(&mut self) {
        // The thread itself has logged why, if it failed.
        drop(self.halt());
    }
}
