//! Turns, and the time that people give to a session (metric definitions, chapters 2 and 4), event by event.

use crate::event::{Event, Role};
use hilo_contracts::stored::{Clock, Work};
use hilo_domain::{Millis, time::MINUTE};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Who a human is whom nobody names: the phone app.
pub(crate) const UNKNOWN: &str = "unknown";
/// An interval of active time counts no longer than this. Part of the definition version.
const IDLE_LIMIT: Millis = 15 * MINUTE;

/// The agent of a human outbound.
pub(crate) fn sender(event: &Event) -> Option<&str> {
    match &event.role {
        Role::Human { agent } => Some(agent.as_deref().unwrap_or(UNKNOWN)),
        _ => None,
    }
}

/// The agent of an assignment; one without an agent gives the session to a queue.
pub(crate) fn assignee(event: &Event) -> Option<&str> {
    match &event.role {
        Role::Inbox(inbox) if inbox.event == "assigned" => inbox.agent.as_deref(),
        _ => None,
    }
}

pub(crate) fn inbox_event(event: &Event) -> Option<&str> {
    match &event.role {
        Role::Inbox(inbox) => Some(inbox.event.as_str()),
        _ => None,
    }
}

/// The turns of a session so far: how many a person answered, and the running one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Turns {
    start: Option<Millis>,
    /// Answered so far. They are kept with the session alone: a state of the fold has no list that grows.
    pub count: usize,
    /// Of all that were answered so far, in order: equal states have equal turns.
    hash: u64,
}

impl Turns {
    /// Takes an event in; gives the turn that it answers.
    pub(crate) fn step(&mut self, event: &Event) -> Option<Clock> {
        match &event.role {
            Role::Customer { .. } => {
                self.start.get_or_insert(event.at);
            }
            Role::Human { .. } => {
                let started_at = self.start.take()?;
                let turn = Clock {
                    started_at,
                    stopped_at: Some(event.at),
                    agent: sender(event).map(str::to_owned),
                    agent_started_at: Some(started_at),
                };
                self.count += 1;
                self.mix(&started_at.to_le_bytes());
                self.mix(&event.at.to_le_bytes());
                self.mix(turn.agent.as_deref().unwrap_or_default().as_bytes());
                return Some(turn);
            }
            Role::Bot { .. } => self.start = None,
            Role::Inbox(inbox) if inbox.event == "handed_off" => self.start = Some(event.at),
            Role::Inbox(inbox) if inbox.event == "reopened" => self.start = None,
            _ => {}
        }
        None
    }

    /// The turn that nobody answered yet.
    pub(crate) fn running(&self) -> Option<Clock> {
        self.start.map(|started_at| Clock {
            started_at,
            ..Clock::default()
        })
    }

    /// FNV-1a: fixed for ever, since it is kept.
    fn mix(&mut self, bytes: &[u8]) {
        for byte in bytes.iter().chain(&[0xff]) {
            self.hash = (self.hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
}

/// The time that people gave to a session so far.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Effort {
    stretch: Stretch,
    /// Active time by person.
    active: BTreeMap<Box<str>, Millis>,
    /// Wrap-up of the resolution, and whose it is.
    wrap_up: Option<(Box<str>, Millis)>,
    /// Who has the session, and since when; without a time while it is snoozed.
    holder: Option<(Box<str>, Option<Millis>)>,
    /// Assigned time by person.
    assigned: BTreeMap<Box<str>, Millis>,
}

/// Outbound messages of people between two customer messages.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Stretch {
    /// Start of the turn; without one it is a run that answers no turn.
    turn: Option<Millis>,
    /// Time of the last message.
    last: Option<Millis>,
    /// In the order of their first message.
    senders: Vec<Sender>,
}

/// What one person sent in a stretch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Sender {
    agent: Box<str>,
    first: Millis,
    last: Millis,
    /// When the session was assigned to them last, before their first message.
    assigned: Option<Millis>,
    /// When somebody else wrote last, before their first message.
    before: Option<Millis>,
}

impl Stretch {
    fn send(&mut self, agent: &str, at: Millis, assigned: Option<Millis>) {
        match self.senders.iter_mut().find(|sender| *sender.agent == *agent) {
            Some(sender) => sender.last = at,
            None => self.senders.push(Sender {
                agent: agent.into(),
                first: at,
                last: at,
                assigned,
                before: self.last,
            }),
        }
        self.last = Some(at);
    }

