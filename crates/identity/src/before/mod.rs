//! The fold as it was before it had to be fast, kept as it was: what today's fold finds is compared with it.
//!
//! The verdict: who is who, as a function of the set of evidence. Evidence is taken in the order of event time,
//! whatever the order of arrival, so that any order and any repetition of input gives the same people.
//!
//! - Together on one sighting means one person. A user id (or its parent) decides; numbers follow.
//! - A number seen with another user id of one portfolio belongs to the new one from then on, and to the old one again from
//!   when it is seen with that again. User ids of different portfolios are one person's.
//! - A change replaces, per kind, what the person had: of user ids, those of the same portfolio. The new number goes over,
//!   without a merge; later sightings of the old number are another person.
//! - Variants of a number (MX 52/521, BR with and without the ninth digit) are one number, unless they were seen with
//!   different user ids of one portfolio.
//! - Opposing user ids, which are of one portfolio, block a merge that only a number would justify.
//! - A decision holds for all of the history: a merge joins whoever has the identifiers at its time; a split keeps
//!   apart whatever speaks for one person; a rejection only withdraws a suggestion.

mod apart;
mod change;
mod finish;
mod numbers;
mod quiet;
mod sight;
mod stated;
mod suggest;

use crate::{
    evidence::{Change, Decided, Evidence, HangsOn, Together, names},
    portfolio::Portfolios,
    rules::{Blocker, CAP, Rule},
};
use apart::split_numbers;
use hilo_contracts::item::Ruling;
use hilo_domain::{Identifier, IdentifierKind, Millis};
use quiet::{Listener, Quiet};
use std::collections::{BTreeMap, BTreeSet};

/// An identifier of a person and the time for which it is theirs.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Span {
    pub id: Identifier,
    pub from: Millis,
    pub to: Option<Millis>,
}

/// A suggestion that a person is somebody else too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Suggestion {
    /// The other person; `None` where it is a record of a CRM.
    pub other: Option<usize>,
    pub rule: Rule,
    pub blocker: Option<Blocker>,
    pub at: Millis,
    /// What speaks for it, sorted.
    pub evidence: Vec<Identifier>,
}

/// A person found by the fold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Found {
    /// Whether anybody saw them; who is only referred to, by a CRM event, does not exist and still has an id.
    pub exists: bool,
    pub spans: Vec<Span>,
    pub name: Option<String>,
    /// Rules that were needed, in falling confidence.
    pub rules: Vec<Rule>,
    /// Open suggestions.
    pub suggestions: Vec<Suggestion>,
    /// Decisions about the person that hold.
    pub decisions: Vec<Decided>,
}

/// Who has a piece of evidence from a time on: (from, person), rising; `None` where it names nobody.
pub(crate) type Timeline = Vec<(Millis, Option<usize>)>;

/// Whose it is at a time; before all times, whose it was first.
pub(crate) fn owner(timeline: &Timeline, at: Millis) -> Option<usize> {
    let place = timeline.partition_point(|(from, _)| *from <= at).max(1) - 1;
    timeline.get(place)?.1
}

/// People, and for each piece of evidence whose it is when.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub people: Vec<Found>,
    pub timelines: Vec<Timeline>,
    pub quiet: Quiet,
}

/// A number while the fold runs.
#[derive(Default, Hash)]
struct Number {
    owner: Option<usize>,
    /// The owner left it at this time: a later sighting is somebody else.
    released: Option<Millis>,
    /// User ids that it was seen with since its owner got it.
    seen_with: BTreeSet<String>,
    /// User ids that it was ever seen with. Once a change took the number, seeing it with one of them again says nothing
    /// until somebody with a user id has it.
    ever_with: BTreeSet<String>,
    /// The owner got it by a change event, and it was seen with no parent alone since: a user id of a portfolio that is not
    /// among `seen_with` is the owner's new one.
    by_change: bool,
    /// To whom it ever went.
    owners: BTreeSet<usize>,
}

#[derive(Default, Hash)]
struct Person {
    /// Where this one was merged into.
    parent: Option<usize>,
    exists: bool,
    spans: Vec<Span>,
    bsuids: BTreeSet<String>,
    rules: BTreeSet<Rule>,
    name: Option<(Millis, String)>,
}

