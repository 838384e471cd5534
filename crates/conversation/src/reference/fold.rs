//! Sessions of a thread, as a function of its events in event-time order (metric definitions, chapter 2).

use crate::event::{Event, Role};
use hilo_domain::{
    Millis,
    time::{DAY, HOUR, MINUTE},
};
use std::ops::Range;

/// Without an extending event for this long a session closes by itself.
pub(crate) const SESSION_GAP: Millis = DAY;
/// Within this long after `resolved` a courtesy is listed in the closed session.
const COURTESY: Millis = 10 * MINUTE;
/// A session that opens within this long after the one before closed reopens it.
pub(crate) const REOPEN: Millis = 72 * HOUR;

/// Why a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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

/// A session found by the fold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Folded {
    /// Index of the event that opened it.
    pub opener: usize,
    /// Indexes of its events, rising: all that happened while it was open, courtesies and ratings after it.
    pub events: Vec<usize>,
    pub last_extended: Millis,
    pub closed: Option<(Millis, Reason)>,
}

/// Folds `events[range]` with no session open at its start, as of `now`. Stops early where `resync` says that a session
/// that opens at this index is already known; gives the sessions and the index at which it stopped.
pub(crate) fn fold(
    events: &[Event],
    range: Range<usize>,
    now: Millis,
    resync: impl Fn(usize) -> bool,
) -> (Vec<Folded>, usize) {
    let mut sessions: Vec<Folded> = Vec::new();
    // Whether the last of `sessions` is open.
    let mut open = false;
    for index in range.clone() {
        let event = &events[index];
        if open && let Some(session) = sessions.last_mut() {
            open = !expire(session, event.at);
        }
        let extends = match &event.role {
            Role::Customer { courtesy, .. } => {
                let thanks = *courtesy
                    && !open
                    && sessions.last().is_some_and(
                        |session| matches!(session.closed, Some((at, Reason::Resolved)) if event.at <= at + COURTESY),
                    );
                if thanks {
                    list(&mut sessions, index);
                    continue;
                }
                true
            }
            Role::Human { .. } | Role::Bot { .. } => true,
            Role::Inbox(inbox) => match inbox.event.as_str() {
                "reopened" => true,
                "rated" => {
                    list(&mut sessions, index);
                    continue;
                }
                "resolved" if open => {
                    list(&mut sessions, index);
                    if let Some(session) = sessions.last_mut() {
                        session.closed = Some((event.at, Reason::Resolved));
                    }
                    open = false;
                    continue;
                }
                _ => false,
            },
            Role::Listed => false,
            Role::Silent => continue,
        };
        if extends && !open {
            if resync(index) {
                return (sessions, index);
            }
            sessions.push(Folded {
                opener: index,
                events: Vec::new(),
                last_extended: event.at,
                closed: None,
            });
            open = true;
        }
        if open && let Some(session) = sessions.last_mut() {
            session.events.push(index);
            if extends {
                session.last_extended = event.at;
            }
        }
    }
    if open && let Some(session) = sessions.last_mut() {
        expire(session, now);
    }
    (sessions, range.end)
}

fn list(sessions: &mut [Folded], index: usize) {
    if let Some(session) = sessions.last_mut() {
        session.events.push(index);
    }
}

/// Closes a session by inactivity if its gap has passed at `at`; whether it did.
fn expire(session: &mut Folded, at: Millis) -> bool {
    let end = session.last_extended + SESSION_GAP;
    if at >= end {
        session.closed = Some((end, Reason::Inactivity));
    }
    session.closed.is_some()
}
