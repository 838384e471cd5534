//! What a session is worth knowing for: its clocks and its outcome (metric definitions, chapters 4, 6 and 7).

use super::{fold::Folded, work};
use crate::{
    event::{Event, Role},
    fold::Reason,
    measure::Outcome,
    work::{UNKNOWN, assignee, sender},
};
use hilo_contracts::stored::{Clock, Rating, Session};
use hilo_domain::{Millis, time::HOUR, window};

/// Answers to a survey count until this long after the close, or after the first answer while the session is open.
const RATING_HORIZON: Millis = 72 * HOUR;

fn inbox<'a>(event: &'a Event, name: &str) -> Option<&'a hilo_contracts::item::Inbox> {
    match &event.role {
        Role::Inbox(inbox) if inbox.event == name => Some(inbox),
        _ => None,
    }
}

/// Measures a session; its outcome may still depend on the person's other sessions.
pub(crate) fn measure(events: &[Event], session: &Folded) -> (Session, Outcome) {
    let own: Vec<&Event> = session.events.iter().map(|index| &events[*index]).collect();
    let closed = session.closed;
    // What came after the close (a courtesy, a rating) belongs to the session but to none of its clocks.
    let during = match closed {
        Some((_, Reason::Resolved)) => own
            .iter()
            .position(|event| inbox(event, "resolved").is_some())
            .map_or(own.len(), |at| at + 1),
        Some((at, Reason::Inactivity)) => own.iter().take_while(|event| event.at < at).count(),
        None => own.len(),
    };
    let during = &own[..during];
    let first_customer = during
        .iter()
        .position(|event| matches!(event.role, Role::Customer { .. }));
    let since_customer = first_customer.map_or(&during[during.len()..], |first| &during[first..]);

    let bot_owned = since_customer
        .iter()
        .find_map(|event| match &event.role {
            Role::Bot { .. } => Some(true),
            Role::Human { .. } => Some(false),
            Role::Inbox(inbox) if inbox.event == "handed_off" => Some(true),
            Role::Inbox(inbox) if inbox.event == "assigned" => Some(false),
            _ => None,
        })
        .unwrap_or(false);
    let start = if bot_owned {
        hand_off(since_customer)
    } else {
        since_customer.first().map(|event| event.at)
    };
    let result = Session {
        opened_at: events[session.opener].at,
        opened_by: if events[session.opener].class == 2 {
            "business"
        } else {
            "customer"
        }
        .to_owned(),
        closed_at: closed.map(|(at, _)| at),
        close_reason: closed.map(|(_, reason)| reason.as_str().to_owned()),
        first_customer_at: since_customer.first().map(|event| event.at),
        frt_human: start.map(|start| first_response(during, start, false)),
        frt_any: since_customer
            .first()
            .map(|event| first_response(during, event.at, true)),
        outcome: None,
        queue: own.iter().rev().find_map(|event| match &event.role {
            Role::Inbox(inbox) => inbox.queue.clone(),
            _ => None,
        }),
        reason: reason(&own),
        reopens: None,
        bot: since_customer.iter().find_map(|event| match &event.role {
            Role::Bot { bot, .. } => Some(bot.clone().unwrap_or_else(|| UNKNOWN.to_owned())),
            _ => None,
        }),
        agent: during
            .iter()
            .rev()
            .find_map(|event| sender(event))
            .or_else(|| during.iter().rev().find_map(|event| assignee(event)))
            .map(str::to_owned),
        answered_by_human: during.iter().any(|event| sender(event).is_some()),
        owners: owners(during),
        turns: work::turns(during, closed.is_some()),
        work: closed.map_or_else(Vec::new, |(at, _)| work::work(during, at)),
        ratings: ratings(&own, closed),
        repeated_at: None,
        entry_point_ends_at: entry_point(&own),
    };
    let outcome = if closed.is_some() {
        outcome(&own, since_customer, closed)
    } else {
        Outcome::None
    };
    (result, outcome)
}

/// End of the latest entry point window: of the messages that came by an ad, with the first outbound after each. An
/// answer counts whoever wrote it: the window is a matter of prices.
fn entry_point(own: &[&Event]) -> Option<Millis> {
    let is_outbound = |event: &&Event| matches!(event.role, Role::Human { .. } | Role::Bot { .. } | Role::Listed);
    own.iter()
        .enumerate()
        .filter(|(_, event)| matches!(event.role, Role::Customer { by_ad: true, .. }))
        .filter_map(|(place, touch)| {
            let answer = own[place..].iter().copied().find(is_outbound)?;
            window::entry_point_end(touch.at, answer.at)
        })
        .max()
}

/// The reason of the `resolved`, else that of the last `tagged`.
fn reason(own: &[&Event]) -> Option<String> {
    let last = |name: &str| {
        own.iter()
            .rev()
            .find_map(|event| inbox(event, name).and_then(|inbox| inbox.reason.clone()))
    };
    last("resolved").or_else(|| last("tagged"))
}

/// The first hand-off; if there is none, the first assignment before the first human outbound.
fn hand_off(since_customer: &[&Event]) -> Option<Millis> {
    let handed_off = since_customer.iter().find(|event| inbox(event, "handed_off").is_some());
    let assigned = || {
        since_customer
            .iter()
            .take_while(|event| sender(event).is_none())
            .find(|event| inbox(event, "assigned").is_some())
    };
    handed_off.or_else(assigned).map(|event| event.at)
}

