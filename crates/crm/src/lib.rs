//! What a CRM should hold: facts become desired records by a mapping that people can read.

pub mod campaigns;
mod keys;
pub mod mapping;
pub mod project;
pub mod values;

pub use keys::{content_hash, record_key, record_topic_key};
pub use project::{Config, Target, spec};
