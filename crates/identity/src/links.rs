//! What identifiers connect: the pieces of evidence that can join people, whom each identifier met on them, and which
//! identifiers hang together.

use crate::{
    evidence::{Evidence, sought},
    rules::{MET, PIECES},
};
use hilo_domain::{Identifier, IdentifierKind};
use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    slice,
};

/// An identifier as it is looked up: all forms of a number have one name, candidates for one number (AR 54/549) too.
pub(crate) type Name = (IdentifierKind, String);

/// The name of an identifier; a username has none.
pub(crate) fn name(id: &Identifier) -> Option<Name> {
    sought(id).map(|(kind, value)| (kind, value.into_owned()))
}

/// Distinct names of the identifiers on both sides of a piece of evidence, sorted.
pub(crate) fn names_on(sides: [&[Identifier]; 2]) -> Vec<Name> {
    let mut names: Vec<Name> = sides.into_iter().flatten().filter_map(name).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// Order of how sure a name tells its person; the surest is the smallest.
pub(crate) fn surety(name: &Name) -> (u8, &Name) {
    let rank = match name.0 {
        IdentifierKind::Bsuid => 0,
        IdentifierKind::ParentBsuid => 1,
        IdentifierKind::Phone | IdentifierKind::WaId => 2,
        _ => 3,
    };
    (rank, name)
}

/// Which component each name is in, and of how many pieces each component is.
#[derive(Debug, Default)]
pub(crate) struct Components {
    pub of: BTreeMap<Name, usize>,
    pub pieces: Vec<usize>,
}

impl Components {
    /// Names of the components that are too large for people, and of those with one of `forced`.
    pub(crate) fn knotted(&self, forced: &BTreeSet<Name>) -> BTreeSet<Name> {
        let with_forced: BTreeSet<usize> = forced.iter().filter_map(|name| self.of.get(name).copied()).collect();
        let is_knot = |component: &usize| self.pieces[*component] > PIECES || with_forced.contains(component);
        let knotted = self.of.iter().filter(|(_, component)| is_knot(component));
        knotted.map(|(name, _)| name.clone()).collect()
    }
}

impl Evidence {
    /// The pieces that can join people, each by the identifiers on its two sides.
    pub(crate) fn joining(&self) -> impl Iterator<Item = [&[Identifier]; 2]> {
        let none: &[Identifier] = &[];
        let together = self.together.iter().map(move |together| [&*together.ids, none]);
        let changes = self.changes.iter().map(|change| [&*change.old, &*change.new]);
        let decisions = self.decisions.iter().map(|decided| [&*decided.user, &*decided.other]);
        together.chain(changes).chain(decisions)
    }

    /// The pieces that only suggest.
    pub(crate) fn suggesting(&self) -> impl Iterator<Item = [&[Identifier]; 2]> {
        let claims = self.claims.iter();
        let claims = claims.map(|claim| [&*claim.ids, slice::from_ref(&claim.record)]);
        let stated = self.stated.iter();
        claims.chain(stated.map(|stated| [&*stated.holder, slice::from_ref(&stated.value)]))
    }

    /// How many pieces can join people.
    pub(crate) fn pieces(&self) -> usize {
        self.together.len() + self.changes.len() + self.decisions.len()
    }

    /// How many pieces there are.
    pub(crate) fn size(&self) -> usize {
        self.pieces() + self.claims.len() + self.stated.len()
    }

    /// Steps of a fold, at most.
    pub(crate) fn steps(&self) -> u64 {
        let times: usize = self
            .together
            .iter()
            .map(|had| had.times.len() + had.waiting.len() + had.sends.len())
            .sum();
        (self.size() + times) as u64
    }

    /// Of the names on a piece, those that met more others than anything of one person does.
    pub(crate) fn crowded(&self, named: impl FnOnce() -> Vec<Name>) -> Vec<Name> {
        // Nothing can have met more than are named in all.
        let on: usize = self.joining().map(|[one, other]| one.len() + other.len()).sum();
        if on <= MET {
            return Vec::new();
        }
        let mut named = named();
        named.retain(|name| !self.is_placeholder(name));
        let mut met: BTreeMap<&Name, BTreeSet<Name>> = BTreeMap::new();
        for sides in self.joining() {
            let on = names_on(sides);
            for name in named.iter().filter(|name| on.binary_search(name).is_ok()) {
                let others = on.iter().filter(|other| *other != name).cloned();
                met.entry(name).or_default().extend(others);
            }
        }
        let crowded = met.into_iter().filter(|(_, met)| met.len() > MET);
        crowded.map(|(name, _)| name.clone()).collect()
    }

    /// Whom a name met.
    pub(crate) fn met(&self, name: &Name) -> BTreeSet<Name> {
        let pieces = self.joining().map(names_on);
        let with = pieces.filter(|on| on.binary_search(name).is_ok());
        with.flatten().filter(|other| other != name).collect()
    }

    /// What hangs together by names that are evidence, through pieces that join, and also through those that suggest.
    pub(crate) fn components(&self, is_evidence: impl Fn(&Name) -> bool, suggestions_too: bool) -> Components {
        let mut places: BTreeMap<Name, usize> = BTreeMap::new();
        let mut parents: Vec<usize> = Vec::new();
        let mut pieces: Vec<usize> = Vec::new();
        let suggesting = self.suggesting().filter(|_| suggestions_too);
        let all = self.joining().map(|sides| (sides, true));
        for (sides, joins) in all.chain(suggesting.map(|sides| (sides, false))) {
            let mut first: Option<usize> = None;
            for name in names_on(sides).into_iter().filter(|name| is_evidence(name)) {
                let next = parents.len();
                let place = *places.entry(name).or_insert(next);
                if place == next {
                    parents.push(next);
                    pieces.push(0);
                }
                let root = root(&mut parents, place);
                match first {
                    None => first = Some(root),
                    Some(had) if had != root => {
                        parents[root] = had;
                        pieces[had] += pieces[root];
                    }
                    Some(_) => {}
                }
            }
            if let Some(first) = first {
                pieces[first] += usize::from(joins);
            }
        }
        let mut numbers: BTreeMap<usize, usize> = BTreeMap::new();
        let mut found = Components::default();
        for (name, place) in places {
            let root = root(&mut parents, place);
            let next = numbers.len();
            let component = *numbers.entry(root).or_insert(next);
            if component == next {
                found.pieces.push(pieces[root]);
            }
            found.of.insert(name, component);
        }
        found
    }

    /// Forgets what only suggests.
    pub(crate) fn forget_suggestions(&mut self) {
        self.claims.clear();
        self.stated.clear();
        self.crowds.clear();
    }

    /// Notes that names are no evidence.
    pub(crate) fn add_placeholders(&mut self, names: impl IntoIterator<Item = Name>) {
        for name in names {
            if let Err(place) = self.placeholders.binary_search(&name) {
                self.placeholders.insert(place, name);
            }
        }
    }

    pub(crate) fn is_placeholder(&self, name: &Name) -> bool {
        self.placeholders.binary_search(name).is_ok()
    }
}

fn root(parents: &mut [usize], mut place: usize) -> usize {
    while parents[place] != place {
        parents[place] = parents[parents[place]];
        place = parents[place];
    }
    place
}

/// The surest of some names.
pub(crate) fn surest<'a>(names: impl Iterator<Item = &'a Name>) -> Option<&'a Name> {
    names.max_by_key(|name| Reverse(surety(name)))
}
