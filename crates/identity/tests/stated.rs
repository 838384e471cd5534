//! What people state suggests who may be one person, whatever the order of arrival and its repetition: beside the rule
//! computed from the whole history, for people who are told apart by their user ids.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use hilo_contracts::{
    codec::{self, Codec as _},
    facts::Identity,
    item::{Body, Crm, Decision, Item, Position, Ruling, Sighting},
    topics,
};
use hilo_domain::{Identifier, IdentifierKind, Millis};
use hilo_stream::{Record, TestDriver, TopicKind, TopicSpec, Topology, driver, wire};
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
    Topology::new(vec![input], vec![hilo_identity::spec()]).unwrap()
}

/// Who states a value: a person by user id, or a record of a CRM.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Who {
    Person(String),
    Record(String),
}

fn value(text: &str) -> Identifier {
    let kind = if text.contains('@') {
        IdentifierKind::Email
    } else {
        IdentifierKind::Document
    };
    Identifier::new(kind, text)
}

fn record_of(id: &str) -> Identifier {
    Identifier::new(IdentifierKind::HubspotId, id)
}

fn item(at: Millis, key: String, sighting: Option<Sighting>, body: Body) -> Record {
    let item = Item {
        tenant: "acme".to_owned(),
        delivery_id: key.clone(),
        position: Position::default(),
        received_at: at,
        event_time: at,
        key,
        content: "{}".to_owned(),
        entry_id: "1".to_owned(),
        phone_number_id: Some("2".to_owned()),
        test: false,
        has_person: sighting.is_some(),
        sightings: sighting.into_iter().collect(),
        evidence_only: false,
        generation: 0,
        change: None,
        body,
    };
    Record {
        topic: topics::UNIQUE,
        key: b"acme".to_vec(),
        value: wire::encode(&item).unwrap(),
        timestamp: at,
    }
}

fn states(at: Millis, who: &Who, stated: &str) -> Record {
    let key = format!("{at} {who:?} {stated}");
    match who {
        Who::Person(user_id) => {
            let sighting = Sighting {
                identifiers: vec![Identifier::bsuid(user_id.clone())],
                stated: vec![value(stated)],
                creates: true,
                ..Sighting::default()
            };
            item(
                at,
                key,
                Some(sighting),
                Body::Event {
                    kind: "flow".to_owned(),
                },
            )
        }
        Who::Record(id) => {
            let crm = Crm {
                system: "hubspot".to_owned(),
                event: "contact_changed".to_owned(),
                record: Some(record_of(id)),
                stated: vec![value(stated)],
                ..Crm::default()
            };
            item(at, key, None, Body::Crm(crm))
        }
    }
}

fn decides(at: Millis, ruling: Ruling, user: Identifier, other: Identifier) -> Record {
    let decision = Decision {
        ruling,
        user: vec![user],
        other: vec![other],
        actor: "ana".to_owned(),
        reason: "asked".to_owned(),
    };
    item(at, format!("{at} {decision:?}"), None, Body::Decision(decision))
}

/// The latest fact of each person who exists.
fn people(records: &[Record], restart_after: usize) -> Vec<Identity> {
    let mut driver = TestDriver::all(&topology(), |_, _, _| unreachable!("nothing is a dead letter here")).unwrap();
    for (place, record) in records.iter().enumerate() {
        if place == restart_after {
            driver.restart().unwrap();
        }
        driver.pipe(record.clone()).unwrap();
    }
    let codec = codec::identity();
    let mut latest: BTreeMap<String, Identity> = BTreeMap::new();
    for record in driver.topic(topics::IDENTITY) {
        let fact = codec.decode(&record.value).unwrap();
        if latest
            .get(&fact.person_id)
            .is_none_or(|had| had.revision <= fact.revision)
        {
            latest.insert(fact.person_id.clone(), fact);
        }
    }
    latest.into_values().filter(|fact| fact.kind != "closed").collect()
}

