//! Log lines that a client can cause, at most one in a while.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

const PAUSE: Duration = Duration::from_secs(10);

/// Lets one line through in ten seconds: thousands of requests a second may have the same trouble.
#[derive(Debug, Default)]
pub struct Notice(Mutex<Option<Instant>>);

impl Notice {
    /// Whether a line may be written now.
    #[must_use]
    pub fn is_due(&self) -> bool {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let due = last.is_none_or(|last| last.elapsed() >= PAUSE);
        if due {
            *last = Some(Instant::now());
        }
        due
    }
}
