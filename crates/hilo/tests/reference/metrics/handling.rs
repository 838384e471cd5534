//! Handling times: metrics.md, chapter 4, `handle_active_seconds` and `handle_assigned_seconds`.

use super::{
    Name, Numbers,
    cohorts::{self, Measure, Member, Metric},
    times::assigned_before,
    tracks::{Track, assignee, counted, sender, unknown},
};
use crate::{
    json::text,
    sessions::{Event, What},
};
use std::collections::BTreeMap;

const IDLE: i64 = 15 * 60_000;

/// Milliseconds by agent.
type Times = BTreeMap<String, i64>;

type TimesOf = fn(&Track) -> Times;

pub(crate) fn rows(tracks: &[Track], now: i64) -> Vec<(Name, Numbers)> {
    let metrics: [(_, TimesOf); 2] = [("handle_active_seconds", active), ("handle_assigned_seconds", assigned)];
    metrics
        .into_iter()
        .flat_map(|(name, times)| {
            let metric = Metric {
                name,
                measure: Measure::Duration,
                horizon: 0,
            };
            let members: Vec<Member> = counted(tracks).flat_map(|track| members(track, times(track))).collect();
            cohorts::rows(metric, &members, now)
        })
        .collect()
}

/// Counted once closed: the sum of all, and of each agent their own.
fn members(track: &Track, times: Times) -> Vec<Member> {
    let Some(closed) = track.session.closed_at.filter(|_| !times.is_empty()) else {
        return Vec::new();
    };
    let mut members = track.timed(closed, Some(times.values().sum()), false);
    let own = times.into_iter();
    members.extend(own.map(|(agent, time)| track.member(closed, Some(("agent", agent)), Some(time), false)));
    members
}

/// What people did from a customer message to the next.
#[derive(Default)]
struct Stretch<'a> {
    /// The start of the turn; nothing for a run.
    turn: Option<i64>,
    humans: Vec<&'a Event<'a>>,
}

fn active(track: &Track) -> Times {
    let mut times = Times::new();
    for stretch in stretches(track.entered()) {
        stretch.add_to(track.events(), &mut times);
    }
    let resolved = track.entered().iter().find(|event| event.is("resolved"));
    if let Some(resolved) = resolved.filter(|_| !times.is_empty())
        && let Some(seconds) = resolved.item.element["context"]["wrap_up_seconds"].as_f64()
    {
        let agent = text(&resolved.item.element, "agent").map_or_else(unknown, str::to_owned);
        *times.entry(agent).or_default() += (seconds * 1000.0).round() as i64;
    }
    times
}

fn stretches<'a>(events: &'a [Event<'a>]) -> Vec<Stretch<'a>> {
    let mut stretches = vec![Stretch::default()];
    for event in events {
        let last = stretches.last_mut().unwrap();
        let waits = last.turn.is_some() && last.humans.is_empty();
        let begins = |turn| Stretch {
            turn,
            humans: Vec::new(),
        };
        match event.what {
            What::Customer if !waits => stretches.push(begins(Some(event.time))),
            What::Human => last.humans.push(event),
            // It closes a turn that waits, and ends a run.
            What::Bot if waits || last.turn.is_none() => stretches.push(begins(None)),
            What::Inbox if event.is("handed_off") => stretches.push(begins(Some(event.time))),
            What::Inbox if event.is("reopened") => stretches.push(begins(None)),
            _ => {}
        }
    }
    stretches
}

impl Stretch<'_> {
    fn add_to(&self, events: &[Event], times: &mut Times) {
        for (place, first) in self.humans.iter().enumerate() {
            let agent = sender(first);
            if self.humans[..place].iter().any(|other| sender(other) == agent) {
                continue;
            }
            let own = assigned_before(events, first, &agent);
            let previous = self.humans[..place].last().map(|previous| previous.time);
            let start = match (self.turn, own) {
                (None, _) => first.time,
                (Some(turn), Some(own)) => turn.max(own),
                (Some(turn), None) => previous.unwrap_or(turn),
            };
            let last = self.humans.iter().rfind(|event| sender(event) == agent).unwrap();
            *times.entry(agent).or_default() += (last.time - start).min(IDLE);
        }
    }
}

fn assigned(track: &Track) -> Times {
    let mut times = Times::new();
    let Some(closed) = track.session.closed_at else {
        return times;
    };
    let (mut holder, mut is_snoozed) = (None, false);
    let ends = track.entered().iter().skip(1).map(|event| event.time).chain([closed]);
    for (event, end) in track.entered().iter().zip(ends) {
        if event.is("assigned") {
            holder = assignee(event).map(str::to_owned);
        }
        if event.is("unassigned") {
            holder = None;
        }
        if event.is("snoozed") {
            is_snoozed = true;
        }
        let wakes = matches!(event.what, What::Customer | What::Human) || event.is("assigned") || event.is("reopened");
        is_snoozed &= !wakes;
        if let Some(agent) = &holder {
            *times.entry(agent.clone()).or_default() += if is_snoozed { 0 } else { end - event.time };
        }
    }
    times
}
