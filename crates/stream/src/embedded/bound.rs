//! How large a batch may be: so that a stop, a reader and a probe never wait long, whatever the records cost.

use std::time::Duration;

/// Raw records in a batch. Measured: with 1,000 a record costs half as much again as with 5,000; with 19,000 a quarter
/// less, where state is spread over a million keys, for twice the memory and delay of this.
pub(super) const BATCH_RECORDS: u64 = 10_000;

/// A batch that has taken so long commits what it has.
const BATCH_TIME: Duration = Duration::from_secs(2);

/// Records that the next batch may have. Where a batch ends changes no result: state, outputs and offset commit together.
#[derive(Debug)]
pub(super) struct Bound {
    records: u64,
    time: Duration,
}

impl Default for Bound {
    fn default() -> Self {
        Self {
            records: BATCH_RECORDS,
            time: BATCH_TIME,
        }
    }
}

impl Bound {
    /// Records to read for the next batch.
    pub(super) fn records(&self) -> u64 {
        self.records
    }

    /// Whether a batch that has run for `elapsed` ends with the record in hand.
    pub(super) fn is_over(&self, elapsed: Duration) -> bool {
        elapsed >= self.time
    }

    /// A batch of `records` took `elapsed` before its commit: a slow one halves the next, a quick one doubles it. A slow
    /// commit halves nothing: small batches would make it worse.
    pub(super) fn after(&mut self, records: u64, elapsed: Duration) {
        self.records = if self.is_over(elapsed) {
            (records / 2).max(1)
        } else {
            self.records.saturating_mul(2).min(BATCH_RECORDS)
        };
    }

    /// Batches that end after `time`.
    pub(super) fn of(time: Duration) -> Self {
        Self {
            time,
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slow_batches_halve_and_quick_ones_grow_again() {
        let mut bound = Bound::default();
        assert!(!bound.is_over(Duration::from_millis(1_999)) && bound.is_over(Duration::from_secs(2)));
        bound.after(600, Duration::from_secs(3));
        assert_eq!(bound.records(), 300);
        bound.after(1, Duration::from_secs(30));
        assert_eq!(bound.records(), 1);
        for _ in 0..20 {
            bound.after(bound.records(), Duration::from_millis(10));
        }
        assert_eq!(bound.records(), BATCH_RECORDS);
    }
}
