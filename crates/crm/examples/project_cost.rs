//! What `project` costs: facts of typical conversations in, by the default mapping, with a tick a second of their time.
//! `cargo run --release -p hilo-crm --example project_cost -- 20000`
#![allow(clippy::unwrap_used, reason = "an example fails by panicking")]

use hilo_contracts::{
    codec::{self, Codec as _},
    details::Details,
    facts::{Clock, Conversation, IdentifierSpan, Identity, Session, Status},
    topics,
};
use hilo_crm::{Config, Target, campaigns::Campaigns, mapping::Mappings, spec};
use hilo_stream::{ProcessorError, Record, TestDriver, TopicKind, TopicSpec, Topology};
use std::time::Instant;

fn main() {
    let talks: i64 = std::env::args().nth(1).map_or(20_000, |text| text.parse().unwrap());
    let target = Target {
        sink: "hubspot".to_owned(),
        mappings: Mappings::default_hubspot().unwrap(),
        campaigns: Campaigns::default(),
    };
    for (name, config) in [
        ("no CRM", Config::default()),
        (
            "HubSpot",
            Config {
                others: Some(target),
                ..Config::default()
            },
        ),
    ] {
        let input = |name| TopicSpec {
            name,
            kind: TopicKind::Raw,
            key: "any",
            schema: Some(name),
            kept: "for the example",
            doc: "Facts.",
        };
        let inputs = [topics::IDENTITY, topics::CONVERSATION, topics::STATUS, topics::CONSENT].map(input);
        let topology = Topology::new(inputs.to_vec(), vec![spec(&config)]).unwrap();
        let mut driver = TestDriver::all(&topology, |_, reason, _| {
            Err(ProcessorError::Contract(reason.to_owned()))
        })
        .unwrap();
        let (mut facts, mut spent) = (0u32, std::time::Duration::ZERO);
        for talk in 0..talks {
            let records = conversation(talk);
            facts += records.len() as u32;
            let start = Instant::now();
            driver.pipe_all(records).unwrap();
            if talk % 10 == 9 {
                driver.tick(talk * 100 + 3_600_000).unwrap();
            }
            spent += start.elapsed();
        }
        println!(
            "{name}: {facts} facts, {} records, {:.1} µs a fact",
            driver.outputs().len(),
            spent.as_secs_f64() * 1e6 / f64::from(facts)
        );
    }
}

/// A customer asks, an agent answers, the customer thanks, the session closes: 17 facts.
fn conversation(talk: i64) -> Vec<Record> {
    let start = talk * 100;
    let person = format!("{talk:032x}");
    let mut all = Vec::new();
    let identity = Identity {
        event_id: format!("i{person}"),
        tenant: "acme".to_owned(),
        event_time: start,
        kind: "observed".to_owned(),
        person_id: person.clone(),
        revision: 1,
        identifiers: vec![IdentifierSpan {
            kind: "phone".to_owned(),
            value: format!("+5696{talk:07}"),
            valid_from: Some(start),
            valid_to: None,
        }],
        country: Some("CL".to_owned()),
        name: Some("Ana Pérez".to_owned()),
        ..Identity::default()
    };
    all.push((topics::IDENTITY, codec::identity().encode(&identity).unwrap(), start));
    let mut session = Session {
        opened_at: start,
        opened_by: "customer".to_owned(),
        first_customer_at: Some(start),
        turns: vec![Clock {
            started_at: start,
            ..Clock::default()
        }],
        ..Session::default()
    };
    let fact = |id: String, at: i64| Conversation {
        event_id: id,
        tenant: "acme".to_owned(),
        event_time: at,
        ingest_time: at,
        revision: 1,
        person_id: Some(person.clone()),
        conversation_id: Some(person.clone()),
        session_id: Some(format!("s{person}")),
        phone_number_id: Some("106500000000001".to_owned()),
        ..Conversation::default()
    };
    for number in 0..4 {
        let (at, outbound) = (start + number * 60_000, number % 2 == 1);
        let id = format!("wamid.{person}{number}");
        let mut message = Conversation {
            kind: if outbound { "message_sent" } else { "message_received" }.to_owned(),
            message_id: Some(id.clone()),
            message_type: Some("text".to_owned()),
            direction: Some(if outbound { "outbound" } else { "inbound" }.to_owned()),
            content: Some("{}".repeat(40)),
            details: Some(Box::new(Details {
                text: Some("Hola, ¿cómo puedo reprogramar mi hora de mañana?".to_owned()),
                ..Details::default()
            })),
            ..fact(format!("m{id}"), at)
        };
        message.source.entry = -i32::from(outbound);
        all.push((
            topics::CONVERSATION,
            codec::conversation().encode(&message).unwrap(),
            at,
        ));
        if outbound {
            session.turns.clear();
            session.answered_by_human = true;
            for (revision, status) in (1..).zip(["accepted", "sent", "delivered", "read"]) {
                let status = Status {
                    event_id: format!("st{id}{revision}"),
                    tenant: "acme".to_owned(),
                    event_time: at + revision,
                    revision,
                    message_id: id.clone(),
                    effective_status: Some(status.to_owned()).filter(|status| status != "accepted"),
                    accepted: true,
                    accepted_at: Some(at),
                    message_type: "text".to_owned(),
                    person_id: Some(person.clone()),
                    ..Status::default()
                };
                all.push((topics::STATUS, codec::status().encode(&status).unwrap(), at));
            }
        }
        if number == 3 {
            session.closed_at = Some(at);
            session.close_reason = Some("resolved".to_owned());
        }
        let told = Conversation {
            kind: "session_changed".to_owned(),
            revision: number + 1,
            session: Some(session.clone()),
            ..fact(format!("se{person}{number}"), at)
        };
        all.push((topics::CONVERSATION, codec::conversation().encode(&told).unwrap(), at));
    }
    let record = |(topic, value, timestamp)| Record {
        topic,
        key: Vec::new(),
        value,
        timestamp,
    };
    all.into_iter().map(record).collect()
}
