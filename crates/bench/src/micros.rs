//! Histograms of microseconds: every distribution of a report has the same range.

use hdrhistogram::Histogram;
use std::{io, time::Duration};

/// Greatest time told apart: a minute. Without a bound of its own a histogram would end at two milliseconds, for
/// recording with saturation never widens it.
const MAXIMUM: u64 = 60_000_000;
/// Three digits are exact.
const DIGITS: u8 = 3;

/// An empty one.
pub(crate) fn histogram() -> io::Result<Histogram<u64>> {
    Histogram::new_with_bounds(1, MAXIMUM, DIGITS).map_err(io::Error::other)
}

/// Adds a time; what is longer than a minute counts as a minute.
pub(crate) fn record(histogram: &mut Histogram<u64>, time: Duration) {
    histogram.saturating_record(time.as_micros() as u64);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_time_is_told_as_it_was() {
        let mut histogram = histogram().unwrap();
        for millis in [1, 20, 400, 30_000] {
            record(&mut histogram, Duration::from_millis(millis));
        }
        for (quantile, micros) in [(0.25, 1_000), (0.5, 20_000), (0.75, 400_000), (1.0, 30_000_000)] {
            let told = histogram.value_at_quantile(quantile);
            assert!(told.abs_diff(micros) <= micros / 1_000, "{told} for {micros}");
        }
        record(&mut histogram, Duration::from_hours(1));
        assert!(histogram.max().abs_diff(MAXIMUM) <= MAXIMUM / 1_000);
    }
}
