//! A merged tree becomes an effective mapping, and everything that is wrong with it findings.

use super::catalogue::Catalogue;
use super::field::{Field, Type};
use super::finding::{Findings, Origin, codes};
use super::node::Node;
use super::policy::{DealPolicy, LANGUAGES, Language, Policy, TIMELINES, Timeline};
use super::reader::{Reader, instead, under};
use super::transform::{DAY_FORMS, DayForm, is_currency};
use super::{Mapping, check, field_reader, hash, pipeline, rules};
use crate::values::Object;
use jiff::tz::TimeZone;
use std::collections::{BTreeMap, BTreeSet};

/// The version of the form of a mapping.
const SCHEMA: i64 = 1;

const KEYS: &[&str] = &[
    "schema_version",
    "crm",
    "name",
    "extends",
    "home",
    "countries",
    "time_zone",
    "day_form",
    "portal",
    "languages",
    "policy",
    "contact",
    "ticket",
    "deal",
    "communication",
    "task",
    "catalogues",
    "pipelines",
    "rules",
];

/// What fields share.
pub(super) struct Shared {
    /// Name and label of the group of properties.
    pub(super) group: (String, String),
}

/// The mapping of a tree, and what is wrong with it.
/// `currencies` are those of the portal, which all overlays share.
pub(super) fn compile(node: &Node, name: &str, currencies: &BTreeSet<String>) -> (Mapping, Findings) {
    let mut reader = Reader::default();
    reader.closed(node, "", KEYS);
    head(&mut reader, node);
    let (zone_name, zone) = zone(&mut reader, node);
    let (currency_origins, shared) = portal(&mut reader, node);
    let empty = Node::empty(&node.origin.file);
    let part = |key: &str| node.get(key).unwrap_or(&empty);
    let mut mapping = Mapping {
        name: name.to_owned(),
        hash: String::new(),
        zone_name,
        zone,
        day_form: named(&mut reader, node, "", "day_form", &DAY_FORMS).unwrap_or(DayForm::Iso),
        group: shared.group.clone(),
        currencies: currencies.clone(),
        currency_origins,
        languages: languages(&mut reader, part("languages")),
        catalogues: catalogues(&mut reader, part("catalogues")),
        pipelines: pipeline::read(&mut reader, part("pipelines")),
        policy: policy(&mut reader, node, part("policy"), part("rules")),
        fields: Object::ALL
            .into_iter()
            .map(|object| (object, fields(&mut reader, object, part(object.as_str()), &shared)))
            .collect(),
    };
    for field in mapping.fields.values_mut().flatten() {
        let catalogue = field.catalogue().and_then(|name| mapping.catalogues.get(name));
        if let Some(catalogue) = catalogue.filter(|_| field.kind == Type::Enumeration && !field.declared) {
            field.options = catalogue.choices();
        }
    }
    check::check(&mut reader, &mapping, node);
    mapping.hash = hash::of(&mapping);
    (mapping, reader.findings)
}

fn head(reader: &mut Reader, node: &Node) {
    if reader
        .count(node, "", "schema_version")
        .is_none_or(|version| version != SCHEMA)
    {
        let origin = field_reader::origin_of(node, "schema_version");
        let message = "the version of its form is missing or unknown";
        let action = format!("write schema_version = {SCHEMA}");
        reader.error(&origin, codes::MISSING_KEY, "schema_version", message, action);
    }
    reader.one_of(node, "", "crm", &["hubspot"]);
    reader.text(node, "", "name");
    reader.one_of(node, "", "extends", &["default"]);
}

fn zone(reader: &mut Reader, node: &Node) -> (String, TimeZone) {
    let name = reader.text(node, "", "time_zone").unwrap_or("UTC");
    match TimeZone::get(name) {
        Ok(zone) => (name.to_owned(), zone),
        Err(_) => {
            let origin = field_reader::origin_of(node, "time_zone");
            let message = format!("there is no time zone {name:?}");
            let action = "write a name of the IANA database such as America/Santiago";
            reader.error(&origin, codes::UNKNOWN_WORD, "time_zone", message, action);
            ("UTC".to_owned(), TimeZone::UTC)
        }
    }
}

/// One of the named values of a key.
fn named<T: Copy>(reader: &mut Reader, node: &Node, path: &str, key: &str, known: &[(&str, T)]) -> Option<T> {
    let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
    let text = reader.one_of(node, path, key, &names)?;
    known.iter().find(|(name, _)| *name == text).map(|(_, value)| *value)
}

