//! Properties and their groups.

use super::{Call, input};
use crate::{
    answer::Answer,
    definition::{Choice, Definition, Kind, Outside},
    failure::Failure,
    object::Object,
    path::Version,
    portal::Portal,
};
use axum::http::Method;
use hilo_domain::time::to_rfc3339;
use serde_json::{Value, json};

/// Properties with unique values that an object may have.
const UNIQUE: usize = 10;

pub(super) fn call(portal: &mut Portal, call: &Call<'_>, object: Object, rest: &[&str]) -> Result<Answer, Failure> {
    match (call.method, rest) {
        (&Method::GET, []) => {
            let all = portal
                .table(object)
                .into_iter()
                .flat_map(|table| table.definitions.values());
            let all: Vec<Value> = all.map(json).collect();
            Ok(Answer::json(200, json!({"results": all})))
        }
        (&Method::POST, []) => {
            let body = call.json()?;
            let value = create(portal, object, input::fields(&body, "body")?)?;
            Ok(Answer::json(201, value))
        }
        (&Method::GET, ["groups"]) => {
            let groups = portal.table(object).into_iter().flat_map(|table| &table.groups);
            let groups: Vec<Value> = groups.map(|(name, label)| group(name, label)).collect();
            Ok(Answer::json(200, json!({"results": groups})))
        }
        (&Method::POST, ["groups"]) => {
            let body = call.json()?;
            let fields = input::fields(&body, "body")?;
            let (name, label) = (input::needed(fields, "name")?, input::needed(fields, "label")?);
            let groups = &mut portal.table_mut(object).groups;
            if groups.contains_key(name) {
                return Err(exists(format!("A property group named '{name}' already exists.")));
            }
            groups.insert(name.to_owned(), label.to_owned());
            Ok(Answer::json(201, group(name, label)))
        }
        (&Method::POST, ["batch", what @ ("create" | "read" | "archive")]) => batch(portal, call, object, what),
        (&Method::GET, [name]) => match portal.table(object).and_then(|table| table.definitions.get(*name)) {
            Some(definition) => Ok(Answer::json(200, json(definition))),
            None => Err(no_such(name)),
        },
        (&Method::PATCH, [name]) => {
            let body = call.json()?;
            change(portal, object, name, input::fields(&body, "body")?)
        }
        (&Method::DELETE, [name]) => {
            remove(portal, object, name)?;
            Ok(Answer::none())
        }
        _ => Err(Failure::no_address()),
    }
}

fn batch(portal: &mut Portal, call: &Call<'_>, object: Object, what: &str) -> Result<Answer, Failure> {
    let body = call.json()?;
    let started = portal.now();
    let (mut results, mut errors) = (Vec::new(), Vec::new());
    for one in input::list(input::fields(&body, "body")?, "inputs")? {
        let fields = input::fields(one, "inputs")?;
        let name = input::needed(fields, "name")?;
        let done = match what {
            "create" => create(portal, object, fields),
            "archive" => remove(portal, object, name).map(|()| Value::Null),
            _ => match portal.table(object).and_then(|table| table.definitions.get(name)) {
                Some(definition) => Ok(json(definition)),
                None => Err(no_such(name)),
            },
        };
        match done {
            Ok(value) => results.push(value),
            Err(failure) => errors.push(failure.with_context("name", [name]).item(name, None)),
        }
    }
    if what == "archive" {
        return Ok(Answer::none());
    }
    let status = if what == "create" { 201 } else { 200 };
    Ok(super::batch::complete(portal, status, started, results, errors))
}

