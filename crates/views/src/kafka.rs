//! A Kafka cluster as an engine.

use crate::engine::{Engine, Feed, Shelf, Waiting};
use anyhow::Result;
use hilo_contracts::topics;
use hilo_golden::{FOLLOWED, Place, Placed};
use hilo_kafka::{
    Cluster, EngineError, Framing, Lookup, Measures, Reader,
    lag::{Group, Watch},
};
use hilo_service::clock;
use hilo_stream::{ProcessorSpec, Record, Topology};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

/// Name of the reader among the lanes, for liveness and lag.
const NAME: &str = "golden";
/// The group to which the golden record tells how far it is.
pub const GOLDEN: &str = "hilo.golden";
/// How often it does.
const TELLS: Duration = Duration::from_secs(5);
/// How often it is asked how much waits: it costs a question for each processor.
const LOOK: Duration = Duration::from_secs(2);
/// A partition may end with marks of transactions, which nobody reads and which are counted: so few records are none.
const MARKS: u64 = 64;
/// Two clock records: with the first one numbers are made of all that was processed, with the second they are there.
const PUBLISHED: Duration = Duration::from_secs(3);
/// How long a cluster may always have something to do before a little is taken for nothing.
const BUSY: Duration = Duration::from_mins(1);
/// A reader that is so few records behind has caught up: in a running cluster it never is at the very end.
const FEW: i64 = 1_000;

/// A cluster with its contracts.
pub struct Kafka {
    cluster: Cluster,
    framing: Arc<Framing>,
    topology: Topology,
    measures: Option<Arc<Measures>>,
    waiting: Arc<Mutex<Waiting>>,
    /// Whether what waited at the start has been processed.
    through: Arc<AtomicBool>,
}

/// Whether pages wait for a processor. Not for one that only makes records of CRMs: nobody runs it where there is no CRM,
/// and pages that waited for it would never be ready.
fn makes_facts(processor: &ProcessorSpec) -> bool {
    processor.writes().any(|topic| topic != topics::CRM_RECORD)
}

impl Kafka {
    /// With `measures` it can be followed; without, somebody only looks.
    #[must_use]
    pub fn new(
        cluster: &Cluster,
        framing: &Arc<Framing>,
        topology: &Topology,
        measures: Option<Arc<Measures>>,
    ) -> Self {
        Self {
            cluster: cluster.clone(),
            framing: Arc::clone(framing),
            topology: topology.clone(),
            measures,
            waiting: Arc::default(),
            through: Arc::default(),
        }
    }
}

