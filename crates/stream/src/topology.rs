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

impl ProcessorSpec {
    /// Names of all topics that it writes.
    pub fn writes(&self) -> impl Iterator<Item = &'static str> {
        self.outputs
            .iter()
            .map(|topic| topic.name)
            .chain(self.also_writes.iter().copied())
    }
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
    /// The input of the whole comes from outside.
    #[error("processor {processor} writes the raw topic {topic}: a raw topic holds what came from outside only")]
    WritesRaw {
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
            for name in processor.writes() {
                let (processor, topic) = (processor.name, name);
                match topics.iter().find(|topic| topic.name == name).map(|topic| topic.kind) {
                    None => return Err(TopologyError::UnknownOutput { processor, topic }),
                    Some(TopicKind::Raw) => return Err(TopologyError::WritesRaw { processor, topic }),
                    Some(_) => {}
                }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Context, ProcessorError, Record, Verdict};

    struct Idle;

    impl Processor for Idle {
        fn process(&mut self, _: &Record, _: &mut Context) -> Result<Verdict, ProcessorError> {
            Ok(Verdict::Done)
        }
    }

    fn topic(name: &'static str, kind: TopicKind, key: &'static str) -> TopicSpec {
        TopicSpec {
            name,
            kind,
            key,
            schema: (kind != TopicKind::Internal).then_some(name),
            kept: "for ever",
            doc: "A topic.",
        }
    }

    fn raw() -> Vec<TopicSpec> {
        vec![topic("raw", TopicKind::Raw, "line")]
    }

    fn processor(name: &'static str, inputs: &[&'static str], outputs: Vec<TopicSpec>) -> ProcessorSpec {
        ProcessorSpec {
            name,
            doc: "A processor.",
            scope: Scope::Keyed,
            inputs: inputs.to_vec(),
            outputs,
            also_writes: vec![],
            stores: vec![],
            factory: Arc::new(|| Box::new(Idle)),
        }
    }

    fn refused(processors: Vec<ProcessorSpec>) -> TopologyError {
        Topology::new(raw(), processors).err().unwrap()
    }

    #[test]
    fn a_sound_topology_lists_raw_topics_first() {
        let fact = topic("fact", TopicKind::Derived, "person");
        let other = topic("other", TopicKind::Internal, "message");
        let mut last = processor("last", &["fact", "other"], vec![]);
        last.scope = Scope::Global;
        let topology = Topology::new(raw(), vec![processor("first", &["raw"], vec![fact, other]), last]).unwrap();
        let names: Vec<&str> = topology.topics().iter().map(|topic| topic.name).collect();
        assert_eq!(names, ["raw", "fact", "other"]);
    }

    #[test]
    fn two_processors_of_one_name() {
        let twins = vec![processor("one", &["raw"], vec![]), processor("one", &["raw"], vec![])];
        assert_eq!(refused(twins), TopologyError::DuplicateProcessor("one"));
    }

    #[test]
    fn a_topic_declared_in_two_ways() {
        let first = processor("first", &["raw"], vec![topic("fact", TopicKind::Derived, "person")]);
        let second = processor("second", &["raw"], vec![topic("fact", TopicKind::Derived, "message")]);
        assert_eq!(refused(vec![first, second]), TopologyError::ConflictingTopic("fact"));
    }

    #[test]
    fn an_input_that_nobody_writes() {
        let lost = refused(vec![processor("one", &["nothing"], vec![])]);
        let expected = TopologyError::UnknownInput {
            processor: "one",
            topic: "nothing",
        };
        assert_eq!(lost, expected);
    }

    #[test]
    fn an_output_that_nobody_owns() {
        let mut one = processor("one", &["raw"], vec![]);
        one.also_writes = vec!["fact"];
        let expected = TopologyError::UnknownOutput {
            processor: "one",
            topic: "fact",
        };
        assert_eq!(refused(vec![one]), expected);
    }

    #[test]
    fn a_raw_topic_written_inside() {
        let mut one = processor("one", &["raw"], vec![]);
        one.also_writes = vec!["raw"];
        let expected = TopologyError::WritesRaw {
            processor: "one",
            topic: "raw",
        };
        assert_eq!(refused(vec![one]), expected);
    }

    #[test]
    fn inputs_with_different_keys_unless_global() {
        let fact = topic("fact", TopicKind::Derived, "person");
        let other = topic("other", TopicKind::Internal, "message");
        let first = processor("first", &["raw"], vec![fact, other]);
        let mut last = processor("last", &["fact", "other"], vec![]);
        let expected = TopologyError::NotCoPartitioned {
            processor: "last",
            first: "person",
            second: "message",
        };
        assert_eq!(refused(vec![first.clone(), last.clone()]), expected);
        last.scope = Scope::Global;
        assert!(Topology::new(raw(), vec![first, last]).is_ok());
    }

    #[test]
    fn a_derived_topic_without_a_contract() {
        let mut fact = topic("fact", TopicKind::Derived, "person");
        fact.schema = None;
        assert_eq!(
            refused(vec![processor("one", &["raw"], vec![fact])]),
            TopologyError::MissingSchema("fact")
        );
    }
}
