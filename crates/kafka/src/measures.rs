//! What a process tells of its lanes. The names are an API: alerts and dashboards use them.

use crate::reader::Behind;
use prometheus::{
    CounterVec, GaugeVec, Histogram, HistogramOpts, HistogramVec, IntCounterVec, IntGaugeVec, Opts, Registry,
};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Instant, SystemTime};

/// Counters, gauges and histograms of the lanes.
pub struct Measures {
    pub(crate) lag_records: IntGaugeVec,
    pub(crate) lag_seconds: GaugeVec,
    pub(crate) commits: IntCounterVec,
    pub(crate) aborts: IntCounterVec,
    pub(crate) restarts: IntCounterVec,
    pub(crate) rebalances: IntCounterVec,
    pub(crate) restored: IntCounterVec,
    pub(crate) restoring: IntGaugeVec,
    pub(crate) restore_seconds: HistogramVec,
    pub(crate) poison: IntCounterVec,
    pub(crate) batch_records: HistogramVec,
    pub(crate) commit_seconds: HistogramVec,
    pub(crate) latency: HistogramVec,
    pub(crate) events: CounterVec,
    pub(crate) read: IntCounterVec,
    last_commit: GaugeVec,
    /// By lane: when it last did something, and whether it has its partitions and their state.
    lanes: Mutex<BTreeMap<String, Pulse>>,
}

#[derive(Clone, Copy)]
struct Pulse {
    at: Instant,
    ready: bool,
}