/// Open suggestions as `one ~ other by value since time, blocker`.
fn suggested(people: &[Identity]) -> BTreeSet<String> {
    let name = |person_id: &str| {
        let person = people.iter().find(|person| person.person_id == person_id).unwrap();
        person.identifiers[0].value.clone()
    };
    let mut out = BTreeSet::new();
    for person in people {
        for proposal in &person.proposals {
            let record = proposal.evidence.iter().find(|id| id.kind == "hubspot_id");
            let other = proposal.other_person_id.as_deref().map(name);
            let other = other.unwrap_or_else(|| record.unwrap().value.clone());
            let mut both = [name(&person.person_id), other];
            both.sort();
            let [one, other] = both;
            let by: Vec<&str> = proposal
                .evidence
                .iter()
                .filter(|id| id.kind != "hubspot_id")
                .map(|id| &*id.value)
                .collect();
            let blocker = proposal.blocker.as_deref().unwrap_or_default();
            out.insert(format!(
                "{one} ~ {other} {} {} since {} {blocker}",
                proposal.rule,
                by.join(" "),
                proposal.proposed_at
            ));
        }
    }
    out
}

/// The same by the rule: of people with user ids of their own, and records that nobody has.
fn expected(history: &BTreeSet<(Millis, Who, &'static str)>) -> BTreeSet<String> {
    let mut first: BTreeMap<(&str, &Who), Millis> = BTreeMap::new();
    for (at, who, stated) in history {
        let had = first.entry((*stated, who)).or_insert(*at);
        *had = (*had).min(*at);
    }
    let holders = |stated: &str| -> Vec<(&Who, Millis)> {
        let of_value = first.iter().filter(|((value, _), _)| *value == stated);
        of_value.map(|((_, who), at)| (*who, *at)).collect()
    };
    let stated: BTreeSet<&str> = first.keys().map(|(stated, _)| *stated).collect();
    let counted = |stated: &&&str| holders(stated).len() <= 10;
    let of = |who: &Who, is_email: bool| -> BTreeSet<&str> {
        let known = stated.iter().filter(counted).copied();
        known
            .filter(|it| it.contains('@') == is_email && first.contains_key(&(*it, who)))
            .collect()
    };
    // The surest of each two: rule, time, value.
    let mut best: BTreeMap<[&Who; 2], (u8, Millis, &str)> = BTreeMap::new();
    for value in stated.iter().filter(counted) {
        let holders = holders(value);
        let persons = holders.iter().filter(|(who, _)| matches!(who, Who::Person(_))).count();
        if persons > 3 || holders.len() - persons > 3 {
            continue;
        }
        for (place, (one, since)) in holders.iter().enumerate() {
            for (other, other_since) in &holders[place + 1..] {
                let of_many = |who: &Who| matches!(who, Who::Person(_)) && of(who, false).len() > 3;
                if of_many(one) || of_many(other) || matches!((one, other), (Who::Record(_), Who::Record(_))) {
                    continue;
                }
                let new = (u8::from(value.contains('@')), *since.max(other_since), *value);
                let had = best.entry([*one, *other]).or_insert(new);
                *had = (*had).min(new);
            }
        }
    }
    let name = |who: &Who| match who {
        Who::Person(id) | Who::Record(id) => id.clone(),
    };
    best.iter()
        .map(|([one, other], (rule, at, value))| {
            let blocker = if matches!((one, other), (Who::Person(_), Who::Person(_))) {
                "opposing_user_ids"
            } else {
                ""
            };
            let mut both = [name(one), name(other)];
            both.sort();
            format!(
                "{} ~ {} {} {value} since {at} {blocker}",
                both[0],
                both[1],
                ["document", "email"][usize::from(*rule)]
            )
        })
        .collect()
}

fn who(pick: usize) -> Who {
    // Most are people: a value has to be able to have more than ten holders.
    match pick.checked_sub(12) {
        None => Who::Person(format!("CL.{}", 10 + pick)),
        Some(record) => Who::Record(format!("{}", 500 + record)),
    }
}

const VALUES: [&str; 8] = [
    "no@no.com",
    "no@no.com",
    "ana@x.cl",
    "eva@x.cl",
    "11111",
    "22222",
    "33333",
    "44444",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(debug_assertions) { 300 } else { 3_000 }))]

    #[test]
    fn suggestions_follow_from_the_set_of_statements(
        picks in prop::collection::vec((0..40i64, 0..15usize, 0..VALUES.len()), 1..60),
        seed in any::<u64>(),
        restart in 0..60usize,
    ) {
        let history: BTreeSet<_> = picks.into_iter().map(|(at, pick, value)| (at, who(pick), VALUES[value])).collect();
        let records: Vec<Record> = history.iter().map(|(at, who, stated)| states(*at, who, stated)).collect();
        let want = expected(&history);
        prop_assert_eq!(&suggested(&people(&records, usize::MAX)), &want);
        let other = driver::repeated(&driver::permuted(&records, seed), seed);
        prop_assert_eq!(&suggested(&people(&other, restart)), &want);
    }
}

