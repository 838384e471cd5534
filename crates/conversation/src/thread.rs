//! What happens between a person and one business number, as it rests in the store, and what a change of it changes.
//!
//! A thread is a chain of segments of at most [`SPLIT`] events. Each begins with the state of the fold before it, so a
//! change is folded from the segment that it is in, up to where the state is what it was before. The newest segment, the
//! tail, is part of the person's entry; the others are entries of their own. So a new message costs the same and writes
//! the same however long the thread is; a late one costs what follows it.

mod answers;

use crate::{
    event::{Event, Role},
    fold::{Course, Fold, SESSION_GAP},
    measure::Outcome,
};
use hilo_contracts::stored::{Clock, Session};
use hilo_domain::Millis;
use hilo_stream::{Context, ProcessorError, Store};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A segment with more events is split in two.
pub(crate) const SPLIT: usize = 64;

/// A session as it was told last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Told {
    pub id: Box<str>,
    pub session: Session,
    pub revision: i64,
    pub test: bool,
    /// When it closes by itself; `None` once closed.
    pub expires_at: Option<Millis>,
    /// Whether a return of the person within 24 h would change its outcome.
    pub awaits_call_back: bool,
}

/// Some successive events of a thread.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Segment {
    /// The segment before.
    pub before: Option<u32>,
    /// The segment behind; behind the newest kept one is the tail.
    pub behind: Option<u32>,
    /// State of the fold before its first event.
    pub start: Option<Box<Course>>,
    /// In folding order.
    pub events: Vec<Event>,
    /// Sessions that ended in it because another one opened, in order; in the tail also the thread's last session.
    pub sessions: Vec<Told>,
}

/// A thread: the tail, and where the chain goes on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Thread {
    pub tail: Segment,
    /// Segments made so far: the next one's number.
    made: u32,
    /// Whether a session was ever taken back.
    pub retracts: bool,
    /// Whether it ever had a word that opts out only as an answer.
    pub has_words: bool,
    spread: answers::Spread,
}

/// Which segment: the tail is `None`.
pub(crate) type At = Option<u32>;

/// An event's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub at: At,
    pub index: usize,
}

/// The kept segments of one thread.
pub(crate) struct Chain<'a> {
    pub segments: &'a mut Store<Segment>,
    pub person: &'a str,
    pub number: &'a str,
}

impl Chain<'_> {
    fn key(&self, number: u32) -> Vec<u8> {
        let parts = [self.person.as_bytes(), &[0], self.number.as_bytes(), &[0]];
        [&parts.concat()[..], &number.to_be_bytes()].concat()
    }

    fn get(&mut self, number: u32) -> Result<&Segment, ProcessorError> {
        let key = self.key(number);
        self.segments.get(&key)?.ok_or_else(|| lacks(number))
    }

    fn get_mut(&mut self, number: u32) -> Result<&mut Segment, ProcessorError> {
        let key = self.key(number);
        self.segments.get_mut(&key)?.ok_or_else(|| lacks(number))
    }
}

fn lacks(number: u32) -> ProcessorError {
    ProcessorError::Contract(format!(
        "a thread lacks its segment {number}: the state is torn; rebuild it from the raw topic"
    ))
}

/// A session whose state changed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct SessionChange {
    pub kind: &'static str,
    pub told: Told,
    /// Whether it may change what is known of the person's other sessions: it is new, gone, or began or ended otherwise.
    pub concerns_others: bool,
}

/// A session as the fold found it.
struct Found {
    at: At,
    course: Box<Course>,
    /// Turns that were answered since the fold began.
    turns: Vec<Clock>,
}

impl Thread {
    fn segment<'a>(&'a self, at: At, chain: &'a mut Chain) -> Result<&'a Segment, ProcessorError> {
        match at {
            Some(number) => chain.get(number),
            None => Ok(&self.tail),
        }
    }

    fn segment_mut<'a>(&'a mut self, at: At, chain: &'a mut Chain) -> Result<&'a mut Segment, ProcessorError> {
        match at {
            Some(number) => chain.get_mut(number),
            None => Ok(&mut self.tail),
        }
    }

    /// The session that was opened last.
    pub(crate) fn last(&self) -> Option<&Told> {
        self.tail.sessions.last()
    }

