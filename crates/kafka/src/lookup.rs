//! Single records by their place, and the latest records of a topic: for people who look.

use crate::EngineError;
use crate::cluster::Cluster;
use crate::error::failed;
use crate::framing::Framing;
use crate::reader::Received;
use crate::rebalance::Quiet;
use hilo_stream::Record;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::message::Message as _;
use rdkafka::{Offset, TopicPartitionList};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Patience with one question to the broker.
const ANSWER: Duration = Duration::from_secs(10);
/// Records between two wanted ones that are read over; beyond, it costs less to ask anew.
const NEAR: i64 = 200;

/// Reads committed records by partition and offset.
pub struct Lookup {
    consumer: BaseConsumer<Quiet>,
    cluster: Cluster,
    framing: Arc<Framing>,
}

impl Lookup {
    /// A connection of its own; one question at a time.
    pub fn open(cluster: &Cluster, framing: Arc<Framing>) -> Result<Self, EngineError> {
        let mut config = cluster.reader("hilo.lookup");
        config.set("enable.partition.eof", "true");
        // A question is about few records: a fetch answers with what there is, and not with megabytes.
        config.set("fetch.wait.max.ms", "10");
        config.set("fetch.message.max.bytes", "65536");
        Ok(Self {
            consumer: config
                .create_with_context(Quiet::default())
                .map_err(failed("making a consumer"))?,
            cluster: cluster.clone(),
            framing,
        })
    }

    /// The records of a topic at these places (partition, offset). What is there no more, by retention or compaction, is
    /// left out.
    pub fn at(
        &mut self,
        topic: &'static str,
        places: &BTreeSet<(i32, i64)>,
    ) -> Result<BTreeMap<(i32, i64), Record>, EngineError> {
        let mut wanted: BTreeMap<i32, VecDeque<i64>> = BTreeMap::new();
        for (partition, offset) in places {
            wanted.entry(*partition).or_default().push_back(*offset);
        }
        let mut starts = Vec::new();
        for (partition, offsets) in &mut wanted {
            let (low, high) = self.ends(topic, *partition)?;
            offsets.retain(|offset| (low..high).contains(offset));
            starts.extend(offsets.front().map(|first| (*partition, *first)));
        }
        wanted.retain(|_, offsets| !offsets.is_empty());
        let mut found = BTreeMap::new();
        self.read(topic, &starts, |consumer, partition, message| {
            let Some(offsets) = wanted.get_mut(&partition) else {
                return Ok(wanted.is_empty());
            };
            if let Some((offset, record)) = message {
                while offsets.front().is_some_and(|next| *next < offset) {
                    offsets.pop_front();
                }
                if offsets.front() == Some(&offset) {
                    offsets.pop_front();
                    found.extend(record.map(|record| ((partition, offset), record)));
                }
                if let Some(next) = offsets.front().filter(|next| **next > offset + NEAR) {
                    consumer.seek(partition, *next)?;
                }
            } else {
                // The end: what is wanted behind it are control records by now.
                offsets.clear();
            }
            if offsets.is_empty() {
                wanted.remove(&partition);
            }
            Ok(wanted.is_empty())
        })?;
        Ok(found)
    }

    /// The latest `limit` records of each partition of a topic.
    pub fn latest(&mut self, topic: &'static str, limit: i64) -> Result<Vec<Record>, EngineError> {
        let name = self.cluster.name(topic);
        let metadata = self
            .consumer
            .fetch_metadata(Some(&name), ANSWER)
            .map_err(failed(format!("asking for the partitions of {name}")))?;
        let count = metadata.topics().first().map_or(0, |found| found.partitions().len());
        let mut ends = BTreeMap::new();
        let mut starts = Vec::new();
        for partition in 0..count as i32 {
            let (low, high) = self.ends(topic, partition)?;
            if low < high {
                ends.insert(partition, high);
                starts.push((partition, low.max(high - limit)));
            }
        }
        let mut records = Vec::new();
        self.read(topic, &starts, |_, partition, message| {
            let through = match message {
                None => true,
                Some((offset, record)) => {
                    let wanted = ends.contains_key(&partition);
                    records.extend(record.filter(|_| wanted));
                    ends.get(&partition).is_none_or(|end| offset + 1 >= *end)
                }
            };
            if through {
                ends.remove(&partition);
            }
            Ok(ends.is_empty())
        })?;
        Ok(records)
    }

    fn ends(&self, topic: &str, partition: i32) -> Result<(i64, i64), EngineError> {
        let name = self.cluster.name(topic);
        self.consumer
            .fetch_watermarks(&name, partition, ANSWER)
            .map_err(failed(format!("asking for the ends of {name}")))
    }

    /// Hands over what comes of some partitions of one topic from these offsets on: offset and record (`None`: it has no
    /// contract), or `None` at the end of a partition, until `visit` says that it is enough.
    fn read(
        &self,
        topic: &'static str,
        starts: &[(i32, i64)],
        mut visit: impl FnMut(&Seek, i32, Option<(i64, Option<Record>)>) -> Result<bool, EngineError>,
    ) -> Result<(), EngineError> {
        if starts.is_empty() {
            return Ok(());
        }
        let name = self.cluster.name(topic);
        let mut list = TopicPartitionList::new();
        for (partition, offset) in starts {
            list.add_partition_offset(&name, *partition, Offset::Offset(*offset))
                .map_err(failed("naming offsets"))?;
        }
        self.consumer.assign(&list).map_err(failed("taking partitions"))?;
        let seek = Seek {
            consumer: &self.consumer,
            name: &name,
        };
        let begun = Instant::now();
        let read = loop {
            let seen = match self.consumer.poll(ANSWER.saturating_sub(begun.elapsed())) {
                None => Err(EngineError::Topic {
                    topic: name.clone(),
                    problem: format!("the broker gave no record within {} s", ANSWER.as_secs()),
                }),
                Some(Err(KafkaError::PartitionEOF(partition))) => visit(&seek, partition, None),
                Some(Err(KafkaError::MessageConsumption(code)))
                    if code != rdkafka::error::RDKafkaErrorCode::AutoOffsetReset =>
                {
                    tracing::debug!(%code, "the Kafka client waits");
                    Ok(false)
                }
                Some(Err(error)) => Err(failed("reading")(error)),
                Some(Ok(message)) => Received::of(topic, &self.framing, &message).and_then(|received| {
                    let record = received.map(|received| received.record);
                    visit(&seek, message.partition(), Some((message.offset(), record)))
                }),
            };
            match seen {
                Ok(false) => {}
                Ok(true) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        // Else the client would go on fetching what nobody reads.
        self.consumer.unassign().map_err(failed("giving partitions back"))?;
        read
    }
}

/// Goes on elsewhere in a partition.
struct Seek<'a> {
    consumer: &'a BaseConsumer<Quiet>,
    name: &'a str,
}

impl Seek<'_> {
    fn seek(&self, partition: i32, offset: i64) -> Result<(), EngineError> {
        self.consumer
            .seek(self.name, partition, Offset::Offset(offset), ANSWER)
            .map_err(failed(format!("going to offset {offset} of {}", self.name)))
    }
}
