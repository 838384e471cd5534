//! What a portal is set up with.

use crate::{clock::Clock, object::Object};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, fmt};

/// A portal's settings.
#[derive(Clone)]
pub struct Options {
    /// The token that is accepted as bearer, as a Service Key is.
    pub token: String,
    /// Id, secret and refresh token of an application, for the token endpoint.
    pub app: App,
    /// Scopes of the token; `None` is all.
    pub scopes: Option<BTreeSet<String>>,
    /// The portal's number.
    pub portal_id: u64,
    /// Its time zone, whose midnight begins a new daily budget.
    pub time_zone: String,
    /// Currencies that are enabled; the first is the portal's own.
    pub currencies: Vec<String>,
    /// Owners.
    pub owners: Vec<Owner>,
    /// Rules of an administrator. They bind calls of `2026-09` only, as in the real one.
    pub rules: Vec<Rule>,
    /// How a value is refused that another record holds.
    pub conflicts: Conflicts,
    /// Calls that an application may make in ten seconds.
    pub burst: u32,
    /// Calls of a day.
    pub daily: u32,
    /// Searches of a second.
    pub searches: u32,
    /// When a change is seen by searches.
    pub search_lag: SearchLag,
    /// Whether results come in another order than inputs.
    pub shuffle: bool,
    /// Whether results say the trace id of their input; the real one does not always.
    pub echo_trace_ids: bool,
    /// Seed of all chance.
    pub seed: u64,
    /// Where time comes from.
    pub clock: Clock,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            token: "pat-hilo-simulator".to_owned(),
            app: App {
                id: "hilo-client".to_owned(),
                secret: "hilo-secret".to_owned(),
                refresh_token: "hilo-refresh".to_owned(),
            },
            scopes: None,
            portal_id: 4_815_162,
            time_zone: "America/Santiago".to_owned(),
            currencies: ["CLP", "USD", "MXN", "COP", "ARS", "BRL", "PEN", "CLF"]
                .map(str::to_owned)
                .into(),
            owners: vec![
                Owner::new(7_001, "ana@example.test", "Ana", "Rojas"),
                Owner::new(7_002, "luis@example.test", "Luis", "Prado"),
            ],
            rules: Vec::new(),
            conflicts: Conflicts::default(),
            burst: 190,
            daily: 625_000,
            searches: 5,
            search_lag: SearchLag::default(),
            shuffle: true,
            echo_trace_ids: true,
            seed: 1,
            clock: Clock::Machine,
        }
    }
}

impl Options {
    /// Without limits on calls, for measurements.
    #[must_use]
    pub fn unlimited() -> Self {
        Self {
            burst: u32::MAX,
            daily: u32::MAX,
            searches: u32::MAX,
            ..Self::default()
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("portal_id", &self.portal_id)
            .field("seed", &self.seed)
            .finish_non_exhaustive()
    }
}

/// An application that asks for tokens.
#[derive(Clone)]
pub struct App {
    /// `client_id`.
    pub id: String,
    /// `client_secret`.
    pub secret: String,
    /// `refresh_token`.
    pub refresh_token: String,
}

/// Somebody who can own records.
#[derive(Clone, Debug)]
pub struct Owner {
    /// Id, as `hubspot_owner_id` has it.
    pub id: u64,
    /// E-mail address.
    pub email: String,
    /// First name.
    pub first_name: String,
    /// Last name.
    pub last_name: String,
}

impl Owner {
    /// An owner.
    #[must_use]
    pub fn new(id: u64, email: &str, first_name: &str, last_name: &str) -> Self {
        Self {
            id,
            email: email.to_owned(),
            first_name: first_name.to_owned(),
            last_name: last_name.to_owned(),
        }
    }
}

/// A property that an administrator requires.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Of which object.
    pub object: Object,
    /// Only where this property has this value.
    #[serde(default)]
    pub when: Option<(String, String)>,
    /// The property that must have a value.
    pub required: String,
}

/// How a value is refused that another record holds. Both are seen in reality: the first where a contact's e-mail
/// address is taken, the second for custom unique properties.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Conflicts {
    /// 409 with category `CONFLICT`.
    #[default]
    Conflict,
    /// 400 with category `VALIDATION_ERROR` and code `CONFLICTING_UNIQUE_VALUE`.
    Validation,
}

/// When a change is seen by searches: after so many further calls and so much time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SearchLag {
    /// Calls.
    pub calls: u64,
    /// Milliseconds.
    pub millis: i64,
}

impl Default for SearchLag {
    fn default() -> Self {
        Self { calls: 5, millis: 0 }
    }
}
