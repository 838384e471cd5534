//! The people of random histories, as the processor publishes them whatever the order of arrival, beside the rules
//! computed from the whole history: what is a placeholder, what a knot, and whom the old fold finds behind the rest.

use crate::{
    before,
    evidence::{Evidence, Sees, matching},
    fold::Quiet,
    fold_tests::ids,
    portfolio::Portfolios,
    rules::{MET, PIECES},
};
use hilo_contracts::{
    codec::{self, Codec as _},
    facts::Identity as Fact,
    item::{Account, Body, Decision, IdentityChange, Item, Move, PersonRecord, Position, Ruling, Sighting},
    topics,
};
use hilo_domain::{Identifier, IdentifierKind, Millis};
use hilo_stream::{Record, TestDriver, TopicKind, TopicSpec, Topology, driver, wire};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// What an item says, by the words of the fold's tests.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Said {
    Seen(String),
    Changed(String, String),
    Decided(Ruling, String, String),
    /// An event names the portfolio that owns an account.
    Owned(String, String),
    /// Something that shows nobody comes from a business number of an account.
    Numbered(String, String),
}

/// Who tells what happens at a time: an account, or a line that names a business number only.
fn channel(at: Millis) -> (&'static str, &'static str) {
    [("a", "1"), ("a", "1"), ("b", "2"), ("", "2"), ("", "3"), ("c", "4")][(at % 6) as usize]
}

/// To which portfolios user ids belong, by the whole history.
fn portfolios(history: &History) -> BTreeMap<String, BTreeSet<String>> {
    let mut owners: BTreeMap<&str, (Millis, &str)> = BTreeMap::new();
    let mut numbers: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut told: BTreeMap<String, BTreeSet<(&str, &str)>> = BTreeMap::new();
    for (at, said) in history {
        let (account, number) = channel(*at);
        match said {
            Said::Owned(account, owner) => {
                let had = owners.entry(account).or_default();
                *had = (*had).max((*at, owner));
            }
            Said::Numbered(number, account) => {
                numbers.entry(number).or_default().insert(account);
            }
            Said::Seen(one) => told_in(one, (account, number), &mut told),
            Said::Changed(one, other) | Said::Decided(_, one, other) => {
                told_in(one, (account, number), &mut told);
                told_in(other, (account, number), &mut told);
            }
        }
        if !account.is_empty() && !matches!(said, Said::Owned(..) | Said::Numbered(..)) {
            numbers.entry(number).or_default().insert(account);
        }
    }
    let of = |channels: &BTreeSet<(&str, &str)>| -> BTreeSet<String> {
        let direct: BTreeSet<&str> = channels
            .iter()
            .map(|(account, _)| *account)
            .filter(|it| !it.is_empty())
            .collect();
        let by_number = || {
            channels
                .iter()
                .filter_map(|(_, number)| numbers.get(number))
                .flatten()
                .copied()
        };
        let accounts = if direct.is_empty() {
            by_number().collect()
        } else {
            direct
        };
        let owner = |account: &str| owners.get(account).map_or(account, |(_, owner)| *owner).to_owned();
        accounts.into_iter().map(owner).collect()
    };
    told.iter()
        .map(|(user, channels)| (user.clone(), of(channels)))
        .collect()
}

fn told_in<'a>(text: &str, channel: (&'a str, &'a str), told: &mut BTreeMap<String, BTreeSet<(&'a str, &'a str)>>) {
    for id in ids(text).into_iter().filter(|id| id.kind == IdentifierKind::Bsuid) {
        told.entry(id.value).or_default().insert(channel);
    }
}

type History = Vec<(Millis, Said)>;

fn change(old: &str, new: &str) -> IdentityChange {
    IdentityChange {
        old: ids(old),
        new: ids(new),
        kind: "number_changed".to_owned(),
    }
}

fn decision(ruling: Ruling, user: &str, other: &str) -> Decision {
    Decision {
        ruling,
        user: ids(user),
        other: ids(other),
        actor: "ana".to_owned(),
        reason: String::new(),
    }
}

