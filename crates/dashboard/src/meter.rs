//! Bounded trends for the makers of snapshots.

use crate::model::Point;
use hilo_domain::Millis;
use hilo_domain::time::SECOND;
use std::collections::VecDeque;

/// The latest points of something, at most `capacity` of them.
#[derive(Clone, Debug)]
pub struct Series {
    points: VecDeque<Point>,
    capacity: usize,
}

impl Series {
    /// An empty series.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self {
            points: VecDeque::with_capacity(capacity),
            capacity,
        }
    }

    /// Adds a point; one that is not later than the last is left out, since a trend runs forward.
    pub fn push(&mut self, at: Millis, value: f64) {
        if self.points.back().is_some_and(|last| at <= last.at) || self.capacity == 0 {
            return;
        }
        if self.points.len() == self.capacity {
            self.points.pop_front();
        }
        self.points.push_back(Point { at, value });
    }

    /// The points, oldest first.
    #[must_use]
    pub fn points(&self) -> Vec<Point> {
        self.points.iter().copied().collect()
    }
}

/// Makes a rate per second, and its trend, of a counter that only grows.
#[derive(Clone, Debug)]
pub struct Meter {
    last: Option<(Millis, u64)>,
    rates: Series,
}

impl Meter {
    /// A meter that keeps `capacity` points of its trend.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self {
            last: None,
            rates: Series::new(capacity),
        }
    }

    /// Notes the counter at an instant. A counter that fell was restarted: its rate starts anew.
    pub fn record(&mut self, at: Millis, total: u64) {
        if let Some((before, count)) = self.last {
            if at <= before {
                return;
            }
            if let Some(grown) = total.checked_sub(count) {
                let rate = grown as f64 * SECOND as f64 / (at - before) as f64;
                self.rates.push(at, rate);
            }
        }
        self.last = Some((at, total));
    }

    /// The latest rate per second; zero before the second record.
    #[must_use]
    pub fn per_second(&self) -> f64 {
        self.rates.points.back().map_or(0.0, |point| point.value)
    }

    /// The rates, oldest first.
    #[must_use]
    pub fn trend(&self) -> Vec<Point> {
        self.rates.points()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_series_keeps_the_latest_and_runs_forward() {
        let mut series = Series::new(2);
        for (at, value) in [(10, 1.0), (20, 2.0), (20, 9.0), (15, 9.0), (30, 3.0)] {
            series.push(at, value);
        }
        assert_eq!(
            series.points(),
            [Point { at: 20, value: 2.0 }, Point { at: 30, value: 3.0 }]
        );
    }

    #[test]
    fn a_meter_divides_growth_by_time_and_survives_a_restart() {
        let mut meter = Meter::new(8);
        meter.record(0, 100);
        assert!(meter.trend().is_empty() && meter.per_second() == 0.0);
        meter.record(500, 150);
        meter.record(500, 900);
        meter.record(2_500, 150);
        meter.record(3_500, 10);
        meter.record(4_500, 40);
        let rates: Vec<f64> = meter.trend().iter().map(|point| point.value).collect();
        assert_eq!(rates, [100.0, 0.0, 30.0]);
        assert_eq!(meter.trend().last().map(|point| point.at), Some(4_500));
    }
}
