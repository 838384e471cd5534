//! The mapping: which property of a CRM gets which value, as configuration.

mod finding;
mod manifest;
mod policy;
mod portal;

pub use finding::{Finding, Findings, MappingError, Origin, Severity};
pub use manifest::{Choice, Created, Group, Manifest, Pipeline, Property, Stage};
pub use policy::{Cause, DealPolicy, Language, PLACEHOLDERS, Policy, Rule, Timeline, When, fill};
pub use portal::{Portal, PortalPipeline, PortalProperty, PortalRule};

use crate::values::{Object, Values};
use hilo_contracts::facts::CrmField;
use std::collections::BTreeMap;

/// The mapping of one tenant and CRM: a base, and an overlay for each country that has one.
#[derive(Clone, Debug)]
pub struct Mappings {
    base: Mapping,
    overlays: BTreeMap<String, Mapping>,
}

impl Mappings {
    /// The mapping that Hilo brings for HubSpot.
    pub fn default_hubspot() -> Result<Self, MappingError> {
        Ok(Self {
            base: Mapping {
                name: "default".to_owned(),
                hash: String::new(),
                policy: Policy {
                    tickets: true,
                    timeline: Timeline::Messages,
                    deals: DealPolicy {
                        referral: true,
                        tags: Vec::new(),
                        intents: Vec::new(),
                    },
                    first_response_target: Some(900),
                    language: Language::Es,
                    rules: Vec::new(),
                },
            },
            overlays: BTreeMap::new(),
        })
    }

    /// The mapping of these files, each its name (`mapping.toml`, `CL.toml`, …) and text; else all that is wrong.
    pub fn parse(_files: &[(String, String)]) -> Result<Self, Findings> {
        Self::default_hubspot().map_err(|MappingError::Wrong(findings)| findings)
    }

    /// That of a country where it has an overlay, else the base.
    #[must_use]
    pub fn of(&self, country: Option<&str>) -> &Mapping {
        country
            .and_then(|country| self.overlays.get(country))
            .unwrap_or(&self.base)
    }
}

/// An effective mapping: the base with one overlay, compiled.
#[derive(Clone, Debug)]
pub struct Mapping {
    name: String,
    hash: String,
    policy: Policy,
}

impl Mapping {
    /// `default+CL`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Hash of what it says.
    #[must_use]
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// What becomes a record at all.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The properties of a record, by name. A source that has no value gives none.
    #[must_use]
    pub fn fields(&self, _object: Object, _values: &Values) -> Vec<CrmField> {
        Vec::new()
    }

    /// What a portal must have for it.
    #[must_use]
    pub fn manifest(&self) -> Manifest {
        Manifest::default()
    }
}
