//! Identifiers that are no evidence. Each is judged as a person of its own; what it stands on is judged as if it were not
//! there.
//!
//! Two kinds, both functions of the set of evidence:
//!
//! - A *placeholder* met more than [`MET`](crate::rules::MET) others on pieces that can join people: the number that a
//!   shop types in for customers without one, the user id of a test script.
//! - A *knot* is more than [`PIECES`](crate::rules::PIECES) pieces that hang together without placeholders: a chain of a
//!   thousand number changes. All of its identifiers stand alone. It keeps its evidence: once one of its identifiers is
//!   known as a placeholder, what is left may be people again.
//!
//! An item belongs to the surest identifier on it that is evidence, else to the surest of a knot, else to the surest.

use crate::{
    evidence::{Change, Decided, Evidence, Together, insert_sorted},
    fold::{Verdict, fold},
    links::{Name, name, names_on, surety},
    rules::Rule,
};
use hilo_domain::{Identifier, Millis};
use std::collections::{BTreeMap, BTreeSet};

/// Which names stand alone in some evidence.
#[derive(Clone, Debug, Default)]
pub(crate) struct Alone {
    /// Those that are judged here, and why they stand alone.
    pub here: BTreeMap<Name, Rule>,
    /// All names that are judged here, where some are not: others are of a knot and judged elsewhere.
    pub whole: Option<BTreeSet<Name>>,
}

/// How a name is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Evidence,
    /// As a person of its own, and why.
    Alone(Rule),
    /// The same, with other evidence.
    Elsewhere(Rule),
}

/// To whom a sighting belongs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Belongs {
    /// To whoever the fold finds.
    Found,
    /// To the person of this name alone.
    Alone(Name),
    /// To a person who is judged elsewhere.
    Elsewhere,
}

impl Alone {
    pub(crate) fn fate(&self, evidence: &Evidence, name: &Name) -> Fate {
        match self.here.get(name) {
            Some(rule) => Fate::Alone(*rule),
            None if evidence.is_placeholder(name) => Fate::Elsewhere(Rule::Shared),
            None if self.whole.as_ref().is_some_and(|whole| !whole.contains(name)) => Fate::Elsewhere(Rule::Knot),
            None => Fate::Evidence,
        }
    }

    pub(crate) fn belongs(&self, evidence: &Evidence, names: &[Name]) -> Belongs {
        let fates = || names.iter().map(|name| (name, self.fate(evidence, name)));
        if fates().any(|(_, fate)| fate == Fate::Evidence) {
            return Belongs::Found;
        }
        let order = |(name, fate): &(&Name, Fate)| {
            let is_placeholder = matches!(fate, Fate::Alone(Rule::Shared) | Fate::Elsewhere(Rule::Shared));
            let (rank, _) = surety(name);
            (is_placeholder, rank, (*name).clone())
        };
        match fates().min_by_key(order) {
            Some((name, Fate::Alone(_))) => Belongs::Alone(name.clone()),
            _ => Belongs::Elsewhere,
        }
    }
}

/// The identifiers of a name.
fn of_name(ids: &[Identifier], of: &Name) -> Vec<Identifier> {
    ids.iter().filter(|id| name(id).as_ref() == Some(of)).cloned().collect()
}

/// What was seen of one name alone: its forms, each with the first time and whether somebody exists by it.
pub(crate) fn parts(evidence: &Evidence, of: &Name) -> BTreeMap<Vec<Identifier>, (Millis, bool)> {
    let mut parts: BTreeMap<Vec<Identifier>, (Millis, bool)> = BTreeMap::new();
    let mut add = |ids: &[Identifier], at: Millis, creates: bool| {
        let ids = of_name(ids, of);
        if !ids.is_empty() {
            let part = parts.entry(ids).or_insert((at, creates));
            *part = (part.0.min(at), part.1 || creates);
        }
    };
    for together in &evidence.together {
        add(&together.ids, together.first, together.creates);
    }
    for Change { at, old, new, .. } in &evidence.changes {
        add(old, *at, true);
        add(new, *at, true);
    }
    parts
}

impl Together {
    /// Identifiers seen at a time and never again.
    pub(crate) fn once(ids: Vec<Identifier>, at: Millis, creates: bool) -> Self {
        let has_number = ids.iter().any(|id| id.kind.is_number());
        Self {
            ids,
            first: at,
            times: if has_number { vec![at] } else { Vec::new() },
            waiting: Vec::new(),
            sends: Vec::new(),
            creates,
            name: None,
            usernames: Vec::new(),
        }
    }

    /// Takes over what a sighting says that shows the same identifiers, and others that are no evidence.
    fn take_over(&mut self, other: &Self) {
        self.first = self.first.min(other.first);
        self.creates |= other.creates;
        self.name = self.name.take().max(other.name.clone());
        if self.ids.iter().any(|id| id.kind.is_number()) {
            for at in &other.times {
                insert_sorted(&mut self.times, *at);
            }
            self.waiting.extend(&other.waiting);
            self.waiting.sort_unstable();
        }
        if self.other_forms().next().is_some() {
            for at in &other.sends {
                insert_sorted(&mut self.sends, *at);
            }
        }
        for username in &other.usernames {
            self.add_username(&username.text, username.first, username.last);
        }
    }
}

