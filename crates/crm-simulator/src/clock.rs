//! The portal's time: it is the machine's, or stands still until `advance` moves it.

use hilo_service::clock;

/// Where the portal's time comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// The machine's.
    Machine,
    /// It stands at this time, in milliseconds since 1970, until [`crate::HubSpot::advance`] moves it.
    Standing(i64),
}

/// The time, with what it was moved by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Time {
    clock: Clock,
    moved: i64,
}

impl Time {
    pub(crate) fn new(clock: Clock) -> Self {
        Self { clock, moved: 0 }
    }

    pub(crate) fn now(self) -> i64 {
        let base = match self.clock {
            Clock::Machine => clock::now(),
            Clock::Standing(at) => at,
        };
        base.saturating_add(self.moved)
    }

    pub(crate) fn advance(&mut self, millis: i64) {
        self.moved = self.moved.saturating_add(millis);
    }
}