    /// The youngest event that is `wanted`, of those at `since` or later.
    pub(crate) fn find(
        &self,
        since: Millis,
        wanted: impl Fn(&Event) -> bool,
        chain: &mut Chain,
        context: &mut Context,
    ) -> Result<Option<Place>, ProcessorError> {
        let mut at = None;
        loop {
            let segment = self.segment(at, chain)?;
            if let Some(index) = segment.events.iter().rposition(&wanted) {
                return Ok(Some(Place { at, index }));
            }
            let is_before = segment.events.first().is_some_and(|first| first.at < since);
            if is_before || segment.before.is_none() {
                return Ok(None);
            }
            at = segment.before;
            context.spend(1)?;
        }
    }

    /// Calls `visit` for each segment from the newest back, until it is `false` or none is left.
    pub(crate) fn back(
        &self,
        chain: &mut Chain,
        context: &mut Context,
        mut visit: impl FnMut(At, &Segment) -> bool,
    ) -> Result<(), ProcessorError> {
        let mut at = None;
        loop {
            let segment = self.segment(at, chain)?;
            if !visit(at, segment) || segment.before.is_none() {
                return Ok(());
            }
            at = segment.before;
            context.spend(1)?;
        }
    }

    /// A session, to be changed; it counts as changed.
    pub(crate) fn told_mut<'a>(
        &'a mut self,
        at: At,
        index: usize,
        chain: &'a mut Chain,
    ) -> Result<&'a mut Told, ProcessorError> {
        let told = self.segment_mut(at, chain)?.sessions.get_mut(index);
        told.ok_or_else(|| lacks(at.unwrap_or(u32::MAX)))
    }

    pub(crate) fn event<'a>(&'a self, place: Place, chain: &'a mut Chain) -> Result<&'a Event, ProcessorError> {
        let event = self.segment(place.at, chain)?.events.get(place.index);
        event.ok_or_else(|| lacks(place.at.unwrap_or(u32::MAX)))
    }

    /// An event, to be changed; its segment is written again.
    pub(crate) fn event_mut<'a>(
        &'a mut self,
        place: Place,
        chain: &'a mut Chain,
    ) -> Result<&'a mut Event, ProcessorError> {
        let event = self.segment_mut(place.at, chain)?.events.get_mut(place.index);
        event.ok_or_else(|| lacks(place.at.unwrap_or(u32::MAX)))
    }

    /// Puts an event in its place; an equal one goes.
    pub(crate) fn insert(
        &mut self,
        event: Event,
        chain: &mut Chain,
        context: &mut Context,
    ) -> Result<Place, ProcessorError> {
        self.spread(event.at, event.became());
        self.has_words |= event.answer.is_some();
        let mut at = None;
        loop {
            let segment = self.segment(at, chain)?;
            let is_here = segment
                .events
                .first()
                .is_some_and(|first| first.order() <= event.order());
            if is_here || segment.before.is_none() {
                break;
            }
            at = segment.before;
            context.spend(1)?;
        }
        let events = &mut self.segment_mut(at, chain)?.events;
        let first = events.partition_point(|had| had.order() < event.order());
        // Two occurrences of one item may have one time: both stay until one of them is forgotten.
        let same = events[first..]
            .iter()
            .take_while(|had| had.order() == event.order())
            .position(|had| had.fingerprint == event.fingerprint);
        let index = first + same.unwrap_or_default();
        match events.get_mut(index).filter(|_| same.is_some()) {
            Some(had) => {
                let gone = std::mem::replace(had, event);
                had.follows(gone);
            }
            None => events.insert(index, event),
        }
        Ok(Place { at, index })
    }

    /// Takes an event out. A session that it opened stays until the thread is folded anew.
    pub(crate) fn remove(&mut self, place: Place, chain: &mut Chain) -> Result<Event, ProcessorError> {
        Ok(self.segment_mut(place.at, chain)?.events.remove(place.index))
    }

    /// Takes out the events of a segment that are `wanted`; gives them and the place of the first of them.
    pub(crate) fn extract(
        &mut self,
        at: At,
        wanted: impl Fn(&Event) -> bool,
        chain: &mut Chain,
    ) -> Result<Option<(usize, Vec<Event>)>, ProcessorError> {
        let Some(first) = self.segment(at, chain)?.events.iter().position(&wanted) else {
            return Ok(None);
        };
        let events = &mut self.segment_mut(at, chain)?.events;
        let gone = events.extract_if(first.., |event| wanted(event)).collect();
        Ok(Some((first, gone)))
    }

    /// Folds anew what a change may have changed, as of `now`: from the first changed `place` on, at least through the
    /// segment `until`, and until the state is what it was. `tell` gets each event that is in another session than was
    /// told; `retracted` knows the revisions of sessions that were taken back.
    pub(crate) fn refold(
        &mut self,
        place: Place,
        until: At,
        now: Millis,
        (chain, retracted): (&mut Chain, &mut Store<i64>),
        context: &mut Context,
        mut tell: impl FnMut(&mut Event, &mut Context) -> Result<(), ProcessorError>,
    ) -> Result<Vec<SessionChange>, ProcessorError> {
        let (person, number) = (chain.person, chain.number);
        let segment = self.segment_mut(place.at, chain)?;
        let begin = begin(segment, place.index);
        let mut fold = Fold {
            person,
            number,
            course: begin.course,
            reopens: begin.reopens,
        };
        // Turns of the first session from before the fold began.
        let before = fold.course.as_ref().map_or(0, |course| course.measure.turns.count);
        let mut found: Vec<Found> = Vec::new();
        let mut turns: Vec<Clock> = Vec::new();
        let mut old: Vec<Told> = segment.sessions.drain(begin.sessions..).collect();
        let mut first = begin.event;
        let (mut at, mut reached) = (place.at, false);
        loop {
            let segment = self.segment_mut(at, chain)?;
            context.spend((segment.events.len() - first) as u64)?;
            for event in &mut segment.events[first..] {
                let step = fold.step(event);
                if let Some(course) = step.finished {
                    let turns = std::mem::take(&mut turns);
                    found.push(Found { at, course, turns });
                }
                turns.extend(step.turn);
                let id = fold.course.as_ref().filter(|_| step.listed).map(|course| &course.id);
                let is_news = event.session.as_ref() != id || !event.told;
                if is_news && !matches!(event.role, Role::Trace) {
                    event.session = id.cloned();
                    event.revision += 1;
                    event.told = true;
                    tell(event, context)?;
                }
            }
            reached |= at == until;
            if at.is_none() {
                if let Some(mut course) = fold.course.take() {
                    course.expire(now);
                    found.push(Found { at, course, turns });
                }
                break;
            }
            at = segment.behind;
            let next = self.segment(at, chain)?;
            if reached && next.start == fold.course {
                break;
            }
            let next = self.segment_mut(at, chain)?;
            next.start.clone_from(&fold.course);
            old.append(&mut next.sessions);
            first = 0;
        }
        self.compare(found, old, before, (chain, retracted), context)
    }

    /// Puts the sessions that were found where those that were known have been; gives what is different.
    fn compare(
        &mut self,
        found: Vec<Found>,
        old: Vec<Told>,
        turns_before: usize,
        (chain, retracted): (&mut Chain, &mut Store<i64>),
        context: &mut Context,
    ) -> Result<Vec<SessionChange>, ProcessorError> {
        let mut changes = Vec::new();
        let mut old: BTreeMap<Box<str>, Told> = old.into_iter().map(|told| (told.id.clone(), told)).collect();
        for (place, found) in found.into_iter().enumerate() {
            let before = old.remove(&found.course.id);
            let taken_back = match &before {
                None if self.retracts => retracted.get(found.course.id.as_bytes())?.copied(),
                _ => None,
            };
            let mut turns: Vec<Clock> = Vec::new();
            if place == 0 && turns_before > 0 {
                let had = before.iter().flat_map(|told| &told.session.turns);
                turns.extend(had.take(turns_before).cloned());
            }
            turns.extend(found.turns);
            context.spend(turns.len() as u64)?;
            let (told, change) = told(&found.course, turns, before.as_ref(), taken_back);
            changes.extend(change);
            self.segment_mut(found.at, chain)?.sessions.push(told);
        }
        for gone in old.into_values() {
            let told = Told {
                revision: gone.revision + 1,
                ..gone
            };
            self.retracts = true;
            retracted.put(told.id.as_bytes(), told.revision);
            changes.push(SessionChange {
                kind: "session_retracted",
                told,
                concerns_others: true,
            });
        }
        Ok(changes)
    }

    /// Splits a segment that became too long, takes out one that became empty.
    pub(crate) fn tidy(&mut self, at: At, chain: &mut Chain, context: &mut Context) -> Result<(), ProcessorError> {
        let count = self.segment(at, chain)?.events.len();
        match at {
            Some(number) if count == 0 => self.unlink(number, chain),
            _ if count > SPLIT => self.split(at, chain, context),
            _ => Ok(()),
        }
    }

    fn split(&mut self, at: At, chain: &mut Chain, context: &mut Context) -> Result<(), ProcessorError> {
        context.spend(SPLIT as u64)?;
        let made = self.made;
        self.made += 1;
        let (person, number) = (chain.person, chain.number);
        let segment = self.segment_mut(at, chain)?;
        let rest = segment.events.split_off(segment.events.len() / 2);
        let events = std::mem::replace(&mut segment.events, rest);
        let mut fold = Fold {
            person,
            number,
            course: segment.start.clone(),
            reopens: None,
        };
        let ended = events
            .iter()
            .filter(|event| fold.step(event).finished.is_some())
            .count();
        let first = Segment {
            before: segment.before.replace(made),
            behind: at,
            start: std::mem::replace(&mut segment.start, fold.course),
            sessions: segment.sessions.drain(..ended).collect(),
            events,
        };
        if let Some(before) = first.before {
            chain.get_mut(before)?.behind = Some(made);
        }
        let key = chain.key(made);
        chain.segments.put(&key, first);
        Ok(())
    }

    /// Takes a segment without events out of the chain: no session ended in it.
    fn unlink(&mut self, number: u32, chain: &mut Chain) -> Result<(), ProcessorError> {
        let segment = chain.get(number)?;
        let (before, behind) = (segment.before, segment.behind);
        if let Some(before) = before {
            chain.get_mut(before)?.behind = behind;
        }
        self.segment_mut(behind, chain)?.before = before;
        let key = chain.key(number);
        chain.segments.remove(&key);
        Ok(())
    }
}

