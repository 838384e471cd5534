//! A cluster as it rests in the store: evidence, and the people last published from it.

use crate::{
    alone::{Alone, judge},
    evidence::{Added, Decided, Evidence, Sees, Together, atom},
    fold::{Found, Quiet, Suggestion, Timeline, Verdict, owner},
    links::Name,
    rules::{self, Rule},
};
use hilo_contracts::{
    item::{Move, Sighting},
    stored::{DecisionRef, NamedRef, Proposal},
};
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
    /// Who does not exist is not told, and has an id for what is said of them.
    pub exists: bool,
    /// Of the last fact about the person.
    pub revision: i64,
    pub spans: Vec<(Identifier, Millis, Option<Millis>)>,
    pub country: Option<String>,
    pub name: Option<String>,
    pub rules: Vec<Rule>,
    pub proposals: Vec<Proposal>,
    pub decisions: Vec<DecisionRef>,
}

/// A person who became part of another: who comes apart again gets the id back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Gone {
    person_id: String,
    revision: i64,
    pub ids: Vec<Identifier>,
}

impl Known {
    /// The rule by which `gone` became part of this person: one that neither needed alone, else the least sure.
    pub(crate) fn joined_by(&self, gone: &Self) -> Rule {
        let new = self.rules.iter().rev().find(|rule| !gone.rules.contains(rule));
        new.or(self.rules.last()).copied().unwrap_or(Rule::Together)
    }

    fn score(&self, found: &Found) -> usize {
        found
            .spans
            .iter()
            .filter_map(|span| {
                let (_, _, to) = self.spans.iter().find(|(id, _, _)| *id == span.id)?;
                let weight = weight(&span.id);
                Some(match (to, span.to) {
                    (None, None) => weight * 10,
                    (Some(_), Some(_)) => weight * 2,
                    _ => weight,
                })
            })
            .sum()
    }
}

/// What a cluster is of.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) enum Kind {
    /// People.
    #[default]
    Joined,
    /// One name of a knot, with all evidence on which it stands.
    Knot {
        name: Name,
        /// The names that it met there.
        met: BTreeSet<Name>,
        /// What was seen of it alone: its forms.
        forms: Vec<Together>,
    },
    /// One placeholder, with its forms only.
    Placeholder(Name),
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
    pub kind: Kind,
    /// By that verdict.
    quiet: Quiet,
    pub gone: Vec<Gone>,
    /// On which accounts and business numbers its verdict depends.
    pub depends_on: BTreeSet<Vec<u8>>,
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
    pub what: What,
    /// Rule that was not needed before; the least sure of several, or of all.
    pub rule: Rule,
    /// Suggestions that are new or say something else than before: places among the person's.
    pub proposed: Vec<usize>,
    /// Whether other decisions about the person hold.
    pub decided: bool,
}

/// What changed about a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// First seen.
    Observed,
    /// Apart from somebody whose identifiers these were: the index of that person.
    Unmerged(usize),
    /// Of one identifier that is no evidence any more: the index of the person whose it was.
    Alone(Option<usize>),
    /// Has an identifier more, or is known better.
    Linked,
    /// Has an identifier less.
    Lost,
    /// Only suggestions or decisions about the person differ.
    Noted,
}

impl Cluster {
    /// Who evidence `index` belonged to at a time.
    pub(crate) fn owner(&self, index: usize, at: Millis) -> Option<&Known> {
        self.people.get(owner(self.owners.get(index)?, at)?)
    }

    /// One without evidence.
    pub(crate) fn of(kind: Kind) -> Self {
        Self {
            kind,
            ..Self::default()
        }
    }

    /// What stands alone in it.
    pub(crate) fn alone(&self) -> Alone {
        let one = |name: &Name, rule: Rule| Alone {
            here: BTreeMap::from([(name.clone(), rule)]),
            whole: Some(BTreeSet::from([name.clone()])),
        };
        match &self.kind {
            Kind::Joined => Alone::default(),
            Kind::Knot { name, .. } => one(name, Rule::Knot),
            Kind::Placeholder(name) => one(name, Rule::Shared),
        }
    }

