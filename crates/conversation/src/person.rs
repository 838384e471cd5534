//! A person's threads as they rest in the store, and what a new event changes about them.

use crate::{
    event::Event,
    fold::{Folded, REOPEN, Reason, SESSION_GAP, fold},
    measure::{Outcome, measure},
};
use hilo_contracts::{
    facts::Session,
    item::{Follow, Forget, Move},
};
use hilo_domain::{
    Millis, hash,
    time::{DAY, HOUR},
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, ops::RangeInclusive};

/// A new session within this long after a resolution is a repeat of it.
const REPEAT: Millis = 72 * HOUR;

/// A session as it was told last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Told {
    pub id: Box<str>,
    /// Index of the opening event.
    pub opener: usize,
    pub session: Session,
    pub revision: i64,
    pub test: bool,
    /// When it closes by itself; `None` once closed.
    pub expires_at: Option<Millis>,
    /// Whether a return of the person within 24 h would change its outcome.
    pub awaits_call_back: bool,
}

/// What happens between a person and one business number.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Thread {
    /// In folding order.
    pub events: Vec<Event>,
    /// In the order of opening.
    pub sessions: Vec<Told>,
    /// Sessions that were taken back, with the revision that said so: one that opens again goes on from there.
    pub retracted: BTreeMap<Box<str>, i64>,
}

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
    /// Messages whose person the status processor knows by this one alone.
    pub followed: Vec<Follow>,
}

/// A session whose state changed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct SessionChange {
    pub kind: &'static str,
    pub told: Told,
}

/// What a fold changed in a thread.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Changes {
    pub sessions: Vec<SessionChange>,
    /// Indexes of events that are in another session than was told.
    pub events: Vec<usize>,
}

impl Person {
    /// Where an item of `atom` at a time has gone by a verdict younger than `version`.
    pub(crate) fn moved_to(&self, atom: u64, at: Millis, version: u64) -> Option<&Move> {
        self.moves
            .iter()
            .rev()
            .find(|moved| moved.version > version && moved.holds(atom, at))
    }

    /// When something is due for the person.
    pub(crate) fn deadline(&self) -> Option<Millis> {
        // Only the last session of a thread can be open.
        self.threads
            .values()
            .filter_map(|thread| thread.sessions.last()?.expires_at)
            .min()
    }

    /// Looks again at what depends on whether the person came back, for the sessions that closed at most
    /// [`REPEAT`] before `since`: outcomes (within 24 h), and repeats of what was resolved (within 72 h).
    pub(crate) fn returns(&mut self, since: Millis) -> Vec<(String, SessionChange)> {
        let waits = |told: &Told| {
            told.awaits_call_back || told.session.close_reason.as_deref() == Some(Reason::Resolved.as_str())
        };
        // Sessions of a thread follow one another, so their closes rise.
        let is_recent = |told: &&Told| {
            told.session
                .closed_at
                .is_none_or(|closed_at| closed_at + REPEAT >= since)
        };
        if !self
            .threads
            .values()
            .any(|thread| thread.sessions.iter().rev().take_while(is_recent).any(waits))
        {
            return Vec::new();
        }
        let openings: Vec<Opening> = self
            .threads
            .values()
            .flat_map(|thread| thread.sessions.iter().rev().take_while(is_recent))
            // The platform's test is nobody who came back.
            .filter(|told| !told.test)
            .filter_map(|told| {
                Some(Opening {
                    id: told.id.clone(),
                    opened_at: told.session.opened_at,
                    customer_at: told.session.first_customer_at?,
                    reason: told.session.reason.clone(),
                })
            })
            .collect();
        let mut changes = Vec::new();
        for (number, thread) in &mut self.threads {
            for told in thread.sessions.iter_mut().rev() {
                let Some(closed_at) = told.session.closed_at else {
                    continue;
                };
                if closed_at + REPEAT < since {
                    break;
                }
                // One that closed the moment it opened comes after itself.
                let others = || openings.iter().filter(|opening| opening.id != told.id);
                let repeated_at = repeated_at(&told.session, others());
                let called_back =
                    others().any(|opening| opening.opened_at >= closed_at && opening.customer_at <= closed_at + DAY);
                let outcome = match (told.awaits_call_back, called_back) {
                    (false, _) => told.session.outcome.clone(),
                    (true, true) => Some("called_back".to_owned()),
                    (true, false) => Some("contained_silent".to_owned()),
                };
                if told.session.outcome != outcome || told.session.repeated_at != repeated_at {
                    told.session.outcome = outcome;
                    told.session.repeated_at = repeated_at;
                    told.revision += 1;
                    changes.push((
                        number.clone(),
                        SessionChange {
                            kind: "session_changed",
                            told: told.clone(),
                        },
                    ));
                }
            }
        }
        changes
    }
}

