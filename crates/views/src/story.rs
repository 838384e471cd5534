//! The story of one id: raw bytes, the items in them, facts, what became of them in CRMs, and the numbers that count them,
//! found by the index of places.

use crate::{behind::fact_step, crm_story, engine::Shelf};
use anyhow::Result;
use hilo_contracts::{
    codec::{self, Codec as _},
    facts::{Dimension, Metric},
    item::{Body, Item, Position},
    json, topics,
};
use hilo_dashboard::{Asked, SourceError, Stage, Step, Trace, trace::Link};
use hilo_domain::time;
use hilo_golden::{Golden, Place, Tenants};
use hilo_stream::{Executor, Record, Topology, wire};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Fields by which a fact belongs to an id.
const IDS: [&str; 11] = [
    "event_id",
    "person_id",
    "other_person_id",
    "session_id",
    "conversation_id",
    "message_id",
    "reply_to",
    "entry_id",
    "delivery_id",
    "record_key",
    "remote_id",
];

/// Deliveries whose bytes are shown: the latest of them. Each is fanned out once more.
const DELIVERIES: usize = 200;

/// What is known of an id among some tenants, read through connections of its own.
pub(crate) struct Reading<'a> {
    pub golden: &'a Golden,
    pub shelf: &'a mut dyn Shelf,
    pub topology: &'a Topology,
    pub tenants: &'a Tenants,
    pub asked: &'a Asked,
    /// Steps at most, and facts of each topic: the latest.
    pub limit: usize,
}

/// Longest id: the platform's message ids have some 70 signs.
const LONGEST_ID: usize = 256;

