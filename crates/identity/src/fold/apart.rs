//! Decisions of people: who is one, who is two, and what then is left of a sighting.

use super::{Change, Decided, Evidence, Fold, Rule, Span};
use crate::evidence::{Key, is_same, key, names};
use hilo_contracts::item::Ruling;
use hilo_domain::{Identifier, IdentifierKind, Millis, phone};
use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

/// Which decisions name an identifier, by their places.
pub(crate) fn sides<'a>(apart: &[&'a Decided]) -> BTreeMap<Key<'a>, Vec<usize>> {
    let mut sides: BTreeMap<Key, Vec<usize>> = BTreeMap::new();
    for (place, decided) in apart.iter().enumerate() {
        for id in decided.user.iter().chain(&decided.other) {
            sides.entry(key(id)).or_default().push(place);
        }
    }
    sides
}

impl<'a> Fold<'a> {
    /// The decisions, in their order, that name one of `ids`.
    fn apart_by<'b>(&self, ids: impl Iterator<Item = &'b Identifier>) -> impl Iterator<Item = &'a Decided> {
        let named: BTreeSet<usize> = if self.apart.is_empty() {
            BTreeSet::new()
        } else {
            ids.filter_map(|id| self.sides.get(&key(id)))
                .flatten()
                .copied()
                .collect()
        };
        named.into_iter().filter_map(|place| self.apart.get(place).copied())
    }

    pub(super) fn opposed(&self, one: usize, other: usize) -> bool {
        let (one, other) = (self.root(one), self.root(other));
        let (first, second) = (&self.people[one].bsuids, &self.people[other].bsuids);
        self.portfolios.are_two(first, second) || self.parted(one, other)
    }

    /// Whether somebody decided that the two are two.
    pub(super) fn parted(&self, one: usize, other: usize) -> bool {
        let holds = |person: usize, side: &[Identifier]| {
            let spans = &self.people[self.root(person)].spans;
            spans
                .iter()
                .any(|span| holds_now(span) && side.iter().any(|id| is_same(id, &span.id)))
        };
        let spans = &self.people[self.root(one)].spans;
        self.apart_by(spans.iter().map(|span| &span.id))
            .any(|Decided { user, other: side, .. }| {
                holds(one, user) && holds(other, side) || holds(one, side) && holds(other, user)
            })
    }

    /// Whether somebody decided that who is seen by `ids` is not this person.
    pub(super) fn is_kept_from(&self, ids: &[Identifier], person: usize) -> bool {
        let holds = |side: &[Identifier]| {
            let spans = &self.people[self.root(person)].spans;
            spans
                .iter()
                .any(|span| holds_now(span) && side.iter().any(|id| is_same(id, &span.id)))
        };
        self.apart_by(ids.iter()).any(|Decided { user, other, .. }| {
            names(ids, user) && holds(other) && !holds(user) || names(ids, other) && holds(user) && !holds(other)
        })
    }

    /// Whether somebody decided that old and new are two people: then nobody changed anything.
    pub(super) fn is_contradicted(&self, change: &Change) -> bool {
        self.apart_by(change.old.iter()).any(|Decided { user, other, .. }| {
            names(&change.old, user) && names(&change.new, other)
                || names(&change.old, other) && names(&change.new, user)
        })
    }

    /// What is left of a sighting that shows both sides of a split: the side of the surer identifier.
    pub(super) fn sided<'b>(&self, ids: &'b [Identifier]) -> Cow<'b, [Identifier]> {
        let mut left = Cow::Borrowed(ids);
        for Decided { user, other, .. } in self.apart_by(ids.iter()) {
            if names(user, other) || !names(&left, user) || !names(&left, other) {
                continue;
            }
            let on = |side: &[Identifier], id: &Identifier| side.iter().any(|named| is_same(named, id));
            let surest = left
                .iter()
                .filter(|id| on(user, id) || on(other, id))
                .min_by_key(|id| (surety(id.kind), *id));
            let drop = if surest.is_some_and(|id| on(user, id)) {
                other
            } else {
                user
            };
            left = left.iter().filter(|id| !on(drop, id)).cloned().collect();
        }
        left
    }

    /// Who is named by one side of a decision at a time; somebody who may not exist where nobody is known by it yet.
    pub(super) fn named(&mut self, ids: &[Identifier], at: Millis) -> usize {
        let known = ids.iter().find_map(|id| self.strong.get(id).copied());
        let tokens = self.numbers_of(ids);
        let known = known.or_else(|| tokens.iter().find_map(|token| self.owner(token, at)));
        if let Some(person) = known {
            return self.root(person);
        }
        let person = self.see(ids, at);
        for id in ids {
            if matches!(id.kind, IdentifierKind::HubspotId | IdentifierKind::SalesforceId) {
                self.strong.insert(id.clone(), person);
            }
        }
        person
    }

    pub(super) fn decide(&mut self, decided: &Decided) {
        let other = self.named(&decided.other, decided.at);
        if decided.ruling == Ruling::Split {
            // Whoever was split off exists, even if never seen alone.
            self.people[other].exists = true;
            return;
        }
        let user = self.named(&decided.user, decided.at);
        self.join(user, other, Rule::Operator, decided.at);
    }
}

/// Numbers whose written forms were seen with different user ids of one portfolio and never with a common one, or were
/// decided to be two people's: they are not one number.
pub(super) fn split_numbers(evidence: &Evidence, apart: &[&Decided]) -> BTreeMap<String, BTreeSet<String>> {
    let mut decided: BTreeSet<String> = BTreeSet::new();
    for Decided { user, other, .. } in apart.iter().copied() {
        for id in user.iter().chain(other) {
            let (Some(number), true) = (id.number(), names(user, other)) else {
                continue;
            };
            decided.insert(number);
        }
    }
    let mut forms: BTreeMap<String, BTreeMap<&str, BTreeSet<String>>> = BTreeMap::new();
    for together in &evidence.together {
        for id in together.ids.iter().filter(|id| id.kind == IdentifierKind::WaId) {
            let Some(number) = id.number() else { continue };
            let seen = forms.entry(number).or_default().entry(id.value.as_str()).or_default();
            seen.extend(
                together
                    .ids
                    .iter()
                    .filter(|id| id.kind == IdentifierKind::Bsuid)
                    .map(|id| id.value.clone()),
            );
        }
    }
    forms
        .into_iter()
        .filter(|(number, forms)| {
            if decided.contains(number) {
                return true;
            }
            let with: Vec<_> = forms.values().collect();
            let mut pairs = with
                .iter()
                .enumerate()
                .flat_map(|(place, one)| with[place + 1..].iter().map(move |other| (one, other)));
            phone::may_be_two(number) && pairs.any(|(one, other)| evidence.portfolios.are_two(one, other))
        })
        .map(|(number, forms)| (number, forms.into_keys().map(str::to_owned).collect()))
        .collect()
}

/// Whether an identifier is somebody's still: a number can go to another, a user id cannot.
fn holds_now(span: &Span) -> bool {
    span.to.is_none() || !span.id.kind.is_number()
}

/// How sure an identifier names its person; the smallest is the surest.
fn surety(kind: IdentifierKind) -> u8 {
    match kind {
        IdentifierKind::Bsuid => 0,
        IdentifierKind::ParentBsuid => 1,
        IdentifierKind::WaId => 2,
        IdentifierKind::Phone => 3,
        _ => 4,
    }
}
