//! Pages of the numbers.

use anyhow::Result;
use hilo_dashboard::{MetricPage, MetricQuery, SourceError};
use hilo_domain::{Millis, hash::to_hex, time::DAY};
use hilo_golden::{Golden, MetricCursor, MetricFilter, Tenants};
use serde::{Deserialize, Serialize};

/// Days of windows that a page shows when nobody says since when.
const DAYS: i64 = 7;

/// A cursor holds the window too: without it the default would move between two pages.
#[derive(Serialize, Deserialize)]
struct Cursor {
    since: Millis,
    until: Millis,
    after: MetricCursor,
}

impl Cursor {
    /// Letters and digits: it stands in an address.
    fn text(&self) -> Result<String> {
        Ok(to_hex(&serde_json::to_vec(self)?))
    }

    fn parse(text: &str) -> Option<Self> {
        if !text.len().is_multiple_of(2) {
            return None;
        }
        let bytes: Option<Vec<u8>> = text
            .as_bytes()
            .chunks(2)
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
            .collect();
        serde_json::from_slice(&bytes?).ok()
    }
}

/// Since when and until when rows with a window are shown: what is asked for, else the last days as of `now`.
#[must_use]
pub fn default_window(since: Option<Millis>, until: Option<Millis>, now: Millis) -> (Millis, Millis) {
    let last = until.unwrap_or(Millis::MAX);
    let first = since.unwrap_or_else(|| last.min(now).saturating_sub(DAYS * DAY));
    (first, last)
}

/// A page of the rows of some tenants.
pub(crate) fn page(golden: &Golden, tenants: &Tenants, query: &MetricQuery) -> Result<MetricPage> {
    let cursor = match &query.after {
        None => None,
        Some(after) => Some(Cursor::parse(after).ok_or(SourceError::BadCursor)?),
    };
    let (since, until, after) = match cursor {
        Some(cursor) => (cursor.since, cursor.until, Some(cursor.after)),
        None => {
            let (since, until) = default_window(query.since, query.until, golden.newest()?);
            (since, until, None)
        }
    };
    let filter = MetricFilter {
        definition: query.definition.clone(),
        since,
        until,
        after,
        limit: query.limit,
    };
    let (rows, next) = golden.metrics(tenants, &filter)?;
    let next = next.map(|after| Cursor { since, until, after }.text()).transpose()?;
    Ok(MetricPage { rows, next })
}
