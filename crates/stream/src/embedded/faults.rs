//! Faults of the disk: which of them pass, and how long to wait before the next attempt.

use super::{EmbeddedError, Space};
use crate::{ProcessorError, StoreError};
use rusqlite::ErrorCode;
use std::error::Error;
use std::path::Path;
use std::time::{Duration, Instant};

const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_mins(1);
/// One line in the log for each of these.
const SAY: Duration = Duration::from_secs(10);
/// How often a waiting worker looks whether it should stop, or whether there is room again.
const LOOK: Duration = Duration::from_millis(200);

/// Whether the cause of `error` is a fault of the disk that may pass by itself or by somebody who makes room: full, busy,
/// input or output. Damage, a wrong version and defects do not pass.
#[must_use]
pub fn passes(error: &(dyn Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(cause) = next {
        if let Some(error) = cause.downcast_ref::<EmbeddedError>() {
            return of_embedded(error);
        }
        if let Some(error) = cause.downcast_ref::<rusqlite::Error>() {
            return of_sqlite(error);
        }
        if let Some(StoreError::Backend { source, .. }) = cause.downcast_ref::<StoreError>() {
            return passes(&**source);
        }
        if cause.is::<std::io::Error>() {
            return true;
        }
        next = cause.source();
    }
    false
}

fn of_embedded(error: &EmbeddedError) -> bool {
    match error {
        EmbeddedError::Io { .. } | EmbeddedError::DiskFull { .. } => true,
        EmbeddedError::Sqlite { cause, .. } => of_sqlite(cause),
        EmbeddedError::Processor { cause, .. } => match &**cause {
            ProcessorError::Store(error) => passes(error),
            _ => false,
        },
        _ => false,
    }
}

fn of_sqlite(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(
            ErrorCode::DiskFull
                | ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::SystemIoFailure
                | ErrorCode::CannotOpen
                | ErrorCode::FileLockingProtocolFailed
        )
    )
}

/// Waits between attempts: one second, two, four, up to a minute.
#[derive(Debug, Default)]
pub struct Backoff {
    attempts: u32,
    said: Option<Instant>,
}

impl Backoff {
    /// It works again.
    pub fn reset(&mut self) {
        self.attempts = 0;
    }

    /// Whether attempts have failed since it last worked.
    #[must_use]
    pub fn is_failing(&self) -> bool {
        self.attempts > 0
    }

    /// An attempt has failed: how long to wait before the next one.
    pub fn failed(&mut self) -> Duration {
        let wait = FIRST.saturating_mul(1 << self.attempts.min(6)).min(LONGEST);
        self.attempts = self.attempts.saturating_add(1);
        wait
    }

    /// Whether it is time for a line in the log: the first failure, then one in ten seconds.
    pub fn is_due(&mut self) -> bool {
        let due = self.said.is_none_or(|said| said.elapsed() >= SAY);
        if due {
            self.said = Some(Instant::now());
        }
        due
    }

    /// Waits after a failed attempt; ends early when `stop` says so, or when a full disk under `dir` has room again.
    pub fn wait(&mut self, dir: &Path, stop: impl Fn() -> bool) {
        let until = Instant::now() + self.failed();
        let was_short = Space::of(dir).is_ok_and(|space| space.is_short());
        while !stop() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() || was_short && Space::of(dir).is_ok_and(|space| !space.is_short()) {
                break;
            }
            std::thread::sleep(left.min(LOOK));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::ffi;
    use std::sync::Arc;

    fn sqlite(code: i32) -> rusqlite::Error {
        rusqlite::Error::SqliteFailure(ffi::Error::new(code), None)
    }

    #[test]
    fn full_busy_and_io_pass_and_damage_does_not() {
        for (code, want) in [
            (ffi::SQLITE_FULL, true),
            (ffi::SQLITE_BUSY, true),
            (ffi::SQLITE_IOERR_WRITE, true),
            (ffi::SQLITE_CORRUPT, false),
            (ffi::SQLITE_NOTADB, false),
            (ffi::SQLITE_CONSTRAINT, false),
        ] {
            assert_eq!(passes(&sqlite(code)), want, "{code}");
            let store = StoreError::Backend {
                store: "seen",
                source: Box::new(sqlite(code)),
            };
            let stopped = EmbeddedError::Processor {
                offset: 7,
                cause: Arc::new(store.into()),
            };
            assert_eq!(passes(&stopped), want, "{stopped}");
        }
        assert!(passes(&std::io::Error::other("no medium")));
        assert!(!passes(&EmbeddedError::Closed));
    }

    #[test]
    fn waits_double_up_to_a_minute_and_begin_anew() {
        let mut backoff = Backoff::default();
        let waits: Vec<u64> = (0..9).map(|_| backoff.failed().as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
        assert!(backoff.is_failing() && backoff.is_due() && !backoff.is_due());
        backoff.reset();
        assert!(!backoff.is_failing());
        assert_eq!(backoff.failed().as_secs(), 1);
    }
}
