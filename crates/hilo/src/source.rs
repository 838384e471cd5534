//! What the dashboard shows, read from a running node.

use crate::{node::SharedTable, pulse::Pulse, trace};
use hilo_contracts::{
    facts::{Dimension, Metric},
    topics,
};
use hilo_dashboard::{
    MetricQuery, Snapshot, Source, SourceError, Stage, Step, Trace,
    meter::{Meter, Series},
    model::{Flow, Lag, NumberCard, Outcomes, Point, ReasonCount, SenderRow, Severity, TemplateRow, Warning},
};
use hilo_domain::Millis;
use hilo_golden::Golden;
use hilo_metrics::table::Table;
use hilo_service::Scope;
use hilo_stream::{
    Topology,
    embedded::{Log, Progress, ProgressWatch},
};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Mutex, PoisonError},
    time::SystemTime,
};

/// Points of a live trend: five minutes at one a second.
pub(crate) const TREND: usize = 300;
/// Hours of a number's trend.
const HOURS: usize = 48;
/// Conversations shown.
pub(crate) const CONVERSATIONS: usize = 12;
/// Facts shown behind a number: the latest of them.
const FACTS: usize = 100;
/// From this many waiting records on the page says that it is behind.
const BEHIND: u64 = 10_000;

/// Prefixes of trace ids that name a number, not a thing.
const NUMBER: &str = "number:";
pub(crate) const OUTCOME: &str = "outcome:";
const REASON: &str = "reason:";

/// Reads a node for its pages.
pub(crate) struct NodeSource {
    label: String,
    pulse: Pulse,
    watch: ProgressWatch,
    table: SharedTable,
    state: Mutex<State>,
}

struct State {
    log: Log,
    golden: Golden,
    flows: Meters,
    lag: Series,
}

impl NodeSource {
    pub(crate) fn new(
        label: &str,
        dir: &Path,
        topology: &Topology,
        pulse: Pulse,
        watch: ProgressWatch,
        table: SharedTable,
    ) -> anyhow::Result<Self> {
        Ok(Self {
            label: label.to_owned(),
            pulse,
            watch,
            table,
            state: Mutex::new(State {
                log: Log::open(dir, topology),
                golden: Golden::open_read_only(&dir.join(crate::node::GOLDEN_DB))?,
                flows: Meters::new(),
                lag: Series::new(TREND),
            }),
        })
    }
}

pub(crate) fn unavailable(error: impl std::fmt::Display) -> SourceError {
    SourceError::Unavailable(error.to_string())
}

pub(crate) fn wall_clock() -> Millis {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| since.as_millis() as Millis)
}

impl Source for NodeSource {
    fn snapshot(&self, _scope: &Scope) -> Result<Snapshot, SourceError> {
        let progress = self.watch.get();
        let table = self.table.read().unwrap_or_else(PoisonError::into_inner);
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let counts = state.log.counts().map_err(unavailable)?;
        let outcomes = outcomes(&counts);
        let lag = state.lag(&progress);
        let flows = flows(&mut state.flows, &table, count(&counts, "statuses", ""));
        let conversations = state.golden.recent_conversations(CONVERSATIONS).map_err(unavailable)?;
        Ok(Snapshot {
            now: progress.now.unwrap_or_default(),
            label: self.label.clone(),
            warnings: warnings(&self.pulse, &progress, &counts),
            outcomes,
            flows,
            lag,
            numbers: numbers(&table),
            templates: templates(&table),
            conversations: conversations.into_iter().map(crate::conversations::row).collect(),
            senders: senders(&table),
            dead_letters: counts
                .iter()
                .filter(|((name, _), _)| name == "dead_letter_reasons")
                .map(|((_, reason), count)| ReasonCount {
                    reason: reason.clone(),
                    count: *count,
                    trace: format!("{REASON}{reason}"),
                })
                .collect(),
        })
    }

