//! `hilo topics`: topics as code.

use crate::{
    cli::{Topics, TopicsCommand},
    failure::Failure,
    kafka::{self, Place, rights},
    place,
    say::say,
};
use anyhow::anyhow;
use hilo_kafka::topics::{self, Found, TopicPlan};
use serde_json::json;

pub(crate) fn run(arguments: &Topics) -> Result<(), Failure> {
    let config = place::config(arguments.config.as_deref())?;
    let place = Place::new(&config)?;
    if matches!(arguments.command, TopicsCommand::Rights) {
        return list_rights(&place, arguments.json);
    }
    let plans = place.plans()?;
    let found = match arguments.command {
        TopicsCommand::List | TopicsCommand::Rights => None,
        TopicsCommand::Check => Some(topics::check(&place.cluster, &plans).map_err(kafka::failure)?),
        TopicsCommand::Apply => Some(topics::apply(&place.cluster, &plans, place.sizes).map_err(kafka::failure)?),
    };
    let applied = matches!(arguments.command, TopicsCommand::Apply);
    let mut wrong = 0;
    for (at, plan) in plans.iter().enumerate() {
        let state = found.as_ref().map(|found| state(&found[at], applied));
        wrong += usize::from(!applied && found.as_ref().is_some_and(|found| found[at] != Found::Right));
        if arguments.json {
            say!(
                "{}",
                json!({"topic": plan.name, "partitions": plan.partitions, "config": plan.config, "why": plan.why, "state": state})
            )?;
        } else {
            say!("{}", line(plan, state.as_deref()))?;
        }
    }
    if wrong > 0 {
        return Err(Failure::failed(anyhow!(
            "{wrong} of {} topics are not as they must be: run `hilo topics apply`",
            plans.len()
        )));
    }
    Ok(())
}

/// One line a right.
fn list_rights(place: &Place, json: bool) -> Result<(), Failure> {
    for (role, rights) in rights::rights(&place.topology) {
        for right in rights {
            let (resource, name) = (right.resource.word(), place.cluster.name(&right.name));
            let pattern = if right.is_prefix { "prefix" } else { "literal" };
            if json {
                say!(
                    "{}",
                    json!({"role": role, "resource": resource, "name": name, "pattern": pattern, "operations": right.operations})
                )?;
            } else {
                let operations: Vec<&str> = right.operations.into_iter().collect();
                say!(
                    "{role:<13} {resource:<15} {pattern:<7} {name:<32} {}",
                    operations.join(" ")
                )?;
            }
        }
    }
    Ok(())
}

fn state(found: &Found, applied: bool) -> String {
    match found {
        Found::Right => "ok".to_owned(),
        Found::Missing if applied => "made".to_owned(),
        Found::Missing => "missing".to_owned(),
        Found::Partitions(count) => format!("has {count} partitions"),
        Found::Config(other) => {
            let other: Vec<String> = other
                .iter()
                .map(|(key, had, wanted)| format!("{key} {had} → {wanted}"))
                .collect();
            format!("{}{}", if applied { "set: " } else { "differs: " }, other.join(", "))
        }
    }
}

fn line(plan: &TopicPlan, state: Option<&str>) -> String {
    let kept = match plan.config.get("retention.ms").map(String::as_str) {
        Some("-1") | None => "for ever".to_owned(),
        Some(millis) => format!("{} d", millis.parse::<i64>().unwrap_or_default() / 86_400_000),
    };
    let cleanup = plan.config.get("cleanup.policy").map_or("", String::as_str);
    let state = state.map(|state| format!("{state:<10} ")).unwrap_or_default();
    format!(
        "{state}{:<32} {:>4} partitions  {cleanup:<8} {kept:<9} {}",
        plan.name, plan.partitions, plan.why
    )
}
