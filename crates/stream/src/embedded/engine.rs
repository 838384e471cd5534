//! The engine: raw log in, derived logs and state out, one transaction a batch.

use super::EmbeddedError;
use super::directory::DataDir;
use super::log::{Log, Position};
use super::progress::{Progress, ProgressWatch};
use super::raw::{RawLog, Tail};
use super::state::{Batch, EngineFile};
use crate::store_tables::Changes;
use crate::{DeadLetterEncoder, Executor, ProcessorError, Record, TopicKind, Topology};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Raw records in a batch. Measured: with 1,000 a record costs half as much again as with 5,000; with 19,000 a quarter
/// less, where state is spread over a million keys, for twice the memory and delay of this.
const BATCH_RECORDS: u64 = 10_000;

/// Least time from the start of a batch to that of the next one that is not full. An idle engine starts at once; under a
/// steady load this bounds the price of commits, at a delay that nobody sees.
const PACE: Duration = Duration::from_millis(20);

/// Reason of a dead letter that no processor chose: it failed on the record.
pub const PROCESSOR_ERROR: &str = "processor_error";
/// Reason of a dead letter: the record cost more work than any honest one.
pub const TOO_COSTLY: &str = "too_costly";

/// The durable engine on one machine.
pub struct Engine {
    executor: Executor,
    file: EngineFile,
    log: Log,
    raw_topic: &'static str,
    position: Position,
    /// Records before the one that failed: the next batch ends there, so that the one after begins with it.
    before_poison: Option<u64>,
    tail: Arc<Tail>,
    watch: ProgressWatch,
    /// The directory is ours as long as the engine is there.
    _directory: DataDir,
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
        if position.raw_offset > raw.len() {
            return Err(EmbeddedError::RawBehind {
                path: raw.path().to_owned(),
                raw_len: raw.len(),
                engine_offset: position.raw_offset,
            });
        }
        let mut engine = Self {
            executor,
            file,
            log: Log::open(directory.path(), topology),
            raw_topic: raw.topic(),
            position,
            before_poison: None,
            tail: raw.tail(),
            watch: ProgressWatch::new(position, raw.tail()),
            _directory: directory.clone(),
        };
        engine.reset()?;
        Ok(engine)
    }

    /// Processes one batch and commits it; says how many raw records it had, 0 at the end of the log. After an error
    /// nothing of the batch has happened, and the next call tries it again.
    pub fn step(&mut self) -> Result<u64, EmbeddedError> {
        let result = self.batch();
        if result.is_err() {
            // The first error is the one to tell.
            if let Err(error) = self.reset() {
                tracing::error!(%error, "the engine cannot go back to its last commit");
            }
        }
        result
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
                source: Arc::new(source),
            })?;
        Ok(RunningEngine {
            watch,
            tail,
            stop,
            thread: Some(thread),
        })
    }

    fn run(mut self, stop: &AtomicBool) -> Result<(), EmbeddedError> {
        let _ended = Ended(self.watch.clone());
        let mut earliest = Instant::now();
        loop {
            let len = self.tail.wait(self.position.raw_offset, None, stop);
            if len < self.position.raw_offset + BATCH_RECORDS {
                std::thread::sleep(earliest.saturating_duration_since(Instant::now()));
            }
            if stop.load(Ordering::Acquire) {
                return Ok(());
            }
            earliest = Instant::now() + PACE;
            self.step()
                .inspect_err(|error| tracing::error!(%error, "the engine stops"))?;
        }
    }

    fn batch(&mut self) -> Result<u64, EmbeddedError> {
        loop {
            let limit = self.before_poison.take().unwrap_or(BATCH_RECORDS);
            let records = self.read(limit)?;
            if records.is_empty() {
                return Ok(0);
            }
            let mut position = self.position;
            let mut failure = None;
            for record in records {
                position.now = position.now.max(Some(record.timestamp));
                if let Err(error) = self.executor.feed(record) {
                    failure = Some(error);
                    break;
                }
                position.raw_offset += 1;
            }
            match failure {
                None => {}
                Some(error @ ProcessorError::Store(_)) => return Err(self.stopped(error)),
                Some(error) => {
                    self.executor.discard().map_err(|error| self.stopped(error))?;
                    let done = position.raw_offset - self.position.raw_offset;
                    if done > 0 {
                        self.before_poison = Some(done);
                        continue;
                    }
                    position.raw_offset += 1;
                    self.bury(&error)?;
                }
            }
            let count = position.raw_offset - self.position.raw_offset;
            self.commit(position)?;
            return Ok(count);
        }
    }

    /// Puts the record at the committed offset among the dead letters.
    fn bury(&mut self, error: &ProcessorError) -> Result<(), EmbeddedError> {
        tracing::error!(%error, offset = self.position.raw_offset, "a raw record becomes a dead letter");
        for record in self.read(1)? {
            self.executor
                .dead_letter(&record, PROCESSOR_ERROR, &error.to_string())
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
        let outputs = self.executor.take_outputs();
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
        self.file.commit(&Batch {
            raw_offset: position.raw_offset,
            now: position.now,
            outputs,
            counts,
            changes,
        })?;
        self.position = position;
        self.watch.committed(position);
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
        source: Arc::new(error),
    }
}

/// Tells the watchers, however the thread ends.
struct Ended(ProgressWatch);

impl Drop for Ended {
    fn drop(&mut self) {
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