/// Whether a text can be an id. A sentence that somebody sent where an id belongs is kept, and is nothing to search for:
/// "Camila vive en Falsa 12" under `command_id` finds nothing.
fn is_id(text: &str) -> bool {
    (1..=LONGEST_ID).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// The story of `id`; `None` when nothing is known by it. A person is found by any id or identifier that leads to them,
/// also by the id of somebody who is part of them by now; a command or a deal by the line that names it.
pub(crate) fn tell(reading: &mut Reading, id: &str) -> Result<Option<Trace>> {
    if !is_id(id) {
        return Ok(None);
    }
    let people = reading.golden.people_named(reading.tenants, id)?;
    let mut ids = vec![id.to_owned()];
    for person in &people {
        let parts = reading.golden.ids_of(reading.tenants, person)?;
        ids.extend(parts.into_iter().filter(|known| known != id));
    }
    let mut story = Story::default();
    let mut raw = story.facts(reading, &ids)?;
    if story.steps.is_empty() {
        story.whole.extend(reading.deliveries(&raw)?);
        if !story.whole.contains(id) && !story.whole.is_empty() {
            story.kind = Some("mention");
        }
        let mentioned: Vec<String> = story.whole.iter().filter(|known| *known != id).cloned().collect();
        raw.extend(story.facts(reading, &mentioned)?);
    }
    // A person's records name the person.
    if people.is_empty() {
        let onward = crm_story::follow(reading, &story.steps)?;
        story.steps.extend(onward);
    }
    story.raw(reading, raw)?;
    let leads = if people.is_empty() {
        vec![id.to_owned()]
    } else {
        people.clone()
    };
    for lead in leads {
        story.rows(reading, &lead)?;
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
    let total = steps.len() as u64 + story.left_out;
    let surplus = steps.len().saturating_sub(reading.limit);
    steps.drain(..surplus);
    Ok(Some(Trace {
        id: id.to_owned(),
        kind: kind.to_owned(),
        steps,
        total,
    }))
}

impl Reading<'_> {
    /// Ids of the deliveries at these places.
    fn deliveries(&mut self, places: &BTreeSet<Place>) -> Result<BTreeSet<String>> {
        let codec = codec::raw();
        let places: Vec<Place> = places.iter().copied().collect();
        let mut found = BTreeSet::new();
        for record in self.shelf.at(&places)?.values() {
            let raw = codec.decode(&record.value)?;
            if self.has(&raw.tenant) {
                found.insert(raw.delivery_id);
            }
        }
        Ok(found)
    }

    pub(crate) fn has(&self, tenant: &str) -> bool {
        self.tenants
            .names()
            .binary_search_by(|name| name.as_str().cmp(tenant))
            .is_ok()
    }

    fn still_asked(&self) -> Result<(), SourceError> {
        self.asked.still()
    }
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
    /// Facts that are not among the steps.
    left_out: u64,
}

impl Story {
    /// The facts that name one of `ids`, and the numbers that count them; gives the places of the deliveries that do.
    fn facts(&mut self, reading: &mut Reading, ids: &[String]) -> Result<BTreeSet<Place>> {
        let mut by_topic: BTreeMap<&'static str, BTreeSet<Place>> = BTreeMap::new();
        for id in ids {
            reading.still_asked()?;
            for place in reading.golden.places(reading.tenants, id)? {
                by_topic.entry(place.topic).or_default().insert(place);
            }
        }
        let mut raw = by_topic.remove(topics::RAW).unwrap_or_default();
        while raw.len() > DELIVERIES {
            raw.pop_first();
        }
        for (topic, places) in by_topic {
            reading.still_asked()?;
            let surplus = places.len().saturating_sub(reading.limit);
            self.left_out += surplus as u64;
            let places: Vec<Place> = places.into_iter().skip(surplus).collect();
            for record in reading.shelf.at(&places)?.values() {
                self.fact(reading, topic, record, ids)?;
            }
        }
        Ok(raw)
    }

    fn fact(&mut self, reading: &Reading, topic: &'static str, record: &Record, ids: &[String]) -> Result<()> {
        let content: Value = value(topic, &record.value)?;
        let source = content.get("source").cloned().unwrap_or(Value::Null);
        let text = |field: &str| content.get(field).or_else(|| source.get(field)).and_then(Value::as_str);
        if !text("tenant").is_some_and(|tenant| reading.has(tenant)) {
            return Ok(());
        }
        // The index knows hashes only.
        let Some(field) = IDS
            .iter()
            .find(|field| text(field).is_some_and(|found| ids.iter().any(|id| id == found)))
        else {
            return Ok(());
        };
        self.kind = match *field {
            "person_id" | "other_person_id" => Some("person"),
            "session_id" => Some("session"),
            "conversation_id" => Some("conversation"),
            "message_id" | "reply_to" => Some("message"),
            "event_id" | "entry_id" => Some("event"),
            "record_key" | "remote_id" => Some("record"),
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
            self.counted_in(reading.golden, &content)?;
        }
        self.steps.push(fact_step(topic, content, record.timestamp));
        Ok(())
    }

    /// The rows over all input that count a message, by its template, language and segment.
    fn counted_in(&mut self, golden: &Golden, status: &Value) -> Result<()> {
        let text = |value: &Value, field: &str| value.get(field).and_then(Value::as_str).map(str::to_owned);
        let template = status.get("template").unwrap_or(&Value::Null);
        let (Some(tenant), Some(name)) = (text(status, "tenant"), text(template, "name")) else {
            return Ok(());
        };
        let or_unknown = |value: Option<String>| value.unwrap_or_else(|| "unknown".to_owned());
        let dimensions = [
            ("template", name),
            ("language", or_unknown(text(template, "language"))),
            ("segment", or_unknown(text(status, "segment"))),
        ]
        .map(|(name, value)| Dimension {
            name: name.to_owned(),
            value,
        });
        for row in golden.with_dimensions(&tenant, &dimensions)? {
            let step = metric_step(&row)?;
            if !self.steps.contains(&step) {
                self.steps.push(step);
            }
        }
        Ok(())
    }

    /// The deliveries themselves, each as often as it came, with the items in them that the story is about.
    fn raw(&mut self, reading: &mut Reading, mut places: BTreeSet<Place>) -> Result<()> {
        let deliveries: BTreeSet<String> = self
            .items
            .iter()
            .map(|(delivery, _)| delivery.clone())
            .chain(self.whole.iter().cloned())
            .collect();
        for delivery in &deliveries {
            let found = reading.golden.places(reading.tenants, delivery)?.into_iter();
            places.extend(found.filter(|place| place.topic == topics::RAW));
        }
        reading.still_asked()?;
        let surplus = places.len().saturating_sub(DELIVERIES);
        self.left_out += surplus as u64;
        let places: Vec<Place> = places.into_iter().skip(surplus).collect();
        if places.is_empty() {
            return Ok(());
        }
        let codec = codec::raw();
        let mut fan_out = Executor::new(reading.topology, &["normalize"], hilo_normalize::dead_letter)?;
        for record in reading.shelf.at(&places)?.into_values() {
            reading.still_asked()?;
            let raw = codec.decode(&record.value)?;
            if !reading.has(&raw.tenant) || !deliveries.contains(&raw.delivery_id) {
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
            self.items_of(&mut fan_out, record)?;
        }
        Ok(())
    }

    /// The rows of the golden record that an id leads to.
    fn rows(&mut self, reading: &Reading, id: &str) -> Result<()> {
        reading.still_asked()?;
        for traced in reading.golden.trace(reading.tenants, id, reading.limit)? {
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
    fn items_of(&mut self, fan_out: &mut Executor, record: Record) -> Result<()> {
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

/// A row of the numbers as a step.
pub(crate) fn metric_step(row: &Metric) -> Result<Step> {
    let mut text = Vec::new();
    json::write_metric(row, &mut text)?;
    Ok(Step {
        stage: Stage::Metric,
        at: 0,
        title: row.definition.clone(),
        topic: Some(topics::METRIC.to_owned()),
        content: serde_json::from_slice(&text)?,
        links: Vec::new(),
    })
}
