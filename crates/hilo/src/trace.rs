//! The story of one id, read from the logs: raw bytes, the items in them, facts, and the numbers that count them.

use crate::{topology, topology::Tenants};
use anyhow::Result;
use hilo_contracts::{
    codec::{self, Codec as _},
    facts::Metric,
    item::{Body, Item},
    json, topics,
};
use hilo_dashboard::{Stage, Step, Trace, trace::Link};
use hilo_domain::{Millis, time};
use hilo_metrics::table::Table;
use hilo_stream::{Executor, Record, embedded::Log, wire};
use serde_json::Value;
use std::collections::BTreeSet;

/// Records read at once.
const CHUNK: usize = 10_000;
/// Steps shown: the latest of them.
const STEPS: usize = 500;

/// Topics whose facts tell a story, in the order of the pipeline.
const FACTS: [&str; 6] = [
    topics::DEAD_LETTER,
    topics::UNCLASSIFIED,
    topics::IDENTITY,
    topics::CONVERSATION,
    topics::STATUS,
    topics::ACCOUNT,
];

/// Fields by which a fact belongs to an id.
const IDS: [&str; 8] = [
    "event_id",
    "person_id",
    "other_person_id",
    "session_id",
    "conversation_id",
    "message_id",
    "reply_to",
    "delivery_id",
];

/// What is known of `id`; `None` when nothing is.
pub(crate) fn trace(log: &mut Log, table: &Table, id: &str) -> Result<Option<Trace>> {
    let mut steps: Vec<Step> = Vec::new();
    let mut deliveries: BTreeSet<String> = BTreeSet::new();
    let mut kind = "delivery";
    for topic in FACTS {
        let mut from = 0;
        loop {
            let records = log.read(topic, from, CHUNK)?;
            let Some((last, _)) = records.last() else { break };
            from = last + 1;
            for (_, record) in &records {
                // An id stands in the record as it is: most records are ruled out by their bytes.
                if !contains(&record.value, id.as_bytes()) && record.key != id.as_bytes() {
                    continue;
                }
                let content: Value = value(topic, &record.value)?;
                let source = content.get("source").cloned().unwrap_or(Value::Null);
                let Some(field) = IDS.iter().find(|field| {
                    content
                        .get(**field)
                        .or_else(|| source.get(**field))
                        .and_then(Value::as_str)
                        == Some(id)
                }) else {
                    continue;
                };
                kind = match *field {
                    "person_id" | "other_person_id" => "person",
                    "session_id" => "session",
                    "message_id" | "reply_to" => "message",
                    _ => kind,
                };
                let delivery = content
                    .get("delivery_id")
                    .or_else(|| source.get("delivery_id"))
                    .and_then(Value::as_str);
                deliveries.extend(delivery.filter(|delivery| !delivery.is_empty()).map(str::to_owned));
                if topic == topics::STATUS {
                    metric_steps(table, &content, &mut steps)?;
                }
                steps.push(fact_step(topic, content, record.timestamp));
            }
        }
    }
    if deliveries.is_empty() {
        deliveries.insert(id.to_owned());
    }
    raw_steps(log, &deliveries, &mut steps)?;
    if steps.is_empty() {
        return Ok(None);
    }
    steps.sort_by_key(|step| (step.stage, step.at));
    let total = steps.len() as u64;
    let surplus = steps.len().saturating_sub(STEPS);
    steps.drain(..surplus);
    Ok(Some(Trace {
        id: id.to_owned(),
        kind: kind.to_owned(),
        steps,
        total,
    }))
}

/// A record as a JSON value.
pub(crate) fn value(topic: &str, datum: &[u8]) -> Result<Value> {
    Ok(serde_json::from_str(&json::to_string(topic, datum)?)?)
}

/// A metric row as a JSON value.
pub(crate) fn metric_value(row: &Metric) -> Result<Value> {
    let mut text = Vec::new();
    json::write_metric(row, &mut text)?;
    Ok(serde_json::from_slice(&text)?)
}

fn contains(bytes: &[u8], id: &[u8]) -> bool {
    !id.is_empty() && bytes.windows(id.len()).any(|window| window == id)
}

pub(crate) fn fact_step(topic: &'static str, content: Value, at: Millis) -> Step {
    let text = |field: &str| content.get(field).and_then(Value::as_str).map(str::to_owned);
    let title = if topic == topics::STATUS {
        text("status").or_else(|| text("kind"))
    } else {
        text("kind")
    };
    let title = title.or_else(|| text("reason")).unwrap_or_else(|| topic.to_owned());
    let links = [
        ("person", "person_id"),
        ("session", "session_id"),
        ("other person", "other_person_id"),
    ]
    .into_iter()
    .filter_map(|(label, field)| {
        Some(Link {
            label: label.to_owned(),
            id: text(field)?,
        })
    })
    .collect();
    Step {
        stage: Stage::Fact,
        at,
        title,
        topic: Some(topic.to_owned()),
        content,
        links,
    }
}

