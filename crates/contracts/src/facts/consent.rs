//! `hilo.consent`: the ledger of consent.

use super::Source;
use hilo_domain::Millis;
use serde::{Deserialize, Serialize};

/// `hilo.consent`: one entry of a person's consent ledger.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consent {
    /// Deterministic id of this fact.
    pub event_id: String,
    /// Whose business it is.
    pub tenant: String,
    /// When the person said it.
    pub event_time: Millis,
    /// Receipt of what said it.
    pub ingest_time: Millis,
    /// Delivery and item that said it.
    pub source: Source,
    /// `entry`, `retracted`.
    pub kind: String,
    /// Person.
    pub person_id: String,
    /// The highest one of a person and entry holds.
    pub revision: i64,
    /// The entry.
    pub entry_id: String,
    /// Place in the person's chain, from 1.
    pub sequence: i64,
    /// `whatsapp`, `email`, …
    pub channel: String,
    /// `marketing`, …, or `all`.
    pub purpose: String,
    /// What was said.
    pub state: String,
    /// What follows for channel and purpose at that time.
    pub effective: String,
    /// How it was said.
    pub method: String,
    /// System that told it.
    pub system: Option<String>,
    /// Keyword, or what else was said in one word.
    pub word: Option<String>,
    /// Languages of the keyword, or of the wording agreed to.
    pub language: Option<String>,
    /// Legal basis.
    pub legal_basis: Option<String>,
    /// Jurisdiction.
    pub jurisdiction: Option<String>,
    /// Version of the wording agreed to.
    pub text_version: Option<String>,
    /// Who wrote it down.
    pub actor: Option<String>,
    /// Message, or the source's own reference.
    pub reference: Option<String>,
    /// End of a grant.
    pub valid_to: Option<Millis>,
    /// Hash of the element that said it.
    pub evidence: String,
    /// Hashes of the identifiers under which it was said.
    pub subjects: Vec<String>,
    /// Hash of the entry before; empty for the first.
    pub previous_hash: String,
    /// Hash of this entry and the one before.
    pub hash: String,
}
