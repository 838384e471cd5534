//! What a portal says of itself, as plain data: the writer reads it, `validate --live` compares it.

use crate::values::Object;

/// What a portal has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Portal {
    /// Properties of all objects.
    pub properties: Vec<PortalProperty>,
    /// Pipelines of tickets and deals.
    pub pipelines: Vec<PortalPipeline>,
    /// Enabled currencies, ISO 4217.
    pub currencies: Vec<String>,
    /// E-mail addresses of the owners.
    pub owners: Vec<String>,
    /// What its administrators demand of a record.
    pub rules: Vec<PortalRule>,
}

/// A property.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortalProperty {
    /// Object.
    pub object: Object,
    /// Internal name.
    pub name: String,
    /// `string`, `number`, …
    pub kind: String,
    /// `text`, `select`, …
    pub field_type: String,
    /// Internal values of its options.
    pub options: Vec<String>,
    /// Whether no two records may have one value.
    pub unique: bool,
    /// Whether only the CRM itself may write it.
    pub read_only: bool,
}

/// A pipeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortalPipeline {
    /// Ticket or deal.
    pub object: Object,
    /// What people see.
    pub label: String,
    /// The labels of its stages.
    pub stages: Vec<String>,
}

/// A rule of the portal's administrators: a record without the property, or with a wrong one, is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortalRule {
    /// Object.
    pub object: Object,
    /// Property that it is about.
    pub property: String,
    /// What it demands, in the portal's own word: `REQUIRED`, `MAX_LENGTH`, …
    pub rule: String,
    /// Whether the property is demanded.
    pub required: bool,
}
