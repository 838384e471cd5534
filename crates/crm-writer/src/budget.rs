//! One budget for all calls of this process to one portal: a token bucket that learns its size from the CRM's headers.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// Share of the CRM's limit that is used: other apps need the rest.
const SHARE: f64 = 0.8;
/// Share of the limit that may go at once. What flows in during a window comes on top, and both together stay within [`SHARE`].
const BURST: f64 = 0.1;

/// What a CRM said of its limits in the headers of an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Calls in a window.
    pub max: Option<u64>,
    /// Calls left of them.
    pub remaining: Option<u64>,
    /// Length of the window.
    pub interval: Option<Duration>,
    /// Calls in a day.
    pub daily: Option<i64>,
    /// Calls left of them.
    pub daily_remaining: Option<i64>,
}

/// What is known of a budget.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct BudgetView {
    /// Calls made by this process.
    pub calls: u64,
    /// Calls that this process allows itself in a second.
    pub rate: f64,
    /// Calls in a day, as the CRM says.
    pub daily: Option<i64>,
    /// Calls left of them.
    pub daily_remaining: Option<i64>,
}

#[derive(Debug)]
struct Bucket {
    tokens: f64,
    size: f64,
    rate: f64,
    at: Instant,
    view: BudgetView,
}

/// A budget.
#[derive(Debug)]
pub struct Budget(Mutex<Bucket>);

impl Budget {
    /// A bucket for so many calls in a window, until the CRM says better.
    #[must_use]
    pub fn new(max: u64, interval: Duration) -> Self {
        let (size, rate) = shape(max, interval);
        Self(Mutex::new(Bucket {
            tokens: size,
            size,
            rate,
            at: Instant::now(),
            view: BudgetView::default(),
        }))
    }

    /// Waits until a call may be made. Association batches are outside the window's limit: they are counted only.
    pub async fn take(&self, exempt: bool) {
        loop {
            let wait = {
                let mut bucket = self.0.lock().unwrap_or_else(PoisonError::into_inner);
                bucket.refill(Instant::now());
                if exempt || bucket.tokens >= 1.0 {
                    bucket.tokens -= if exempt { 0.0 } else { 1.0 };
                    bucket.view.calls += 1;
                    return;
                }
                Duration::from_secs_f64(((1.0 - bucket.tokens) / bucket.rate).clamp(0.001, 60.0))
            };
            tokio::time::sleep(wait).await;
        }
    }

    /// Learns from an answer.
    pub fn learn(&self, limits: &Limits) {
        let mut bucket = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        bucket.refill(Instant::now());
        if let (Some(max), Some(interval)) = (
            limits.max.filter(|max| *max > 0),
            limits.interval.filter(|i| !i.is_zero()),
        ) {
            (bucket.size, bucket.rate) = shape(max, interval);
            bucket.tokens = bucket.tokens.min(bucket.size);
            if let Some(remaining) = limits.remaining {
                // Others spend from the same window: their share of it is not ours to use.
                let ours = remaining as f64 - max as f64 * (1.0 - SHARE);
                bucket.tokens = bucket.tokens.min(ours);
            }
        }
        bucket.view.daily = limits.daily.or(bucket.view.daily);
        bucket.view.daily_remaining = limits.daily_remaining.or(bucket.view.daily_remaining);
    }

    /// What is known now.
    #[must_use]
    pub fn view(&self) -> BudgetView {
        let bucket = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        BudgetView {
            rate: bucket.rate,
            ..bucket.view
        }
    }
}

impl Bucket {
    fn refill(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        self.tokens = (self.tokens + passed * self.rate).min(self.size);
        self.at = now;
    }
}

fn shape(max: u64, interval: Duration) -> (f64, f64) {
    let max = max as f64;
    ((max * BURST).max(1.0), max * (SHARE - BURST) / interval.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The bucket's own clock is given, so that nothing waits.
    fn spent_in(bucket: &mut Bucket, window: Duration) -> u32 {
        let start = bucket.at;
        let mut spent = 0;
        for tick in 0..=window.as_millis() as u64 {
            bucket.refill(start + Duration::from_millis(tick));
            while bucket.tokens >= 1.0 {
                bucket.tokens -= 1.0;
                spent += 1;
            }
        }
        spent
    }

    #[test]
    fn no_window_ever_sees_more_than_eighty_percent() {
        let budget = Budget::new(100, Duration::from_secs(10));
        let mut bucket = budget.0.into_inner().unwrap();
        let spent = spent_in(&mut bucket, Duration::from_secs(10));
        assert!((78..=80).contains(&spent), "{spent}");
    }

    #[test]
    fn the_limit_is_learnt_and_the_share_of_others_is_left() {
        let budget = Budget::new(100, Duration::from_secs(10));
        budget.learn(&Limits {
            max: Some(190),
            remaining: Some(190),
            interval: Some(Duration::from_secs(10)),
            daily: Some(625_000),
            daily_remaining: Some(600_000),
        });
        assert!((budget.view().rate - 13.3).abs() < 0.01, "70 % of 190 in 10 s");
        assert_eq!(budget.view().daily_remaining, Some(600_000));
        budget.learn(&Limits {
            max: Some(190),
            remaining: Some(30),
            interval: Some(Duration::from_secs(10)),
            ..Limits::default()
        });
        let bucket = budget.0.into_inner().unwrap();
        assert!(bucket.tokens < 0.0, "160 are gone, most by others: 38 are left alone");
        assert_eq!(
            bucket.view.daily,
            Some(625_000),
            "what an answer leaves out still holds"
        );
    }
}
