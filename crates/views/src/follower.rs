//! The one reader of the topics: all that pages show is written by it, in the transaction of its offsets.

use crate::{
    GOLDEN_DB,
    engine::{Engine, Feed},
};
use anyhow::Result;
use hilo_contracts::json;
use hilo_golden::{Golden, GoldenError, Placed};
use hilo_kafka::EngineError;
use hilo_stream::embedded::{Backoff, passes};
use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};
use tracing::{error, info, warn};

/// Records of a topic applied in one transaction.
const BATCH: usize = 10_000;
/// How long it waits for records before it looks whether it should stop.
const PATIENCE: Duration = Duration::from_millis(250);
/// How the follower is.
#[derive(Debug)]
struct State {
    caught_up: AtomicBool,
    ended: AtomicBool,
    behind: AtomicU64,
    /// Why it waits and tries again.
    fault: Mutex<Option<String>>,
    /// Whether it waits at a record of a later release: that nothing moves is no failure of this process.
    waits: AtomicBool,
    /// When it last read or wrote anything, or found that nothing waits.
    moved: Mutex<Instant>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            caught_up: AtomicBool::default(),
            ended: AtomicBool::default(),
            behind: AtomicU64::default(),
            fault: Mutex::default(),
            waits: AtomicBool::default(),
            moved: Mutex::new(Instant::now()),
        }
    }
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Says how a follower is, from other threads.
#[derive(Clone, Debug, Default)]
pub struct Pulse(Arc<State>);

impl Pulse {
    /// Of what somebody looks at and nobody follows: it is as it is.
    #[must_use]
    pub fn of_a_copy() -> Self {
        let pulse = Self::default();
        pulse.0.caught_up.store(true, Ordering::Release);
        pulse
    }

    /// Whether it goes on; the error says what has stopped. Only a new start mends that.
    pub fn alive(&self) -> Result<(), String> {
        if self.0.ended.load(Ordering::Acquire) {
            return Err(
                "the reader of the topics, which writes the golden record, has stopped; read the last error in the log"
                    .to_owned(),
            );
        }
        Ok(())
    }

    /// Whether it moves while work waits; the error says for how long it has not, and why.
    pub fn moves_within(&self, patience: Duration) -> Result<(), String> {
        let standing = self.standing();
        if standing <= patience {
            return Ok(());
        }
        let why = self.fault().map_or_else(String::new, |fault| format!(": {fault}"));
        Err(format!(
            "the reader of the topics, which writes the golden record, has done nothing for {} s while work waits{why}",
            standing.as_secs()
        ))
    }

    /// Whether the numbers are those of now: all that was there at the start has been read. The error says how far it is.
    pub fn ready(&self) -> Result<(), String> {
        self.alive()?;
        if self.0.caught_up.load(Ordering::Acquire) {
            return Ok(());
        }
        Err(format!(
            "the numbers catch up with what was there at the start: {} records of the topics are left to read",
            self.behind()
        ))
    }

    /// Whether its thread goes on.
    #[must_use]
    pub fn is_running(&self) -> bool {
        !self.0.ended.load(Ordering::Acquire)
    }

    /// Why it waits and tries again; `None` while it works.
    #[must_use]
    pub fn fault(&self) -> Option<String> {
        held(&self.0.fault).clone()
    }

    /// For how long records wait and none was applied; zero where none waits, or where only a later release can read them.
    #[must_use]
    pub fn standing(&self) -> Duration {
        if self.behind() == 0 && self.fault().is_none() || self.0.waits.load(Ordering::Acquire) {
            return Duration::ZERO;
        }
        held(&self.0.moved).elapsed()
    }

    fn moved(&self) {
        *held(&self.0.fault) = None;
        self.0.waits.store(false, Ordering::Release);
        *held(&self.0.moved) = Instant::now();
    }

    /// Records of the topics that are there and not applied yet, as of the last look.
    #[must_use]
    pub fn behind(&self) -> u64 {
        self.0.behind.load(Ordering::Relaxed)
    }
}

/// The thread that follows the topics.
pub struct Follower {
    pulse: Pulse,
    /// Ends once nothing is left to apply.
    stop: Arc<AtomicBool>,
    /// Ends after the batch in hand.
    halt: Arc<AtomicBool>,
    thread: JoinHandle<Result<()>>,
}

impl Follower {
    /// Opens the golden record in `dir`, which nobody else writes, and goes on where its offsets say.
    pub fn start(engine: &Arc<impl Engine>, dir: &Path) -> Result<Self> {
        let golden = Golden::open(&dir.join(GOLDEN_DB))?;
        let feed = engine.feed(&mut |topic, partition| Ok(golden.next_offset(topic, partition)?))?;
        let pulse = Pulse::default();
        let (stop, halt) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let mut following = Following {
            engine: Arc::clone(engine),
            golden,
            feed,
            pulse: pulse.clone(),
            stop: Arc::clone(&stop),
            halt: Arc::clone(&halt),
            dir: dir.to_owned(),
            backoff: Backoff::default(),
            aimed: false,
        };
        // Where nothing is left to read, pages are good from the first moment on.
        following.look(0)?;
        let thread = thread::Builder::new().name("views".to_owned()).spawn(move || {
            let ended = following.run();
            if let Err(failure) = &ended {
                error!(
                    error = format!("{failure:#}"),
                    "the golden record cannot be kept up to date"
                );
            }
            following.pulse.0.ended.store(true, Ordering::Release);
            ended
        })?;
        Ok(Self {
            pulse,
            stop,
            halt,
            thread,
        })
    }

    /// How it is, for who asks later.
    #[must_use]
    pub fn pulse(&self) -> Pulse {
        self.pulse.clone()
    }