fn sighting(text: &str) -> Sighting {
    Sighting {
        identifiers: ids(text),
        creates: true,
        ..Sighting::default()
    }
}

fn record(at: Millis, said: &Said) -> Record {
    let key = format!("{at} {said:?}");
    let (mut sightings, mut changed) = (Vec::new(), None);
    let mut body = Body::Event { kind: "x".to_owned() };
    let (mut entry_id, mut number) = channel(at);
    match said {
        Said::Seen(text) => sightings.push(sighting(text)),
        Said::Changed(old, new) => changed = Some(change(old, new)),
        Said::Decided(ruling, user, other) => body = Body::Decision(decision(*ruling, user, other)),
        Said::Owned(account, owner) => {
            (entry_id, number) = ("portfolio", "");
            body = Body::Account(Account {
                subject_kind: "waba".to_owned(),
                subject_id: account.clone(),
                portfolio_id: Some(owner.clone()),
                ..Account::default()
            });
        }
        Said::Numbered(of, account) => (entry_id, number) = (account, of),
    }
    let item = Item {
        tenant: "acme".to_owned(),
        delivery_id: key.clone(),
        position: Position::default(),
        received_at: at,
        event_time: at,
        key,
        content: "{}".to_owned(),
        entry_id: entry_id.to_owned(),
        phone_number_id: Some(number.to_owned()).filter(|number| !number.is_empty()),
        test: false,
        has_person: !sightings.is_empty() || changed.is_some(),
        sightings,
        evidence_only: matches!(said, Said::Owned(..) | Said::Numbered(..)),
        generation: 0,
        change: changed,
        body,
    };
    Record {
        topic: topics::UNIQUE,
        key: b"acme".to_vec(),
        value: wire::encode(&item).unwrap(),
        timestamp: at,
    }
}

/// What came of a history: people, and whose each item is, by `current | former`.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    people: Vec<String>,
    whose: BTreeMap<String, String>,
}

fn outcome(records: &[Record], restart_after: usize) -> Outcome {
    let input = TopicSpec {
        name: topics::UNIQUE,
        kind: TopicKind::Internal,
        key: "tenant",
        schema: None,
        kept: "",
        doc: "",
    };
    let topology = Topology::new(vec![input], vec![crate::spec()]).unwrap();
    let mut driver = TestDriver::all(&topology, |_, _, _| unreachable!("nothing is a dead letter here")).unwrap();
    for (place, record) in records.iter().enumerate() {
        if place == restart_after {
            driver.restart().unwrap();
        }
        driver.pipe(record.clone()).unwrap();
    }
    let codec = codec::identity();
    let mut latest: BTreeMap<String, Fact> = BTreeMap::new();
    for record in driver.topic(topics::IDENTITY) {
        let fact = codec.decode(&record.value).unwrap();
        let had = latest.get(&fact.person_id).map_or(0, |had| had.revision);
        assert_eq!(fact.revision, had + 1, "{fact:?}");
        latest.insert(fact.person_id.clone(), fact);
    }
    let described = |fact: &Fact| {
        let list = |current: bool| {
            let ids = fact.identifiers.iter().filter(|id| id.valid_to.is_none() == current);
            let mut values: Vec<&str> = ids.map(|id| id.value.as_str()).collect();
            values.sort_unstable();
            values.join(" ")
        };
        format!("{} | {}", list(true), list(false)).trim().to_owned()
    };
    // Items go where the moves send them.
    let mut items: BTreeMap<String, (String, u64, u64, Millis)> = BTreeMap::new();
    for record in driver.topic(topics::PERSON_ITEM) {
        match wire::decode(&record.value).unwrap() {
            PersonRecord::Item(resolved) => {
                if let Some(person) = resolved.person_id {
                    let item = (person, resolved.atom, resolved.version, resolved.item.event_time);
                    items.insert(resolved.item.key.clone(), item);
                }
            }
            PersonRecord::Move(moved) => {
                let from = String::from_utf8(record.key.clone()).unwrap();
                let Move { version, to_person, .. } = &moved;
                let holds = |atom: u64, at: Millis| {
                    let is_in = moved.from.is_none_or(|from| from <= at) && moved.to.is_none_or(|to| at < to);
                    moved.atom == atom && is_in
                };
                for (person, atom, had, at) in items.values_mut() {
                    if *person == from && *had < *version && holds(*atom, *at) {
                        (*person, *had) = (to_person.clone(), *version);
                    }
                }
            }
            other => unreachable!("{other:?}"),
        }
    }
    let of = |person: &String| latest.get(person).map_or_else(|| "nobody".to_owned(), described);
    let whose = items
        .into_iter()
        .map(|(key, (person, ..))| (key, of(&person)))
        .collect();
    let mut people: Vec<String> = latest
        .values()
        .filter(|fact| fact.kind != "closed")
        .map(described)
        .collect();
    people.sort();
    Outcome { people, whose }
}