    /// The people behind its evidence, where these names stand alone.
    pub(crate) fn judged(&self, alone: &Alone) -> Verdict {
        let Kind::Knot { forms, .. } = &self.kind else {
            return judge(&self.evidence, alone);
        };
        // Nothing is joined in a knot, so its changes and decisions say nothing beyond its forms.
        let evidence = Evidence {
            together: [&*self.evidence.together, forms].concat(),
            placeholders: self.evidence.placeholders.clone(),
            ..Evidence::default()
        };
        let mut verdict = judge(&evidence, alone);
        verdict.timelines.truncate(self.evidence.together.len());
        verdict
    }

    /// Takes over another cluster of the same knot, whose evidence is partly the same. Indexes of people shift, their ids
    /// stay.
    pub(crate) fn gather(&mut self, other: Self) {
        let shift = self.people.len();
        self.people.extend(other.people);
        self.gone.extend(other.gone);
        self.version = self.version.max(other.version);
        self.owners.resize(self.evidence.together.len(), Vec::new());
        let mut owners = other.owners.into_iter();
        for together in other.evidence.together {
            let owner = shifted(owners.next().unwrap_or_default(), shift);
            match self.evidence.together.iter().position(|had| had.ids == together.ids) {
                // It belongs to one name of the knot, and is judged there.
                Some(place) if self.owners[place].is_empty() => self.owners[place] = owner,
                Some(_) => {}
                None => {
                    self.evidence.together.push(together);
                    self.owners.push(owner);
                }
            }
        }
        self.evidence.absorb(Evidence {
            together: Vec::new(),
            ..other.evidence
        });
        self.quiet = Quiet::default();
    }

    /// Takes over another cluster. Indexes of people shift, their ids stay.
    pub(crate) fn absorb(&mut self, other: Self) {
        let shift = self.people.len();
        self.people.extend(other.people);
        self.gone.extend(other.gone);
        self.version = self.version.max(other.version);
        self.depends_on.extend(other.depends_on);
        // Evidence of two clusters is disjoint: what they share would have made them one.
        for timeline in other.owners {
            self.owners.push(shifted(timeline, shift));
        }
        self.evidence.absorb(other.evidence);
        self.quiet = Quiet::default();
    }

    /// Adds a sighting to the evidence.
    pub(crate) fn see(&mut self, ids: Vec<Identifier>, told: Millis, sighting: &Sighting, sees: Sees) -> Added {
        self.evidence.see(ids, told, sighting, sees, &self.quiet)
    }

