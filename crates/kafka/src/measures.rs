//! What a process tells of its lanes. The names are an API: alerts and dashboards use them.

use crate::reader::Behind;
use prometheus::{
    CounterVec, GaugeVec, Histogram, HistogramOpts, HistogramVec, IntCounterVec, IntGaugeVec, Opts, Registry,
};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

/// Work that waits for longer without any of it being done is a failure of this process.
const STALLED: Duration = Duration::from_mins(1);

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
    pub(crate) foreign: IntCounterVec,
    without_owner: IntGaugeVec,
    last_commit: GaugeVec,
    /// By processor and lane: what it does.
    lanes: Mutex<BTreeMap<(String, usize), Pulse>>,
    /// By processor: what is wrong with the partitions of its group.
    ownerless: Mutex<BTreeMap<&'static str, String>>,
    /// By processor or reader, and lane: the record at which it waits.
    waits: Mutex<BTreeMap<(String, usize), String>>,
}

/// What a lane is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// It waits for what its group gives to it.
    Joining,
    /// It reads the state of a partition back.
    Restoring {
        /// Which.
        partition: i32,
        /// Records of the changelog that are left.
        remaining: i64,
    },
    /// It has its partitions and their state. What is processed and not committed waits too.
    Working {
        /// Topic, partition and records that wait; what has none is left out.
        waiting: Vec<(&'static str, i32, i64)>,
    },
}

#[derive(Debug)]
struct Pulse {
    /// When it last moved at all.
    at: Instant,
    /// When it last committed, restored something, or found that nothing waits.
    progress: Instant,
    state: State,
    /// Why it last failed, until it makes progress.
    failure: Option<String>,
}

impl Pulse {
    fn new() -> Self {
        let now = Instant::now();
        Self {
            at: now,
            progress: now,
            state: State::Joining,
            failure: None,
        }
    }

    /// What it waits for; `None` where it works.
    fn unready(&self) -> Option<String> {
        if let Some(failure) = &self.failure {
            return Some(format!("starts anew after a failure: {failure}"));
        }
        match &self.state {
            State::Joining => Some("waits for its group".to_owned()),
            State::Restoring { partition, remaining } => Some(format!(
                "restores the state of partition {partition}: {remaining} records are left"
            )),
            State::Working { .. } => None,
        }
    }

    /// That nothing moves though work waits.
    fn stalled(&self) -> Option<String> {
        let work = match (&self.state, &self.failure) {
            (_, Some(failure)) => format!("its last failure: {failure}"),
            (State::Working { waiting }, None) if !waiting.is_empty() => {
                let named: Vec<String> = waiting
                    .iter()
                    .take(NAMED)
                    .map(|(topic, partition, records)| format!("{topic} partition {partition} ({records} records)"))
                    .collect();
                format!("behind are {}", named.join(", "))
            }
            _ => return None,
        };
        let since = self.progress.elapsed();
        (since > STALLED).then(|| format!("has made no progress for {} s: {work}", since.as_secs()))
    }
}

