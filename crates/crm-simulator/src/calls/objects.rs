//! Records one by one: create, read, change, archive, merge, erase.

use super::{Call, associations, batch, input, search};
use crate::{
    answer::Answer,
    failure::Failure,
    object::Object,
    path::Version,
    portal::Portal,
    table::{Properties, Record},
};
use axum::http::Method;
use hilo_domain::time::to_rfc3339;
use serde_json::{Map, Value, json};

/// Records on a page of the list.
const PAGE: usize = 100;

pub(super) fn call(portal: &mut Portal, call: &Call<'_>, object: Object, rest: &[&str]) -> Result<Answer, Failure> {
    let by = call.param("idProperty");
    match (call.method, rest) {
        (&Method::GET, []) => list(portal, call, object),
        (&Method::POST, []) => {
            let body = call.json()?;
            let fields = input::fields(&body, "body")?;
            let given = input::properties(fields)?;
            let id = create(portal, call.version, object, fields, &given)?;
            answer(portal, 201, object, id, &given)
        }
        (&Method::POST, ["batch", what]) => batch::call(portal, call, object, what),
        (&Method::POST, ["search"]) => search::call(portal, call, object),
        (&Method::POST, ["merge"]) if object.can_merge() => merge(portal, call, object),
        (&Method::POST, ["gdpr-delete"]) => erase(portal, call, object),
        (&Method::GET, [id]) => read(portal, call, object, by, id),
        (&Method::PATCH, [id]) => {
            let body = call.json()?;
            let given = input::properties(input::fields(&body, "body")?)?;
            let id = input::find(portal, object, by, id)?;
            let id = portal.update(object, call.version, id, &given)?;
            answer(portal, 200, object, id, &given)
        }
        (&Method::DELETE, [id]) => {
            let id = match by {
                Some(_) => input::find(portal, object, by, id)?,
                None => input::id(id)?,
            };
            archive(portal, object, id)?;
            Ok(Answer::none())
        }
        (_, [id, "associations", rest @ ..]) => associations::of_record(portal, call, object, id, rest),
        _ => Err(Failure::no_address()),
    }
}

/// Creates a record with its associations. What stands on a timeline must stand on somebody's.
pub(super) fn create(
    portal: &mut Portal,
    version: Version,
    object: Object,
    fields: &input::Fields,
    given: &Properties,
) -> Result<u64, Failure> {
    let links = input::links(portal, object, fields)?;
    if object == Object::Communications && links.is_empty() {
        return Err(input::unset("associations"));
    }
    portal.create(object, version, given, &links)
}

fn answer(portal: &Portal, status: u16, object: Object, id: u64, given: &Properties) -> Result<Answer, Failure> {
    let record = portal
        .record((object, id))
        .ok_or_else(|| Failure::no_record(&id.to_string()))?;
    Ok(Answer::json(status, written(record, object, given.keys())))
}

/// A record after a change: what was written, and what the portal keeps itself.
pub(super) fn written<'a>(record: &Record, object: Object, names: impl Iterator<Item = &'a String>) -> Value {
    let names: Vec<&str> = names.map(String::as_str).collect();
    shown(record, object, &names, None)
}

/// A record with these properties; what has no value is null.
pub(super) fn shown(record: &Record, object: Object, names: &[&str], by: Option<&str>) -> Value {
    let (created, modified) = object.stamps();
    let mut properties: Map<String, Value> = names
        .iter()
        .chain(by.as_ref())
        .chain(&["hs_object_id", created, modified])
        .map(|name| ((*name).to_owned(), record.properties.get(*name).cloned().into()))
        .collect();
    if names.is_empty() && object == Object::Contacts {
        for name in ["email", "firstname", "lastname"] {
            properties.insert(name.to_owned(), record.properties.get(name).cloned().into());
        }
    }
    let mut value = json!({
        "id": record.id.to_string(), "properties": properties, "archived": record.archived_at.is_some(),
        "createdAt": to_rfc3339(record.created_at), "updatedAt": to_rfc3339(record.updated_at),
    });
    if let (Some(value), Some(at)) = (value.as_object_mut(), record.archived_at) {
        value.insert("archivedAt".to_owned(), to_rfc3339(at).into());
    }
    value
}

fn read(portal: &Portal, call: &Call<'_>, object: Object, by: Option<&str>, id: &str) -> Result<Answer, Failure> {
    let names = call.list("properties");
    if call.param("archived") == Some("true") {
        let record = portal
            .table(object)
            .and_then(|table| table.records.get(&input::id(id).ok()?));
        let record = record.filter(|record| record.archived_at.is_some());
        let record = record.ok_or_else(|| Failure::no_record(id))?;
        return Ok(Answer::json(200, shown(record, object, &names, None)));
    }
    let found = input::find(portal, object, by, id)?;
    let record = portal.record((object, found)).ok_or_else(|| Failure::no_record(id))?;
    let mut value = shown(record, object, &names, by);
    let mut associated = Map::new();
    for name in call.list("associations") {
        let other =
            Object::named(name).ok_or_else(|| Failure::invalid(format!("Unable to infer object type from: {name}")))?;
        let results: Vec<Value> = portal
            .associations
            .with((object, found), other)
            .map(|(id, _)| {
                json!({"id": id.to_string(), "type": format!("{}_to_{}", object.singular(), other.singular())})
            })
            .collect();
        if !results.is_empty() {
            associated.insert(other.name().to_owned(), json!({"results": results}));
        }
    }
    if let Some(value) = value.as_object_mut()
        && !associated.is_empty()
    {
        value.insert("associations".to_owned(), associated.into());
    }
    Ok(Answer::json(200, value))
}