fn create(portal: &mut Portal, object: Object, fields: &input::Fields) -> Result<Value, Failure> {
    let [name, label, group, kind_name, form] =
        ["name", "label", "groupName", "type", "fieldType"].map(|name| input::needed(fields, name));
    let (name, label, group, kind_name, form) = (name?, label?, group?, kind_name?, form?);
    let table = portal.table(object);
    let definitions = table.map(|table| &table.definitions);
    if definitions.is_some_and(|all| all.contains_key(name)) {
        return Err(exists(format!("A property named '{name}' already exists.")));
    }
    let mut letters = name.bytes();
    let begins = letters.next().is_some_and(|one| one.is_ascii_lowercase());
    if !begins
        || !letters.all(|one| one.is_ascii_lowercase() || one.is_ascii_digit() || one == b'_')
        || name.starts_with("hs_")
    {
        return Err(Failure::invalid(format!(
            "The name {name} is not allowed: it begins with a lower-case letter, has letters, digits and underscores only, \
             and hs_ is HubSpot's own"
        )));
    }
    if !table.is_some_and(|table| table.groups.contains_key(group)) {
        return Err(
            Failure::invalid(format!("The property group {group} does not exist")).with_context("groupName", [group])
        );
    }
    let kind = Kind::named(kind_name)
        .filter(|kind| kind.forms().contains(&form))
        .ok_or_else(|| Failure::invalid(format!("The fieldType {form} does not fit the type {kind_name}")))?;
    let unique = flag(fields, "hasUniqueValue")?;
    if unique && !matches!(kind, Kind::String | Kind::Number) {
        return Err(Failure::invalid(format!(
            "A property of the type {kind_name} cannot have unique values"
        )));
    }
    let many = definitions.map_or(0, |all| all.values().filter(|one| one.unique && !one.built_in).count());
    if unique && many >= UNIQUE {
        return Err(Failure::invalid(format!(
            "{} have {UNIQUE} properties with unique values already",
            object.name()
        )));
    }
    let options = choices(fields, kind)?;
    let now = portal.now();
    let sensitivity = input::text(fields, "dataSensitivity")?.unwrap_or("non_sensitive");
    if !["non_sensitive", "sensitive", "highly_sensitive"].contains(&sensitivity) {
        return Err(Failure::invalid(format!("There is no dataSensitivity {sensitivity}")));
    }
    let definition = Definition {
        name: name.to_owned(),
        label: label.to_owned(),
        kind,
        form: form.to_owned(),
        group: group.to_owned(),
        description: input::text(fields, "description")?.unwrap_or_default().to_owned(),
        options,
        outside: Outside::No,
        unique,
        read_only: false,
        built_in: false,
        hidden: flag(fields, "hidden")?,
        form_field: flag(fields, "formField")?,
        display_order: fields.get("displayOrder").and_then(Value::as_i64).unwrap_or(-1),
        sensitivity: sensitivity.to_owned(),
        created_at: now,
        updated_at: now,
    };
    let value = json(&definition);
    portal.table_mut(object).define(definition);
    Ok(value)
}

fn flag(fields: &input::Fields, name: &str) -> Result<bool, Failure> {
    match fields.get(name) {
        None | Some(Value::Null) => Ok(false),
        Some(Value::Bool(flag)) => Ok(*flag),
        Some(_) => Err(Failure::form(format!("{name} is neither true nor false"))),
    }
}

fn choices(fields: &input::Fields, kind: Kind) -> Result<Vec<Choice>, Failure> {
    let mut choices: Vec<Choice> = Vec::new();
    if !matches!(fields.get("options"), None | Some(Value::Null)) {
        for (one, order) in input::list(fields, "options")?.iter().zip(0..) {
            let one = input::fields(one, "options")?;
            let choice = Choice {
                label: input::needed(one, "label")?.to_owned(),
                value: input::needed(one, "value")?.to_owned(),
                display_order: one.get("displayOrder").and_then(Value::as_i64).unwrap_or(order),
                hidden: one
                    .get("hidden")
                    .and_then(Value::as_bool)
                    .ok_or_else(|| input::unset("hidden"))?,
            };
            if choices
                .iter()
                .any(|other| other.value == choice.value || other.label == choice.label)
            {
                return Err(Failure::invalid(format!(
                    "The option {} stands twice: values and labels must be unique",
                    choice.value
                )));
            }
            choices.push(choice);
        }
    }
    match kind {
        Kind::Enumeration if choices.is_empty() => Err(input::unset("options")),
        Kind::Enumeration | Kind::Bool => Ok(choices),
        _ if choices.is_empty() => Ok(choices),
        _ => Err(Failure::invalid("Only enumerations have options")),
    }
}

