//! Sessions of a thread, as a function of its events in event-time order (metric definitions, chapter 2).

use crate::{
    event::{Event, Role},
    fold::{Reason, SESSION_GAP},
};
use hilo_domain::{Millis, time::MINUTE};

/// Within this long after `resolved` a courtesy is listed in the closed session.
const COURTESY: Millis = 10 * MINUTE;
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

/// Folds all events of a thread, as of `now`.
pub(crate) fn fold(events: &[Event], now: Millis) -> Vec<Folded> {
    let mut sessions: Vec<Folded> = Vec::new();
    // Whether the last of `sessions` is open.
    let mut open = false;
    for (index, event) in events.iter().enumerate() {
        let failed = event.became.as_ref().is_some_and(|told| told.became.failed);
        if failed || matches!(event.role, Role::Silent | Role::Trace) {
            continue;
        }
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
            Role::Silent | Role::Trace => continue,
        };
        if extends && !open {
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
    sessions
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
