//! What groups have not committed yet, as the broker knows it: seen by somebody who is a member of none, so that it is
//! seen of a group without members too.

mod measures;
mod oldest;

pub use measures::LagMeasures;

use crate::EngineError;
use crate::cluster::Cluster;
use crate::error::failed;
use crate::rebalance::Quiet;
use crate::topics;
use hilo_domain::Millis;
use hilo_stream::{ProcessorSpec, TopicKind, Topology};
use oldest::Oldest;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::{Offset, TopicPartitionList};
use rustc_hash::FxHashMap;
use std::time::Duration;

/// Patience with one question to the broker.
const ANSWER: Duration = Duration::from_secs(10);

/// A group, and what it reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Its name without the prefix of the cluster, for example `hilo.identity`.
    pub name: String,
    /// Topics, each with whether transactions write it: then the end of a partition may be a mark that no reader sees.
    pub topics: Vec<(&'static str, bool)>,
    /// Whether it has members. One that only commits its offsets has none.
    pub joins: bool,
}

impl Group {
    /// The groups of the processors of a topology that count.
    pub fn of_processors(topology: &Topology, counts: impl Fn(&ProcessorSpec) -> bool) -> Vec<Self> {
        let processors = topology.processors().iter().filter(|processor| counts(processor));
        let group = |processor: &ProcessorSpec| Self {
            name: format!("hilo.{}", processor.name),
            topics: Self::read(topology, &processor.inputs),
            joins: true,
        };
        processors.map(group).collect()
    }

    /// Topics as a group reads them.
    #[must_use]
    pub fn read(topology: &Topology, topics: &[&'static str]) -> Vec<(&'static str, bool)> {
        let is_raw = |topic: &str| {
            let mut specs = topology.topics().iter();
            specs.any(|spec| spec.name == topic && spec.kind == TopicKind::Raw)
        };
        topics.iter().map(|topic| (*topic, !is_raw(topic))).collect()
    }
}

/// How far a group is behind at a partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lag {
    /// Topic without the prefix of the cluster.
    pub topic: &'static str,
    /// Partition.
    pub partition: i32,
    /// Records that wait.
    pub records: u64,
    /// When the oldest of them was appended, milliseconds; `None` where none waits, or where it was not looked at.
    pub oldest: Option<Millis>,
}

/// How a group is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Its name without the prefix of the cluster.
    pub group: String,
    /// Members; `None` where it has none by design.
    pub members: Option<usize>,
    /// What waits, by topic and partition.
    pub lags: Vec<Lag>,
}

impl Standing {
    /// Records that wait.
    #[must_use]
    pub fn records(&self) -> u64 {
        self.lags.iter().map(|lag| lag.records).sum()
    }

    /// When the oldest record that waits was appended.
    #[must_use]
    pub fn oldest(&self) -> Option<Millis> {
        self.lags.iter().filter_map(|lag| lag.oldest).min()
    }
}

/// Looks at groups.
pub struct Watch {
    cluster: Cluster,
    groups: Vec<(BaseConsumer<Quiet>, Group)>,
    /// Reads the oldest records; made with the first look.
    oldest: Option<Oldest>,
    /// First and next offset by topic and partition, as of one look.
    ends: FxHashMap<(&'static str, i32), (i64, i64)>,
}

impl Watch {
    /// Of these groups.
    pub fn open(cluster: &Cluster, groups: Vec<Group>) -> Result<Self, EngineError> {
        let with_client = |group: Group| {
            let consumer = cluster.reader(&group.name).create_with_context(Quiet::default());
            Ok::<_, EngineError>((consumer.map_err(failed("making a consumer"))?, group))
        };
        Ok(Self {
            cluster: cluster.clone(),
            groups: groups.into_iter().map(with_client).collect::<Result<_, _>>()?,
            oldest: None,
            ends: FxHashMap::default(),
        })
    }

    /// Records that wait for some group. The end of a partition that transactions write is a mark that no reader sees: it
    /// does not wait.
    pub fn records(&mut self) -> Result<u64, EngineError> {
        Ok(self.lags()?.iter().flatten().map(|(lag, _)| lag.records).sum())
    }

    /// How each group is, with the age of what waits and its members. What is only marks of transactions does not wait.
    pub fn look(&mut self) -> Result<Vec<Standing>, EngineError> {
        let mut lags = self.lags()?;
        let oldest = match self.oldest.take() {
            Some(oldest) => oldest,
            None => Oldest::open(&self.cluster)?,
        };
        let mut standings = Vec::new();
        for ((consumer, group), lags) in self.groups.iter().zip(&mut lags) {
            oldest.look(lags)?;
            let lags = std::mem::take(lags).into_iter().map(|(lag, _)| lag).collect();
            standings.push(Standing {
                group: group.name.clone(),
                members: group
                    .joins
                    .then(|| members(consumer, &self.cluster.name(&group.name)))
                    .transpose()?,
                lags,
            });
        }
        self.oldest = Some(oldest);
        Ok(standings)
    }

    /// What waits for each group, with the offset of the first record that waits.
    fn lags(&mut self) -> Result<Vec<Vec<(Lag, i64)>>, EngineError> {
        let partitions = topics::partitions(&self.cluster)?;
        let count = |name: &str| partitions.get(name).copied().unwrap_or(1);
        self.ends.clear();
        let mut all = Vec::new();
        for (consumer, group) in &self.groups {
            let mut list = TopicPartitionList::new();
            for (topic, _) in &group.topics {
                let name = self.cluster.name(topic);
                list.add_partition_range(&name, 0, count(&name) - 1);
            }
            let committed = consumer
                .committed_offsets(list, ANSWER)
                .map_err(failed(format!("asking for the offsets of the group {}", group.name)))?;
            let mut lags = Vec::new();
            for (topic, marked) in &group.topics {
                let name = self.cluster.name(topic);
                for partition in 0..count(&name) {
                    let (low, high) = match self.ends.get(&(*topic, partition)) {
                        Some(ends) => *ends,
                        None => consumer
                            .fetch_watermarks(&name, partition, ANSWER)
                            .map_err(failed(format!("asking for the ends of {name}")))?,
                    };
                    self.ends.insert((topic, partition), (low, high));
                    let found = committed.find_partition(&name, partition).map(|found| found.offset());
                    let next = match found {
                        Some(Offset::Offset(next)) => next.max(low),
                        _ => low,
                    };
                    let lag = Lag {
                        topic,
                        partition,
                        records: (high - next - i64::from(*marked)).max(0).unsigned_abs(),
                        oldest: None,
                    };
                    lags.push((lag, next));
                }
            }
            all.push(lags);
        }
        Ok(all)
    }
}

/// Members of a group, of whatever state.
fn members(consumer: &BaseConsumer<Quiet>, group: &str) -> Result<usize, EngineError> {
    // Nothing is consumed here, but the client's own events wait to be fetched.
    while consumer.poll(Duration::ZERO).is_some() {}
    let list = consumer
        .fetch_group_list(Some(group), ANSWER)
        .map_err(failed(format!("asking for the group {group}")))?;
    Ok(list.groups().iter().map(|found| found.members().len()).sum())
}
