//! The runtime of the embedded engine as Prometheus metrics, read when somebody asks.

use hilo_stream::{
    Topology,
    embedded::{Log, ProgressWatch},
};
use prometheus::{
    Counter, CounterVec, Gauge, Opts,
    core::{Collector, Desc},
    proto::MetricFamily,
};
use std::{
    path::Path,
    sync::{Mutex, PoisonError},
};
use tracing::warn;

/// Collects the engine's progress and counters. Its names are an API: alerts and dashboards use them.
pub(crate) struct RuntimeMetrics {
    watch: ProgressWatch,
    log: Mutex<Log>,
    lag_records: Gauge,
    lag_seconds: Gauge,
    commits: Counter,
    running: Gauge,
    events: CounterVec,
}

impl RuntimeMetrics {
    pub(crate) fn new(watch: ProgressWatch, dir: &Path, topology: &Topology) -> prometheus::Result<Self> {
        Ok(Self {
            watch,
            log: Mutex::new(Log::open(dir, topology)),
            lag_records: Gauge::new("hilo_engine_lag_records", "Raw records that are not processed yet.")?,
            lag_seconds: Gauge::new(
                "hilo_engine_lag_seconds",
                "Seconds since the last commit while raw records wait; 0 when none waits.",
            )?,
            commits: Counter::new("hilo_engine_commits_total", "Transactions of this process.")?,
            running: Gauge::new("hilo_engine_running", "1 while the engine may still commit, else 0.")?,
            events: CounterVec::new(
                Opts::new(
                    "hilo_events_total",
                    "What the processors counted since the first record: items by outcome, dead letters by reason, \
                     lines, deliveries, statuses.",
                ),
                &["counter", "label"],
            )?,
        })
    }

    fn refresh(&self) {
        let progress = self.watch.get();
        self.lag_records.set(progress.lag_records as f64);
        let age = progress
            .last_commit
            .and_then(|at| at.elapsed().ok())
            .unwrap_or_default();
        self.lag_seconds.set(if progress.lag_records == 0 {
            0.0
        } else {
            age.as_secs_f64()
        });
        self.commits.reset();
        self.commits.inc_by(progress.batches as f64);
        self.running.set(f64::from(u8::from(progress.running)));
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        match log.counts() {
            Ok(counts) => {
                self.events.reset();
                for ((counter, label), count) in counts {
                    self.events.with_label_values(&[counter, label]).inc_by(count as f64);
                }
            }
            Err(error) => warn!(%error, "the counters cannot be read"),
        }
    }

    fn parts(&self) -> [&dyn Collector; 5] {
        [
            &self.lag_records,
            &self.lag_seconds,
            &self.commits,
            &self.running,
            &self.events,
        ]
    }
}

impl Collector for RuntimeMetrics {
    fn desc(&self) -> Vec<&Desc> {
        self.parts().into_iter().flat_map(Collector::desc).collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        self.refresh();
        self.parts().into_iter().flat_map(Collector::collect).collect()
    }
}