/// Whether a form of a name that stands alone was seen so early, and by somebody who exists.
pub(crate) fn is_known(forms: &[Together], (ids, at, creates): &(Vec<Identifier>, Millis, bool)) -> bool {
    let is_known = |had: &Together| had.ids == *ids && had.first <= *at && had.creates >= *creates;
    forms.iter().any(is_known)
}

/// Adds a form of a name that stands alone; whether that is news.
pub(crate) fn see_once(forms: &mut Vec<Together>, seen: (Vec<Identifier>, Millis, bool)) -> bool {
    if is_known(forms, &seen) {
        return false;
    }
    let (ids, at, creates) = seen;
    match forms.iter_mut().find(|had| had.ids == ids) {
        Some(had) => *had = Together::once(ids, at.min(had.first), creates || had.creates),
        None => forms.push(Together::once(ids, at, creates)),
    }
    true
}

/// Evidence without what is none, and where each sighting went.
struct Reduced {
    evidence: Evidence,
    places: Vec<Option<usize>>,
}

fn reduce(evidence: &Evidence, alone: &Alone) -> Reduced {
    let mut reduced = Evidence::default();
    let mut places: BTreeMap<Vec<Identifier>, usize> = BTreeMap::new();
    for of in alone.here.keys() {
        for (ids, (at, creates)) in parts(evidence, of) {
            places.insert(ids.clone(), reduced.together.len());
            reduced.together.push(Together::once(ids, at, creates));
        }
    }
    let fate = |id: &Identifier| name(id).map(|name| alone.fate(evidence, &name));
    let kept = |ids: &[Identifier]| -> Vec<Identifier> {
        let is_kept = |id: &&Identifier| fate(id) == Some(Fate::Evidence);
        ids.iter().filter(is_kept).cloned().collect()
    };
    let mut went: Vec<Option<usize>> = Vec::with_capacity(evidence.together.len());
    for together in &evidence.together {
        let place = match alone.belongs(evidence, &names_on([&together.ids, &[]])) {
            Belongs::Found => {
                let ids = kept(&together.ids);
                let next = reduced.together.len();
                let place = *places.entry(ids.clone()).or_insert(next);
                if place == next {
                    let mut first = Together::once(ids, together.first, together.creates);
                    first.times.clear();
                    reduced.together.push(first);
                }
                reduced.together[place].take_over(together);
                Some(place)
            }
            Belongs::Alone(name) => places.get(&of_name(&together.ids, &name)).copied(),
            Belongs::Elsewhere => None,
        };
        went.push(place);
    }
    // A side that is no evidence makes none of the other, but whoever a change names exists.
    let sides = |one: &[Identifier], other: &[Identifier]| {
        let (left, right) = (kept(one), kept(other));
        let is_whole = left.is_empty() == one.is_empty() && right.is_empty() == other.is_empty();
        is_whole.then_some((left, right))
    };
    for change in &evidence.changes {
        if let Some((old, new)) = sides(&change.old, &change.new) {
            let change = Change {
                old,
                new,
                ..change.clone()
            };
            reduced.changes.push(change);
            continue;
        }
        for ids in [kept(&change.old), kept(&change.new)] {
            if ids.is_empty() {
                continue;
            }
            let next = reduced.together.len();
            let place = *places.entry(ids.clone()).or_insert(next);
            let shown = Together::once(ids, change.at, true);
            match reduced.together.get_mut(place) {
                Some(had) => had.take_over(&shown),
                None => reduced.together.push(shown),
            }
        }
    }
    reduced.changes.sort_unstable();
    reduced.changes.dedup();
    for decided in &evidence.decisions {
        if let Some((user, other)) = sides(&decided.user, &decided.other) {
            let decided = Decided {
                user,
                other,
                ..decided.clone()
            };
            reduced.decisions.push(decided);
        }
    }
    reduced.decisions.sort_unstable();
    reduced.decisions.dedup();
    for claim in &evidence.claims {
        let ids = kept(&claim.ids);
        if !ids.is_empty() && fate(&claim.record) == Some(Fate::Evidence) {
            reduced.claim(&claim.record, ids, claim.first);
        }
    }
    for stated in &evidence.stated {
        let holder = kept(&stated.holder);
        for at in stated.times.iter().filter(|_| !holder.is_empty()) {
            reduced.state(&stated.value, &holder, *at);
        }
    }
    reduced.crowds = kept(&evidence.crowds);
    reduced.portfolios = evidence.portfolios.clone();
    Reduced {
        evidence: reduced,
        places: went,
    }
}

/// The people behind evidence, and those of the names that stand alone in it.
pub(crate) fn judge(evidence: &Evidence, alone: &Alone) -> Verdict {
    if alone.here.is_empty() && alone.whole.is_none() && evidence.placeholders.is_empty() {
        return fold(evidence);
    }
    let Reduced {
        evidence: reduced,
        places,
    } = reduce(evidence, alone);
    let mut verdict = fold(&reduced);
    for person in &mut verdict.people {
        let mut names = person.spans.iter().filter_map(|span| name(&span.id));
        if let Some(rule) = names.find_map(|name| alone.here.get(&name)) {
            person.rules = vec![*rule];
            person.suggestions.clear();
            person.decisions.clear();
        }
    }
    let of_place = |place: &Option<usize>| place.map_or_else(Vec::new, |place| verdict.timelines[place].clone());
    let timelines = places.iter().map(of_place).collect();
    Verdict {
        timelines,
        quiet: verdict.quiet.of_places(&places),
        people: verdict.people,
    }
}