impl Measures {
    /// Registers everything.
    pub fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let by_partition = &["processor", "topic", "partition"];
        let by_processor = &["processor"];
        let measures = Self {
            lag_records: IntGaugeVec::new(
                Opts::new(
                    "hilo_lag_records",
                    "Records that wait, of the partitions that this process owns.",
                ),
                by_partition,
            )?,
            lag_seconds: GaugeVec::new(
                Opts::new(
                    "hilo_lag_seconds",
                    "Age of the last processed record while records wait, of the partitions that this process owns; 0 when \
                     none waits.",
                ),
                by_partition,
            )?,
            commits: IntCounterVec::new(Opts::new("hilo_commits_total", "Committed transactions."), by_processor)?,
            aborts: IntCounterVec::new(
                Opts::new("hilo_aborts_total", "Transactions that were given up, by reason."),
                &["processor", "reason"],
            )?,
            restarts: IntCounterVec::new(
                Opts::new(
                    "hilo_lane_restarts_total",
                    "Lanes that started anew after a failure, by reason.",
                ),
                &["processor", "reason"],
            )?,
            rebalances: IntCounterVec::new(
                Opts::new(
                    "hilo_rebalances_total",
                    "Changes of the owned partitions: assigned, revoked, lost.",
                ),
                &["processor", "kind"],
            )?,
            restored: IntCounterVec::new(
                Opts::new("hilo_restored_entries_total", "Entries of state read from changelogs."),
                by_processor,
            )?,
            restoring: IntGaugeVec::new(
                Opts::new(
                    "hilo_restore_remaining_records",
                    "Records of changelogs that are still to be read.",
                ),
                by_processor,
            )?,
            restore_seconds: HistogramVec::new(
                HistogramOpts::new("hilo_restore_seconds", "Time to restore the state of a partition.")
                    .buckets(vec![0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0]),
                by_processor,
            )?,
            poison: IntCounterVec::new(
                Opts::new(
                    "hilo_poison_records_total",
                    "Records that became a dead letter because a processor failed on them.",
                ),
                by_processor,
            )?,
            batch_records: HistogramVec::new(
                HistogramOpts::new("hilo_batch_records", "Records of a committed transaction.")
                    .buckets(vec![1.0, 10.0, 100.0, 1_000.0, 10_000.0, 50_000.0]),
                by_processor,
            )?,
            commit_seconds: HistogramVec::new(
                HistogramOpts::new("hilo_commit_seconds", "Time that a commit took.")
                    .buckets(vec![0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0]),
                by_processor,
            )?,
            latency: HistogramVec::new(
                HistogramOpts::new(
                    "hilo_latency_seconds",
                    "From the gateway's receipt to the commit of what the processor made of it.",
                )
                .buckets(vec![0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 2.0, 5.0, 30.0, 300.0]),
                by_processor,
            )?,
            events: CounterVec::new(
                Opts::new(
                    "hilo_events_total",
                    "What the processors counted in this process: items by outcome, dead letters by reason. A restart begins \
                     at 0, and a crash between commit and count loses a batch: the topics are the truth.",
                ),
                &["counter", "label"],
            )?,
            read: IntCounterVec::new(
                Opts::new(
                    "hilo_ledger_records_total",
                    "Records that a reader outside of transactions took in.",
                ),
                &["reader"],
            )?,
            last_commit: GaugeVec::new(
                Opts::new(
                    "hilo_last_commit_timestamp_seconds",
                    "When a lane last committed, or had nothing to commit.",
                ),
                &["processor", "lane"],
            )?,
            lanes: Mutex::default(),
        };
        for collector in measures.collectors() {
            registry.register(collector)?;
        }
        Ok(measures)
    }

    fn collectors(&self) -> Vec<Box<dyn prometheus::core::Collector>> {
        vec![
            Box::new(self.lag_records.clone()),
            Box::new(self.lag_seconds.clone()),
            Box::new(self.commits.clone()),
            Box::new(self.aborts.clone()),
            Box::new(self.restarts.clone()),
            Box::new(self.rebalances.clone()),
            Box::new(self.restored.clone()),
            Box::new(self.restoring.clone()),
            Box::new(self.restore_seconds.clone()),
            Box::new(self.poison.clone()),
            Box::new(self.batch_records.clone()),
            Box::new(self.commit_seconds.clone()),
            Box::new(self.latency.clone()),
            Box::new(self.events.clone()),
            Box::new(self.read.clone()),
            Box::new(self.last_commit.clone()),
        ]
    }

    /// Shows the counters of a processor from 0 on: for an alert, what appears with a value has not grown.
    pub(crate) fn begin(&self, processor: &str) {
        for counter in [&self.commits, &self.restored, &self.poison] {
            counter.with_label_values(&[processor]);
        }
        for reason in ["commit", "fenced", "lost", "poison"] {
            self.aborts.with_label_values(&[processor, reason]);
        }
        for reason in ["client", "fenced", "indeterminate", "processor", "state"] {
            self.restarts.with_label_values(&[processor, reason]);
        }
    }

    /// A lane did something, or looked and there was nothing to do.
    pub(crate) fn pulse(&self, processor: &str, lane: usize, ready: bool) {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        let pulse = Pulse {
            at: Instant::now(),
            ready,
        };
        lanes.insert(format!("{processor}-{lane}"), pulse);
    }

    pub(crate) fn committed(&self, processor: &str, lane: usize) {
        let since = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        self.last_commit
            .with_label_values(&[processor, &lane.to_string()])
            .set(since.as_secs_f64());
    }

    /// Records that a processor's lanes committed in this process.
    #[must_use]
    pub fn processed(&self, processor: &str) -> u64 {
        self.batch_records.with_label_values(&[processor]).get_sample_sum() as u64
    }

    /// Commits of a processor's lanes in this process, and the seconds that they took.
    #[must_use]
    pub fn commits(&self, processor: &str) -> (u64, f64) {
        let seconds = self.commit_seconds.with_label_values(&[processor]);
        (seconds.get_sample_count(), seconds.get_sample_sum())
    }

    /// A reader outside of transactions took in so many records, perhaps none.
    pub fn took_in(&self, reader: &str, place: usize, records: u64) {
        self.pulse(reader, place, true);
        self.read.with_label_values(&[reader]).inc_by(records);
    }

    /// How far a reader outside of transactions is behind at a time, milliseconds.
    pub fn is_behind(&self, reader: &str, behind: &Behind, now: i64) {
        let labels = [reader, behind.topic, &behind.partition.to_string()];
        self.lag_records.with_label_values(&labels).set(behind.records);
        let waits = behind.records > 0 && behind.appended > 0;
        let age = if waits { (now - behind.appended).max(0) } else { 0 };
        self.lag_seconds.with_label_values(&labels).set(age as f64 / 1_000.0);
    }

    /// The histogram of one processor, looked up once.
    pub(crate) fn latency_of(&self, processor: &str) -> Histogram {
        self.latency.with_label_values(&[processor])
    }

    /// Whether every lane has moved within `patience`; else which one has not.
    pub fn alive(&self, patience: std::time::Duration) -> Result<(), String> {
        let lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        match lanes.iter().find(|(_, pulse)| pulse.at.elapsed() > patience) {
            None => Ok(()),
            Some((lane, pulse)) => Err(format!(
                "lane {lane} has not moved for {} s: it hangs, or the broker does not answer",
                pulse.at.elapsed().as_secs()
            )),
        }
    }

    /// Whether every lane has joined its group and restored its state; else which one has not.
    pub fn all_ready(&self) -> Result<(), String> {
        let lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        match lanes.iter().find(|(_, pulse)| !pulse.ready) {
            None => Ok(()),
            Some((lane, _)) => Err(format!("lane {lane} waits for its group or restores its state")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_that_alerts_watch_begin_at_0() {
        let registry = Registry::new();
        let measures = Measures::new(&registry).unwrap();
        measures.begin("status");
        let text = prometheus::TextEncoder::new()
            .encode_to_string(&registry.gather())
            .unwrap();
        for sample in [
            "hilo_commits_total{processor=\"status\"} 0",
            "hilo_poison_records_total{processor=\"status\"} 0",
            "hilo_aborts_total{processor=\"status\",reason=\"fenced\"} 0",
            "hilo_lane_restarts_total{processor=\"status\",reason=\"client\"} 0",
        ] {
            assert!(text.lines().any(|line| line == sample), "{sample} is not in {text}");
        }
    }
}
