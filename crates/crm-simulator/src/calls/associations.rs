//! Associations: of one record, and in batches.

use super::{Call, input};
use crate::{
    answer::Answer,
    association::{self, Place},
    failure::Failure,
    object::Object,
    portal::Portal,
};
use axum::http::Method;
use hilo_domain::time::to_rfc3339;
use serde_json::{Value, json};

/// Inputs of a batch that writes, and of one that reads.
const MOST_WRITTEN: usize = 2_000;
const MOST_READ: usize = 1_000;

/// Of one record: `default/{to}/{id}`, `{to}/{id}`, `{to}`.
pub(super) fn of_record(
    portal: &mut Portal,
    call: &Call<'_>,
    from: Object,
    id: &str,
    rest: &[&str],
) -> Result<Answer, Failure> {
    let named = |name: &str| {
        Object::named(name).ok_or_else(|| Failure::invalid(format!("Unable to infer object type from: {name}")))
    };
    match (call.method, rest) {
        (&Method::PUT, ["default", name, other]) => {
            let to = named(name)?;
            let pair = (place(portal, from, id)?, place(portal, to, other)?);
            let (there, back) = default(portal, pair)?;
            let now = to_rfc3339(portal.now());
            let body = json!({"status": "COMPLETE", "startedAt": now, "completedAt": now, "results": [there, back]});
            Ok(Answer::json(200, body))
        }
        (&Method::PUT, [name, other]) => {
            let to = named(name)?;
            let body = call.json()?;
            let types = body
                .as_array()
                .ok_or_else(|| Failure::form("the body is no list of types"))?;
            let types = input::types(types, from, to)?;
            let pair = (place(portal, from, id)?, place(portal, to, other)?);
            for type_id in types {
                portal.associations.add(pair.0, pair.1, type_id);
            }
            Ok(Answer::json(201, pair_json(pair)))
        }
        (&Method::DELETE, [name, other]) => {
            let to = named(name)?;
            if let (Ok(one), Ok(two)) = (place(portal, from, id), place(portal, to, other)) {
                portal.associations.remove(one, two, None);
            }
            Ok(Answer::none())
        }
        (&Method::GET, [name]) => {
            let to = named(name)?;
            let place = place(portal, from, id)?;
            Ok(Answer::json(200, json!({"results": others(portal, place, to)})))
        }
        _ => Err(Failure::no_address()),
    }
}

/// In batches, and the labels of a pair.
pub(super) fn call(
    portal: &mut Portal,
    call: &Call<'_>,
    from: Object,
    to: Object,
    rest: &[&str],
) -> Result<Answer, Failure> {
    if association::default_type(from, to).is_none() {
        let message = format!("There are no associations of {} with {}", from.name(), to.name());
        return Err(Failure::invalid(message).sub("crm.associations.INVALID_ASSOCIATION_TYPE"));
    }
    match (call.method, rest) {
        (&Method::GET, ["labels"]) => {
            let type_id = association::default_type(from, to);
            let body = json!({"results": [{"category": "HUBSPOT_DEFINED", "typeId": type_id, "label": null}]});
            Ok(Answer::json(200, body))
        }
        (&Method::POST, ["batch", "associate", "default"]) => batch_default(portal, call, from, to),
        (&Method::POST, ["batch", "create"]) => batch_create(portal, call, from, to),
        (&Method::POST, ["batch", "read"]) => batch_read(portal, call, from, to),
        (&Method::POST, ["batch", "archive"]) => batch_archive(portal, call, from, to),
        _ => Err(Failure::no_address()),
    }
}

fn batch_default(portal: &mut Portal, call: &Call<'_>, from: Object, to: Object) -> Result<Answer, Failure> {
    let started = portal.now();
    let (mut results, mut errors) = (Vec::new(), Vec::new());
    each(call, MOST_WRITTEN, |one| {
        let (from_id, to_id) = (end(one, "from")?, end(one, "to")?);
        let pair = place(portal, from, from_id).and_then(|one| Ok((one, place(portal, to, to_id)?)));
        match pair.and_then(|pair| default(portal, pair)) {
            Ok((there, back)) => results.extend([there, back]),
            Err(failure) => errors.push(failure.item(from_id, None)),
        }
        Ok(())
    })?;
    // The published form of this answer has `errors` under the status of a success.
    let mut answer = super::batch::complete(portal, 200, started, results, errors);
    answer.status = 200;
    Ok(answer)
}

