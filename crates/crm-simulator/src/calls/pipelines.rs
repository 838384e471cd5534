//! Pipelines and stages of tickets and deals.

use super::{Call, input};
use crate::{
    answer::Answer,
    failure::Failure,
    object::Object,
    pipeline::{Pipeline, Stage},
    portal::Portal,
};
use axum::http::Method;
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub(super) fn call(portal: &mut Portal, call: &Call<'_>, object: Object, rest: &[&str]) -> Result<Answer, Failure> {
    if object.pipeline_properties().is_none() {
        return Err(Failure::invalid(format!("{} have no pipelines", object.name())));
    }
    let all = portal
        .table(object)
        .map(|table| table.pipelines.as_slice())
        .unwrap_or_default();
    let found = |id: &str| {
        all.iter()
            .find(|one| one.id == id)
            .ok_or_else(|| Failure::no_record(id))
    };
    match (call.method, rest) {
        (&Method::GET, []) => {
            let all: Vec<Value> = all.iter().map(Pipeline::json).collect();
            Ok(Answer::json(200, json!({"results": all})))
        }
        (&Method::GET, [id]) => Ok(Answer::json(200, found(id)?.json())),
        (&Method::GET, [id, "stages"]) => {
            let stages: Vec<Value> = found(id)?.stages.iter().map(Stage::json).collect();
            Ok(Answer::json(200, json!({"results": stages})))
        }
        (&Method::POST, []) => {
            let body = call.json()?;
            create(portal, object, input::fields(&body, "body")?)
        }
        (&Method::POST, [id, "stages"]) => {
            found(id)?;
            let body = call.json()?;
            let stage = stage(portal, object, input::fields(&body, "body")?)?;
            let value = stage.json();
            let pipelines = &mut portal.table_mut(object).pipelines;
            let Some(pipeline) = pipelines.iter_mut().find(|one| one.id == *id) else {
                return Err(Failure::no_record(id));
            };
            if pipeline.stages.iter().any(|one| one.label == stage.label) {
                return Err(twice(&stage.label));
            }
            pipeline.stages.push(stage);
            Ok(Answer::json(201, value))
        }
        _ => Err(Failure::no_address()),
    }
}

fn create(portal: &mut Portal, object: Object, fields: &input::Fields) -> Result<Answer, Failure> {
    let label = input::needed(fields, "label")?.to_owned();
    let display_order = order(fields)?;
    let table = portal.table(object);
    if table.is_some_and(|table| table.pipelines.iter().any(|one| one.label == label)) {
        return Err(twice(&label));
    }
    let mut stages: Vec<Stage> = Vec::new();
    for one in input::list(fields, "stages")? {
        let stage = stage(portal, object, input::fields(one, "stages")?)?;
        if stages.iter().any(|other| other.label == stage.label) {
            return Err(twice(&stage.label));
        }
        stages.push(stage);
    }
    if stages.is_empty() {
        return Err(input::unset("stages"));
    }
    let now = portal.now();
    let pipeline = Pipeline {
        id: portal.next_id().to_string(),
        label,
        display_order,
        stages,
        created_at: now,
        updated_at: now,
    };
    let value = pipeline.json();
    portal.table_mut(object).pipelines.push(pipeline);
    Ok(Answer::json(201, value))
}

fn stage(portal: &mut Portal, object: Object, fields: &input::Fields) -> Result<Stage, Failure> {
    let label = input::needed(fields, "label")?.to_owned();
    let display_order = order(fields)?;
    let metadata = fields.get("metadata").ok_or_else(|| input::unset("metadata"))?;
    let mut texts = BTreeMap::new();
    for (name, value) in input::fields(metadata, "metadata")? {
        let value = value
            .as_str()
            .ok_or_else(|| Failure::form(format!("Cannot deserialize value of `metadata`: {name} is no text")))?;
        texts.insert(name.clone(), value.to_owned());
    }
    let metadata = texts;
    let (name, fits) = match object {
        Object::Deals => {
            let chance = metadata.get("probability").and_then(|text| text.parse::<f64>().ok());
            (
                "probability",
                chance.is_some_and(|chance| (0.0..=1.0).contains(&chance)),
            )
        }
        _ => {
            let state = metadata.get("ticketState").map(String::as_str);
            // Without it, a ticket's stage is open.
            ("ticketState", matches!(state, None | Some("OPEN" | "CLOSED")))
        }
    };
    if !fits {
        return Err(Failure::invalid(format!(
            "The metadata {name} of the stage {label} is missing or wrong"
        )));
    }
    Ok(Stage {
        id: portal.next_id().to_string(),
        label,
        display_order,
        metadata,
        created_at: portal.now(),
    })
}

fn order(fields: &input::Fields) -> Result<i64, Failure> {
    let order = fields.get("displayOrder").ok_or_else(|| input::unset("displayOrder"))?;
    order
        .as_i64()
        .ok_or_else(|| Failure::form("displayOrder is no integer"))
}

fn twice(label: &str) -> Failure {
    Failure::new(409, "CONFLICT", format!("The label {label} is taken already"))
}
