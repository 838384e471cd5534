//! What only the whole mapping shows: holes of catalogues, options, references, properties that a CRM needs.

use super::Mapping;
use super::catalogue::Catalogue;
use super::field::{Field, Type};
use super::finding::{Origin, codes};
use super::native::{LONGEST_LABEL, native, needed};
use super::node::Node;
use super::reader::{Reader, instead, under};
use super::reference::Reference;
use super::transform::OWNERS;
use super::words::vocabulary;
use super::{field_reader::origin_of, pipeline};
use crate::values::{Kind, Object};
use std::collections::BTreeSet;

pub(super) fn check(reader: &mut Reader, mapping: &Mapping, root: &Node) {
    let mut used = BTreeSet::from([OWNERS]);
    for (object, fields) in &mapping.fields {
        required(reader, mapping, *object, fields, root);
        for field in fields {
            let path = under(object.as_str(), &field.name);
            let node = node_of(root, *object, &field.name);
            used.extend(field.transforms.iter().filter_map(|step| step.catalogue()));
            catalogues(reader, mapping, field, &path, root, node);
            values(reader, mapping, field, *object, &path, node);
            labels(reader, field, mapping, &path, node);
        }
    }
    let all = root.get("catalogues").map(Node::entries).unwrap_or_default();
    for (name, node) in all.into_iter().filter(|(name, _)| !used.contains(name)) {
        let message = "no field uses it";
        let path = under("catalogues", name);
        reader.warning(
            &node.origin,
            codes::NEVER_USED,
            &path,
            message,
            format!("use map:{name}, or remove it"),
        );
    }
}

fn node_of<'a>(root: &'a Node, object: Object, field: &str) -> &'a Node {
    let node = root
        .get(object.as_str())
        .and_then(|node| node.get("fields")?.get(field));
    node.unwrap_or(root)
}

/// A CRM refuses records without some properties.
fn required(reader: &mut Reader, mapping: &Mapping, object: Object, fields: &[Field], root: &Node) {
    let wanted = !fields.is_empty() || (object == Object::Ticket && mapping.policy.tickets);
    for native in needed(object).filter(|_| wanted) {
        let path = under(object.as_str(), native.name);
        let Some(field) = fields.iter().find(|field| field.name == native.name) else {
            let origin = &root.get(object.as_str()).unwrap_or(root).origin;
            let message = format!("HubSpot refuses a {} without it", object.as_str());
            let action = format!("write [{}.fields.{}]", object.as_str(), native.name);
            reader.error(origin, codes::MISSING_FIELD, &path, message, action);
            continue;
        };
        // A property that others fill later is missing on the day on which the record is made.
        if field.write == "if_empty" && field.value.is_none() && field.otherwise.is_none() {
            let message = "it may have no value on the day on which the record is made";
            reader.warning(
                &field.origin,
                codes::MISSING_FIELD,
                &path,
                message,
                "write otherwise = …",
            );
        }
    }
}

/// Every catalogue that a field names has to be there and know all words of its sources.
fn catalogues(reader: &mut Reader, mapping: &Mapping, field: &Field, path: &str, root: &Node, node: &Node) {
    for (place, step) in field.transforms.iter().enumerate() {
        let Some(name) = step.catalogue() else { continue };
        let Some(catalogue) = mapping.catalogues.get(name) else {
            let names: Vec<&str> = mapping.catalogues.keys().map(String::as_str).collect();
            let message = format!("there is no catalogue {name:?}");
            let origin = origin_of(node, "transform");
            reader.error(&origin, codes::UNKNOWN_CATALOGUE, path, message, instead(name, &names));
            continue;
        };
        // Behind another step the words are no longer those of the source.
        if place > 0 {
            continue;
        }
        for source in field.from.iter().filter(|source| source.kind == Kind::Word) {
            if let Some(words) = vocabulary(source.name).filter(|vocabulary| vocabulary.closed) {
                let place = root.get("catalogues").and_then(|all| all.get(name)).unwrap_or(root);
                let path = under("catalogues", name);
                catalogue.covers(reader, &path, place, source.name, words.words);
            }
        }
    }
}