/// The name of an identifier: all forms of a number have one.
fn name(id: &Identifier) -> String {
    id.number().unwrap_or_else(|| id.value.clone())
}

fn without(text: &str, gone: &BTreeSet<String>) -> String {
    let words = text.split_whitespace();
    let left = words.filter(|word| ids(word).iter().all(|id| !gone.contains(&name(id))));
    left.collect::<Vec<_>>().join(" ")
}

/// People by the rules, from the whole history.
fn expected(history: &History) -> Vec<String> {
    // A change shows whoever has the new identifiers.
    let mut all: BTreeSet<(Millis, Said)> = history.iter().cloned().collect();
    for (at, said) in history {
        if let Said::Changed(_, new) = said {
            all.insert((*at, Said::Seen(new.clone())));
        }
    }
    let of_portfolio = portfolios(history);
    let of_portfolio: Vec<(&str, Vec<&str>)> = of_portfolio
        .iter()
        .map(|(user, of)| (user.as_str(), of.iter().map(String::as_str).collect()))
        .collect();
    all.retain(|(_, said)| !matches!(said, Said::Owned(..) | Said::Numbered(..)));
    let texts = |said: &Said| match said {
        Said::Seen(text) => text.clone(),
        Said::Changed(one, other)
        | Said::Decided(_, one, other)
        | Said::Owned(one, other)
        | Said::Numbered(one, other) => format!("{one} {other}"),
    };
    let names = |text: &str| -> BTreeSet<String> { ids(text).iter().map(name).collect() };
    let mut met: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (_, said) in &all {
        let on = names(&texts(said));
        for one in &on {
            met.entry(one.clone())
                .or_default()
                .extend(on.iter().filter(|other| *other != one).cloned());
        }
    }
    let crowded = met.iter().filter(|(_, others)| others.len() > MET);
    let placeholders: BTreeSet<String> = crowded.map(|(name, _)| name.clone()).collect();
    // Groups that hang together, by repeated joining.
    let mut groups: Vec<BTreeSet<String>> = Vec::new();
    for (_, said) in &all {
        let mut group: BTreeSet<String> = names(&texts(said)).difference(&placeholders).cloned().collect();
        if group.is_empty() {
            continue;
        }
        groups.retain(|other| {
            let apart = other.is_disjoint(&group);
            if !apart {
                group.extend(other.iter().cloned());
            }
            apart
        });
        groups.push(group);
    }
    let mut alone: BTreeSet<String> = placeholders.clone();
    let mut people: Vec<String> = Vec::new();
    for group in groups {
        let of_group: Vec<&(Millis, Said)> = all
            .iter()
            .filter(|(_, said)| !names(&texts(said)).is_disjoint(&group))
            .collect();
        // Sightings of the same identifiers are one piece, whenever they were.
        let seen = |said: &Said| matches!(said, Said::Seen(_));
        let sightings = of_group
            .iter()
            .filter(|(_, said)| seen(said))
            .map(|(_, said)| matching(&ids(&texts(said))));
        let pieces = sightings.collect::<BTreeSet<_>>().len() + of_group.iter().filter(|(_, said)| !seen(said)).count();
        if pieces > PIECES {
            alone.extend(group);
            continue;
        }
        let mut evidence = Evidence {
            portfolios: Portfolios::of(of_portfolio.iter().map(|(user, of)| (*user, &of[..]))),
            ..Evidence::default()
        };
        for (at, said) in of_group {
            let left = |text: &String| without(text, &placeholders);
            match said {
                Said::Seen(text) => {
                    let sighting = sighting(&left(text));
                    let ids = matching(&sighting.identifiers);
                    evidence.see(ids, *at, &sighting, Sees::ForGood, &Quiet::default());
                }
                // Whoever a change names exists, also where the other side is no evidence.
                Said::Changed(old, new) if left(old).is_empty() || left(new).is_empty() => {
                    for side in [left(old), left(new)].iter().filter(|side| !side.is_empty()) {
                        let sighting = sighting(side);
                        let ids = matching(&sighting.identifiers);
                        evidence.see(ids, *at, &sighting, Sees::ForGood, &Quiet::default());
                    }
                }
                Said::Changed(old, new) => {
                    evidence.change(&change(&left(old), &left(new)), *at);
                }
                Said::Decided(_, user, other) if left(user).is_empty() || left(other).is_empty() => {}
                Said::Decided(ruling, user, other) => {
                    evidence.decide(&decision(*ruling, &left(user), &left(other)), *at);
                }
                Said::Owned(..) | Said::Numbered(..) => {}
            }
        }
        for person in before::fold(&evidence).people.iter().filter(|person| person.exists) {
            let list = |current: bool| {
                let spans = person.spans.iter().filter(|span| span.to.is_none() == current);
                let mut values: Vec<&str> = spans.map(|span| span.id.value.as_str()).collect();
                values.sort_unstable();
                values.join(" ")
            };
            people.push(format!("{} | {}", list(true), list(false)).trim().to_owned());
        }
    }
    for one in alone {
        let seen = all.iter().filter(|(_, said)| !matches!(said, Said::Decided(..)));
        let on = seen.flat_map(|(_, said)| ids(&texts(said)));
        let forms: BTreeSet<String> = on.filter(|id| name(id) == one).map(|id| id.value).collect();
        if !forms.is_empty() {
            people.push(format!("{} |", forms.into_iter().collect::<Vec<_>>().join(" ")));
        }
    }
    people.sort();
    people
}

