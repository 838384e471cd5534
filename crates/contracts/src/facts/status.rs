//! `hilo.status`: what became of a message.

use super::{AuthorRef, Source, TemplateRef};
use hilo_domain::Millis;
use serde::{Deserialize, Serialize};

/// One error of a send.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename = "Error")]
pub struct ErrorRef {
    /// Platform code.
    pub code: Option<i64>,
    /// Title as received.
    pub title: Option<String>,
    /// Details as received.
    pub details: Option<String>,
}

/// Pricing as the platform reported it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename = "Pricing")]
pub struct PricingRef {
    /// `PMP`, `CBP`.
    pub model: Option<String>,
    /// `regular`, `free_customer_service`, …
    pub kind: Option<String>,
    /// `marketing`, `service`, …
    pub category: Option<String>,
    /// To be dropped by the platform.
    pub billable: Option<bool>,
}

/// The conversation that the platform charges or waives, as a status names it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename = "ChargedConversation")]
pub struct ChargedRef {
    /// Its id: one a message since July 2025, one in 24 h before.
    pub id: Option<String>,
    /// What opened it: `marketing`, `utility`, `service`, `referral_conversion`, …
    pub origin: Option<String>,
    /// When it ends; on `sent` only.
    pub expires_at: Option<Millis>,
}

/// A payment that a message asked for, as a status of type `payment` tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename = "Payment")]
pub struct PaymentRef {
    /// The business's own id of the order.
    pub reference_id: Option<String>,
    /// The provider's id of the transaction.
    pub transaction_id: Option<String>,
    /// What became of the transaction.
    pub transaction_status: Option<String>,
}

/// `hilo.status`: what became of a message, complete at each revision.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
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
    /// `accepted` (the send became known), `status`, `person_changed`, `category_changed`, `orphaned`.
    pub kind: String,
    /// The highest one holds.
    pub revision: i64,
    /// Message (embeds the phone number).
    pub message_id: String,
    /// Group participant that the status is about.
    pub participant: Option<String>,
    /// Status as received; null for `accepted`.
    pub status: Option<String>,
    /// The platform's conversation that this status names.
    pub charged_conversation: Option<ChargedRef>,
    /// `recipient_identity_key_hash` of this status.
    pub recipient_identity_hash: Option<String>,
    /// The payment that this status is about: it says nothing of the message's way.
    pub payment: Option<PaymentRef>,
    /// Status of the message after the fold.
    pub effective_status: Option<String>,
    /// Status of the participant that the status is about, after the fold of theirs alone.
    pub participant_status: Option<String>,
    /// Time of the outbound line or echo.
    pub accepted_at: Option<Millis>,
    /// Earliest `sent`.
    pub sent_at: Option<Millis>,
    /// Earliest of delivered, read, played.
    pub delivered_at: Option<Millis>,
    /// Earliest of read, played.
    pub read_at: Option<Millis>,
    /// Earliest `played`.
    pub played_at: Option<Millis>,
    /// Earliest `failed`, kept when cleared.
    pub failed_at: Option<Millis>,
    /// Earliest status with an error of the class `opt_out` (131050): the person stopped marketing.
    pub opted_out_at: Option<Millis>,
    /// Earliest status of any name: the anchor of an orphan.
    pub first_status_at: Option<Millis>,
    /// Errors of the earliest `failed`.
    pub errors: Vec<ErrorRef>,
    /// All codes ever seen, sorted, distinct.
    pub error_codes: Vec<i64>,
    /// Class of a failure that stands.
    pub error_class: Option<String>,
    /// What a sender should do about a failure that stands.
    pub error_actions: Vec<String>,
    /// Least delay before the next attempt.
    pub retry_after_seconds: Option<i64>,
    /// The sender's own key, as the statuses echo it.
    pub callback_data: Option<String>,
    /// Latest pricing that a status carried.
    pub pricing: Option<PricingRef>,
    /// Type as sent; `unknown` where only statuses are known.
    pub message_type: String,
    /// Who wrote the message.
    pub author: Option<AuthorRef>,
    /// Template of the send.
    pub template: Option<TemplateRef>,
    /// Category that decides, in lower case.
    pub category: Option<String>,
    /// Campaign of the send.
    pub campaign: Option<String>,
    /// Segment of the send.
    pub segment: Option<String>,
    /// Recipient.
    pub person_id: Option<String>,
    /// ISO 3166 country of the person.
    pub country: Option<String>,
    /// Business number at the platform.
    pub phone_number_id: Option<String>,
    /// No send, echo, received or history message is known by this id.
    pub orphan: bool,
    /// An outbound line told of it, and it is no reaction: a member of the cohorts of the message outcomes.
    pub accepted: bool,
    /// From the platform's test button: in no metric.
    pub test: bool,
}
