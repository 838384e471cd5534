//! What a portal must have before records can be written: groups, properties, pipelines, currencies, owners, as data.

use super::finding::Origin;
use crate::values::Object;

/// What a portal must have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Manifest {
    /// Mapping, with its overlays.
    pub mapping: String,
    /// Hash of the mapping, or of several together.
    pub hash: String,
    /// Groups of properties, by object and name. All are ours to create.
    pub groups: Vec<Group>,
    /// Properties, by object and name.
    pub properties: Vec<Property>,
    /// Pipelines, by object and label.
    pub pipelines: Vec<Pipeline>,
    /// Currencies that must be enabled, with where they are named.
    pub currencies: Vec<(String, Origin)>,
    /// E-mail addresses of owners that a catalogue names.
    pub owners: Vec<(String, Origin)>,
}

/// A group of properties.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Object.
    pub object: Object,
    /// Internal name.
    pub name: String,
    /// What people see.
    pub label: String,
}

/// A property.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Property {
    /// Object.
    pub object: Object,
    /// Internal name.
    pub name: String,
    /// What people see, and the group that it stands in. None: the CRM's own property, which has to be there already.
    pub create: Option<Created>,
    /// `string`, `number`, `date`, `datetime`, `bool`, `enumeration`, `phone_number`.
    pub kind: String,
    /// How people edit it: `text`, `textarea`, `number`, `date`, `select`, `checkbox`, `booleancheckbox`,
    /// `phonenumber`. Of the CRM's own property only a proposal.
    pub field_type: String,
    /// Options that it must have, in their order.
    pub options: Vec<Choice>,
    /// Whether no two records may have one value.
    pub unique: bool,
    /// Where the mapping names it.
    pub origin: Origin,
}

/// How a property of ours is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Created {
    /// What people see.
    pub label: String,
    /// Internal name of its group.
    pub group: String,
    /// What it means, one sentence.
    pub description: String,
}

/// An option of an enumeration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// Internal value.
    pub value: String,
    /// What people see.
    pub label: String,
}

/// A pipeline of tickets or deals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pipeline {
    /// Ticket or deal.
    pub object: Object,
    /// What people see. Values name it: `@pipeline:LABEL`.
    pub label: String,
    /// Stages in their order.
    pub stages: Vec<Stage>,
    /// Whether `apply` makes it; else it has to be there already.
    pub create: bool,
    /// Where the mapping names it.
    pub origin: Origin,
}

/// A stage of a pipeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stage {
    /// What people see. Values name it: `@stage:PIPELINE/LABEL`.
    pub label: String,
    /// Whether nothing is open in it any more (`ticketState`, `isClosed`).
    pub closed: bool,
    /// Of a deal: how likely it is won, a decimal text from 0 to 1.
    pub probability: Option<String>,
}
