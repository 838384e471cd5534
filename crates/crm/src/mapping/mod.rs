//! The mapping: which property of a CRM gets which value, as configuration.

mod catalogue;
mod check;
mod compile;
mod diff;
mod field;
mod field_reader;
mod files;
mod finding;
mod hash;
mod live;
mod manifest;
mod native;
mod node;
mod pipeline;
mod policy;
mod portal;
mod provision;
mod reader;
mod reference;
mod rules;
mod transform;
mod words;

pub use diff::{DiffRecord, FieldChange, RecordChange, changes, diff};
pub use files::{built_in, validate};
pub use finding::{Finding, Findings, MappingError, Origin, Severity, codes};
pub use live::validate_live;
pub use manifest::{Choice, Created, Group, Manifest, Pipeline, Property, Stage};
pub use policy::{Cause, DealPolicy, Language, PLACEHOLDERS, Policy, Rule, Timeline, When, fill};
pub use portal::{Portal, PortalPipeline, PortalProperty, PortalRule};
pub use reference::Reference;
pub use transform::{Argument, DayForm, Definition, Form, TRANSFORMS, mask_phone};
pub use words::{Vocabulary, vocabulary};

use crate::values::{Object, Value, Values};
use catalogue::Catalogue;
use field::Field;
use hilo_contracts::facts::CrmField;
use hilo_domain::Millis;
use jiff::tz::TimeZone;
use std::collections::{BTreeMap, BTreeSet};
use transform::Context;

/// The mapping of one tenant and CRM: a base, and an overlay for each country that has one.
#[derive(Clone, Debug)]
pub struct Mappings {
    base: Mapping,
    overlays: BTreeMap<String, Mapping>,
    /// Its overlay is also for records without a country or of one that has no overlay.
    home: Option<String>,
}

impl Mappings {
    /// The mapping that Hilo brings for HubSpot, with all its overlays.
    pub fn default_hubspot() -> Result<Self, MappingError> {
        Ok(files::default_for(None, &[])?)
    }

    /// The mapping that Hilo brings, for a tenant at home in one country who may serve others. A country without a
    /// built-in overlay is served by the base.
    pub fn default_for(home: &str, others: &[&str]) -> Result<Self, MappingError> {
        Ok(files::default_for(Some(home), others)?)
    }

    /// The mapping of these files, each its name (`mapping.toml`, `CL.toml`, …) and text; else all that is wrong.
    pub fn parse(files: &[(String, String)]) -> Result<Self, Findings> {
        let (mappings, findings) = validate(files);
        mappings.ok_or(findings)
    }

    /// That of a country where it has an overlay, else that of the home country, else the base.
    #[must_use]
    pub fn of(&self, country: Option<&str>) -> &Mapping {
        let overlay = |country: &str| self.overlays.get(country);
        let home = || self.home.as_deref().and_then(overlay);
        country.and_then(overlay).or_else(home).unwrap_or(&self.base)
    }

    /// Name without an overlay's.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.base.name
    }

    /// Countries that have an overlay.
    pub fn countries(&self) -> impl Iterator<Item = &str> {
        self.overlays.keys().map(String::as_str)
    }

    /// All that records can have, that of the home country first. With a home country the base is for nobody.
    pub fn all(&self) -> impl Iterator<Item = &Mapping> {
        let first = self.of(None);
        let others = self.overlays.values().filter(move |mapping| mapping.name != first.name);
        std::iter::once(first).chain(others)
    }
}

/// An effective mapping: the base with one overlay, compiled.
#[derive(Clone, Debug)]
pub struct Mapping {
    name: String,
    hash: String,
    zone_name: String,
    zone: TimeZone,
    day_form: DayForm,
    group: (String, String),
    currencies: BTreeSet<String>,
    currency_origins: Vec<(String, Origin)>,
    languages: BTreeMap<String, String>,
    catalogues: BTreeMap<String, Catalogue>,
    pipelines: Vec<Pipeline>,
    policy: Policy,
    fields: BTreeMap<Object, Vec<Field>>,
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

    /// The day of an instant as people of the country write it.
    #[must_use]
    pub fn day(&self, at: Millis) -> String {
        transform::local_date(at, &self.zone, self.day_form).unwrap_or_default()
    }

    /// The sources from which the properties of a record come.
    pub(crate) fn sources(&self, object: Object) -> impl Iterator<Item = &'static str> {
        let fields = self.fields.get(&object).map(Vec::as_slice).unwrap_or_default();
        fields.iter().flat_map(|field| &field.from).map(|source| source.name)
    }

    /// The zone of its days.
    pub(crate) fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// The properties of a record, by name. A source that has no value gives none.
    #[must_use]
    pub fn fields(&self, object: Object, values: &Values) -> Vec<CrmField> {
        let country = match values.get("contact.country") {
            Some(Value::Text(country)) => Some(country.as_str()),
            _ => None,
        };
        let context = Context {
            country,
            zone: &self.zone,
            day_form: self.day_form,
            languages: &self.languages,
            catalogues: &self.catalogues,
            currencies: &self.currencies,
        };
        let fields = self.fields.get(&object).map(Vec::as_slice).unwrap_or_default();
        fields.iter().map(|field| field.of(values, &context)).collect()
    }
}
