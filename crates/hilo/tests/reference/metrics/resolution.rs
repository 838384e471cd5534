//! First contact resolution: metrics.md, chapter 5.

use super::{
    HOUR, Name, Numbers,
    cohorts::{self, Measure, Member, Metric},
    tracks::{Track, assignee, counted, sender, unknown},
};
use crate::sessions::What;
use std::collections::BTreeSet;

const WITHIN: i64 = 72 * HOUR;

pub(crate) fn rows(tracks: &[Track], now: i64) -> Vec<(Name, Numbers)> {
    let metric = Metric {
        name: "fcr_rate",
        measure: Measure::Rate,
        horizon: WITHIN,
    };
    let members: Vec<Member> = counted(tracks).flat_map(|track| members(track, tracks)).collect();
    cohorts::rows(metric, &members, now)
}

fn members(track: &Track, all: &[Track]) -> Vec<Member> {
    let (Some(resolved), Some("resolved"), false) = (
        track.session.closed_at,
        track.session.close_reason,
        track.measured().is_empty(),
    ) else {
        return Vec::new();
    };
    let owners = owners(track);
    let is_repeated = all.iter().any(|other| is_repeat(track, other, resolved));
    let share = Some(i64::from(owners.len() <= 1 && !is_repeated));
    let only = if owners.len() == 1 {
        owners.first().cloned()
    } else {
        None
    };
    let groups = vec![
        ("queue", track.queue.clone()),
        ("agent", only.unwrap_or_else(unknown)),
        ("reason", track.reason().map_or_else(unknown, str::to_owned)),
        ("owner_kind", if owners.is_empty() { "bot" } else { "human" }.to_owned()),
    ];
    track.in_groups(resolved, share, false, groups)
}

/// Who had it; an echo counts only where no named agent took part.
fn owners(track: &Track) -> BTreeSet<String> {
    let assigned = track.events().iter().filter_map(assignee).map(str::to_owned);
    let humans = track.events().iter().filter(|event| event.what == What::Human);
    let mut owners: BTreeSet<String> = humans.map(sender).chain(assigned).collect();
    if owners.len() > 1 {
        owners.remove(&unknown());
    }
    owners
}

/// Whether another session shows that the person came back about the same.
fn is_repeat(track: &Track, other: &Track, resolved: i64) -> bool {
    let is_new = !std::ptr::eq(track, other)
        && !other.is_test
        && other.session.tenant == track.session.tenant
        && other.session.person == track.session.person
        && other.session.opened_at >= resolved;
    let customer = other.measured().first();
    let is_other_matter = matches!((track.reason(), other.reason()), (Some(one), Some(two)) if one != two);
    is_new && customer.is_some_and(|customer| customer.time <= resolved + WITHIN) && !is_other_matter
}
