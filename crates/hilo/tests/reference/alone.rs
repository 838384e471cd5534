//! Identifiers that stand alone: those that met more than fifty others, and all of those of whom more than three hundred
//! pieces of evidence hang together without them. crates/identity/README.md says so.

use super::{
    mentions::{Id, Ids, dialable},
    people::Evidence,
};
use std::collections::{BTreeMap, BTreeSet};

const MET: usize = 50;
const PIECES: usize = 300;

pub(crate) struct Alone {
    placeholders: BTreeSet<Id>,
    knotted: BTreeSet<Id>,
}

/// All forms of a number have one name, Argentina's two too.
fn name(id: &Id) -> Id {
    let digits = id.1.trim_start_matches('+');
    if !matches!(id.0, "phone" | "wa_id") || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return id.clone();
    }
    let number = dialable(digits);
    let national = number
        .strip_prefix("54")
        .map(|rest| rest.strip_prefix('9').unwrap_or(rest));
    match national {
        Some(national) if national.len() == 10 => ("number", format!("54{national}")),
        _ => ("number", number),
    }
}

fn names(evidence: &Evidence) -> BTreeSet<Id> {
    match evidence {
        Evidence::Change(old, new) => old.iter().chain(new).map(name).collect(),
        Evidence::Together(ids, _) => ids.iter().map(name).collect(),
    }
}

impl Alone {
    pub(crate) fn of(evidence: &[(i64, Evidence)]) -> Self {
        let mut met: BTreeMap<Id, BTreeSet<Id>> = BTreeMap::new();
        for (_, one) in evidence {
            let on = names(one);
            for name in &on {
                met.entry(name.clone())
                    .or_default()
                    .extend(on.iter().filter(|other| *other != name).cloned());
            }
        }
        let crowded = met.into_iter().filter(|(_, others)| others.len() > MET);
        let placeholders: BTreeSet<Id> = crowded.map(|(name, _)| name).collect();
        // Sightings of the same identifiers are one piece; each change is one.
        let pieces: BTreeSet<(i64, Evidence)> = evidence
            .iter()
            .flat_map(|(time, one)| match one {
                // A change shows whoever has the new identifiers.
                Evidence::Change(_, new) => {
                    vec![(*time, one.clone()), (0, Evidence::Together(new.clone(), true))]
                }
                Evidence::Together(ids, _) => vec![(0, Evidence::Together(ids.clone(), true))],
            })
            .collect();
        let mut groups: Vec<(BTreeSet<Id>, usize)> = Vec::new();
        for (_, one) in &pieces {
            let mut group: BTreeSet<Id> = names(one).difference(&placeholders).cloned().collect();
            let mut count = usize::from(!group.is_empty());
            groups.retain(|(other, pieces)| {
                let apart = other.is_disjoint(&group);
                if !apart {
                    group.extend(other.iter().cloned());
                    count += pieces;
                }
                apart
            });
            groups.push((group, count));
        }
        let knots = groups.into_iter().filter(|(_, pieces)| *pieces > PIECES);
        Self {
            placeholders,
            knotted: knots.flat_map(|(group, _)| group).collect(),
        }
    }

    fn is_alone(&self, name: &Id) -> bool {
        self.placeholders.contains(name) || self.knotted.contains(name)
    }

    fn kept(&self, ids: &Ids) -> Ids {
        ids.iter().filter(|id| !self.is_alone(&name(id))).cloned().collect()
    }

    /// The identifiers that say whose an item is.
    pub(crate) fn owner(&self, ids: &Ids) -> Ids {
        let kept = self.kept(ids);
        if !kept.is_empty() {
            return kept;
        }
        let surety = |name: &Id| match name.0 {
            "bsuid" => 0,
            "parent_bsuid" => 1,
            _ => 2,
        };
        let order = |name: &Id| (self.placeholders.contains(name), surety(name), name.clone());
        let surest = ids.iter().map(name).min_by_key(order);
        ids.iter().filter(|id| Some(name(id)) == surest).cloned().collect()
    }

    /// Evidence without those, and each of them by itself.
    pub(crate) fn without(&self, (time, one): &(i64, Evidence)) -> Vec<(i64, Evidence)> {
        let alone: BTreeSet<Id> = names(one).into_iter().filter(|name| self.is_alone(name)).collect();
        if alone.is_empty() {
            return vec![(*time, one.clone())];
        }
        let mut all: Vec<Evidence> = Vec::new();
        let mut parts = |ids: &Ids, seen: bool| {
            for of in &alone {
                let part: Ids = ids.iter().filter(|id| name(id) == *of).cloned().collect();
                if !part.is_empty() {
                    all.push(Evidence::Together(part, seen));
                }
            }
        };
        match one {
            Evidence::Change(old, new) => {
                parts(old, true);
                parts(new, true);
                let (left, right) = (self.kept(old), self.kept(new));
                if left.is_empty() == old.is_empty() && right.is_empty() == new.is_empty() {
                    all.push(Evidence::Change(left, right));
                }
            }
            Evidence::Together(ids, seen) => {
                parts(ids, *seen);
                let kept = self.kept(ids);
                if !kept.is_empty() {
                    all.push(Evidence::Together(kept, *seen));
                }
            }
        }
        all.into_iter().map(|one| (*time, one)).collect()
    }
}
