//! The chain is the same for every order of arrival, and shows what was changed.

use crate::{spec, verify, wills};
use hilo_contracts::{
    codec::{self, Codec as _},
    facts::Consent as Fact,
    item::{ConsentRecord, Sign},
    topics,
};
use hilo_domain::{Millis, consent::consent};
use hilo_stream::{Record, TestDriver, TopicKind, TopicSpec, Topology, driver, wire};
use proptest::prelude::*;
use std::collections::BTreeMap;

fn topology() -> Topology {
    let input = TopicSpec {
        name: topics::CONSENT_ITEM,
        kind: TopicKind::Internal,
        key: "person",
        schema: None,
        kept: "",
        doc: "",
    };
    Topology::new(vec![input], vec![spec()]).unwrap()
}

fn record(person: &str, record: &ConsentRecord) -> Record {
    Record {
        topic: topics::CONSENT_ITEM,
        key: person.into(),
        value: wire::encode(record).unwrap(),
        timestamp: 0,
    }
}

fn sign(id: &str, at: Millis, state: &str, method: &str, subject: &str) -> ConsentRecord {
    ConsentRecord::Sign(Box::new(Sign {
        id: id.to_owned(),
        tenant: "acme".to_owned(),
        at,
        channel: "whatsapp".to_owned(),
        purpose: "marketing".to_owned(),
        state: state.to_owned(),
        method: method.to_owned(),
        subjects: vec![subject.to_owned()],
        ..Sign::default()
    }))
}

fn forget(id: &str) -> ConsentRecord {
    ConsentRecord::Forget {
        tenant: "acme".to_owned(),
        id: id.to_owned(),
    }
}

/// The ledgers that a reader ends with, by person; revisions only rise.
fn ledgers(records: &[Record], restart_after: usize) -> BTreeMap<String, Vec<Fact>> {
    let mut driver = TestDriver::all(&topology(), |_, _, _| unreachable!("nothing is a dead letter here")).unwrap();
    for (place, record) in records.iter().enumerate() {
        if place == restart_after {
            driver.restart().unwrap();
        }
        driver.pipe(record.clone()).unwrap();
    }
    let codec = codec::consent();
    let mut latest: BTreeMap<(String, String), Fact> = BTreeMap::new();
    for record in driver.topic(topics::CONSENT) {
        let fact = codec.decode(&record.value).unwrap();
        let key = (fact.person_id.clone(), fact.entry_id.clone());
        if let Some(had) = latest.insert(key, fact.clone()) {
            assert!(fact.revision > had.revision, "{had:?} {fact:?}");
        }
    }
    let mut ledgers: BTreeMap<String, Vec<Fact>> = BTreeMap::new();
    for ((person, _), fact) in latest {
        let ledger = ledgers.entry(person).or_default();
        if fact.kind == "entry" {
            ledger.push(fact);
        }
    }
    for ledger in ledgers.values_mut() {
        ledger.sort_by_key(|fact| fact.sequence);
    }
    ledgers
}

/// What is proved of a ledger.
fn proved(ledger: &[Fact]) -> Vec<(i64, &str, &str, &str)> {
    ledger
        .iter()
        .map(|fact| {
            (
                fact.sequence,
                fact.entry_id.as_str(),
                fact.effective.as_str(),
                fact.hash.as_str(),
            )
        })
        .collect()
}

#[test]
fn a_late_entry_takes_its_place_and_the_chain_follows() {
    let said = [
        record("p", &sign("a", 10, "granted", "crm", "x")),
        record("p", &sign("c", 30, "unblocked", "user_preferences", "x")),
        record("p", &sign("b", 20, "withdrawn", "keyword", "x")),
    ];
    let ledger = &ledgers(&said, usize::MAX)["p"];
    verify(ledger).unwrap();
    let states: Vec<_> = ledger
        .iter()
        .map(|fact| (fact.state.as_str(), fact.effective.as_str()))
        .collect();
    // Lifting the platform's block does not lift the withdrawal.
    assert_eq!(
        states,
        [("granted", "granted"), ("withdrawn", "denied"), ("unblocked", "denied")]
    );
    assert_eq!(consent(&wills(ledger), "whatsapp", "marketing", 15).as_str(), "granted");
}

