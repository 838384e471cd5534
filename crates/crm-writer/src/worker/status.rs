//! How the writer is, for pages and metrics.

use super::{Shared, standing};
use crate::{
    budget::BudgetView,
    codes,
    facts::Lane,
    links::{Links, LinksError},
    worker::State,
};
use hilo_domain::Millis;
use std::{
    collections::BTreeMap,
    sync::{Arc, MutexGuard, PoisonError},
};

/// What happened in this process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Revisions that came in.
    pub received: u64,
    /// Revisions written, merged or deleted in the CRM.
    pub written: u64,
    /// Revisions that needed no request: the CRM held them, a newer one took their place, or they came again.
    pub skipped: u64,
    /// Revisions put off, once for each time.
    pub deferred: u64,
    /// Refused revisions by code.
    pub rejected: BTreeMap<String, u64>,
    /// Records that the CRM had not held before.
    pub created: u64,
}

/// How one CRM of one tenant is.
#[derive(Clone, Debug, PartialEq)]
pub struct LaneStatus {
    /// Whose, which CRM.
    pub lane: Lane,
    /// How the CRM is.
    pub state: State,
    /// What to do about that.
    pub action: Option<&'static str>,
    /// Records that wait.
    pub waiting: u64,
    /// Since when the oldest of them waits.
    pub oldest_waiting: Option<Millis>,
    /// Records by what became of their newest revision: written, skipped, rejected, merged, deleted. With those that wait
    /// they are all desired records.
    pub records: BTreeMap<String, u64>,
    /// Refused records by code.
    pub rejected: BTreeMap<String, u64>,
    /// What happened in this process.
    pub counters: Counters,
    /// Requests by what became of them.
    pub calls: BTreeMap<&'static str, u64>,
    /// The portal's budget.
    pub budget: BudgetView,
}

/// Answers how the writer is.
#[derive(Clone)]
pub struct Status {
    links: Links,
    lanes: Vec<Arc<Shared>>,
}

impl Status {
    pub(super) fn new(links: Links, lanes: Vec<Arc<Shared>>) -> Self {
        Self { links, lanes }
    }

    /// All lanes now. Reads the links file: not for a thread that must not wait for the disk.
    pub fn snapshot(&self) -> Result<Vec<LaneStatus>, LinksError> {
        self.lanes.iter().map(|shared| self.of(shared)).collect()
    }

    fn of(&self, shared: &Shared) -> Result<LaneStatus, LinksError> {
        let census = self.links.census(&shared.lane)?;
        let state = standing::of(shared).state().clone();
        let action = match &state {
            State::Open => None,
            State::Paused { code, .. } | State::Stopped { code, .. } => codes::action(code),
        };
        Ok(LaneStatus {
            lane: shared.lane.clone(),
            state,
            action,
            waiting: census.waiting,
            oldest_waiting: census.oldest,
            records: census.kinds,
            rejected: census.rejected,
            counters: counters(shared).clone(),
            calls: shared.sink.calls(),
            budget: shared.sink.budget(),
        })
    }
}

/// The counters of a lane.
pub(super) fn counters(shared: &Shared) -> MutexGuard<'_, Counters> {
    shared.counters.lock().unwrap_or_else(PoisonError::into_inner)
}