    /// Publishes a verdict over the one before.
    pub(crate) fn publish(
        &mut self,
        mut verdict: Verdict,
        new_id: impl Fn(usize) -> String,
        mut country_of: impl FnMut(&str) -> Option<String>,
    ) -> Revision {
        self.version += 1;
        let before = std::mem::take(&mut self.people);
        let owners_before = std::mem::take(&mut self.owners);
        let heirs = heirs(&before, &verdict.people);

        let mut continued: Vec<Option<usize>> = vec![None; verdict.people.len()];
        for (place, heir) in heirs.iter().enumerate() {
            if let Heir::Same(index) = heir {
                continued[*index] = Some(place);
            }
        }
        let old_of = |index: usize| continued[index].map(|place| &before[place]);
        let names: Vec<(String, i64)> = verdict
            .people
            .iter()
            .enumerate()
            .map(|(index, found)| match old_of(index) {
                Some(old) => (old.person_id.clone(), old.revision),
                None => match self.returned(found) {
                    Some(gone) => (gone.person_id, gone.revision),
                    None => (new_id(index), 0),
                },
            })
            .collect();

        let mut revision = Revision::default();
        let mut people: Vec<Known> = Vec::with_capacity(verdict.people.len());
        for (index, found) in std::mem::take(&mut verdict.people).into_iter().enumerate() {
            let old = old_of(index);
            let came_from = || {
                before.iter().zip(&heirs).find_map(|(old, heir)| match heir {
                    Heir::Same(survivor) if old.score(&found) > 0 => Some(What::Unmerged(*survivor)),
                    _ => None,
                })
            };
            let is_alone = |rules: &[Rule]| rules.first().is_some_and(|rule| rule.is_alone());
            let newcomer = old.is_none().then(|| came_from().unwrap_or(What::Observed));
            let newly_alone = is_alone(&found.rules) && old.is_none_or(|old| old.rules != found.rules);
            let evidence_again = old.is_some_and(|old| is_alone(&old.rules)) && !is_alone(&found.rules);
            let (person_id, had_revision) = names[index].clone();
            let spans: Vec<_> = found
                .spans
                .into_iter()
                .map(|span| (span.id, span.from, span.to))
                .collect();
            let proposals: Vec<Proposal> = found.suggestions.iter().map(|it| proposal(it, &names)).collect();
            let decisions: Vec<DecisionRef> = found.decisions.iter().map(decision).collect();
            let appears = old.is_some_and(|old| !old.exists).then_some(What::Observed);
            let what = match (newcomer.or(appears), old) {
                _ if !found.exists => None,
                (what, _) if newly_alone => Some(What::Alone(match what {
                    Some(What::Unmerged(survivor)) => Some(survivor),
                    _ => None,
                })),
                (Some(what), _) => Some(what),
                (None, Some(old)) if lost(old, &spans) => Some(What::Lost),
                (None, Some(old)) if old.spans != spans || old.name != found.name || evidence_again => {
                    Some(What::Linked)
                }
                (None, Some(old)) if old.proposals != proposals || old.decisions != decisions => Some(What::Noted),
                _ => None,
            };
            if let Some(what) = what {
                let proposed = (0..proposals.len())
                    .filter(|place| old.is_none_or(|old| !old.proposals.contains(&proposals[*place])));
                let had = |rule: &&Rule| before.iter().any(|known| known.rules.contains(rule));
                let rule = found.rules.iter().rev().find(|rule| !had(rule)).or(found.rules.last());
                revision.changed.push(Changed {
                    person: index,
                    what,
                    rule: rule.copied().unwrap_or(Rule::Together),
                    proposed: proposed.collect(),
                    decided: old.is_none_or(|old| old.decisions != decisions),
                });
            }
            let country = match old {
                Some(old) if old.spans == spans => old.country.clone(),
                _ => country(&spans, &mut country_of),
            };
            let vanished = old.filter(|old| old.exists && !found.exists);
            revision.gone.extend(vanished.map(|old| (old.clone(), None)));
            people.push(Known {
                person_id,
                exists: found.exists,
                revision: had_revision + i64::from(vanished.is_some()),
                spans,
                country,
                name: found.name,
                rules: found.rules,
                proposals,
                decisions,
            });
        }
        for (old, heir) in before.iter().zip(&heirs) {
            let survivor = match heir {
                Heir::Same(_) => continue,
                Heir::Absorbed(survivor) => Some(*survivor),
                Heir::Gone => None,
            };
            self.gone.push(Gone {
                person_id: old.person_id.clone(),
                revision: old.revision + i64::from(old.exists),
                ids: old.spans.iter().map(|(id, _, _)| id.clone()).collect(),
            });
            if old.exists {
                revision.gone.push((old.clone(), survivor));
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
        self.quiet = verdict.quiet;
        revision
    }

    /// The person of before who is back: who has most of their identifiers.
    fn returned(&mut self, found: &Found) -> Option<Gone> {
        let score = |gone: &Gone| {
            let ids = found
                .spans
                .iter()
                .map(|span| &span.id)
                .filter(|id| gone.ids.contains(id));
            ids.map(weight).sum::<usize>()
        };
        let (place, best) = (0..self.gone.len())
            .map(|place| (place, score(&self.gone[place])))
            .min_by_key(|(place, score)| (Reverse(*score), *place))?;
        (best > 0).then(|| self.gone.remove(place))
    }
}

fn shifted(timeline: Timeline, shift: usize) -> Timeline {
    let shifted = |(from, person): (Millis, Option<usize>)| (from, person.map(|index| index + shift));
    timeline.into_iter().map(shifted).collect()
}

/// A user id says more about who somebody is than all their numbers.
fn weight(id: &Identifier) -> usize {
    match id.kind {
        IdentifierKind::Bsuid => 100,
        IdentifierKind::Username => 0,
        _ => 1,
    }
}

fn named(ids: &[Identifier]) -> Vec<NamedRef> {
    let named = |id: &Identifier| NamedRef {
        kind: id.kind.as_str().to_owned(),
        value: id.value.clone(),
    };
    ids.iter().map(named).collect()
}

fn proposal(suggestion: &Suggestion, names: &[(String, i64)]) -> Proposal {
    Proposal {
        other_person_id: suggestion.other.map(|other| names[other].0.clone()),
        rule: suggestion.rule.name().to_owned(),
        rule_version: rules::VERSION,
        confidence_percent: suggestion.rule.confidence_percent(),
        blocker: suggestion.blocker.map(|blocker| blocker.name().to_owned()),
        proposed_at: suggestion.at,
        evidence: named(&suggestion.evidence),
    }
}

fn decision(decided: &Decided) -> DecisionRef {
    DecisionRef {
        ruling: decided.ruling.as_str().to_owned(),
        decided_at: decided.at,
        actor: decided.actor.clone(),
        reason: decided.reason.clone(),
        user: named(&decided.user),
        other: named(&decided.other),
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

/// So many comparisons are faster than an index.
const FEW_PAIRS: usize = 16;

/// Who of the new people continues each of the old ones: those who share most, then those who are older.
fn heirs(before: &[Known], found: &[Found]) -> Vec<Heir> {
    let mut pairs: Vec<(Reverse<usize>, usize, usize)> = Vec::new();
    let mut pair = |old: usize, new: usize| {
        let score = before[old].score(&found[new]);
        if score > 0 {
            pairs.push((Reverse(score), old, new));
        }
    };
    if before.len() * found.len() <= FEW_PAIRS {
        for new in 0..found.len() {
            (0..before.len()).for_each(|old| pair(old, new));
        }
    } else {
        // Who shares nothing is not compared.
        let mut had: BTreeMap<&Identifier, Vec<usize>> = BTreeMap::new();
        for (old, known) in before.iter().enumerate() {
            for (id, _, _) in &known.spans {
                had.entry(id).or_default().push(old);
            }
        }
        for (new, found) in found.iter().enumerate() {
            let sharing = found.spans.iter().filter_map(|span| had.get(&span.id)).flatten();
            let sharing: BTreeSet<usize> = sharing.copied().collect();
            for old in sharing {
                pair(old, new);
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

/// Whether the person no longer has what they were known by; a username is only shown.
fn lost(old: &Known, spans: &[(Identifier, Millis, Option<Millis>)]) -> bool {
    let known_by = |(id, _, _): &&(Identifier, Millis, Option<Millis>)| id.kind != IdentifierKind::Username;
    old.spans
        .iter()
        .filter(known_by)
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
    let mut starts: Vec<Millis> = old.iter().chain(new).map(|(from, _)| *from).collect();
    starts.sort_unstable();
    starts.dedup();
    starts
        .iter()
        .enumerate()
        .map(|(place, start)| {
            let from = (place > 0).then_some(*start);
            (
                from,
                starts.get(place + 1).copied(),
                owner(old, *start),
                owner(new, *start),
            )
        })
        .collect()
}
