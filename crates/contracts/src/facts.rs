//! The facts on the topics that others read. Each struct mirrors a schema under `schemas/`; the documentation of the
//! fields is there, and a test keeps the two alike. Field order is the schema's.

use crate::item::Position;
use hilo_domain::Millis;
use serde::{Deserialize, Serialize};

/// Where a fact came from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    pub delivery_id: String,
    pub entry: i32,
    pub change: i32,
    pub item: i32,
}

impl Source {
    /// The source of an item.
    #[must_use]
    pub fn new(delivery_id: &str, position: Position) -> Self {
        let Position { entry, change, item } = position;
        Self {
            delivery_id: delivery_id.to_owned(),
            entry,
            change,
            item,
        }
    }
}

/// `hilo.raw`: one delivery or capture line, verbatim.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Raw {
    pub delivery_id: String,
    pub tenant: String,
    /// `whatsapp`, `outbound`, `inbox`, `crm`, `clock`; `invalid` for a capture line that is none of them.
    pub source: String,
    pub received_at: Millis,
    /// Verbatim webhook body; for other sources the verbatim line.
    #[serde(with = "bytes")]
    pub body: Vec<u8>,
    /// Capture file, base name only, of a line that was ingested from one.
    pub file: Option<String>,
    pub line: Option<i64>,
}

/// One identifier of a person with the time for which it is theirs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdentifierSpan {
    pub kind: String,
    pub value: String,
    pub valid_from: Option<Millis>,
    pub valid_to: Option<Millis>,
}

/// `hilo.identity`: who is who.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Identity {
    pub event_id: String,
    pub tenant: String,
    pub event_time: Millis,
    pub ingest_time: Millis,
    pub source: Source,
    pub kind: String,
    pub person_id: String,
    pub revision: i64,
    pub identifiers: Vec<IdentifierSpan>,
    pub country: Option<String>,
    pub name: Option<String>,
    pub rule: String,
    pub confidence: f64,
    pub evidence: Option<String>,
    pub other_person_id: Option<String>,
}

/// Author of a message.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename = "Author")]
pub struct AuthorRef {
    pub kind: String,
    pub id: Option<String>,
}

/// Template of a message.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename = "Template")]
pub struct TemplateRef {
    pub name: String,
    pub language: Option<String>,
    pub category: Option<String>,
}

/// One stopped or running clock of a session.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clock {
    pub started_at: Millis,
    /// Null while it runs, and for ever when it is censored.
    pub stopped_at: Option<Millis>,
    /// The sender who stopped it.
    pub agent: Option<String>,
    /// Start for that agent's own row: the later of the start and their latest assignment.
    pub agent_started_at: Option<Millis>,
}

/// The state of a session, complete at each revision.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    pub opened_at: Millis,
    pub opened_by: String,
    pub closed_at: Option<Millis>,
    pub close_reason: Option<String>,
    /// First customer message; null for a business-initiated session nobody answered.
    pub first_customer_at: Option<Millis>,
    pub frt_human: Option<Clock>,
    pub frt_any: Option<Clock>,
    pub outcome: Option<String>,
    pub queue: Option<String>,
    pub reason: Option<String>,
    /// Session that it reopens.
    pub reopens: Option<String>,
}

/// `hilo.conversation`: messages, sessions, and the work on them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conversation {
    pub event_id: String,
    pub tenant: String,
    pub event_time: Millis,
    pub ingest_time: Millis,
    pub source: Source,
    pub kind: String,
    pub revision: i64,
    /// Null where nobody is known.
    pub person_id: Option<String>,
    pub country: Option<String>,
    pub conversation_id: Option<String>,
    pub session_id: Option<String>,
    pub phone_number_id: Option<String>,
    pub group_id: Option<String>,
    pub message_id: Option<String>,
    pub message_type: Option<String>,
    /// `inbound` or `outbound`, for messages.
    pub direction: Option<String>,
    pub reply_to: Option<String>,
    pub author: Option<AuthorRef>,
    pub template: Option<TemplateRef>,
    pub campaign: Option<String>,
    pub segment: Option<String>,
    pub referral: Option<String>,
    pub opt_out: bool,
    pub window_expires_at: Option<Millis>,
    pub content: Option<String>,
    pub session: Option<Session>,
    pub test: bool,
}

/// One error of a send.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename = "Error")]
pub struct ErrorRef {
    pub code: Option<i64>,
    pub title: Option<String>,
    pub details: Option<String>,
}

/// Pricing as the platform reported it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename = "Pricing")]
pub struct PricingRef {
    pub model: Option<String>,
    pub kind: Option<String>,
    pub category: Option<String>,
    pub billable: Option<bool>,
}

