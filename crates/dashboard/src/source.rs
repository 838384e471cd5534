//! What the page asks of the pipeline.

use crate::model::Snapshot;
use crate::trace::Trace;
use hilo_contracts::facts::Metric;
use hilo_domain::Millis;
use hilo_service::Scope;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use thiserror::Error;

/// Where the page's content comes from. The calls may read a database: the server makes them on blocking threads, and
/// `snapshot` at most once a second for each scope, however many pages are open.
pub trait Source: Send + Sync + 'static {
    /// The state to show now.
    fn snapshot(&self, scope: &Scope) -> Result<Snapshot, SourceError>;

    /// The story of an id: a delivery, message, person or command id, or the `trace` of a number of the snapshot. It
    /// ends early once `asked` says that nobody waits any more.
    fn trace(&self, scope: &Scope, id: &str, asked: &Asked) -> Result<Trace, SourceError>;

    /// A page of the metric rows that match, highest revision of each only.
    fn metrics(&self, scope: &Scope, query: &MetricQuery) -> Result<MetricPage, SourceError>;
}

/// Whether somebody still waits for an answer.
#[derive(Clone, Debug, Default)]
pub struct Asked(Arc<AtomicBool>);

impl Asked {
    /// An error once nobody waits: `asked.still()?` between the steps of the work.
    pub fn still(&self) -> Result<(), SourceError> {
        if self.0.load(Ordering::Acquire) {
            return Err(SourceError::Abandoned);
        }
        Ok(())
    }

    /// Says that nobody waits any more.
    pub fn abandon(&self) {
        self.0.store(true, Ordering::Release);
    }
}

/// Rows of a page when nobody says how many.
pub(crate) const METRIC_ROWS: usize = 1_000;
/// Rows of a page at most.
pub(crate) const MAX_METRIC_ROWS: usize = 10_000;

/// Which metric rows are wanted; an absent part matches everything. Rows over all input match any time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetricQuery {
    /// Tenant by name.
    pub tenant: Option<String>,
    /// `delivery_rate@1`, or `delivery_rate` for all its versions.
    pub definition: Option<String>,
    /// Rows whose window ends after it; without it the source's default.
    pub since: Option<Millis>,
    /// Rows whose window begins before it.
    pub until: Option<Millis>,
    /// Rows behind the page that gave this.
    pub after: Option<String>,
    /// Rows at most.
    pub limit: usize,
}

impl Default for MetricQuery {
    fn default() -> Self {
        Self {
            tenant: None,
            definition: None,
            since: None,
            until: None,
            after: None,
            limit: METRIC_ROWS,
        }
    }
}

/// Rows, and how to ask for the next ones.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MetricPage {
    /// In the order of tenant, metric, definition, window and dimensions.
    pub rows: Vec<Metric>,
    /// [`MetricQuery::after`] of the next page; `None` at the end. Letters and digits only.
    pub next: Option<String>,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SourceError {
    /// The log knows nothing by that id.
    #[error("nothing is known by this id")]
    NotFound,
    /// A store did not answer. The text names it and holds no personal data.
    #[error("{0}")]
    Unavailable(String),
    /// What is shown is behind what was there at the start; the text says how far.
    #[error("{0}")]
    CatchingUp(String),
    /// [`MetricQuery::after`] is none that a page gave.
    #[error("`after` is no cursor of a page")]
    BadCursor,
    /// Nobody waits for the answer any more.
    #[error("nobody waits for the answer any more")]
    Abandoned,
}
