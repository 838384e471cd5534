//! What a session is worth knowing for: its clocks and its outcome (metric definitions, chapters 4, 6 and 7), event by
//! event, so that the ten-thousandth message costs what the tenth does.

use crate::{
    event::{Event, Role},
    fold::Reason,
    work::{Effort, Turns, UNKNOWN, assignee, sender},
};
use hilo_contracts::item::Inbox;
use hilo_contracts::stored::{Clock, Rating, Session};
use hilo_domain::{Millis, time::HOUR, window};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Answers to a survey count until this long after the close, or after the first answer while the session is open.
const RATING_HORIZON: Millis = 72 * HOUR;

/// What decides the outcome of a session that a bot was engaged in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// No bot, or not closed: none.
    None,
    /// Its own events decide.
    Is(&'static str),
    /// `contained_silent`, unless the person comes back within 24 h of the close.
    UnlessCalledBack,
}

/// What is known of a session after some of its events.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Measure {
    first_customer_at: Option<Millis>,
    /// What the first decisive event after the first customer message says.
    bot_owned: Option<bool>,
    /// Clocks of the first response: from the first customer message to anybody and to a human, from the first hand-off, and
    /// from the first assignment before a human wrote.
    any: Option<Clock>,
    human: Option<Clock>,
    handed_off: Option<Clock>,
    assigned: Option<Clock>,
    queue: Option<Box<str>>,
    /// Reasons of the last `resolved` and `tagged` that have one.
    resolved_for: Option<Box<str>>,
    tagged_for: Option<Box<str>>,
    bot: Option<Box<str>>,
    last_sender: Option<Box<str>>,
    last_assignee: Option<Box<str>>,
    owners: BTreeSet<Box<str>>,
    /// When each agent was assigned last.
    assigned_at: BTreeMap<Box<str>, Millis>,
    pub turns: Turns,
    effort: Effort,
    csat: Survey,
    ces: Survey,
    /// The latest message by an ad that waits for an answer.
    touched_at: Option<Millis>,
    entry_point_ends_at: Option<Millis>,
    /// Of human outbound and hand-off, which came first.
    first: Option<First>,
    escalation: Option<Escalation>,
    goal_reached: bool,
    /// Whether the last of customer and bot is a bot that asked something.
    asked: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum First {
    Human,
    HandOff,
}

/// Why a bot handed over: of several hand-offs the customer's wish counts, then the bot's failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
enum Escalation {
    Rule,
    Failure,
    Requested,
}

/// Answers to one survey.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Survey {
    first_at: Option<Millis>,
    /// Latest within the horizon of the first answer.
    soon: Option<Rating>,
    /// Latest within the horizon of the close.
    latest: Option<Rating>,
}

impl Survey {
    fn answer(&mut self, rating: Rating, closed_at: Option<Millis>) {
        let first_at = *self.first_at.get_or_insert(rating.rated_at);
        if rating.rated_at <= first_at + RATING_HORIZON {
            self.soon = Some(rating.clone());
        }
        if closed_at.is_none_or(|at| rating.rated_at <= at + RATING_HORIZON) {
            self.latest = Some(rating);
        }
    }

    /// The winning answer.
    fn rating(&self, is_closed: bool) -> Option<&Rating> {
        if is_closed {
            self.latest.as_ref()
        } else {
            self.soon.as_ref()
        }
    }
}

