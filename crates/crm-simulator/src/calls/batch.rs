//! Batches: all or nothing, unless every input can be told apart by its trace id.

use super::{Call, input};
use crate::{answer::Answer, failure::Failure, object::Object, portal::Portal, table::Properties};
use hilo_domain::time::to_rfc3339;
use rand::{Rng as _, seq::SliceRandom as _};
use serde_json::{Value, json};
use std::collections::HashSet;

/// Inputs of a batch.
const MOST: usize = 100;

/// What a batch does.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Doing {
    Create,
    Update,
    Upsert,
    Archive,
}

struct Input<'a> {
    /// What errors name it by.
    id: &'a str,
    by: Option<&'a str>,
    trace: Option<&'a str>,
    fields: &'a input::Fields,
    properties: Properties,
}

/// One of the batch calls about records.
pub(super) fn call(portal: &mut Portal, call: &Call<'_>, object: Object, what: &str) -> Result<Answer, Failure> {
    let doing = match what {
        "create" => Doing::Create,
        "update" => Doing::Update,
        "upsert" => Doing::Upsert,
        "archive" => Doing::Archive,
        "read" => return read(portal, call, object),
        _ => return Err(Failure::no_address()),
    };
    let body = call.json()?;
    let body = input::fields(&body, "body")?;
    let inputs = inputs(portal, body, object, doing)?;
    let traces: HashSet<&str> = inputs.iter().filter_map(|one| one.trace).collect();
    let told_apart = traces.len() == inputs.len();
    let failing = failing(portal, inputs.len());
    let started = portal.now();
    let (mut results, mut errors) = (Vec::new(), Vec::new());
    portal.begin();
    for (index, one) in inputs.iter().enumerate() {
        let done = if failing.contains(&index) {
            Err(Failure::new(
                503,
                "INTERNAL_ERROR",
                "There was a temporary problem; try again.",
            ))
        } else {
            apply(portal, call, object, doing, one)
        };
        match done {
            Ok(result) => results.push(result),
            Err(failure) if told_apart => errors.push(failure.item(one.id, one.trace)),
            Err(failure) => {
                portal.roll_back();
                return Err(failure);
            }
        }
    }
    portal.commit();
    if doing == Doing::Archive {
        return Ok(Answer::none());
    }
    let status = match doing {
        Doing::Create => 201,
        _ => 200,
    };
    Ok(complete(portal, status, started, results, errors))
}

/// The answer of a batch, with 207 where something failed.
pub(super) fn complete(
    portal: &mut Portal,
    status: u16,
    started: i64,
    mut results: Vec<Value>,
    errors: Vec<Value>,
) -> Answer {
    if portal.options.shuffle {
        results.shuffle(&mut portal.dice);
    }
    let now = to_rfc3339(portal.now());
    let started = to_rfc3339(started);
    let mut body = json!({
        "status": "COMPLETE", "requestedAt": started, "startedAt": started, "completedAt": now, "results": results,
    });
    let failed = !errors.is_empty();
    if failed && let Some(body) = body.as_object_mut() {
        body.insert("numErrors".to_owned(), errors.len().into());
        body.insert("errors".to_owned(), errors.into());
    }
    Answer::json(if failed { 207 } else { status }, body)
}

/// Inputs that fail by misbehaviour.
fn failing(portal: &mut Portal, inputs: usize) -> HashSet<usize> {
    let Some(share) = portal.failing_share.take() else {
        return HashSet::new();
    };
    let mut failing: HashSet<usize> = (0..inputs).filter(|_| portal.dice.random::<f64>() < share).collect();
    if failing.is_empty() && inputs > 0 {
        failing.insert(portal.dice.random_range(0..inputs));
    }
    failing
}

fn inputs<'a>(
    portal: &mut Portal,
    body: &'a input::Fields,
    object: Object,
    doing: Doing,
) -> Result<Vec<Input<'a>>, Failure> {
    let list = sized(body, object)?;
    let mut inputs = Vec::with_capacity(list.len());
    for one in list {
        let fields = input::fields(one, "inputs")?;
        let known = ["id", "idProperty", "objectWriteTraceId", "properties", "associations"];
        for name in fields.keys() {
            // The real one takes them without a word, and a typo changes what is meant.
            if !known.contains(&name.as_str()) || (name == "associations" && doing != Doing::Create) {
                *portal
                    .counts
                    .ignored
                    .entry(format!("{}: {name}", object.name()))
                    .or_default() += 1;
            }
        }
        inputs.push(Input {
            id: match doing {
                Doing::Create => input::text(fields, "id")?.unwrap_or_default(),
                _ => input::needed(fields, "id")?,
            },
            by: input::text(fields, "idProperty")?,
            trace: input::text(fields, "objectWriteTraceId")?.filter(|trace| !trace.is_empty()),
            properties: match doing {
                Doing::Archive => Properties::new(),
                _ => input::properties(fields)?,
            },
            fields,
        });
    }
    if matches!(doing, Doing::Update | Doing::Upsert) {
        no_duplicates(inputs.iter().map(|one| (one.by, one.id)))?;
    }
    Ok(inputs)
}

