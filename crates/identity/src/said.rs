//! What an item says of who is who, as evidence of a cluster.

use crate::{
    cluster::Cluster,
    evidence::{Added, Sees},
    links::{Name, name},
    portfolio::{Channel, tell},
};
use hilo_contracts::item::{Decision, IdentityChange, Item, Sighting};
use hilo_domain::{Identifier, Millis};
use std::slice;

/// What an item says of who is who.
#[derive(Clone)]
pub(crate) enum Said<'a> {
    Seen {
        ids: Vec<Identifier>,
        stated: Vec<Identifier>,
        sighting: &'a Sighting,
        sees: Sees,
    },
    Changed {
        old: Vec<Identifier>,
        new: Vec<Identifier>,
        change: &'a IdentityChange,
    },
    Decided {
        user: Vec<Identifier>,
        other: Vec<Identifier>,
        decision: &'a Decision,
    },
    /// By a record of a CRM.
    Claimed {
        record: &'a Identifier,
        named: Vec<Identifier>,
        stated: Vec<Identifier>,
    },
}

impl Said<'_> {
    /// The identifiers that it can join, on its two sides.
    pub(crate) fn joining(&self) -> [&[Identifier]; 2] {
        match self {
            Self::Seen { ids, .. } => [ids, &[]],
            Self::Changed { old, new, .. } => [old, new],
            Self::Decided { user, other, .. } => [user, other],
            Self::Claimed { .. } => [&[], &[]],
        }
    }

    /// The identifiers with which it only suggests.
    pub(crate) fn suggesting(&self) -> impl Iterator<Item = &Identifier> {
        let (named, record, stated): (&[Identifier], &[Identifier], &[Identifier]) = match self {
            Self::Seen { stated, .. } => (&[], &[], stated),
            Self::Claimed { record, named, stated } => (named, slice::from_ref(*record), stated),
            Self::Changed { .. } | Self::Decided { .. } => (&[], &[], &[]),
        };
        named.iter().chain(record).chain(stated)
    }

    pub(crate) fn identifiers(&self) -> impl Iterator<Item = &Identifier> {
        self.joining().into_iter().flatten().chain(self.suggesting())
    }

    pub(crate) fn add(&self, cluster: &mut Cluster, at: Millis) -> Added {
        match self {
            Self::Seen {
                ids,
                stated,
                sighting,
                sees,
            } => {
                let mut added = Added::Known;
                for value in stated {
                    added = added.max(cluster.evidence.state(value, ids, at));
                }
                added.max(cluster.see(ids.clone(), at, sighting, *sees))
            }
            Self::Changed { change, .. } => cluster.evidence.change(change, at),
            Self::Decided { decision, .. } => cluster.evidence.decide(decision, at),
            Self::Claimed { record, named, stated } => {
                let mut added = Added::Known;
                for value in stated {
                    added = added.max(cluster.evidence.state(value, slice::from_ref(*record), at));
                }
                if !named.is_empty() {
                    added = added.max(cluster.evidence.claim(record, named.clone(), at));
                }
                added
            }
        }
    }

    /// Adds where its user ids came from; whether that is news.
    pub(crate) fn tell(&self, cluster: &mut Cluster, item: &Item) -> bool {
        let ids = self.joining().into_iter().flatten();
        Channel::of(item).is_some_and(|channel| tell(&mut cluster.evidence.told, ids, channel))
    }

    /// Without what it only suggests.
    pub(crate) fn without_suggestions(mut self) -> Self {
        if let Self::Seen { stated, .. } = &mut self {
            stated.clear();
        }
        self
    }

    /// The identifiers of one name on it, on each side, with the time and whether somebody exists by them.
    pub(crate) fn of_name(&self, of: &Name, at: Millis) -> Vec<(Vec<Identifier>, Millis, bool)> {
        let (at, creates) = match self {
            Self::Seen { sighting, .. } => (sighting.since.unwrap_or(at), sighting.creates),
            Self::Changed { .. } => (at, true),
            Self::Decided { .. } | Self::Claimed { .. } => return Vec::new(),
        };
        let sides = self.joining().into_iter().map(|side| only(side, of));
        let sides = sides.filter(|ids| !ids.is_empty());
        sides.map(|ids| (ids, at, creates)).collect()
    }
}

pub(crate) fn only(ids: &[Identifier], of: &Name) -> Vec<Identifier> {
    ids.iter().filter(|id| name(id).as_ref() == Some(of)).cloned().collect()
}
