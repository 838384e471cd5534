//! First responses, replies, resolution: metrics.md, chapter 4.

use super::{
    Name, Numbers,
    cohorts::{self, Measure, Member, Metric},
    tracks::{MembersOf, Track, assignee, counted, sender, unknown},
};
use crate::sessions::{Event, What};

pub(crate) fn rows(tracks: &[Track], now: i64) -> Vec<(Name, Numbers)> {
    let metrics: [(_, _, MembersOf); 5] = [
        ("frt_human_seconds", Measure::Duration, frt_human),
        ("frt_any_seconds", Measure::Duration, frt_any),
        ("unanswered", Measure::Count, unanswered),
        ("reply_time_seconds", Measure::Duration, reply_times),
        ("elapsed_resolution_seconds", Measure::Duration, elapsed_resolution),
    ];
    metrics
        .into_iter()
        .flat_map(|(name, measure, members)| {
            let members: Vec<Member> = counted(tracks).flat_map(members).collect();
            let metric = Metric {
                name,
                measure,
                horizon: 0,
            };
            cohorts::rows(metric, &members, now)
        })
        .collect()
}

fn agent_of(answer: Option<&Event>) -> String {
    answer.map_or_else(unknown, sender)
}

fn frt_human(track: &Track) -> Vec<Member> {
    let Some(start) = track.session.open.human_start() else {
        return Vec::new();
    };
    let answer = track.session.open.first(start, &[What::Human]);
    let open = answer.is_none() && track.is_open();
    let agent = agent_of(answer);
    let own = answer.map(|answer| {
        let assigned = assigned_before(track.events(), answer, &agent);
        answer.time - start.max(assigned.unwrap_or(start))
    });
    let mut members = track.timed(start, answer.map(|answer| answer.time - start), open);
    members.push(track.member(start, Some(("agent", agent)), own, open));
    members
}

/// When an agent was last given the session before an event.
pub(crate) fn assigned_before(events: &[Event], before: &Event, agent: &str) -> Option<i64> {
    let earlier = events.iter().take_while(|event| !std::ptr::eq(*event, before));
    let own = earlier.filter(|event| assignee(event) == Some(agent));
    own.last().map(|event| event.time)
}

fn frt_any(track: &Track) -> Vec<Member> {
    let Some(start) = track.measured().first().map(|customer| customer.time) else {
        return Vec::new();
    };
    let answer = track.session.open.first(start, &[What::Human, What::Bot]);
    let time = answer.map(|answer| answer.time - start);
    with_agent(
        track,
        start,
        time,
        answer.is_none() && track.is_open(),
        agent_of(answer),
    )
}

fn unanswered(track: &Track) -> Vec<Member> {
    let Some(start) = track.session.open.human_start() else {
        return Vec::new();
    };
    let answer = track.session.open.first(start, &[What::Human]);
    let share = Some(i64::from(answer.is_none()));
    with_agent(track, start, share, track.is_open(), agent_of(answer))
}

fn with_agent(track: &Track, anchor: i64, share: Option<i64>, open: bool, agent: String) -> Vec<Member> {
    let mut members = track.timed(anchor, share, open);
    members.push(track.member(anchor, Some(("agent", agent)), share, open));
    members
}

fn reply_times(track: &Track) -> Vec<Member> {
    let mut members = Vec::new();
    let mut turn = None;
    for event in track.entered() {
        match event.what {
            What::Customer => turn = turn.or(Some(event.time)),
            What::Human => {
                if let Some(start) = turn.take() {
                    let time = Some(event.time - start);
                    members.extend(with_agent(track, start, time, false, sender(event)));
                }
            }
            What::Bot => turn = None,
            What::Inbox if event.is("handed_off") => turn = Some(event.time),
            What::Inbox if event.is("reopened") => turn = None,
            What::Inbox | What::Other => {}
        }
    }
    if let Some(start) = turn.filter(|_| track.is_open()) {
        members.extend(with_agent(track, start, None, true, unknown()));
    }
    members
}

fn elapsed_resolution(track: &Track) -> Vec<Member> {
    let (Some(closed), Some("resolved"), Some(first)) = (
        track.session.closed_at,
        track.session.close_reason,
        track.measured().first(),
    ) else {
        return Vec::new();
    };
    with_agent(track, closed, Some(closed - first.time), false, track.last_agent())
}
