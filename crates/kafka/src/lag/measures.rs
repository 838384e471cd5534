//! What is exported of groups. The names are an API: alerts and dashboards use them.

use super::Standing;
use hilo_domain::Millis;
use prometheus::{Gauge, GaugeVec, IntGaugeVec, Opts, Registry};

/// Gauges of groups.
pub struct LagMeasures {
    records: IntGaugeVec,
    seconds: GaugeVec,
    members: IntGaugeVec,
    looked: Gauge,
}

impl LagMeasures {
    /// Registers everything.
    pub fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let by_partition = &["group", "topic", "partition"];
        let measures = Self {
            records: IntGaugeVec::new(
                Opts::new(
                    "hilo_group_lag_records",
                    "Records that a group has not committed, as the broker knows it.",
                ),
                by_partition,
            )?,
            seconds: GaugeVec::new(
                Opts::new(
                    "hilo_group_lag_seconds",
                    "Age of the oldest record that a group has not committed; 0 when none waits.",
                ),
                by_partition,
            )?,
            members: IntGaugeVec::new(
                Opts::new("hilo_group_members", "Members of a group that joins one."),
                &["group"],
            )?,
            looked: Gauge::new(
                "hilo_group_looked_timestamp_seconds",
                "When all groups were looked at last, Unix time.",
            )?,
        };
        registry.register(Box::new(measures.records.clone()))?;
        registry.register(Box::new(measures.seconds.clone()))?;
        registry.register(Box::new(measures.members.clone()))?;
        registry.register(Box::new(measures.looked.clone()))?;
        Ok(measures)
    }

    /// What was seen.
    pub fn see(&self, standings: &[Standing], now: Millis) {
        for standing in standings {
            for lag in &standing.lags {
                let partition = lag.partition.to_string();
                let labels = &[standing.group.as_str(), lag.topic, partition.as_str()];
                let records = i64::try_from(lag.records).unwrap_or(i64::MAX);
                self.records.with_label_values(labels).set(records);
                let age = match lag.oldest {
                    Some(oldest) => Some((now - oldest).max(0) as f64 / 1_000.0),
                    // What waits and could not be read keeps the age that it had.
                    None => (lag.records == 0).then_some(0.0),
                };
                if let Some(age) = age {
                    self.seconds.with_label_values(labels).set(age);
                }
            }
            if let Some(members) = standing.members {
                let members = i64::try_from(members).unwrap_or(i64::MAX);
                self.members.with_label_values(&[&standing.group]).set(members);
            }
        }
        self.looked.set(now as f64 / 1_000.0);
    }
}
