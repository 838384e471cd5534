//! The story of one id, read from the logs: raw bytes, the items in them, facts, and the numbers that count them.

use crate::{say::say, topology, topology::Tenants};
use anyhow::Result;
use hilo_contracts::{
    codec::{self, Codec as _},
    facts::Metric,
    item::{Body, Item, Position},
    json, topics,
};
use hilo_dashboard::{Sight, Stage, Step, Trace, to_json, trace::Link};
use hilo_domain::{Millis, time};
use hilo_golden::Golden;
use hilo_metrics::table::Table;
use hilo_stream::{Executor, Record, embedded::Log, wire};
use serde_json::Value;
use std::collections::BTreeSet;

/// Records read at once.
const CHUNK: usize = 10_000;
/// Steps that a page shows: the latest of them.
pub(crate) const STEPS: usize = 500;

/// Topics whose facts tell a story, in the order of the pipeline.
const FACTS: [&str; 7] = [
    topics::DEAD_LETTER,
    topics::UNCLASSIFIED,
    topics::IDENTITY,
    topics::CONVERSATION,
    topics::STATUS,
    topics::CONSENT,
    topics::ACCOUNT,
];

/// Fields by which a fact belongs to an id.
const IDS: [&str; 9] = [
    "event_id",
    "person_id",
    "other_person_id",
    "session_id",
    "conversation_id",
    "message_id",
    "reply_to",
    "entry_id",
    "delivery_id",
];

/// What is known of `id`; `None` when nothing is. A person is found by any id or identifier that leads to them, also by the
/// id of somebody who is part of them by now. An id that no fact has (a command's, a deal's) is looked for in the raw bytes.
/// Gives the latest `limit` steps.
pub(crate) fn trace(
    log: &mut Log,
    table: &Table,
    golden: Option<&Golden>,
    id: &str,
    limit: usize,
) -> Result<Option<Trace>> {
    let people = golden.map_or_else(|| Ok(Vec::new()), |golden| golden.people_named(id))?;
    let mut ids = vec![id.to_owned()];
    if let Some(golden) = golden {
        for person in &people {
            ids.extend(golden.ids_of(person)?.into_iter().filter(|known| known != id));
        }
    }
    let mut story = Story::default();
    story.facts(log, table, &ids)?;
    if story.steps.is_empty() {
        let mentions = mentions(log, id)?;
        story.facts(log, table, &mentions)?;
        story.whole.extend(mentions);
        if !story.whole.contains(id) && !story.whole.is_empty() {
            story.kind = Some("mention");
        }
    }
    story.raw(log)?;
    if let Some(golden) = golden {
        let leads = if people.is_empty() {
            vec![id.to_owned()]
        } else {
            people.clone()
        };
        for lead in leads {
            story.rows(golden, &lead)?;
        }
    }
    if story.steps.is_empty() {
        return Ok(None);
    }
    let kind = if people.is_empty() {
        story.kind.unwrap_or("delivery")
    } else {
        "person"
    };
    let mut steps = story.steps;
    steps.sort_by_key(|step| (step.stage, step.at));
    let total = steps.len() as u64;
    let surplus = steps.len().saturating_sub(limit);
    steps.drain(..surplus);
    Ok(Some(Trace {
        id: id.to_owned(),
        kind: kind.to_owned(),
        steps,
        total,
    }))
}

/// A story as it is gathered.
#[derive(Default)]
struct Story {
    steps: Vec<Step>,
    kind: Option<&'static str>,
    /// Deliveries that are told whole.
    whole: BTreeSet<String>,
    /// Items that facts came from: delivery and place in it.
    items: BTreeSet<(String, [i64; 3])>,
}

