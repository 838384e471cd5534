//! From the members of a cohort to its rows: metrics.md, chapter 1.

use super::{
    Name, Numbers,
    rows::{Dimensions, groups, quotient},
};

/// Longer than any history.
const FOREVER: i64 = i64::MAX / 2;

/// What the numbers of a row are (rules 12 and 13).
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Measure {
    /// Shares are milliseconds; a clock that never stopped has none.
    Duration,
    /// Shares are 1 or 0.
    Rate,
    /// The same, and the value is the numerator.
    Count,
    /// Shares are thousandths of a score.
    Mean,
}

/// A metric of version 1.
#[derive(Clone, Copy)]
pub(crate) struct Metric {
    pub(crate) name: &'static str,
    pub(crate) measure: Measure,
    pub(crate) horizon: i64,
}

/// What makes a group: one dimension, or none.
pub(crate) type Group = Option<(&'static str, String)>;

/// A member of a cohort in one group.
pub(crate) struct Member {
    pub(crate) tenant: String,
    pub(crate) anchor: i64,
    pub(crate) group: Group,
    pub(crate) share: Option<i64>,
    /// It may still become another, whatever the horizon.
    pub(crate) open: bool,
}

impl super::rows::Member for Member {
    fn tenant(&self) -> &str {
        &self.tenant
    }

    fn anchor(&self) -> i64 {
        self.anchor
    }

    fn groupings(&self) -> Vec<Dimensions> {
        vec![self.group.clone().into_iter().collect()]
    }
}

/// The rows of a metric: one for each window and group with members.
pub(crate) fn rows(metric: Metric, members: &[Member], now: i64) -> Vec<(Name, Numbers)> {
    // Without a horizon nothing can happen to what is not open.
    let is_done = |member: &Member| metric.horizon == 0 && !member.open;
    let horizon = |member: &Member| if member.open { FOREVER } else { metric.horizon };
    groups(members)
        .iter()
        .filter_map(|group| {
            let is_final = group.is_final(now, is_done, horizon);
            let numbers = numbers(metric.measure, &group.members)?;
            Some((group.name(metric.name), Numbers { is_final, ..numbers }))
        })
        .collect()
}

/// Nothing where the denominator is 0.
fn numbers(measure: Measure, cohort: &[&Member]) -> Option<Numbers> {
    let mut shares: Vec<i64> = cohort.iter().filter_map(|member| member.share).collect();
    shares.sort_unstable();
    let count = i64::try_from(shares.len()).ok().filter(|count| *count > 0)?;
    let sum: i64 = shares.iter().sum();
    let of = |p: usize| Some(thousandths(shares[(p * shares.len()).div_ceil(100) - 1]));
    let numbers = Numbers {
        denominator: Some(count as f64),
        count,
        ..Numbers::default()
    };
    Some(match measure {
        Measure::Duration => Numbers {
            numerator: Some(thousandths(sum)),
            value: Some(quotient(sum, 1000 * count)),
            p50: of(50),
            p90: of(90),
            ..numbers
        },
        Measure::Mean => Numbers {
            numerator: Some(thousandths(sum)),
            value: Some(quotient(sum, 1000 * count)),
            ..numbers
        },
        Measure::Rate => Numbers {
            numerator: Some(sum as f64),
            value: Some(quotient(sum, count)),
            ..numbers
        },
        Measure::Count => Numbers {
            numerator: Some(sum as f64),
            value: Some(sum as f64),
            ..numbers
        },
    })
}

fn thousandths(number: i64) -> f64 {
    number as f64 / 1000.0
}