fn change(portal: &mut Portal, object: Object, name: &str, fields: &input::Fields) -> Result<Answer, Failure> {
    let before = portal.table(object).and_then(|table| table.definitions.get(name));
    let mut definition = before.cloned().ok_or_else(|| no_such(name))?;
    if let Some(unchangeable) = ["name", "hasUniqueValue", "dataSensitivity"]
        .iter()
        .find(|one| fields.contains_key(**one))
    {
        return Err(Failure::invalid(format!(
            "{unchangeable} of a property cannot be changed"
        )));
    }
    let kind = match input::text(fields, "type")? {
        Some(kind) => Kind::named(kind).ok_or_else(|| Failure::invalid(format!("There is no type {kind}")))?,
        None => definition.kind,
    };
    if kind != definition.kind {
        return Err(Failure::invalid(
            "The type of a property that has values cannot be changed",
        ));
    }
    if let Some(label) = input::text(fields, "label")? {
        label.clone_into(&mut definition.label);
    }
    if let Some(description) = input::text(fields, "description")? {
        description.clone_into(&mut definition.description);
    }
    if fields.contains_key("options") {
        definition.options = choices(fields, kind)?;
    }
    definition.updated_at = portal.now();
    let value = json(&definition);
    portal.table_mut(object).define(definition);
    Ok(Answer::json(200, value))
}

fn remove(portal: &mut Portal, object: Object, name: &str) -> Result<(), Failure> {
    match portal.table(object).and_then(|table| table.definitions.get(name)) {
        Some(definition) if definition.built_in => Err(Failure::invalid(format!(
            "{name} is HubSpot's own and cannot be archived"
        ))),
        Some(_) => {
            portal.table_mut(object).undefine(name);
            Ok(())
        }
        None => Err(no_such(name)),
    }
}

fn exists(message: String) -> Failure {
    Failure::new(409, "OBJECT_ALREADY_EXISTS", message)
}

fn no_such(name: &str) -> Failure {
    Failure::new(404, "OBJECT_NOT_FOUND", format!("Property {name} does not exist"))
        .with_context("propertyName", [name])
}

fn group(name: &str, label: &str) -> Value {
    json!({"name": name, "label": label, "displayOrder": -1, "archived": false})
}

fn json(one: &Definition) -> Value {
    json!({
        "name": one.name, "label": one.label, "type": one.kind, "fieldType": one.form, "groupName": one.group,
        "description": one.description, "options": one.options, "displayOrder": one.display_order,
        "hasUniqueValue": one.unique, "hidden": one.hidden, "formField": one.form_field,
        "externalOptions": one.outside != Outside::No, "hubspotDefined": one.built_in, "calculated": false,
        "archived": false, "dataSensitivity": one.sensitivity,
        "createdAt": to_rfc3339(one.created_at), "updatedAt": to_rfc3339(one.updated_at),
        "modificationMetadata": {
            "archivable": !one.built_in, "readOnlyDefinition": one.built_in, "readOnlyOptions": one.built_in,
            "readOnlyValue": one.read_only,
        },
    })
}

/// The rules that bind values, by property.
pub(super) fn validations(portal: &Portal, version: Version, object: Object) -> Vec<Value> {
    let rules = portal
        .rules
        .iter()
        .filter(|rule| rule.object == object && version == Version::Dated2609);
    rules
        .map(|rule| {
            json!({
                "propertyName": rule.required,
                "propertyValidationRules": [{
                    "ruleType": "REQUIRED",
                    "ruleArguments": rule.when.as_ref().map(|(name, value)| vec![name, value]).unwrap_or_default(),
                }],
            })
        })
        .collect()
}
