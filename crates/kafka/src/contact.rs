//! The first question to a cluster: whoever is refused learns it at once, and why.

use crate::EngineError;
use crate::cluster::Cluster;
use crate::error::failed;
use crate::rebalance::log;
use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::metadata::Metadata;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long one attempt takes before its errors are looked at.
const ATTEMPT: Duration = Duration::from_millis(500);
/// How long complaints are waited for after an attempt.
const GLANCE: Duration = Duration::from_millis(20);

/// The last thing that the client complained of, and whether waiting is of no use.
#[derive(Default)]
struct Complaint(Mutex<Option<(bool, String)>>);

impl ClientContext for Complaint {
    fn error(&self, error: KafkaError, reason: &str) {
        let code = error.rdkafka_error_code();
        // With `AllBrokersDown` the client only repeats what it said of each of them.
        if code == Some(RDKafkaErrorCode::AllBrokersDown) {
            return;
        }
        let is_final = matches!(
            code,
            Some(RDKafkaErrorCode::Authentication | RDKafkaErrorCode::SSL | RDKafkaErrorCode::SaslAuthenticationFailed)
        );
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if last.as_ref().is_none_or(|(was_final, _)| !was_final) {
            *last = Some((is_final, reason.to_owned()));
        }
    }

    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log(level, facility, message);
    }
}

impl ConsumerContext for Complaint {}

/// What there is at the cluster. The client itself would try a wrong password again until `patience` is over, and then
/// not say what was wrong.
pub(crate) fn metadata(cluster: &Cluster, patience: Duration) -> Result<Metadata, EngineError> {
    let doing = || format!("asking {} for its topics", cluster.bootstrap_servers);
    let consumer: BaseConsumer<Complaint> = cluster
        .reader("hilo.topics")
        .create_with_context(Complaint::default())
        .map_err(failed(doing()))?;
    let servers = || cluster.bootstrap_servers.clone();
    let begun = Instant::now();
    loop {
        let error = match consumer.fetch_metadata(None, ATTEMPT) {
            Ok(metadata) => return Ok(metadata),
            Err(error) => error,
        };
        // Complaints wait to be fetched, between other events that end a poll without patience.
        while consumer.poll(GLANCE).is_some() {}
        let complaint = consumer
            .context()
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        match complaint {
            Some((true, reason)) => {
                return Err(EngineError::Refused {
                    servers: servers(),
                    reason,
                });
            }
            Some((false, reason)) if begun.elapsed() >= patience => {
                return Err(EngineError::Silent {
                    servers: servers(),
                    reason,
                });
            }
            // Kept for the end.
            Some(other) => *consumer.context().0.lock().unwrap_or_else(PoisonError::into_inner) = Some(other),
            None if begun.elapsed() >= patience => return Err(failed(doing())(error)),
            None => {}
        }
    }
}