/// The deliveries themselves. The raw topic is read once; a delivery may have come several times.
fn raw_steps(log: &mut Log, deliveries: &BTreeSet<String>, steps: &mut Vec<Step>) -> Result<()> {
    let codec = codec::raw();
    let topology = topology::topology(&Tenants::default())?;
    let mut fan_out = Executor::new(&topology, &["normalize"], topology::dead_letter)?;
    let mut from = 0;
    loop {
        let records = log.read(topics::RAW, from, CHUNK)?;
        let Some((last, _)) = records.last() else { return Ok(()) };
        from = last + 1;
        for (_, record) in records {
            let raw = codec.decode(&record.value)?;
            if deliveries.contains(&raw.delivery_id) {
                steps.push(Step {
                    stage: Stage::Raw,
                    at: raw.received_at,
                    title: raw.source.clone(),
                    topic: Some(topics::RAW.to_owned()),
                    links: vec![Link {
                        label: "delivery".to_owned(),
                        id: raw.delivery_id.clone(),
                    }],
                    content: value(topics::RAW, &record.value)?,
                });
                item_steps(&mut fan_out, record, steps)?;
            }
        }
    }
}

/// The items of a delivery, by fanning it out once more: they rest in no log.
fn item_steps(fan_out: &mut Executor, record: Record, steps: &mut Vec<Step>) -> Result<()> {
    fan_out.feed(record)?;
    for output in fan_out
        .take_outputs()
        .into_iter()
        .filter(|output| output.topic == topics::ITEM)
    {
        let item: Item = wire::decode(&output.value)?;
        let kind = match &item.body {
            Body::Message(message) => &message.kind,
            Body::Status(status) => &status.status,
            Body::Inbox(inbox) => &inbox.event,
            Body::Call(call) => &call.event,
            Body::Preference(preference) => &preference.value,
            Body::Crm(crm) => &crm.event,
            Body::Account(account) => &account.kind,
            Body::Decision(decision) => decision.ruling.as_str(),
            Body::Event { kind } => kind,
            Body::Request(_) => "send_requested",
            Body::Echoed { .. } => "callback_echoed",
            Body::Clock => "clock",
        };
        steps.push(Step {
            stage: Stage::Item,
            at: item.event_time,
            title: kind.to_owned(),
            topic: None,
            content: serde_json::json!({
                "entry": item.position.entry, "change": item.position.change, "item": item.position.item,
                "event_time": time::to_rfc3339(item.event_time), "content": item.content,
            }),
            links: Vec::new(),
        });
    }
    Ok(())
}

/// The rows over all input that count a message, by its template and segment.
fn metric_steps(table: &Table, status: &Value, steps: &mut Vec<Step>) -> Result<()> {
    let text = |value: &Value, field: &str| value.get(field).and_then(Value::as_str).map(str::to_owned);
    let Some(template) = status.get("template").filter(|template| !template.is_null()) else {
        return Ok(());
    };
    let (Some(tenant), Some(name)) = (text(status, "tenant"), text(template, "name")) else {
        return Ok(());
    };
    let segment = text(status, "segment").unwrap_or_else(|| "unknown".to_owned());
    for row in table.rows().filter(|row| row.tenant == tenant && row.window.is_none()) {
        let dimension = |wanted: &str| row.dimensions.iter().find(|dimension| dimension.name == wanted);
        let counts_it = dimension("template").is_some_and(|dimension| dimension.value == name)
            && dimension("segment").is_some_and(|dimension| dimension.value == segment);
        let known = || {
            steps
                .iter()
                .any(|step| step.stage == Stage::Metric && step.title == row.definition)
        };
        if counts_it && !known() {
            let content = metric_value(row)?;
            steps.push(Step {
                stage: Stage::Metric,
                at: 0,
                title: row.definition.clone(),
                topic: Some(topics::METRIC.to_owned()),
                content,
                links: Vec::new(),
            });
        }
    }
    Ok(())
}

/// The story as lines for a terminal, masked.
pub(crate) fn print(trace: &Trace, out: &mut impl std::io::Write) -> std::io::Result<()> {
    writeln!(out, "{} {} ({} steps)", trace.kind, trace.id, trace.total)?;
    for step in &trace.steps {
        let at = if step.at == 0 {
            "-".to_owned()
        } else {
            time::to_rfc3339(step.at)
        };
        let content = hilo_dashboard::mask::json(&step.content);
        writeln!(out, "{at:<24} {:<6} {:<22} {content}", step.stage.as_str(), step.title)?;
    }
    Ok(())
}

/// The story as JSON, masked.
pub(crate) fn to_json(trace: &Trace) -> Value {
    let steps: Vec<Value> = trace
        .steps
        .iter()
        .map(|step| {
            serde_json::json!({
                "stage": step.stage.as_str(),
                "at": time::to_rfc3339(step.at),
                "title": step.title,
                "topic": step.topic,
                "content": hilo_dashboard::mask::json(&step.content),
            })
        })
        .collect();
    serde_json::json!({"id": trace.id, "kind": trace.kind, "total": trace.total, "steps": steps})
}