#[derive(Default)]
struct Fold<'a> {
    people: Vec<Person>,
    numbers: BTreeMap<String, Number>,
    strong: BTreeMap<Identifier, usize>,
    /// Canonical digits whose forms are different numbers, with those forms.
    split: BTreeMap<String, BTreeSet<String>>,
    /// Of these, how a send of a time meant its number where that is not the form to dial.
    meant: BTreeMap<(String, Millis), &'a str>,
    /// Who was decided to be two people.
    apart: Vec<&'a Decided>,
    hints: Vec<Hint>,
    portfolios: Portfolios,
}

/// What may be one person, while the fold runs.
struct Hint {
    one: usize,
    other: usize,
    rule: Rule,
    blocker: Option<Blocker>,
    at: Millis,
    evidence: Vec<Identifier>,
    /// The number that it rests on.
    number: Option<String>,
}

/// The decisions that hold: the last one about each two people, unless it takes back.
fn standing(evidence: &Evidence) -> impl Iterator<Item = &Decided> {
    let is_about = |one: &Decided, other: &Decided| {
        names(&one.user, &other.user) && names(&one.other, &other.other)
            || names(&one.user, &other.other) && names(&one.other, &other.user)
    };
    evidence
        .decisions
        .iter()
        .enumerate()
        .filter_map(move |(place, decided)| {
            let later = &evidence.decisions[place + 1..];
            (decided.ruling != Ruling::Unmerge && !later.iter().any(|other| is_about(other, decided)))
                .then_some(decided)
        })
}

/// Finds the people behind `evidence`.
pub(crate) fn fold(evidence: &Evidence) -> Verdict {
    fold_without(evidence, Listener::knows)
}

/// Finds them without the steps that are `known` to change nothing.
fn fold_without<'e>(evidence: &'e Evidence, known: fn(&Listener, usize) -> bool) -> Verdict {
    #[derive(Clone, Copy)]
    enum Step<'a> {
        Change(&'a Change),
        See(usize),
        /// Known people with a number that they may have got back.
        Again(usize),
        Decide(&'a Decided),
    }
    let contested = evidence.is_contested();
    let mut steps: Vec<(Millis, u8, &[Identifier], Step)> = Vec::new();
    for change in &evidence.changes {
        steps.push((change.at, 0, &change.new, Step::Change(change)));
    }
    for (index, together) in evidence.together.iter().enumerate() {
        let mut step = |at: Millis, step: Step<'e>| steps.push((at, 1, &together.ids, step));
        match together.hangs_on(contested) {
            HangsOn::EachTime => {
                let mut seen: Vec<Millis> = together.when().collect();
                seen.sort_unstable();
                seen.dedup();
                for at in seen {
                    step(at, Step::See(index));
                }
            }
            HangsOn::ItsReturn => {
                step(together.first, Step::See(index));
                let again = together.times.iter().filter(|at| **at > together.first);
                for at in again {
                    step(*at, Step::Again(index));
                }
            }
            HangsOn::ItsFirst => step(together.first, Step::See(index)),
        }
    }
    let standing: Vec<&Decided> = standing(evidence).collect();
    for decided in standing.iter().filter(|decided| decided.ruling != Ruling::Reject) {
        steps.push((decided.at, 2, &decided.user, Step::Decide(decided)));
    }
    steps.sort_by(|a, b| (a.0, a.1, a.2).cmp(&(b.0, b.1, b.2)));

    let is_split = |decided: &&Decided| decided.ruling == Ruling::Split;
    let apart: Vec<&Decided> = standing.iter().copied().filter(is_split).collect();
    let mut fold = Fold {
        split: split_numbers(evidence, &apart),
        apart,
        portfolios: evidence.portfolios.clone(),
        ..Fold::default()
    };
    if !fold.split.is_empty() {
        fold.meant = meant(evidence, &fold.split);
    }
    let mut timelines: Vec<Vec<(Millis, usize)>> = vec![Vec::new(); evidence.together.len()];
    let mut listener = Listener::new(evidence.together.len(), fold.split.is_empty());
    for (at, _, _, step) in steps {
        listener.reach(at);
        match step {
            Step::Change(change) => {
                fold.change(change);
                listener.event(at);
            }
            Step::Decide(decided) => {
                fold.decide(decided);
                listener.event(at);
            }
            Step::See(index) | Step::Again(index) if known(&listener, index) => {}
            Step::See(index) | Step::Again(index) => {
                let together = &evidence.together[index];
                // Where no number can have changed hands, nothing is taken again.
                let before = contested.then(|| fold.touched(&together.ids, at));
                let person = fold.see(&together.ids, at);
                if matches!(step, Step::See(_)) {
                    fold.meet(person, together);
                    timelines[index].push((at, person));
                }
                let is_same = |before| before == fold.touched(&together.ids, at);
                listener.evidence(index, at, !before.is_some_and(is_same));
            }
        }
    }
    fold.finish(timelines, listener.found(), evidence, &standing)
}

/// In which form sends meant numbers that are `split`: they name one to dial, and their statuses the one that it was.
fn meant<'a>(
    evidence: &'a Evidence,
    split: &BTreeMap<String, BTreeSet<String>>,
) -> BTreeMap<(String, Millis), &'a str> {
    let mut meant = BTreeMap::new();
    for together in &evidence.together {
        let forms = together.other_forms();
        for (number, form) in forms.filter(|(number, _)| split.contains_key(number)) {
            meant.extend(together.sends.iter().map(|at| ((number.clone(), *at), form)));
        }
    }
    meant
}