/// When a session of the person began, and what it was about.
struct Opening {
    id: Box<str>,
    opened_at: Millis,
    customer_at: Millis,
    reason: Option<String>,
}

/// The first customer message of a session that repeats a resolved one: within 72 h, and not for another reason.
fn repeated_at<'a>(session: &Session, openings: impl Iterator<Item = &'a Opening>) -> Option<Millis> {
    let closed_at = session.closed_at?;
    if session.close_reason.as_deref() != Some(Reason::Resolved.as_str()) || session.first_customer_at.is_none() {
        return None;
    }
    openings
        .filter(|opening| opening.opened_at >= closed_at && opening.customer_at <= closed_at + REPEAT)
        .filter(|opening| match (&session.reason, &opening.reason) {
            (Some(one), Some(other)) => one == other,
            _ => true,
        })
        .map(|opening| opening.customer_at)
        .min()
}

/// A session is named by whose it is and by what opened it, with its time: two occurrences of one item may stand in a
/// thread for a while.
fn session_id(who: &str, number: &str, opener: &Event) -> String {
    let at = opener.at.to_le_bytes();
    hash::id(
        "session",
        &[who.as_bytes(), number.as_bytes(), opener.key.as_bytes(), &at],
    )
}

/// Whether a move concerns an item.
pub(crate) trait Holds {
    fn holds(&self, atom: u64, at: Millis) -> bool;
}

impl Holds for Move {
    fn holds(&self, atom: u64, at: Millis) -> bool {
        self.atom == atom && self.from.is_none_or(|from| from <= at) && self.to.is_none_or(|to| at < to)
    }
}

impl Thread {
    /// Puts an event in its place; one that it `replaces` goes. Gives the indexes between which the thread changed.
    pub(crate) fn insert(&mut self, mut event: Event, replaces: impl Fn(&Event) -> bool) -> RangeInclusive<usize> {
        // Duplicates are rare and mostly young: the newest events are looked at first.
        let old = self.events.iter().rposition(replaces);
        if let Some(old) = old {
            let gone = self.remove(old);
            event.revision = event.revision.max(gone.revision);
            event.session = gone.session;
            event.signed |= gone.signed;
        }
        let place = self.events.partition_point(|had| had.order() < event.order());
        self.events.insert(place, event);
        for told in self.sessions.iter_mut().rev().take_while(|told| told.opener >= place) {
            told.opener += 1;
        }
        let old = old.unwrap_or(place);
        old.min(place)..=old.max(place)
    }

    /// Takes an event out. A session that it opened stays, pointing at what came next, until the thread is folded anew.
    pub(crate) fn remove(&mut self, place: usize) -> Event {
        for told in self.sessions.iter_mut().rev().take_while(|told| told.opener > place) {
            told.opener -= 1;
        }
        self.events.remove(place)
    }

