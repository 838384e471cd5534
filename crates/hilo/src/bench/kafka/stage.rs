//! Topics of their own for one measurement.

use super::KafkaBench;
use crate::topology;
use anyhow::{Result, ensure};
use hilo_contracts::{schemas, topics};
use hilo_kafka::{
    Cluster, Delivered, Engine, Framing, LaneSettings, Measures, Plan, RawProducer,
    baseline::Pace,
    topics::{self as plans, Sizes, TopicPlan},
};
use hilo_stream::{Record, Topology};
use prometheus::Registry;
use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// Nothing has moved for so long: a chain is through. A commit may take seconds where others want the machine too.
const QUIET: Duration = Duration::from_secs(6);
/// Nothing has moved for so long: it never will.
const STUCK: Duration = Duration::from_mins(2);
/// How often it is looked what the lanes have done.
const LOOK: Duration = Duration::from_millis(2);
/// Patience of the producer of the raw topic.
const PATIENCE: Duration = Duration::from_mins(2);
/// Records that wait in the client at most: the broker sets the pace.
const WAITING: u64 = 20_000;

/// Topics under a prefix of their own, removed at the end.
pub(super) struct Stage<'a> {
    pub(super) cluster: Cluster,
    pub(super) bench: &'a KafkaBench,
    pub(super) topology: &'a Topology,
    pub(super) framing: &'a Arc<Framing>,
    plans: Vec<TopicPlan>,
}

impl<'a> Stage<'a> {
    /// Makes the topics; `partitions` of each.
    pub(super) fn new(
        name: &str,
        bench: &'a KafkaBench,
        topology: &'a Topology,
        framing: &'a Arc<Framing>,
        partitions: i32,
    ) -> Result<Self> {
        let cluster = Cluster {
            prefix: format!(
                "{}bench-{}-{name}.",
                bench.cluster.prefix,
                crate::kafka::raw::wall_clock()
            ),
            ..bench.cluster.clone()
        };
        let sizes = Sizes {
            partitions,
            replication: 1,
        };
        let plans = plans::plan(&cluster, topology, sizes, schemas::kept)?;
        plans::apply(&cluster, &plans, sizes)?;
        Ok(Self {
            cluster,
            bench,
            topology,
            framing,
            plans,
        })
    }

    /// Puts records into the raw topic, received by nobody.
    pub(super) fn produce(&self, records: &[Record]) -> Result<()> {
        let producer = RawProducer::new(&self.cluster, topics::RAW, Arc::clone(self.framing), PATIENCE)?;
        let safe = Arc::new(AtomicU64::new(0));
        let mut sent = 0;
        for chunk in records.chunks(1_000) {
            while sent - safe.load(Ordering::Acquire) > WAITING {
                thread::sleep(Duration::from_millis(1));
            }
            let (safe, count) = (Arc::clone(&safe), chunk.len() as u64);
            producer.append(chunk.to_vec(), 0, "", move |outcome| {
                if outcome == Delivered::Safe {
                    safe.fetch_add(count, Ordering::Release);
                }
            });
            sent += count;
        }
        producer.finish(PATIENCE)?;
        let safe = safe.load(Ordering::Acquire);
        ensure!(safe == sent, "the broker took {safe} of {sent} records");
        Ok(())
    }

    /// Starts lanes.
    pub(super) fn start(
        &self,
        processors: &[&'static str],
        lanes: usize,
        state_dir: &Path,
    ) -> Result<(Engine, Arc<Measures>)> {
        let measures = Arc::new(Measures::new(&Registry::new())?);
        let engine = Engine::start(&Plan {
            topology: self.topology.clone(),
            processors: processors.to_vec(),
            cluster: self.cluster.clone(),
            framing: Arc::clone(self.framing),
            dead_letter: topology::dead_letter,
            settings: LaneSettings {
                lanes,
                commit_interval: self.bench.commit_interval,
                transaction_timeout: Duration::from_secs(30),
                session_timeout: Duration::from_secs(30),
                instance: None,
                state_dir: state_dir.to_owned(),
                kill_point: None,
            },
            measures: Arc::clone(&measures),
        })?;
        Ok((engine, measures))
    }

    /// Removes the topics.
    pub(super) fn remove(self) -> Result<()> {
        Ok(plans::remove(&self.cluster, &self.plans)?)
    }
}

/// Waits until the first of `processors` has committed `count` records, and, where there are others, nothing moves any
/// more. Tells what the first one did from its first commit to the last of all of them.
pub(super) fn through(measures: &Measures, processors: &[&str], count: u64) -> Result<Pace> {
    let all = || processors.iter().map(|name| measures.processed(name)).sum::<u64>();
    let first = || processors.first().map_or(0, |name| measures.processed(name));
    let mut begun: Option<(Instant, u64)> = None;
    let (mut had, mut moved) = (0, Instant::now());
    loop {
        thread::sleep(LOOK);
        let now = all();
        if now != had {
            begun.get_or_insert_with(|| (Instant::now(), first()));
            (had, moved) = (now, Instant::now());
        }
        if let Some((begun, before)) = begun
            && first() >= count
            && (processors.len() == 1 || moved.elapsed() > QUIET)
        {
            return Ok(Pace {
                records: count.saturating_sub(before),
                took: moved.duration_since(begun),
            });
        }
        ensure!(moved.elapsed() < STUCK, "nothing moves any more after {had} records");
    }
}
