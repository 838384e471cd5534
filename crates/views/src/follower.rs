//! The one reader of the topics: all that pages show is written by it, in the transaction of its offsets.

use crate::{
    GOLDEN_DB,
    engine::{Engine, Feed},
};
use anyhow::{Context as _, Result};
use hilo_golden::{Golden, Placed};
use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};
use tracing::error;

/// Records of a topic applied in one transaction.
const BATCH: usize = 10_000;
/// How long it waits for records before it looks whether it should stop.
const PATIENCE: Duration = Duration::from_millis(250);
/// With so few records unprocessed the numbers are those of a moment ago.
const FEW: u64 = 1_000;
/// Waits between attempts to write, while the disk is full, busy or failing: from the first to the longest.
const BACK_OFF: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(10));

/// What the thread is to do.
const GO_ON: u8 = 0;
/// Applies what is there, then ends.
const FINISH: u8 = 1;
/// Ends after the batch in hand.
const STOP: u8 = 2;

/// How the follower is.
#[derive(Debug, Default)]
struct State {
    caught_up: AtomicBool,
    ended: AtomicBool,
    behind: AtomicU64,
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

    /// Records of the topics that are there and not applied yet, as of the last look.
    #[must_use]
    pub fn behind(&self) -> u64 {
        self.0.behind.load(Ordering::Relaxed)
    }
}

/// The thread that follows the topics.
pub struct Follower {
    pulse: Pulse,
    order: Arc<AtomicU8>,
    thread: JoinHandle<Result<()>>,
}

impl Follower {
    /// Opens the golden record in `dir`, which nobody else writes, and goes on where its offsets say.
    pub fn start(engine: &Arc<impl Engine>, dir: &Path) -> Result<Self> {
        let golden = Golden::open(&dir.join(GOLDEN_DB))?;
        let feed = engine.feed(&mut |topic, partition| Ok(golden.next_offset(topic, partition)?))?;
        let (pulse, order) = (Pulse::default(), Arc::new(AtomicU8::new(GO_ON)));
        let mut following = Following {
            engine: Arc::clone(engine),
            golden,
            feed,
            pulse: pulse.clone(),
            order: Arc::clone(&order),
        };
        // Where nothing is left to read, pages are good from the first moment on.
        following.look()?;
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
        Ok(Self { pulse, order, thread })
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

    /// Applies what is there and ends; says what failed.
    pub fn finish(self) -> Result<()> {
        self.end(FINISH)
    }

    /// Ends after the batch in hand, whatever else is there: it is read at the next start. Says what failed before.
    pub fn stop(self) -> Result<()> {
        self.end(STOP)
    }

    fn end(self, order: u8) -> Result<()> {
        self.order.store(order, Ordering::Release);
        self.thread
            .join()
            .unwrap_or_else(|_| Err(anyhow::anyhow!("the reader of the topics panicked: this is a defect of Hilo")))
    }
}

struct Following<E> {
    engine: Arc<E>,
    golden: Golden,
    feed: Box<dyn Feed>,
    pulse: Pulse,
    order: Arc<AtomicU8>,
}

impl<E: Engine> Following<E> {
    fn run(&mut self) -> Result<()> {
        loop {
            // Looked at before the topics: what was there when somebody said finish is applied.
            let order = self.order.load(Ordering::Acquire);
            if order == STOP {
                return Ok(());
            }
            let patience = if order == GO_ON { PATIENCE } else { Duration::ZERO };
            let batch = self.feed.next(BATCH, patience).context("the topics cannot be read")?;
            if !batch.is_empty() && !self.apply(&batch)? {
                return Ok(());
            }
            self.look()?;
            if order == FINISH && batch.is_empty() {
                return Ok(());
            }
        }
    }

    /// Writes a batch; again while the disk is full, busy or failing. Whether it was written before somebody said that it should end.
    fn apply(&mut self, batch: &[Placed]) -> Result<bool> {
        let (mut wait, longest) = BACK_OFF;
        loop {
            let failure = match self.golden.follow(batch) {
                Ok(_) => return Ok(true),
                Err(failure) => failure,
            };
            if !failure.is_passing() {
                return Err(failure.into());
            }
            error!(error = %failure, again_after_s = wait.as_secs(), "the golden record waits for its disk");
            let until = Instant::now() + wait;
            while Instant::now() < until {
                if self.order.load(Ordering::Acquire) != GO_ON {
                    return Ok(false);
                }
                thread::sleep(Duration::from_millis(100));
            }
            wait = (wait * 2).min(longest);
        }
    }

    fn look(&mut self) -> Result<()> {
        self.pulse.0.behind.store(self.feed.behind()?, Ordering::Relaxed);
        if !self.pulse.0.caught_up.load(Ordering::Acquire)
            && self.feed.caught_up()?
            && self.engine.waiting().records <= FEW
        {
            self.pulse.0.caught_up.store(true, Ordering::Release);
        }
        Ok(())
    }
}
