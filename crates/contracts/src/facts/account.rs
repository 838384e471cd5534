//! `hilo.account`: numbers, templates, WABAs, portfolios.

use super::{Source, TemplateRef};
use hilo_domain::Millis;
use serde::{Deserialize, Serialize};

/// What an account fact is about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// `phone_number`, `template`, `waba`, `portfolio`.
    pub kind: String,
    /// Id at the platform.
    pub id: String,
}

/// `hilo.account`: numbers, templates, WABAs, portfolios.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
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
    /// What happened.
    pub kind: String,
    /// The highest one holds.
    pub revision: i64,
    /// Number, template, account or portfolio.
    pub subject: Subject,
    /// WhatsApp Business Account.
    pub waba_id: Option<String>,
    /// Portfolio of that account, where a snapshot names it.
    pub portfolio_id: Option<String>,
    /// Event as received.
    pub event: Option<String>,
    /// GREEN, YELLOW, RED, UNKNOWN, NA.
    pub quality: Option<String>,
    /// Unique users per rolling 24 h; -1 unlimited.
    pub limit: Option<i64>,
    /// Whether the fact says what the limit is; with `limit` null, that none is set.
    pub limit_told: bool,
    /// Template concerned.
    pub template: Option<TemplateRef>,
    /// Reason as received.
    pub reason: Option<String>,
    /// What held before.
    pub previous: Option<String>,
    /// What will hold from `effective_at` on.
    pub announced: Option<String>,
    /// When it takes effect, where that is another time.
    pub effective_at: Option<Millis>,
    /// Restrictions that it tells of.
    pub restrictions: Vec<Restriction>,
    /// The other documented parts of the value.
    pub attributes: Vec<Attribute>,
    /// The value as canonical JSON.
    pub content: Option<String>,
    /// From the platform's test button: in no metric.
    pub test: bool,
}

/// What the platform forbids.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restriction {
    /// `restriction_type` as received.
    pub kind: String,
    /// End of it.
    pub expires_at: Option<Millis>,
    /// `expiration` as received, where it is no number.
    pub expiration: Option<String>,
    /// What the platform asks for.
    pub remediation: Option<String>,
}

/// One more thing that an account fact says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attribute {
    /// Path of the platform's own names.
    pub name: String,
    /// A text as it is, anything else as canonical JSON.
    pub value: String,
}
