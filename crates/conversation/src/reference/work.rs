//! Turns, and the time that people give to a session (metric definitions, chapters 2 and 4).

use crate::{
    event::{Event, Role},
    work::{UNKNOWN, assignee, sender},
};
use hilo_contracts::stored::{Clock, Work};
use hilo_domain::{Millis, time::MINUTE};
use std::collections::BTreeMap;

/// An interval of active time counts no longer than this. Part of the definition version.
const IDLE_LIMIT: Millis = 15 * MINUTE;

fn inbox_event(event: &Event) -> Option<&str> {
    match &event.role {
        Role::Inbox(inbox) => Some(inbox.event.as_str()),
        _ => None,
    }
}

/// Turns that a person answered, and the running one where the session is open.
pub(crate) fn turns(during: &[&Event], closed: bool) -> Vec<Clock> {
    let mut turns = Vec::new();
    let mut start: Option<Millis> = None;
    for event in during {
        match &event.role {
            Role::Customer { .. } => {
                start.get_or_insert(event.at);
            }
            Role::Human { .. } => {
                if let Some(started_at) = start.take() {
                    turns.push(Clock {
                        started_at,
                        stopped_at: Some(event.at),
                        agent: sender(event).map(str::to_owned),
                        agent_started_at: Some(started_at),
                    });
                }
            }
            Role::Bot { .. } => start = None,
            Role::Inbox(inbox) if inbox.event == "handed_off" => start = Some(event.at),
            Role::Inbox(inbox) if inbox.event == "reopened" => start = None,
            _ => {}
        }
    }
    if let Some(started_at) = start.filter(|_| !closed) {
        turns.push(Clock {
            started_at,
            ..Clock::default()
        });
    }
    turns
}

/// Time by person: active, and assigned until `closed_at`. Only a closed session has it.
pub(crate) fn work(during: &[&Event], closed_at: Millis) -> Vec<Work> {
    let mut by_agent: BTreeMap<String, (Option<Millis>, Option<Millis>)> = BTreeMap::new();
    for (agent, time) in active(during) {
        *by_agent.entry(agent).or_default().0.get_or_insert(0) += time;
    }
    for (agent, time) in assigned(during, closed_at) {
        *by_agent.entry(agent).or_default().1.get_or_insert(0) += time;
    }
    by_agent
        .into_iter()
        .map(|(agent, (active_millis, assigned_millis))| Work {
            agent,
            active_millis,
            assigned_millis,
        })
        .collect()
}

/// Outbound messages of people between two customer messages.
#[derive(Default)]
struct Stretch {
    /// Start of the turn; `None` is a run without an open turn.
    turn: Option<Millis>,
    /// (index, time, agent), in order.
    sent: Vec<(usize, Millis, String)>,
}

impl Stretch {
    /// Intervals of the people in it, each capped; it is empty afterwards.
    fn close(&mut self, during: &[&Event], out: &mut Vec<(String, Millis)>) {
        let sent = std::mem::take(&mut self.sent);
        let mut agents: Vec<&str> = Vec::new();
        for (_, _, agent) in &sent {
            if !agents.contains(&agent.as_str()) {
                agents.push(agent);
            }
        }
        for agent in &agents {
            let mut own = sent.iter().filter(|(_, _, sender)| sender == agent);
            let Some((index, first, _)) = own.next() else { continue };
            let last = own.next_back().map_or(*first, |(_, at, _)| *at);
            let assigned = during[..*index]
                .iter()
                .rev()
                .find(|event| assignee(event) == Some(agent));
            let start = match (self.turn, assigned) {
                (None, _) => *first,
                (Some(turn), Some(assigned)) => turn.max(assigned.at),
                // All that was sent before their first is of others.
                (Some(turn), None) => {
                    let before = sent.iter().rev().find(|(other, _, _)| other < index);
                    before.map_or(turn, |(_, at, _)| *at)
                }
            };
            out.push(((*agent).to_owned(), (last - start).clamp(0, IDLE_LIMIT)));
        }
        if !sent.is_empty() {
            self.turn = None;
        }
    }
}

/// Active time: intervals by person, and wrap-ups.
fn active(during: &[&Event]) -> Vec<(String, Millis)> {
    let mut out = Vec::new();
    let mut stretch = Stretch::default();
    for (index, event) in during.iter().enumerate() {
        match (&event.role, inbox_event(event)) {
            (Role::Customer { .. }, _) => {
                stretch.close(during, &mut out);
                stretch.turn.get_or_insert(event.at);
            }
            (Role::Human { .. }, _) => {
                stretch
                    .sent
                    .extend(sender(event).map(|agent| (index, event.at, agent.to_owned())));
            }
            // A turn that a person answered goes on to the next customer message, whatever a bot says meanwhile.
            (Role::Bot { .. }, _) if stretch.turn.is_some() && !stretch.sent.is_empty() => {}
            (Role::Bot { .. }, _) | (_, Some("reopened")) => {
                stretch.close(during, &mut out);
                stretch.turn = None;
            }
            (_, Some("handed_off")) => {
                stretch.close(during, &mut out);
                stretch.turn = Some(event.at);
            }
            _ => {}
        }
    }
    stretch.close(during, &mut out);
    // Wrap-up is time of a session that somebody worked on.
    if !out.is_empty() {
        out.extend(during.iter().filter_map(|event| match &event.role {
            Role::Inbox(inbox) if inbox.event == "resolved" => Some((
                inbox.agent.clone().unwrap_or_else(|| UNKNOWN.to_owned()),
                inbox.wrap_up?,
            )),
            _ => None,
        }));
    }
    out
}

/// Assigned time: intervals by person, without those in which the session was snoozed.
fn assigned(during: &[&Event], closed_at: Millis) -> Vec<(String, Millis)> {
    let mut out: Vec<(String, Millis)> = Vec::new();
    // Who has it, and since when; `None` while it is snoozed.
    let mut holder: Option<(&str, Option<Millis>)> = None;
    for event in during {
        let at = event.at;
        match (&event.role, inbox_event(event)) {
            (_, Some("assigned")) => {
                let agent = assignee(event);
                match &mut holder {
                    Some((had, since)) if Some(*had) == agent => {
                        since.get_or_insert(at);
                    }
                    _ => {
                        out.extend(ended(holder, at));
                        holder = agent.map(|agent| (agent, Some(at)));
                    }
                }
            }
            (_, Some("unassigned")) => out.extend(ended(holder.take(), at)),
            (_, Some("snoozed")) => {
                out.extend(ended(holder, at));
                holder = holder.map(|(agent, _)| (agent, None));
            }
            (Role::Customer { .. } | Role::Human { .. }, _) | (_, Some("reopened")) => {
                if let Some((_, since)) = &mut holder {
                    since.get_or_insert(at);
                }
            }
            _ => {}
        }
    }
    out.extend(ended(holder, closed_at));
    out
}

fn ended(holder: Option<(&str, Option<Millis>)>, at: Millis) -> Option<(String, Millis)> {
    let (agent, since) = holder?;
    Some((agent.to_owned(), at - since?))
}
