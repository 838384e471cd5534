//! The runtime of the embedded engine as Prometheus metrics, read when somebody asks.

use crate::pulse::Pulse;
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
    pulse: Pulse,
    log: Mutex<Log>,
    lag_records: Gauge,
    lag_seconds: Gauge,
    commits: Counter,
    running: Gauge,
    events: CounterVec,
    reader_lag: Gauge,
    reader_running: Gauge,
    disk_free: Gauge,
    disk_size: Gauge,
    clock_ahead: Gauge,
    clock_jumps: Counter,
}

impl RuntimeMetrics {
    pub(crate) fn new(watch: ProgressWatch, pulse: Pulse, dir: &Path, topology: &Topology) -> prometheus::Result<Self> {
        Ok(Self {
            watch,
            pulse,
            log: Mutex::new(Log::open(dir, topology)),
            lag_records: Gauge::new("hilo_engine_lag_records", "Raw records that are not processed yet.")?,
            lag_seconds: Gauge::new(
                "hilo_engine_lag_seconds",
                "Seconds since something was processed while raw records wait; 0 when none waits.",
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
            reader_lag: Gauge::new(
                "hilo_reader_lag_records",
                "Derived records that are not in the golden record and the numbers yet.",
            )?,
            reader_running: Gauge::new(
                "hilo_reader_running",
                "1 while golden record and numbers are kept up to date, else 0.",
            )?,
            disk_free: Gauge::new("hilo_disk_free_bytes", "Free bytes on the disk of the data directory.")?,
            disk_size: Gauge::new("hilo_disk_size_bytes", "Bytes of the disk of the data directory.")?,
            clock_ahead: Gauge::new(
                "hilo_clock_ahead_seconds",
                "Seconds that time in the log is ahead of the machine's clock; 0 when it is not.",
            )?,
            clock_jumps: Counter::new(
                "hilo_clock_jumps_total",
                "Jumps of the machine's clock by an hour or more since the start.",
            )?,
        })
    }

    fn refresh(&self) {
        let progress = self.watch.get();
        self.lag_records.set(progress.lag_records as f64);
        let readings = self.pulse.readings();
        self.lag_seconds.set(readings.standing.as_secs_f64());
        self.reader_lag.set(readings.reader_lag as f64);
        self.reader_running.set(f64::from(u8::from(readings.reader_running)));
        self.disk_free.set(readings.space.free as f64);
        self.disk_size.set(readings.space.size as f64);
        self.clock_ahead.set(readings.clock_ahead as f64 / 1_000.0);
        self.clock_jumps.reset();
        self.clock_jumps.inc_by(readings.clock_jumps as f64);
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

    fn parts(&self) -> [&dyn Collector; 11] {
        [
            &self.lag_records,
            &self.lag_seconds,
            &self.commits,
            &self.running,
            &self.events,
            &self.reader_lag,
            &self.reader_running,
            &self.disk_free,
            &self.disk_size,
            &self.clock_ahead,
            &self.clock_jumps,
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
