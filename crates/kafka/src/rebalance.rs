//! What the group says, as events in the lane's loop: a callback only notes it.

use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext};
use rdkafka::error::KafkaError;
use rdkafka::topic_partition_list::TopicPartitionListElem;
use rdkafka::types::RDKafkaRespErr;
use rdkafka::{ClientContext, Statistics, TopicPartitionList};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

/// A change of what the group gives to this member.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// More partitions of the topic that the group shares out.
    Assigned(Vec<i32>),
    /// Fewer. `lost`: they may have an owner already, so nothing can be committed for them.
    Revoked { partitions: Vec<i32>, lost: bool },
}

/// Ends of partitions by (topic at the cluster, partition): the last offset that a reader of committed records may see.
pub(crate) type Ends = Vec<(String, i32, i64)>;

/// The consumer's callbacks.
pub(crate) struct LaneContext {
    changes: Mutex<VecDeque<Change>>,
    ends: Mutex<Ends>,
    closing: AtomicBool,
}

impl LaneContext {
    pub(crate) fn new() -> Self {
        Self {
            changes: Mutex::default(),
            ends: Mutex::default(),
            closing: AtomicBool::new(false),
        }
    }

    /// The next change, in the order in which they came.
    pub(crate) fn next(&self) -> Option<Change> {
        self.changes.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }

    /// What the client last knew of the ends.
    pub(crate) fn take_ends(&self) -> Ends {
        std::mem::take(&mut *self.ends.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// From now on a revocation is answered at once: nobody reads the events any more.
    pub(crate) fn close(&self) {
        self.closing.store(true, Ordering::Release);
    }
}

impl ClientContext for LaneContext {
    fn stats(&self, statistics: Statistics) {
        let mut ends = Ends::new();
        for (topic, found) in statistics.topics {
            for (partition, found) in found.partitions {
                if found.ls_offset >= 0 {
                    ends.push((topic.clone(), partition, found.ls_offset));
                }
            }
        }
        *self.ends.lock().unwrap_or_else(PoisonError::into_inner) = ends;
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::warn!(%error, reason, "the Kafka client reports");
    }
}

impl ConsumerContext for LaneContext {
    fn rebalance(&self, consumer: &BaseConsumer<Self>, what: RDKafkaRespErr, list: &mut TopicPartitionList) {
        if self.closing.load(Ordering::Acquire) {
            let_go(consumer);
            return;
        }
        let partitions = list.elements().iter().map(TopicPartitionListElem::partition).collect();
        let change = if what == RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS {
            Change::Assigned(partitions)
        } else {
            Change::Revoked {
                partitions,
                lost: consumer.assignment_lost(),
            }
        };
        self.changes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push_back(change);
    }
}

/// Gives all partitions back, and answers what the group asked last.
pub(crate) fn let_go(consumer: &BaseConsumer<LaneContext>) {
    let all = consumer.assignment().unwrap_or_default();
    if let Err(error) = consumer.incremental_unassign(&all) {
        tracing::debug!(%error, "a closing consumer has nothing to let go of");
    }
}

/// Callbacks of consumers without a group.
pub(crate) struct Quiet;

impl ClientContext for Quiet {
    fn error(&self, error: KafkaError, reason: &str) {
        // The end of a partition is told as a result, and is none.
        if !matches!(error, KafkaError::PartitionEOF(_)) {
            tracing::warn!(%error, reason, "the Kafka client reports");
        }
    }
}

impl ConsumerContext for Quiet {}
