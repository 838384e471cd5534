//! `hilo.crm_record` and `hilo.crm_write`: what a CRM should hold, and what became of it there.

use hilo_domain::Millis;
use serde::{Deserialize, Serialize};

/// One property of a record, as the sink encodes it.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CrmField {
    /// Name of the property in the CRM.
    pub name: String,
    /// Value; null clears the property (may be personal data).
    pub value: Option<String>,
    /// `always`, `never_clear`, `if_empty`, `on_create`.
    pub write: String,
}

/// Another record that a record belongs to.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CrmAssociation {
    /// Object of the other record.
    pub object: String,
    /// Its key.
    pub record_key: String,
}

/// `hilo.crm_record`: what one record of a CRM should hold, complete at each revision.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CrmRecord {
    /// Deterministic id of this fact.
    pub event_id: String,
    /// Whose business it is.
    pub tenant: String,
    /// Event time of the fact that changed the record.
    pub event_time: Millis,
    /// Receipt of what caused that fact.
    pub ingest_time: Millis,
    /// `desired`, `aliased`, `deleted`.
    pub kind: String,
    /// The highest one holds.
    pub revision: i64,
    /// CRM.
    pub sink: String,
    /// `contact`, `ticket`, `deal`, `communication`, `task`.
    pub object: String,
    /// Our own stable key.
    pub record_key: String,
    /// Person to whom the record belongs.
    pub person_id: Option<String>,
    /// Record that holds what this one held.
    pub alias_of: Option<String>,
    /// The CRM's own id of this record, where an event of that CRM named it.
    pub adopt_id: Option<String>,
    /// Properties, sorted by name.
    pub fields: Vec<CrmField>,
    /// Records that this one belongs to, sorted.
    pub associations: Vec<CrmAssociation>,
    /// Rule with its version that made the record.
    pub rule: Option<String>,
    /// Mapping that decided, with its overlay.
    pub mapping: String,
    /// Hash of that mapping.
    pub mapping_hash: String,
    /// Hash of kind, alias, fields and associations.
    pub content_hash: String,
    /// Facts that it follows from, the newest first, 8 at most.
    pub facts: Vec<String>,
    /// From the platform's test button.
    pub test: bool,
}

/// `hilo.crm_write`: what became of a desired record in its CRM, or how the CRM itself is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CrmWrite {
    /// Deterministic id of this fact.
    pub event_id: String,
    /// Whose business it is.
    pub tenant: String,
    /// When the CRM answered.
    pub event_time: Millis,
    /// `written`, `skipped`, `deferred`, `rejected`, `merged`, `deleted`, `sink`.
    pub kind: String,
    /// Revision of the desired record; 0 for `sink`.
    pub revision: i64,
    /// CRM.
    pub sink: String,
    /// Object of the record.
    pub object: Option<String>,
    /// Our own key of the record.
    pub record_key: Option<String>,
    /// Person to whom the record belongs.
    pub person_id: Option<String>,
    /// The CRM's own id of the record.
    pub remote_id: Option<String>,
    /// Hash of what the CRM holds now.
    pub content_hash: Option<String>,
    /// How often it was tried for this revision.
    pub attempts: i64,
    /// When it is tried again.
    pub retry_at: Option<Millis>,
    /// Stable code of what was wrong.
    pub code: Option<String>,
    /// Property that the CRM refused.
    pub field: Option<String>,
    /// What to do about it.
    pub action: Option<String>,
    /// `open`, `paused`, `stopped`; for `sink`.
    pub state: Option<String>,
    /// Calls that the CRM allows in a day.
    pub budget_limit: Option<i64>,
    /// Calls left of them.
    pub budget_remaining: Option<i64>,
}
