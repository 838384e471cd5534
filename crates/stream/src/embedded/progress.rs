//! How far an engine is, for dashboards, health checks and consumers that wait for a commit.

use super::EmbeddedError;
use super::log::Position;
use super::raw::Tail;
use hilo_domain::Millis;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

/// How far an engine is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Offset of the first raw record that is not processed.
    pub raw_offset: u64,
    /// Number of raw records.
    pub raw_len: u64,
    /// Raw records not processed.
    pub lag_records: u64,
    /// When this process last committed.
    pub last_commit: Option<SystemTime>,
    /// Greatest event time processed.
    pub now: Option<Millis>,
    /// Commits of this process.
    pub batches: u64,
    /// Derived records of all topics, since the first one.
    pub facts: u64,
    /// For how long records have waited without any being processed; zero while none waits.
    pub standing: Duration,
    /// The fault that holds it up, while it waits and tries again.
    pub fault: Option<String>,
    /// Whether the engine may still commit: not stopped, not failed.
    pub running: bool,
}

struct Seen {
    position: Position,
    facts: u64,
    fault: Option<String>,
    /// Whether it waits for records.
    waits: bool,
    /// When it last found work after it had none, or got some done.
    moved: Instant,
    last_commit: Option<SystemTime>,
    batches: u64,
    running: bool,
}

/// Watches an engine from other threads.
#[derive(Clone)]
pub struct ProgressWatch {
    seen: Arc<(Mutex<Seen>, Condvar)>,
    tail: Arc<Tail>,
}

impl ProgressWatch {
    pub(super) fn new(position: Position, facts: u64, tail: Arc<Tail>) -> Self {
        let seen = Seen {
            position,
            facts,
            fault: None,
            waits: false,
            moved: Instant::now(),
            last_commit: None,
            batches: 0,
            running: true,
        };
        Self {
            seen: Arc::new((Mutex::new(seen), Condvar::new())),
            tail,
        }
    }

    /// How far the engine is now.
    #[must_use]
    pub fn get(&self) -> Progress {
        self.progress(&self.lock())
    }

    /// Blocks until the engine has made more than `batches` commits, has ended, or `timeout` is over.
    #[allow(clippy::must_use_candidate, reason = "the wait itself is of use")]
    pub fn wait(&self, batches: u64, timeout: Duration) -> Progress {
        self.wait_until(Some(Instant::now() + timeout), |seen| seen.batches > batches)
    }

    /// Blocks until all raw records up to the offset `raw_offset` are processed, or the engine has ended.
    #[allow(clippy::must_use_candidate, reason = "the wait itself is of use")]
    pub fn wait_for(&self, raw_offset: u64) -> Progress {
        self.wait_until(None, |seen| seen.position.raw_offset >= raw_offset)
    }

    fn wait_until(&self, deadline: Option<Instant>, reached: impl Fn(&Seen) -> bool) -> Progress {
        let mut seen = self.lock();
        while seen.running && !reached(&seen) {
            seen = match deadline.map(|deadline| deadline.saturating_duration_since(Instant::now())) {
                Some(Duration::ZERO) => break,
                Some(left) => {
                    let (seen, _) = self
                        .seen
                        .1
                        .wait_timeout(seen, left)
                        .unwrap_or_else(PoisonError::into_inner);
                    seen
                }
                None => self.seen.1.wait(seen).unwrap_or_else(PoisonError::into_inner),
            };
        }
        self.progress(&seen)
    }

    /// Blocks until the engine has ended, or `timeout` is over; whether it has.
    pub(super) fn wait_for_end(&self, timeout: Duration) -> bool {
        !self.wait_until(Some(Instant::now() + timeout), |_| false).running
    }

    pub(super) fn failed(&self, error: &EmbeddedError) {
        self.lock().fault = Some(error.to_string());
    }

    /// The engine waits for records, or it has found some.
    pub(super) fn waits(&self, waits: bool) {
        let mut seen = self.lock();
        if waits && seen.position.raw_offset < self.tail.len() {
            // There is work already.
            return;
        }
        if seen.waits && !waits {
            seen.moved = Instant::now();
        }
        seen.waits = waits;
    }

    pub(super) fn committed(&self, position: Position, facts: u64) {
        let mut seen = self.lock();
        seen.position = position;
        seen.facts = facts;
        seen.fault = None;
        seen.moved = Instant::now();
        seen.last_commit = Some(SystemTime::now());
        seen.batches += 1;
        self.seen.1.notify_all();
    }

    pub(super) fn ended(&self) {
        self.lock().running = false;
        self.seen.1.notify_all();
    }

    fn progress(&self, seen: &Seen) -> Progress {
        let raw_offset = seen.position.raw_offset;
        let raw_len = self.tail.len().max(raw_offset);
        Progress {
            raw_offset,
            raw_len,
            lag_records: raw_len - raw_offset,
            last_commit: seen.last_commit,
            now: seen.position.now,
            batches: seen.batches,
            facts: seen.facts,
            standing: if raw_len == raw_offset || seen.waits {
                Duration::ZERO
            } else {
                seen.moved.elapsed()
            },
            fault: seen.fault.clone(),
            running: seen.running,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.seen.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
