//! Satisfaction and effort: metrics.md, chapter 7.

use super::{
    HOUR, Name, Numbers,
    cohorts::{self, Measure, Member, Metric},
    tracks::{MembersOf, Track, counted},
};
use crate::{
    json::text,
    sessions::{Event, What},
};

const WITHIN: i64 = 72 * HOUR;

pub(crate) fn rows(tracks: &[Track], now: i64) -> Vec<(Name, Numbers)> {
    let metrics: [(_, _, MembersOf); 2] = [("csat_rate", Measure::Rate, csat), ("ces_mean", Measure::Mean, ces)];
    metrics
        .into_iter()
        .flat_map(|(name, measure, members)| {
            let metric = Metric {
                name,
                measure,
                horizon: WITHIN,
            };
            let members: Vec<Member> = counted(tracks).flat_map(members).collect();
            cohorts::rows(metric, &members, now)
        })
        .collect()
}

fn csat(track: &Track) -> Vec<Member> {
    let Some(answer) = winning(track, false) else {
        return Vec::new();
    };
    let (score, scale) = (number(answer, "score"), number(answer, "scale"));
    let Some((score, scale)) = score.zip(scale) else {
        return Vec::new();
    };
    let least = if scale <= 3.0 { scale } else { scale - 1.0 };
    members(track, answer, i64::from(score >= least))
}

fn ces(track: &Track) -> Vec<Member> {
    let answer = winning(track, true).filter(|answer| number(answer, "scale") == Some(7.0));
    let score = answer.and_then(|answer| number(answer, "score"));
    match answer.zip(score) {
        Some((answer, score)) => members(track, answer, (score * 1000.0).round() as i64),
        None => Vec::new(),
    }
}

fn members(track: &Track, answer: &Event, share: i64) -> Vec<Member> {
    let by_human = track.events().iter().any(|event| event.what == What::Human);
    let groups = vec![
        ("queue", track.queue.clone()),
        ("agent", track.last_agent()),
        ("handled_by", if by_human { "human" } else { "bot" }.to_owned()),
    ];
    track.in_groups(answer.time, Some(share), track.is_open(), groups)
}

fn number(answer: &Event, key: &str) -> Option<f64> {
    answer.item.element[key].as_f64()
}

fn is_effort(answer: &Event) -> bool {
    let instrument = text(&answer.item.element["context"], "instrument");
    instrument.map_or_else(
        || number(answer, "scale") == Some(7.0),
        |instrument| instrument == "ces",
    )
}

/// The latest answer within 72 h of the close, of the first answer while the session is open.
fn winning<'a>(track: &'a Track, effort: bool) -> Option<&'a Event<'a>> {
    let events = track.events().iter().chain(&track.session.open.after);
    let is_answer =
        |event: &&Event| event.is("rated") && is_effort(event) == effort && number(event, "score").is_some();
    let answers: Vec<&Event> = events.filter(is_answer).collect();
    let from = track.session.closed_at.or(answers.first().map(|first| first.time))?;
    answers.into_iter().rfind(|answer| answer.time <= from + WITHIN)
}
