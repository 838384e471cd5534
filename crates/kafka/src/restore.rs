//! A task's state from its changelog, a piece at a time, so that the lane goes on polling.

use crate::EngineError;
use crate::cluster::Cluster;
use crate::error::failed;
use crate::names::changelog;
use crate::rebalance::Quiet;
use crate::task::Task;
use crate::transactions::{NotCommitted, Outgoing, Purpose, Transactions};
use hilo_stream::{Changes, DeadLetterEncoder, StoreName, Topology, TopologyError};
use rdkafka::Message as _;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::{Offset, TopicPartitionList};
use std::path::Path;
use std::time::{Duration, Instant};

/// Entries that are applied in one local transaction.
const ENTRIES: usize = 10_000;
/// How long one piece of work may take: the lane polls its own consumer in between.
const PIECE: Duration = Duration::from_millis(200);
/// Patience with one question to the broker.
const ANSWER: Duration = Duration::from_secs(10);

enum Phase {
    /// An open transaction of whoever had the partition before may still end in the changelog.
    Settling,
    /// Reading up to the end as it was when nothing was open any more.
    Reading { reader: BaseConsumer<Quiet> },
}

/// A restore under way.
pub(crate) struct Restore {
    topic: String,
    partition: i32,
    target: i64,
    /// Reads only what is committed.
    watcher: BaseConsumer<Quiet>,
    phase: Phase,
    position: i64,
    /// Entries so far, and since when.
    pub(crate) entries: u64,
    pub(crate) begun: Instant,
    /// Records that cannot be entries: somebody else's, passed over.
    pub(crate) foreign: u64,
    config: rdkafka::ClientConfig,
}

/// Whether a restore is through.
#[derive(PartialEq, Eq)]
pub(crate) enum Progress {
    More,
    Done,
}

impl Restore {
    /// Begins where the local copy stands. The target is the end for a reader of uncommitted records: the usual
    /// consumer's would overlook what an open transaction of the former owner has written.
    pub(crate) fn begin(cluster: &Cluster, topic: &str, partition: i32, position: i64) -> Result<Self, EngineError> {
        let mut config = cluster.reader("hilo.restore");
        config.set("enable.partition.eof", "true");
        config.set("queued.max.messages.kbytes", "32768");
        let mut uncommitted = config.clone();
        uncommitted.set("isolation.level", "read_uncommitted");
        let doing = || format!("asking for the end of {topic}");
        let probe: BaseConsumer<Quiet> = uncommitted
            .create_with_context(Quiet::default())
            .map_err(failed(doing()))?;
        let (low, target) = probe
            .fetch_watermarks(topic, partition, ANSWER)
            .map_err(failed(doing()))?;
        let watcher = config.create_with_context(Quiet::default()).map_err(failed(doing()))?;
        Ok(Self {
            topic: topic.to_owned(),
            partition,
            target,
            watcher,
            phase: Phase::Settling,
            position: position.max(low),
            entries: 0,
            begun: Instant::now(),
            foreign: 0,
            config,
        })
    }

    /// Records that may be left.
    pub(crate) fn remaining(&self) -> i64 {
        (self.target - self.position).max(0)
    }

    /// Does a piece of the work.
    pub(crate) fn advance(&mut self, task: &mut Task) -> Result<Progress, EngineError> {
        let doing = || format!("restoring from {}", self.topic);
        match &self.phase {
            Phase::Settling => {
                if self.position >= self.target {
                    return Ok(Progress::Done);
                }
                let (_, stable) = self
                    .watcher
                    .fetch_watermarks(&self.topic, self.partition, ANSWER)
                    .map_err(failed(doing()))?;
                if stable < self.target {
                    std::thread::sleep(Duration::from_millis(20));
                    return Ok(Progress::More);
                }
                // What is there now is stable up to the target: the end that this reader meets is at it or behind.
                let reader: BaseConsumer<Quiet> = self
                    .config
                    .create_with_context(Quiet::default())
                    .map_err(failed(doing()))?;
                let mut list = TopicPartitionList::new();
                list.add_partition_offset(&self.topic, self.partition, Offset::Offset(self.position))
                    .map_err(failed(doing()))?;
                reader.assign(&list).map_err(failed(doing()))?;
                self.phase = Phase::Reading { reader };
                Ok(Progress::More)
            }
            Phase::Reading { reader } => {
                let begun = Instant::now();
                let mut changes: Vec<(StoreName, Changes)> =
                    task.names().iter().map(|name| (*name, Changes::new())).collect();
                let (mut count, mut end) = (0, false);
                while count < ENTRIES && begun.elapsed() < PIECE && !end {
                    match reader.poll(Duration::from_millis(50)) {
                        None => {}
                        Some(Ok(message)) => {
                            self.position = message.offset() + 1;
                            let entry = message
                                .key()
                                .and_then(<[u8]>::split_first)
                                .and_then(|(store, key)| Some((changes.get_mut(usize::from(*store))?, key)));
                            // Without the number of a store it is nobody's state, so nothing is lost with it.
                            let Some((store, key)) = entry else {
                                tracing::warn!(
                                    topic = self.topic,
                                    partition = self.partition,
                                    offset = message.offset(),
                                    "a record of a changelog is no entry of a store: something else writes there; it is passed over"
                                );
                                self.foreign += 1;
                                continue;
                            };
                            store.1.push((key.into(), message.payload().map(<[u8]>::to_vec)));
                            count += 1;
                        }
                        Some(Err(KafkaError::PartitionEOF(_))) => end = true,
                        Some(Err(source)) => {
                            return Err(EngineError::Client { doing: doing(), source });
                        }
                    }
                }
                self.entries += count as u64;
                if end {
                    self.position = self.position.max(self.target);
                }
                task.restore(&changes, self.position)?;
                Ok(if end { Progress::Done } else { Progress::More })
            }
        }
    }
}

