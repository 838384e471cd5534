//! The worked example: hand-made facts that say what its capture says must give its rows.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::{example, replay};
use hilo_contracts::facts::Metric;
use serde_json::{Map, Value, json};
use std::{collections::BTreeSet, path::Path};

/// Metrics of the dashboard alone: the example does not list them.
const INTERNAL: [&str; 2] = ["traffic_inbound", "traffic_outbound"];

#[test]
fn the_worked_example_gives_its_rows() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/example/expected/metrics.ndjson");
    let Ok(expected) = std::fs::read_to_string(&path) else {
        eprintln!("SKIPPED: the worked example is not beside the checkout");
        return;
    };
    let expected: BTreeSet<String> = expected
        .lines()
        .map(|line| text(&serde_json::from_str(line).unwrap()))
        .collect();
    let found: BTreeSet<String> = replay(&example::facts(), example::now())
        .iter()
        .filter(|row| row.window.is_none() && !INTERNAL.contains(&row.metric.as_str()))
        .map(|row| text(&shown(row)))
        .collect();
    let missing: Vec<_> = expected.difference(&found).collect();
    let extra: Vec<_> = found.difference(&expected).collect();
    assert!(
        missing.is_empty() && extra.is_empty(),
        "missing: {missing:#?}\nextra: {extra:#?}"
    );
    assert_eq!(found.len(), 252);
}

fn shown(row: &Metric) -> Value {
    let dimensions: Map<String, Value> = row
        .dimensions
        .iter()
        .map(|dimension| (dimension.name.clone(), json!(dimension.value)))
        .collect();
    json!({
        "tenant": row.tenant, "metric": row.metric, "definition": row.definition, "window": null,
        "dimensions": dimensions, "numerator": row.numerator, "denominator": row.denominator, "value": row.value,
        "count": row.count, "p50": row.p50, "p90": row.p90, "is_final": row.is_final,
    })
}

/// One text for equal rows: keys sorted, numbers as floating point.
fn text(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let fields: std::collections::BTreeMap<&String, String> =
                fields.iter().map(|(name, value)| (name, text(value))).collect();
            format!("{fields:?}")
        }
        Value::Number(number) => format!("{:?}", number.as_f64()),
        other => other.to_string(),
    }
}