    /// Adds the interval of each person in it, capped; it is empty afterwards.
    fn close(&mut self, active: &mut BTreeMap<Box<str>, Millis>) {
        if self.senders.is_empty() {
            return;
        }
        for sender in self.senders.drain(..) {
            let start = match (self.turn, sender.assigned) {
                (None, _) => sender.first,
                (Some(turn), Some(assigned)) => turn.max(assigned),
                (Some(turn), None) => sender.before.unwrap_or(turn),
            };
            *active.entry(sender.agent).or_default() += (sender.last - start).clamp(0, IDLE_LIMIT);
        }
        self.last = None;
        self.turn = None;
    }
}

impl Effort {
    /// Takes in an event that happened while the session was open; `assigned` is when it was given to the sender last.
    pub(crate) fn step(&mut self, event: &Event, assigned: Option<Millis>) {
        self.step_active(event, assigned);
        self.step_assigned(event);
    }

    fn step_active(&mut self, event: &Event, assigned: Option<Millis>) {
        match (&event.role, inbox_event(event)) {
            (Role::Customer { .. }, _) => {
                self.stretch.close(&mut self.active);
                self.stretch.turn.get_or_insert(event.at);
            }
            (Role::Human { .. }, _) => {
                if let Some(agent) = sender(event) {
                    self.stretch.send(agent, event.at, assigned);
                }
            }
            // A turn that a person answered goes on to the next customer message, whatever a bot says meanwhile.
            (Role::Bot { .. }, _) if self.stretch.turn.is_some() && !self.stretch.senders.is_empty() => {}
            (Role::Bot { .. }, _) | (_, Some("reopened")) => {
                self.stretch.close(&mut self.active);
                self.stretch.turn = None;
            }
            (_, Some("handed_off")) => {
                self.stretch.close(&mut self.active);
                self.stretch.turn = Some(event.at);
            }
            (Role::Inbox(inbox), Some("resolved")) => {
                let agent = inbox.agent.as_deref().unwrap_or(UNKNOWN);
                self.wrap_up = inbox.wrap_up.map(|wrap_up| (agent.into(), wrap_up));
            }
            _ => {}
        }
    }

    /// Assigned time is without that in which the session was snoozed.
    fn step_assigned(&mut self, event: &Event) {
        let at = event.at;
        match (&event.role, inbox_event(event)) {
            (_, Some("assigned")) => {
                let agent = assignee(event);
                match &mut self.holder {
                    Some((had, since)) if Some(&**had) == agent => {
                        since.get_or_insert(at);
                    }
                    _ => {
                        end(self.holder.as_ref(), at, &mut self.assigned);
                        self.holder = agent.map(|agent| (agent.into(), Some(at)));
                    }
                }
            }
            (_, Some("unassigned")) => end(self.holder.take().as_ref(), at, &mut self.assigned),
            (_, Some("snoozed")) => {
                end(self.holder.as_ref(), at, &mut self.assigned);
                if let Some((_, since)) = &mut self.holder {
                    *since = None;
                }
            }
            (Role::Customer { .. } | Role::Human { .. }, _) | (_, Some("reopened")) => {
                if let Some((_, since)) = &mut self.holder {
                    since.get_or_insert(at);
                }
            }
            _ => {}
        }
    }

    /// Time by person of a session that closed at `closed_at`.
    pub(crate) fn work(&self, closed_at: Millis) -> Vec<Work> {
        let mut active = self.active.clone();
        self.stretch.clone().close(&mut active);
        // Wrap-up is time of a session that somebody worked on.
        if let Some((agent, wrap_up)) = self.wrap_up.as_ref().filter(|_| !active.is_empty()) {
            *active.entry(agent.clone()).or_default() += wrap_up;
        }
        let mut assigned = self.assigned.clone();
        end(self.holder.as_ref(), closed_at, &mut assigned);
        let mut work: BTreeMap<Box<str>, (Option<Millis>, Option<Millis>)> = BTreeMap::new();
        for (agent, time) in active {
            work.entry(agent).or_default().0 = Some(time);
        }
        for (agent, time) in assigned {
            work.entry(agent).or_default().1 = Some(time);
        }
        work.into_iter()
            .map(|(agent, (active_millis, assigned_millis))| Work {
                agent: agent.into_string(),
                active_millis,
                assigned_millis,
            })
            .collect()
    }
}

/// Adds the time of a holder until `at`.
fn end(holder: Option<&(Box<str>, Option<Millis>)>, at: Millis, assigned: &mut BTreeMap<Box<str>, Millis>) {
    if let Some((agent, Some(since))) = holder {
        *assigned.entry(agent.clone()).or_default() += at - since;
    }
}
