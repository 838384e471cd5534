//! When a sighting says nothing new: between two steps of the fold that change anything, whoever was seen in the same way
//! can be seen any number of times. A person who writes every day for years is judged when something happens to their
//! numbers, and not once for each of their messages.

use super::{Fold, Number, Person};
use crate::evidence::is_strong;
use hilo_domain::{Identifier, Millis};
use serde::{Deserialize, Serialize};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

/// Where further sightings leave a verdict as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Quiet {
    /// Per piece of evidence: from and to, both exclusive, rising; the last one may be open.
    stretches: Vec<Vec<(Millis, Option<Millis>)>>,
    /// Whether all forms of each number are one person's: then it says nothing in which form a send was received.
    pub one_form: bool,
}

/// The quiet found while the fold runs.
pub(crate) struct Listener {
    /// Per piece of evidence: in which calm it was taken and changed nothing, and when first.
    taken: Vec<Option<(usize, Millis)>>,
    /// When each calm but the last one ended: something changed.
    ends: Vec<Millis>,
    /// The time of a change event that was taken last: what it ended is somebody's still at that time, and not later.
    changed_at: Option<Millis>,
    found: Quiet,
}

impl Listener {
    pub(super) fn new(evidence: usize, one_form: bool) -> Self {
        let stretches = vec![Vec::new(); evidence];
        Self {
            taken: vec![None; evidence],
            ends: Vec::new(),
            changed_at: None,
            found: Quiet { stretches, one_form },
        }
    }

    /// The fold reaches a time.
    pub(super) fn reach(&mut self, at: Millis) {
        if let Some(changed_at) = self.changed_at.filter(|changed_at| *changed_at < at) {
            self.changed_at = None;
            self.ends.push(changed_at);
        }
    }

    /// A change event or a decision was taken.
    pub(super) fn event(&mut self, at: Millis) {
        self.ends.push(at);
        self.changed_at = Some(at);
    }

    /// Evidence was taken; whether that changed anything.
    pub(super) fn evidence(&mut self, index: usize, at: Millis, changed: bool) {
        if changed {
            self.ends.push(at);
        } else {
            self.close(index);
            self.taken[index] = Some((self.ends.len(), at));
        }
    }

    /// Whether it would change nothing to take evidence again.
    pub(super) fn knows(&self, index: usize) -> bool {
        // In which form a send meant its number hangs on its time.
        self.found.one_form && self.taken[index].is_some_and(|(calm, _)| calm == self.ends.len())
    }

    pub(super) fn found(mut self) -> Quiet {
        self.reach(Millis::MAX);
        for index in 0..self.taken.len() {
            self.close(index);
        }
        let Quiet { stretches, one_form } = self.found;
        let is_any = one_form && stretches.iter().any(|stretches| !stretches.is_empty());
        Quiet {
            stretches: if is_any { stretches } else { Vec::new() },
            one_form,
        }
    }

    fn close(&mut self, index: usize) {
        let Some((calm, from)) = self.taken[index].take() else {
            return;
        };
        let to = self.ends.get(calm).copied();
        if to.is_none_or(|to| from < to) {
            self.found.stretches[index].push((from, to));
        }
    }
}

impl Fold<'_> {
    /// All that a sighting of `ids` at a time can change, as a hash.
    pub(super) fn touched(&self, ids: &[Identifier], at: Millis) -> u64 {
        let ids = &*self.sided(ids);
        let numbers: Vec<Option<&Number>> = self
            .numbers_at(ids, at)
            .iter()
            .map(|token| self.numbers.get(token))
            .collect();
        let strong: Vec<Option<usize>> = ids
            .iter()
            .filter(|id| is_strong(std::slice::from_ref(*id)))
            .map(|id| self.strong.get(id).copied())
            .collect();
        let owners = numbers.iter().filter_map(|number| (*number)?.owner);
        let people: Vec<&Person> = owners
            .chain(strong.iter().copied().flatten())
            .map(|person| &self.people[self.root(person)])
            .collect();
        let mut hasher = DefaultHasher::new();
        (numbers, strong, people, self.people.len(), self.hints.len()).hash(&mut hasher);
        hasher.finish()
    }
}