/// Where a fold begins.
struct Begin {
    event: usize,
    /// Of the segment's sessions the first that may change.
    sessions: usize,
    course: Option<Box<Course>>,
    reopens: Option<Box<str>>,
}

/// The session that opened last before a changed place may change, those before it cannot: the fold begins where it opened,
/// or with the segment.
fn begin(segment: &Segment, changed: usize) -> Begin {
    let changed = changed.min(segment.events.len());
    let last = segment.events[..changed]
        .iter()
        .rev()
        .find_map(|event| event.session.as_ref());
    let opened_here = last.filter(|id| segment.start.as_ref().is_none_or(|course| course.id != **id));
    let known = opened_here.and_then(|id| segment.sessions.iter().rposition(|told| told.id == *id));
    let Some((id, known)) = opened_here.zip(known) else {
        return Begin {
            event: 0,
            sessions: 0,
            course: segment.start.clone(),
            reopens: None,
        };
    };
    let is_its = |event: &Event| event.session.as_ref() == Some(id);
    Begin {
        event: segment.events.iter().position(is_its).unwrap_or(0),
        sessions: known,
        course: None,
        reopens: segment.sessions[known].session.reopens.as_deref().map(Box::from),
    }
}

/// The session as it is to be told, and whether that is news.
fn told(
    course: &Course,
    turns: Vec<Clock>,
    before: Option<&Told>,
    taken_back: Option<i64>,
) -> (Told, Option<SessionChange>) {
    let (mut session, outcome) = course
        .measure
        .session(course.opened_at, course.by_business, course.closed);
    session.turns = turns;
    if course.closed.is_none() {
        session.turns.extend(course.measure.turns.running());
    }
    session.reopens = course.reopens.as_deref().map(str::to_owned);
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
    session.repeated_at = before.and_then(|told| told.session.repeated_at);
    let mut told = Told {
        id: course.id.clone(),
        revision: before.map_or(taken_back.unwrap_or_default(), |told| told.revision),
        test: course.test,
        expires_at: course.closed.is_none().then_some(course.last_extended + SESSION_GAP),
        awaits_call_back: outcome == Outcome::UnlessCalledBack,
        session,
    };
    let changed = before.is_none_or(|before| before.session != told.session || before.test != told.test);
    if !changed {
        return (told, None);
    }
    told.revision += 1;
    let stopped = |session: &Session| {
        [&session.frt_human, &session.frt_any].map(|clock| clock.as_ref().and_then(|clock| clock.stopped_at))
    };
    let kind = match &before {
        _ if told.session.closed_at.is_some() => "session_closed",
        None => "session_opened",
        Some(before) if stopped(&before.session) != stopped(&told.session) => "first_response",
        Some(_) => "session_changed",
    };
    let concerns = |told: &Told| {
        let session = &told.session;
        let ends = (session.closed_at, session.close_reason.clone(), session.reason.clone());
        (
            ends,
            session.first_customer_at,
            session.outcome.clone(),
            told.awaits_call_back,
            told.test,
        )
    };
    let change = SessionChange {
        kind,
        concerns_others: before.as_ref().is_none_or(|before| concerns(before) != concerns(&told)),
        told: told.clone(),
    };
    (told, Some(change))
}
