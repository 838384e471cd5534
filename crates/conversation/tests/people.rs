//! Identity and conversation together: whose a message is and in which session, whatever the order of arrival.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use hilo_contracts::{
    codec::{self, Codec as _},
    item::{Author, Body, IdentityChange, Item, Message, Origin, Sighting},
    topics,
};
use hilo_domain::{Identifier, Millis, time::HOUR};
use hilo_stream::{Record, TestDriver, TopicKind, TopicSpec, Topology, wire};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

fn topology() -> Topology {
    let input = TopicSpec {
        name: topics::UNIQUE,
        kind: TopicKind::Internal,
        key: "tenant",
        schema: None,
        kept: "",
        doc: "",
    };
    Topology::new(vec![input], vec![hilo_identity::spec(), hilo_conversation::spec()]).unwrap()
}

fn ids(text: &str) -> Vec<Identifier> {
    text.split_whitespace()
        .flat_map(|word| match word.split_once('.') {
            Some(_) => vec![Identifier::bsuid(word)],
            None => vec![
                Identifier::wa_id(word),
                Identifier::phone(&format!("+{word}"), None).unwrap(),
            ],
        })
        .collect()
}

/// Who writes, or who becomes whom.
const SEEN: [&str; 8] = [
    "56961230001",
    "56961230002",
    "CL.1",
    "CL.1 56961230001",
    "CL.2 56961230001",
    "CL.2 56961230002",
    "CL.3",
    "CL.3 56961230001",
];
const CHANGED: [(&str, &str); 2] = [("56961230001", "56961230002"), ("CL.1", "CL.3")];

fn record(at: Millis, pick: usize, inbound: bool) -> Record {
    let id = format!("{at}-{pick}-{inbound}");
    let (sighting, change) = match SEEN.get(pick) {
        Some(text) => (ids(text), None),
        None => {
            let (old, new) = CHANGED[pick - SEEN.len()];
            let change = IdentityChange {
                old: ids(old),
                new: ids(new),
                kind: "number_changed".to_owned(),
            };
            (ids(old), Some(change))
        }
    };
    let item = Item {
        tenant: "acme".to_owned(),
        delivery_id: id.clone(),
        position: hilo_contracts::item::Position::default(),
        received_at: at * HOUR,
        event_time: at * HOUR,
        key: id.clone(),
        content: "{}".to_owned(),
        entry_id: "1".to_owned(),
        phone_number_id: Some("2".to_owned()),
        test: false,
        sightings: vec![Sighting {
            identifiers: sighting,
            name: None,
            creates: true,
        }],
        has_person: true,
        evidence_only: false,
        body: Body::Message(Message {
            id: id.clone(),
            origin: if inbound { Origin::Received } else { Origin::Outbound },
            kind: if change.is_some() { "system" } else { "text" }.to_owned(),
            inbound,
            author: Author {
                kind: if inbound { "customer" } else { "agent" }.to_owned(),
                id: None,
            },
            reply_to: None,
            group_id: None,
            courtesy: false,
            opt_out: false,
            question: false,
            referral: None,
            template: None,
            campaign: None,
            segment: None,
            history_status: None,
        }),
        change,
    };
    Record {
        topic: topics::UNIQUE,
        key: b"acme".to_vec(),
        value: wire::encode(&item).unwrap(),
        timestamp: item.event_time,
    }
}

/// What readers end with: people, and for each message its person's identifiers and its session's other messages.
fn outcome(records: &[Record], restart_after: usize) -> (BTreeSet<String>, BTreeMap<String, String>) {
    let mut driver = TestDriver::all(&topology(), |_, _, _| unreachable!("nothing is a dead letter here")).unwrap();
    for (place, record) in records.iter().enumerate() {
        if place == restart_after {
            driver.restart().unwrap();
        }
        driver.pipe(record.clone()).unwrap();
    }
    driver.tick(1_000 * HOUR).unwrap();
    let mut people: BTreeMap<String, (i64, String)> = BTreeMap::new();
    let codec = codec::identity();
    for record in driver.topic(topics::IDENTITY) {
        let fact = codec.decode(&record.value).unwrap();
        if fact.kind == "merge_proposed" {
            continue;
        }
        let text = if fact.kind == "closed" {
            String::new()
        } else {
            let list = |current: bool| {
                fact.identifiers
                    .iter()
                    .filter(|id| id.valid_to.is_none() == current)
                    .map(|id| id.value.as_str())
                    .collect::<Vec<_>>()
                    .join(" ")
            };
            format!("{} | {}", list(true), list(false))
        };
        let entry = people.entry(fact.person_id).or_default();
        if fact.revision >= entry.0 {
            *entry = (fact.revision, text);
        }
    }
    let mut messages: BTreeMap<String, (i64, String, Option<String>)> = BTreeMap::new();
    let mut sessions: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let codec = codec::conversation();
    for record in driver.topic(topics::CONVERSATION) {
        let fact = codec.decode(&record.value).unwrap();
        if let Some(id) = fact.message_id {
            let entry = messages.entry(id).or_default();
            if fact.revision >= entry.0 {
                *entry = (fact.revision, fact.person_id.unwrap(), fact.session_id);
            }
        }
    }
    for (id, (_, _, session)) in &messages {
        if let Some(session) = session {
            sessions.entry(session.clone()).or_default().insert(id.clone());
        }
    }
    let told = messages
        .iter()
        .map(|(id, (_, person, session))| {
            let together = session.as_ref().map(|session| &sessions[session]);
            (id.clone(), format!("{} in {together:?}", people[person].1))
        })
        .collect();
    (
        people
            .into_values()
            .map(|(_, text)| text)
            .filter(|text| !text.is_empty())
            .collect(),
        told,
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(debug_assertions) { 300 } else { 3_000 }))]
    #[test]
    fn whose_a_message_is_does_not_depend_on_arrival(
        history in prop::collection::btree_set((0..60i64, 0..SEEN.len() + CHANGED.len(), any::<bool>()), 1..16),
        seed in any::<u64>(),
        restart in 0..16usize,
    ) {
        let records: Vec<Record> = history
            .iter()
            .map(|(at, pick, inbound)| record(*at, *pick, *inbound || *pick >= SEEN.len()))
            .collect();
        let shuffled = hilo_stream::driver::permuted(&records, seed);
        let want = outcome(&records, usize::MAX);
        prop_assert_eq!(&outcome(&shuffled, restart), &want);
    }
}
