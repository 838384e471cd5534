//! Sessions of a thread, as a fold over its events in event-time order (metric definitions, chapter 2). Its state is the
//! session that was opened last, so it can be kept anywhere and gone on from.

use crate::{
    event::{Event, Role},
    measure::Measure,
};
use hilo_contracts::stored::Clock;
use hilo_domain::{
    Millis, hash,
    time::{DAY, HOUR, MINUTE},
};
use serde::{Deserialize, Serialize};

/// Without an extending event for this long a session closes by itself.
pub(crate) const SESSION_GAP: Millis = DAY;
/// Within this long after `resolved` a courtesy is listed in the closed session.
const COURTESY: Millis = 10 * MINUTE;
/// A session that opens within this long after the one before closed reopens it.
pub(crate) const REOPEN: Millis = 72 * HOUR;

/// Why a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Reason {
    Resolved,
    Inactivity,
}

impl Reason {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Resolved => "resolved",
            Self::Inactivity => "inactivity",
        }
    }
}

/// A session after some of its events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Course {
    pub id: Box<str>,
    pub opened_at: Millis,
    pub by_business: bool,
    pub test: bool,
    /// The session that it reopens.
    pub reopens: Option<Box<str>>,
    pub last_extended: Millis,
    pub closed: Option<(Millis, Reason)>,
    pub measure: Measure,
}

impl Course {
    /// Closes it by inactivity if its gap has passed at `at`.
    pub(crate) fn expire(&mut self, at: Millis) {
        let end = self.last_extended + SESSION_GAP;
        if self.closed.is_none() && at >= end {
            self.closed = Some((end, Reason::Inactivity));
        }
    }

    /// Whether `at` is soon enough after the resolution for a courtesy.
    fn takes_thanks(&self, at: Millis) -> bool {
        matches!(self.closed, Some((closed_at, Reason::Resolved)) if at <= closed_at + COURTESY)
    }
}

/// What an event did.
#[derive(Debug, Default)]
pub(crate) struct Step {
    /// Whether the session of the state lists it.
    pub listed: bool,
    /// The turn of that session that it answers.
    pub turn: Option<Clock>,
    /// The session that ended because this event opened the next.
    pub finished: Option<Box<Course>>,
}

/// A fold on its way through the thread of a person and a business number.
pub(crate) struct Fold<'a> {
    pub person: &'a str,
    pub number: &'a str,
    pub course: Option<Box<Course>>,
    /// The session that the first one reopens, where the fold begins at its opener.
    pub reopens: Option<Box<str>>,
}

impl Fold<'_> {
    pub(crate) fn step(&mut self, event: &Event) -> Step {
        // An edit, a reaction, what failed: it is no time of the thread either, for its receipt may contradict it.
        if event.is_silent() {
            return Step::default();
        }
        if let Some(course) = &mut self.course {
            course.expire(event.at);
        }
        let is_open = self.course.as_ref().is_some_and(|course| course.closed.is_none());
        let extends = match &event.role {
            Role::Customer { courtesy, .. } => {
                let thanks = *courtesy && self.course.as_ref().is_some_and(|course| course.takes_thanks(event.at));
                if thanks {
                    return self.list(event);
                }
                true
            }
            Role::Human { .. } | Role::Bot { .. } => true,
            Role::Inbox(inbox) => match inbox.event.as_str() {
                "reopened" => true,
                "rated" => return self.list(event),
                "resolved" if is_open => {
                    let step = self.list(event);
                    if let Some(course) = &mut self.course {
                        course.closed = Some((event.at, Reason::Resolved));
                    }
                    return step;
                }
                _ => false,
            },
            Role::Listed | Role::Silent | Role::Trace => false,
        };
        let finished = if extends && !is_open { self.open(event) } else { None };
        if !is_open && !extends {
            return Step::default();
        }
        if let Some(course) = self.course.as_mut().filter(|_| extends) {
            course.last_extended = event.at;
        }
        Step {
            finished,
            ..self.list(event)
        }
    }

    fn list(&mut self, event: &Event) -> Step {
        let Some(course) = &mut self.course else {
            return Step::default();
        };
        let closed_at = course.closed.map(|(at, _)| at);
        Step {
            listed: true,
            turn: course.measure.step(event, closed_at),
            finished: None,
        }
    }

    /// Opens a session; gives the one before.
    fn open(&mut self, event: &Event) -> Option<Box<Course>> {
        let reopens = match &self.course {
            Some(before) => before
                .closed
                .filter(|(at, _)| event.at <= at + REOPEN)
                .map(|_| before.id.clone()),
            None => self.reopens.take(),
        };
        let course = Course {
            id: session_id(self.person, self.number, event).into(),
            opened_at: event.at,
            by_business: event.class == 2,
            test: event.test,
            reopens,
            last_extended: event.at,
            closed: None,
            measure: Measure::default(),
        };
        self.course.replace(Box::new(course))
    }
}

/// A session is named by whose it is and by what opened it, with its time: two occurrences of one item may stand in a
/// thread for a while.
fn session_id(person: &str, number: &str, opener: &Event) -> String {
    let at = opener.at.to_le_bytes();
    hash::id(
        "session",
        &[person.as_bytes(), number.as_bytes(), opener.key.as_bytes(), &at],
    )
}
