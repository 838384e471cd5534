//! How the writer is, for Prometheus.

use hilo_crm_writer::{State, Status};
use hilo_service::clock;
use prometheus::{
    GaugeVec, IntCounterVec, IntGaugeVec, Opts,
    core::{Collector, Desc},
    proto::MetricFamily,
};

/// Reads the writer's state when it is asked.
pub(crate) struct CrmMetrics {
    status: Status,
    descs: Vec<Desc>,
}

/// Families of one reading.
struct Families {
    waiting: IntGaugeVec,
    oldest: GaugeVec,
    outcomes: IntCounterVec,
    rejected: IntCounterVec,
    calls: IntCounterVec,
    budget: GaugeVec,
    state: IntGaugeVec,
}

const LANE: [&str; 2] = ["tenant", "sink"];

impl Families {
    fn new() -> prometheus::Result<Self> {
        let by = |label: &'static str| [LANE[0], LANE[1], label];
        Ok(Self {
            waiting: IntGaugeVec::new(
                Opts::new(
                    "hilo_crm_waiting_records",
                    "Records whose last revision the CRM does not hold yet",
                ),
                &LANE,
            )?,
            oldest: GaugeVec::new(
                Opts::new("hilo_crm_oldest_waiting_seconds", "How long the oldest of them waits"),
                &LANE,
            )?,
            outcomes: IntCounterVec::new(
                Opts::new("hilo_crm_outcomes_total", "Revisions of records by what became of them"),
                &by("kind"),
            )?,
            rejected: IntCounterVec::new(
                Opts::new("hilo_crm_rejected_total", "Revisions that the CRM refused, by code"),
                &by("code"),
            )?,
            calls: IntCounterVec::new(
                Opts::new("hilo_crm_calls_total", "Requests to the CRM by what became of them"),
                &by("outcome"),
            )?,
            budget: GaugeVec::new(
                Opts::new(
                    "hilo_crm_budget_used_ratio",
                    "Part of the day's calls that is used, as the CRM says",
                ),
                &LANE,
            )?,
            state: IntGaugeVec::new(
                Opts::new(
                    "hilo_crm_state",
                    "1 for the state that the CRM is in: open, paused, stopped",
                ),
                &by("state"),
            )?,
        })
    }

    fn all(&self) -> [&dyn Collector; 7] {
        [
            &self.waiting,
            &self.oldest,
            &self.outcomes,
            &self.rejected,
            &self.calls,
            &self.budget,
            &self.state,
        ]
    }
}

impl CrmMetrics {
    pub(crate) fn new(status: Status) -> prometheus::Result<Self> {
        let families = Families::new()?;
        let descs = families
            .all()
            .iter()
            .flat_map(|family| family.desc())
            .cloned()
            .collect();
        Ok(Self { status, descs })
    }

    fn read(&self) -> Option<Families> {
        let families = Families::new().ok()?;
        for lane in self.status.snapshot().ok()? {
            let of = [lane.lane.tenant.as_str(), lane.lane.sink.as_str()];
            let by = |word: &'static str| [of[0], of[1], word];
            families.waiting.with_label_values(&of).set(lane.waiting.cast_signed());
            let oldest = lane.oldest_waiting.map_or(0, |at| (clock::now() - at).max(0));
            families.oldest.with_label_values(&of).set(oldest as f64 / 1_000.0);
            let counters = &lane.counters;
            let rejected: u64 = counters.rejected.values().sum();
            for (kind, count) in [
                ("written", counters.written),
                ("skipped", counters.skipped),
                ("deferred", counters.deferred),
                ("rejected", rejected),
            ] {
                families.outcomes.with_label_values(&by(kind)).inc_by(count);
            }
            for (code, count) in &counters.rejected {
                families
                    .rejected
                    .with_label_values(&[of[0], of[1], code.as_str()])
                    .inc_by(*count);
            }
            for (outcome, count) in &lane.calls {
                families.calls.with_label_values(&by(outcome)).inc_by(*count);
            }
            if let (Some(limit), Some(left)) = (lane.budget.daily, lane.budget.daily_remaining)
                && limit > 0
            {
                let used = (limit - left) as f64 / limit as f64;
                families.budget.with_label_values(&of).set(used);
            }
            for state in [State::Open.as_str(), "paused", "stopped"] {
                let holds = lane.state.as_str() == state;
                families.state.with_label_values(&by(state)).set(i64::from(holds));
            }
        }
        Some(families)
    }
}

impl Collector for CrmMetrics {
    fn desc(&self) -> Vec<&Desc> {
        self.descs.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let families = self.read();
        families.map_or_else(Vec::new, |families| {
            families.all().iter().flat_map(|family| family.collect()).collect()
        })
    }
}
