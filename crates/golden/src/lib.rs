//! The golden record: contacts, conversations, messages, cases in SQLite.
#![doc = include_str!("../README.md")]

mod account;
mod apply;
mod batch;
mod consent;
mod error;
mod golden;
mod lines;
pub mod people;
mod query;
mod schema;
mod state;
mod write;

pub use account::{AccountQuestion, AccountState};
pub use apply::Placed;
pub use error::GoldenError;
pub use golden::{Golden, TOPICS};
pub use query::{RecentConversation, Traced, Turn};
pub use state::Counts;

#[cfg(test)]
mod tests;
