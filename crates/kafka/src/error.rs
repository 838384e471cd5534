//! What can go wrong with a cluster, and what to do.

use hilo_stream::{ProcessorError, StoreError, TaskStateError, TopologyError, wire};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

/// A failure of the Kafka engine.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The client refused or failed.
    #[error("Kafka: {doing}: {source}")]
    Client {
        /// What was being done.
        doing: String,
        /// What the client says.
        #[source]
        source: KafkaError,
    },
    /// The broker refuses what is configured, today and tomorrow.
    #[error("Kafka: {doing}: {source}; {advice}")]
    Configuration {
        /// What was being done.
        doing: String,
        /// What the client says.
        #[source]
        source: KafkaError,
        /// Which key of the configuration or which right mends it.
        advice: &'static str,
    },
    /// The cluster does not let this client in, or is none that speaks with it.
    #[error(
        "Kafka: {servers} refuses this client: {reason}; look at security_protocol, ca_file, sasl_mechanism, username and \
         password under [kafka]"
    )]
    Refused {
        /// Addresses.
        servers: String,
        /// What the client says.
        reason: String,
    },
    /// No broker answers.
    #[error("Kafka: {servers} does not answer: {reason}")]
    Silent {
        /// Addresses.
        servers: String,
        /// What the client says.
        reason: String,
    },
    /// Another process took this one's place: it has a newer generation or the same transactional id.
    #[error(
        "Kafka: {doing}: this process was fenced by another one with the same place; it starts again from what is committed"
    )]
    Fenced {
        /// What was being done.
        doing: String,
    },
    /// A commit ended without an answer: it may have happened. Only a new start can tell.
    #[error("Kafka: the outcome of a commit is unknown ({source}); the lane starts again and reads what is committed")]
    Indeterminate {
        /// What the client says.
        #[source]
        source: KafkaError,
    },
    /// A topic is not as it must be.
    #[error("topic {topic}: {problem}; run `hilo topics apply`, or mend it by hand")]
    Topic {
        /// Name at the cluster.
        topic: String,
        /// What is wrong.
        problem: String,
    },
    /// Records went by retention before they were processed.
    #[error(
        "topic {topic}, partition {partition}: records from {committed} up to {low} were deleted before {group} processed \
         them; nothing is skipped silently: raise the retention, then set the group's offset by hand to accept the loss"
    )]
    Lost {
        /// Name at the cluster.
        topic: String,
        /// Partition.
        partition: i32,
        /// Committed offset.
        committed: i64,
        /// First offset that is there.
        low: i64,
        /// Consumer group.
        group: String,
    },
    /// State without offsets: the group's offsets expired or were deleted.
    #[error(
        "{group}, partition {partition}: there is state and no committed offset, so records would count twice: restore the \
         group's offsets, or delete its topics with {changelog} and start from the raw topic"
    )]
    StateWithoutOffsets {
        /// Consumer group.
        group: String,
        /// Partition.
        partition: i32,
        /// Name of the changelog.
        changelog: String,
    },
    /// An entry of the changelog that no processor can read: of another release, or written by something else.
    #[error(
        "{source}: {changelog} holds an entry that is no state of this release, and what cannot be trusted is not worked \
         with. After an upgrade, follow its notes. Else something else writes to that topic: allow only Hilo to, put the entry \
         right with a record of the same key, and remove this role's folder `state`"
    )]
    Untrusted {
        /// The topic at the cluster.
        changelog: String,
        /// What the store says.
        #[source]
        source: StoreError,
    },
    /// State of another release.
    #[error(
        "{changelog}, partition {partition} holds state of version {found}, and this release has version {}: {}",
        wire::VERSION, other_release(*found)
    )]
    OtherState {
        /// The topic at the cluster.
        changelog: String,
        /// Partition.
        partition: i32,
        /// Version found.
        found: u8,
    },
    /// Local state.
    #[error(transparent)]
    State(#[from] TaskStateError),
    /// A processor.
    #[error(transparent)]
    Processor(#[from] ProcessorError),
    /// The topology.
    #[error(transparent)]
    Topology(#[from] TopologyError),
    /// A registry that does not answer, or answers something else.
    #[error("schema registry {url}: {problem}")]
    Registry {
        /// Its address, without credentials.
        url: String,
        /// What is wrong and what to do.
        problem: String,
    },
    /// A registry that does not answer, or not now.
    #[error("schema registry {url}: it does not answer ({problem})")]
    RegistrySilent {
        /// Its address, without credentials.
        url: String,
        /// What the client says.
        problem: String,
    },
    /// A record that cannot be read yet: a later release wrote it, or the registry does not answer about its schema id.
    #[error("{topic}, partition {partition}, offset {offset} waits: {problem}")]
    Waits {
        /// Name at the cluster.
        topic: String,
        /// Partition.
        partition: i32,
        /// Offset.
        offset: i64,
        /// Why, and what to do.
        problem: String,
    },
    /// A thread or a folder could not be made.
    #[error("{doing}: {source}")]
    Io {
        /// What was being done.
        doing: String,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
}

/// What to do about state of another release.
fn other_release(found: u8) -> &'static str {
    if found > wire::VERSION {
        "a later release wrote it; run that release"
    } else {
        "nothing was changed. Run the release that wrote it, or follow \"A raised version of state\" in crates/kafka/README.md: \
         a new kafka.topic_prefix, and hilo.raw copied into it"
    }
}

impl EngineError {
    /// Whether a new start may help by itself.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Client { .. }
                | Self::Fenced { .. }
                | Self::Indeterminate { .. }
                | Self::State(_)
                | Self::Processor(_)
        )
    }
}

