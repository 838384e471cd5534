//! Misbehaviour on demand: what goes wrong, how often, with which calls.

use crate::{options::Rule, portal::Portal};
use rand::Rng as _;
use serde::{Deserialize, Serialize};

/// What goes wrong.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Misbehaviour {
    /// 429, the limit of ten seconds.
    TooManyRequests {
        /// Value of `Retry-After`, where there is one.
        #[serde(default)]
        retry_after: Option<u64>,
    },
    /// 429, the limit of the day.
    DailyLimit {
        /// Value of `Retry-After`, where there is one.
        #[serde(default)]
        retry_after: Option<u64>,
    },
    /// 500 with a body of JSON. Nothing is applied.
    ServerError,
    /// 502 with a page of a proxy. Nothing is applied.
    BadGateway,
    /// 503. Nothing is applied.
    Unavailable,
    /// 423: the record is locked.
    Locked,
    /// 477: the portal is being migrated.
    Migrating {
        /// Value of `Retry-After`.
        retry_after: u64,
    },
    /// 401, though the token is right.
    Unauthorized,
    /// The call is applied; its answer is held so long, then the connection ends without one.
    HoldAfter {
        /// Milliseconds.
        millis: u64,
    },
    /// The connection ends before the call is applied.
    DropBefore,
    /// The connection ends after the call was applied.
    DropAfter,
    /// The answer takes longer.
    Slow {
        /// Milliseconds.
        millis: u64,
    },
    /// A batch succeeds without results, and without being applied.
    EmptyResults,
    /// Some inputs of a batch fail for the time being, as 207.
    PartialFailure {
        /// Share of the inputs, 0 to 1; at least one fails.
        share: f64,
    },
    /// An administrator sets a rule.
    Rule(Rule),
}

/// When it goes wrong.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct When {
    /// With which probability.
    pub probability: f64,
    /// How often at most; without it, for ever.
    pub times: Option<u64>,
    /// After so many calls that it would have been for.
    pub after: u64,
    /// Only where the address contains this.
    pub path: Option<String>,
    /// For so many milliseconds of the portal's time.
    pub for_millis: Option<i64>,
}

impl Default for When {
    fn default() -> Self {
        Self {
            probability: 1.0,
            times: None,
            after: 0,
            path: None,
            for_millis: None,
        }
    }
}

impl When {
    /// So often.
    #[must_use]
    pub fn times(times: u64) -> Self {
        Self {
            times: Some(times),
            ..Self::default()
        }
    }

    /// With this probability.
    #[must_use]
    pub fn chance(probability: f64) -> Self {
        Self {
            probability,
            ..Self::default()
        }
    }

    /// Only where the address contains this.
    #[must_use]
    pub fn on(self, path: &str) -> Self {
        Self {
            path: Some(path.to_owned()),
            ..self
        }
    }
}

/// A misbehaviour that was asked for.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Active {
    #[serde(flatten)]
    what: Misbehaviour,
    when: When,
    until: Option<i64>,
    met: u64,
    done: u64,
}

impl Misbehaviour {
    /// Its name, as in JSON.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::TooManyRequests { .. } => "too_many_requests",
            Self::DailyLimit { .. } => "daily_limit",
            Self::ServerError => "server_error",
            Self::BadGateway => "bad_gateway",
            Self::Unavailable => "unavailable",
            Self::Locked => "locked",
            Self::Migrating { .. } => "migrating",
            Self::Unauthorized => "unauthorized",
            Self::HoldAfter { .. } => "hold_after",
            Self::DropBefore => "drop_before",
            Self::DropAfter => "drop_after",
            Self::Slow { .. } => "slow",
            Self::EmptyResults => "empty_results",
            Self::PartialFailure { .. } => "partial_failure",
            Self::Rule(_) => "rule",
        }
    }

    /// Whether it makes sense with a call.
    fn fits(&self, path: &str) -> bool {
        let batch = path.contains("/objects/") && path.contains("/batch/");
        match self {
            Self::EmptyResults => batch && !path.ends_with("/archive"),
            Self::PartialFailure { .. } => batch && !path.ends_with("/archive") && !path.ends_with("/read"),
            Self::Rule(_) => false,
            _ => true,
        }
    }
}

impl Portal {
    pub(crate) fn misbehave(&mut self, what: Misbehaviour, when: When) {
        if let Misbehaviour::Rule(rule) = what {
            self.rules.push(rule);
            return;
        }
        let until = when.for_millis.map(|millis| self.now().saturating_add(millis));
        self.misbehaviours.push(Active {
            what,
            when,
            until,
            met: 0,
            done: 0,
        });
    }

    /// What goes wrong with a call: the first that was asked for and has its turn.
    pub(crate) fn mischief(&mut self, path: &str) -> Option<Misbehaviour> {
        let now = self.now();
        let Self {
            misbehaviours, dice, ..
        } = self;
        let active = misbehaviours.iter_mut().find_map(|active| {
            let when = &active.when;
            let concerned = active.what.fits(path)
                && when.path.as_deref().is_none_or(|part| path.contains(part))
                && active.until.is_none_or(|until| now < until)
                && when.times.is_none_or(|times| active.done < times);
            if !concerned {
                return None;
            }
            active.met += 1;
            let turn = active.met > active.when.after
                && (active.when.probability >= 1.0 || dice.random::<f64>() < active.when.probability);
            turn.then_some(active)
        })?;
        active.done += 1;
        let what = active.what.clone();
        *self.counts.misbehaved.entry(what.name().to_owned()).or_default() += 1;
        Some(what)
    }
}
