//! One topic shared out among the members of a group, for a reader whose work is outside of Kafka. It commits an offset once
//! the work on all records before it is done.

use crate::EngineError;
use crate::cluster::Cluster;
use crate::error::failed;
use crate::framing::{AGAIN, Framing};
use crate::reader::Received;
use crate::rebalance::{Change, LaneContext, Quiet, let_go, resume_at};
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Message as _, OwnedMessage};
use rdkafka::{Offset, TopicPartitionList};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Patience with one question to the broker.
const ANSWER: Duration = Duration::from_secs(30);

/// What the group or the topic gives to a member.
#[derive(Debug)]
pub enum Shared {
    /// Records in the order of their partitions; none came within the patience where there are none.
    Records(Vec<Received>),
    /// These partitions are this member's: they are read from [`Share::begin`] on. It has to be called for none too: the
    /// group waits for it.
    Assigned(Vec<i32>),
    /// These partitions go to somebody else as soon as [`Share::release`] is called with all of them. `lost`: they may
    /// have gone already.
    Revoked {
        /// Which ones.
        partitions: Vec<i32>,
        /// Whether nothing can be committed for them any more.
        lost: bool,
    },
}

/// A member of a group.
pub struct Share {
    consumer: BaseConsumer<LaneContext>,
    topic: &'static str,
    name: String,
    group: String,
    framing: Arc<Framing>,
    /// The member has an assignment, and has not called [`Share::begin`] since.
    unanswered: bool,
    /// By partition, which is paused: a record that cannot be read yet, why, and when it is tried again.
    held: BTreeMap<i32, Held>,
}

struct Held {
    message: OwnedMessage,
    why: String,
    again: Instant,
}

impl Share {
    /// Joins `group`, which shares out `topic`.
    pub fn join(
        cluster: &Cluster,
        group: &str,
        topic: &'static str,
        framing: Arc<Framing>,
        session_timeout: Duration,
    ) -> Result<Self, EngineError> {
        let mut config = cluster.reader(group);
        config.set("partition.assignment.strategy", "cooperative-sticky");
        config.set("session.timeout.ms", session_timeout.as_millis().to_string());
        config.set("heartbeat.interval.ms", (session_timeout.as_millis() / 4).to_string());
        let consumer: BaseConsumer<LaneContext> = config
            .create_with_context(LaneContext::new())
            .map_err(failed("making a consumer"))?;
        let name = cluster.name(topic);
        consumer.subscribe(&[&name]).map_err(failed("joining the group"))?;
        Ok(Self {
            consumer,
            topic,
            name,
            group: cluster.name(group),
            framing,
            unanswered: false,
            held: BTreeMap::new(),
        })
    }

    /// Why a partition waits though it has records: one of them cannot be read yet.
    #[must_use]
    pub fn waits(&self) -> Option<&str> {
        self.held.values().next().map(|held| held.why.as_str())
    }

    /// Holds a partition up at a record that cannot be read yet. The member goes on to answer its group.
    fn hold(&mut self, message: OwnedMessage, error: &EngineError) -> Result<(), EngineError> {
        let partition = message.partition();
        let mut list = TopicPartitionList::new();
        list.add_partition(&self.name, partition);
        self.consumer.pause(&list).map_err(failed("pausing a partition"))?;
        tracing::warn!(group = self.group, %error, "a partition waits");
        let held = Held {
            message,
            why: error.to_string(),
            again: Instant::now() + AGAIN,
        };
        self.held.insert(partition, held);
        Ok(())
    }

    /// Tries the held records again whose time has come; gives those that can be read now.
    fn try_held(&mut self) -> Result<Vec<Received>, EngineError> {
        let now = Instant::now();
        let due = self.held.iter().filter(|(_, held)| held.again <= now);
        let due: Vec<i32> = due.map(|(partition, _)| *partition).collect();
        let mut received = Vec::new();
        for partition in due {
            let Some(held) = self.held.get_mut(&partition) else {
                continue;
            };
            match Received::of(self.topic, &self.framing, &held.message) {
                Err(_) => held.again = now + AGAIN,
                Ok(record) => {
                    let next = held.message.offset() + 1;
                    self.held.remove(&partition);
                    received.extend(record);
                    let mut list = TopicPartitionList::new();
                    list.add_partition_offset(&self.name, partition, Offset::Offset(next))
                        .map_err(failed("naming offsets"))?;
                    resume_at(&self.consumer, list, ANSWER)?;
                }
            }
        }
        Ok(received)
    }

