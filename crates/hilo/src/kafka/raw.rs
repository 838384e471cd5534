//! The raw topic behind the gateway, and the clock that enters it.

use crate::captures;
use anyhow::{Context as _, Result};
use hilo_contracts::{capture, codec, topics};
use hilo_domain::Millis;
use hilo_gateway::{DurableLog, LogError};
use hilo_kafka::{Cluster, Delivered, EngineError, Framing, RawProducer};
use hilo_stream::Record;
use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};
use tokio::sync::oneshot;

/// Less than the gateway waits itself, so that it knows why.
const PATIENCE: Duration = Duration::from_secs(7);

/// A producer of the raw topic as the gateway's log.
#[derive(Clone)]
pub(crate) struct KafkaLog(Arc<RawProducer>);

impl KafkaLog {
    pub(crate) fn new(cluster: &Cluster, framing: &Arc<Framing>) -> Result<Self, EngineError> {
        let producer = RawProducer::new(cluster, topics::RAW, Arc::clone(framing), PATIENCE)?;
        Ok(Self(Arc::new(producer)))
    }

    /// Puts a clock record into the raw topic.
    pub(crate) fn tick(&self, now: Millis) -> Result<()> {
        let line = format!(r#"{{"source":"clock","at":"{}"}}"#, hilo_domain::time::to_rfc3339(now));
        let raw = capture::from_line(line.as_bytes(), None, 0).context("a clock line is no capture line")?;
        let record = captures::record(&codec::raw(), &raw)?;
        // Nobody waits for it: the next one is a second away.
        self.0.append(vec![record], now, |outcome| {
            if outcome != Delivered::Safe {
                tracing::warn!(?outcome, "the time could not be put into the raw topic");
            }
        });
        Ok(())
    }

    pub(crate) fn finish(&self) -> Result<(), EngineError> {
        self.0.finish(PATIENCE)
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
        self.0.append(records, wall_clock(), move |outcome| {
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
