//! `hilo.dead_letter` and `hilo.unclassified`: what could not be read, and what nobody knows yet.

use super::{Source, bytes};
use hilo_domain::Millis;
use serde::{Deserialize, Serialize};

/// `hilo.dead_letter`: what could not be read, whole, with its reason.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// Deterministic id of this fact.
    pub event_id: String,
    /// Whose business it is.
    pub tenant: String,
    /// The element's time where it could be read, else the receipt.
    pub event_time: Millis,
    /// Receipt of what caused it.
    pub ingest_time: Millis,
    /// `dead_letter`.
    pub kind: String,
    /// Fixed word that can be counted.
    pub reason: String,
    /// What was wrong, without personal data.
    pub detail: String,
    /// Delivery in `hilo.raw`.
    pub delivery_id: String,
    /// Index in `entry`; `None` where the body as a whole is it.
    pub entry: Option<i32>,
    /// Index in `changes`.
    pub change: Option<i32>,
    /// Index among the items of the change.
    pub item: Option<i32>,
    /// Capture file, base name only.
    pub file: Option<String>,
    /// Line in that file, from 1.
    pub line: Option<i64>,
    /// The bytes as they came.
    #[serde(with = "bytes")]
    pub original: Vec<u8>,
}

/// `hilo.unclassified`: what nobody knows yet, whole.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unclassified {
    /// Deterministic id of this fact.
    pub event_id: String,
    /// Whose business it is.
    pub tenant: String,
    /// When it happened, from the payload.
    pub event_time: Millis,
    /// Receipt of what caused it.
    pub ingest_time: Millis,
    /// Delivery and item that caused it.
    pub source: Source,
    /// `unclassified`.
    pub kind: String,
    /// `unknown_field`, `no_field`, `no_value`, `no_content`.
    pub reason: String,
    /// Webhook field as received.
    pub field: Option<String>,
    /// The change as canonical JSON.
    pub original: String,
}