fn check(history: &History, seed: u64) {
    let want = expected(history);
    let records: Vec<Record> = history.iter().map(|(at, said)| record(*at, said)).collect();
    let orders = [
        records.clone(),
        records.iter().rev().cloned().collect(),
        driver::permuted(&driver::repeated(&records, seed), seed),
    ];
    let mut first: Option<Outcome> = None;
    for records in orders {
        let found = outcome(&records, records.len() / 2);
        assert_eq!(found.people, want);
        match &first {
            None => first = Some(found),
            Some(first) => {
                let differs = |(key, whose): &(&String, &String)| first.whose.get(*key) != Some(whose);
                let differences: Vec<_> = found.whose.iter().filter(differs).collect();
                assert!(differences.is_empty(), "{differences:?} beside {:?}", first.whose);
            }
        }
    }
}

/// A number changed to one that turned out to be a placeholder: who had it exists, in any order.
#[test]
fn who_changed_to_a_placeholder_exists() {
    let seen = |text: &str| Said::Seen(text.to_owned());
    let changed = |old: &str, new: &str| Said::Changed(old.to_owned(), new.to_owned());
    let history = vec![
        changed("CL.6 56961230006", "56961230000"),
        changed("CL.0", "CL.2"),
        changed("CL.1 56961230001", "56961230006"),
        seen("CL.0 56961230006"),
        seen("CL.2 56961230005"),
        changed("CL.3", "CL.2"),
        changed("56961230000", "56961230005"),
        changed("CL.0 56961230005", "56961230003"),
        seen("CL.2"),
        seen("CL.0 56961230000"),
        Said::Decided(Ruling::Merge, "CL.1".to_owned(), "56961230002".to_owned()),
        seen("CL.2 56961230001"),
        changed("56961230002", "56961230005"),
        seen("CL.2 56961230000"),
    ];
    let history: History = history.into_iter().map(|said| (0, said)).collect();
    let person = "+56961230001 +56961230002 56961230001 56961230002 CL.1 |".to_owned();
    let people = expected(&history);
    assert!(people.contains(&person), "{people:?}");
    check(&history, 0);
}

