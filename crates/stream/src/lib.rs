//! Processors, topologies and stores; the engines run them.
#![doc = include_str!("../README.md")]

pub mod draw;
pub mod driver;
pub mod embedded;
pub mod executor;
pub mod memory;
pub mod partitions;
pub mod processor;
pub mod record;
pub mod shape;
pub mod store;
mod store_tables;
mod tallies;
pub mod task_state;
pub mod timers;
pub mod topology;
pub mod wire;

pub use driver::{DriverError, TestDriver};
pub use executor::{Counts, DeadLetterEncoder, Executor, StoreName};
pub use memory::MemoryBackend;
pub use partitions::PartitionedDriver;
pub use processor::{Context, Processor, ProcessorError, Verdict};
pub use record::Record;
pub use shape::{ShapeError, Shapes};
pub use store::{StateStore, Store, StoreError};
pub use store_tables::Changes;
pub use tallies::Tallies;
pub use task_state::{TaskState, TaskStateError};
pub use timers::Timers;
pub use topology::{ProcessorSpec, Scope, StoreSpec, TopicKind, TopicSpec, Topology, TopologyError};
