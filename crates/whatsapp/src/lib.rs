//! What the platform's JSON means, as typed values.
#![doc = include_str!("../README.md")]

pub mod account;
pub mod address_book;
pub mod automatic_event;
pub mod call;
mod details;
mod envelope;
pub mod errors;
mod field;
pub mod flow;
pub mod group;
pub mod history;
pub mod message;
mod named;
pub mod preference;
pub mod status;
pub mod user_action;
pub mod user_id;
mod vocabulary;

pub use details::details;
pub use envelope::{Change, Entry, Metadata, OBJECT, entries, is_webhook, timestamp};
pub use field::Field;
pub use named::Named;
pub use vocabulary::unknown;

/// Why an element is no typed value: `no_id`, `no_status`. A reason of a dead letter.
pub type Reason = &'static str;

#[cfg(test)]
mod tests;
