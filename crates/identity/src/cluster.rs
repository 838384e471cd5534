//! A cluster as it rests in the store: evidence, and the people last published from it.

use crate::{
    evidence::{Evidence, atom},
    fold::{Found, Rule, Timeline, Verdict},
};
use hilo_contracts::item::Move;
use hilo_domain::{Identifier, IdentifierKind, Millis, phone};
use serde::{Deserialize, Serialize};
use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

/// A person as last published.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Known {
    pub person_id: String,
    pub revision: i64,
    pub spans: Vec<(Identifier, Millis, Option<Millis>)>,
    pub country: Option<String>,
    pub name: Option<String>,
}

impl Known {
    fn score(&self, found: &Found) -> usize {
        found
            .spans
            .iter()
            .filter_map(|span| {
                let (_, _, to) = self.spans.iter().find(|(id, _, _)| *id == span.id)?;
                let weight = if span.id.kind == IdentifierKind::Bsuid { 100 } else { 1 };
                Some(match (to, span.to) {
                    (None, None) => weight * 10,
                    (Some(_), Some(_)) => weight * 2,
                    _ => weight,
                })
            })
            .sum()
    }
}

/// Connected people: everybody who ever shared an identifier, and the changes between them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Cluster {
    /// Raised with each verdict.
    pub version: u64,
    pub evidence: Evidence,
    pub people: Vec<Known>,
    /// Per piece of evidence: (from, index in `people`), rising.
    pub owners: Vec<Timeline>,
}

/// What a new verdict changes for readers.
#[derive(Debug, Default)]
pub(crate) struct Revision {
    /// People whose published state changed, by index.
    pub changed: Vec<Changed>,
    /// People who are no more: their last state, and the index of whoever they are by now.
    pub gone: Vec<(Known, Option<usize>)>,
    /// Items that change hands: (person who had them, move).
    pub moves: Vec<(String, Move)>,
}

/// A person whose published state changed.
#[derive(Debug)]
pub(crate) struct Changed {
    pub person: usize,
    pub rule: Rule,
    pub what: What,
}

/// What changed about a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// First seen.
    Observed,
    /// First seen apart from somebody whose identifiers these were: the index of that person.
    Unmerged(usize),
    /// Has an identifier more, or is known better.
    Linked,
    /// Has an identifier less.
    Lost,
}

impl Cluster {
    /// Who evidence `index` belonged to at a time.
    pub(crate) fn owner(&self, index: usize, at: Millis) -> Option<&Known> {
        let timeline = self.owners.get(index)?;
        let place = timeline.partition_point(|(from, _)| *from <= at).max(1) - 1;
        self.people.get(timeline.get(place)?.1?)
    }

    /// Takes over another cluster. Indexes of people shift, their ids stay.
    pub(crate) fn absorb(&mut self, other: Self) {
        let shift = self.people.len();
        self.people.extend(other.people);
        self.version = self.version.max(other.version);
        // Evidence of two clusters is disjoint: what they share would have made them one.
        for timeline in other.owners {
            self.owners.push(
                timeline
                    .into_iter()
                    .map(|(from, person)| (from, person.map(|index| index + shift)))
                    .collect(),
            );
        }
        self.evidence.absorb(other.evidence);
    }

    /// Publishes a verdict over the one before.
    pub(crate) fn publish(
        &mut self,
        verdict: Verdict,
        new_id: impl Fn(usize) -> String,
        mut country_of: impl FnMut(&str) -> Option<String>,
    ) -> Revision {
        self.version += 1;
        let before = std::mem::take(&mut self.people);
        let owners_before = std::mem::take(&mut self.owners);
        let heirs = heirs(&before, &verdict.people);

        let mut revision = Revision::default();
        let mut people: Vec<Known> = Vec::with_capacity(verdict.people.len());
        for (index, found) in verdict.people.iter().enumerate() {
            let old = heirs
                .iter()
                .position(|heir| *heir == Heir::Same(index))
                .map(|place| &before[place]);
            let spans: Vec<_> = found
                .spans
                .iter()
                .map(|span| (span.id.clone(), span.from, span.to))
                .collect();
            let known = match old {
                Some(old) if old.spans == spans && old.name == found.name => old.clone(),
                old => {
                    let what = match old {
                        Some(old) if lost(old, &spans) => What::Lost,
                        Some(_) => What::Linked,
                        None => before
                            .iter()
                            .zip(&heirs)
                            .find_map(|(old, heir)| match heir {
                                Heir::Same(survivor) if old.score(found) > 0 => Some(What::Unmerged(*survivor)),
                                _ => None,
                            })
                            .unwrap_or(What::Observed),
                    };
                    revision.changed.push(Changed {
                        person: index,
                        rule: found.rule,
                        what,
                    });
                    Known {
                        person_id: old.map_or_else(|| new_id(index), |old| old.person_id.clone()),
                        revision: old.map_or(1, |old| old.revision + 1),
                        country: country(&spans, &mut country_of),
                        spans,
                        name: found.name.clone(),
                    }
                }
            };
            people.push(known);
        }
        for (old, heir) in before.iter().zip(&heirs) {
            match heir {
                Heir::Same(_) => {}
                Heir::Absorbed(survivor) => revision.gone.push((old.clone(), Some(*survivor))),
                Heir::Gone => revision.gone.push((old.clone(), None)),
            }
        }
        for (index, timeline) in owners_before.iter().enumerate() {
            let name = |people: &[Known], person: Option<usize>| {
                person
                    .and_then(|person| people.get(person))
                    .map(|known| known.person_id.clone())
            };
            let atom = atom(&self.evidence.together[index].ids);
            for (from, to, old, new) in differences(timeline, &verdict.timelines[index]) {
                if let (Some(old), Some(to_person)) = (name(&before, old), name(&people, new))
                    && old != to_person
                {
                    let country = new.and_then(|person| people[person].country.clone());
                    revision.moves.push((
                        old,
                        Move {
                            version: self.version,
                            atom,
                            from,
                            to,
                            to_person,
                            country,
                        },
                    ));
                }
            }
        }
        self.people = people;
        self.owners = verdict.timelines;
        revision
    }
}