/// The inputs of a body, between one and as many as a batch takes.
fn sized(body: &input::Fields, object: Object) -> Result<&[Value], Failure> {
    let list = input::list(body, "inputs")?;
    if list.is_empty() {
        return Err(Failure::invalid("The inputs of a batch must not be empty"));
    }
    if list.len() > MOST {
        return Err(Failure::invalid(format!(
            "The maximum number of inputs supported in a batch request for {} is {MOST}, received {}",
            object.shouted(),
            list.len()
        )));
    }
    Ok(list)
}

fn no_duplicates<'a>(ids: impl Iterator<Item = (Option<&'a str>, &'a str)>) -> Result<(), Failure> {
    let mut seen = HashSet::new();
    let mut twice: Vec<&str> = ids.filter(|one| !seen.insert(*one)).map(|(_, id)| id).collect();
    twice.sort_unstable();
    twice.dedup();
    if twice.is_empty() {
        return Ok(());
    }
    let message = format!(
        "Duplicate IDs found in batch input: [{}]. IDs must be unique",
        twice.join(", ")
    );
    Err(Failure::invalid(message).with_context("ids", twice))
}

fn apply(
    portal: &mut Portal,
    call: &Call<'_>,
    object: Object,
    doing: Doing,
    one: &Input<'_>,
) -> Result<Value, Failure> {
    let version = call.version;
    let (id, new) = match doing {
        Doing::Archive => {
            // What is not there is as good as archived: the answer has no body to say so.
            drop(super::objects::archive(portal, object, input::id(one.id)?));
            return Ok(Value::Null);
        }
        Doing::Create => (
            super::objects::create(portal, version, object, one.fields, &one.properties)?,
            true,
        ),
        Doing::Update => {
            let id = input::find(portal, object, one.by, one.id)?;
            (portal.update(object, version, id, &one.properties)?, false)
        }
        Doing::Upsert => upsert(portal, call, object, one)?,
    };
    let Some(record) = portal.record((object, id)) else {
        return Err(Failure::no_record(one.id));
    };
    let by = one.by.map(str::to_owned);
    let mut result = super::objects::written(record, object, one.properties.keys().chain(&by));
    if let Some(result) = result.as_object_mut() {
        if doing == Doing::Upsert {
            result.insert("new".to_owned(), new.into());
        }
        if let Some(trace) = one.trace.filter(|_| portal.options.echo_trace_ids) {
            result.insert("objectWriteTraceId".to_owned(), trace.into());
        }
    }
    Ok(result)
}

fn upsert(portal: &mut Portal, call: &Call<'_>, object: Object, one: &Input<'_>) -> Result<(u64, bool), Failure> {
    let by = one.by.filter(|by| *by != "hs_object_id");
    let Some(by) = by else {
        // Without the name of a property, an id is the record's own: nothing is created.
        let id = input::find(portal, object, None, one.id)?;
        return Ok((portal.update(object, call.version, id, &one.properties)?, false));
    };
    input::unique(portal, object, by)?;
    let mut properties = one.properties.clone();
    match properties.get(by) {
        Some(value) if value != one.id => {
            let message = format!("The value of {by} and the id of the input differ");
            return Err(Failure::invalid(&message).with_error("INVALID_ID_PROPERTY", &message, by));
        }
        _ => properties.insert(by.to_owned(), one.id.to_owned()),
    };
    match portal.table(object).and_then(|table| table.holder(by, one.id)) {
        Some(id) => Ok((portal.update(object, call.version, id, &properties)?, false)),
        None => Ok((portal.create(object, call.version, &properties, &[])?, true)),
    }
}

/// Reads records. Those that are not there are one error, as 207.
fn read(portal: &mut Portal, call: &Call<'_>, object: Object) -> Result<Answer, Failure> {
    let body = call.json()?;
    let body = input::fields(&body, "body")?;
    let by = input::text(body, "idProperty")?.filter(|by| *by != "hs_object_id");
    if let Some(by) = by {
        input::unique(portal, object, by)?;
    }
    let names = input::texts(body, "properties")?;
    let started = portal.now();
    let (mut results, mut missing) = (Vec::new(), Vec::new());
    let mut seen = HashSet::new();
    for one in sized(body, object)? {
        let id = input::needed(input::fields(one, "inputs")?, "id")?;
        let found = input::find(portal, object, by, id).ok();
        match found.and_then(|found| portal.record((object, found))) {
            Some(record) if seen.insert(record.id) => {
                results.push(super::objects::shown(record, object, &names, by));
            }
            Some(_) => {}
            None => missing.push(id),
        }
    }
    let mut errors = Vec::new();
    if !missing.is_empty() {
        let message = format!(
            "Could not get some {} objects, they may be deleted or not exist. Check that ids are valid.",
            object.shouted()
        );
        // Without `errors`, `links` and `id`, as seen of the real one.
        errors.push(json!({
            "status": "error", "category": "OBJECT_NOT_FOUND", "message": message, "context": {"ids": missing},
        }));
    }
    Ok(complete(portal, 200, started, results, errors))
}
