//! What the group says, as events in the lane's loop: a callback only notes it.

use crate::EngineError;
use crate::error::failed;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::topic_partition_list::TopicPartitionListElem;
use rdkafka::types::RDKafkaRespErr;
use rdkafka::{ClientContext, Statistics, TopicPartitionList};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A change of what the group gives to this member.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// More partitions of the topic that the group shares out.
    Assigned(Vec<i32>),
    /// Fewer. `lost`: they may have an owner already, so nothing can be committed for them.
    Revoked { partitions: Vec<i32>, lost: bool },
}

/// What the client knows of a partition that it reads.
pub(crate) struct End {
    /// At the cluster.
    pub(crate) topic: String,
    pub(crate) partition: i32,
    /// Up to here a reader of committed records may see.
    pub(crate) offset: i64,
    /// Everything up to there has been handed over; what is left of the offsets are control records, which nobody sees.
    pub(crate) reached: bool,
}

fn ends(statistics: Statistics) -> Vec<End> {
    let mut ends = Vec::new();
    for (topic, found) in statistics.topics {
        for (partition, found) in found.partitions {
            if found.ls_offset >= 0 {
                ends.push(End {
                    topic: topic.clone(),
                    partition,
                    offset: found.ls_offset,
                    reached: found.next_offset >= found.ls_offset && found.fetchq_cnt == 0,
                });
            }
        }
    }
    ends
}

/// The consumer's callbacks.
pub(crate) struct LaneContext {
    changes: Mutex<VecDeque<Change>>,
    ends: Mutex<Vec<End>>,
    reports: Reports,
    closing: AtomicBool,
}

impl LaneContext {
    pub(crate) fn new() -> Self {
        Self {
            changes: Mutex::default(),
            ends: Mutex::default(),
            reports: Reports::default(),
            closing: AtomicBool::new(false),
        }
    }

    /// The next change, in the order in which they came.
    pub(crate) fn next(&self) -> Option<Change> {
        self.changes.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }

    /// What the client last knew of the ends.
    pub(crate) fn take_ends(&self) -> Vec<End> {
        std::mem::take(&mut *self.ends.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// From now on a revocation is answered at once: nobody reads the events any more.
    pub(crate) fn close(&self) {
        self.closing.store(true, Ordering::Release);
    }
}

impl ClientContext for LaneContext {
    fn stats(&self, statistics: Statistics) {
        *self.ends.lock().unwrap_or_else(PoisonError::into_inner) = ends(statistics);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.reports.report(&error, reason);
    }

    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log(level, facility, message);
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

/// Lets paused partitions go on at these offsets. What was under way before the pause is gone, so all of them must get there:
/// a partition that went on elsewhere would skip records.
pub(crate) fn resume_at(
    consumer: &BaseConsumer<LaneContext>,
    list: TopicPartitionList,
    patience: Duration,
) -> Result<(), EngineError> {
    consumer.resume(&list).map_err(failed("resuming partitions"))?;
    let moved = consumer
        .seek_partitions(list, patience)
        .map_err(failed("resuming partitions"))?;
    for element in moved.elements() {
        element
            .error()
            .map_err(failed(format!("going back in {}", element.topic())))?;
    }
    Ok(())
}

/// Gives all partitions back, and answers what the group asked last.
pub(crate) fn let_go(consumer: &BaseConsumer<LaneContext>) {
    let all = consumer.assignment().unwrap_or_default();
    if let Err(error) = consumer.incremental_unassign(&all) {
        tracing::debug!(%error, "a closing consumer has nothing to let go of");
    }
}

/// Callbacks of consumers without a group.
#[derive(Default)]
pub(crate) struct Quiet {
    reports: Reports,
    /// As of the last statistics, for who asks for them.
    ends: Mutex<Vec<End>>,
}

impl Quiet {
    /// What the last statistics said, once.
    pub(crate) fn take_ends(&self) -> Vec<End> {
        std::mem::take(&mut *self.ends.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl ClientContext for Quiet {
    fn stats(&self, statistics: Statistics) {
        *self.ends.lock().unwrap_or_else(PoisonError::into_inner) = ends(statistics);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        // The end of a partition is told as a result, and is none.
        if !matches!(error, KafkaError::PartitionEOF(_)) && !reason.contains("reached end of partition") {
            self.reports.report(&error, reason);
        }
    }

    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log(level, facility, message);
    }
}

impl ConsumerContext for Quiet {}

/// How often the same trouble is told.
const AGAIN: Duration = Duration::from_secs(10);

/// What a client reports, each kind of trouble once in a while: without a broker it reports thousands a second.
#[derive(Default)]
pub(crate) struct Reports(Mutex<Vec<(Option<RDKafkaErrorCode>, Instant)>>);

impl Reports {
    pub(crate) fn report(&self, error: &KafkaError, reason: &str) {
        let code = error.rdkafka_error_code();
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        told.retain(|(_, at)| at.elapsed() < AGAIN);
        if told.iter().any(|(had, _)| *had == code) {
            return;
        }
        told.push((code, Instant::now()));
        tracing::warn!(%error, reason, "the Kafka client reports");
    }
}

/// The client's own log: what it calls an error is reported as one too, so here it is detail.
pub(crate) fn log(level: RDKafkaLogLevel, facility: &str, message: &str) {
    match level {
        RDKafkaLogLevel::Emerg | RDKafkaLogLevel::Alert | RDKafkaLogLevel::Critical => {
            tracing::error!(facility, message, "the Kafka client");
        }
        _ => tracing::debug!(facility, message, "the Kafka client"),
    }
}
