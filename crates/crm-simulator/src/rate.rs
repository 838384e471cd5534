//! Limits on calls: ten rolling seconds, a day of the portal's time zone, a second of searches.

use jiff::{Timestamp, tz::TimeZone};
use std::collections::VecDeque;

/// The rolling window.
pub(crate) const WINDOW: i64 = 10_000;
const SECOND: i64 = 1_000;

/// What was used.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rate {
    calls: VecDeque<i64>,
    searches: VecDeque<i64>,
    day: Option<jiff::civil::Date>,
    used: u32,
}

/// What a call counts against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// The window and the day.
    Normal,
    /// The day only: batch calls about associations.
    Daily,
    /// The day and a second of its own.
    Search,
    /// Nothing.
    Free,
}

/// The limit that was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Policy {
    TenSecondly,
    Secondly,
    Daily,
}

impl Policy {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::TenSecondly => "TEN_SECONDLY_ROLLING",
            Self::Secondly => "SECONDLY",
            Self::Daily => "DAILY",
        }
    }

    pub(crate) fn message(self) -> &'static str {
        match self {
            Self::TenSecondly => "You have reached your ten_secondly_rolling limit.",
            Self::Secondly => "You have reached your secondly limit.",
            Self::Daily => "You have reached your daily limit.",
        }
    }
}

/// The limits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) burst: u32,
    pub(crate) daily: u32,
    pub(crate) searches: u32,
}

impl Rate {
    /// Counts a call, unless it is over a limit. Calls that are refused are not counted.
    pub(crate) fn take(&mut self, class: Class, limits: Limits, zone: &TimeZone, now: i64) -> Result<(), Policy> {
        self.move_on(zone, now);
        if class == Class::Free {
            return Ok(());
        }
        if self.used >= limits.daily {
            return Err(Policy::Daily);
        }
        let (calls, most, policy) = match class {
            Class::Normal => (&mut self.calls, limits.burst, Policy::TenSecondly),
            Class::Search => (&mut self.searches, limits.searches, Policy::Secondly),
            Class::Daily | Class::Free => {
                self.used += 1;
                return Ok(());
            }
        };
        // Without a limit nothing needs to be remembered.
        if most < u32::MAX {
            if calls.len() >= most as usize {
                return Err(policy);
            }
            calls.push_back(now);
        }
        self.used += 1;
        Ok(())
    }

    fn move_on(&mut self, zone: &TimeZone, now: i64) {
        for (calls, length) in [(&mut self.calls, WINDOW), (&mut self.searches, SECOND)] {
            while calls.front().is_some_and(|at| now - at >= length) {
                calls.pop_front();
            }
        }
        let day = Timestamp::from_millisecond(now)
            .ok()
            .map(|at| at.to_zoned(zone.clone()).date());
        if day != self.day {
            self.day = day;
            self.used = 0;
        }
    }

    /// Calls that are left in the window and the day.
    pub(crate) fn left(&self, limits: Limits) -> (u32, u32) {
        let calls = u32::try_from(self.calls.len()).unwrap_or(u32::MAX);
        (
            limits.burst.saturating_sub(calls),
            limits.daily.saturating_sub(self.used),
        )
    }

    /// Calls of this day.
    pub(crate) fn used(&self) -> u32 {
        self.used
    }
}