/// The clock from `start` to the first outbound of a human (or, for `any`, of a bot) at or after it.
fn first_response(during: &[&Event], start: Millis, any: bool) -> Clock {
    let answer = during.iter().enumerate().find(|(_, event)| {
        event.at >= start
            && match event.role {
                Role::Human { .. } => true,
                Role::Bot { .. } => any,
                _ => false,
            }
    });
    let Some((place, answer)) = answer else {
        return Clock {
            started_at: start,
            ..Clock::default()
        };
    };
    let agent = sender(answer).filter(|agent| *agent != UNKNOWN).map(str::to_owned);
    let assigned = agent.as_ref().and_then(|agent| {
        during[..place]
            .iter()
            .rev()
            .find(|event| inbox(event, "assigned").is_some_and(|inbox| inbox.agent.as_ref() == Some(agent)))
    });
    Clock {
        started_at: start,
        stopped_at: Some(answer.at),
        agent_started_at: Some(assigned.map_or(start, |event| event.at.max(start))),
        agent,
    }
}

fn outcome(own: &[&Event], since_customer: &[&Event], closed: Option<(Millis, Reason)>) -> Outcome {
    if !since_customer
        .iter()
        .any(|event| matches!(event.role, Role::Bot { .. }))
    {
        return Outcome::None;
    }
    let handed_off = own.iter().position(|event| inbox(event, "handed_off").is_some());
    let human = own.iter().position(|event| sender(event).is_some());
    if human.is_some_and(|human| handed_off.is_none_or(|handed_off| human < handed_off)) {
        return Outcome::Is("human_takeover");
    }
    // The first that fits: of several hand-offs the customer's wish counts, then the bot's failure.
    let reasons = || {
        own.iter()
            .filter_map(|event| Some(inbox(event, "handed_off")?.reason.as_deref()))
    };
    if reasons().any(|reason| reason == Some("requested")) {
        return Outcome::Is("escalated_requested");
    }
    if reasons().any(|reason| matches!(reason, Some("failure" | "bot_error" | "low_confidence"))) {
        return Outcome::Is("escalated_failure");
    }
    if handed_off.is_some() {
        return Outcome::Is("escalated_rule");
    }
    let reached = own
        .iter()
        .any(|event| matches!(&event.role, Role::Inbox(inbox) if inbox.outcome.as_deref() == Some("goal_reached")));
    if reached || is_satisfied(own, closed) {
        return Outcome::Is("contained_confirmed");
    }
    let last = since_customer
        .iter()
        .rev()
        .find(|event| matches!(event.role, Role::Customer { .. } | Role::Bot { .. }));
    match last.map(|event| &event.role) {
        Some(Role::Bot { question: true, .. }) => Outcome::Is("abandoned"),
        _ => Outcome::UnlessCalledBack,
    }
}

/// People who had the session: agents of assignments and senders. Who wrote from the phone app counts only where nobody
/// is named.
fn owners(during: &[&Event]) -> Vec<String> {
    let mut owners: Vec<String> = during
        .iter()
        .filter_map(|event| sender(event).or_else(|| assignee(event)))
        .map(str::to_owned)
        .collect();
    owners.sort_unstable();
    owners.dedup();
    if owners.len() > 1 {
        owners.retain(|owner| owner != UNKNOWN);
    }
    owners
}

/// The winning answer to each survey: the latest within the horizon.
fn ratings(own: &[&Event], closed: Option<(Millis, Reason)>) -> Vec<Rating> {
    ["ces", "csat"]
        .into_iter()
        .filter_map(|instrument| {
            let answers: Vec<Rating> = own
                .iter()
                .filter_map(|event| {
                    let answer = inbox(event, "rated").filter(|answer| answer.score.is_some())?;
                    let is_effort = match answer.instrument.as_deref() {
                        Some(named) => named == "ces",
                        None => answer.scale.as_deref() == Some("7"),
                    };
                    (is_effort == (instrument == "ces")).then(|| Rating {
                        instrument: instrument.to_owned(),
                        score: answer.score.clone().unwrap_or_default(),
                        scale: answer.scale.clone().unwrap_or_default(),
                        rated_at: event.at,
                    })
                })
                .collect();
            let until = closed.map_or(answers.first()?.rated_at, |(at, _)| at) + RATING_HORIZON;
            answers.into_iter().rev().find(|answer| answer.rated_at <= until)
        })
        .collect()
}

/// Whether the answer on satisfaction is satisfied: top two of the scale, the top one of 2 or 3.
fn is_satisfied(own: &[&Event], closed: Option<(Millis, Reason)>) -> bool {
    ratings(own, closed)
        .iter()
        .filter(|rating| rating.instrument == "csat")
        .any(|rating| {
            let (Ok(score), Ok(scale)) = (rating.score.parse::<f64>(), rating.scale.parse::<f64>()) else {
                return false;
            };
            if scale <= 3.0 {
                score >= scale
            } else {
                score >= scale - 1.0
            }
        })
}
