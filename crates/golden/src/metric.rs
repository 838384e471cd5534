//! The current rows of the numbers: the highest revision of each, as it was published.

use crate::{Golden, GoldenError, Tenants, error::failed};
use hilo_contracts::{
    codec::Codec as _,
    facts::{Count, Dimension, Metric, Window},
};
use hilo_domain::{Millis, time::DAY};
use rusqlite::{CachedStatement, OptionalExtension as _, Params, Row, Transaction, params, types::Type};
use serde::{Deserialize, Serialize};

/// Start of the window of a row over all input: before every other one.
const ALL_INPUT: Millis = Millis::MIN;
/// Longest window: a day of 25 hours. A window that overlaps a time began no earlier than this before it.
const LONGEST: Millis = DAY + DAY / 24;

/// A row as a batch holds it.
#[derive(Debug)]
pub(crate) struct MetricRow {
    pub row: Metric,
    /// The record's value.
    pub fact: Vec<u8>,
}

/// The names of the dimensions and their values, as the key of a row.
fn dimensions(row: &Metric) -> String {
    let pairs = row
        .dimensions
        .iter()
        .map(|Dimension { name, value }| serde_json::Value::from(vec![name.as_str(), value.as_str()]));
    pairs.collect::<serde_json::Value>().to_string()
}

/// A higher revision replaces; a row that counts nothing any more stays as a mark, so that an older revision does not
/// bring it back.
pub(crate) fn write_metrics(transaction: &Transaction, rows: &[MetricRow]) -> Result<(), rusqlite::Error> {
    let mut put = transaction.prepare_cached(
        "INSERT INTO metric_rows VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
         ON CONFLICT DO UPDATE SET revision = excluded.revision, counts = excluded.counts, fact = excluded.fact
         WHERE excluded.revision > revision",
    )?;
    for MetricRow { row, fact } in rows {
        let (start, end) = row
            .window
            .map_or((ALL_INPUT, ALL_INPUT), |window| (window.start, window.end));
        put.execute(params![
            row.tenant,
            row.metric,
            row.definition,
            start,
            end,
            dimensions(row),
            row.revision,
            row.count != 0,
            fact,
        ])?;
    }
    Ok(())
}

/// A counter only rises, so the greatest amount holds.
pub(crate) fn write_counts(transaction: &Transaction, counts: &[Count]) -> Result<(), rusqlite::Error> {
    let mut put = transaction.prepare_cached(
        "INSERT INTO counts VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO UPDATE SET amount = max(amount, excluded.amount)",
    )?;
    for count in counts {
        put.execute(params![count.tenant, count.counter, count.label, count.amount])?;
    }
    Ok(())
}

/// A place in the order of the rows: those behind it come next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MetricCursor {
    tenant: String,
    metric: String,
    definition: String,
    start: Millis,
    end: Millis,
    dimensions: String,
}

impl MetricCursor {
    fn of(row: &Metric) -> Self {
        let window = row.window.unwrap_or(Window {
            start: ALL_INPUT,
            end: ALL_INPUT,
        });
        Self {
            tenant: row.tenant.clone(),
            metric: row.metric.clone(),
            definition: row.definition.clone(),
            start: window.start,
            end: window.end,
            dimensions: dimensions(row),
        }
    }
}

/// Which rows are wanted: those over all input, and those whose window ends after `since` and begins before `until`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetricFilter {
    /// A metric (`delivery_rate`) or a definition (`delivery_rate@1`); `None`: all.
    pub definition: Option<String>,
    /// Windows end after it.
    pub since: Millis,
    /// Windows begin before it.
    pub until: Millis,
    /// Rows behind this one.
    pub after: Option<MetricCursor>,
    /// At most so many.
    pub limit: usize,
}

