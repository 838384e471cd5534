//! The machine's clock. Nothing else in the workspace reads it for a time of day.

use hilo_domain::Millis;
use std::time::SystemTime;

/// Milliseconds since 1970, UTC; 0 on a machine whose clock is set before that.
#[must_use]
pub fn now() -> Millis {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| since.as_millis() as Millis)
}
