//! Hash of what a mapping says: neither of its spaces nor of its comments, labels and examples.

use super::Mapping;
use super::catalogue::Catalogue;
use super::policy::Policy;
use super::transform::DayForm;
use hilo_domain::{hash, json};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Serialize)]
struct Content<'a> {
    time_zone: &'a str,
    day_form: DayForm,
    currencies: &'a BTreeSet<String>,
    languages: &'a BTreeMap<String, String>,
    catalogues: BTreeMap<&'a str, BTreeMap<&'a str, &'a str>>,
    policy: &'a Policy,
    fields: BTreeMap<&'static str, &'a [super::field::Field]>,
}

/// Values by word.
fn words(catalogue: &Catalogue) -> BTreeMap<&str, &str> {
    catalogue
        .entries()
        .map(|(word, entry)| (word, entry.value.as_str()))
        .collect()
}

pub(super) fn of(mapping: &Mapping) -> String {
    let content = Content {
        time_zone: &mapping.zone_name,
        day_form: mapping.day_form,
        currencies: &mapping.currencies,
        languages: &mapping.languages,
        catalogues: mapping
            .catalogues
            .iter()
            .map(|(name, catalogue)| (name.as_str(), words(catalogue)))
            .collect(),
        policy: &mapping.policy,
        fields: mapping
            .fields
            .iter()
            .map(|(object, fields)| (object.as_str(), fields.as_slice()))
            .collect(),
    };
    // A tree of texts, numbers and flags always has a JSON form.
    let content = serde_json::to_value(&content).unwrap_or_default();
    hash::id("crm_mapping", &[json::canonical(&content).as_bytes()])[..16].to_owned()
}
