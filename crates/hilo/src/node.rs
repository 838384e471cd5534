//! All roles in one process on the embedded engine: raw log, engine, and the readers of its topics.

use crate::{
    captures,
    topology::{self, Tenants},
};
use anyhow::{Context as _, Result};
use hilo_contracts::{capture, codec, topics};
use hilo_stream::{
    Topology,
    embedded::{DataDir, Engine, ProgressWatch, RawLog, RunningEngine},
};
use hilo_views::{Embedded, Follower, View};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

/// A running node.
pub(crate) struct Node {
    pub raw: Arc<RawLog>,
    pub watch: ProgressWatch,
    pub dir: PathBuf,
    engine: Option<RunningEngine>,
    topics: Arc<Embedded>,
    follower: Option<Follower>,
    pulse: Pulse,
}

/// Whether a node goes on: what is asked of its health.
#[derive(Clone)]
pub(crate) struct Pulse {
    watch: ProgressWatch,
    views: hilo_views::Pulse,
}

impl Pulse {
    /// The error says what has stopped. Only a new start mends that.
    pub(crate) fn beats(&self) -> Result<(), String> {
        if !self.watch.get().running {
            return Err("the engine has stopped; read the last error in the log".to_owned());
        }
        self.views.alive()
    }

    /// Whether pages and numbers are those of now; the error says what is behind.
    pub(crate) fn ready(&self) -> Result<(), String> {
        self.beats()?;
        self.views.ready()
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
        let topics = Arc::new(Embedded::new(dir, &topology, Some(watch.clone())));
        let follower = Follower::start(&topics, dir)?;
        let pulse = Pulse {
            watch: watch.clone(),
            views: follower.pulse(),
        };
        Ok(Self {
            raw: Arc::new(raw),
            watch,
            dir: dir.to_owned(),
            engine: Some(engine),
            topics,
            follower: Some(follower),
            pulse,
        })
    }

    /// What its pages show.
    pub(crate) fn view(&self, label: &str, topology: &Topology) -> Result<View> {
        View::new(
            label,
            &self.dir,
            topology,
            Arc::clone(&self.topics),
            self.pulse.views.clone(),
        )
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
        let read = self.follower.take().map_or(Ok(()), Follower::finish);
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
