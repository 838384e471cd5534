//! `hilo metrics`: the numbers.

use crate::{cli::Metrics, failure::Failure, place, say::say};
use anyhow::anyhow;
use hilo_contracts::{facts::Metric, json};
use hilo_domain::{Millis, time::to_rfc3339};
use hilo_golden::{Golden, MetricFilter, Tenants};
use hilo_views::GOLDEN_DB;

/// Rows read at once.
const ROWS: usize = 10_000;

pub(crate) fn run(arguments: &Metrics) -> Result<(), Failure> {
    let (config, dir) = place::open(&arguments.place)?;
    place::must_exist(&dir)?;
    let path = dir.join(GOLDEN_DB);
    if !path.exists() {
        let there = if config.kafka.is_some() {
            "`hilo run golden`"
        } else {
            "`hilo up`"
        };
        return Err(Failure::failed(anyhow!(
            "{} has no numbers: they are where {there} keeps its data, or ask its /v1/metrics",
            dir.display()
        )));
    }
    let golden = Golden::open_read_only(&path)?;
    let tenants = match &arguments.tenant {
        Some(tenant) => Tenants::of([tenant]),
        None => golden.tenants()?,
    };
    let mut filter = MetricFilter {
        definition: arguments.definition.clone(),
        // Without a time only the rows over all input.
        since: arguments.since.unwrap_or(Millis::MAX),
        until: Millis::MAX,
        after: None,
        limit: ROWS,
    };
    loop {
        let (rows, next) = golden.metrics(&tenants, &filter)?;
        let wanted = |row: &&Metric| row.window.is_some() == arguments.since.is_some();
        for row in rows.iter().filter(wanted) {
            if arguments.json {
                let mut text = Vec::new();
                json::write_metric(row, &mut text).map_err(anyhow::Error::from)?;
                say!("{}", String::from_utf8_lossy(&text))?;
            } else {
                say!("{}", line(row))?;
            }
        }
        if next.is_none() {
            return Ok(());
        }
        filter.after = next;
    }
}

fn line(row: &Metric) -> String {
    let dimensions: Vec<String> = row
        .dimensions
        .iter()
        .map(|dimension| format!("{}={}", dimension.name, dimension.value))
        .collect();
    let window = row
        .window
        .map_or_else(|| "all".to_owned(), |window| to_rfc3339(window.start));
    let number = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| value.to_string());
    let parts = match (row.numerator, row.denominator) {
        (None, None) => String::new(),
        (numerator, denominator) => format!(" ({} of {})", number(numerator), number(denominator)),
    };
    let percentiles = row
        .p50
        .map(|p50| format!(" p50 {p50} p90 {}", number(row.p90)))
        .unwrap_or_default();
    let last = if row.is_final { "final" } else { "provisional" };
    format!(
        "{:<10} {:<24} {window:<20} {:<60} {}{parts}{percentiles} {last}",
        row.tenant,
        row.metric,
        dimensions.join(" "),
        number(row.value)
    )
}