impl Measure {
    /// Takes in an event that is listed in the session: it happened while it was open, or after its close (a courtesy, a
    /// rating), when it is in none of the clocks. Gives the turn that it answers.
    pub(crate) fn step(&mut self, event: &Event, closed_at: Option<Millis>) -> Option<Clock> {
        if let Role::Inbox(inbox) = &event.role {
            self.inbox(event, inbox, closed_at);
        }
        if closed_at.is_some() {
            return None;
        }
        let assigned = sender(event).and_then(|agent| self.assigned_at.get(agent).copied());
        match &event.role {
            Role::Customer { by_ad, .. } => {
                if self.first_customer_at.is_none() {
                    self.first_customer_at = Some(event.at);
                    self.any = Some(starts(event.at));
                    self.human = Some(starts(event.at));
                }
                if *by_ad {
                    self.touched_at = Some(event.at);
                }
                self.asked = false;
            }
            Role::Human { .. } => {
                self.first.get_or_insert(First::Human);
                self.answered_by_human(event, assigned);
            }
            Role::Bot { bot, question } => {
                if self.first_customer_at.is_some() {
                    self.bot_owned.get_or_insert(true);
                    self.bot.get_or_insert_with(|| bot.as_deref().unwrap_or(UNKNOWN).into());
                    self.asked = *question;
                }
                stop(self.any.as_mut(), event, None);
            }
            Role::Inbox(_) | Role::Listed | Role::Silent | Role::Trace => {}
        }
        if matches!(event.role, Role::Human { .. } | Role::Bot { .. } | Role::Listed)
            && let Some(touched_at) = self.touched_at.take()
        {
            // An answer counts whoever wrote it: the window is a matter of prices. The latest message is the nearest.
            self.entry_point_ends_at = self
                .entry_point_ends_at
                .max(window::entry_point_end(touched_at, event.at));
        }
        if let Some(owner) = sender(event).or_else(|| assignee(event))
            && !self.owners.contains(owner)
        {
            self.owners.insert(owner.into());
        }
        self.effort.step(event, assigned);
        self.turns.step(event)
    }

    fn answered_by_human(&mut self, event: &Event, assigned: Option<Millis>) {
        if self.first_customer_at.is_some() {
            self.bot_owned.get_or_insert(false);
        }
        for clock in [&mut self.any, &mut self.human, &mut self.handed_off, &mut self.assigned] {
            stop(clock.as_mut(), event, assigned);
        }
        let agent = sender(event);
        if self.last_sender.as_deref() != agent {
            self.last_sender = agent.map(Box::from);
        }
    }

    fn inbox(&mut self, event: &Event, inbox: &Inbox, closed_at: Option<Millis>) {
        if let Some(queue) = &inbox.queue {
            self.queue = Some(queue.as_str().into());
        }
        self.goal_reached |= inbox.outcome.as_deref() == Some("goal_reached");
        let is_open = closed_at.is_none();
        match inbox.event.as_str() {
            "resolved" => self.resolved_for = reason(inbox).or(self.resolved_for.take()),
            "tagged" => self.tagged_for = reason(inbox).or(self.tagged_for.take()),
            "rated" => self.rated(event, inbox, closed_at),
            "handed_off" => {
                self.first.get_or_insert(First::HandOff);
                let escalation = match inbox.reason.as_deref() {
                    Some("requested") => Escalation::Requested,
                    Some("failure" | "bot_error" | "low_confidence") => Escalation::Failure,
                    _ => Escalation::Rule,
                };
                self.escalation = self.escalation.max(Some(escalation));
                if self.first_customer_at.is_some() && is_open {
                    self.bot_owned.get_or_insert(true);
                    self.handed_off.get_or_insert_with(|| starts(event.at));
                }
            }
            "assigned" if is_open => {
                let human_wrote = self.human.as_ref().is_some_and(|clock| clock.stopped_at.is_some());
                if self.first_customer_at.is_some() {
                    self.bot_owned.get_or_insert(false);
                    if !human_wrote {
                        self.assigned.get_or_insert_with(|| starts(event.at));
                    }
                }
                if let Some(agent) = inbox.agent.as_deref() {
                    self.last_assignee = Some(agent.into());
                    self.assigned_at.insert(agent.into(), event.at);
                }
            }
            _ => {}
        }
    }

    fn rated(&mut self, event: &Event, inbox: &Inbox, closed_at: Option<Millis>) {
        let Some(score) = &inbox.score else { return };
        let is_effort = match inbox.instrument.as_deref() {
            Some(named) => named == "ces",
            None => inbox.scale.as_deref() == Some("7"),
        };
        let (survey, instrument) = if is_effort {
            (&mut self.ces, "ces")
        } else {
            (&mut self.csat, "csat")
        };
        let rating = Rating {
            instrument: instrument.to_owned(),
            score: score.clone(),
            scale: inbox.scale.clone().unwrap_or_default(),
            rated_at: event.at,
        };
        survey.answer(rating, closed_at);
    }