impl Golden {
    /// Rows in the order of tenant, metric, definition, window and dimensions; and where the next ones begin, when there
    /// are more. Only what is asked for is read: neither other tenants' rows nor other windows.
    pub fn metrics(
        &self,
        tenants: &Tenants,
        filter: &MetricFilter,
    ) -> Result<(Vec<Metric>, Option<MetricCursor>), GoldenError> {
        let read = || -> Result<Vec<Metric>, rusqlite::Error> {
            let mut rows = Vec::new();
            let mut select = self.connection.prepare_cached(
                "SELECT fact FROM metric_rows
                 WHERE tenant = ?1 AND metric = ?2 AND definition = ?3 AND (starts, ends, dimensions) > (?4, ?5, ?6)
                   AND starts < ?7 AND (ends > ?8 OR ends = ?9) AND counts
                 ORDER BY starts, ends, dimensions LIMIT ?10",
            )?;
            let after = filter.after.as_ref();
            for (tenant, metric, definition) in self.definitions(tenants, filter)? {
                let name = (tenant.as_str(), metric.as_str(), definition.as_str());
                let last = after.map(|after| (after.tenant.as_str(), after.metric.as_str(), after.definition.as_str()));
                if last.is_some_and(|last| name < last) {
                    continue;
                }
                let behind = after.filter(|_| last == Some(name));
                let behind = behind.map(|after| (after.start, after.end, after.dimensions.as_str()));
                let windows = filter.since.saturating_sub(LONGEST).max(ALL_INPUT + 1);
                // All input first, then the windows: what lies between them is skipped.
                for (from, upto) in [(ALL_INPUT, ALL_INPUT + 1), (windows, filter.until)] {
                    let (start, end, dimensions) =
                        behind.map_or((from, ALL_INPUT, ""), |behind| behind.max((from, ALL_INPUT, "")));
                    let left = (filter.limit + 1).saturating_sub(rows.len());
                    let parameters = params![
                        tenant,
                        metric,
                        definition,
                        start,
                        end,
                        dimensions,
                        upto,
                        filter.since,
                        ALL_INPUT,
                        left as i64
                    ];
                    rows.extend(self.facts(&mut select, parameters)?);
                    if rows.len() > filter.limit {
                        return Ok(rows);
                    }
                }
            }
            Ok(rows)
        };
        let mut rows = read().map_err(failed("read"))?;
        let more = rows.len() > filter.limit;
        rows.truncate(filter.limit);
        let next = rows.last().filter(|_| more).map(MetricCursor::of);
        Ok((rows, next))
    }

    /// The rows over all input of a metric, without any dimension.
    pub fn totals(&self, tenants: &Tenants, metric: &str) -> Result<Vec<Metric>, GoldenError> {
        self.each(
            tenants,
            "SELECT fact FROM metric_rows INDEXED BY metric_totals
             WHERE tenant = ?1 AND metric = ?2 AND dimensions = '[]' AND starts = ?3 AND counts ORDER BY definition",
            metric,
            ALL_INPUT,
        )
    }

    /// The rows over all input of a metric by something, in the order of their dimensions.
    pub fn grouped(&self, tenants: &Tenants, metric: &str) -> Result<Vec<Metric>, GoldenError> {
        let read = || -> Result<Vec<Metric>, rusqlite::Error> {
            let mut select = self.connection.prepare_cached(
                "SELECT fact FROM metric_rows
                 WHERE tenant = ?1 AND metric = ?2 AND definition = ?3 AND starts = ?4 AND dimensions <> '[]' AND counts
                 ORDER BY dimensions",
            )?;
            let mut rows = Vec::new();
            for tenant in tenants.names() {
                for (_, definition) in self.names(tenant)?.iter().filter(|(name, _)| name == metric) {
                    rows.extend(self.facts(&mut select, params![tenant, metric, definition, ALL_INPUT])?);
                }
            }
            Ok(rows)
        };
        read().map_err(failed("read"))
    }

    /// The rows by the hour of a metric without any dimension that began at `since` or later, oldest first.
    pub fn hours(&self, tenants: &Tenants, metric: &str, since: Millis) -> Result<Vec<Metric>, GoldenError> {
        let mut rows = self.each(
            tenants,
            "SELECT fact FROM metric_rows INDEXED BY metric_totals
             WHERE tenant = ?1 AND metric = ?2 AND dimensions = '[]' AND starts >= ?3 AND counts ORDER BY starts",
            metric,
            since.max(ALL_INPUT + 1),
        )?;
        rows.retain(|row| row.window.is_some_and(|window| window.end - window.start < DAY / 2));
        Ok(rows)
    }

