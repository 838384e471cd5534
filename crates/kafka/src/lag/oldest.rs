//! How old the oldest record is that waits: it is read.

use super::Lag;
use crate::EngineError;
use crate::cluster::Cluster;
use crate::error::failed;
use crate::rebalance::Quiet;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::message::Message as _;
use rdkafka::{Offset, TopicPartitionList};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Patience with a topic. What has not come by then has no age.
const PATIENCE: Duration = Duration::from_secs(5);
/// Patience with one event of the client.
const GLANCE: Duration = Duration::from_millis(100);

/// A client that reads single records.
pub(super) struct Oldest {
    consumer: BaseConsumer<Quiet>,
    cluster: Cluster,
}

impl Oldest {
    pub(super) fn open(cluster: &Cluster) -> Result<Self, EngineError> {
        let mut config = cluster.reader("hilo.lag");
        config.set("enable.partition.eof", "true");
        // One record of each is wanted.
        config.set("queued.min.messages", "1");
        config.set("fetch.message.max.bytes", "16384");
        config.set("fetch.wait.max.ms", "50");
        Ok(Self {
            consumer: config
                .create_with_context(Quiet::default())
                .map_err(failed("making a consumer"))?,
            cluster: cluster.clone(),
        })
    }

    /// Finds the age of what waits. Where nothing but marks of transactions is left, nothing waits.
    pub(super) fn look(&self, lags: &mut [(Lag, i64)]) -> Result<(), EngineError> {
        let mut by_topic: BTreeMap<&'static str, BTreeMap<i32, usize>> = BTreeMap::new();
        for (place, (lag, _)) in lags.iter().enumerate().filter(|(_, (lag, _))| lag.records > 0) {
            by_topic.entry(lag.topic).or_default().insert(lag.partition, place);
        }
        // One topic at a time: the client says the number of a partition that has ended, and not its topic.
        for (topic, places) in by_topic {
            self.look_at(topic, places, lags)?;
        }
        Ok(())
    }

    fn look_at(&self, topic: &str, mut open: BTreeMap<i32, usize>, lags: &mut [(Lag, i64)]) -> Result<(), EngineError> {
        let name = self.cluster.name(topic);
        let mut list = TopicPartitionList::new();
        for (partition, place) in &open {
            list.add_partition_offset(&name, *partition, Offset::Offset(lags[*place].1))
                .map_err(failed("naming offsets"))?;
        }
        self.consumer.assign(&list).map_err(failed("taking partitions"))?;
        let begun = Instant::now();
        while !open.is_empty() && begun.elapsed() < PATIENCE {
            match self.consumer.poll(GLANCE) {
                None => {}
                Some(Ok(message)) => {
                    let is_it = message.topic() == name;
                    if let Some(place) = is_it.then(|| open.remove(&message.partition())).flatten() {
                        lags[place].0.oldest = message.timestamp().to_millis();
                    }
                }
                Some(Err(KafkaError::PartitionEOF(partition))) => {
                    if let Some(place) = open.remove(&partition) {
                        lags[place].0.records = 0;
                    }
                }
                Some(Err(error)) => return Err(failed("reading the oldest record that waits")(error)),
            }
        }
        self.consumer.unassign().map_err(failed("giving partitions back"))?;
        // What the client had at hand of this topic is not taken for the next one's.
        while self.consumer.poll(Duration::ZERO).is_some() {}
        Ok(())
    }
}