    fn trace(&self, _scope: &Scope, id: &str) -> Result<Trace, SourceError> {
        let table = self.table.read().unwrap_or_else(PoisonError::into_inner);
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(number) = id.strip_prefix(NUMBER) {
            return behind_number(&mut state.log, &table, id, number).map_err(unavailable);
        }
        if let Some(outcome) = id.strip_prefix(OUTCOME) {
            let topic = match outcome {
                "dead_letter" => topics::DEAD_LETTER,
                "unclassified" => topics::UNCLASSIFIED,
                _ => topics::CONVERSATION,
            };
            return latest(&mut state.log, id, topic, |_| true).map_err(unavailable);
        }
        if let Some(reason) = id.strip_prefix(REASON) {
            return latest(&mut state.log, id, topics::DEAD_LETTER, |fact| fact["reason"] == reason)
                .map_err(unavailable);
        }
        let State { log, golden, .. } = &mut *state;
        trace::trace(log, &table, Some(golden), id, trace::STEPS)
            .map_err(unavailable)?
            .ok_or(SourceError::NotFound)
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

type Totals = BTreeMap<(String, String), u64>;

fn count(counts: &Totals, name: &str, label: &str) -> u64 {
    counts
        .get(&(name.to_owned(), label.to_owned()))
        .copied()
        .unwrap_or_default()
}

fn outcomes(counts: &Totals) -> Outcomes {
    let of = |label| count(counts, "items", label);
    let (emitted, duplicate, unclassified, dead_letter) =
        (of("emitted"), of("duplicate"), of("unclassified"), of("dead_letter"));
    Outcomes {
        items: count(counts, "fanned_out", ""),
        emitted,
        duplicate,
        unclassified,
        dead_letter,
        trace_prefix: OUTCOME.to_owned(),
    }
}

/// What is counted under `name`, as a list of labels with their counts.
fn listed(counts: &Totals, name: &str) -> Option<String> {
    let of: Vec<String> = counts
        .iter()
        .filter(|((counter, _), count)| counter == name && **count > 0)
        .map(|((_, label), count)| format!("{} {count}", label.replace('_', " ")))
        .collect();
    (!of.is_empty()).then(|| of.join(", "))
}

fn warnings(pulse: &Pulse, progress: &Progress, counts: &Totals) -> Vec<Warning> {
    let concerns = pulse.concerns().into_iter();
    let mut warnings: Vec<Warning> = concerns
        .map(|concern| Warning {
            severity: Severity::Problem,
            text: concern.text,
            action: concern.action,
        })
        .collect();
    if progress.lag_records > BEHIND {
        warnings.push(Warning {
            severity: Severity::Notice,
            text: format!("{} deliveries wait to be processed.", progress.lag_records),
            action: "The numbers follow as they are processed; nothing is lost.".to_owned(),
        });
    }
    if let Some(reasons) = listed(counts, "unclassified_reasons") {
        warnings.push(Warning {
            severity: Severity::Notice,
            text: format!("Items of a kind that nobody knows yet: {reasons}."),
            action: "They are kept whole: hilo export unclassified shows them.".to_owned(),
        });
    }
    if let Some(words) = listed(counts, "unknown_words") {
        warnings.push(Warning {
            severity: Severity::Notice,
            text: format!("Facts with a word that this release does not know: {words}."),
            action: "They are facts with the word as it came: hilo export conversation (status, account) shows them."
                .to_owned(),
        });
    }
    let overdue = count(counts, "orphans", "overdue");
    if overdue > 0 {
        warnings.push(Warning {
            severity: Severity::Notice,
            text: format!("{overdue} messages were known from statuses alone for an hour."),
            action: "Another tool sends on this number, or the sends do not reach /v1/outbound.".to_owned(),
        });
    }
    warnings
}

impl State {
    fn lag(&mut self, progress: &Progress) -> Lag {
        let now = wall_clock();
        let since_commit = progress
            .last_commit
            .and_then(|at| at.elapsed().ok())
            .unwrap_or_default();
        // Every record that waits came after the last commit.
        let seconds = if progress.lag_records == 0 {
            0.0
        } else {
            since_commit.as_secs_f64()
        };
        self.lag.push(now, seconds);
        Lag {
            records: progress.lag_records,
            seconds,
            trend: self.lag.points(),
            trace: format!("{OUTCOME}emitted"),
        }
    }
}

/// What flows, by name.
pub(crate) type Meters = BTreeMap<&'static str, Meter>;

/// Messages and statuses, with their trends.
pub(crate) fn flows(meters: &mut Meters, table: &Table, statuses: u64) -> Vec<Flow> {
    let total = |metric: &str| {
        table
            .rows()
            .filter(|row| row.metric == metric && row.window.is_none() && row.dimensions.is_empty())
            .map(|row| row.value.unwrap_or_default() as u64)
            .sum()
    };
    let flows = [
        ("Messages received", "traffic_inbound", total("traffic_inbound")),
        ("Messages sent", "traffic_outbound", total("traffic_outbound")),
        ("Statuses", "delivery_rate", statuses),
    ];
    let now = wall_clock();
    flows
        .into_iter()
        .map(|(name, metric, total)| {
            let meter = meters.entry(name).or_insert_with(|| Meter::new(TREND));
            meter.record(now, total);
            Flow {
                name: name.to_owned(),
                per_second: meter.per_second(),
                total,
                trend: meter.trend(),
                trace: format!("{NUMBER}{metric}"),
            }
        })
        .collect()
}

/// Numbers that have a card.
const CARDS: [&str; 9] = [
    "delivery_rate",
    "read_rate",
    "reply_rate",
    "failure_rate",
    "opt_out_rate",
    "frt_human_seconds",
    "frt_any_seconds",
    "unanswered",
    "bot_containment_rate",
];

pub(crate) fn numbers(table: &Table) -> Vec<NumberCard> {
    let whole = |row: &&Metric| row.dimensions.is_empty() && CARDS.contains(&row.metric.as_str());
    let mut trends: BTreeMap<(&str, &str), Vec<Point>> = BTreeMap::new();
    for row in table.rows().filter(whole) {
        if let (Some(window), Some(value)) = (row.window, row.p50.or(row.value))
            && window.end - window.start <= hilo_domain::time::HOUR
        {
            let trend = trends.entry((&row.tenant, &row.metric)).or_default();
            trend.push(Point {
                at: window.start,
                value,
            });
        }
    }
    let mut cards: Vec<NumberCard> = table
        .rows()
        .filter(whole)
        .filter(|row| row.window.is_none())
        .map(|row| {
            let mut trend = trends
                .remove(&(row.tenant.as_str(), row.metric.as_str()))
                .unwrap_or_default();
            trend.sort_by_key(|point| point.at);
            let surplus = trend.len().saturating_sub(HOURS);
            trend.drain(..surplus);
            let trace = format!("{NUMBER}{}", row.metric);
            NumberCard {
                row: row.clone(),
                trend,
                trace,
            }
        })
        .collect();
    cards.sort_by_key(|card| {
        let place = CARDS.iter().position(|name| *name == card.row.metric);
        (card.row.tenant.clone(), place)
    });
    cards
}

fn dimension<'a>(row: &'a Metric, name: &str) -> Option<&'a str> {
    row.dimensions
        .iter()
        .find(|dimension| dimension.name == name)
        .map(|dimension| dimension.value.as_str())
}

