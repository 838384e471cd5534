//! `hilo.metric`: the numbers.

use hilo_domain::Millis;
use serde::{Deserialize, Serialize};

/// One dimension of a metric row. A list keeps the order of the definition.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Dimension {
    /// Name.
    pub name: String,
    /// Value; `unknown` where it is not known.
    pub value: String,
}

/// Window of a metric row, `[start, end)`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Window {
    /// First instant in it.
    pub start: Millis,
    /// First instant after it.
    pub end: Millis,
}

/// `hilo.metric`: one row of the numbers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Metric {
    /// Whose numbers.
    pub tenant: String,
    /// Name.
    pub metric: String,
    /// Name and version of the definition.
    pub definition: String,
    /// Null: all input.
    pub window: Option<Window>,
    /// Grouping; empty for the total.
    pub dimensions: Vec<Dimension>,
    /// Members that fulfil it; for durations the sum of seconds.
    pub numerator: Option<f64>,
    /// Members of the cohort.
    pub denominator: Option<f64>,
    /// The number.
    pub value: Option<f64>,
    /// Members that the row rests on.
    pub count: i64,
    /// Median, nearest rank.
    pub p50: Option<f64>,
    /// 90th percentile, nearest rank.
    pub p90: Option<f64>,
    /// Whether the horizon has passed and nothing is open.
    pub is_final: bool,
    /// The highest one holds.
    pub revision: i64,
}
