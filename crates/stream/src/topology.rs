//! The topology: a value that names processors, topics, keys and stores, and can be checked, listed and drawn.

use crate::Processor;
use std::sync::Arc;

/// What a topic is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TopicKind {
    /// Input of the whole: bytes as they came.
    Raw,
    /// Facts that others read; has an Avro contract.
    Derived,
    /// Between two processors of one release; no contract. The embedded engine does not keep it.
    Internal,
}

/// A topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicSpec {
    /// Name without the configured prefix, for example `hilo.status`.
    pub name: &'static str,
    /// What it is for.
    pub kind: TopicKind,
    /// What the key is, in words.
    pub key: &'static str,
    /// Subject under `schemas/`; `None` for internal topics.
    pub schema: Option<&'static str>,
    /// How long it is kept, in words, with the reason.
    pub kept: &'static str,
    /// What it holds, one sentence.
    pub doc: &'static str,
}

/// A store of a processor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreSpec {
    /// Name, unique within the processor.
    pub name: &'static str,
    /// Key and value in words, and what bounds it.
    pub doc: &'static str,
}

/// Which partitions of its inputs one instance of a processor reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// One partition of each input; the inputs are keyed alike, so that one partition holds all of a key.
    Keyed,
    /// All partitions of all inputs, whatever their keys: a small aggregate over everything.
    Global,
}

/// Makes a processor for one partition.
pub type Factory = Arc<dyn Fn() -> Box<dyn Processor> + Send + Sync>;

/// A processor in the topology.
#[derive(Clone)]
pub struct ProcessorSpec {
    /// Name: also the role of `hilo run` and the consumer group.
    pub name: &'static str,
    /// What it does, one sentence.
    pub doc: &'static str,
    /// Which partitions of its inputs one instance reads.
    pub scope: Scope,
    /// Topics that it reads.
    pub inputs: Vec<&'static str>,
    /// Topics that it writes and owns.
    pub outputs: Vec<TopicSpec>,
    /// Topics that it writes too and that another processor owns.
    pub also_writes: Vec<&'static str>,
    /// Stores that it owns.
    pub stores: Vec<StoreSpec>,
    /// Makes one for a partition.
    pub factory: Factory,
}

/// A topology that cannot run.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum TopologyError {
    /// Two processors of one name.
    #[error("two processors are named {0}: names are consumer groups and must differ")]
    DuplicateProcessor(&'static str),
    /// A topic is declared twice with different properties.
    #[error("topic {0} is declared twice with different properties")]
    ConflictingTopic(&'static str),
    /// An input that nobody declares.
    #[error("processor {processor} reads {topic}, which no processor writes and which is no raw topic")]
    UnknownInput {
        /// The reader.
        processor: &'static str,
        /// The topic.
        topic: &'static str,
    },
    /// A topic that is written without an owner.
    #[error("processor {processor} also writes {topic}, which no processor owns")]
    UnknownOutput {
        /// The writer.
        processor: &'static str,
        /// The topic.
        topic: &'static str,
    },
    /// Inputs with different keys are not co-partitioned.
    #[error("processor {processor} reads topics with different keys ({first} and {second}): repartition one of them")]
    NotCoPartitioned {
        /// The reader.
        processor: &'static str,
        /// Key of the first input.
        first: &'static str,
        /// Key of another input.
        second: &'static str,
    },
    /// A derived topic without a contract.
    #[error("topic {0} is read by others and has no schema: add schemas/{0}/v1.avsc")]
    MissingSchema(&'static str),
    /// A processor was asked for that is not there.
    #[error("no processor is named {0}: `hilo topology` lists them")]
    UnknownProcessor(String),
    /// A store without an owner, or without a declaration.
    #[error("processor {processor} declares the stores [{declared}] and owns [{owned}]: name them alike, in one order")]
    StoresDiffer {
        /// The processor.
        processor: &'static str,
        /// Names in its specification.
        declared: String,
        /// Names of what it hands out.
        owned: String,
    },
}

/// Processors and topics, checked.
#[derive(Clone)]
pub struct Topology {
    topics: Vec<TopicSpec>,
    processors: Vec<ProcessorSpec>,
}

impl Topology {
    /// Checks and keeps `processors` (in the order in which records flow) over the raw topics `inputs`.
    pub fn new(inputs: Vec<TopicSpec>, processors: Vec<ProcessorSpec>) -> Result<Self, TopologyError> {
        let mut topics: Vec<TopicSpec> = inputs;
        for processor in &processors {
            if processors.iter().filter(|other| other.name == processor.name).count() > 1 {
                return Err(TopologyError::DuplicateProcessor(processor.name));
            }
            for topic in &processor.outputs {
                match topics.iter().find(|had| had.name == topic.name) {
                    Some(had) if had != topic => return Err(TopologyError::ConflictingTopic(topic.name)),
                    Some(_) => {}
                    None => topics.push(topic.clone()),
                }
            }
        }
        if let Some(topic) = topics
            .iter()
            .find(|topic| topic.kind != TopicKind::Internal && topic.schema.is_none())
        {
            return Err(TopologyError::MissingSchema(topic.name));
        }
        for processor in &processors {
            if let Some(name) = processor.also_writes.iter().find(|name| topics.iter().all(|topic| topic.name != **name)) {
                return Err(TopologyError::UnknownOutput { processor: processor.name, topic: name });
            }
            let mut first: Option<&TopicSpec> = None;
            for name in &processor.inputs {
                let Some(topic) = topics.iter().find(|topic| topic.name == *name) else {
                    return Err(TopologyError::UnknownInput {
                        processor: processor.name,
                        topic: name,
                    });
                };
                let first = *first.get_or_insert(topic);
                if processor.scope == Scope::Keyed && first.key != topic.key {
                    return Err(TopologyError::NotCoPartitioned {
                        processor: processor.name,
                        first: first.key,
                        second: topic.key,
                    });
                }
            }
        }
        Ok(Self { topics, processors })
    }

    /// All topics, raw ones first.
    #[must_use]
    pub fn topics(&self) -> &[TopicSpec] {
        &self.topics
    }

    /// All processors, in the order in which records flow.
    #[must_use]
    pub fn processors(&self) -> &[ProcessorSpec] {
        &self.processors
    }
}
