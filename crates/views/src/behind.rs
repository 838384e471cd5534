//! The facts behind what the page shows: a number, an outcome, a reason, a CRM.

use crate::crm::{self, CRM};
use crate::story::{Reading, metric_step, value};
use anyhow::Result;
use hilo_contracts::topics;
use hilo_dashboard::{Stage, Step, Trace, trace::Link};
use hilo_domain::Millis;
use serde_json::Value;

/// Prefixes of the trace ids that name something on the page.
pub(crate) const NUMBER: &str = "number:";
pub(crate) const OUTCOME: &str = "outcome:";
pub(crate) const REASON: &str = "reason:";

/// Facts shown: the latest of them.
const FACTS: usize = 100;
/// Records looked at, from the end: first few, then, where too few of them were wanted, more. A page reads no whole log.
const LOOKED_AT: [usize; 2] = [1_000, 20_000];

/// The facts behind `id`; `None` when it names nothing on a page.
pub(crate) fn behind(reading: &mut Reading, id: &str) -> Option<Result<Trace>> {
    if let Some(number) = id.strip_prefix(NUMBER) {
        return Some(behind_number(reading, id, number));
    }
    if let Some(outcome) = id.strip_prefix(OUTCOME) {
        let topic = match outcome {
            "dead_letter" => topics::DEAD_LETTER,
            "unclassified" => topics::UNCLASSIFIED,
            _ => topics::CONVERSATION,
        };
        return Some(latest(reading, id, topic, |_| true));
    }
    if let Some(of_crm) = id.strip_prefix(CRM) {
        let topic = if crm::is_of_records(of_crm) {
            topics::CRM_RECORD
        } else {
            topics::CRM_WRITE
        };
        return Some(latest(reading, id, topic, |fact| crm::is_behind(fact, of_crm)));
    }
    let reason = id.strip_prefix(REASON)?;
    Some(latest(reading, id, topics::DEAD_LETTER, |fact| {
        fact["reason"] == reason
    }))
}

/// The latest facts that a number is made of, and its rows: `metric` or `metric:template`.
fn behind_number(reading: &mut Reading, id: &str, number: &str) -> Result<Trace> {
    let (metric, template) = match number.split_once(':') {
        Some((metric, template)) => (metric, Some(template)),
        None => (number, None),
    };
    let topic = match metric {
        "quality_rating" | "messaging_limit" => topics::ACCOUNT,
        "delivery_rate" | "read_rate" | "failure_rate" | "reply_rate" | "reply_rate_strong" | "opt_out_rate" => {
            topics::STATUS
        }
        _ => topics::CONVERSATION,
    };
    let wanted = |fact: &Value| match (metric, template) {
        (_, Some(template)) => fact["template"]["name"] == template,
        ("traffic_inbound", None) => fact["direction"] == "inbound",
        ("traffic_outbound", None) => fact["direction"] == "outbound",
        _ if topic == topics::CONVERSATION => !fact["session"].is_null(),
        _ => true,
    };
    let mut found = latest(reading, id, topic, wanted)?;
    let rows = match template {
        None => reading.golden.totals(reading.tenants, metric)?,
        Some(template) => {
            let mut rows = reading.golden.grouped(reading.tenants, metric)?;
            let is = |name: &str, value: &str| name == "template" && value == template;
            rows.retain(|row| {
                row.dimensions
                    .iter()
                    .any(|dimension| is(&dimension.name, &dimension.value))
            });
            rows.truncate(FACTS);
            rows
        }
    };
    for row in &rows {
        found.steps.push(metric_step(row)?);
    }
    Ok(found)
}