impl Fold<'_> {
    /// What evidence of a person says of them beside their identifiers.
    fn meet(&mut self, person: usize, together: &Together) {
        let root = self.root(person);
        let person = &mut self.people[root];
        person.exists |= together.creates;
        if let Some(name) = &together.name
            && person.name.as_ref().is_none_or(|had| had < name)
        {
            person.name = Some(name.clone());
        }
    }

    fn root(&self, mut person: usize) -> usize {
        while let Some(parent) = self.people[person].parent {
            person = parent;
        }
        person
    }

    fn person(&mut self) -> usize {
        self.people.push(Person::default());
        self.people.len() - 1
    }

    /// Makes one person of two, unless it was decided that they are two, or an automatic rule would give the person too
    /// much; gives the one that stays.
    fn join(&mut self, one: usize, other: usize, rule: Rule, at: Millis) -> Option<usize> {
        let (one, other) = (self.root(one), self.root(other));
        if one == other {
            return Some(one);
        }
        if self.parted(one, other) {
            return None;
        }
        if rule != Rule::Operator && self.is_too_much(one, other) {
            self.hint(one, other, rule, Some(Blocker::Cap), at, Vec::new(), None);
            return None;
        }
        let (stays, goes) = (one.min(other), one.max(other));
        let gone = std::mem::take(&mut self.people[goes]);
        self.people[goes].parent = Some(stays);
        let into = &mut self.people[stays];
        into.exists |= gone.exists;
        into.rules.extend(gone.rules);
        into.rules.insert(rule);
        into.name = into.name.take().max(gone.name);
        into.bsuids.extend(gone.bsuids);
        into.spans.extend(gone.spans);
        Some(stays)
    }

    /// Whether one person of two would have more phones or user ids than one person has.
    fn is_too_much(&self, one: usize, other: usize) -> bool {
        let spans = || self.people[one].spans.iter().chain(&self.people[other].spans);
        if spans().count() <= CAP {
            return false;
        }
        [IdentifierKind::Phone, IdentifierKind::Bsuid].into_iter().any(|kind| {
            let distinct: BTreeSet<&str> = spans()
                .filter(|span| span.id.kind == kind)
                .map(|span| span.id.value.as_str())
                .collect();
            distinct.len() > CAP
        })
    }

    #[allow(
        clippy::too_many_arguments,
        reason = "a hint with its parts; a struct would be built once, here"
    )]
    fn hint(
        &mut self,
        one: usize,
        other: usize,
        rule: Rule,
        blocker: Option<Blocker>,
        at: Millis,
        evidence: Vec<Identifier>,
        number: Option<String>,
    ) {
        self.hints.push(Hint {
            one,
            other,
            rule,
            blocker,
            at,
            evidence,
            number,
        });
    }
}