/// All that a field can hold of itself, with where it stands.
fn possible<'a>(mapping: &'a Mapping, field: &'a Field, node: &Node) -> Vec<(&'a str, Origin, bool)> {
    let constant = |key: &str, value: &'a Option<String>| {
        let value = value.as_deref()?;
        Some((value, origin_of(node, key), false))
    };
    let mut all: Vec<_> = [constant("value", &field.value), constant("otherwise", &field.otherwise)]
        .into_iter()
        .flatten()
        .collect();
    if let Some(catalogue) = last_catalogue(mapping, field) {
        let entries = catalogue.entries().filter(|(_, entry)| !entry.value.is_empty());
        all.extend(entries.map(|(_, entry)| (entry.value.as_str(), entry.origin.clone(), true)));
    }
    all
}

/// The catalogue whose values come out at the end.
fn last_catalogue<'a>(mapping: &'a Mapping, field: &'a Field) -> Option<&'a Catalogue> {
    mapping.catalogues.get(field.catalogue()?)
}

fn values(reader: &mut Reader, mapping: &Mapping, field: &Field, object: Object, path: &str, node: &Node) {
    let own = native(object, &field.name);
    for (value, origin, catalogued) in possible(mapping, field, node) {
        pipeline::check(reader, &mapping.pipelines, object, value, &origin, path);
        if let Some(own) = own.filter(|own| !own.options.is_empty() && !own.options.contains(&value)) {
            let message = format!("HubSpot's {} has no option {value:?}", field.name);
            reader.error(
                &origin,
                codes::UNKNOWN_OPTION,
                path,
                message,
                instead(value, own.options),
            );
        }
        let options = &field.options;
        let declared = field.declared && !options.iter().any(|option| option.value == value);
        if declared && Reference::of(value).is_none() {
            let known: Vec<&str> = options.iter().map(|option| option.value.as_str()).collect();
            let message = format!("{value:?} is none of its options");
            reader.error(&origin, codes::UNKNOWN_OPTION, path, message, instead(value, &known));
        }
        if catalogued && !field.kind.takes(value) {
            let message = format!("{value:?} is no {}", field.kind.as_str());
            reader.error(&origin, codes::BAD_VALUE, path, message, "write a value of the type");
        }
        if value.chars().count() > LONGEST_LABEL && field.kind == Type::Enumeration {
            let message = format!("an option has {LONGEST_LABEL} characters at most");
            reader.error(&origin, codes::TOO_LONG, path, message, "write a shorter one");
        }
        if field.name == "deal_currency_code" && !mapping.currencies.contains(value) {
            let message = format!("{value} is none of the portal's currencies");
            let action = format!("enable it in the portal and write it in portal.currencies, or remove {value}");
            reader.error(&origin, codes::DISABLED_CURRENCY, path, message, action);
        }
    }
}

/// An enumeration that is made has options, and each option a label.
fn labels(reader: &mut Reader, field: &Field, mapping: &Mapping, path: &str, node: &Node) {
    if field.kind != Type::Enumeration || field.create.is_none() {
        return;
    }
    if field.options.is_empty() {
        let message = "an enumeration of ours needs options";
        let action = "write map:CATALOGUE as its last transform, or options = { value = \"label\" }";
        reader.error(&field.origin, codes::NO_OPTIONS, path, message, action);
    }
    for option in field.options.iter().filter(|option| option.label.trim().is_empty()) {
        let entry = last_catalogue(mapping, field)
            .and_then(|catalogue| catalogue.entries().find(|(_, entry)| entry.value == option.value));
        let origin = entry.map_or_else(|| origin_of(node, "options"), |(_, entry)| entry.origin.clone());
        let message = format!("people would see no name for {:?}", option.value);
        let action = format!("write {{ value = {:?}, label = \"…\" }}", option.value);
        reader.error(&origin, codes::OPTION_WITHOUT_LABEL, path, message, action);
    }
}