fn person(id: &str) -> Who {
    Who::Person(id.to_owned())
}

#[test]
fn strangers_who_type_the_same_thing_are_never_one_and_not_for_long_suggested() {
    let typed = |count: i64| -> Vec<Record> {
        (1..=count)
            .map(|at| states(at, &person(&format!("CL.{}", 10 + at)), "no@no.com"))
            .collect()
    };
    for (count, suggestions) in [(1, 0), (2, 1), (3, 3), (4, 0), (10, 0), (11, 0), (200, 0)] {
        let people = people(&typed(count), usize::MAX);
        assert_eq!(people.len() as i64, count, "each stays one person");
        assert_eq!(suggested(&people).len(), suggestions, "{count} people");
        let shown = people.iter().flat_map(|person| &person.identifiers);
        assert!(
            shown.clone().all(|id| id.kind == "bsuid"),
            "a statement is no identifier"
        );
    }
}

/// A cluster that a common value holds together would be judged as a whole for ever.
#[test]
fn a_value_of_many_is_forgotten_and_ties_nobody_any_more() {
    let mut records: Vec<Record> = (11..=40)
        .map(|id| states(id, &person(&format!("CL.{id}")), "no@no.com"))
        .collect();
    records.push(states(50, &person("CL.12"), "ana@x.cl"));
    records.push(states(51, &person("CL.40"), "ana@x.cl"));
    let suggestions = suggested(&people(&records, 25));
    assert_eq!(suggestions.len(), 1, "{suggestions:?}");
}

#[test]
fn who_decides_settles_what_a_statement_suggests() {
    let two = [
        states(1, &person("CL.1"), "ana@x.cl"),
        states(2, &person("CL.2"), "ana@x.cl"),
    ];
    let (one, other) = (Identifier::bsuid("CL.1"), Identifier::bsuid("CL.2"));
    let after = |decisions: &[Record]| people(&[&two[..], decisions].concat(), usize::MAX);
    assert_eq!(suggested(&after(&[])).len(), 1);
    let rejected = decides(3, Ruling::Reject, one.clone(), other.clone());
    assert!(suggested(&after(std::slice::from_ref(&rejected))).is_empty());
    let reopened = decides(4, Ruling::Unmerge, one.clone(), other.clone());
    assert_eq!(suggested(&after(&[rejected, reopened])).len(), 1);
    let merged = after(&[decides(3, Ruling::Merge, one, other)]);
    assert_eq!(merged.len(), 1);
    assert!(suggested(&merged).is_empty());
}

#[test]
fn a_record_with_the_same_email_is_suggested_until_somebody_has_it() {
    let record = Who::Record("512".to_owned());
    let told = [states(1, &person("CL.1"), "ana@x.cl"), states(2, &record, "ana@x.cl")];
    assert_eq!(
        suggested(&people(&told, usize::MAX)),
        ["512 ~ CL.1 email ana@x.cl since 2 ".to_owned()].into()
    );
    let linked = decides(3, Ruling::Merge, Identifier::bsuid("CL.1"), record_of("512"));
    let told = [&told[..], &[linked]].concat();
    assert!(suggested(&people(&told, usize::MAX)).is_empty());
    // Whose record it is has its e-mail: somebody else who states it may be the same person.
    let told = [&told[..], &[states(4, &person("CL.2"), "ana@x.cl")]].concat();
    assert_eq!(
        suggested(&people(&told, usize::MAX)),
        ["CL.1 ~ CL.2 email ana@x.cl since 4 opposing_user_ids".to_owned()].into()
    );
}
