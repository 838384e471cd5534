//! Suggestions by what people state.

use super::{
    Found, Suggestion, Timeline, owner,
    suggest::{self, is_named, is_record, opposed},
};
use crate::{
    evidence::Evidence,
    rules::{Blocker, Rule, SHARED},
    stated::Stated,
};
use hilo_domain::{Identifier, IdentifierKind, Millis};
use std::collections::{BTreeMap, BTreeSet};

/// Whose a statement is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Holder<'a> {
    Person(usize),
    /// A record that nobody has.
    Record(&'a Identifier),
}

/// Suggests whoever stated one value, and withdraws or marks what statements speak against.
pub(crate) fn suggest(people: &mut [Found], evidence: &Evidence, timelines: &[Timeline]) {
    if evidence.stated.is_empty() && evidence.crowds.is_empty() {
        return;
    }
    let mut by_value: BTreeMap<&Identifier, BTreeMap<Holder, Millis>> = BTreeMap::new();
    for stated in &evidence.stated {
        let holders = by_value.entry(&stated.value).or_default();
        for (holder, at) in holders_of(stated, people, evidence, timelines) {
            let first = holders.entry(holder).or_insert(at);
            *first = at.min(*first);
        }
    }
    for (value, holders) in &by_value {
        let persons = holders
            .keys()
            .filter(|holder| matches!(holder, Holder::Person(_)))
            .count();
        if persons > SHARED || holders.len() - persons > SHARED {
            continue;
        }
        let rule = match value.kind {
            IdentifierKind::Document => Rule::Document,
            _ => Rule::Email,
        };
        let pairs = holders.iter().enumerate();
        let pairs = pairs.flat_map(|(place, one)| holders.iter().skip(place + 1).map(move |other| (one, other)));
        for ((one, since), (other, other_since)) in pairs {
            let at = *since.max(other_since);
            match (*one, *other) {
                (Holder::Person(one), Holder::Person(other)) => {
                    let blocker =
                        opposed(&people[one], &people[other], &evidence.portfolios).then_some(Blocker::OpposingUserIds);
                    suggest::pair(people, one, other, (rule, blocker, at), &[(*value).clone()]);
                }
                (Holder::Person(person), Holder::Record(record)) => {
                    let mut evidence = vec![(*value).clone(), record.clone()];
                    evidence.sort_unstable();
                    let new = Suggestion {
                        other: None,
                        rule,
                        blocker: None,
                        at,
                        evidence,
                    };
                    suggest::add_record(&mut people[person].suggestions, record, new);
                }
                (Holder::Record(_), _) => {}
            }
        }
    }
    oppose(people, &by_value, &evidence.crowds);
}

/// Who stated it, and when: whoever had those identifiers then.
fn holders_of<'a>(
    stated: &'a Stated,
    people: &[Found],
    evidence: &Evidence,
    timelines: &[Timeline],
) -> Vec<(Holder<'a>, Millis)> {
    if let Some(record) = stated.holder.iter().find(|id| is_record(id)) {
        let side = std::slice::from_ref(record);
        let linked = people
            .iter()
            .position(|person| person.exists && is_named(&person.spans, side));
        let holder = linked.map_or(Holder::Record(record), Holder::Person);
        return stated.times.iter().map(|at| (holder, *at)).collect();
    }
    let seen = evidence
        .together
        .iter()
        .position(|together| together.ids == stated.holder);
    let Some(timeline) = seen.and_then(|seen| timelines.get(seen)) else {
        return Vec::new();
    };
    let exists = |person: &usize| people[*person].exists;
    let persons = stated.times.iter().filter_map(|at| {
        let person = owner(timeline, *at).filter(exists)?;
        Some((Holder::Person(person), *at))
    });
    persons.collect()
}

/// Statements that speak against: who states more than [`SHARED`] documents speaks for many, so a number or a value of
/// theirs is no reason; who states another e-mail and another document is told as somebody else.
fn oppose(people: &mut [Found], by_value: &BTreeMap<&Identifier, BTreeMap<Holder, Millis>>, crowds: &[Identifier]) {
    let mut values: BTreeMap<Holder, BTreeSet<&Identifier>> = BTreeMap::new();
    for (value, holders) in by_value {
        for holder in holders.keys() {
            values.entry(*holder).or_default().insert(value);
        }
    }
    let of = |holder: Holder, kind: IdentifierKind| -> BTreeSet<&Identifier> {
        let stated = values.get(&holder).into_iter().flatten();
        stated.copied().filter(|value| value.kind == kind).collect()
    };
    // What many have says nothing of who somebody is not, either.
    let own = |holder: Holder, kind: IdentifierKind| -> BTreeSet<&Identifier> {
        let of_few = |value: &&Identifier| by_value.get(value).is_some_and(|holders| holders.len() <= SHARED);
        of(holder, kind).into_iter().filter(of_few).collect()
    };
    let differ = |one: Holder, other: Holder| {
        [IdentifierKind::Email, IdentifierKind::Document]
            .into_iter()
            .all(|kind| {
                let (one, other) = (own(one, kind), own(other, kind));
                // Somebody has documents of several kinds, whose numbers differ in length; those of one kind are compared.
                let is_comparable = |one: &Identifier, other: &Identifier| {
                    kind == IdentifierKind::Email || one.value.len() == other.value.len()
                };
                one.is_disjoint(&other)
                    && one
                        .iter()
                        .any(|one| other.iter().any(|other| is_comparable(one, other)))
            })
    };
    let of_many: Vec<bool> = people
        .iter()
        .enumerate()
        .map(|(person, found)| {
            let documents = of(Holder::Person(person), IdentifierKind::Document);
            documents.len() > SHARED || is_named(&found.spans, crowds)
        })
        .collect();
    for (person, found) in people.iter_mut().enumerate() {
        found.suggestions.retain(|it| {
            it.rule <= Rule::CrmUserId || !of_many[person] && !it.other.is_some_and(|other| of_many[other])
        });
        for suggestion in found.suggestions.iter_mut().filter(|it| it.blocker.is_none()) {
            let record = suggestion.evidence.iter().find(|id| is_record(id));
            let other = suggestion.other.map(Holder::Person).or(record.map(Holder::Record));
            if other.is_some_and(|other| differ(Holder::Person(person), other)) {
                suggestion.blocker = Some(Blocker::OpposingStatements);
            }
        }
    }
}
