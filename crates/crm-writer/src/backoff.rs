//! Exponential waits with full jitter: requests that failed together do not come back together.

use std::time::Duration;

/// The wait before an attempt is anything up to `base` doubled with each failure, never more than `cap`.
#[derive(Clone, Copy, Debug)]
pub struct Backoff {
    /// Longest wait after the first failure.
    pub base: Duration,
    /// Longest wait of all.
    pub cap: Duration,
}

impl Backoff {
    /// The longest wait after so many failures.
    #[must_use]
    pub fn ceiling(&self, failures: u32) -> Duration {
        let doubled = 1_u32.checked_shl(failures.saturating_sub(1)).unwrap_or(u32::MAX);
        self.base.saturating_mul(doubled).min(self.cap)
    }

    /// A wait after so many failures.
    #[must_use]
    pub fn wait(&self, failures: u32) -> Duration {
        let ceiling = self.ceiling(failures);
        if ceiling.is_zero() {
            return ceiling;
        }
        // Without randomness the wait is only as good as one without jitter.
        let share = getrandom::u32().map_or(1.0, |value| f64::from(value) / f64::from(u32::MAX));
        ceiling.mul_f64(share)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_cap_and_are_jittered_from_zero() {
        let backoff = Backoff {
            base: Duration::from_secs(1),
            cap: Duration::from_mins(1),
        };
        let ceilings: Vec<u64> = [1, 2, 3, 6, 7, 8, 40, 4000]
            .map(|failures| backoff.ceiling(failures).as_secs())
            .to_vec();
        assert_eq!(ceilings, [1, 2, 4, 32, 60, 60, 60, 60]);
        let waits: Vec<Duration> = (0..1000).map(|_| backoff.wait(3)).collect();
        assert!(waits.iter().all(|wait| *wait <= Duration::from_secs(4)));
        assert!(
            waits.iter().any(|wait| *wait < Duration::from_secs(1)),
            "full jitter starts at zero"
        );
        assert!(
            waits.iter().any(|wait| *wait > Duration::from_secs(3)),
            "and reaches the ceiling"
        );
    }
}
