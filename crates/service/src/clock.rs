//! The machine's clock. Nothing else in the workspace reads it for a time of day.

use hilo_domain::{Millis, time::HOUR};
use std::time::{Instant, SystemTime};

/// Milliseconds since 1970, UTC; 0 on a machine whose clock is set before that.
#[must_use]
pub fn now() -> Millis {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| since.as_millis() as Millis)
}

/// A clock that is off by more than this dates events wrongly: windows close and numbers are final too early.
pub const JUMP: Millis = HOUR;

/// Jumps of the wall clock, found by a clock that does not jump. A machine that slept is one of them: its time went on
/// without it.
#[derive(Debug, Default)]
pub struct Jumps {
    seen: Option<(Millis, Instant)>,
    count: u64,
    last: Option<Millis>,
}

impl Jumps {
    /// The wall clock says `now` at the instant `at`; gives by how much it has jumped since it was last seen.
    pub fn saw(&mut self, now: Millis, at: Instant) -> Option<Millis> {
        let (before, then) = self.seen.replace((now, at))?;
        let passed = i64::try_from(at.saturating_duration_since(then).as_millis()).unwrap_or(i64::MAX);
        let jump = (now - before).saturating_sub(passed);
        if jump.abs() < JUMP {
            return None;
        }
        self.count += 1;
        self.last = Some(jump);
        Some(jump)
    }

    /// How many there were.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// By how much the last one was, forward or back.
    #[must_use]
    pub fn last(&self) -> Option<Millis> {
        self.last
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_jump_is_what_the_other_clock_did_not_see() {
        let start = Instant::now();
        let mut jumps = Jumps::default();
        for (now, seconds, want) in [
            (0, 0, None),
            (1_000, 1, None),
            // A second of the one and thirty minutes of the other: the clock was slewed.
            (1_800_000, 2, None),
            (1_800_000 + 3 * HOUR, 2, Some(3 * HOUR)),
            (1_801_000 + 3 * HOUR, 3, None),
            // Six hours of both: nobody looked.
            (1_801_000 + 9 * HOUR, 3 + 6 * 3_600, None),
            (1_801_000 + 7 * HOUR, 3 + 6 * 3_600, Some(-2 * HOUR)),
        ] {
            assert_eq!(jumps.saw(now, start + Duration::from_secs(seconds)), want, "{now}");
        }
        assert_eq!((jumps.count(), jumps.last()), (2, Some(-2 * HOUR)));
    }
}
