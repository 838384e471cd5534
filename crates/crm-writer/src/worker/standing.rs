//! How a CRM is: open, paused until a time, or stopped until somebody mends the access. The circuit breaker is here.

use super::Shared;
use crate::{backoff::Backoff, sink::Trouble};
use hilo_domain::Millis;
use std::sync::{MutexGuard, PoisonError};

/// How a CRM is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum State {
    /// It takes records.
    #[default]
    Open,
    /// It takes none until then.
    Paused {
        /// Stable code.
        code: &'static str,
        /// Until then.
        until: Millis,
    },
    /// It takes none until somebody mends the access.
    Stopped {
        /// Stable code.
        code: &'static str,
        /// What is missing.
        missing: Option<String>,
        /// When it is asked again.
        probe: Millis,
    },
}

impl State {
    /// Its word in facts.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Paused { .. } => "paused",
            Self::Stopped { .. } => "stopped",
        }
    }
}

/// What may be done now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leave {
    /// Anything.
    Go,
    /// One batch: the CRM failed before.
    One,
    /// One request, to see whether it answers.
    Probe,
    /// Nothing until then.
    Wait(Millis),
}

#[derive(Debug, Default)]
pub(crate) struct Standing {
    state: State,
    /// Failed requests in a row.
    failures: u32,
    /// Between two failures nothing is sent, also before the CRM counts as unavailable.
    rest_until: Millis,
    /// Last state and budget that were published.
    pub(super) told: Option<(State, Option<i64>, Millis)>,
}

/// The standing of a lane.
pub(crate) fn of(shared: &Shared) -> MutexGuard<'_, Standing> {
    shared.standing.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Standing {
    pub(crate) fn state(&self) -> &State {
        &self.state
    }

    pub(crate) fn is_stopped(&self) -> bool {
        matches!(self.state, State::Stopped { .. })
    }

    /// Whether the CRM as a whole seems to fail, so that no record is to blame.
    pub(crate) fn is_failing(&self) -> bool {
        self.failures > 1 || self.state != State::Open
    }

    /// A stopped CRM is not asked before then.
    pub(crate) fn put_off(&mut self, until: Millis) {
        if let State::Stopped { probe, .. } = &mut self.state {
            *probe = until;
        }
    }

    pub(crate) fn leave(&self, now: Millis) -> Leave {
        match self.state {
            State::Stopped { probe, .. } if now >= probe => Leave::Probe,
            State::Stopped { probe, .. } => Leave::Wait(probe),
            State::Paused { until, .. } if now < until => Leave::Wait(until),
            _ if now < self.rest_until => Leave::Wait(self.rest_until),
            State::Paused { .. } => Leave::One,
            State::Open if self.failures > 0 => Leave::One,
            State::Open => Leave::Go,
        }
    }

    /// A request was answered. It may have been under way already when another one was refused: then what that one said
    /// holds on.
    pub(crate) fn succeeded(&mut self, now: Millis) {
        self.failures = 0;
        self.rest_until = 0;
        if matches!(self.state, State::Paused { until, .. } if now >= until) {
            self.state = State::Open;
        }
    }

    /// A stopped CRM was asked, and answers.
    pub(crate) fn answers(&mut self) {
        self.failures = 0;
        self.rest_until = 0;
        self.state = State::Open;
    }

    /// A whole request failed, and nothing says when the CRM will answer.
    pub(crate) fn failed(&mut self, code: &'static str, backoff: &Backoff, breaker: u32, now: Millis) {
        self.failures = self.failures.saturating_add(1);
        self.rest_until = now + backoff.wait(self.failures).as_millis() as Millis;
        if self.failures >= breaker && !self.is_stopped() {
            self.state = State::Paused {
                code,
                until: self.rest_until,
            };
        }
    }

    /// The CRM says that it takes nothing.
    pub(crate) fn refused(&mut self, trouble: &Trouble, probe: Millis) {
        match trouble {
            Trouble::Pause { code, until } if !self.is_stopped() => {
                self.state = State::Paused { code, until: *until };
            }
            Trouble::Stop { code, missing } => {
                self.state = State::Stopped {
                    code,
                    missing: missing.clone(),
                    probe,
                };
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const BACKOFF: Backoff = Backoff {
        base: Duration::from_millis(100),
        cap: Duration::from_millis(400),
    };

    #[test]
    fn after_failures_one_batch_goes_at_a_time_and_a_success_opens() {
        let mut standing = Standing::default();
        assert_eq!(standing.leave(0), Leave::Go);
        for _ in 0..3 {
            standing.failed("unavailable", &BACKOFF, 3, 1_000);
        }
        assert!(matches!(
            standing.state(),
            State::Paused {
                code: "unavailable",
                ..
            }
        ));
        assert_eq!(standing.leave(2_000), Leave::One, "the cap has passed: one batch tries");
        standing.succeeded(2_000);
        assert_eq!((standing.leave(0), standing.state()), (Leave::Go, &State::Open));
    }

    #[test]
    fn a_pause_waits_for_its_time_and_a_stop_for_a_probe() {
        let mut standing = Standing::default();
        standing.refused(
            &Trouble::Pause {
                code: "daily",
                until: 500,
            },
            0,
        );
        assert_eq!(
            (standing.leave(499), standing.leave(500)),
            (Leave::Wait(500), Leave::One)
        );
        standing.succeeded(499);
        assert_eq!(
            standing.leave(499),
            Leave::Wait(500),
            "an answer that was under way ends no pause"
        );
        let stop = Trouble::Stop {
            code: "missing_scope",
            missing: Some("tickets".into()),
        };
        standing.refused(&stop, 900);
        standing.refused(&Trouble::Pause { code: "rate", until: 5 }, 0);
        assert!(standing.is_stopped(), "a pause does not open what is stopped");
        standing.succeeded(600);
        assert!(standing.is_stopped(), "nor does an answer that was under way");
        assert_eq!(
            (standing.leave(899), standing.leave(900)),
            (Leave::Wait(900), Leave::Probe)
        );
        standing.answers();
        assert_eq!(standing.leave(0), Leave::Go);
    }
}
