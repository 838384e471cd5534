//! Identity and conversation together: whose a message is and in which session, whatever the order of arrival.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use hilo_contracts::{
    codec::{self, Codec as _},
    item::{Author, Body, Decision, IdentityChange, Item, Message, Origin, Ruling, Sighting},
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

/// Who is decided about.
const SIDES: [(&str, &str); 4] = [
    ("CL.1", "CL.2"),
    ("56961230001", "CL.3"),
    ("56961230001", "56961230002"),
    ("CL.1", "56961230001"),
];

/// A decision as an item of its own.
fn decision(at: Millis, ruling: Ruling, side: usize) -> Record {
    let (user, other) = SIDES[side];
    let mut item = item(at, 0, true);
    item.key = format!("{at}-{ruling:?}-{side}");
    item.sightings.clear();
    item.has_person = false;
    item.body = Body::Decision(Decision {
        ruling,
        user: ids(user),
        other: ids(other),
        actor: "ana".to_owned(),
        reason: "asked".to_owned(),
    });
    encoded(&item)
}

fn record(at: Millis, pick: usize, inbound: bool) -> Record {
    encoded(&item(at, pick, inbound))
}

fn encoded(item: &Item) -> Record {
    Record {
        topic: topics::UNIQUE,
        key: b"acme".to_vec(),
        value: wire::encode(item).unwrap(),
        timestamp: item.event_time,
    }
}

fn item(at: Millis, pick: usize, inbound: bool) -> Item {
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
    Item {
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
            creates: true,
            ..Sighting::default()
        }],
        has_person: true,
        evidence_only: false,
        generation: 0,
        body: Body::Message(Message {
            inbound,
            author: Author {
                kind: if inbound { "customer" } else { "agent" }.to_owned(),
                id: None,
            },
            ..Message::new(
                id.clone(),
                if inbound { Origin::Received } else { Origin::Outbound },
                if change.is_some() { "system" } else { "text" },
            )
        }),
        change,
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
    let mut revisions: BTreeSet<(String, i64)> = BTreeSet::new();
    let codec = codec::conversation();
    for record in driver.topic(topics::CONVERSATION) {
        let fact = codec.decode(&record.value).unwrap();
        // What readers rely on: an item and a session have each revision once, whoever they belong to.
        let of = fact
            .session
            .as_ref()
            .and(fact.session_id.as_ref())
            .unwrap_or(&fact.event_id);
        assert!(
            revisions.insert((of.clone(), fact.revision)),
            "two facts share a revision: {fact:?}"
        );
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
        decided in prop::collection::btree_set((0..60i64, 0..Ruling::ALL.len(), 0..SIDES.len()), 0..4),
        seed in any::<u64>(),
        restart in 0..16usize,
    ) {
        let records = records(&history, decided.iter().map(|(at, ruling, side)| decision(*at, Ruling::ALL[*ruling], *side)));
        let shuffled = hilo_stream::driver::permuted(&records, seed);
        let want = outcome(&records, usize::MAX);
        prop_assert_eq!(&outcome(&shuffled, restart), &want);
    }

    #[test]
    fn a_decision_that_is_taken_back_never_was(
        history in prop::collection::btree_set((0..60i64, 0..SEEN.len() + CHANGED.len(), any::<bool>()), 1..16),
        at in 0..60i64,
        ruling in prop_oneof![Just(Ruling::Merge), Just(Ruling::Split), Just(Ruling::Reject)],
        side in 0..SIDES.len(),
        seed in any::<u64>(),
    ) {
        let taken_back = [decision(at, ruling, side), decision(at + 1, Ruling::Unmerge, side)];
        let with = hilo_stream::driver::permuted(&records(&history, taken_back), seed);
        let without = records(&history, []);
        prop_assert_eq!(outcome(&with, usize::MAX), outcome(&without, usize::MAX));
    }
}

fn records(history: &BTreeSet<(Millis, usize, bool)>, decisions: impl IntoIterator<Item = Record>) -> Vec<Record> {
    history
        .iter()
        .map(|(at, pick, inbound)| record(*at, *pick, *inbound || *pick >= SEEN.len()))
        .chain(decisions)
        .collect()
}
