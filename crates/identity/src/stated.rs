//! E-mails and documents that people state, and records of a CRM have: whoever states the same one may be one person.
//!
//! Anybody may type anything, so a value joins nobody. It suggests while at most [`SHARED`] people, and records, have it.
//! Beyond [`CAP`] holders a value is blocked for good and its statements are forgotten (`no@no.com`); so is what a holder
//! states beyond [`CAP`] values of a kind (a shop that fills in forms for its customers). Both bound the people who are
//! judged together, and both are functions of the set of statements.

use crate::{
    evidence::{Added, Evidence, insert_sorted, is_strong},
    fold::{Found, Suggestion, Timeline, owner},
    rules::{Blocker, CAP, Rule, SHARED},
    suggest::{self, is_named, is_record, opposed},
};
use hilo_domain::{Identifier, IdentifierKind, Millis, hash::IdHasher};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// That a holder stated a value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stated {
    pub value: Identifier,
    /// What they were seen by, or the record of a CRM that has it.
    pub holder: Vec<Identifier>,
    /// All times, sorted, where only numbers were seen, for those change hands; else the earliest.
    pub times: Vec<Millis>,
}

impl Evidence {
    /// Adds that a holder stated a value.
    pub(crate) fn state(&mut self, value: &Identifier, holder: &[Identifier], at: Millis) -> Added {
        let order = |had: &Stated| (&had.value, &*had.holder).cmp(&(value, holder));
        let place = match self.stated.binary_search_by(order) {
            Ok(place) => place,
            Err(place) => {
                let stated = Stated {
                    value: value.clone(),
                    holder: holder.to_vec(),
                    times: vec![at],
                };
                self.stated.insert(place, stated);
                return Added::New;
            }
        };
        let times = &mut self.stated[place].times;
        let is_new = if is_strong(holder) || holder.iter().all(is_record) {
            let is_earlier = times.first().is_none_or(|first| at < *first);
            if is_earlier {
                *times = vec![at];
            }
            is_earlier
        } else {
            insert_sorted(times, at)
        };
        if is_new { Added::New } else { Added::Known }
    }

    /// Forgets statements that are blocked; gives them.
    pub(crate) fn forget(&mut self, is_blocked: impl Fn(&Stated) -> bool) -> Vec<Stated> {
        self.stated.extract_if(.., |stated| is_blocked(stated)).collect()
    }
}

/// Distinct others of one side of statements, as far as that suggests anything: the holders of a value, or the values of
/// a kind that a holder stated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Bounded {
    /// Their hashes.
    Few(Vec<[u8; 16]>),
    /// Blocked: there were more than [`CAP`].
    Many,
}

/// What another one makes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    Open,
    /// This one was one too many.
    BlockedNow,
    Blocked,
}

impl Default for Bounded {
    fn default() -> Self {
        Self::Few(Vec::new())
    }
}

impl Bounded {
    /// Adds one by its token.
    pub(crate) fn add(&mut self, token: &[u8]) -> Standing {
        let Self::Few(few) = self else {
            return Standing::Blocked;
        };
        let mut hasher = IdHasher::new("statement");
        hasher.update(token);
        let one = hasher.bytes();
        if few.contains(&one) {
            return Standing::Open;
        }
        if few.len() == CAP {
            *self = Self::Many;
            return Standing::BlockedNow;
        }
        few.push(one);
        Standing::Open
    }
}

/// Where a holder's values of a kind are counted: beside the tokens of values, and none of them.
pub(crate) fn values_of(holder: &[u8], kind: IdentifierKind) -> Vec<u8> {
    [holder, b"\0", kind.as_str().as_bytes()].concat()
}

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