/// What became of a person of the verdict before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Heir {
    /// Still a person: the index in the new verdict.
    Same(usize),
    /// Part of another person by now.
    Absorbed(usize),
    /// Nobody has their identifiers any more.
    Gone,
}

/// Who of the new people continues each of the old ones: those who share most, then those who are older.
fn heirs(before: &[Known], found: &[Found]) -> Vec<Heir> {
    let mut pairs: Vec<(Reverse<usize>, usize, usize)> = Vec::new();
    for (old, known) in before.iter().enumerate() {
        for (new, found) in found.iter().enumerate() {
            let score = known.score(found);
            if score > 0 {
                pairs.push((Reverse(score), old, new));
            }
        }
    }
    pairs.sort_unstable();
    let mut heirs = vec![Heir::Gone; before.len()];
    let mut taken = BTreeSet::new();
    for (_, old, new) in &pairs {
        if !matches!(heirs[*old], Heir::Same(_)) && taken.insert(*new) {
            heirs[*old] = Heir::Same(*new);
        }
    }
    for (_, old, new) in pairs {
        if heirs[old] == Heir::Gone {
            heirs[old] = Heir::Absorbed(new);
        }
    }
    heirs
}

fn lost(old: &Known, spans: &[(Identifier, Millis, Option<Millis>)]) -> bool {
    old.spans
        .iter()
        .any(|(id, _, to)| to.is_none() && !spans.iter().any(|(now, _, now_to)| now == id && now_to.is_none()))
}

/// Country of the current phone, else of the user id's prefix, else of a former phone.
fn country(
    spans: &[(Identifier, Millis, Option<Millis>)],
    country_of: &mut impl FnMut(&str) -> Option<String>,
) -> Option<String> {
    let phones = |current: bool| {
        spans
            .iter()
            .filter(move |(id, _, to)| id.kind == IdentifierKind::Phone && to.is_none() == current)
            .map(|(id, _, _)| id.value.as_str())
    };
    phones(true)
        .find_map(&mut *country_of)
        .or_else(|| {
            let mut bsuids: Vec<_> = spans
                .iter()
                .filter(|(id, _, _)| id.kind == IdentifierKind::Bsuid)
                .collect();
            bsuids.sort_by_key(|(_, _, to)| to.is_some());
            bsuids.iter().find_map(|(id, _, _)| country_of_bsuid(&id.value))
        })
        .or_else(|| phones(false).find_map(&mut *country_of))
}

/// The country prefix of a user id (`CL.…`).
fn country_of_bsuid(bsuid: &str) -> Option<String> {
    let (prefix, _) = bsuid.split_once('.')?;
    (prefix.len() == 2 && prefix.bytes().all(|byte| byte.is_ascii_uppercase())).then(|| prefix.to_owned())
}

/// Country of a number, remembered: the library needs microseconds for it.
pub(crate) fn remembered_country(memory: &mut BTreeMap<String, Option<String>>, e164: &str) -> Option<String> {
    /// Beyond it the memory starts anew; numbers of a tenant share few prefixes, but whole numbers are kept.
    const REMEMBERED: usize = 50_000;
    if let Some(country) = memory.get(e164) {
        return country.clone();
    }
    if memory.len() >= REMEMBERED {
        memory.clear();
    }
    let country = phone::country(e164);
    memory.insert(e164.to_owned(), country.clone());
    country
}

type Difference = (Option<Millis>, Option<Millis>, Option<usize>, Option<usize>);

/// Where two timelines name different people: (from, to, old, new). The old indexes are of the old people.
fn differences(old: &Timeline, new: &Timeline) -> Vec<Difference> {
    let at = |timeline: &Timeline, time: Millis| {
        let place = timeline.partition_point(|(from, _)| *from <= time).max(1) - 1;
        timeline.get(place).and_then(|(_, person)| *person)
    };
    let mut starts: Vec<Millis> = old.iter().chain(new).map(|(from, _)| *from).collect();
    starts.sort_unstable();
    starts.dedup();
    starts
        .iter()
        .enumerate()
        .map(|(place, start)| {
            let from = (place > 0).then_some(*start);
            (from, starts.get(place + 1).copied(), at(old, *start), at(new, *start))
        })
        .collect()
}
