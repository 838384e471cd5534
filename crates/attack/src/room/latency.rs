//! How long answers took.

use std::time::Duration;

/// The nearest rank, in milliseconds; 0 of nothing.
pub(crate) fn percentile(latencies: &[Duration], percent: usize) -> f64 {
    let mut sorted = latencies.to_vec();
    sorted.sort_unstable();
    let rank = (percent * sorted.len()).div_ceil(100).saturating_sub(1);
    sorted.get(rank).map_or(0.0, |latency| latency.as_secs_f64() * 1_000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_nearest_ranks() {
        let latencies: Vec<Duration> = (1..=200).rev().map(Duration::from_millis).collect();
        let found = [1, 50, 99, 100].map(|percent| percentile(&latencies, percent) as u64);
        assert_eq!(found, [2, 100, 198, 200]);
        assert_eq!(percentile(&[], 99) as u64, 0);
    }
}
