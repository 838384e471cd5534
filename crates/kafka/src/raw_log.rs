//! The raw topic for whoever receives: a record is safe when the broker says so.

use crate::EngineError;
use crate::cluster::{Cluster, MAX_RECORD_BYTES};
use crate::error::failed;
use crate::framing::{Framing, Times};
use crate::rebalance::{Reports, log};
use hilo_domain::Millis;
use hilo_stream::Record;
use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::DeliveryResult;
use rdkafka::producer::{BaseRecord, NoCustomPartitioner, Producer as _, ProducerContext, ThreadedProducer};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// What became of an append.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivered {
    /// All replicas that must have it have it.
    Safe,
    /// Too much waits already.
    Full,
    /// The broker did not take it in time; it may be there all the same, so it is to be sent again.
    Unavailable(String),
}

type Done = Box<dyn FnOnce(Delivered) + Send>;

/// The records of one append that are not answered yet.
struct Waiting {
    state: Mutex<State>,
}

struct State {
    left: usize,
    outcome: Delivered,
    done: Option<Done>,
}

impl Waiting {
    fn answered(&self, count: usize, outcome: Delivered) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.left = state.left.saturating_sub(count);
        if outcome != Delivered::Safe {
            state.outcome = outcome;
        }
        if state.left == 0
            && let Some(done) = state.done.take()
        {
            let outcome = state.outcome.clone();
            drop(state);
            done(outcome);
        }
    }
}

#[derive(Default)]
struct Receipts {
    reports: Reports,
}

impl ClientContext for Receipts {
    fn error(&self, error: KafkaError, reason: &str) {
        self.reports.report(&error, reason);
    }

    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log(level, facility, message);
    }
}

impl ProducerContext<NoCustomPartitioner> for Receipts {
    type DeliveryOpaque = Arc<Waiting>;

    fn delivery(&self, result: &DeliveryResult<'_>, waiting: Arc<Waiting>) {
        let outcome = match result {
            Ok(_) => Delivered::Safe,
            Err((error, _)) => Delivered::Unavailable(error.to_string()),
        };
        waiting.answered(1, outcome);
    }
}

/// An idempotent producer of the raw topic.
pub struct RawProducer {
    producer: ThreadedProducer<Receipts>,
    name: String,
    framing: Arc<Framing>,
}

impl RawProducer {
    /// A producer that waits `patience` at most for the broker.
    pub fn new(cluster: &Cluster, topic: &str, framing: Arc<Framing>, patience: Duration) -> Result<Self, EngineError> {
        let mut config = cluster.client();
        config.set("message.max.bytes", MAX_RECORD_BYTES.to_string());
        config.set("enable.idempotence", "true");
        config.set("acks", "all");
        config.set("partitioner", "murmur2_random");
        config.set("compression.type", "lz4");
        config.set("linger.ms", "2");
        config.set("message.timeout.ms", patience.as_millis().to_string());
        config.set("queue.buffering.max.kbytes", "131072");
        let producer = config
            .create_with_context(Receipts::default())
            .map_err(failed("making a producer"))?;
        Ok(Self {
            producer,
            name: cluster.name(topic),
            framing,
        })
    }

    /// Appends `records`, received at `receipt` (0: by nobody), and traced under `trace` unless that is empty; calls `done` once the broker has answered for all of
    /// them. Never blocks. When some could not be kept the caller sends all again: what is there twice is a duplicate.
    pub fn append(
        &self,
        records: Vec<Record>,
        receipt: Millis,
        trace: &str,
        done: impl FnOnce(Delivered) + Send + 'static,
    ) {
        let count = records.len();
        let waiting = Arc::new(Waiting {
            state: Mutex::new(State {
                left: count + 1,
                outcome: Delivered::Safe,
                done: Some(Box::new(done)),
            }),
        });
        for (sent, record) in records.into_iter().enumerate() {
            let value = self.framing.wrap(record.topic, record.value);
            let times = Times {
                event: record.timestamp,
                receipt,
            };
            let message = BaseRecord::<[u8], [u8], Arc<Waiting>> {
                topic: &self.name,
                partition: None,
                payload: Some(&value),
                key: Some(&record.key),
                timestamp: None,
                headers: Some(times.headers(trace.as_bytes())),
                delivery_opaque: Arc::clone(&waiting),
            };
            if let Err((error, _)) = self.producer.send(message) {
                let outcome = match error {
                    KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull) => Delivered::Full,
                    error => Delivered::Unavailable(error.to_string()),
                };
                // This one and those behind it get no report.
                waiting.answered(count - sent, outcome);
                break;
            }
        }
        waiting.answered(1, Delivered::Safe);
    }

    /// Waits until everything is answered.
    pub fn finish(&self, patience: Duration) -> Result<(), EngineError> {
        self.producer.flush(patience).map_err(failed("sending the rest"))
    }
}
