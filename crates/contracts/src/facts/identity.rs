//! `hilo.identity`: people.

use super::Source;
use hilo_domain::Millis;
use serde::{Deserialize, Serialize};

/// One identifier of a person with the time for which it is theirs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdentifierSpan {
    /// `bsuid`, `phone`, `wa_id`, …
    pub kind: String,
    /// The identifier (personal data).
    pub value: String,
    /// First sighting with this person.
    pub valid_from: Option<Millis>,
    /// First instant at which it is no longer theirs; `None` while it is.
    pub valid_to: Option<Millis>,
}

/// One identifier that names a side of a suggestion or a decision.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename = "Named")]
pub struct NamedRef {
    /// `bsuid`, `phone`, `wa_id`, …; in the evidence of a suggestion also `email` and `document`.
    pub kind: String,
    /// The identifier (personal data).
    pub value: String,
}

/// A suggestion that two people are one, which waits for a decision.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposal {
    /// The other person; `None` where the other side is only a record of a CRM.
    pub other_person_id: Option<String>,
    /// Rule that suggests it.
    pub rule: String,
    /// Version of the rules.
    pub rule_version: i32,
    /// Confidence of the rule in hundredths.
    pub confidence_percent: i32,
    /// What keeps it from being done automatically.
    pub blocker: Option<String>,
    /// Event time of what speaks for it.
    pub proposed_at: Millis,
    /// Identifiers that speak for it.
    pub evidence: Vec<NamedRef>,
}

/// A decision about who is who that holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename = "Decision")]
pub struct DecisionRef {
    /// `merge`, `split`, `reject`.
    pub ruling: String,
    /// When.
    pub decided_at: Millis,
    /// Who decided.
    pub actor: String,
    /// Why.
    pub reason: String,
    /// One side as the decision names it.
    pub user: Vec<NamedRef>,
    /// The other side.
    pub other: Vec<NamedRef>,
}

/// `hilo.identity`: who is who.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Identity {
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
    /// Person.
    pub person_id: String,
    /// The highest one holds.
    pub revision: i64,
    /// All that the person has or had.
    pub identifiers: Vec<IdentifierSpan>,
    /// ISO 3166 country of the person.
    pub country: Option<String>,
    /// Profile name (personal data).
    pub name: Option<String>,
    /// Rule that decided.
    pub rule: String,
    /// From 0 to 1.
    pub confidence: f64,
    /// Kinds of the identifiers that spoke for it.
    pub evidence: Option<String>,
    /// The other one of a merge.
    pub other_person_id: Option<String>,
    /// Version of the rules.
    pub rule_version: i32,
    /// Open suggestions about this person.
    pub proposals: Vec<Proposal>,
    /// Decisions about this person that hold.
    pub decisions: Vec<DecisionRef>,
}
