//! The numbers, from the definitions and from the messages, people and sessions that the reference found: metrics.md.

mod answers;
mod bots;
mod cohorts;
mod errors;
mod handling;
mod optouts;
mod outcomes;
mod ratings;
mod replies;
mod resolution;
mod rows;
mod sends;
mod states;
mod times;
mod tracks;

use super::{items::Item, json::write_time, messages::Message, people::People, sessions::Session};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const HOUR: i64 = 3_600_000;

/// All that numbers are made of.
pub(crate) struct World<'a> {
    pub(crate) items: &'a [Item],
    /// Without those of test deliveries.
    pub(crate) messages: &'a [Message<'a>],
    /// By tenant.
    pub(crate) people: &'a BTreeMap<&'a str, People>,
    pub(crate) sessions: &'a [Session<'a>],
    /// The greatest event time seen.
    pub(crate) now: i64,
    pub(crate) tie: Tie,
}

/// Which of several recipients holds whom statuses of one time name: no document says, and either will do, if it is
/// always the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tie {
    Least,
    Greatest,
}

impl World<'_> {
    /// The person with whom an item was exchanged.
    fn person(&self, item: &Item) -> Option<usize> {
        let place = self.items.iter().position(|other| std::ptr::eq(item, other))?;
        self.people[item.tenant.as_str()].partner(place)
    }
}

/// Start and end of a row; nothing over all input.
pub(crate) type Window = Option<(i64, i64)>;

/// What a row is about. Its text names the row: no two rows of one metric are about the same.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Name {
    pub(crate) tenant: String,
    pub(crate) metric: &'static str,
    pub(crate) window: Window,
    pub(crate) dimensions: BTreeMap<&'static str, String>,
}

/// What a row says.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Numbers {
    pub(crate) numerator: Option<f64>,
    pub(crate) denominator: Option<f64>,
    pub(crate) value: Option<f64>,
    pub(crate) count: i64,
    pub(crate) p50: Option<f64>,
    pub(crate) p90: Option<f64>,
    pub(crate) is_final: bool,
}

/// The windows that hold an anchor: its hour, its day, all input. Tenants without a zone live in UTC.
pub(crate) fn windows(anchor: i64) -> [Window; 3] {
    let of = |length: i64| {
        let start = anchor.div_euclid(length) * length;
        Some((start, start + length))
    };
    [of(HOUR), of(24 * HOUR), None]
}

/// Names of the metrics that the reference computes.
pub(crate) const METRICS: &[&str] = &[
    "delivery_rate",
    "read_rate",
    "failure_rate",
    "reply_rate",
    "reply_rate_strong",
    "opt_out_rate",
    "quality_rating",
    "messaging_limit",
    "frt_human_seconds",
    "frt_any_seconds",
    "unanswered",
    "reply_time_seconds",
    "handle_active_seconds",
    "handle_assigned_seconds",
    "elapsed_resolution_seconds",
    "fcr_rate",
    "bot_containment_rate",
    "bot_escalation_rate",
    "csat_rate",
    "ces_mean",
];

/// Rows of all these metrics, as lines of `metrics.ndjson` without their revision, sorted.
pub(crate) fn lines(world: &World) -> String {
    let sends = sends::sends(world);
    let said = replies::said(world, &sends);
    let mut rows: Vec<(Name, Numbers)> = outcomes::rows(&sends, world.now);
    rows.extend(replies::rows(&sends, &said, world.now));
    rows.extend(optouts::rows(world, &sends, &said));
    rows.extend(states::rows(world));
    let tracks = tracks::tracks(world);
    for rows_of in [times::rows, handling::rows, resolution::rows, bots::rows, ratings::rows] {
        rows.extend(rows_of(&tracks, world.now));
    }
    let mut lines: Vec<String> = rows.iter().map(|(name, numbers)| line(name, numbers)).collect();
    lines.sort();
    lines.into_iter().map(|line| line + "\n").collect()
}

fn line(name: &Name, numbers: &Numbers) -> String {
    let window = name
        .window
        .map(|(start, end)| json!({"start": write_time(start), "end": write_time(end)}));
    let number = |number: Option<f64>| number.map(|number| json!(number));
    let row = json!({
        "tenant": name.tenant, "metric": name.metric, "definition": format!("{}@1", name.metric), "window": window,
        "dimensions": name.dimensions, "numerator": number(numbers.numerator), "denominator": number(numbers.denominator),
        "value": number(numbers.value), "count": numbers.count, "p50": number(numbers.p50), "p90": number(numbers.p90),
        "is_final": numbers.is_final,
    });
    row.to_string()
}

/// The pipeline's rows of the same metrics in the same form.
pub(crate) fn of_pipeline(metrics: &str) -> String {
    let mut lines: Vec<String> = metrics
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter(|row| METRICS.iter().any(|name| row["metric"] == *name))
        .map(|mut row| {
            row.as_object_mut().unwrap().remove("revision");
            for number in ["numerator", "denominator", "value", "p50", "p90"] {
                row[number] = row[number].as_f64().map_or(Value::Null, |number| json!(number));
            }
            row.to_string()
        })
        .collect();
    lines.sort();
    lines.into_iter().map(|line| line + "\n").collect()
}
