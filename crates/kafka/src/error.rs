//! What can go wrong with a cluster, and what to do.

use hilo_stream::{ProcessorError, TaskStateError, TopologyError};
use rdkafka::error::KafkaError;

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

/// Names what was being done when the client failed.
pub(crate) fn failed(doing: impl Into<String>) -> impl FnOnce(KafkaError) -> EngineError {
    move |source| EngineError::Client {
        doing: doing.into(),
        source,
    }
}
