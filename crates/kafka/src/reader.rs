//! A reader outside of transactions: for databases that keep offsets with their data, and for people who look.

use crate::EngineError;
use crate::cluster::Cluster;
use crate::error::failed;
use crate::framing::{Framing, Times, Unread};
use crate::rebalance::Quiet;
use crate::topics;
use hilo_stream::Record;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::message::{Message, OwnedMessage};
use rdkafka::{Offset, TopicPartitionList};
use rustc_hash::{FxHashMap, FxHashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

const ANSWER: Duration = Duration::from_secs(30);

/// A committed record, and where it stands.
#[derive(Clone, Debug)]
pub struct Received {
    /// Partition.
    pub partition: i32,
    /// Offset.
    pub offset: i64,
    /// When it was appended, milliseconds.
    pub appended: i64,
    /// When the gateway received what it comes of, milliseconds; 0: nobody did.
    pub receipt: i64,
    /// The record.
    pub record: Record,
}

impl Received {
    /// A record of a topic as it came. `None`: it does not have the topic's contract, which is logged. An error: it may have
    /// it, and cannot be read yet.
    pub(crate) fn of(
        topic: &'static str,
        framing: &Framing,
        message: &impl Message,
    ) -> Result<Option<Self>, EngineError> {
        let (partition, offset) = (message.partition(), message.offset());
        let appended = message.timestamp().to_millis().unwrap_or_default();
        let times = Times::of(message.headers()).map(|(times, _)| times);
        match framing.unwrap(topic, message.payload().unwrap_or_default()) {
            Ok(value) => Ok(Some(Self {
                partition,
                offset,
                appended,
                receipt: times.map_or(0, |times| times.receipt),
                record: Record {
                    topic,
                    key: message.key().unwrap_or_default().to_vec(),
                    value: value.into_owned(),
                    timestamp: times.map_or(appended, |times| times.event),
                },
            })),
            Err(Unread::Foreign(problem)) => {
                tracing::warn!(topic, partition, offset, problem, "a record is passed over");
                Ok(None)
            }
            Err(Unread::Waits(problem)) => Err(EngineError::Waits {
                topic: message.topic().to_owned(),
                partition,
                offset,
                problem,
            }),
        }
    }
}

/// How far a reader is behind in a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Behind {
    /// Topic.
    pub topic: &'static str,
    /// Partition.
    pub partition: i32,
    /// Records that wait.
    pub records: i64,
    /// When the last one that was read was appended, milliseconds; 0: none was.
    pub appended: i64,
}