    /// The session as far as its events tell, without the turns that were answered; its outcome may still depend on the
    /// person's other sessions.
    pub(crate) fn session(
        &self,
        opened_at: Millis,
        by_business: bool,
        closed: Option<(Millis, Reason)>,
    ) -> (Session, Outcome) {
        let is_closed = closed.is_some();
        let frt_human = if self.bot_owned == Some(true) {
            self.handed_off.as_ref().or(self.assigned.as_ref())
        } else {
            self.human.as_ref()
        };
        let session = Session {
            opened_at,
            opened_by: if by_business { "business" } else { "customer" }.to_owned(),
            closed_at: closed.map(|(at, _)| at),
            close_reason: closed.map(|(_, reason)| reason.as_str().to_owned()),
            first_customer_at: self.first_customer_at,
            frt_human: frt_human.cloned(),
            frt_any: self.any.clone(),
            outcome: None,
            queue: text(self.queue.as_deref()),
            reason: text(self.resolved_for.as_deref().or(self.tagged_for.as_deref())),
            reopens: None,
            bot: text(self.bot.as_deref()),
            agent: text(self.last_sender.as_deref().or(self.last_assignee.as_deref())),
            answered_by_human: self.last_sender.is_some(),
            owners: self.owners(),
            turns: Vec::new(),
            work: closed.map_or_else(Vec::new, |(at, _)| self.effort.work(at)),
            ratings: [&self.ces, &self.csat]
                .into_iter()
                .filter_map(|survey| survey.rating(is_closed).cloned())
                .collect(),
            repeated_at: None,
            entry_point_ends_at: self.entry_point_ends_at,
        };
        let outcome = if is_closed { self.outcome() } else { Outcome::None };
        (session, outcome)
    }

    /// Of a closed session.
    fn outcome(&self) -> Outcome {
        if self.bot.is_none() {
            return Outcome::None;
        }
        if self.first == Some(First::Human) {
            return Outcome::Is("human_takeover");
        }
        match self.escalation {
            Some(Escalation::Requested) => return Outcome::Is("escalated_requested"),
            Some(Escalation::Failure) => return Outcome::Is("escalated_failure"),
            Some(Escalation::Rule) => return Outcome::Is("escalated_rule"),
            None => {}
        }
        if self.goal_reached || self.csat.rating(true).is_some_and(is_satisfied) {
            return Outcome::Is("contained_confirmed");
        }
        if self.asked {
            return Outcome::Is("abandoned");
        }
        Outcome::UnlessCalledBack
    }

    /// People who had the session: agents of assignments and senders. Who wrote from the phone app counts only where nobody
    /// is named.
    fn owners(&self) -> Vec<String> {
        let is_alone = self.owners.len() == 1;
        self.owners
            .iter()
            .filter(|owner| is_alone || &***owner != UNKNOWN)
            .map(std::string::ToString::to_string)
            .collect()
    }
}

fn text(text: Option<&str>) -> Option<String> {
    text.map(str::to_owned)
}

fn reason(inbox: &Inbox) -> Option<Box<str>> {
    inbox.reason.as_deref().map(Box::from)
}

fn starts(started_at: Millis) -> Clock {
    Clock {
        started_at,
        ..Clock::default()
    }
}

/// Stops a running clock at an answer; the agent's own starts when the session was `assigned` to them last.
fn stop(clock: Option<&mut Clock>, event: &Event, assigned: Option<Millis>) {
    let Some(clock) = clock.filter(|clock| clock.stopped_at.is_none()) else {
        return;
    };
    clock.agent = sender(event).filter(|agent| *agent != UNKNOWN).map(str::to_owned);
    let assigned = assigned.filter(|_| clock.agent.is_some());
    clock.stopped_at = Some(event.at);
    clock.agent_started_at = Some(assigned.map_or(clock.started_at, |at| at.max(clock.started_at)));
}

/// Whether an answer on satisfaction is satisfied: top two of the scale, the top one of 2 or 3.
fn is_satisfied(rating: &Rating) -> bool {
    let (Ok(score), Ok(scale)) = (rating.score.parse::<f64>(), rating.scale.parse::<f64>()) else {
        return false;
    };
    if scale <= 3.0 {
        score >= scale
    } else {
        score >= scale - 1.0
    }
}
