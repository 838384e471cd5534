//! Files of a mapping, laid over one another: the built-in ones where they are extended, the base, the overlay.

use super::compile::{compile, country_of, currencies_of, file_instead};
use super::finding::{Finding, Findings, Origin, Severity, codes};
use super::node::Node;
use super::reader::Reader;
use super::{Mapping, Mappings};
use std::collections::{BTreeMap, BTreeSet};

const BASE: &str = "mapping.toml";
/// Layer of a tenant's own base; 0 and 1 are the built-in ones.
const OWN: usize = 2;

/// The built-in mapping, by file.
const BUILT_IN: [(&str, &str); 7] = [
    ("default.toml", include_str!("../../mappings/hubspot/default.toml")),
    ("AR.toml", include_str!("../../mappings/hubspot/AR.toml")),
    ("BR.toml", include_str!("../../mappings/hubspot/BR.toml")),
    ("CL.toml", include_str!("../../mappings/hubspot/CL.toml")),
    ("CO.toml", include_str!("../../mappings/hubspot/CO.toml")),
    ("MX.toml", include_str!("../../mappings/hubspot/MX.toml")),
    ("PE.toml", include_str!("../../mappings/hubspot/PE.toml")),
];

/// The files of the built-in mapping, to read or to copy: name and text.
#[must_use]
pub fn built_in() -> &'static [(&'static str, &'static str)] {
    &BUILT_IN
}

/// The trees of a mapping.
struct Trees {
    built_in: Option<(Node, BTreeMap<String, Node>)>,
    base: Node,
    overlays: BTreeMap<String, Node>,
}

/// The mapping of these files and all that is wrong with it; it is none where an error forbids its use.
#[must_use]
pub fn validate(files: &[(String, String)]) -> (Option<Mappings>, Findings) {
    let mut findings = Findings::default();
    let (known, others): (Vec<_>, Vec<_>) = files
        .iter()
        .map(|(file, text)| (file.as_str(), text.as_str()))
        .partition(|(file, _)| *file == BASE || country_of(file).is_some());
    for (file, _) in others {
        findings.add(unknown(file));
    }
    let (base, overlays) = parse("", &known, OWN, &mut findings);
    let Some(base) = base else {
        if !files.iter().any(|(file, _)| file == BASE) {
            findings.add(missing());
        }
        return (None, findings);
    };
    let extends = base.get("extends").is_some();
    let trees = Trees {
        built_in: if extends { built_in_trees(&mut findings) } else { None },
        base,
        overlays,
    };
    let mappings = trees.compile(&mut findings);
    let usable = !findings.has_errors();
    (usable.then_some(mappings), findings)
}

/// The built-in mapping for a home country and others; for all that there are without one.
pub(super) fn default_for(home: Option<&str>, countries: &[&str]) -> Result<Mappings, Findings> {
    let mut text = "schema_version = 1\nextends = \"default\"\nname = \"default\"\n".to_owned();
    if let Some(home) = home {
        let all: BTreeSet<&str> = countries.iter().copied().chain([home]).collect();
        let all: Vec<&str> = all.into_iter().collect();
        text = format!("{text}home = {home:?}\ncountries = {all:?}\n");
    }
    match validate(&[(BASE.to_owned(), text)]) {
        (Some(mappings), _) => Ok(mappings),
        (None, findings) => Err(findings),
    }
}

fn built_in_trees(findings: &mut Findings) -> Option<(Node, BTreeMap<String, Node>)> {
    let (base, overlays) = parse("hubspot/", &BUILT_IN, 0, findings);
    base.map(|base| (base, overlays))
}

/// The base of files and their overlays by country, one layer above it.
fn parse(
    folder: &str,
    files: &[(&str, &str)],
    layer: usize,
    findings: &mut Findings,
) -> (Option<Node>, BTreeMap<String, Node>) {
    let mut base = None;
    let mut overlays = BTreeMap::new();
    for (file, text) in files {
        let country = country_of(file);
        match Node::parse(&format!("{folder}{file}"), text, layer + usize::from(country.is_some())) {
            Err(finding) => findings.add(*finding),
            Ok(node) => match country {
                Some(country) => drop(overlays.insert(country.to_owned(), node)),
                None => base = Some(node),
            },
        }
    }
    (base, overlays)
}