/// A restored task, for a measurement.
pub struct Restored {
    /// Records of the changelog.
    pub entries: u64,
    /// Until the processor has its state.
    pub took: Duration,
    task: Task,
}

impl Restored {
    /// Entries that are there now, by store.
    pub fn state(&self) -> Result<Vec<(&'static str, u64)>, EngineError> {
        self.task.entries()
    }
}

/// Restores the state of a processor's first partition into an empty folder, for a measurement.
pub fn measure(
    cluster: &Cluster,
    topology: &Topology,
    processor: &str,
    dead_letter: DeadLetterEncoder,
    folder: &Path,
) -> Result<Restored, EngineError> {
    let spec = topology
        .processors()
        .iter()
        .find(|spec| spec.name == processor)
        .ok_or_else(|| TopologyError::UnknownProcessor(processor.to_owned()))?;
    let begun = Instant::now();
    let mut task = Task::with(topology, spec, dead_letter, folder, 0)?;
    let mut restore = Restore::begin(cluster, &cluster.name(&changelog(processor)), 0, 0)?;
    while restore.advance(&mut task)? == Progress::More {}
    task.attach()?;
    Ok(Restored {
        entries: restore.entries,
        took: begun.elapsed(),
        task,
    })
}

/// Writes a changelog that nobody else writes, for a measurement.
pub struct Fill {
    /// Entries so far.
    pub entries: u64,
    /// Bytes of their keys and values.
    pub bytes: u64,
    producer: Transactions,
    topic: String,
    group: BaseConsumer<Quiet>,
}

impl Fill {
    /// The first partition of a processor's changelog.
    pub fn open(cluster: &Cluster, processor: &str) -> Result<Self, EngineError> {
        Ok(Self {
            entries: 0,
            bytes: 0,
            producer: Transactions::start(cluster, "hilo.fill", Duration::from_mins(1))?,
            topic: cluster.name(&changelog(processor)),
            group: cluster
                .reader("hilo.fill")
                .create_with_context(Quiet::default())
                .map_err(failed("making a consumer"))?,
        })
    }

    /// Writes what changed in each store, by its place, in one transaction.
    pub fn commit(&mut self, stores: &[Changes]) -> Result<(), EngineError> {
        self.producer.begin()?;
        for (store, changes) in (0..).zip(stores) {
            for (key, value) in changes {
                let key = [&[store][..], key].concat();
                self.entries += 1;
                self.bytes += (key.len() + value.as_ref().map_or(0, Vec::len)) as u64;
                self.producer
                    .send(Outgoing {
                        topic: &self.topic,
                        partition: Some(0),
                        key: &key,
                        value: value.as_deref(),
                        headers: None,
                        purpose: Purpose::Changelog,
                    })
                    .map_err(failed("producing"))?;
            }
        }
        let Some(group) = self.group.group_metadata() else {
            return Err(EngineError::Fenced {
                doing: "measuring".to_owned(),
            });
        };
        match self.producer.commit(&TopicPartitionList::new(), &group, |_| ()) {
            Ok(_) => Ok(()),
            Err(NotCommitted::Abort { error, .. }) => Err(failed("committing")(error)),
            Err(NotCommitted::Restart(error)) => Err(error),
        }
    }
}