pub(crate) fn templates(table: &Table) -> Vec<TemplateRow> {
    let mut templates: BTreeMap<(String, String, String), TemplateRow> = BTreeMap::new();
    for row in table.rows().filter(|row| row.window.is_none()) {
        let (Some(template), Some(language)) = (dimension(row, "template"), dimension(row, "language")) else {
            continue;
        };
        let class = dimension(row, "error_class");
        if row.dimensions.len() != 2 + usize::from(class.is_some()) {
            continue;
        }
        let entry = templates
            .entry((row.tenant.clone(), template.to_owned(), language.to_owned()))
            .or_insert_with(|| TemplateRow {
                tenant: row.tenant.clone(),
                template: template.to_owned(),
                language: Some(language.to_owned()),
                trace: format!("{NUMBER}delivery_rate:{template}"),
                ..TemplateRow::default()
            });
        let part = |value: Option<f64>| value.unwrap_or_default() as u64;
        match (row.metric.as_str(), class) {
            ("delivery_rate", None) => {
                entry.sent = part(row.denominator);
                entry.delivered = part(row.numerator);
                entry.is_final = row.is_final;
            }
            ("read_rate", None) => entry.read = part(row.numerator),
            ("failure_rate", None) => entry.failed = part(row.numerator),
            ("failure_rate", Some("marketing_cap")) => entry.marketing_cap = part(row.numerator),
            ("reply_rate", None) => {
                entry.replied = part(row.numerator);
                entry.persons = part(row.denominator);
            }
            _ => {}
        }
    }
    templates.into_values().collect()
}