/// Partitions that one sentence names at most.
const NAMED: usize = 8;

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
                .buckets(vec![
                    0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 2.0, 5.0, 10.0, 30.0, 300.0,
                ]),
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
                    "When a lane last committed, restored something, or found that nothing waits. A start does not renew it.",
                ),
                &["processor", "lane"],
            )?,
            foreign: IntCounterVec::new(
                Opts::new(
                    "hilo_foreign_records_total",
                    "Records of somebody else: dead letters where a lane met them, passed over on changelogs and by readers \
                     outside of transactions.",
                ),
                by_processor,
            )?,
            without_owner: IntGaugeVec::new(
                Opts::new(
                    "hilo_partitions_without_owner",
                    "Partitions that no member of the processor's group has owned for two session time-outs, as the broker \
                     says it.",
                ),
                by_processor,
            )?,
            lanes: Mutex::default(),
            ownerless: Mutex::default(),
            waits: Mutex::default(),
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
            Box::new(self.foreign.clone()),
            Box::new(self.without_owner.clone()),
            Box::new(self.last_commit.clone()),
        ]
    }

    /// Shows the counters of a processor from 0 on: for an alert, what appears with a value has not grown.
    pub(crate) fn begin(&self, processor: &str) {
        for counter in [&self.commits, &self.restored, &self.poison, &self.foreign] {
            counter.with_label_values(&[processor]);
        }
        self.without_owner.with_label_values(&[processor]).set(0);
        for reason in ["commit", "fenced", "lost", "poison"] {
            self.aborts.with_label_values(&[processor, reason]);
        }
        for reason in ["client", "fenced", "indeterminate", "processor", "state"] {
            self.restarts.with_label_values(&[processor, reason]);
        }
    }

    /// A lane moved, and this is what it does.
    pub(crate) fn pulse(&self, processor: &str, lane: usize, state: State) {
        let nothing_waits = matches!(&state, State::Working { waiting } if waiting.is_empty());
        self.change(processor, lane, |pulse| pulse.state = state);
        if nothing_waits {
            self.progress(processor, lane);
        }
    }

    /// A lane or a reader waits at a record that it cannot read yet, or no longer does. It is not ready, but alive: a new start
    /// would not help.
    pub fn waits(&self, processor: &str, lane: usize, why: Option<String>) {
        let place = (processor.to_owned(), lane);
        let mut waits = self.waits.lock().unwrap_or_else(PoisonError::into_inner);
        match why {
            Some(why) => drop(waits.insert(place, why)),
            None => drop(waits.remove(&place)),
        }
    }

    /// A lane failed, and will start anew.
    pub(crate) fn failed(&self, processor: &str, lane: usize, failure: String) {
        self.change(processor, lane, |pulse| {
            pulse.state = State::Joining;
            pulse.failure = Some(failure);
        });
    }

    /// A lane committed, restored something, or found that nothing waits.
    pub(crate) fn progress(&self, processor: &str, lane: usize) {
        self.change(processor, lane, |pulse| {
            pulse.progress = pulse.at;
            pulse.failure = None;
        });
        self.committed(processor, lane);
    }

    fn change(&self, processor: &str, lane: usize, change: impl FnOnce(&mut Pulse)) {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        let pulse = lanes.entry((processor.to_owned(), lane)).or_insert_with(|| {
            // The clock of a lane that never gets anywhere begins with the process.
            self.committed(processor, lane);
            Pulse::new()
        });
        pulse.at = Instant::now();
        change(pulse);
    }

    fn committed(&self, processor: &str, lane: usize) {
        let since = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        self.last_commit
            .with_label_values(&[processor, &lane.to_string()])
            .set(since.as_secs_f64());
    }

    /// Partitions of a processor's first input that nobody has owned for so long; none: all have an owner.
    pub(crate) fn ownerless(&self, processor: &'static str, group: &str, topic: &str, found: &[(i32, Duration)]) {
        self.without_owner
            .with_label_values(&[processor])
            .set(found.len() as i64);
        let mut ownerless = self.ownerless.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(longest) = found.iter().map(|(_, since)| since.as_secs()).max() else {
            ownerless.remove(processor);
            return;
        };
        let named: Vec<String> = found
            .iter()
            .take(NAMED)
            .map(|(partition, _)| partition.to_string())
            .collect();
        let more = if found.len() > NAMED { ", …" } else { "" };
        let problem = format!(
            "{} partitions of {topic} have no owner in the group {group} for {longest} s: {}{more}",
            found.len(),
            named.join(", "),
        );
        ownerless.insert(processor, problem);
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
        self.pulse(reader, place, State::Working { waiting: Vec::new() });
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

    /// Records of somebody else, passed over by a reader outside of transactions.
    pub fn passed_over(&self, reader: &str, records: u64) {
        self.foreign.with_label_values(&[reader]).inc_by(records);
    }

    /// Whether every lane has moved within `patience`, and none has made no progress for a minute while work waits; else
    /// which one, and why.
    pub fn alive(&self, patience: Duration) -> Result<(), String> {
        let lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        for ((processor, lane), pulse) in lanes.iter() {
            if pulse.at.elapsed() > patience {
                return Err(format!(
                    "lane {processor}-{lane} has not moved for {} s: it hangs, or the broker does not answer",
                    pulse.at.elapsed().as_secs()
                ));
            }
            if let Some(problem) = pulse.stalled() {
                return Err(format!("lane {processor}-{lane} {problem}"));
            }
        }
        Ok(())
    }

    /// Whether every lane has joined its group, has its state and gets on, and every partition has an owner; else what is
    /// behind.
    pub fn all_ready(&self) -> Result<(), String> {
        let lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        for ((processor, lane), pulse) in lanes.iter() {
            if let Some(problem) = pulse.stalled().or_else(|| pulse.unready()) {
                return Err(format!("lane {processor}-{lane} {problem}"));
            }
        }
        let waits = self.waits.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(((processor, lane), why)) = waits.iter().next() {
            return Err(format!("lane {processor}-{lane}: {why}"));
        }
        let ownerless = self.ownerless.lock().unwrap_or_else(PoisonError::into_inner);
        ownerless.values().next().cloned().map_or(Ok(()), Err)
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

    fn long_ago(measures: &Measures) {
        let mut lanes = measures.lanes.lock().unwrap();
        for pulse in lanes.values_mut() {
            pulse.progress = Instant::now().checked_sub(STALLED + Duration::from_secs(1)).unwrap();
        }
    }

    #[test]
    fn work_that_waits_for_a_minute_is_named() {
        let measures = Measures::new(&Registry::new()).unwrap();
        let patience = Duration::from_mins(2);
        let working = |waiting| State::Working { waiting };
        measures.pulse("status", 0, State::Joining);
        assert!(
            measures
                .all_ready()
                .unwrap_err()
                .contains("status-0 waits for its group")
        );
        long_ago(&measures);
        measures.alive(patience).unwrap();
        measures.pulse("status", 0, working(vec![("hilo.message_item", 3, 12)]));
        for answer in [measures.alive(patience), measures.all_ready()] {
            let problem = answer.unwrap_err();
            assert!(
                problem.contains("hilo.message_item partition 3 (12 records)"),
                "{problem}"
            );
        }
        measures.progress("status", 0);
        measures.alive(patience).unwrap();
        measures.all_ready().unwrap();
        // Where nothing waits, no progress is none that is missed.
        measures.pulse("status", 0, working(Vec::new()));
        measures.alive(patience).unwrap();
    }

    #[test]
    fn a_lane_that_fails_again_and_again_does_not_look_well() {
        let measures = Measures::new(&Registry::new()).unwrap();
        let patience = Duration::from_mins(2);
        measures.pulse("status", 0, State::Joining);
        measures.failed("status", 0, "the disk is full".to_owned());
        measures.alive(patience).unwrap();
        // A start alone is no progress.
        long_ago(&measures);
        measures.pulse("status", 0, State::Joining);
        for answer in [measures.alive(patience), measures.all_ready()] {
            assert!(answer.unwrap_err().contains("the disk is full"));
        }
        measures.progress("status", 0);
        measures.alive(patience).unwrap();
    }

    #[test]
    fn a_lane_that_waits_at_a_record_is_alive_and_not_ready() {
        let measures = Measures::new(&Registry::new()).unwrap();
        measures.pulse("status", 0, State::Working { waiting: Vec::new() });
        measures.waits("status", 0, Some("roll out readers first".to_owned()));
        measures.alive(Duration::from_mins(2)).unwrap();
        assert_eq!(
            measures.all_ready().unwrap_err(),
            "lane status-0: roll out readers first"
        );
        measures.waits("status", 0, None);
        measures.all_ready().unwrap();
    }

    #[test]
    fn partitions_without_an_owner_are_named() {
        let measures = Measures::new(&Registry::new()).unwrap();
        let found = [(1, Duration::from_secs(61)), (4, Duration::from_secs(70))];
        measures.ownerless("status", "hilo.status", "hilo.message_item", &found);
        assert_eq!(
            measures.all_ready().unwrap_err(),
            "2 partitions of hilo.message_item have no owner in the group hilo.status for 70 s: 1, 4"
        );
        measures.ownerless("status", "hilo.status", "hilo.message_item", &[]);
        measures.all_ready().unwrap();
    }
}