/// Whom only decisions name does not exist, in any order.
#[test]
fn whom_only_decisions_name_does_not_exist() {
    let decided = |ruling, one: &str, other: &str| Said::Decided(ruling, one.to_owned(), other.to_owned());
    let history = vec![
        (0, decided(Ruling::Merge, "CL.6", "CL.0")),
        (0, decided(Ruling::Split, "CL.0", "CL.5")),
        (1, decided(Ruling::Merge, "CL.5", "CL.0")),
        (0, decided(Ruling::Unmerge, "CL.0", "CL.0")),
    ];
    assert_eq!(expected(&history), Vec::<String>::new());
    check(&history, 0);
}

/// A sighting that says nothing else tells that another account has the user id too: then the two are of one portfolio.
#[test]
fn a_known_sighting_of_another_account_counts() {
    let seen = |at: Millis, text: &str| (at, Said::Seen(text.to_owned()));
    let history = vec![
        seen(0, "CL.1 56961230001"),
        seen(1, "CL.1"),
        seen(2, "CL.2 56961230001"),
        seen(8, "CL.1"),
    ];
    assert_eq!(expected(&history[..3].to_vec()).len(), 1);
    assert_eq!(expected(&history).len(), 2);
    for seed in 0..4 {
        check(&history, seed);
    }
}

fn user() -> impl Strategy<Value = String> {
    (0..7u8).prop_map(|pick| format!("CL.{pick}"))
}

fn number() -> impl Strategy<Value = String> {
    (0..7u8).prop_map(|pick| format!("5696123000{pick}"))
}

fn said() -> impl Strategy<Value = Said> {
    prop_oneof![
        8 => (user(), number()).prop_map(|(user, number)| Said::Seen(format!("{user} {number}"))),
        2 => user().prop_map(Said::Seen),
        2 => number().prop_map(Said::Seen),
        2 => number().prop_map(|number| Said::Seen(format!("+{number}"))),
        2 => (number(), number()).prop_map(|(old, new)| Said::Changed(old, new)),
        1 => (user(), number(), number()).prop_map(|(user, old, new)| Said::Changed(format!("{user} {old}"), new)),
        1 => (user(), user()).prop_map(|(old, new)| Said::Changed(old, new)),
        2 => (prop::sample::select(&Ruling::ALL[..]), user(), prop_oneof![user(), number()])
            .prop_map(|(ruling, user, other)| Said::Decided(ruling, user, other)),
        2 => (prop::sample::select(vec!["a", "b", "c"]), prop::sample::select(vec!["p", "q", "b"]))
            .prop_map(|(account, owner)| Said::Owned(account.to_owned(), owner.to_owned())),
        1 => (prop::sample::select(vec!["2", "3"]), prop::sample::select(vec!["a", "b", "c"]))
            .prop_map(|(number, account)| Said::Numbered(number.to_owned(), account.to_owned())),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(120))]

    #[test]
    fn people_are_those_of_the_rules_in_any_order(
        history in prop::collection::vec((0..30i64, said()), 1..30),
        seed in any::<u64>(),
    ) {
        check(&history, seed);
    }
}
