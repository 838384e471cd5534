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

fn sighting(user_id: &str, stated: &[&str]) -> Sighting {
    Sighting {
        identifiers: vec![Identifier::bsuid(user_id)],
        stated: stated.iter().copied().map(value).collect(),
        creates: true,
        ..Sighting::default()
    }
}

fn event() -> Body {
    Body::Event {
        kind: "flow".to_owned(),
    }
}

fn states(at: Millis, who: &Who, stated: &str) -> Record {
    let key = format!("{at} {who:?} {stated}");
    match who {
        Who::Person(user_id) => item(at, key, Some(sighting(user_id, &[stated])), event()),
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

/// Identifiers of each person.
fn identified(people: &[Identity]) -> BTreeSet<Vec<String>> {
    let ids = |person: &Identity| person.identifiers.iter().map(|id| id.value.clone()).collect();
    people.iter().map(ids).collect()
}

/// What happened: statements, and merges of somebody with whoever.
#[derive(Debug)]
struct History {
    stated: BTreeSet<(Millis, Who, &'static str)>,
    merged: Vec<(Who, Who)>,
}

impl History {
    fn records(&self) -> Vec<Record> {
        let id_of = |who: &Who| match who {
            Who::Person(id) => Identifier::bsuid(id.clone()),
            Who::Record(id) => record_of(id),
        };
        let seen = (0..PEOPLE).map(|pick| {
            let (Who::Person(id) | Who::Record(id)) = who(pick);
            item(60, format!("seen {pick}"), Some(sighting(&id, &[])), event())
        });
        let stated = self.stated.iter().map(|(at, who, stated)| states(*at, who, stated));
        let merged = self.merged.iter().zip(100..);
        let merged = merged.map(|((one, other), at)| decides(at, Ruling::Merge, id_of(one), id_of(other)));
        seen.chain(stated).chain(merged).collect()
    }

    /// Who is one: whoever was merged, directly or not.
    fn groups(&self) -> Vec<BTreeSet<Who>> {
        let mut groups: Vec<BTreeSet<Who>> = (0..PEOPLE + RECORDS).map(|pick| [who(pick)].into()).collect();
        for (one, other) in &self.merged {
            let place =
                |groups: &[BTreeSet<Who>], who: &Who| groups.iter().position(|group| group.contains(who)).unwrap();
            let gone = groups.remove(place(&groups, other));
            if gone.contains(one) {
                groups.push(gone);
            } else {
                let stays = place(&groups, one);
                groups[stays].extend(gone);
            }
        }
        groups
    }

    /// Statements that count: of a value with at most ten holders, by a holder of at most ten values of the kind.
    fn counted(&self) -> Vec<&(Millis, Who, &'static str)> {
        let holders = |value: &str| -> usize {
            let of_value = self.stated.iter().filter(|(_, _, stated)| *stated == value);
            of_value.map(|(_, who, _)| who).collect::<BTreeSet<_>>().len()
        };
        let counts = |(_, who, value): &&(Millis, Who, &'static str)| {
            holders(value) <= 10 && self.values(who, is_email(value)).len() <= 10
        };
        self.stated.iter().filter(counts).collect()
    }

    fn values(&self, who: &Who, emails: bool) -> BTreeSet<&'static str> {
        let theirs = self
            .stated
            .iter()
            .filter(|(_, by, stated)| by == who && is_email(stated) == emails);
        theirs.map(|(_, _, stated)| *stated).collect()
    }

    /// The rule, from the whole history: people with user ids of their own, and records that nobody has.
    fn expected(&self) -> BTreeSet<String> {
        let groups = self.groups();
        let group_of = |who: &Who| groups.iter().position(|group| group.contains(who)).unwrap();
        let is_person = |group: usize| matches!(groups[group].first(), Some(Who::Person(_)));
        // (value, group) and since when.
        let mut first: BTreeMap<(&str, usize), Millis> = BTreeMap::new();
        for (at, who, value) in self.counted() {
            let had = first.entry((*value, group_of(who))).or_insert(*at);
            *had = (*had).min(*at);
        }
        let holders = |value: &str| -> Vec<(usize, Millis)> {
            let of_value = first.iter().filter(|((stated, _), _)| *stated == value);
            of_value.map(|((_, group), at)| (*group, *at)).collect()
        };
        let of = |group: usize, emails: bool| -> BTreeSet<&str> {
            let theirs = first
                .keys()
                .filter(|(value, by)| *by == group && is_email(value) == emails);
            theirs.map(|(value, _)| *value).collect()
        };
        let is_of_many = |group: usize| {
            let is_crowd = |who: &Who| matches!(who, Who::Person(_)) && self.values(who, false).len() > 10;
            is_person(group) && (of(group, false).len() > 3 || groups[group].iter().any(is_crowd))
        };
        let differ = |one: usize, other: usize| {
            [true, false].into_iter().all(|emails| {
                let own = |group: usize| -> BTreeSet<&str> {
                    of(group, emails)
                        .into_iter()
                        .filter(|value| holders(value).len() <= 3)
                        .collect()
                };
                let (one, other) = (own(one), own(other));
                !one.is_empty() && !other.is_empty() && one.is_disjoint(&other)
            })
        };
        // The surest of each two: rule, time, value.
        let mut best: BTreeMap<(usize, usize), (bool, Millis, &str)> = BTreeMap::new();
        let values: BTreeSet<&str> = first.keys().map(|(value, _)| *value).collect();
        for value in values {
            let holders = holders(value);
            let people = holders.iter().filter(|(group, _)| is_person(*group)).count();
            if people > 3 || holders.len() - people > 3 {
                continue;
            }
            for (one, since) in &holders {
                for (other, other_since) in holders.iter().filter(|(other, _)| other != one) {
                    let is_once = !is_person(*other) || one < other;
                    if is_person(*one) && is_once && !is_of_many(*one) && !is_of_many(*other) {
                        let new = (is_email(value), *since.max(other_since), value);
                        let had = best.entry((*one, *other)).or_insert(new);
                        *had = (*had).min(new);
                    }
                }
            }
        }
        best.iter()
            .map(|((one, other), (email, at, value))| {
                let blocker = match (is_person(*other), differ(*one, *other)) {
                    (true, _) => "opposing_user_ids",
                    (false, true) => "opposing_statements",
                    (false, false) => "",
                };
                let name = |group: usize| match groups[group].first() {
                    Some(Who::Person(id) | Who::Record(id)) => id.clone(),
                    None => unreachable!(),
                };
                let mut both = [name(*one), name(*other)];
                both.sort();
                let rule = if *email { "email" } else { "document" };
                format!("{} ~ {} {rule} {value} since {at} {blocker}", both[0], both[1])
            })
            .collect()
    }

    fn expected_people(&self) -> BTreeSet<Vec<String>> {
        let is_person = |group: &BTreeSet<Who>| matches!(group.first(), Some(Who::Person(_)));
        let ids = |group: BTreeSet<Who>| {
            group
                .into_iter()
                .map(|(Who::Person(id) | Who::Record(id))| id)
                .collect()
        };
        self.groups().into_iter().filter(is_person).map(ids).collect()
    }
}

fn is_email(value: &str) -> bool {
    value.contains('@')
}

const PEOPLE: usize = 15;
const RECORDS: usize = 4;

fn who(pick: usize) -> Who {
    match pick.checked_sub(PEOPLE) {
        None => person(&format!("CL.{}", 10 + pick)),
        Some(record) => Who::Record(format!("{}", 500 + record)),
    }
}

const VALUES: [&str; 24] = [
    "a@x.cl", "b@x.cl", "c@x.cl", "d@x.cl", "e@x.cl", "f@x.cl", "g@x.cl", "h@x.cl", "i@x.cl", "j@x.cl", "k@x.cl",
    "l@x.cl", "10001", "10002", "10003", "10004", "10005", "10006", "10007", "10008", "10009", "10010", "10011",
    "10012",
];

/// Anybody states anything; two values that nearly all state, and one who states nearly all values of a kind.
fn history() -> impl Strategy<Value = History> {
    let anybody = prop::collection::vec((0..40i64, 0..PEOPLE + RECORDS, 0..VALUES.len()), 0..16);
    let common = (0..2usize, 0..PEOPLE, 7..14usize);
    let shop = (any::<bool>(), 0..PEOPLE, 0..14usize);
    let merged = prop::collection::vec((0..PEOPLE, 0..PEOPLE + RECORDS), 0..14);
    (anybody, common, shop, merged).prop_map(|(anybody, (value, from, count), (emails, by, values), merged)| {
        let mut picks = anybody;
        let value = [0, 12][value];
        picks.extend((0..count).map(|place| (place as i64, (from + place) % (PEOPLE + RECORDS), value)));
        let kind = if emails { 0 } else { 12 };
        picks.extend((0..values.min(12)).map(|place| (place as i64, by, kind + place)));
        let stated = picks
            .into_iter()
            .map(|(at, pick, value)| (at, who(pick), VALUES[value]))
            .collect();
        let merged = merged.into_iter().filter(|(one, other)| one != other);
        let merged = merged.map(|(one, other)| (who(one), who(other))).collect();
        History { stated, merged }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(debug_assertions) { 400 } else { 4_000 }))]

    #[test]
    fn suggestions_follow_from_the_set_of_statements(
        history in history(),
        seed in any::<u64>(),
        restart in 0..60usize,
    ) {
        let records = history.records();
        let want = (history.expected(), history.expected_people());
        let found = |records: &[Record], restart: usize| {
            let people = people(records, restart);
            (suggested(&people), identified(&people))
        };
        prop_assert_eq!(&found(&records, usize::MAX), &want);
        let other = driver::repeated(&driver::permuted(&records, seed), seed);
        prop_assert_eq!(&found(&other, restart), &want);
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

/// Ten holders are kept, however few people they turn out to be; the eleventh takes all of them along.
#[test]
fn beyond_ten_holders_a_value_is_blocked_whoever_they_are() {
    let typed = |holders: i64| {
        let stated = (1..=holders).map(|at| states(at, &person(&format!("CL.{}", 10 + at)), "no@no.com"));
        // All but the first are one person.
        let merged = (3..=holders).map(|at| {
            let other = Identifier::bsuid(format!("CL.{}", 10 + at));
            decides(100 + at, Ruling::Merge, Identifier::bsuid("CL.12"), other)
        });
        let records: Vec<Record> = stated.chain(merged).collect();
        let backwards: Vec<Record> = records.iter().rev().cloned().collect();
        [records, backwards].map(|records| suggested(&people(&records, usize::MAX)).len())
    };
    assert_eq!(
        [typed(9), typed(10), typed(11), typed(12)],
        [[1, 1], [1, 1], [0, 0], [0, 0]]
    );
}

/// A shop that fills in forms for its customers, who answer for themselves too.
#[test]
fn beyond_ten_values_of_a_kind_a_holder_states_nothing() {
    let filled = |count: usize, values: &[&'static str]| {
        let values = &values[..count];
        let by_shop = values.iter().map(|value| states(1, &person("CL.10"), value));
        let by_customer = values
            .iter()
            .zip(20..)
            .map(|(value, id)| states(2, &person(&format!("CL.{id}")), value));
        let records: Vec<Record> = by_shop.chain(by_customer).collect();
        let backwards: Vec<Record> = records.iter().rev().cloned().collect();
        [records, backwards].map(|records| suggested(&people(&records, usize::MAX)).len())
    };
    let (emails, documents) = VALUES.split_at(12);
    assert_eq!([filled(10, emails), filled(11, emails)], [[10, 10], [0, 0]]);
    // Nobody has so many documents.
    assert_eq!(
        [filled(3, documents), filled(4, documents), filled(11, documents)],
        [[3, 3], [0, 0], [0, 0]]
    );
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
