//! The golden record: contacts, conversations, messages, cases in SQLite.
#![doc = include_str!("../README.md")]

mod account;
mod apply;
mod batch;
mod consent;
mod crm;
mod error;
mod golden;
mod lines;
mod metric;
pub mod people;
mod places;
mod query;
mod schema;
mod state;
mod tenants;
mod write;

pub use account::{AccountQuestion, AccountState};
pub use apply::Placed;
pub use crm::{CrmState, Rejection};
pub use error::GoldenError;
pub use golden::{FOLLOWED, Golden, TOPICS};
pub use metric::{MetricCursor, MetricFilter};
pub use places::Place;
pub use query::{RecentConversation, Traced, Turn};
pub use state::Counts;
pub use tenants::Tenants;

#[cfg(test)]
mod tests;
