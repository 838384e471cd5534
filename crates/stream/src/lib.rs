//! Processors, topologies and stores; the engines run them.
#![doc = include_str!("../README.md")]

pub mod processor;
pub mod record;
pub mod store;
pub mod topology;
pub mod wire;

pub use processor::{Context, Processor, ProcessorError, Verdict};
pub use record::Record;
pub use store::{StateStore, Store, StoreError};
pub use topology::{ProcessorSpec, Scope, StoreSpec, TopicKind, TopicSpec, Topology, TopologyError};
