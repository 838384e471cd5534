//! How much waits between the raw topic and the facts: what the groups of the processors have not committed yet.

use crate::EngineError;
use crate::cluster::Cluster;
use crate::error::failed;
use crate::rebalance::Quiet;
use crate::topics;
use hilo_stream::{ProcessorSpec, TopicKind, Topology};
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::{Offset, TopicPartitionList};
use rustc_hash::FxHashMap;
use std::time::Duration;

/// Patience with one question to the broker.
const ANSWER: Duration = Duration::from_secs(10);

/// Asks for the offsets of the groups; it is no member of any.
pub struct Backlog {
    cluster: Cluster,
    /// Group, and what it reads.
    groups: Vec<(BaseConsumer<Quiet>, Inputs)>,
}

/// Topics by their names at the cluster, each with whether transactions write it.
type Inputs = Vec<(String, bool)>;

impl Backlog {
    /// Of the processors of a topology that count.
    pub fn open(
        cluster: &Cluster,
        topology: &Topology,
        counts: impl Fn(&ProcessorSpec) -> bool,
    ) -> Result<Self, EngineError> {
        let is_raw = |topic: &str| {
            let mut topics = topology.topics().iter();
            topics.any(|spec| spec.name == topic && spec.kind == TopicKind::Raw)
        };
        let mut groups = Vec::new();
        for processor in topology.processors().iter().filter(|processor| counts(processor)) {
            let consumer: BaseConsumer<Quiet> = cluster
                .reader(&format!("hilo.{}", processor.name))
                .create_with_context(Quiet::default())
                .map_err(failed("making a consumer"))?;
            let inputs = processor
                .inputs
                .iter()
                .map(|topic| (cluster.name(topic), !is_raw(topic)));
            groups.push((consumer, inputs.collect()));
        }
        Ok(Self {
            cluster: cluster.clone(),
            groups,
        })
    }

    /// Records that wait for some processor. The end of a partition that transactions write is a mark that no reader
    /// sees: it does not wait.
    pub fn waiting(&self) -> Result<u64, EngineError> {
        let partitions = topics::partitions(&self.cluster)?;
        let mut ends: FxHashMap<(&str, i32), (i64, i64)> = FxHashMap::default();
        let mut waiting = 0;
        for (consumer, inputs) in &self.groups {
            let mut list = TopicPartitionList::new();
            for (name, _) in inputs {
                list.add_partition_range(name, 0, partitions.get(name).copied().unwrap_or(1) - 1);
            }
            let committed = consumer
                .committed_offsets(list, ANSWER)
                .map_err(failed("asking for the offsets of a group"))?;
            for (name, marked) in inputs {
                for partition in 0..partitions.get(name).copied().unwrap_or(1) {
                    let (low, high) = match ends.get(&(name.as_str(), partition)) {
                        Some(ends) => *ends,
                        None => consumer
                            .fetch_watermarks(name, partition, ANSWER)
                            .map_err(failed(format!("asking for the ends of {name}")))?,
                    };
                    ends.insert((name, partition), (low, high));
                    let found = committed.find_partition(name, partition).map(|found| found.offset());
                    let next = match found {
                        Some(Offset::Offset(next)) => next.max(low),
                        _ => low,
                    };
                    waiting += (high - next - i64::from(*marked)).max(0).unsigned_abs();
                }
            }
        }
        Ok(waiting)
    }
}