impl EngineError {
    /// Whether the configuration, or a right at the broker, has to change before a new start can help.
    #[must_use]
    pub fn is_configuration(&self) -> bool {
        matches!(self, Self::Configuration { .. } | Self::Refused { .. })
    }

    /// Whether the cluster or the registry did not answer: it may later, so a start waits for it.
    #[must_use]
    pub fn is_silence(&self) -> bool {
        matches!(self, Self::Silent { .. } | Self::RegistrySilent { .. })
    }
}

/// Names what was being done when the client failed.
pub(crate) fn failed(doing: impl Into<String>) -> impl FnOnce(KafkaError) -> EngineError {
    move |source| {
        let doing = doing.into();
        match advice(&source) {
            Some(advice) => EngineError::Configuration { doing, source, advice },
            None => EngineError::Client { doing, source },
        }
    }
}

/// The code of an error, wherever the client keeps it.
pub(crate) fn code(error: &KafkaError) -> Option<RDKafkaErrorCode> {
    match error {
        KafkaError::Transaction(error) => Some(error.code()),
        other => other.rdkafka_error_code(),
    }
}

/// What to change, where the broker or the client refuses the configuration itself. Trying again is of no use then.
fn advice(error: &KafkaError) -> Option<&'static str> {
    if let KafkaError::ClientConfig(..) | KafkaError::ClientCreation(_) = error {
        return Some("look at the keys under [kafka]: files that are not there, or certificates that are none");
    }
    Some(match code(error)? {
        RDKafkaErrorCode::InvalidSessionTimeout => {
            "kafka.session_timeout_ms is outside of what the broker allows (its group.min.session.timeout.ms and \
             group.max.session.timeout.ms)"
        }
        RDKafkaErrorCode::InvalidTransactionTimeout => {
            "kafka.transaction_timeout_ms is greater than the broker allows (its transaction.max.timeout.ms)"
        }
        RDKafkaErrorCode::Authentication | RDKafkaErrorCode::SaslAuthenticationFailed => {
            "look at kafka.sasl_mechanism, kafka.username and kafka.password"
        }
        RDKafkaErrorCode::UnsupportedSASLMechanism => "the broker does not offer kafka.sasl_mechanism",
        RDKafkaErrorCode::SSL => "look at kafka.ca_file, kafka.certificate_file and kafka.key_file",
        RDKafkaErrorCode::TopicAuthorizationFailed => {
            "kafka.username lacks a right on a topic: it needs READ on what a role reads, WRITE on what it writes, and both on \
             its changelog and on hilo.time"
        }
        RDKafkaErrorCode::GroupAuthorizationFailed => {
            "kafka.username lacks the right READ on the group (kafka.topic_prefix followed by hilo.PROCESSOR)"
        }
        RDKafkaErrorCode::TransactionalIdAuthorizationFailed => {
            "kafka.username lacks the right WRITE on transactional ids that begin with kafka.topic_prefix followed by hilo."
        }
        RDKafkaErrorCode::ClusterAuthorizationFailed => "kafka.username lacks a right on the cluster",
        RDKafkaErrorCode::UnsupportedVersion
        | RDKafkaErrorCode::UnsupportedFeature
        | RDKafkaErrorCode::UnsupportedForMessageFormat => {
            "the brokers of kafka.bootstrap_servers are older than this client: they must be Apache Kafka 2.5 or newer"
        }
        RDKafkaErrorCode::InvalidGroupId | RDKafkaErrorCode::InvalidTopic => {
            "kafka.topic_prefix makes names that the broker refuses"
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waiting_cannot_mend_names_its_key() {
        for (code, key) in [
            (RDKafkaErrorCode::InvalidSessionTimeout, "kafka.session_timeout_ms"),
            (
                RDKafkaErrorCode::InvalidTransactionTimeout,
                "kafka.transaction_timeout_ms",
            ),
            (RDKafkaErrorCode::UnsupportedSASLMechanism, "kafka.sasl_mechanism"),
            (RDKafkaErrorCode::TopicAuthorizationFailed, "kafka.username"),
            (RDKafkaErrorCode::GroupAuthorizationFailed, "kafka.username"),
            (RDKafkaErrorCode::UnsupportedVersion, "kafka.bootstrap_servers"),
        ] {
            let error = failed("consuming")(KafkaError::MessageConsumption(code));
            assert!(error.is_configuration() && !error.is_transient(), "{error:?}");
            assert!(error.to_string().contains(key), "{error}");
        }
        for code in [
            RDKafkaErrorCode::AllBrokersDown,
            RDKafkaErrorCode::NotCoordinator,
            RDKafkaErrorCode::RequestTimedOut,
            RDKafkaErrorCode::NotEnoughReplicas,
        ] {
            let error = failed("consuming")(KafkaError::MessageConsumption(code));
            assert!(error.is_transient() && !error.is_configuration(), "{error:?}");
        }
    }
}