    /// What comes next, within `patience`; `max` records at once at most. It has to be called often: the group gives up a
    /// member that does not.
    pub fn next(&mut self, max: usize, patience: Duration) -> Result<Shared, EngineError> {
        let begun = Instant::now();
        let mut received = self.try_held()?;
        loop {
            if received.is_empty()
                && let Some(change) = self.consumer.context().next()
            {
                tracing::info!(group = self.group, ?change, "the group changes");
                return Ok(match change {
                    Change::Assigned(partitions) => {
                        self.unanswered = true;
                        Shared::Assigned(partitions)
                    }
                    Change::Revoked { partitions, lost } => Shared::Revoked { partitions, lost },
                });
            }
            let wait = if received.is_empty() {
                patience.saturating_sub(begun.elapsed())
            } else {
                Duration::from_millis(1)
            };
            match self.consumer.poll(wait) {
                // What a paused partition had under way comes again when it is resumed.
                Some(Ok(message)) if self.held.contains_key(&message.partition()) => {}
                Some(Ok(message)) => match Received::of(self.topic, &self.framing, &message) {
                    Ok(record) => {
                        received.extend(record);
                        if received.len() >= max {
                            return Ok(Shared::Records(received));
                        }
                    }
                    Err(error) => {
                        let message = message.detach();
                        self.hold(message, &error)?;
                    }
                },
                Some(Err(KafkaError::MessageConsumption(code))) if code != RDKafkaErrorCode::AutoOffsetReset => {
                    tracing::debug!(%code, "the Kafka client waits");
                }
                Some(Err(error)) => return Err(failed("reading")(error)),
                None if !received.is_empty() || begun.elapsed() >= patience => return Ok(Shared::Records(received)),
                None => {}
            }
        }
    }

    /// Reads partitions from their committed offsets on, or from their first records. One answer to what the group gave:
    /// with a part of it the client would count the rest as refused.
    pub fn begin(&mut self, partitions: &[i32]) -> Result<(), EngineError> {
        let mut list = TopicPartitionList::new();
        if !partitions.is_empty() {
            let mut asked = TopicPartitionList::new();
            for partition in partitions {
                asked.add_partition(&self.name, *partition);
            }
            let committed = self
                .consumer
                .committed_offsets(asked, ANSWER)
                .map_err(failed("asking for committed offsets"))?;
            for partition in partitions {
                let start = self.start(*partition, &committed)?;
                list.add_partition_offset(&self.name, *partition, Offset::Offset(start))
                    .map_err(failed("naming offsets"))?;
            }
        }
        self.consumer
            .incremental_assign(&list)
            .map_err(failed("taking partitions over"))?;
        self.unanswered = false;
        Ok(())
    }

    /// Where a partition is read from.
    fn start(&self, partition: i32, committed: &TopicPartitionList) -> Result<i64, EngineError> {
        let had = committed
            .find_partition(&self.name, partition)
            .and_then(|found| found.offset().to_raw())
            .filter(|offset| *offset >= 0);
        let (low, _) = self
            .consumer
            .fetch_watermarks(&self.name, partition, ANSWER)
            .map_err(failed(format!("asking for the ends of {}", self.name)))?;
        // The topic is compacted: what is gone was replaced by a later record, which is still to come.
        Ok(had.map_or(low, |offset| offset.max(low)))
    }

    /// Everything of a partition before `next` is done.
    pub fn commit(&mut self, partition: i32, next: i64) -> Result<(), EngineError> {
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(&self.name, partition, Offset::Offset(next))
            .map_err(failed("naming offsets"))?;
        match self.consumer.commit(&list, CommitMode::Sync) {
            Ok(()) => Ok(()),
            // The group has changed meanwhile, or the broker is away: it is done again, or the next commit says it too.
            Err(KafkaError::ConsumerCommit(code)) if is_passing(code) => {
                tracing::info!(group = self.group, partition, %code, "an offset was not committed; it is done again");
                Ok(())
            }
            Err(error) => Err(failed("committing an offset")(error)),
        }
    }