impl Trees {
    fn compile(&self, findings: &mut Findings) -> Mappings {
        let mut reader = Reader::default();
        let home = reader.text(&self.base, "", "home").map(str::to_owned);
        let chosen = reader.texts(&self.base, "", "countries");
        let mut countries: BTreeSet<String> = self.overlays.keys().cloned().collect();
        if let Some((_, overlays)) = &self.built_in {
            countries.extend(overlays.keys().cloned());
        }
        if self.base.get("countries").is_some() {
            countries.retain(|country| chosen.iter().any(|(one, _)| one == country));
        }
        let trees: BTreeMap<&String, Node> = countries
            .iter()
            .map(|country| (country, self.laid(Some(country))))
            .collect();
        let base = self.laid(None);
        let mut currencies = currencies_of(&base);
        currencies.extend(trees.values().flat_map(currencies_of));
        let name = self
            .base
            .get("name")
            .and_then(Node::text)
            .unwrap_or("custom")
            .to_owned();
        let mut make = |node: &Node, name: &str| {
            let (mapping, found) = compile(node, name, &currencies);
            reader.findings.extend(found);
            mapping
        };
        let base = make(&base, &name);
        let overlays: BTreeMap<String, Mapping> = trees
            .into_iter()
            .map(|(country, node)| (country.clone(), make(&node, &format!("{name}+{country}"))))
            .collect();
        for mapping in overlays.values() {
            same_types(&mut reader, &base, mapping);
        }
        findings.extend(reader.findings);
        let home = home.filter(|home| overlays.contains_key(home));
        Mappings { base, overlays, home }
    }

    /// What is the user's lies over what is built in.
    fn laid(&self, country: Option<&String>) -> Node {
        let mut node = match &self.built_in {
            None => Node::empty(BASE),
            Some((base, overlays)) => {
                let mut node = base.clone();
                if let Some(overlay) = country.and_then(|country| overlays.get(country)) {
                    node.overlay(overlay.clone());
                }
                node
            }
        };
        node.overlay(self.base.clone());
        if let Some(overlay) = country.and_then(|country| self.overlays.get(country)) {
            node.overlay(overlay.clone());
        }
        node
    }
}

/// A portal has one property of a name, whatever the country of a record.
fn same_types(reader: &mut Reader, base: &Mapping, overlay: &Mapping) {
    for (object, fields) in &overlay.fields {
        for field in fields {
            let other = base
                .fields
                .get(object)
                .and_then(|fields| fields.iter().find(|it| it.name == field.name));
            if let Some(other) = other.filter(|other| other.kind != field.kind) {
                let path = format!("{}.{}", object.as_str(), field.name);
                let message = format!(
                    "it is a {} in the base and a {} here",
                    other.kind.as_str(),
                    field.kind.as_str()
                );
                let action = "a portal has one type for it: write the same one";
                reader.error(&field.origin, codes::WRONG_TYPE, &path, message, action);
            }
        }
    }
}

fn unknown(file: &str) -> Finding {
    Finding {
        origin: at_top(file),
        severity: Severity::Error,
        code: codes::UNKNOWN_FILE,
        field: String::new(),
        message: format!("{file:?} is no file of a mapping"),
        action: file_instead(file),
    }
}

fn missing() -> Finding {
    Finding {
        origin: at_top(BASE),
        severity: Severity::Error,
        code: codes::UNKNOWN_FILE,
        field: String::new(),
        message: format!("there is no {BASE}"),
        action: "write one with schema_version = 1 and extends = \"default\"".to_owned(),
    }
}

fn at_top(file: &str) -> Origin {
    Origin {
        file: file.to_owned(),
        line: 1,
    }
}
