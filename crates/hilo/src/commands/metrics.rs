//! `hilo metrics`: the numbers.

use crate::{cli::Metrics, failure::Failure, kafka, node, place, say::say, topology};
use hilo_contracts::{
    codec::{self, Codec as _},
    facts::Metric,
    json, topics,
};
use hilo_domain::time::to_rfc3339;
use hilo_kafka::Whole;
use hilo_metrics::table::Table;
use hilo_stream::embedded::Log;

pub(crate) fn run(arguments: &Metrics) -> Result<(), Failure> {
    let (config, dir) = place::open(&arguments.place)?;
    let mut table = Table::default();
    // A data directory that is named is meant.
    if config.kafka.is_some() && arguments.place.data_dir.is_none() {
        let place = kafka::Place::new(&config)?;
        let codec = codec::metric();
        let mut reader = Whole::open(&place.cluster, topics::METRIC, place.framing()?)?;
        while let Some(records) = reader.read()? {
            for received in records {
                table.apply(codec.decode(&received.record.value)?);
            }
        }
    } else {
        place::must_exist(&dir)?;
        let topology = topology::topology(&place::tenants(&config))?;
        let mut log = Log::open(&dir, &topology);
        let mut from = 0;
        loop {
            let rows = node::read_metrics(&mut log, &mut from)?;
            if rows.is_empty() {
                break;
            }
            for row in rows {
                table.apply(row);
            }
        }
    }
    let wanted = |row: &&Metric| {
        arguments.tenant.as_ref().is_none_or(|tenant| *tenant == row.tenant)
            && arguments
                .definition
                .as_ref()
                .is_none_or(|name| *name == row.metric || *name == row.definition)
            && match (arguments.since, row.window) {
                (None, window) => window.is_none(),
                (Some(since), window) => window.is_some_and(|window| window.end > since),
            }
    };
    for row in table.rows().filter(wanted) {
        if arguments.json {
            let mut text = Vec::new();
            json::write_metric(row, &mut text).map_err(anyhow::Error::from)?;
            say!("{}", String::from_utf8_lossy(&text))?;
        } else {
            say!("{}", line(row))?;
        }
    }
    Ok(())
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
