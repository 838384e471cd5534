//! All roles in one process on the embedded engine: raw log, engine, and the readers of its topics.

use crate::{
    captures,
    pulse::Pulse,
    rebuild,
    topology::{self, Tenants},
};
use anyhow::{Context as _, Result};
use hilo_contracts::{capture, codec, topics};
use hilo_domain::Millis;
use hilo_service::clock;
use hilo_stream::{
    Record, Topology,
    embedded::{DataDir, Engine, Inlet, ProgressWatch, RawLog, RunningEngine, settle},
};
use hilo_views::{Embedded, Follower, GOLDEN_DB, View};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tracing::info;

/// How long the engine, and then the reader, may take for the batch in hand when the node stops. Who takes longer is left
/// alone: the process ends, and what is not committed is done again at the next start.
const BATCH_IN_HAND: Duration = Duration::from_millis(2_500);

/// A running node.
pub(crate) struct Node {
    pub raw: Arc<RawLog>,
    pub watch: ProgressWatch,
    pub dir: PathBuf,
    /// Where facts enter that no processor makes.
    pub inlet: Inlet,
    /// The offset up to which old state is rebuilt; 0 where none is.
    pub rebuilds: u64,
    engine: Option<RunningEngine>,
    topics: Arc<Embedded>,
    follower: Option<Follower>,
    pulse: Pulse,
}

impl Node {
    /// Opens the data directory, which nobody else may have open, and starts.
    pub(crate) fn start(dir: &Path, tenants: &Tenants) -> Result<Self> {
        let directory = DataDir::open(dir)?;
        let topology = topology::topology(tenants)?;
        let raw = Arc::new(RawLog::open(&directory, topics::RAW)?);
        rebuild::prepare(&directory, &topology, &raw)?;
        let engine = Engine::open(&directory, &topology, &raw, topology::dead_letter)?;
        let rebuilds = engine.rebuilds().unwrap_or_default();
        let inlet = engine.inlet();
        let engine = engine.start()?;
        let watch = engine.watch();
        if rebuilds > 0 {
            rebuild::report(rebuilds, watch.clone())?;
        }
        if watch.get().lag_records > 0 {
            // Numbers are published with the time: behind the backlog stands a time of now, and with it they are right.
            raw.append(vec![time(clock::now())?]).wait()?;
        }
        let topics = Arc::new(Embedded::new(dir, &topology, Some(watch.clone())));
        let follower = Follower::start(&topics, dir)?;
        let pulse = Pulse::new(dir, watch.clone(), &raw, follower.pulse()).rebuilding(rebuilds);
        Ok(Self {
            raw,
            watch,
            dir: dir.to_owned(),
            inlet,
            rebuilds,
            engine: Some(engine),
            topics,
            follower: Some(follower),
            pulse,
        })
    }

    /// What its pages show.
    pub(crate) fn view(&self, label: &str, topology: &Topology) -> Result<View> {
        let topics = Arc::clone(&self.topics);
        let pulse = self.pulse();
        let view = View::new(label, &self.dir, topology, topics, self.pulse.views())?;
        Ok(view.warn_of(move || pulse.concerns().into_iter().map(Into::into).collect()))
    }

    /// Whether it goes on, for whoever asks later.
    pub(crate) fn pulse(&self) -> Pulse {
        self.pulse.clone()
    }

    /// Announces a time to the topology.
    pub(crate) fn tick(&self, now: Millis) -> Result<()> {
        self.pulse.saw(now);
        self.raw.append(vec![time(now)?]).wait()?;
        Ok(())
    }

    /// Stops after the batches in hand, whatever waits: it is in the log, and the next start goes on with it. Says what
    /// failed before.
    pub(crate) fn stop(mut self) -> Result<()> {
        let stopped = match self.engine.take() {
            Some(engine) => engine.stop_within(BATCH_IN_HAND)?,
            None => true,
        };
        if !stopped {
            info!("the engine is in the middle of a record; it is processed again at the next start");
        }
        let read = match self.follower.take() {
            Some(follower) => follower.stop_within(BATCH_IN_HAND),
            None => Ok(()),
        };
        self.settle();
        read
    }

    /// Leaves files that are whole without the logs beside them, for who copies them.
    fn settle(self) {
        let Self { raw, dir, .. } = self;
        drop(raw);
        for name in ["raw.db", "engine.db", GOLDEN_DB, hilo_crm_writer::FILE] {
            let file = dir.join(name);
            // Who has no CRM has no links.
            if !file.exists() {
                continue;
            }
            if let Err(error) = settle(&file) {
                info!(%error, "the file's log (-wal) stays beside it; copy both");
            }
        }
    }

    /// Waits until everything that is in the raw log now is processed and read, then stops. Says what failed.
    pub(crate) fn finish(mut self) -> Result<()> {
        let progress = self.watch.wait_for(self.raw.len());
        let read = self.follower.take().map_or(Ok(()), Follower::finish);
        if let Some(engine) = self.engine.take() {
            engine.stop()?;
        }
        self.settle();
        anyhow::ensure!(
            progress.lag_records == 0,
            "the engine stopped with {} records left",
            progress.lag_records
        );
        read
    }
}

/// A clock record.
fn time(now: Millis) -> Result<Record> {
    let line = format!(r#"{{"source":"clock","at":"{}"}}"#, hilo_domain::time::to_rfc3339(now));
    let raw = capture::from_line(line.as_bytes(), None, 0).context("a clock line is no capture line")?;
    captures::record(&codec::raw(), &raw)
}