fn list(portal: &Portal, call: &Call<'_>, object: Object) -> Result<Answer, Failure> {
    let number = |name, default| match call.param(name) {
        Some(text) => text
            .parse::<u64>()
            .map_err(|_| Failure::invalid(format!("{name} is no number: {text}"))),
        None => Ok(default),
    };
    let limit = number("limit", 10)? as usize;
    if limit == 0 || limit > PAGE {
        return Err(Failure::invalid(format!("limit must be between 1 and {PAGE}")));
    }
    let after = number("after", 0)?;
    let names = call.list("properties");
    let archived = call.param("archived") == Some("true");
    let mut found = portal
        .table(object)
        .into_iter()
        .flat_map(|table| table.records.range(after..))
        .map(|(_, record)| record)
        .filter(|record| record.archived_at.is_some() == archived);
    let results: Vec<Value> = found
        .by_ref()
        .take(limit)
        .map(|record| shown(record, object, &names, None))
        .collect();
    let mut body = json!({"results": results});
    if let (Some(next), Some(body)) = (found.next(), body.as_object_mut()) {
        body.insert("paging".to_owned(), json!({"next": {"after": next.id.to_string()}}));
    }
    Ok(Answer::json(200, body))
}

/// Puts a record away. Its unique values are free again; doing it twice is no error.
pub(super) fn archive(portal: &mut Portal, object: Object, id: u64) -> Result<(), Failure> {
    let known = portal
        .table(object)
        .is_some_and(|table| table.records.contains_key(&id));
    let Some(mut record) = portal.record((object, id)).cloned() else {
        return if known {
            Ok(())
        } else {
            Err(Failure::no_record(&id.to_string()))
        };
    };
    record.archived_at = Some(portal.now());
    let place = (object, record.id);
    portal.put(object, record);
    portal.associations.forget(place);
    Ok(())
}

/// Two records become one with a new id. The first one's values win; unique values of the second are gone.
fn merge(portal: &mut Portal, call: &Call<'_>, object: Object) -> Result<Answer, Failure> {
    let body = call.json()?;
    let fields = input::fields(&body, "body")?;
    let [winner, loser] = ["primaryObjectId", "objectIdToMerge"].map(|name| {
        let id = input::find(portal, object, None, input::needed(fields, name)?)?;
        portal
            .record((object, id))
            .cloned()
            .ok_or_else(|| Failure::no_record(&id.to_string()))
    });
    let (winner, loser) = (winner?, loser?);
    if winner.id == loser.id {
        return Err(Failure::invalid("Cannot merge a record with itself"));
    }
    let id = portal.next_id();
    let now = portal.now();
    let mut merged: Vec<u64> = winner.merged.iter().chain(&loser.merged).copied().collect();
    merged.extend([winner.id, loser.id]);
    let table = portal.table_mut(object);
    let mut properties = winner.properties.clone();
    for (name, value) in &loser.properties {
        if name == "email" && winner.properties.contains_key(name) {
            properties.insert("hs_additional_emails".to_owned(), value.clone());
        } else if name == "email" || !table.is_unique(name) {
            properties.entry(name.clone()).or_insert_with(|| value.clone());
        }
    }
    let ids = merged.iter().map(u64::to_string).collect::<Vec<_>>().join(";");
    if object == Object::Contacts {
        properties.insert("hs_calculated_merged_vids".to_owned(), ids.clone());
    }
    properties.insert("hs_merged_object_ids".to_owned(), ids);
    properties.insert("hs_object_id".to_owned(), id.to_string());
    properties.insert(object.stamps().1.to_owned(), to_rfc3339(now));
    for gone in &merged {
        table.take(*gone);
        table.became.insert(*gone, id);
    }
    let record = Record {
        id,
        properties,
        created_at: winner.created_at.min(loser.created_at),
        updated_at: now,
        archived_at: None,
        merged,
        indexed: None,
        changed: Some((portal.calls, now)),
    };
    let value = shown(&record, object, &["hs_merged_object_ids"], None);
    portal.put(object, record);
    for gone in [winner.id, loser.id] {
        portal.associations.hand_over((object, gone), (object, id));
    }
    Ok(Answer::json(200, value))
}

/// Removes a record for ever.
fn erase(portal: &mut Portal, call: &Call<'_>, object: Object) -> Result<Answer, Failure> {
    let body = call.json()?;
    let fields = input::fields(&body, "body")?;
    let id = input::find(
        portal,
        object,
        input::text(fields, "idProperty")?,
        input::needed(fields, "objectId")?,
    )?;
    portal.table_mut(object).take(id);
    portal.associations.forget((object, id));
    Ok(Answer::none())
}
