//! The writer: takes desired records in, and runs a lane for each CRM of each tenant.

mod announce;
mod claims;
mod finish;
mod intake;
mod lane;
mod ledger;
mod plan;
mod round;
mod standing;
mod status;

pub use standing::State;
pub use status::{Counters, LaneStatus, Status};

use crate::{
    edge::{EdgeError, Event, Inlet, Outcomes},
    facts::Lane,
    links::{Links, LinksError},
    settings::Settings,
    sink::Sink,
};
use claims::Claims;
use lane::Runner;
use ledger::Ledger;
use standing::Standing;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};
use tokio::{
    sync::{Notify, RwLock, mpsc, watch},
    task::JoinSet,
};

/// Why the writer ended.
#[derive(Debug, thiserror::Error)]
pub enum WriterError {
    /// The links file.
    #[error(transparent)]
    Links(#[from] LinksError),
    /// The engine.
    #[error(transparent)]
    Edge(#[from] EdgeError),
    /// A lane panicked, or the runtime is going down.
    #[error(
        "a lane of the CRM writer ended by itself; start the writer again, and report what the log says before this"
    )]
    Ended,
}

/// What the parts of a lane share.
pub(crate) struct Shared {
    pub(crate) lane: Lane,
    pub(crate) sink: Arc<dyn Sink>,
    pub(crate) standing: Mutex<Standing>,
    pub(crate) counters: Mutex<Counters>,
    pub(crate) claims: Claims,
    /// Something came in, or became due.
    pub(crate) wake: Notify,
}

/// Records of a lane that came to rest.
pub(crate) type Rested = (Lane, Vec<(String, i64)>);

/// What all lanes share.
#[derive(Clone)]
pub(crate) struct Common {
    pub(crate) links: Links,
    pub(crate) outcomes: Arc<dyn Outcomes>,
    pub(crate) settings: Settings,
    /// A round holds it for reading. Who takes it for writing waits until all rounds have ended.
    pub(crate) gate: Arc<RwLock<()>>,
    /// Rounds end at once, with outcomes unknown.
    pub(crate) hurry: watch::Sender<bool>,
    /// Lanes end after their round.
    pub(crate) stop: watch::Sender<bool>,
    pub(crate) rested: mpsc::UnboundedSender<Rested>,
    /// A round ended.
    pub(crate) progress: Arc<Notify>,
}

/// Makes CRMs equal to the desired records.
pub struct Writer {
    common: Common,
    rested: mpsc::UnboundedReceiver<Rested>,
    lanes: BTreeMap<Lane, Arc<Shared>>,
    ledger: Ledger,
}

impl Writer {
    /// A writer for the CRMs of some tenants. Records for others wait until there is one for them.
    #[must_use]
    pub fn new(
        links: Links,
        outcomes: Arc<dyn Outcomes>,
        sinks: BTreeMap<Lane, Arc<dyn Sink>>,
        settings: Settings,
    ) -> Self {
        let (sender, rested) = mpsc::unbounded_channel();
        let shared = |(lane, sink): (Lane, Arc<dyn Sink>)| {
            let shared = Shared {
                lane: lane.clone(),
                sink,
                standing: Mutex::default(),
                counters: Mutex::default(),
                claims: Claims::default(),
                wake: Notify::new(),
            };
            (lane, Arc::new(shared))
        };
        Self {
            common: Common {
                links,
                outcomes,
                settings,
                gate: Arc::default(),
                hurry: watch::Sender::new(false),
                stop: watch::Sender::new(false),
                rested: sender,
                progress: Arc::default(),
            },
            rested,
            lanes: sinks.into_iter().map(shared).collect(),
            ledger: Ledger::default(),
        }
    }

    /// How the writer is, for pages and metrics; it outlives the writer.
    #[must_use]
    pub fn status(&self) -> Status {
        Status::new(self.common.links.clone(), self.lanes.values().cloned().collect())
    }

