//! The raw topic behind the gateway, and the clock that enters it.

use crate::captures;
use anyhow::{Context as _, Result};
use hilo_contracts::{
    capture,
    codec::{self, Codec as _},
    topics,
};
use hilo_domain::Millis;
use hilo_gateway::{DurableLog, LogError};
use hilo_kafka::{Cluster, Delivered, EngineError, Framing, RawProducer};
use hilo_stream::Record;
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};
use tokio::sync::oneshot;

/// Less than the gateway waits itself, so that it knows why.
const PATIENCE: Duration = Duration::from_secs(7);

/// One delivery in so many is traced: each processor logs it with its id.
const TRACED: u64 = 1_000;

/// A producer of the raw topic as the gateway's log.
#[derive(Clone)]
pub(crate) struct KafkaLog {
    producer: Arc<RawProducer>,
    received: Arc<AtomicU64>,
}

impl KafkaLog {
    pub(crate) fn new(cluster: &Cluster, framing: &Arc<Framing>) -> Result<Self, EngineError> {
        let producer = RawProducer::new(cluster, topics::RAW, Arc::clone(framing), PATIENCE)?;
        Ok(Self {
            producer: Arc::new(producer),
            received: Arc::default(),
        })
    }

    /// The id under which `records` are traced; empty for most.
    fn trace(&self, records: &[Record]) -> String {
        if !self.received.fetch_add(1, Ordering::Relaxed).is_multiple_of(TRACED) {
            return String::new();
        }
        let first = records
            .first()
            .and_then(|record| codec::raw().decode(&record.value).ok());
        let id = first.map(|raw| raw.delivery_id).unwrap_or_default();
        tracing::info!(delivery = id, "a traced delivery is received");
        id
    }

    /// Puts a clock record into the raw topic.
    pub(crate) fn tick(&self, now: Millis) -> Result<()> {
        let line = format!(r#"{{"source":"clock","at":"{}"}}"#, hilo_domain::time::to_rfc3339(now));
        let raw = capture::from_line(line.as_bytes(), None, 0).context("a clock line is no capture line")?;
        let record = captures::record(&codec::raw(), &raw)?;
        // Nobody waits for it: the next one is a second away.
        self.producer.append(vec![record], now, "", |outcome| {
            if outcome != Delivered::Safe {
                tracing::warn!(?outcome, "the time could not be put into the raw topic");
            }
        });
        Ok(())
    }

    pub(crate) fn finish(&self) -> Result<(), EngineError> {
        self.producer.finish(PATIENCE)
    }
}

/// Puts the time into the raw topic once a second.
pub(crate) async fn tick(log: KafkaLog) {
    let mut each = tokio::time::interval(Duration::from_secs(1));
    loop {
        each.tick().await;
        if let Err(error) = log.tick(wall_clock()) {
            tracing::warn!(%error, "the time cannot be put into the raw topic");
        }
    }
}

pub(crate) fn wall_clock() -> Millis {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| since.as_millis() as Millis)
}

impl DurableLog for KafkaLog {
    async fn append(&self, records: Vec<Record>) -> Result<(), LogError> {
        let (sender, receiver) = oneshot::channel();
        let trace = self.trace(&records);
        self.producer.append(records, wall_clock(), &trace, move |outcome| {
            // Nobody listens any more when the request ran out of time.
            drop(sender.send(outcome));
        });
        match receiver.await {
            Ok(Delivered::Safe) => Ok(()),
            Ok(Delivered::Full) => Err(LogError::Full),
            Ok(Delivered::Unavailable(reason)) => Err(LogError::Unavailable(reason)),
            Err(_) => Err(LogError::Unavailable("its producer ended".to_owned())),
        }
    }
}
