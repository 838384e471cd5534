//! What bots contain and hand on: metrics.md, chapter 6.

use super::{
    HOUR, Name, Numbers,
    cohorts::{self, Measure, Member, Metric},
    tracks::{Track, counted, unknown},
};
use crate::{json::text, sessions::What};
use std::collections::BTreeSet;

const CONTAINED: &[&str] = &["contained_confirmed", "contained_silent"];
const ESCALATED: &[&str] = &["escalated_requested", "escalated_rule", "escalated_failure"];

pub(crate) fn rows(tracks: &[Track], now: i64) -> Vec<(Name, Numbers)> {
    let outcomes: BTreeSet<&str> = counted(tracks).filter_map(|track| track.session.outcome).collect();
    let escalated: BTreeSet<&str> = outcomes
        .iter()
        .copied()
        .filter(|outcome| ESCALATED.contains(outcome))
        .collect();
    let mut rows = rates("bot_containment_rate", CONTAINED, &outcomes, tracks, now);
    rows.extend(rates("bot_escalation_rate", ESCALATED, &escalated, tracks, now));
    rows
}

/// The share of some outcomes together, and of each of these; only outcomes that occur have a row.
fn rates(
    name: &'static str,
    together: &[&str],
    shown: &BTreeSet<&str>,
    tracks: &[Track],
    now: i64,
) -> Vec<(Name, Numbers)> {
    let metric = Metric {
        name,
        measure: Measure::Rate,
        horizon: 24 * HOUR,
    };
    let members: Vec<Member> = counted(tracks)
        .flat_map(|track| members(track, together, shown))
        .collect();
    let mut rows = cohorts::rows(metric, &members, now);
    rows.retain(|(name, numbers)| !name.dimensions.contains_key("outcome") || numbers.numerator != Some(0.0));
    rows
}

fn members(track: &Track, together: &[&str], shown: &BTreeSet<&str>) -> Vec<Member> {
    let (Some(closed), Some(outcome)) = (track.session.closed_at, track.session.outcome) else {
        return Vec::new();
    };
    let share = |is_counted| Some(i64::from(is_counted));
    let groups = vec![("bot", bot(track)), ("queue", track.queue.clone())];
    let mut members = track.in_groups(closed, share(together.contains(&outcome)), false, groups);
    members.extend(shown.iter().map(|one| {
        let group = Some(("outcome", (*one).to_owned()));
        track.member(closed, group, share(*one == outcome), false)
    }));
    members
}

/// The bot that engaged: the first one after the first customer message.
fn bot(track: &Track) -> String {
    let engaged = track.measured().iter().find(|event| event.what == What::Bot);
    let named = engaged.and_then(|event| text(&event.item.element["author"], "id"));
    named.map_or_else(unknown, str::to_owned)
}
