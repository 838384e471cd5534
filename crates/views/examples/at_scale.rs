//! How long a start, a page and a trace take with much behind them.
//!
//! `cargo run --release -p hilo-views --example at_scale -- 1000000` follows that many messages (each a delivery, a fact
//! and two statuses) and that many rows of the numbers, then opens the golden record anew and asks.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a measurement ends at the first thing that fails, and prints"
)]

use anyhow::Result;
use hilo_contracts::{
    capture,
    codec::{self, Codec as _},
    facts::{Conversation, Dimension, IdentifierSpan, Identity, Metric, Source, Status, TemplateRef, Window},
    topics,
};
use hilo_dashboard::{Asked, MetricQuery, Source as _};
use hilo_golden::{Golden, Place, Placed};
use hilo_service::Scope;
use hilo_stream::{Record, TopicKind, TopicSpec, Topology};
use hilo_views::{Engine, Feed, GOLDEN_DB, Pulse, Shelf, View, Waiting};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

const HOUR: i64 = 3_600_000;
const START: i64 = 1_795_510_800_000;
/// Messages of a person.
const OF_A_PERSON: usize = 10;

/// Topics in memory: what is measured is the index and the file, not the log.
#[derive(Default)]
struct Made(Mutex<BTreeMap<&'static str, Vec<Record>>>);

impl Made {
    fn add(&self, topic: &'static str, key: &[u8], value: Vec<u8>, timestamp: i64) -> Placed {
        let record = Record {
            topic,
            key: key.to_vec(),
            value,
            timestamp,
        };
        let mut topics = self.0.lock().unwrap();
        let log = topics.entry(topic).or_default();
        let offset = log.len() as i64;
        log.push(record.clone());
        Placed {
            partition: 0,
            offset,
            record,
        }
    }
}

struct Looking(Arc<Made>);

impl Shelf for Looking {
    fn at(&mut self, places: &[Place]) -> Result<BTreeMap<Place, Record>> {
        let topics = self.0.0.lock().unwrap();
        let record = |place: &Place| topics.get(place.topic)?.get(place.offset as usize).cloned();
        Ok(places
            .iter()
            .filter_map(|place| Some((*place, record(place)?)))
            .collect())
    }

    fn latest(&mut self, topic: &'static str, limit: usize) -> Result<Vec<Record>> {
        let topics = self.0.0.lock().unwrap();
        let log = topics.get(topic).map(Vec::as_slice).unwrap_or_default();
        Ok(log[log.len().saturating_sub(limit)..].to_vec())
    }
}

struct Memory(Arc<Made>);

impl Engine for Memory {
    fn feed(&self, _: &mut dyn FnMut(&'static str, i32) -> Result<i64>) -> Result<Box<dyn Feed>> {
        anyhow::bail!("it is not followed: it is filled by hand")
    }

    fn shelf(&self) -> Result<Box<dyn Shelf>> {
        Ok(Box::new(Looking(Arc::clone(&self.0))))
    }

    fn is_through(&self) -> bool {
        true
    }

    fn waiting(&self) -> Waiting {
        Waiting::default()
    }
}

fn person(number: usize) -> String {
    format!("p_{:08x}", number / OF_A_PERSON)
}

/// A delivery, the fact of its message, and the two statuses of the send that it answers.
fn message(made: &Made, number: usize, batch: &mut Vec<Placed>) {
    let at = START + number as i64 * 100;
    let phone = format!("5696{:07}", number / OF_A_PERSON);
    let body = format!(
        r#"{{"object":"whatsapp_business_account","entry":[{{"id":"1","changes":[{{"field":"messages","value":{{"metadata":{{"phone_number_id":"2"}},"messages":[{{"id":"wamid.in{number}","from":"{phone}","type":"text","text":{{"body":"hola"}},"timestamp":"{}"}}]}}}}]}}]}}"#,
        at / 1_000
    );
    let raw = capture::from_webhook("acme", at, body.as_bytes());
    let source = Source {
        delivery_id: raw.delivery_id.clone(),
        entry: 0,
        change: 0,
        item: 0,
    };
    batch.push(made.add(
        topics::RAW,
        &capture::raw_key(&raw),
        codec::raw().encode(&raw).unwrap(),
        at,
    ));
    let person_id = person(number);
    if number.is_multiple_of(OF_A_PERSON) {
        let fact = Identity {
            event_id: format!("i{number}"),
            tenant: "acme".into(),
            event_time: at,
            kind: "observed".into(),
            person_id: person_id.clone(),
            revision: 1,
            identifiers: vec![IdentifierSpan {
                kind: "phone".into(),
                value: format!("+{phone}"),
                valid_from: Some(at),
                valid_to: None,
            }],
            source: source.clone(),
            ..Identity::default()
        };
        let value = codec::identity().encode(&fact).unwrap();
        batch.push(made.add(topics::IDENTITY, person_id.as_bytes(), value, at));
    }
    let fact = Conversation {
        event_id: format!("c{number}"),
        tenant: "acme".into(),
        event_time: at,
        source: source.clone(),
        kind: "message_received".into(),
        revision: 1,
        person_id: Some(person_id.clone()),
        conversation_id: Some(format!("t_{person_id}")),
        session_id: Some(format!("s_{person_id}")),
        message_id: Some(format!("wamid.in{number}")),
        message_type: Some("text".into()),
        direction: Some("inbound".into()),
        content: Some(r#"{"type":"text","text":{"body":"hola"}}"#.into()),
        ..Conversation::default()
    };
    let value = codec::conversation().encode(&fact).unwrap();
    batch.push(made.add(topics::CONVERSATION, person_id.as_bytes(), value, at));
    for revision in 1..=2 {
        let fact = Status {
            event_id: format!("s{number}-{revision}"),
            tenant: "acme".into(),
            event_time: at,
            source: source.clone(),
            kind: "status".into(),
            revision,
            message_id: format!("wamid.out{number}"),
            status: Some("delivered".into()),
            message_type: "template".into(),
            template: Some(TemplateRef {
                name: "promo".into(),
                language: Some("es".into()),
                category: None,
            }),
            person_id: Some(person_id.clone()),
            accepted: true,
            ..Status::default()
        };
        let value = codec::status().encode(&fact).unwrap();
        batch.push(made.add(topics::STATUS, format!("k{number}").as_bytes(), value, at));
    }
}

/// The rows of 20 metrics by a template: over all input first, then hour by hour.
fn row(made: &Made, number: usize) -> Placed {
    let (metric, template, window) = (number % 20, number / 20 % 250, number / 5_000);
    let name = ["delivery_rate", "read_rate", "failure_rate", "reply_rate"].get(metric);
    let name = name.map_or_else(|| format!("metric_{metric}"), |name| (*name).to_owned());
    let dimension = |name: &str, value: String| Dimension {
        name: name.to_owned(),
        value,
    };
    let start = START + window as i64 * HOUR;
    let row = Metric {
        tenant: "acme".into(),
        definition: format!("{name}@1"),
        metric: name,
        window: (window > 0).then_some(Window {
            start,
            end: start + HOUR,
        }),
        dimensions: if template == 0 {
            Vec::new()
        } else {
            vec![
                dimension("template", format!("promo_{template}")),
                dimension("language", "es".into()),
            ]
        },
        numerator: Some(1.0),
        denominator: Some(2.0),
        value: Some(0.5),
        count: 2,
        revision: 1,
        ..Metric::default()
    };
    made.add(
        topics::METRIC,
        number.to_string().as_bytes(),
        codec::metric().encode(&row).unwrap(),
        start,
    )
}

fn timed<T>(what: &str, ask: impl FnOnce() -> T) -> T {
    let begun = Instant::now();
    let answer = ask();
    println!("{what:<44} {:>10.3} ms", begun.elapsed().as_secs_f64() * 1e3);
    answer
}

/// Median and 99th percentile of many questions.
fn spread(what: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let of = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
    println!("{what:<44} {:>10.3} ms p50 {:>10.3} ms p99", of(0.5), of(0.99));
}

fn main() -> Result<()> {
    let many: usize = std::env::args().nth(1).map_or(Ok(100_000), |many| many.parse())?;
    let folder = tempfile::tempdir()?;
    let path = folder.path().join(GOLDEN_DB);
    let made = Arc::new(Made::default());
    let mut golden = Golden::open(&path)?;
    let (mut facts, mut spent, mut longest) = (0, Duration::ZERO, Duration::ZERO);
    for from in (0..many).step_by(2_000) {
        let mut batch = Vec::new();
        for number in from..many.min(from + 2_000) {
            message(&made, number, &mut batch);
            batch.push(row(&made, number));
        }
        facts += batch.len();
        let begun = Instant::now();
        golden.follow(&batch)?;
        longest = longest.max(begun.elapsed());
        spent += begun.elapsed();
    }
    println!(
        "followed {facts} records: {:.0}/s, longest batch {:.0} ms, {} MiB",
        facts as f64 / spent.as_secs_f64(),
        longest.as_secs_f64() * 1e3,
        std::fs::metadata(&path)?.len() >> 20
    );
    drop(golden);

    let raw = TopicSpec {
        name: topics::RAW,
        kind: TopicKind::Raw,
        key: "",
        schema: Some(topics::RAW),
        kept: "",
        doc: "",
    };
    let topology = Topology::new(
        vec![raw],
        vec![
            hilo_normalize::normalize_spec(BTreeMap::new()),
            hilo_deduplicate::spec(),
        ],
    )?;
    let mut golden = timed("open the golden record to write", || Golden::open(&path))?;
    golden.follow(&[])?;
    let view = timed("open a view", || {
        View::new(
            "scale",
            folder.path(),
            &topology,
            Arc::new(Memory(Arc::clone(&made))),
            Pulse::of_a_copy(),
        )
    })?;
    let page = timed("first page", || view.snapshot(&Scope::All))?;
    assert_eq!(page.templates.len(), 249.min(many / 20));
    timed("second page", || view.snapshot(&Scope::All))?;
    let rows = timed("first 1,000 rows of the numbers", || {
        view.metrics(&Scope::All, &MetricQuery::default())
    })?;
    println!("rows {}, more: {}", rows.rows.len(), rows.next.is_some());
    let scope = Scope::Tenants(BTreeSet::from(["nobody".to_owned()]));
    timed("a page of a tenant without anything", || view.snapshot(&scope))?;
    for (what, id) in [
        (
            "trace of a message received",
            (|number| format!("wamid.in{number}")) as fn(usize) -> String,
        ),
        ("trace of a message sent", |number| format!("wamid.out{number}")),
        ("trace of a person", person),
        ("trace of a phone", |number| format!("+5696{:07}", number / OF_A_PERSON)),
        ("trace of nothing known", |number| format!("nothing-{number}")),
    ] {
        let times = (0..1_000).map(|turn| {
            // Everywhere in the file, in no order.
            let number = turn * 7_919_993 % many;
            let id = id(number);
            let begun = Instant::now();
            let told = view.story(&Scope::All, &id, 500, &Asked::default()).unwrap();
            assert_eq!(told.is_none(), what.ends_with("known"), "{id}");
            begun.elapsed()
        });
        spread(what, times.collect());
    }
    timed("facts behind a number", || {
        view.story(&Scope::All, "number:delivery_rate", 500, &Asked::default())
    })?;
    Ok(())
}