/// Reads all partitions of some topics, each from an offset of its own.
pub struct Reader {
    consumer: BaseConsumer<Quiet>,
    topics: Vec<(String, &'static str)>,
    framing: Arc<Framing>,
    seen: Seen,
    /// A record that cannot be read yet, with the place of its topic: it is tried again, and nothing behind it is read.
    held: Option<(usize, OwnedMessage)>,
    /// Partitions whose end was met; the last offsets there may be of control records, which nobody sees.
    ended: FxHashSet<i32>,
}

/// What a reader has read.
#[derive(Default)]
struct Seen {
    /// Next offset by place in `topics` and partition.
    next: FxHashMap<(usize, i32), i64>,
    /// When the last record of each was appended.
    appended: FxHashMap<(usize, i32), i64>,
    /// Records without their contract, since they were asked for last.
    foreign: u64,
}

impl Seen {
    /// A record was read; without its contract it is none of ours.
    fn note(&mut self, place: usize, message: &impl Message, received: Option<&Received>) {
        let at = (place, message.partition());
        self.next.insert(at, message.offset() + 1);
        self.appended
            .insert(at, message.timestamp().to_millis().unwrap_or_default());
        self.foreign += u64::from(received.is_none());
    }
}

impl Reader {
    /// Begins at `from` (topic, partition), or at the first record there is where that says 0.
    pub fn open(
        cluster: &Cluster,
        topics: &[&'static str],
        framing: Arc<Framing>,
        from: impl FnMut(&'static str, i32) -> i64,
    ) -> Result<Self, EngineError> {
        Self::open_as(cluster, "hilo.reader", topics, framing, from)
    }

    /// The same as a group, to which it tells its offsets with [`Reader::commit`].
    pub fn open_as(
        cluster: &Cluster,
        group: &str,
        topics: &[&'static str],
        framing: Arc<Framing>,
        mut from: impl FnMut(&'static str, i32) -> i64,
    ) -> Result<Self, EngineError> {
        let mut config = cluster.reader(group);
        config.set("enable.partition.eof", "true");
        config.set("statistics.interval.ms", "2000");
        let consumer: BaseConsumer<Quiet> = config
            .create_with_context(Quiet::default())
            .map_err(failed("making a consumer"))?;
        let there = topics::partitions(cluster)?;
        let mut list = TopicPartitionList::new();
        let mut seen = Seen::default();
        let names: Vec<(String, &'static str)> = topics.iter().map(|topic| (cluster.name(topic), *topic)).collect();
        for (place, (name, topic)) in names.iter().enumerate() {
            let count = there.get(name).copied().ok_or_else(|| EngineError::Topic {
                topic: name.clone(),
                problem: "it is not there".to_owned(),
            })?;
            for partition in 0..count {
                let (low, _) = consumer
                    .fetch_watermarks(name, partition, ANSWER)
                    .map_err(failed(format!("asking for the ends of {name}")))?;
                let start = match from(topic, partition) {
                    0 => low,
                    start if start >= low => start,
                    committed => {
                        return Err(EngineError::Lost {
                            topic: name.clone(),
                            partition,
                            committed,
                            low,
                            group: "a reader with offsets of its own".to_owned(),
                        });
                    }
                };
                seen.next.insert((place, partition), start);
                list.add_partition_offset(name, partition, Offset::Offset(start))
                    .map_err(failed("naming offsets"))?;
            }
        }
        consumer.assign(&list).map_err(failed("taking partitions"))?;
        Ok(Self {
            consumer,
            topics: names,
            framing,
            seen,
            held: None,
            ended: FxHashSet::default(),
        })
    }

    /// Topics and partitions that it reads.
    pub fn partitions(&self) -> impl Iterator<Item = (&'static str, i32)> {
        self.seen
            .next
            .keys()
            .map(|(place, partition)| (self.topics[*place].1, *partition))
    }

    /// Commits to its group what was read so far. A watcher reads that; this reader goes on from offsets of its own.
    pub fn commit(&self) -> Result<(), EngineError> {
        let mut list = TopicPartitionList::new();
        for ((place, partition), next) in &self.seen.next {
            list.add_partition_offset(&self.topics[*place].0, *partition, Offset::Offset(*next))
                .map_err(failed("naming offsets"))?;
        }
        self.consumer
            .commit(&list, CommitMode::Async)
            .map_err(failed("committing to a group"))
    }

    /// How far it is behind, as of what the client has heard since it was asked last; it hears every two seconds.
    #[must_use]
    pub fn behind(&self) -> Vec<Behind> {
        let ends = self.consumer.context().take_ends();
        let behind = ends.into_iter().filter_map(|end| {
            let place = self.topics.iter().position(|(name, _)| *name == end.topic)?;
            let next = *self.seen.next.get(&(place, end.partition))?;
            let upto = if end.reached { next } else { end.offset };
            Some(Behind {
                topic: self.topics[place].1,
                partition: end.partition,
                records: (upto - next).max(0),
                appended: self
                    .seen
                    .appended
                    .get(&(place, end.partition))
                    .copied()
                    .unwrap_or_default(),
            })
        });
        // No new ends come while a record is held. At least that record waits, and its age grows.
        let held = self.held.iter().map(|(place, message)| Behind {
            topic: self.topics[*place].1,
            partition: message.partition(),
            records: 1,
            appended: message.timestamp().to_millis().unwrap_or_default(),
        });
        behind.chain(held).collect()
    }

    /// Records since the last call that had no contract, so that they are none of ours.
    pub fn passed_over(&mut self) -> u64 {
        std::mem::take(&mut self.seen.foreign)
    }

    /// Up to `max` records; fewer when none came for `patience`. What has no contract is passed over, logged and counted. A
    /// record that cannot be read yet is [`EngineError::Waits`], again with each call, until it can.
    pub fn read(&mut self, max: usize, patience: Duration) -> Result<Vec<Received>, EngineError> {
        let mut received = Vec::new();
        if let Some((place, message)) = self.held.take() {
            match Received::of(self.topics[place].1, &self.framing, &message) {
                Ok(record) => {
                    self.seen.note(place, &message, record.as_ref());
                    received.extend(record);
                }
                Err(error) => {
                    self.held = Some((place, message));
                    return Err(error);
                }
            }
        }
        let begun = Instant::now();
        while received.len() < max {
            // What has come is handed over when nothing more is at hand.
            let wait = if received.is_empty() {
                patience.saturating_sub(begun.elapsed())
            } else {
                Duration::from_millis(1)
            };
            match self.consumer.poll(wait) {
                None => break,
                Some(Err(KafkaError::MessageConsumption(code))) => {
                    if code == rdkafka::error::RDKafkaErrorCode::AutoOffsetReset {
                        return Err(failed("reading")(KafkaError::MessageConsumption(code)));
                    }
                    tracing::warn!(%code, "the Kafka client waits");
                }
                Some(Err(KafkaError::PartitionEOF(partition))) => {
                    self.ended.insert(partition);
                    if received.is_empty() && begun.elapsed() >= patience {
                        break;
                    }
                }
                Some(Err(error)) => return Err(failed("reading")(error)),
                Some(Ok(message)) => {
                    let Some(place) = self.topics.iter().position(|(name, _)| name == message.topic()) else {
                        continue;
                    };
                    match Received::of(self.topics[place].1, &self.framing, &message) {
                        Ok(record) => {
                            self.seen.note(place, &message, record.as_ref());
                            received.extend(record);
                        }
                        Err(error) => {
                            self.held = Some((place, message.detach()));
                            if received.is_empty() {
                                return Err(error);
                            }
                            break;
                        }
                    }
                }
            }
        }
        Ok(received)
    }
}

/// Reads a topic from its first record to the end that it has now.
pub struct Whole {
    reader: Reader,
    /// Stable ends by partition.
    ends: Vec<(i32, i64)>,
}

/// Records at once.
const CHUNK: usize = 10_000;

impl Whole {
    /// Begins at the first record.
    pub fn open(cluster: &Cluster, topic: &'static str, framing: Arc<Framing>) -> Result<Self, EngineError> {
        let reader = Reader::open(cluster, &[topic], framing, |_, _| 0)?;
        let name = cluster.name(topic);
        let mut ends = Vec::new();
        for &(place, partition) in reader.seen.next.keys() {
            debug_assert_eq!(place, 0, "there is one topic");
            let (_, end) = reader
                .consumer
                .fetch_watermarks(&name, partition, ANSWER)
                .map_err(failed(format!("asking for the ends of {name}")))?;
            ends.push((partition, end));
        }
        Ok(Self { reader, ends })
    }

    /// The next records; `None` at the end.
    pub fn read(&mut self) -> Result<Option<Vec<Received>>, EngineError> {
        loop {
            let through = self.ends.iter().all(|(partition, end)| {
                let next = self.reader.seen.next.get(&(0, *partition)).copied().unwrap_or_default();
                next >= *end || self.reader.ended.contains(partition)
            });
            if through {
                return Ok(None);
            }
            let records = self.reader.read(CHUNK, Duration::from_millis(200))?;
            if !records.is_empty() {
                return Ok(Some(records));
            }
        }
    }
}
