//! A person as it rests in the store, and what a return of the person changes about sessions that are over.

use crate::{
    fold::Reason,
    thread::{At, Chain, Segment, SessionChange, Thread, Told},
};
use hilo_contracts::item::{Fate, Follow, Forget, Move};
use hilo_domain::{
    Millis,
    time::{DAY, HOUR},
};
use hilo_stream::{Context, ProcessorError, Store};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A new session within this long after a resolution is a repeat of it.
const REPEAT: Millis = 72 * HOUR;

/// A person's threads, by business number.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Person {
    pub tenant: String,
    pub country: Option<String>,
    pub threads: BTreeMap<String, Thread>,
    /// Moves away from this person: an item that arrives by an older verdict is sent after them.
    pub moves: Vec<Move>,
    /// Occurrences that do not hold and have not come yet.
    pub forgotten: Vec<Forget>,
    /// Outcomes of sends whose events have not arrived yet.
    pub fates: Vec<Fate>,
    /// Messages whose person the status processor knows by this one alone.
    pub followed: Vec<Follow>,
    /// How many pages of them are kept apart.
    pub followed_pages: u32,
}

/// A session of the person that is over at most [`REPEAT`] before a time, or goes on.
struct Recent {
    number: usize,
    at: At,
    index: usize,
    id: Box<str>,
    opened_at: Millis,
    closed_at: Option<Millis>,
    /// Closed by a resolution, with a customer in it.
    may_repeat: bool,
    awaits_call_back: bool,
    outcome: Option<String>,
    repeated_at: Option<Millis>,
    reason: Option<String>,
    /// When the customer first wrote in it; the platform's test is nobody who came back.
    customer_at: Option<Millis>,
}

impl Person {
    /// Where an item of `atom` at a time has gone by a verdict younger than `version`.
    pub(crate) fn moved_to(&self, atom: u64, at: Millis, version: u64) -> Option<&Move> {
        self.moves.iter().rev().find(|moved| moved.takes(atom, at, version))
    }

    /// When something is due for the person.
    pub(crate) fn deadline(&self) -> Option<Millis> {
        // Only the last session of a thread can be open.
        self.threads
            .values()
            .filter_map(|thread| thread.last()?.expires_at)
            .min()
    }

    /// Looks again at what depends on whether the person came back, for the sessions that closed at most
    /// [`REPEAT`] before `since`: outcomes (within 24 h), and repeats of what was resolved (within 72 h).
    pub(crate) fn returns(
        &mut self,
        person_id: &str,
        since: Millis,
        segments: &mut Store<Segment>,
        context: &mut Context,
    ) -> Result<Vec<(String, SessionChange)>, ProcessorError> {
        let mut recent = self.recent(person_id, since, segments, context)?;
        if !recent.iter().any(|told| told.may_repeat || told.awaits_call_back) {
            return Ok(Vec::new());
        }
        context.spend(recent.len() as u64)?;
        // From the last close back: those that opened at the close or later are the ones that came after it.
        recent.sort_by_key(|told| std::cmp::Reverse(told.closed_at.unwrap_or(Millis::MAX)));
        let mut openings: Vec<usize> = (0..recent.len()).collect();
        openings.sort_by_key(|&place| recent[place].opened_at);
        let mut after = After::default();
        let mut changes = Vec::new();
        let numbers: Vec<String> = self.threads.keys().cloned().collect();
        for told in &recent {
            let Some(closed_at) = told.closed_at else { continue };
            while let Some(place) = openings.pop_if(|place| recent[*place].opened_at >= closed_at) {
                after.add(&recent[place]);
            }
            let repeated_at = after
                .repeat_of(told)
                .filter(|at| told.may_repeat && *at <= closed_at + REPEAT);
            let called_back = after.any(told).is_some_and(|at| at <= closed_at + DAY);
            let outcome = match (told.awaits_call_back, called_back) {
                (false, _) => told.outcome.clone(),
                (true, true) => Some("called_back".to_owned()),
                (true, false) => Some("contained_silent".to_owned()),
            };
            if told.outcome == outcome && told.repeated_at == repeated_at {
                continue;
            }
            let number = &numbers[told.number];
            let Some(thread) = self.threads.get_mut(number) else {
                continue;
            };
            let mut chain = Chain {
                segments,
                person: person_id,
                number,
            };
            let changed = thread.told_mut(told.at, told.index, &mut chain)?;
            changed.session.outcome = outcome;
            changed.session.repeated_at = repeated_at;
            changed.revision += 1;
            changes.push((
                number.clone(),
                SessionChange {
                    kind: "session_changed",
                    told: changed.clone(),
                    concerns_others: false,
                },
            ));
        }
        Ok(changes)
    }

