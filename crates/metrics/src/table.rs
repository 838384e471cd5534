//! Rows as they stand: the highest revision of each, without those that are no more.

use hilo_contracts::facts::{Dimension, Metric, Window};
use hilo_domain::Millis;
use std::collections::BTreeMap;

/// What names a row.
type Key = (String, String, String, Option<Window>, Vec<Dimension>);

/// The rows of `hilo.metric`, folded in any order and with any repetition.
#[derive(Clone, Debug, Default)]
pub struct Table {
    rows: BTreeMap<Key, Metric>,
}

/// Which rows are wanted; an empty filter wants all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// One tenant.
    pub tenant: Option<String>,
    /// A metric (`delivery_rate`) or a definition (`delivery_rate@1`).
    pub definition: Option<String>,
    /// Windows that end after it; rows over all input stay.
    pub since: Option<Millis>,
}

impl Filter {
    /// Whether a row is wanted.
    #[must_use]
    pub fn wants(&self, row: &Metric) -> bool {
        let is = |wanted: &str| wanted == row.metric || wanted == row.definition;
        self.tenant.as_ref().is_none_or(|tenant| *tenant == row.tenant)
            && self.definition.as_deref().is_none_or(is)
            && self
                .since
                .is_none_or(|since| row.window.is_none_or(|window| window.end > since))
    }
}

impl Table {
    /// Takes in a row; an older revision changes nothing.
    pub fn apply(&mut self, row: Metric) {
        let key = (
            row.tenant.clone(),
            row.metric.clone(),
            row.definition.clone(),
            row.window,
            row.dimensions.clone(),
        );
        match self.rows.get_mut(&key) {
            Some(had) if had.revision >= row.revision => {}
            Some(had) => *had = row,
            None => {
                self.rows.insert(key, row);
            }
        }
    }

    /// The rows that stand, sorted by tenant, metric, definition, window and dimensions.
    pub fn rows(&self) -> impl Iterator<Item = &Metric> {
        self.rows.values().filter(|row| !is_withdrawn(row))
    }

    /// Those that a filter wants.
    pub fn select<'a>(&'a self, filter: &'a Filter) -> impl Iterator<Item = &'a Metric> {
        self.rows().filter(|row| filter.wants(row))
    }
}

/// Whether a metric is a series for the dashboard and none of the numbers that the interface names.
#[must_use]
pub fn is_internal(metric: &str) -> bool {
    metric.starts_with("traffic_")
}

/// Whether a revision says that the row is no more: its members went elsewhere. Every other row counts something.
#[must_use]
pub fn is_withdrawn(row: &Metric) -> bool {
    row.count == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(tenant: &str, metric: &str, window: Option<Window>, count: i64, revision: i64) -> Metric {
        Metric {
            tenant: tenant.to_owned(),
            metric: metric.to_owned(),
            definition: format!("{metric}@1"),
            window,
            count,
            revision,
            ..Metric::default()
        }
    }

    #[test]
    fn the_highest_revision_stands_in_any_order() {
        let mut rows = [1, 2, 3].map(|revision| row("acme", "delivery_rate", None, revision, revision));
        for _ in 0..rows.len() {
            rows.rotate_left(1);
            let mut table = Table::default();
            for row in rows.iter().chain(&rows) {
                table.apply(row.clone());
            }
            assert_eq!(table.rows().map(|row| row.count).collect::<Vec<_>>(), [3]);
        }
    }

    #[test]
    fn a_row_that_is_no_more_is_not_shown() {
        let mut table = Table::default();
        table.apply(row("acme", "unanswered", None, 0, 2));
        table.apply(row("acme", "unanswered", None, 4, 1));
        assert_eq!(table.rows().count(), 0);
    }

    #[test]
    fn filters_choose_tenant_definition_and_time() {
        let hour = |start| Some(Window { start, end: start + 10 });
        let mut table = Table::default();
        for row in [
            row("acme", "read_rate", hour(0), 1, 1),
            row("acme", "read_rate", hour(10), 2, 1),
            row("acme", "read_rate", None, 3, 1),
            row("acme", "delivery_rate", None, 4, 1),
            row("beta", "read_rate", None, 5, 1),
        ] {
            table.apply(row);
        }
        let counts = |filter: Filter| table.select(&filter).map(|row| row.count).collect::<Vec<_>>();
        let tenant = Some("acme".to_owned());
        let definition = Some("read_rate@1".to_owned());
        assert_eq!(
            counts(Filter {
                tenant: tenant.clone(),
                definition: definition.clone(),
                since: Some(10)
            }),
            [3, 2]
        );
        assert_eq!(
            counts(Filter {
                definition: Some("delivery_rate".to_owned()),
                ..Filter::default()
            }),
            [4]
        );
        assert_eq!(
            counts(Filter {
                tenant,
                definition,
                since: None
            }),
            [3, 1, 2]
        );
    }
}