fn batch_create(portal: &mut Portal, call: &Call<'_>, from: Object, to: Object) -> Result<Answer, Failure> {
    let started = portal.now();
    let (mut results, mut errors) = (Vec::new(), Vec::new());
    each(call, MOST_WRITTEN, |one| {
        let (from_id, to_id) = (end(one, "from")?, end(one, "to")?);
        let types = input::types(input::list(one, "types")?, from, to)?;
        match place(portal, from, from_id).and_then(|one| Ok((one, place(portal, to, to_id)?))) {
            Ok(pair) => {
                for type_id in types {
                    portal.associations.add(pair.0, pair.1, type_id);
                }
                results.push(pair_json(pair));
            }
            Err(failure) => errors.push(failure.item(from_id, None)),
        }
        Ok(())
    })?;
    Ok(super::batch::complete(portal, 201, started, results, errors))
}

fn batch_read(portal: &mut Portal, call: &Call<'_>, from: Object, to: Object) -> Result<Answer, Failure> {
    let started = portal.now();
    let (mut results, mut errors) = (Vec::new(), Vec::new());
    each(call, MOST_READ, |one| {
        let id = input::needed(one, "id")?;
        let others = place(portal, from, id)
            .map(|place| others(portal, place, to))
            .unwrap_or_default();
        if others.is_empty() {
            let message = format!("No {} is associated with {} {id}.", to.singular(), from.singular());
            let failure = Failure::new(404, "OBJECT_NOT_FOUND", message).sub("crm.associations.NO_ASSOCIATIONS_FOUND");
            errors.push(failure.with_context("fromObjectId", [id]).item(id, None));
        } else {
            results.push(json!({"from": {"id": id}, "to": others}));
        }
        Ok(())
    })?;
    Ok(super::batch::complete(portal, 200, started, results, errors))
}

fn batch_archive(portal: &mut Portal, call: &Call<'_>, from: Object, to: Object) -> Result<Answer, Failure> {
    each(call, MOST_WRITTEN, |one| {
        let from_id = end(one, "from")?;
        for other in input::list(one, "to")? {
            let to_id = input::needed(input::fields(other, "to")?, "id")?;
            if let (Ok(one), Ok(two)) = (place(portal, from, from_id), place(portal, to, to_id)) {
                portal.associations.remove(one, two, None);
            }
        }
        Ok(())
    })?;
    Ok(Answer::none())
}

/// Does something with each input of a batch.
fn each(
    call: &Call<'_>,
    most: usize,
    mut act: impl FnMut(&input::Fields) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let body = call.json()?;
    let list = input::list(input::fields(&body, "body")?, "inputs")?;
    if list.is_empty() || list.len() > most {
        return Err(Failure::invalid(format!(
            "A batch has 1 to {most} inputs, received {}",
            list.len()
        )));
    }
    // Forms are checked before anything is done.
    for one in list {
        input::fields(one, "inputs")?;
    }
    list.iter().try_for_each(|one| act(input::fields(one, "inputs")?))
}

fn end<'a>(one: &'a input::Fields, name: &str) -> Result<&'a str, Failure> {
    let end = one.get(name).ok_or_else(|| input::unset(name))?;
    input::needed(input::fields(end, name)?, "id")
}

fn place(portal: &Portal, object: Object, id: &str) -> Result<Place, Failure> {
    let found = id.parse().ok().and_then(|id| portal.record((object, id)));
    found
        .map(|record| (object, record.id))
        .ok_or_else(|| input::no_such(object, id))
}

/// Associates by the type without a label; gives both sides of it.
fn default(portal: &mut Portal, (from, to): (Place, Place)) -> Result<(Value, Value), Failure> {
    let types = association::default_type(from.0, to.0).zip(association::default_type(to.0, from.0));
    let Some((there, back)) = types else {
        let message = format!("There are no associations of {} with {}", from.0.name(), to.0.name());
        return Err(Failure::invalid(message).sub("crm.associations.INVALID_ASSOCIATION_TYPE"));
    };
    portal.associations.add(from, to, there);
    let side = |from: Place, to: Place, type_id: u32| {
        json!({
            "from": {"id": from.1.to_string()}, "to": {"id": to.1.to_string()},
            "associationSpec": {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": type_id},
        })
    };
    Ok((side(from, to, there), side(to, from, back)))
}

fn pair_json((from, to): (Place, Place)) -> Value {
    json!({
        "fromObjectTypeId": from.0.type_id(), "fromObjectId": from.1.to_string(),
        "toObjectTypeId": to.0.type_id(), "toObjectId": to.1.to_string(), "labels": [],
    })
}

fn others(portal: &Portal, place: Place, to: Object) -> Vec<Value> {
    let one = |type_id: &u32| json!({"category": "HUBSPOT_DEFINED", "typeId": type_id, "label": null});
    portal
        .associations
        .with(place, to)
        .map(|(id, types)| {
            let types: Vec<Value> = types.iter().map(one).collect();
            json!({"toObjectId": id.to_string(), "associationTypes": types})
        })
        .collect()
}