    fn recent(
        &self,
        person_id: &str,
        since: Millis,
        segments: &mut Store<Segment>,
        context: &mut Context,
    ) -> Result<Vec<Recent>, ProcessorError> {
        let mut recent = Vec::new();
        for (place, (number, thread)) in self.threads.iter().enumerate() {
            let mut chain = Chain {
                segments,
                person: person_id,
                number,
            };
            // Sessions of a thread follow one another, so their closes rise.
            thread.back(&mut chain, context, |at, segment| {
                for (index, told) in segment.sessions.iter().enumerate().rev() {
                    if told
                        .session
                        .closed_at
                        .is_some_and(|closed_at| closed_at + REPEAT < since)
                    {
                        return false;
                    }
                    recent.push(Recent::of(place, at, index, told));
                }
                true
            })?;
        }
        Ok(recent)
    }
}

impl Recent {
    fn of(number: usize, at: At, index: usize, told: &Told) -> Self {
        let session = &told.session;
        let is_resolved = session.close_reason.as_deref() == Some(Reason::Resolved.as_str());
        Self {
            number,
            at,
            index,
            id: told.id.clone(),
            opened_at: session.opened_at,
            closed_at: session.closed_at,
            may_repeat: is_resolved && session.first_customer_at.is_some(),
            awaits_call_back: told.awaits_call_back,
            outcome: session.outcome.clone(),
            repeated_at: session.repeated_at,
            reason: session.reason.clone(),
            customer_at: session.first_customer_at.filter(|_| !told.test),
        }
    }
}

/// When the customer first wrote in sessions that opened after a time.
#[derive(Default)]
struct After {
    any: Earliest,
    by_reason: BTreeMap<Option<String>, Earliest>,
}

/// The two earliest, each with its session: a session that closed the moment it opened does not come after itself.
#[derive(Default)]
struct Earliest([Option<(Millis, Box<str>)>; 2]);

impl Earliest {
    fn add(&mut self, at: Millis, id: &str) {
        let mut new = Some((at, Box::from(id)));
        for had in &mut self.0 {
            if had.is_none() || new < *had {
                std::mem::swap(had, &mut new);
            }
            if new.is_none() {
                return;
            }
        }
    }

    fn of_others(&self, id: &str) -> Option<Millis> {
        let mut others = self.0.iter().flatten().filter(|(_, had)| **had != *id);
        others.next().map(|(at, _)| *at)
    }
}

impl After {
    fn add(&mut self, told: &Recent) {
        if let Some(at) = told.customer_at {
            self.any.add(at, &told.id);
            self.by_reason.entry(told.reason.clone()).or_default().add(at, &told.id);
        }
    }

    fn any(&self, told: &Recent) -> Option<Millis> {
        self.any.of_others(&told.id)
    }

    /// The earliest that is not for another reason.
    fn repeat_of(&self, told: &Recent) -> Option<Millis> {
        if told.reason.is_none() {
            return self.any(told);
        }
        let of = |reason: &Option<String>| self.by_reason.get(reason)?.of_others(&told.id);
        of(&told.reason).into_iter().chain(of(&None)).min()
    }
}
