//! Objects of the portal: their names in addresses, their type ids, what creating one needs.

use serde::{Deserialize, Serialize};

/// A kind of record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Object {
    /// A person.
    Contacts,
    /// An organisation.
    Companies,
    /// A sale.
    Deals,
    /// A case.
    Tickets,
    /// A message on the timeline.
    Communications,
    /// Something to do.
    Tasks,
    /// A note on the timeline.
    Notes,
}

impl Object {
    /// All, in the order of the page.
    pub const ALL: [Self; 7] = [
        Self::Contacts,
        Self::Companies,
        Self::Deals,
        Self::Tickets,
        Self::Communications,
        Self::Tasks,
        Self::Notes,
    ];

    /// By the name in an address: plural, singular or type id.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|object| name == object.name() || name == object.type_id() || name == object.singular())
    }

    /// Plural name, as addresses have it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Contacts => "contacts",
            Self::Companies => "companies",
            Self::Deals => "deals",
            Self::Tickets => "tickets",
            Self::Communications => "communications",
            Self::Tasks => "tasks",
            Self::Notes => "notes",
        }
    }

    /// Singular name.
    #[must_use]
    pub fn singular(self) -> &'static str {
        match self {
            Self::Contacts => "contact",
            Self::Companies => "company",
            Self::Deals => "deal",
            Self::Tickets => "ticket",
            Self::Communications => "communication",
            Self::Tasks => "task",
            Self::Notes => "note",
        }
    }

    /// Singular name as errors have it.
    #[must_use]
    pub fn shouted(self) -> String {
        self.singular().to_ascii_uppercase()
    }

    /// The type id, the same in all portals.
    #[must_use]
    pub fn type_id(self) -> &'static str {
        match self {
            Self::Contacts => "0-1",
            Self::Companies => "0-2",
            Self::Deals => "0-3",
            Self::Tickets => "0-5",
            Self::Communications => "0-18",
            Self::Tasks => "0-27",
            Self::Notes => "0-46",
        }
    }

    /// What a new record must have. Pipelines are checked on their own.
    pub(crate) fn required(self) -> &'static [&'static str] {
        match self {
            Self::Contacts | Self::Companies => &[],
            Self::Deals => &["dealname", "dealstage", "pipeline"],
            Self::Tickets => &["subject", "hs_pipeline_stage"],
            Self::Communications => &[
                "hs_communication_channel_type",
                "hs_communication_logged_from",
                "hs_timestamp",
            ],
            Self::Tasks | Self::Notes => &["hs_timestamp"],
        }
    }

    /// Names of the properties for pipeline and stage.
    pub(crate) fn pipeline_properties(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Deals => Some(("pipeline", "dealstage")),
            Self::Tickets => Some(("hs_pipeline", "hs_pipeline_stage")),
            _ => None,
        }
    }

    /// Names of the properties that the portal keeps: when it was created and last modified.
    pub(crate) fn stamps(self) -> (&'static str, &'static str) {
        match self {
            Self::Contacts => ("createdate", "lastmodifieddate"),
            Self::Companies | Self::Deals | Self::Tickets => ("createdate", "hs_lastmodifieddate"),
            Self::Communications | Self::Tasks | Self::Notes => ("hs_createdate", "hs_lastmodifieddate"),
        }
    }

    /// Whether two records of it may become one.
    pub(crate) fn can_merge(self) -> bool {
        matches!(self, Self::Contacts | Self::Companies | Self::Deals | Self::Tickets)
    }

    /// The scope that a call needs.
    pub(crate) fn scope(self, write: bool) -> &'static str {
        match (self, write) {
            // Timeline entries go by the scope of contacts.
            (Self::Contacts | Self::Communications | Self::Tasks | Self::Notes, false) => "crm.objects.contacts.read",
            (Self::Contacts | Self::Communications | Self::Tasks | Self::Notes, true) => "crm.objects.contacts.write",
            (Self::Companies, false) => "crm.objects.companies.read",
            (Self::Companies, true) => "crm.objects.companies.write",
            (Self::Deals, false) => "crm.objects.deals.read",
            (Self::Deals, true) => "crm.objects.deals.write",
            (Self::Tickets, _) => "tickets",
        }
    }

    /// The scope that a call about its properties or pipelines needs.
    pub(crate) fn schema_scope(self, write: bool) -> &'static str {
        match (self, write) {
            (Self::Contacts | Self::Communications | Self::Tasks | Self::Notes, false) => "crm.schemas.contacts.read",
            (Self::Contacts | Self::Communications | Self::Tasks | Self::Notes, true) => "crm.schemas.contacts.write",
            (Self::Companies, false) => "crm.schemas.companies.read",
            (Self::Companies, true) => "crm.schemas.companies.write",
            (Self::Deals, false) => "crm.schemas.deals.read",
            (Self::Deals, true) => "crm.schemas.deals.write",
            (Self::Tickets, _) => "tickets",
        }
    }
}