/// The latest facts of a topic that are wanted, oldest first.
fn latest(reading: &mut Reading, id: &str, topic: &'static str, wanted: impl Fn(&Value) -> bool) -> Result<Trace> {
    let mut steps = Vec::new();
    for looked_at in LOOKED_AT {
        steps.clear();
        reading.asked.still()?;
        let records = reading.shelf.latest(topic, looked_at)?;
        for record in &records {
            // A name of a tenant stands in the record as it is: most foreign records are ruled out by their bytes.
            let names = reading.tenants.names().iter();
            if !names
                .into_iter()
                .any(|tenant| contains(&record.value, tenant.as_bytes()))
            {
                continue;
            }
            let fact = value(topic, &record.value)?;
            let of_tenant = fact["tenant"].as_str().is_some_and(|tenant| reading.has(tenant));
            if of_tenant && wanted(&fact) {
                steps.push(fact_step(topic, fact, record.timestamp));
            }
        }
        if steps.len() >= FACTS || records.len() < looked_at {
            break;
        }
    }
    steps.sort_by_key(|step| step.at);
    let total = steps.len() as u64;
    let surplus = steps.len().saturating_sub(FACTS);
    steps.drain(..surplus);
    Ok(Trace {
        id: id.to_owned(),
        kind: "number".to_owned(),
        steps,
        total,
    })
}

fn contains(bytes: &[u8], text: &[u8]) -> bool {
    !text.is_empty() && bytes.windows(text.len()).any(|window| window == text)
}

/// A fact as a step, with the ids that lead on.
pub(crate) fn fact_step(topic: &'static str, content: Value, at: Millis) -> Step {
    let text = |field: &str| content.get(field).and_then(Value::as_str).map(str::to_owned);
    let title = match topic {
        topics::STATUS => text("status").or_else(|| text("kind")),
        topics::CRM_RECORD => joined(&[text("object"), text("kind")]),
        topics::CRM_WRITE => joined(&[text("kind"), text("state"), text("code")]),
        _ => text("kind"),
    };
    let title = title.or_else(|| text("reason")).unwrap_or_else(|| topic.to_owned());
    let links = [
        ("person", "person_id"),
        ("session", "session_id"),
        ("other person", "other_person_id"),
        ("record", "record_key"),
        ("part of the record", "alias_of"),
    ]
    .into_iter()
    .filter_map(|(label, field)| Some((label, text(field)?)));
    // What a desired record follows from.
    let causes = content["facts"].as_array().into_iter().flatten();
    let causes = causes.filter_map(|id| Some(("fact", id.as_str()?.to_owned())));
    let links = links
        .chain(causes)
        .map(|(label, id)| Link {
            label: label.to_owned(),
            id,
        })
        .collect();
    Step {
        stage: if topic == topics::CRM_WRITE {
            Stage::CrmWrite
        } else {
            Stage::Fact
        },
        at,
        title,
        topic: Some(topic.to_owned()),
        content,
        links,
    }
}

/// Words that are there, with spaces; `None` where none is.
fn joined(words: &[Option<String>]) -> Option<String> {
    let there: Vec<&str> = words.iter().filter_map(Option::as_deref).collect();
    (!there.is_empty()).then(|| there.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_desired_record_and_its_outcome_say_what_they_are_and_lead_on() {
        let record = json!({"kind": "aliased", "object": "contact", "record_key": "gr_1", "alias_of": "gr_2", "person_id": "p_1",
            "facts": ["e_1"]});
        let step = fact_step(topics::CRM_RECORD, record, 5);
        assert_eq!((step.stage, step.title.as_str()), (Stage::Fact, "contact aliased"));
        let links: Vec<(&str, &str)> = step
            .links
            .iter()
            .map(|link| (link.label.as_str(), link.id.as_str()))
            .collect();
        assert_eq!(
            links,
            [
                ("person", "p_1"),
                ("record", "gr_1"),
                ("part of the record", "gr_2"),
                ("fact", "e_1")
            ]
        );

        let outcome = json!({"kind": "rejected", "code": "invalid_option", "record_key": "gr_1", "person_id": null});
        let step = fact_step(topics::CRM_WRITE, outcome, 6);
        assert_eq!(
            (step.stage, step.title.as_str()),
            (Stage::CrmWrite, "rejected invalid_option")
        );
        assert_eq!((step.links.len(), step.links[0].id.as_str()), (1, "gr_1"));

        let sink = fact_step(
            topics::CRM_WRITE,
            json!({"kind": "sink", "state": "paused", "code": "daily"}),
            7,
        );
        assert_eq!(sink.title, "sink paused daily");
        assert_eq!(fact_step(topics::CRM_WRITE, json!({}), 8).title, topics::CRM_WRITE);
    }
}