    /// Runs until `stop` is true or the inlet ends, then drains. Dropping the future is as a kill: what was under way is
    /// done again by the next writer with the same links file.
    pub async fn run(mut self, inlet: &mut dyn Inlet, mut stop: watch::Receiver<bool>) -> Result<(), WriterError> {
        let mut tasks = JoinSet::new();
        for shared in self.lanes.values() {
            tasks.spawn(Runner::new(self.common.clone(), Arc::clone(shared), !inlet.is_local()).run());
        }
        let result = self.follow(inlet, &mut stop, &mut tasks).await;
        let drained = self.drain(inlet, tasks).await;
        result.and(drained)
    }

    async fn follow(
        &mut self,
        inlet: &mut dyn Inlet,
        stop: &mut watch::Receiver<bool>,
        tasks: &mut JoinSet<Result<(), WriterError>>,
    ) -> Result<(), WriterError> {
        let local = inlet.is_local();
        let mut ended = false;
        let mut tick = tokio::time::interval(self.common.settings.idle);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let progress = Arc::clone(&self.common.progress);
        if *stop.borrow() {
            return Ok(());
        }
        loop {
            if ended && self.is_idle().await? {
                return Ok(());
            }
            let room = local || self.ledger.open() < self.common.settings.window;
            tokio::select! {
                biased;
                // A dropped sender is no stop: the inlet ends the run.
                Ok(()) = stop.changed() => if *stop.borrow() { return Ok(()) },
                Some(ended) = tasks.join_next() => {
                    ended.map_err(|_| WriterError::Ended)??;
                    return Err(WriterError::Ended);
                }
                Some((lane, keys)) = self.rested.recv() => self.commit(inlet, &lane, &keys).await?,
                _ = tick.tick() => if !local { self.announce(inlet).await? },
                () = progress.notified(), if ended => {}
                event = inlet.next(), if room && !ended => match event? {
                    Event::Records(records) => self.take_in(inlet, records).await?,
                    Event::Assigned { partition, past } => self.assigned(inlet, partition, past).await?,
                    Event::Revoked { partitions, lost } => self.revoked(inlet, partitions, lost).await?,
                    Event::End => ended = true,
                },
            }
        }
    }

    /// Nothing waits, save for CRMs that take nothing until somebody mends their access.
    async fn is_idle(&self) -> Result<bool, WriterError> {
        for shared in self.lanes.values() {
            let lane = shared.lane.clone();
            let waiting = self.common.links.call(move |db| db.waiting(&lane)).await?;
            if waiting > 0 && !standing::of(shared).is_stopped() {
                return Ok(false);
            }
        }
        Ok(self.ledger.open() == 0 || self.lanes.values().any(|shared| standing::of(shared).is_stopped()))
    }

    async fn drain(
        &mut self,
        inlet: &mut dyn Inlet,
        mut tasks: JoinSet<Result<(), WriterError>>,
    ) -> Result<(), WriterError> {
        self.common.stop.send_replace(true);
        for shared in self.lanes.values() {
            shared.wake.notify_one();
        }
        let drain = self.common.settings.drain;
        let all = async {
            while let Some(ended) = tasks.join_next().await {
                ended.map_err(|_| WriterError::Ended)??;
            }
            Ok::<(), WriterError>(())
        };
        let result = if let Ok(result) = tokio::time::timeout(drain, all).await {
            result
        } else {
            // Their outcome is unknown: they are repeated by the next writer, by the same key.
            tracing::warn!("requests to a CRM were ended by the writer's end; they are repeated");
            tasks.shutdown().await;
            Ok(())
        };
        self.commit_rested(inlet).await?;
        result
    }

    /// Commits all that came to rest so far.
    async fn commit_rested(&mut self, inlet: &mut dyn Inlet) -> Result<(), EdgeError> {
        while let Ok((lane, keys)) = self.rested.try_recv() {
            self.commit(inlet, &lane, &keys).await?;
        }
        Ok(())
    }

    /// Commits the places that records at rest leave behind.
    async fn commit(&mut self, inlet: &mut dyn Inlet, lane: &Lane, keys: &[(String, i64)]) -> Result<(), EdgeError> {
        for place in self.ledger.settle(lane, keys) {
            inlet.commit(place).await?;
        }
        Ok(())
    }
}