/// `hilo.status`: what became of a message, complete at each revision.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    pub event_id: String,
    pub tenant: String,
    pub event_time: Millis,
    pub ingest_time: Millis,
    pub source: Source,
    /// `accepted` (the send became known), `status`, `person_changed`.
    pub kind: String,
    pub revision: i64,
    pub message_id: String,
    pub participant: Option<String>,
    /// Status as received; null for `accepted`.
    pub status: Option<String>,
    pub effective_status: Option<String>,
    pub accepted_at: Option<Millis>,
    pub sent_at: Option<Millis>,
    pub delivered_at: Option<Millis>,
    pub read_at: Option<Millis>,
    pub played_at: Option<Millis>,
    pub failed_at: Option<Millis>,
    /// Earliest status of any name: the anchor of an orphan.
    pub first_status_at: Option<Millis>,
    pub errors: Vec<ErrorRef>,
    pub error_codes: Vec<i64>,
    pub error_class: Option<String>,
    pub pricing: Option<PricingRef>,
    pub message_type: String,
    pub author: Option<AuthorRef>,
    pub template: Option<TemplateRef>,
    pub campaign: Option<String>,
    pub segment: Option<String>,
    pub person_id: Option<String>,
    pub country: Option<String>,
    pub phone_number_id: Option<String>,
    /// No send, echo, received or history message is known by this id.
    pub orphan: bool,
    /// An outbound line told of it: a member of the cohorts of the message outcomes.
    pub accepted: bool,
    pub test: bool,
}

/// What an account fact is about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    pub kind: String,
    pub id: String,
}

/// `hilo.account`: numbers, templates, WABAs, portfolios.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    pub event_id: String,
    pub tenant: String,
    pub event_time: Millis,
    pub ingest_time: Millis,
    pub source: Source,
    pub kind: String,
    pub revision: i64,
    pub subject: Subject,
    pub waba_id: Option<String>,
    pub event: Option<String>,
    pub quality: Option<String>,
    pub limit: Option<i64>,
    pub template: Option<TemplateRef>,
    pub reason: Option<String>,
    pub content: Option<String>,
    pub test: bool,
}

/// One dimension of a metric row. A list keeps the order of the definition.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Dimension {
    pub name: String,
    pub value: String,
}

/// Window of a metric row, `[start, end)`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Window {
    pub start: Millis,
    pub end: Millis,
}

/// `hilo.metric`: one row of the numbers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Metric {
    pub tenant: String,
    pub metric: String,
    pub definition: String,
    /// Null: all input.
    pub window: Option<Window>,
    pub dimensions: Vec<Dimension>,
    pub numerator: Option<f64>,
    pub denominator: Option<f64>,
    pub value: Option<f64>,
    pub count: i64,
    pub p50: Option<f64>,
    pub p90: Option<f64>,
    pub is_final: bool,
    pub revision: i64,
}

/// `hilo.dead_letter`: what could not be read, whole, with its reason.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetter {
    pub event_id: String,
    pub tenant: String,
    /// The element's time where it could be read, else the receipt.
    pub event_time: Millis,
    pub ingest_time: Millis,
    /// `dead_letter`.
    pub kind: String,
    pub reason: String,
    pub detail: String,
    pub delivery_id: String,
    pub entry: Option<i32>,
    pub change: Option<i32>,
    pub item: Option<i32>,
    pub file: Option<String>,
    pub line: Option<i64>,
    #[serde(with = "bytes")]
    pub original: Vec<u8>,
}

/// `hilo.unclassified`: what nobody knows yet, whole.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unclassified {
    pub event_id: String,
    pub tenant: String,
    pub event_time: Millis,
    pub ingest_time: Millis,
    pub source: Source,
    /// `unclassified`.
    pub kind: String,
    pub reason: String,
    pub field: Option<String>,
    pub original: String,
}

/// Avro `bytes`: serde writes a `Vec<u8>` as an array otherwise.
mod bytes {
    use serde::{Deserializer, Serializer, de};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(bytes)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        struct Bytes;
        impl<'de> de::Visitor<'de> for Bytes {
            type Value = Vec<u8>;
            fn expecting(&self, formatter: &mut std::fmt::Formatter) -> std::fmt::Result {
                formatter.write_str("bytes")
            }
            fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
                Ok(bytes.to_vec())
            }
            fn visit_byte_buf<E: de::Error>(self, bytes: Vec<u8>) -> Result<Vec<u8>, E> {
                Ok(bytes)
            }
            fn visit_seq<A: de::SeqAccess<'de>>(self, mut sequence: A) -> Result<Vec<u8>, A::Error> {
                let mut out = Vec::new();
                while let Some(byte) = sequence.next_element()? {
                    out.push(byte);
                }
                Ok(out)
            }
        }
        deserializer.deserialize_byte_buf(Bytes)
    }
}