    /// Gives up the partitions that were revoked, all of them at once: it is the answer that the group waits for.
    pub fn release(&mut self, partitions: &[i32]) -> Result<(), EngineError> {
        let mut list = TopicPartitionList::new();
        for partition in partitions {
            self.held.remove(partition);
            list.add_partition(&self.name, *partition);
        }
        self.consumer
            .incremental_unassign(&list)
            .map_err(failed("giving partitions up"))
    }
}

impl Drop for Share {
    /// Leaves the group at once.
    fn drop(&mut self) {
        let context = self.consumer.context();
        context.close();
        let unanswered = std::iter::from_fn(|| context.next()).any(|change| matches!(change, Change::Assigned(_)));
        // An assignment that nobody answers would keep the client in the group.
        if (self.unanswered || unanswered)
            && let Err(error) = self.consumer.incremental_assign(&TopicPartitionList::new())
        {
            tracing::debug!(%error, "a closing member refuses partitions");
        }
        let_go(&self.consumer);
    }
}

fn is_passing(code: RDKafkaErrorCode) -> bool {
    matches!(
        code,
        RDKafkaErrorCode::RebalanceInProgress
            | RDKafkaErrorCode::UnknownMemberId
            | RDKafkaErrorCode::IllegalGeneration
            | RDKafkaErrorCode::AssignmentLost
            | RDKafkaErrorCode::OperationTimedOut
            | RDKafkaErrorCode::RequestTimedOut
            | RDKafkaErrorCode::AllBrokersDown
            | RDKafkaErrorCode::BrokerTransportFailure
            | RDKafkaErrorCode::NotCoordinator
            | RDKafkaErrorCode::CoordinatorNotAvailable
            | RDKafkaErrorCode::CoordinatorLoadInProgress
    )
}

/// One partition of a topic from its first record to the end that it has now.
pub struct Past {
    consumer: BaseConsumer<Quiet>,
    topic: &'static str,
    framing: Arc<Framing>,
    /// The end is reached.
    over: bool,
}

impl Past {
    /// Begins at the first record.
    pub fn open(
        cluster: &Cluster,
        topic: &'static str,
        partition: i32,
        framing: Arc<Framing>,
    ) -> Result<Self, EngineError> {
        let mut config = cluster.reader("hilo.past");
        config.set("enable.partition.eof", "true");
        let consumer: BaseConsumer<Quiet> = config
            .create_with_context(Quiet::default())
            .map_err(failed("making a consumer"))?;
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(&cluster.name(topic), partition, Offset::Beginning)
            .map_err(failed("naming offsets"))?;
        consumer.assign(&list).map_err(failed("taking partitions"))?;
        Ok(Self {
            consumer,
            topic,
            framing,
            over: false,
        })
    }
}

impl Iterator for Past {
    type Item = Result<Received, EngineError>;

    fn next(&mut self) -> Option<Self::Item> {
        let begun = Instant::now();
        while !self.over {
            match self.consumer.poll(ANSWER.saturating_sub(begun.elapsed())) {
                Some(Ok(message)) => match Received::of(self.topic, &self.framing, &message) {
                    Ok(Some(received)) => return Some(Ok(received)),
                    Ok(None) => {}
                    Err(error) => {
                        self.over = true;
                        return Some(Err(error));
                    }
                },
                Some(Err(KafkaError::PartitionEOF(_))) => self.over = true,
                Some(Err(KafkaError::MessageConsumption(code))) if code != RDKafkaErrorCode::AutoOffsetReset => {
                    tracing::debug!(%code, "the Kafka client waits");
                }
                Some(Err(error)) => {
                    self.over = true;
                    return Some(Err(failed("reading")(error)));
                }
                None => {
                    self.over = true;
                    let problem = format!("the broker gave no record within {} s", ANSWER.as_secs());
                    let topic = self.topic.to_owned();
                    return Some(Err(EngineError::Topic { topic, problem }));
                }
            }
        }
        None
    }
}
