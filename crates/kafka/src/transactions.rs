//! The producer of a lane: what it sends becomes true with the offsets of its input, or not at all.

use crate::EngineError;
use crate::cluster::Cluster;
use crate::error::{code, failed};
use crate::rebalance::{Reports, log};
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::ConsumerGroupMetadata;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Message as _, OwnedHeaders};
use rdkafka::producer::{BaseRecord, NoCustomPartitioner, Producer, ProducerContext, ThreadedProducer};
use rdkafka::{ClientContext, TopicPartitionList};
use rustc_hash::FxHashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Requests in a row to send everything now: a thread of the client needs some of them to wake up.
const AT_ONCE: u32 = 40;
/// How often it is then looked whether everything is sent.
const GLANCE: Duration = Duration::from_millis(1);

/// What a record is for, as its delivery report carries it.
#[derive(Clone, Copy)]
pub(crate) enum Purpose {
    Output,
    /// A change of state: its offset is where the local copy will stand.
    Changelog,
}

/// Last offset of each partition of the changelog in the open transaction.
#[derive(Default)]
struct Deliveries {
    reports: Reports,
    changelog: Mutex<FxHashMap<i32, i64>>,
}

impl ClientContext for Deliveries {
    fn error(&self, error: KafkaError, reason: &str) {
        self.reports.report(&error, reason);
    }

    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log(level, facility, message);
    }
}

impl ProducerContext<NoCustomPartitioner> for Deliveries {
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, purpose: usize) {
        // A failed delivery makes the commit fail; there is nothing to note.
        if let (Ok(message), 1) = (result, purpose) {
            let mut offsets = self.changelog.lock().unwrap_or_else(PoisonError::into_inner);
            let last = offsets.entry(message.partition()).or_default();
            *last = (*last).max(message.offset());
        }
    }
}

/// Why a transaction did not commit.
pub(crate) enum NotCommitted {
    /// It can be aborted and tried again. `reason`: `fenced` where the group has gone on without this member, which
    /// learns by its next poll whether it still owns its partitions; else `commit`.
    Abort { error: KafkaError, reason: &'static str },
    /// The lane has to start anew.
    Restart(EngineError),
}

/// One record to send.
pub(crate) struct Outgoing<'a> {
    pub(crate) topic: &'a str,
    pub(crate) partition: Option<i32>,
    pub(crate) key: &'a [u8],
    pub(crate) value: Option<&'a [u8]>,
    pub(crate) headers: Option<OwnedHeaders>,
    pub(crate) purpose: Purpose,
}

pub(crate) struct Transactions {
    producer: ThreadedProducer<Deliveries>,
    timeout: Duration,
    open: bool,
}

impl Transactions {
    /// A producer with this transactional id; whoever had it before is fenced, and what they left open is aborted.
    pub(crate) fn start(cluster: &Cluster, id: &str, timeout: Duration) -> Result<Self, EngineError> {
        let mut config = cluster.client();
        config.set("transactional.id", cluster.name(id));
        config.set("transaction.timeout.ms", timeout.as_millis().to_string());
        // Analysts' Java and Flink jobs find a key where we put it.
        config.set("partitioner", "murmur2_random");
        config.set("compression.type", "lz4");
        // Where five batches of a partition are under way and more are due, the client polls without a pause until the broker
        // has answered, and keeps the processor from it: so they are few, one for each 30 ms or each 2 MB.
        config.set("linger.ms", "30");
        config.set("batch.size", "2097152");
        config.set("queue.buffering.max.messages", "500000");
        config.set("queue.buffering.max.kbytes", "131072");
        let producer: ThreadedProducer<Deliveries> = config
            .create_with_context(Deliveries::default())
            .map_err(failed("making a producer"))?;
        let begun = Instant::now();
        loop {
            match producer.init_transactions(timeout) {
                Ok(()) => break,
                Err(KafkaError::Transaction(error)) if error.is_retriable() && begun.elapsed() < 2 * timeout => {}
                Err(error) => return Err(unable("taking the place of a lane", error)),
            }
        }
        Ok(Self {
            producer,
            timeout,
            open: false,
        })
    }

    pub(crate) fn is_open(&self) -> bool {
        self.open
    }

    /// Begins a transaction unless one is open.
    pub(crate) fn begin(&mut self) -> Result<(), EngineError> {
        if !self.open {
            self.producer
                .begin_transaction()
                .map_err(|error| unable("beginning a transaction", error))?;
            self.open = true;
        }
        Ok(())
    }

