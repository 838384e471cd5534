//! The dashboard beside a golden record on Kafka.

use super::golden::Kept;
use crate::{
    node::{GOLDEN_DB, SharedTable},
    source::{self, CONVERSATIONS, Meters, OUTCOME, TREND},
};
use hilo_contracts::facts::Metric;
use hilo_dashboard::{
    MetricQuery, Snapshot, Source, SourceError, Stage, Step, Trace,
    meter::Series,
    model::{Lag, Outcomes, ReasonCount},
};
use hilo_golden::Golden;
use hilo_service::Scope;
use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

/// Reads the golden record and the table of the numbers for the page. What the processors count is theirs: it stands in
/// their own `/metrics`.
pub(crate) struct LedgerSource {
    table: SharedTable,
    kept: Arc<Kept>,
    state: Mutex<State>,
}

struct State {
    golden: Golden,
    flows: Meters,
    lag: Series,
}

impl LedgerSource {
    pub(crate) fn new(dir: &Path, table: SharedTable, kept: Arc<Kept>) -> anyhow::Result<Self> {
        Ok(Self {
            table,
            kept,
            state: Mutex::new(State {
                golden: Golden::open_read_only(&dir.join(GOLDEN_DB))?,
                flows: Meters::new(),
                lag: Series::new(TREND),
            }),
        })
    }
}

impl Source for LedgerSource {
    fn snapshot(&self, _scope: &Scope) -> Result<Snapshot, SourceError> {
        let table = self.table.read().unwrap_or_else(PoisonError::into_inner);
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let now = source::wall_clock();
        let seconds = self.kept.delay_seconds();
        state.lag.push(now, seconds);
        let conversations = state
            .golden
            .recent_conversations(CONVERSATIONS)
            .map_err(source::unavailable)?;
        let reasons = self.kept.dead_letters();
        let dead_letter = reasons.values().sum();
        let unclassified = self.kept.unclassified();
        Ok(Snapshot {
            now,
            label: "Kafka".to_owned(),
            warnings: Vec::new(),
            outcomes: Outcomes {
                items: self.kept.emitted() + unclassified + dead_letter,
                emitted: self.kept.emitted(),
                duplicate: 0,
                unclassified,
                dead_letter,
                trace_prefix: OUTCOME.to_owned(),
            },
            flows: source::flows(&mut state.flows, &table, self.kept.statuses()),
            lag: Lag {
                records: 0,
                seconds,
                trend: state.lag.points(),
                trace: format!("{OUTCOME}emitted"),
            },
            numbers: source::numbers(&table),
            templates: source::templates(&table),
            conversations: conversations.into_iter().map(crate::conversations::row).collect(),
            senders: source::senders(&table),
            dead_letters: reasons
                .into_iter()
                .map(|(reason, count)| ReasonCount {
                    trace: format!("reason:{reason}"),
                    reason,
                    count,
                })
                .collect(),
        })
    }

    fn trace(&self, _scope: &Scope, id: &str) -> Result<Trace, SourceError> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let rows = state.golden.trace(id).map_err(source::unavailable)?;
        if rows.is_empty() {
            return Err(SourceError::NotFound);
        }
        Ok(Trace {
            id: id.to_owned(),
            kind: "golden record".to_owned(),
            total: rows.len() as u64,
            steps: rows
                .into_iter()
                .map(|found| Step {
                    stage: Stage::Fact,
                    at: found.row["event_time"].as_i64().unwrap_or_default(),
                    title: found.table.to_owned(),
                    topic: None,
                    content: found.row,
                    links: Vec::new(),
                })
                .collect(),
        })
    }

    fn metrics(&self, scope: &Scope, query: &MetricQuery) -> Result<Vec<Metric>, SourceError> {
        let table = self.table.read().unwrap_or_else(PoisonError::into_inner);
        Ok(table
            .rows()
            .filter(|row| scope.has(&row.tenant) && query.matches(row))
            .cloned()
            .collect())
    }
}