impl Engine for Kafka {
    fn feed(&self, next: &mut dyn FnMut(&'static str, i32) -> Result<i64>) -> Result<Box<dyn Feed>> {
        let mut unread = None;
        let reader = Reader::open_as(
            &self.cluster,
            GOLDEN,
            &FOLLOWED,
            Arc::clone(&self.framing),
            |topic, partition| {
                next(topic, partition).unwrap_or_else(|error| {
                    unread = Some(error);
                    0
                })
            },
        )?;
        if let Some(error) = unread {
            return Err(error.context("the golden record's offsets cannot be read"));
        }
        Ok(Box::new(TopicFeed {
            not_reached: reader.partitions().collect(),
            backlog: Watch::open(&self.cluster, Group::of_processors(&self.topology, makes_facts))?,
            reader,
            measures: self.measures.clone(),
            behind: BTreeMap::new(),
            waiting: Arc::clone(&self.waiting),
            through: Arc::clone(&self.through),
            begun: Instant::now(),
            quiet: None,
            looked: None,
            told: None,
            receipt: 0,
        }))
    }

    fn shelf(&self) -> Result<Box<dyn Shelf>> {
        Ok(Box::new(Lookup::open(&self.cluster, Arc::clone(&self.framing))?))
    }

    fn waiting(&self) -> Waiting {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn is_through(&self) -> bool {
        self.through.load(Ordering::Acquire)
    }
}

struct TopicFeed {
    reader: Reader,
    backlog: Watch,
    measures: Option<Arc<Measures>>,
    /// Records that wait, by topic and partition.
    behind: BTreeMap<(&'static str, i32), i64>,
    /// Partitions whose end was not seen yet.
    not_reached: BTreeSet<(&'static str, i32)>,
    waiting: Arc<Mutex<Waiting>>,
    through: Arc<AtomicBool>,
    begun: Instant,
    /// When it was seen first that nothing waits.
    quiet: Option<Instant>,
    looked: Option<Instant>,
    /// When the group was told.
    told: Option<Instant>,
    /// Latest receipt of what a record comes of.
    receipt: i64,
}

impl TopicFeed {
    /// Notes that what waited at the start is through: nothing waited once, and the clock has published its numbers since.
    /// In a cluster that is never idle, few records wait after a minute.
    fn pass(&mut self, records: u64) {
        if records <= MARKS {
            self.quiet.get_or_insert_with(Instant::now);
        }
        let published = self.quiet.is_some_and(|at| at.elapsed() >= PUBLISHED);
        let busy = records <= FEW.unsigned_abs() && self.begun.elapsed() >= BUSY;
        if published || busy {
            self.through.store(true, Ordering::Release);
        }
    }

    /// Tells the group how far this is. What was read with the calls before is in the golden record by now.
    fn tell(&mut self) {
        if self.measures.is_none() || self.told.is_some_and(|at| at.elapsed() < TELLS) {
            return;
        }
        self.told = Some(Instant::now());
        if let Err(error) = self.reader.commit() {
            tracing::warn!(%error, group = GOLDEN, "how far the golden record is cannot be told");
        }
    }

    fn look(&mut self) {
        for behind in self.reader.behind() {
            if let Some(measures) = &self.measures {
                measures.is_behind(NAME, &behind, clock::now());
            }
            let place = (behind.topic, behind.partition);
            if behind.records <= FEW {
                self.not_reached.remove(&place);
            }
            self.behind.insert(place, behind.records);
        }
        if self.looked.is_some_and(|at| at.elapsed() < LOOK) {
            return;
        }
        self.looked = Some(Instant::now());
        match self.backlog.records() {
            Ok(records) => {
                self.pass(records);
                let waits = records > 0 && self.receipt > 0;
                let seconds = if waits {
                    (clock::now() - self.receipt).max(0) as f64 / 1_000.0
                } else {
                    0.0
                };
                let waiting = Waiting { records, seconds };
                *self.waiting.lock().unwrap_or_else(PoisonError::into_inner) = waiting;
            }
            Err(error) => tracing::warn!(%error, "how much waits cannot be asked"),
        }
    }
}

impl Feed for TopicFeed {
    fn next(&mut self, max: usize, patience: Duration) -> Result<Vec<Placed>> {
        self.tell();
        let received = match self.reader.read(max, patience) {
            Ok(received) => received,
            Err(error @ EngineError::Waits { .. }) => {
                if let Some(measures) = &self.measures {
                    measures.took_in(NAME, 0, 0);
                    measures.waits(NAME, 0, Some(error.to_string()));
                }
                self.look();
                return Err(error.into());
            }
            Err(error) => return Err(error.into()),
        };
        if let Some(measures) = &self.measures {
            measures.took_in(NAME, 0, received.len() as u64);
            measures.waits(NAME, 0, None);
            measures.passed_over(NAME, self.reader.passed_over());
        }
        self.look();
        let placed = received.into_iter().map(|one| {
            self.receipt = self.receipt.max(one.receipt);
            Placed {
                partition: one.partition,
                offset: one.offset,
                record: one.record,
            }
        });
        Ok(placed.collect())
    }

    fn behind(&mut self) -> Result<u64> {
        Ok(self.behind.values().map(|records| records.unsigned_abs()).sum())
    }

    fn passed_over(&mut self, records: u64) {
        if let Some(measures) = &self.measures {
            measures.passed_over(NAME, records);
        }
    }

    fn caught_up(&mut self) -> Result<bool> {
        Ok(self.not_reached.is_empty())
    }
}

impl Shelf for Lookup {
    fn at(&mut self, places: &[Place]) -> Result<BTreeMap<Place, Record>> {
        let mut by_topic: BTreeMap<&'static str, BTreeSet<(i32, i64)>> = BTreeMap::new();
        for place in places {
            by_topic
                .entry(place.topic)
                .or_default()
                .insert((place.partition, place.offset));
        }
        let mut found = BTreeMap::new();
        for (topic, places) in by_topic {
            let records = Self::at(self, topic, &places)?;
            found.extend(records.into_iter().map(|((partition, offset), record)| {
                let place = Place {
                    topic,
                    partition,
                    offset,
                };
                (place, record)
            }));
        }
        Ok(found)
    }

    fn latest(&mut self, topic: &'static str, limit: usize) -> Result<Vec<Record>> {
        Ok(Self::latest(self, topic, limit as i64)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hilo_stream::{Scope, TopicKind, TopicSpec};
    use std::sync::Arc;

    fn processor(writes: &[&'static str]) -> ProcessorSpec {
        let output = |name: &&'static str| TopicSpec {
            name,
            kind: TopicKind::Internal,
            key: "person",
            schema: None,
            kept: "",
            doc: "",
        };
        ProcessorSpec {
            name: "one",
            doc: "",
            scope: Scope::Global,
            inputs: Vec::new(),
            outputs: writes.iter().map(output).collect(),
            also_writes: Vec::new(),
            stores: Vec::new(),
            factory: Arc::new(|| unreachable!("it is never made")),
        }
    }

    #[test]
    fn pages_wait_for_facts_and_not_for_the_records_of_crms() {
        assert!(makes_facts(&processor(&[topics::STATUS])));
        assert!(makes_facts(&processor(&[topics::CRM_RECORD, topics::METRIC])));
        assert!(!makes_facts(&processor(&[topics::CRM_RECORD])));
    }
}
