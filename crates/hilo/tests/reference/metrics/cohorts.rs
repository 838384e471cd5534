//! From the members of a cohort to its rows: metrics.md, chapter 1.

use super::{HOUR, Name, Numbers, Window, windows};
use std::collections::BTreeMap;

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

/// The rows of a metric: one for each window and group with members.
pub(crate) fn rows(metric: Metric, members: &[Member], now: i64) -> Vec<(Name, Numbers)> {
    let mut cohorts: BTreeMap<Name, Vec<&Member>> = BTreeMap::new();
    for member in members {
        for window in windows(member.anchor) {
            let name = Name {
                tenant: member.tenant.clone(),
                metric: metric.name,
                window,
                dimensions: member.group.clone().into_iter().collect(),
            };
            cohorts.entry(name).or_default().push(member);
        }
    }
    cohorts
        .into_iter()
        .filter_map(|(name, cohort)| {
            let is_final = is_final(metric, name.window, &cohort, now);
            let numbers = numbers(metric.measure, &cohort)?;
            Some((name, Numbers { is_final, ..numbers }))
        })
        .collect()
}

/// Rule 8. Where there is a horizon, members of the row over all input are final with their hour.
fn is_final(metric: Metric, window: Window, cohort: &[&Member], now: i64) -> bool {
    let is_past = |end: i64| end + metric.horizon <= now;
    let of_hour = |member: &Member| metric.horizon == 0 || is_past((member.anchor.div_euclid(HOUR) + 1) * HOUR);
    cohort.iter().all(|member| !member.open)
        && window.map_or_else(
            || cohort.iter().all(|member| of_hour(member)),
            |window| is_past(window.1),
        )
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

/// Rounded to 6 decimals, half away from zero (rule 11).
fn quotient(numerator: i64, denominator: i64) -> f64 {
    let millionths = (2 * numerator.abs() * 1_000_000 + denominator) / (2 * denominator);
    (millionths * numerator.signum()) as f64 / 1_000_000.0
}