    /// Folds anew what a change between two indexes may have changed, as of `now`.
    pub(crate) fn refold(&mut self, changed: &RangeInclusive<usize>, now: Millis, who: &str, number: &str) -> Changes {
        let place = (*changed.start()).min(self.events.len());
        // A session that opened strictly before the event may hold it; those before that one cannot.
        let keep = self
            .sessions
            .partition_point(|told| told.opener < place)
            .saturating_sub(1);
        let start = self.sessions.get(keep).map_or(0, |told| told.opener.min(place));
        let start = if keep == 0 { 0 } else { start };
        let is_opened_by = |told: &Told, index: usize| {
            told.opener == index && *told.id == *session_id(who, number, &self.events[index])
        };
        let known = &self.sessions[keep..];
        let resync = |index: usize| index > *changed.end() && known.iter().any(|told| is_opened_by(told, index));
        let (folded, stopped) = fold(&self.events, start..self.events.len(), now, resync);
        let met = known
            .iter()
            .position(|told| stopped < self.events.len() && is_opened_by(told, stopped));
        let tail = met.map_or(self.sessions.len(), |met| keep + met);
        let old: Vec<Told> = self.sessions.splice(keep..tail, []).collect();

        let mut changes = Changes::default();
        let mut fresh: Vec<Told> = Vec::with_capacity(folded.len());
        for session in &folded {
            let told = self.tell(session, &old, who, number, &mut changes);
            fresh.push(told);
        }
        for gone in old {
            if !fresh.iter().any(|told| told.id == gone.id) {
                let told = Told {
                    revision: gone.revision + 1,
                    ..gone
                };
                self.retracted.insert(told.id.clone(), told.revision);
                changes.sessions.push(SessionChange {
                    kind: "session_retracted",
                    told,
                });
            }
        }
        let mut ids: Vec<Option<&Box<str>>> = vec![None; stopped - start];
        for (session, told) in folded.iter().zip(&fresh) {
            for index in &session.events {
                ids[index - start] = Some(&told.id);
            }
        }
        for (index, id) in (start..stopped).zip(ids) {
            let event = &mut self.events[index];
            if event.session.as_ref() != id || !event.told {
                event.session = id.cloned();
                event.revision += 1;
                event.told = true;
                changes.events.push(index);
            }
        }
        let count = fresh.len();
        self.sessions.splice(keep..keep, fresh);
        self.link(keep, keep + count, &mut changes);
        changes
    }

    fn tell(&self, folded: &Folded, old: &[Told], who: &str, number: &str, changes: &mut Changes) -> Told {
        let (mut session, outcome) = measure(&self.events, folded);
        let opener = &self.events[folded.opener];
        let id = session_id(who, number, opener);
        let before = old.iter().find(|told| *told.id == *id);
        session.outcome = match outcome {
            Outcome::None => None,
            Outcome::Is(outcome) => Some(outcome.to_owned()),
            Outcome::UnlessCalledBack => {
                let had = before
                    .filter(|told| told.awaits_call_back)
                    .and_then(|told| told.session.outcome.clone());
                Some(had.unwrap_or_else(|| "contained_silent".to_owned()))
            }
        };
        session.reopens = before.and_then(|told| told.session.reopens.clone());
        session.repeated_at = before.and_then(|told| told.session.repeated_at);
        let mut told = Told {
            opener: folded.opener,
            revision: match before {
                Some(told) => told.revision,
                None => self.retracted.get(id.as_str()).copied().unwrap_or_default(),
            },
            test: opener.test,
            expires_at: folded.closed.is_none().then_some(folded.last_extended + SESSION_GAP),
            awaits_call_back: outcome == Outcome::UnlessCalledBack,
            session,
            id: id.into(),
        };
        let changed = before.is_none_or(|before| before.session != told.session || before.test != told.test);
        if changed {
            told.revision += 1;
            let stopped = |session: &Session| {
                [&session.frt_human, &session.frt_any].map(|clock| clock.as_ref().and_then(|clock| clock.stopped_at))
            };
            let kind = match before {
                _ if told.session.closed_at.is_some() => "session_closed",
                None => "session_opened",
                Some(before) if stopped(&before.session) != stopped(&told.session) => "first_response",
                Some(_) => "session_changed",
            };
            changes.sessions.push(SessionChange {
                kind,
                told: told.clone(),
            });
        }
        told
    }

    /// Links sessions to the one they reopen, from `from` to one behind `to`.
    fn link(&mut self, from: usize, to: usize, changes: &mut Changes) {
        for place in from..(to + 1).min(self.sessions.len()) {
            let before = place.checked_sub(1).and_then(|place| self.sessions.get(place));
            let reopens = before
                .filter(|before| {
                    before
                        .session
                        .closed_at
                        .is_some_and(|at| self.sessions[place].session.opened_at <= at + REOPEN)
                })
                .map(|before| before.id.to_string());
            let told = &mut self.sessions[place];
            if told.session.reopens == reopens {
                continue;
            }
            told.session.reopens = reopens;
            match changes.sessions.iter_mut().find(|change| change.told.id == told.id) {
                Some(change) => change.told.session.reopens.clone_from(&told.session.reopens),
                None => {
                    told.revision += 1;
                    changes.sessions.push(SessionChange {
                        kind: "session_changed",
                        told: told.clone(),
                    });
                }
            }
        }
    }
}