fn portal(reader: &mut Reader, node: &Node) -> (Vec<(String, Origin)>, Shared) {
    let mut shared = Shared {
        group: ("whatsapp".to_owned(), "WhatsApp".to_owned()),
    };
    let Some(portal) = node.get("portal") else {
        return (Vec::new(), shared);
    };
    reader.closed(portal, "portal", &["currencies", "group", "group_label"]);
    let currencies = reader.texts(portal, "portal", "currencies");
    for (code, origin) in &currencies {
        if !is_currency(code) {
            let message = format!("there is no currency {code:?}");
            let action = "write ISO 4217 codes such as CLP";
            reader.error(origin, codes::UNKNOWN_WORD, "portal.currencies", message, action);
        }
    }
    if let Some(name) = reader.text(portal, "portal", "group") {
        name.clone_into(&mut shared.group.0);
    }
    if let Some(label) = reader.text(portal, "portal", "group_label") {
        label.clone_into(&mut shared.group.1);
    }
    (currencies, shared)
}

fn languages(reader: &mut Reader, node: &Node) -> BTreeMap<String, String> {
    let mut languages = BTreeMap::new();
    for (tag, _) in node.entries() {
        if let Some(value) = reader.text(node, "languages", tag) {
            languages.insert(tag.replace('_', "-"), value.to_owned());
        }
    }
    languages
}

fn catalogues(reader: &mut Reader, node: &Node) -> BTreeMap<String, Catalogue> {
    let catalogue = |(name, node): (&str, &Node)| {
        let path = under("catalogues", name);
        (name.to_owned(), Catalogue::read(reader, node, &path))
    };
    node.entries().into_iter().map(catalogue).collect()
}

fn fields(reader: &mut Reader, object: Object, node: &Node, shared: &Shared) -> Vec<Field> {
    reader.closed(node, object.as_str(), &["fields"]);
    let Some(fields) = node.get("fields") else {
        return Vec::new();
    };
    // A CRM takes names in any letters for the same.
    let mut seen: BTreeMap<String, &str> = BTreeMap::new();
    let mut found = Vec::new();
    for (name, node) in fields.entries() {
        let path = under(object.as_str(), name);
        if let Some(other) = seen.insert(name.to_ascii_lowercase(), name) {
            let message = format!("{name} and {other} are one property");
            reader.error(
                &node.origin,
                codes::DUPLICATE_FIELD,
                &path,
                message,
                "remove one of the two",
            );
        }
        found.extend(field_reader::read(reader, object, name, node, shared));
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    found
}

fn policy(reader: &mut Reader, root: &Node, node: &Node, rule_nodes: &Node) -> Policy {
    let path = "policy";
    reader.closed(
        node,
        path,
        &["tickets", "timeline", "deals", "first_response_target", "language"],
    );
    let deals = match node.get("deals") {
        Some(deals) => {
            let path = "policy.deals";
            reader.closed(deals, path, &["referral", "tags", "intents"]);
            let texts = |reader: &mut Reader, key| -> Vec<String> {
                reader
                    .texts(deals, path, key)
                    .into_iter()
                    .map(|(text, _)| text)
                    .collect()
            };
            DealPolicy {
                referral: reader.flag(deals, path, "referral").unwrap_or(false),
                tags: texts(reader, "tags"),
                intents: texts(reader, "intents"),
            }
        }
        None => DealPolicy::default(),
    };
    if rule_nodes.list().is_empty() && root.get("rules").is_some_and(|rules| rules.list().is_empty()) {
        reader.wrong(rule_nodes, "rules", "[[rules]], tables of a list");
    }
    Policy {
        tickets: reader.flag(node, path, "tickets").unwrap_or(true),
        timeline: named(reader, node, path, "timeline", &TIMELINES).unwrap_or(Timeline::Messages),
        deals,
        first_response_target: reader.count(node, path, "first_response_target"),
        language: named(reader, node, path, "language", &LANGUAGES).unwrap_or(Language::Es),
        rules: rules::read(reader, rule_nodes),
    }
}

/// The currencies that a tree names.
pub(super) fn currencies_of(node: &Node) -> BTreeSet<String> {
    let currencies = node.get("portal").and_then(|portal| portal.get("currencies"));
    let codes = currencies.map(Node::list).unwrap_or_default().iter();
    codes.filter_map(Node::text).map(str::to_owned).collect()
}

/// Whether a file name is an overlay's: its country.
pub(super) fn country_of(file: &str) -> Option<&str> {
    let country = file.strip_suffix(".toml")?;
    super::transform::is_country(country).then_some(country)
}

/// What to name a file that is neither.
pub(super) fn file_instead(file: &str) -> String {
    format!(
        "{}; overlays are named after a country: CL.toml",
        instead(file, &["mapping.toml"])
    )
}
