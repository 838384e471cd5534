//! From members to rows: metrics.md, chapter 1.

use super::{Name, Numbers, Window, windows};
use std::collections::BTreeMap;

pub(super) type Dimensions = BTreeMap<&'static str, String>;

/// An unknown value is never dropped: rule 14.
pub(super) const UNKNOWN: &str = "unknown";

/// Whatever a row counts.
pub(super) trait Member {
    fn tenant(&self) -> &str;
    fn anchor(&self) -> i64;
    /// The groupings that it is in.
    fn groupings(&self) -> Vec<Dimensions>;
}

/// The members of one row.
pub(super) struct Group<'a, M> {
    pub(super) tenant: String,
    pub(super) window: Window,
    pub(super) dimensions: Dimensions,
    pub(super) members: Vec<&'a M>,
}

pub(super) fn dimensions(pairs: &[(&'static str, &str)]) -> Dimensions {
    pairs.iter().map(|(name, value)| (*name, (*value).to_owned())).collect()
}

/// Every grouping of the members in every window with one of them: rules 3, 6 and 14.
pub(super) fn groups<'a, M: Member>(members: impl IntoIterator<Item = &'a M>) -> Vec<Group<'a, M>> {
    let mut groups: BTreeMap<(String, Window, Dimensions), Vec<&M>> = BTreeMap::new();
    for member in members {
        for window in windows(member.anchor()) {
            for dimensions in member.groupings() {
                let name = (member.tenant().to_owned(), window, dimensions);
                groups.entry(name).or_default().push(member);
            }
        }
    }
    groups
        .into_iter()
        .map(|((tenant, window, dimensions), members)| Group {
            tenant,
            window,
            dimensions,
            members,
        })
        .collect()
}

impl<M: Member> Group<'_, M> {
    pub(super) fn name(&self, metric: &'static str) -> Name {
        Name {
            tenant: self.tenant.clone(),
            metric,
            window: self.window,
            dimensions: self.dimensions.clone(),
        }
    }

    /// Rule 8: whether every member is final, which it is when its horizon has passed after its window, or when nothing can
    /// happen to it any more. No window is final before it ends; in the row over all input the window of a member is its hour.
    pub(super) fn is_final(&self, now: i64, is_done: impl Fn(&M) -> bool, horizon: impl Fn(&M) -> i64) -> bool {
        let has_ended = self.window.is_none_or(|(_, end)| now >= end);
        let is_final = |member: &M| {
            let [hour, ..] = windows(member.anchor());
            let window = self.window.or(hour);
            is_done(member) || window.is_some_and(|(_, end)| now >= end + horizon(member))
        };
        has_ended && self.members.iter().all(|member| is_final(member))
    }
}

/// Rules 10 and 13: nothing without a denominator.
pub(super) fn rate(numerator: usize, denominator: usize, is_final: bool) -> Option<Numbers> {
    (denominator > 0).then(|| Numbers {
        numerator: Some(numerator as f64),
        denominator: Some(denominator as f64),
        value: Some(quotient(numerator as i64, denominator as i64)),
        count: denominator as i64,
        is_final,
        ..Numbers::default()
    })
}

/// Rule 11: six decimals, half away from zero.
pub(super) fn quotient(numerator: i64, denominator: i64) -> f64 {
    let millionths = (2 * numerator.abs() * 1_000_000 + denominator) / (2 * denominator);
    (millionths * numerator.signum()) as f64 / 1_000_000.0
}