pub(crate) fn senders(table: &Table) -> Vec<SenderRow> {
    table
        .rows()
        .filter(|row| row.window.is_none())
        .filter_map(|row| {
            let named = |name: &str| dimension(row, name).map(str::to_owned);
            let (kind, id) = match row.metric.as_str() {
                "quality_rating" => (named("subject_kind")?, named("subject_id")?),
                "messaging_limit" => {
                    let Dimension { name, value } = row.dimensions.first()?.clone();
                    (name.trim_end_matches("_id").to_owned(), value)
                }
                _ => return None,
            };
            let limit = (row.metric == "messaging_limit").then_some(row.value).flatten();
            Some(SenderRow {
                kind,
                id,
                quality: named("rating"),
                limit: limit.map(|limit| limit as i64),
                observed_at: 0,
                trace: format!("{NUMBER}{}", row.metric),
            })
        })
        .collect()
}

/// The latest facts that a number is made of: `metric` or `metric:template`.
fn behind_number(log: &mut Log, table: &Table, id: &str, number: &str) -> anyhow::Result<Trace> {
    let (metric, template) = match number.split_once(':') {
        Some((metric, template)) => (metric, Some(template)),
        None => (number, None),
    };
    let topic = match metric {
        "quality_rating" | "messaging_limit" => topics::ACCOUNT,
        "delivery_rate" | "read_rate" | "failure_rate" | "reply_rate" | "reply_rate_strong" | "opt_out_rate" => {
            topics::STATUS
        }
        _ => topics::CONVERSATION,
    };
    let wanted = |fact: &Value| match (metric, template) {
        (_, Some(template)) => fact["template"]["name"] == template,
        ("traffic_inbound", None) => fact["direction"] == "inbound",
        ("traffic_outbound", None) => fact["direction"] == "outbound",
        _ if topic == topics::CONVERSATION => !fact["session"].is_null(),
        _ => true,
    };
    let mut found = latest(log, id, topic, wanted)?;
    let rows = table.rows().filter(|row| {
        row.metric == metric
            && row.window.is_none()
            && template.map_or(row.dimensions.is_empty(), |template| {
                dimension(row, "template") == Some(template)
            })
    });
    for row in rows {
        found.steps.push(Step {
            stage: Stage::Metric,
            at: 0,
            title: row.definition.clone(),
            topic: Some(topics::METRIC.to_owned()),
            content: trace::metric_value(row)?,
            links: Vec::new(),
        });
    }
    Ok(found)
}

/// The latest facts of a topic that are wanted, oldest first.
fn latest(log: &mut Log, id: &str, topic: &'static str, wanted: impl Fn(&Value) -> bool) -> anyhow::Result<Trace> {
    /// Records looked at, from the end: a page does not read a whole log.
    const LOOKED_AT: u64 = 20_000;
    let length = log.len(topic)?;
    let mut steps = Vec::new();
    let mut from = length.saturating_sub(LOOKED_AT);
    loop {
        let records = log.read(topic, from, 5_000)?;
        let Some((last, _)) = records.last() else { break };
        from = last + 1;
        for (_, record) in &records {
            let fact = trace::value(topic, &record.value)?;
            if wanted(&fact) {
                steps.push(trace::fact_step(topic, fact, record.timestamp));
            }
        }
    }
    let total = steps.len() as u64;
    let surplus = steps.len().saturating_sub(FACTS);
    steps.drain(..surplus);
    Ok(Trace {
        id: id.to_owned(),
        kind: "number".to_owned(),
        steps,
        total,
    })
}
