//! The topology on Apache Kafka: lanes with transactions, changelogs and restore; topics and contracts as code.
#![doc = include_str!("../README.md")]

pub mod baseline;
mod cluster;
mod contact;
mod engine;
mod error;
mod framing;
mod job;
pub mod lag;
mod lane;
mod learned;
mod lookup;
mod measures;
mod names;
mod raw_log;
mod reader;
mod rebalance;
pub mod registry;
pub mod restore;
mod share;
mod task;
pub mod topics;
mod transactions;
mod watch;

pub use cluster::{Cluster, MAX_RECORD_BYTES};
pub use engine::{Engine, Plan};
pub use error::EngineError;
pub use framing::{Framing, HEADER, Unread};
pub use job::LaneSettings;
pub use lane::{NO_CONTRACT, NO_TIME, PROCESSOR_ERROR, TOO_LARGE};
pub use lookup::Lookup;
pub use measures::Measures;
pub use names::{TIME, changelog};
pub use raw_log::{Delivered, RawProducer};
pub use reader::{Behind, Reader, Received, Whole};
pub use share::{Past, Share, Shared};
pub use transactions::Step;