    /// Whether the thread has ended: without a failure it does not.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.thread.is_finished()
    }

    /// Ends after the batch in hand, within `patience`; a thread that takes longer is left alone, and what it has not
    /// written is read again at the next start. Says what failed for good.
    pub fn stop_within(self, patience: Duration) -> Result<()> {
        self.halt.store(true, Ordering::Release);
        self.stop.store(true, Ordering::Release);
        let until = Instant::now() + patience;
        while !self.thread.is_finished() {
            if Instant::now() >= until {
                return Ok(());
            }
            thread::sleep(Duration::from_millis(10));
        }
        match self.finish() {
            Err(failure) if may_pass(&failure) => {
                info!(
                    cause = format!("{failure:#}"),
                    "what is not read is read at the next start"
                );
                Ok(())
            }
            ended => ended,
        }
    }

    /// Applies what is there and ends; says what failed.
    pub fn finish(self) -> Result<()> {
        self.stop.store(true, Ordering::Release);
        self.thread.join().unwrap_or_else(|_| {
            Err(anyhow::anyhow!(
                "the reader of the topics panicked: this is a defect of Hilo"
            ))
        })
    }
}

/// Whether another attempt may succeed.
fn may_pass(failure: &anyhow::Error) -> bool {
    passes(failure.as_ref()) || is_wait(failure)
}

/// Whether a record cannot be read yet.
fn is_wait(failure: &anyhow::Error) -> bool {
    matches!(failure.downcast_ref(), Some(EngineError::Waits { .. }))
}

struct Following<E> {
    engine: Arc<E>,
    golden: Golden,
    feed: Box<dyn Feed>,
    pulse: Pulse,
    stop: Arc<AtomicBool>,
    halt: Arc<AtomicBool>,
    dir: PathBuf,
    backoff: Backoff,
    /// Whether what waited at the start has been processed.
    aimed: bool,
}

impl<E: Engine> Following<E> {
    fn run(&mut self) -> Result<()> {
        loop {
            // Looked at before the topics: what was there when somebody said stop is applied.
            let stopping = self.stop.load(Ordering::Acquire);
            let patience = if stopping { Duration::ZERO } else { PATIENCE };
            let batch = match self.feed.next(BATCH, patience) {
                Ok(batch) => batch,
                Err(failure) if !stopping && may_pass(&failure) => {
                    self.wait(&failure);
                    continue;
                }
                Err(failure) => return Err(failure.context("the topics cannot be read")),
            };
            let is_empty = batch.is_empty();
            if !is_empty {
                self.look(batch.len())?;
                if !self.apply(&batch)? {
                    return Ok(());
                }
            }
            self.backoff.reset();
            self.look(0)?;
            if stopping && is_empty || self.halt.load(Ordering::Acquire) {
                return Ok(());
            }
        }
    }

    /// Writes a batch; again while the disk is full, busy or failing. Whether it was written before somebody said stop.
    fn apply(&mut self, batch: &[Placed]) -> Result<bool> {
        loop {
            let failure = match self.golden.follow(batch) {
                Ok(_) => {
                    self.pulse.moved();
                    return Ok(true);
                }
                // Only then each is looked at: facts are written by Hilo alone, and decoded once.
                Err(GoldenError::Record { .. }) => {
                    let readable = self.readable(batch);
                    match self.golden.follow(&readable) {
                        Ok(_) => {
                            self.pulse.moved();
                            return Ok(true);
                        }
                        Err(failure) => anyhow::Error::from(failure),
                    }
                }
                Err(failure) => anyhow::Error::from(failure),
            };
            if !passes(failure.as_ref()) {
                return Err(failure);
            }
            self.wait(&failure);
            if self.stop.load(Ordering::Acquire) {
                return Ok(false);
            }
            self.look(batch.len())?;
        }
    }

    /// The facts of a batch, without what is none of ours.
    fn readable(&mut self, batch: &[Placed]) -> Vec<Placed> {
        let mut unused = Vec::new();
        let mut readable = Vec::with_capacity(batch.len());
        for placed in batch {
            unused.clear();
            match json::write(placed.record.topic, &placed.record.value, &mut unused) {
                Ok(()) => readable.push(placed.clone()),
                Err(problem) => {
                    warn!(
                        topic = placed.record.topic,
                        partition = placed.partition,
                        offset = placed.offset,
                        %problem,
                        "a record is no fact of ours: something else writes there; it is passed over"
                    );
                    self.feed.passed_over(1);
                }
            }
        }
        readable
    }

    /// Says why it waits, and waits.
    fn wait(&mut self, failure: &anyhow::Error) {
        let fault = format!("{failure:#}");
        if self.backoff.is_due() {
            error!(
                error = fault,
                "the golden record waits and is tried again; nothing is lost"
            );
        }
        *held(&self.pulse.0.fault) = Some(fault);
        self.pulse.0.waits.store(is_wait(failure), Ordering::Release);
        let stop = Arc::clone(&self.stop);
        self.backoff.wait(&self.dir, || stop.load(Ordering::Acquire));
    }

    /// Notes how far it is; `in_hand` records were read and are not applied.
    fn look(&mut self, in_hand: usize) -> Result<()> {
        let behind = self.feed.behind()? + in_hand as u64;
        self.pulse.0.behind.store(behind, Ordering::Relaxed);
        if behind == 0 {
            self.pulse.moved();
        }
        if self.pulse.0.caught_up.load(Ordering::Acquire) || in_hand > 0 {
            return Ok(());
        }
        // First what waited at the start is processed; then all that came of it is applied.
        if !self.aimed && self.engine.is_through() {
            self.feed.aim()?;
            self.aimed = true;
        }
        if self.aimed && self.feed.caught_up()? {
            self.pulse.0.caught_up.store(true, Ordering::Release);
        }
        Ok(())
    }
}
