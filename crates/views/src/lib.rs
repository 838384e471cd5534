//! What people see of the topics: snapshot, numbers, traces; the same over both engines.
#![doc = include_str!("../README.md")]

mod behind;
mod cards;
mod crm;
mod crm_story;
mod embedded;
mod engine;
mod follower;
mod kafka;
mod page;
mod story;
mod view;
mod warnings;

pub use embedded::Embedded;
pub use engine::{Engine, Feed, Shelf, Waiting};
pub use follower::{Follower, Pulse};
pub use kafka::{GOLDEN, Kafka};
pub use page::default_window;
pub use view::View;

/// The golden record in a data directory.
pub const GOLDEN_DB: &str = "golden.db";
