//! How patient the writer is.

use crate::backoff::Backoff;
use std::time::Duration;

/// Times and bounds. The defaults suit a real CRM.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Waits between attempts.
    pub backoff: Backoff,
    /// Attempts of one record, alone in its request, while others succeed; then it is rejected.
    pub attempts: u32,
    /// Look-ups of a record that another one belongs to; then that one is rejected.
    pub parent_lookups: u32,
    /// How often a stopped CRM is asked whether it answers again.
    pub probe: Duration,
    /// How long a lane sleeps when nothing is due: so soon it sees what another process marked to be tried again.
    pub idle: Duration,
    /// How long running requests may take when the writer ends or loses a partition; then their outcome is unknown, and
    /// they are repeated.
    pub drain: Duration,
    /// Records whose places may be open at a time, where a place waits for a published outcome.
    pub window: usize,
    /// Time between two facts of a CRM's budget.
    pub budget_facts: Duration,
    /// Failed requests in a row after which a CRM counts as unavailable.
    pub breaker: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            backoff: Backoff {
                base: Duration::from_millis(500),
                cap: Duration::from_mins(1),
            },
            attempts: 20,
            parent_lookups: 30,
            probe: Duration::from_mins(5),
            idle: Duration::from_secs(1),
            drain: Duration::from_secs(10),
            window: 10_000,
            budget_facts: Duration::from_secs(10),
            breaker: 5,
        }
    }
}