    /// The rows over all input of one tenant with exactly these dimensions, of any metric.
    pub fn with_dimensions(&self, tenant: &str, wanted: &[Dimension]) -> Result<Vec<Metric>, GoldenError> {
        let key = dimensions(&Metric {
            dimensions: wanted.to_vec(),
            ..Metric::default()
        });
        let read = || -> Result<Vec<Metric>, rusqlite::Error> {
            let mut select = self.connection.prepare_cached(
                "SELECT fact FROM metric_rows
                 WHERE tenant = ?1 AND metric = ?2 AND definition = ?3 AND starts = ?4 AND ends = ?4 AND dimensions = ?5
                   AND counts",
            )?;
            let mut rows = Vec::new();
            for (metric, definition) in self.names(tenant)? {
                rows.extend(self.facts(&mut select, params![tenant, metric, definition, ALL_INPUT, key])?);
            }
            Ok(rows)
        };
        read().map_err(failed("read"))
    }

    fn each(&self, tenants: &Tenants, sql: &str, metric: &str, start: Millis) -> Result<Vec<Metric>, GoldenError> {
        let read = || -> Result<Vec<Metric>, rusqlite::Error> {
            let mut select = self.connection.prepare_cached(sql)?;
            let mut rows = Vec::new();
            for tenant in tenants.names() {
                rows.extend(self.facts(&mut select, params![tenant, metric, start])?);
            }
            Ok(rows)
        };
        read().map_err(failed("read"))
    }

    /// Tenant, metric and definition of all rows that a filter may want, in order.
    fn definitions(
        &self,
        tenants: &Tenants,
        filter: &MetricFilter,
    ) -> Result<Vec<(String, String, String)>, rusqlite::Error> {
        let wanted = |metric: &str, definition: &str| {
            filter
                .definition
                .as_deref()
                .is_none_or(|name| name == metric || name == definition)
        };
        let mut all = Vec::new();
        for tenant in tenants.names() {
            let names = self.names(tenant)?.into_iter();
            let names = names.filter(|(metric, definition)| wanted(metric, definition));
            all.extend(names.map(|(metric, definition)| (tenant.clone(), metric, definition)));
        }
        Ok(all)
    }

    /// Metrics and definitions of a tenant, found by skipping from one to the next: there are few.
    fn names(&self, tenant: &str) -> Result<Vec<(String, String)>, rusqlite::Error> {
        // Two statements: of a comparison of pairs SQLite would read all rows of the first one's metric.
        let mut sibling = self.connection.prepare_cached(
            "SELECT metric, definition FROM metric_rows WHERE tenant = ?1 AND metric = ?2 AND definition > ?3
             ORDER BY definition LIMIT 1",
        )?;
        let mut next = self.connection.prepare_cached(
            "SELECT metric, definition FROM metric_rows WHERE tenant = ?1 AND metric > ?2
             ORDER BY metric, definition LIMIT 1",
        )?;
        let pair = |row: &Row| Ok((row.get(0)?, row.get(1)?));
        let mut names: Vec<(String, String)> = Vec::new();
        loop {
            let (metric, definition) = names.last().map_or(("", ""), |(metric, name)| (metric, name));
            let name = match sibling.query_row([tenant, metric, definition], pair).optional()? {
                Some(name) => Some(name),
                None => next.query_row([tenant, metric], pair).optional()?,
            };
            match name {
                Some(name) => names.push(name),
                None => return Ok(names),
            }
        }
    }

    fn facts(&self, statement: &mut CachedStatement, parameters: impl Params) -> Result<Vec<Metric>, rusqlite::Error> {
        let fact = |row: &Row| {
            let fact = row.get_ref(0)?.as_blob()?;
            let unreadable = |error| rusqlite::Error::FromSqlConversionFailure(0, Type::Blob, Box::new(error));
            self.codecs.metric.decode(fact).map_err(unreadable)
        };
        statement.query_map(parameters, fact)?.collect()
    }
}