impl Story {
    /// The facts that name one of `ids`, and the numbers that count them.
    fn facts(&mut self, log: &mut Log, table: &Table, ids: &[String]) -> Result<()> {
        for topic in FACTS {
            let mut from = 0;
            loop {
                let records = log.read(topic, from, CHUNK)?;
                let Some((last, _)) = records.last() else { break };
                from = last + 1;
                for (_, record) in &records {
                    // An id stands in the record as it is: most records are ruled out by their bytes.
                    let has = |id: &String| contains(&record.value, id.as_bytes()) || record.key == id.as_bytes();
                    if ids.iter().any(has) {
                        self.fact(topic, record, table, ids)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn fact(&mut self, topic: &'static str, record: &Record, table: &Table, ids: &[String]) -> Result<()> {
        let content: Value = value(topic, &record.value)?;
        let source = content.get("source").cloned().unwrap_or(Value::Null);
        let text = |field: &str| content.get(field).or_else(|| source.get(field)).and_then(Value::as_str);
        let Some(field) = IDS
            .iter()
            .find(|field| text(field).is_some_and(|found| ids.iter().any(|id| id == found)))
        else {
            return Ok(());
        };
        self.kind = match *field {
            "person_id" | "other_person_id" => Some("person"),
            "session_id" => Some("session"),
            "message_id" | "reply_to" => Some("message"),
            "event_id" | "entry_id" => Some("event"),
            _ => self.kind,
        };
        if let Some(delivery) = text("delivery_id").filter(|delivery| !delivery.is_empty()) {
            let place = |level: &str| content.get(level).or_else(|| source.get(level)).and_then(Value::as_i64);
            let places = ["entry", "change", "item"].map(|level| place(level).unwrap_or(-1));
            self.items.insert((delivery.to_owned(), places));
            if *field == "delivery_id" {
                self.whole.insert(delivery.to_owned());
            }
        }
        if topic == topics::STATUS {
            metric_steps(table, &content, &mut self.steps)?;
        }
        self.steps.push(fact_step(topic, content, record.timestamp));
        Ok(())
    }

    /// The deliveries themselves, each as often as it came, with the items in them that the story is about.
    fn raw(&mut self, log: &mut Log) -> Result<()> {
        if self.whole.is_empty() && self.items.is_empty() {
            return Ok(());
        }
        let codec = codec::raw();
        let topology = topology::topology(&Tenants::default())?;
        let mut fan_out = Executor::new(&topology, &["normalize"], topology::dead_letter)?;
        let deliveries: BTreeSet<String> = self
            .items
            .iter()
            .map(|(delivery, _)| delivery.clone())
            .chain(self.whole.iter().cloned())
            .collect();
        let mut from = 0;
        loop {
            let records = log.read(topics::RAW, from, CHUNK)?;
            let Some((last, _)) = records.last() else { return Ok(()) };
            from = last + 1;
            for (_, record) in records {
                let raw = codec.decode(&record.value)?;
                if !deliveries.contains(&raw.delivery_id) {
                    continue;
                }
                self.steps.push(Step {
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
                self.item_steps(&mut fan_out, record)?;
            }
        }
    }

    /// The rows of the golden record that an id leads to.
    fn rows(&mut self, golden: &Golden, id: &str) -> Result<()> {
        for traced in golden.trace(id)? {
            let at = [
                "event_time",
                "opened_at",
                "valid_from",
                "decided_at",
                "updated_at",
                "proposed_at",
                "accepted_at",
            ]
            .iter()
            .find_map(|field| traced.row.get(*field).and_then(Value::as_i64));
            self.steps.push(Step {
                stage: Stage::Golden,
                at: at.unwrap_or_default(),
                title: traced.table.to_owned(),
                topic: None,
                content: traced.row,
                links: Vec::new(),
            });
        }
        Ok(())
    }

    /// The items of a delivery, by fanning it out once more: they rest in no log.
    fn item_steps(&mut self, fan_out: &mut Executor, record: Record) -> Result<()> {
        fan_out.feed(record)?;
        for output in fan_out
            .take_outputs()
            .into_iter()
            .filter(|output| output.topic == topics::ITEM)
        {
            let item: Item = wire::decode(&output.value)?;
            let Position {
                entry,
                change,
                item: place,
            } = item.position;
            let places = [entry, change, place].map(i64::from);
            if !self.whole.contains(&item.delivery_id) && !self.items.contains(&(item.delivery_id.clone(), places)) {
                continue;
            }
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
            self.steps.push(Step {
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

/// Deliveries whose bytes hold `id` as a text of their own, or that are it.
fn mentions(log: &mut Log, id: &str) -> Result<Vec<String>> {
    let codec = codec::raw();
    let quoted = serde_json::to_string(id)?;
    let mut found = BTreeSet::new();
    let mut from = 0;
    loop {
        let records = log.read(topics::RAW, from, CHUNK)?;
        let Some((last, _)) = records.last() else {
            return Ok(found.into_iter().collect());
        };
        from = last + 1;
        for (_, record) in records {
            if contains(&record.value, id.as_bytes()) {
                let raw = codec.decode(&record.value)?;
                if raw.delivery_id == id || contains(&raw.body, quoted.as_bytes()) {
                    found.insert(raw.delivery_id);
                }
            }
        }
    }
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

/// The story as lines for a terminal, masked unless revealed.
pub(crate) fn print(trace: &Trace, sight: Sight) -> std::io::Result<()> {
    let story = to_json(trace, sight);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    say!("{} {} ({} steps)", trace.kind, text(&story["id"]), trace.total)?;
    for (step, shown) in trace.steps.iter().zip(story["steps"].as_array().into_iter().flatten()) {
        let at = if step.at == 0 { "-".to_owned() } else { text(&shown["at"]) };
        say!(
            "{at:<24} {:<6} {:<22} {}",
            step.stage.as_str(),
            text(&shown["title"]),
            shown["content"]
        )?;
    }
    Ok(())
}
