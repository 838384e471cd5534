//! Reading of bodies: what is no text where text is wanted is refused, as the real one does.

use crate::{
    association::{self, Place},
    failure::Failure,
    object::Object,
    portal::Portal,
    table::Properties,
};
use serde_json::{Map, Value};

pub(crate) type Fields = Map<String, Value>;

pub(crate) fn fields<'a>(value: &'a Value, what: &str) -> Result<&'a Fields, Failure> {
    value
        .as_object()
        .ok_or_else(|| Failure::form(format!("Cannot deserialize value of `{what}`: it is no object")))
}

/// A text that may be missing.
pub(crate) fn text<'a>(fields: &'a Fields, name: &str) -> Result<Option<&'a str>, Failure> {
    match fields.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(Failure::form(format!(
            "Cannot deserialize value of type `java.lang.String` for {name}"
        ))
        .with_context("propertyName", [name])),
    }
}

/// A text that must be there.
pub(crate) fn needed<'a>(fields: &'a Fields, name: &str) -> Result<&'a str, Failure> {
    text(fields, name)?
        .filter(|text| !text.is_empty())
        .ok_or_else(|| unset(name))
}

/// The refusal of a body without a field.
pub(crate) fn unset(name: &str) -> Failure {
    Failure::form(format!("Some required fields were not set: [{name}]"))
}

/// A list that must be there.
pub(crate) fn list<'a>(fields: &'a Fields, name: &str) -> Result<&'a [Value], Failure> {
    match fields.get(name) {
        Some(Value::Array(list)) => Ok(list),
        None | Some(Value::Null) => Err(unset(name)),
        Some(_) => Err(Failure::form(format!(
            "Cannot deserialize value of `{name}`: it is no list"
        ))),
    }
}

/// Texts of a list that may be missing.
pub(crate) fn texts<'a>(fields: &'a Fields, name: &str) -> Result<Vec<&'a str>, Failure> {
    if !fields.contains_key(name) {
        return Ok(Vec::new());
    }
    list(fields, name)?
        .iter()
        .map(|one| {
            one.as_str()
                .ok_or_else(|| Failure::form(format!("Cannot deserialize value of `{name}`: it is no text")))
        })
        .collect()
}

/// Properties: every value is a text.
pub(crate) fn properties(fields: &Fields) -> Result<Properties, Failure> {
    let given = match fields.get("properties") {
        None | Some(Value::Null) => return Err(unset("properties")),
        Some(given) => self::fields(given, "properties")?,
    };
    given
        .iter()
        .map(|(name, value)| match value {
            Value::String(value) => Ok((name.clone(), value.clone())),
            _ => Err(Failure::form(format!(
                "Cannot deserialize value of type `java.lang.String` for the property {name}"
            ))
            .with_context("propertyName", [name.as_str()])),
        })
        .collect()
}

/// Id of a record as addresses and bodies have it.
pub(crate) fn id(text: &str) -> Result<u64, Failure> {
    text.parse().map_err(|_| Failure::no_record(text))
}

/// The record that an id stands for: its own id, or a value of a unique property.
pub(crate) fn find(portal: &Portal, object: Object, by: Option<&str>, value: &str) -> Result<u64, Failure> {
    let table = portal.table(object);
    let found = match by.filter(|by| *by != "hs_object_id") {
        None => id(value)?,
        Some(by) => {
            unique(portal, object, by)?;
            let holder = table.and_then(|table| table.holder(by, value));
            holder.ok_or_else(|| Failure::no_record(value))?
        }
    };
    portal
        .record((object, found))
        .map(|record| record.id)
        .ok_or_else(|| Failure::no_record(value))
}

/// Refuses a property whose values are not unique as the way to a record.
pub(crate) fn unique(portal: &Portal, object: Object, by: &str) -> Result<(), Failure> {
    if portal.table(object).is_some_and(|table| table.is_unique(by)) {
        return Ok(());
    }
    Err(Failure::invalid(format!(
        "The idProperty {by} of {} does not exist or has no unique values",
        object.name()
    ))
    .with_context("idProperty", [by]))
}

/// Types of an association of one object with another.
pub(crate) fn types(value: &[Value], from: Object, to: Object) -> Result<Vec<u32>, Failure> {
    if value.is_empty() {
        return Err(unset("types"));
    }
    value
        .iter()
        .map(|one| {
            let (fits, type_id) = one_type(fields(one, "types")?, from)?;
            if fits == to {
                return Ok(type_id);
            }
            Err(unfit(type_id, from, to.name()))
        })
        .collect()
}

fn one_type(one: &Fields, from: Object) -> Result<(Object, u32), Failure> {
    let category = needed(one, "associationCategory")?;
    if !["HUBSPOT_DEFINED", "USER_DEFINED", "INTEGRATOR_DEFINED", "WORK"].contains(&category) {
        return Err(Failure::form(format!(
            "Cannot deserialize value of associationCategory: {category}"
        )));
    }
    let type_id = one
        .get("associationTypeId")
        .and_then(Value::as_u64)
        .and_then(|type_id| u32::try_from(type_id).ok())
        .ok_or_else(|| Failure::form("associationTypeId is no integer"))?;
    let to = association::leads_to(from, type_id).filter(|_| category == "HUBSPOT_DEFINED");
    Ok((to.ok_or_else(|| unfit(type_id, from, "any object"))?, type_id))
}

fn unfit(type_id: u32, from: Object, to: &str) -> Failure {
    Failure::invalid(format!(
        "The association type {type_id} does not exist between {} and {to}",
        from.name()
    ))
    .sub("crm.associations.INVALID_ASSOCIATION_TYPE")
}

/// Associations that a new record is created with.
pub(crate) fn links(portal: &Portal, from: Object, fields: &Fields) -> Result<Vec<(Place, u32)>, Failure> {
    let mut links = Vec::new();
    if matches!(fields.get("associations"), None | Some(Value::Null)) {
        return Ok(links);
    }
    for one in list(fields, "associations")? {
        let one = self::fields(one, "associations")?;
        let to = self::fields(one.get("to").ok_or_else(|| unset("to"))?, "to")?;
        let to_id = needed(to, "id")?;
        let types = list(one, "types")?;
        if types.is_empty() {
            return Err(unset("types"));
        }
        for one in types {
            let (object, type_id) = one_type(self::fields(one, "types")?, from)?;
            let id = to_id.parse().ok().and_then(|id| portal.record((object, id)));
            let id = id.map(|record| record.id).ok_or_else(|| no_such(object, to_id))?;
            links.push(((object, id), type_id));
        }
    }
    Ok(links)
}

/// The refusal of an association with a record that is not there.
pub(crate) fn no_such(object: Object, id: &str) -> Failure {
    let named = format!("{}={id}", object.shouted());
    Failure::invalid(format!("{named} is not valid"))
        .sub("crm.associations.INVALID_OBJECT_IDS")
        .with_context("INVALID_OBJECT_IDS", [named.as_str()])
}