    /// Hands a record to the client, which sends it in the background. A full queue holds the caller back.
    pub(crate) fn send(&self, outgoing: Outgoing) -> Result<(), KafkaError> {
        let mut record = BaseRecord::<[u8], [u8], usize> {
            topic: outgoing.topic,
            partition: outgoing.partition,
            payload: outgoing.value,
            key: Some(outgoing.key),
            timestamp: None,
            headers: outgoing.headers,
            delivery_opaque: outgoing.purpose as usize,
        };
        let begun = Instant::now();
        loop {
            match self.producer.send(record) {
                Ok(()) => return Ok(()),
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back))
                    if begun.elapsed() < self.timeout =>
                {
                    record = back;
                    std::thread::sleep(Duration::from_millis(1));
                }
                Err((error, _)) => return Err(error),
            }
        }
    }

    /// Sends the rest, and makes it true together with `offsets`. Gives the last offset of each partition of the
    /// changelog.
    pub(crate) fn commit(
        &mut self,
        offsets: &TopicPartitionList,
        group: &ConsumerGroupMetadata,
        mut at: impl FnMut(Step),
    ) -> Result<FxHashMap<i32, i64>, NotCommitted> {
        self.retrying("adding offsets to a transaction", |producer, timeout| {
            producer.send_offsets_to_transaction(offsets, group, timeout)
        })?;
        at(Step::OffsetsSent);
        self.flush().map_err(|error| verdict(error, "sending a batch"))?;
        at(Step::Flushed);
        match self.retrying("committing", Producer::commit_transaction) {
            Ok(()) => {}
            Err(NotCommitted::Restart(EngineError::Client { source, .. })) => {
                return Err(NotCommitted::Restart(EngineError::Indeterminate { source }));
            }
            Err(other) => return Err(other),
        }
        self.open = false;
        at(Step::Committed);
        let context = self.producer.context();
        Ok(std::mem::take(
            &mut *context.changelog.lock().unwrap_or_else(PoisonError::into_inner),
        ))
    }

    /// Gives up what was sent since the last commit.
    pub(crate) fn abort(&mut self) -> Result<(), EngineError> {
        if !self.open {
            return Ok(());
        }
        // Aborting with reports outstanding times out, and after a purge before the partitions are registered it is
        // fatal: so everything is sent first.
        if let Err(error) = self.flush() {
            tracing::debug!(%error, "a transaction that is given up was not sent whole");
        }
        match self.retrying("aborting", Producer::abort_transaction) {
            Ok(()) => {}
            Err(NotCommitted::Restart(error)) => return Err(error),
            Err(NotCommitted::Abort { error, .. }) => return Err(unable("aborting", error)),
        }
        self.open = false;
        let context = self.producer.context();
        context.changelog.lock().unwrap_or_else(PoisonError::into_inner).clear();
        Ok(())
    }

    /// Waits until everything sent has its report, which the polling thread takes.
    ///
    /// The client's own way, which its commit takes too, tells its threads for an instant not to wait for more, then polls
    /// for 100 ms whatever comes. So it is given no time, and asked so often that they hear it.
    fn flush(&self) -> Result<(), KafkaError> {
        let begun = Instant::now();
        let mut asked = 0;
        loop {
            match self.producer.flush(Duration::ZERO) {
                Err(KafkaError::Flush(RDKafkaErrorCode::OperationTimedOut)) if begun.elapsed() < self.timeout => {}
                result => return result,
            }
            asked += 1;
            if asked > AT_ONCE {
                std::thread::sleep(GLANCE);
            }
        }
    }

    fn retrying(
        &self,
        doing: &'static str,
        call: impl Fn(&ThreadedProducer<Deliveries>, Duration) -> Result<(), KafkaError>,
    ) -> Result<(), NotCommitted> {
        let begun = Instant::now();
        loop {
            match call(&self.producer, self.timeout) {
                Ok(()) => return Ok(()),
                Err(KafkaError::Transaction(error)) if error.is_retriable() && begun.elapsed() < 2 * self.timeout => {
                    tracing::debug!(%error, doing, "a step of a transaction is tried again");
                }
                Err(error) => return Err(verdict(error, doing)),
            }
        }
    }
}

/// Numbered steps of a commit, for tests that crash at each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// A record was processed and its outputs handed to the client.
    Processed,
    /// Changes of state were handed to the client.
    Drained,
    /// The offsets are part of the transaction; the last records may still be under way.
    OffsetsSent,
    /// Everything is at the broker.
    Flushed,
    /// The transaction is committed; the local copy of the state is behind.
    Committed,
    /// The local copy has it too.
    Applied,
}

impl Step {
    /// All, in order.
    pub const ALL: [Self; 6] = [
        Self::Processed,
        Self::Drained,
        Self::OffsetsSent,
        Self::Flushed,
        Self::Committed,
        Self::Applied,
    ];
}

fn is_fenced(code: RDKafkaErrorCode) -> bool {
    matches!(
        code,
        RDKafkaErrorCode::ProducerFenced
            | RDKafkaErrorCode::InvalidProducerEpoch
            | RDKafkaErrorCode::Fenced
            | RDKafkaErrorCode::FencedInstanceId
            | RDKafkaErrorCode::IllegalGeneration
            | RDKafkaErrorCode::UnknownMemberId
    )
}

fn verdict(error: KafkaError, doing: &'static str) -> NotCommitted {
    let KafkaError::Transaction(inner) = &error else {
        // A flush that timed out, or an error that the client does not classify.
        return NotCommitted::Restart(unable(doing, error));
    };
    if inner.txn_requires_abort() && !inner.is_fatal() {
        let reason = if is_fenced(inner.code()) { "fenced" } else { "commit" };
        return NotCommitted::Abort { error, reason };
    }
    NotCommitted::Restart(unable(doing, error))
}

fn unable(doing: &str, source: KafkaError) -> EngineError {
    if code(&source).is_some_and(is_fenced) {
        return EngineError::Fenced {
            doing: doing.to_owned(),
        };
    }
    failed(doing)(source)
}
