//! What the page asks of the pipeline.

use crate::model::Snapshot;
use crate::trace::Trace;
use hilo_contracts::facts::Metric;
use hilo_domain::Millis;
use hilo_service::Scope;
use thiserror::Error;

/// Where the page's content comes from. The calls may read a database: the server makes them on blocking threads, and
/// `snapshot` at most once a second, however many pages are open.
pub trait Source: Send + Sync + 'static {
    /// The state to show now.
    fn snapshot(&self, scope: &Scope) -> Result<Snapshot, SourceError>;

    /// The story of an id: a delivery, message, person or command id, or the `trace` of a number of the snapshot.
    fn trace(&self, scope: &Scope, id: &str) -> Result<Trace, SourceError>;

    /// The metric rows that match, highest revision of each only.
    fn metrics(&self, scope: &Scope, query: &MetricQuery) -> Result<Vec<Metric>, SourceError>;
}

/// Which metric rows are wanted; an absent part matches everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MetricQuery {
    /// Tenant by name.
    pub tenant: Option<String>,
    /// `delivery_rate@1`, or `delivery_rate` for all its versions.
    pub definition: Option<String>,
    /// Rows whose window ends after it; rows over all input match always.
    pub since: Option<Millis>,
}

impl MetricQuery {
    /// Whether a row is wanted.
    #[must_use]
    pub fn matches(&self, row: &Metric) -> bool {
        self.tenant.as_ref().is_none_or(|tenant| *tenant == row.tenant)
            && self
                .definition
                .as_ref()
                .is_none_or(|wanted| *wanted == row.definition || *wanted == row.metric)
            && self
                .since
                .is_none_or(|since| row.window.is_none_or(|window| window.end > since))
    }
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SourceError {
    /// The log knows nothing by that id.
    #[error("nothing is known by this id; check it for a missing character, or look in `hilo dlq list`")]
    NotFound,
    /// A store did not answer. The text names it and holds no personal data.
    #[error("{0}")]
    Unavailable(String),
}

#[cfg(test)]
mod tests {
    use super::*;
    use hilo_contracts::facts::Window;

    fn row(window: Option<Window>) -> Metric {
        Metric {
            tenant: "acme".into(),
            metric: "delivery_rate".into(),
            definition: "delivery_rate@1".into(),
            window,
            ..Metric::default()
        }
    }

    #[test]
    fn each_part_of_a_query_narrows_it() {
        let hour = row(Some(Window {
            start: 0,
            end: 3_600_000,
        }));
        let query = |tenant: Option<&str>, definition: Option<&str>, since| MetricQuery {
            tenant: tenant.map(Into::into),
            definition: definition.map(Into::into),
            since,
        };
        assert!(query(None, None, None).matches(&hour));
        assert!(query(Some("acme"), Some("delivery_rate"), Some(3_599_999)).matches(&hour));
        assert!(query(None, Some("delivery_rate@1"), None).matches(&hour));
        assert!(!query(Some("beta"), None, None).matches(&hour));
        assert!(!query(None, Some("delivery_rate@2"), None).matches(&hour));
        assert!(!query(None, None, Some(3_600_000)).matches(&hour));
        assert!(query(None, None, Some(i64::MAX)).matches(&row(None)));
    }
}