#[test]
fn whatever_is_changed_in_a_chain_shows() {
    let said: Vec<Record> = (1..=4)
        .map(|at| record("p", &sign(&at.to_string(), at, "granted", "crm", "x")))
        .collect();
    let ledger = ledgers(&said, usize::MAX).remove("p").unwrap();
    verify(&ledger).unwrap();
    let broken = |change: &dyn Fn(&mut Vec<Fact>)| {
        let mut changed = ledger.clone();
        change(&mut changed);
        verify(&changed).unwrap_err().what
    };
    assert_eq!(
        broken(&|chain| chain[1].state = "withdrawn".into()),
        "is not what was written"
    );
    assert_eq!(broken(&|chain| chain[1].subjects.clear()), "is not what was written");
    assert_eq!(broken(&|chain| chain[3].event_time = 9), "is not what was written");
    assert_eq!(
        broken(&|chain| drop(chain.remove(1))),
        "does not stand at its place: one is missing or too many"
    );
    assert_eq!(
        broken(&|chain| chain[2].previous_hash = "0".into()),
        "does not follow the one before"
    );
    assert_eq!(broken(&|chain| chain[2].event_time = 1), "is out of order");
}

#[test]
fn an_entry_that_goes_to_somebody_else_leaves_a_whole_chain_and_comes_back() {
    let stop = sign("b", 20, "withdrawn", "keyword", "x");
    let mut said = vec![
        record("p", &sign("a", 10, "granted", "crm", "x")),
        record("p", &stop),
        record("p", &sign("c", 30, "unblocked", "user_preferences", "x")),
    ];
    let whole = ledgers(&said, usize::MAX);
    said.extend([record("p", &forget("b")), record("q", &stop)]);
    let moved = ledgers(&said, usize::MAX);
    assert_eq!((moved["p"].len(), moved["q"].len()), (2, 1));
    for ledger in moved.values() {
        verify(ledger).unwrap();
    }
    assert_eq!(moved["p"][1].effective, "granted");
    said.extend([record("q", &forget("b")), record("p", &stop)]);
    let back = ledgers(&said, 3);
    assert_eq!(proved(&back["p"]), proved(&whole["p"]));
    assert!(back["q"].is_empty());
}

const STATES: [(&str, &str); 6] = [
    ("granted", "crm"),
    ("granted", "user_preferences"),
    ("withdrawn", "keyword"),
    ("denied", "crm"),
    ("blocked", "error"),
    ("unblocked", "user_preferences"),
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn the_ledger_does_not_depend_on_arrival(
        said in prop::collection::btree_map(0..40u8, (0..12i64, 0..STATES.len(), 0..2usize, 0..3usize), 1..12),
        seed in any::<u64>(),
        restart in 0..12usize,
    ) {
        let records: Vec<Record> = said
            .iter()
            .map(|(id, (at, state, person, subject))| {
                let (state, method) = STATES[*state];
                record(["p", "q"][*person], &sign(&id.to_string(), *at, state, method, ["x", "y", "z"][*subject]))
            })
            .collect();
        let want = ledgers(&records, usize::MAX);
        let other = ledgers(&driver::repeated(&driver::permuted(&records, seed), seed), restart);
        prop_assert_eq!(want.len(), other.len());
        for (person, ledger) in &want {
            prop_assert!(verify(ledger).is_ok());
            prop_assert_eq!(proved(ledger), proved(&other[person]));
            // The last word of each entry is what the definition says of the entries up to it.
            for (place, fact) in ledger.iter().enumerate() {
                let follows = consent(&wills(&ledger[..=place]), "whatsapp", "marketing", fact.event_time);
                prop_assert_eq!(fact.effective.as_str(), follows.as_str());
            }
        }
    }
}
