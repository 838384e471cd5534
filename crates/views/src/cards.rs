//! What the page shows of the numbers: cards, templates, senders, flows.

use crate::behind::NUMBER;
use anyhow::Result;
use hilo_contracts::facts::{Dimension, Metric};
use hilo_dashboard::{
    mask::Masked,
    meter::Meter,
    model::{ConversationRow, Flow, NumberCard, Point, SenderRow, SessionState, TemplateRow},
};
use hilo_domain::{Millis, time::HOUR};
use hilo_golden::{Golden, RecentConversation, Tenants, Turn};
use std::collections::BTreeMap;

/// Points of a live trend: five minutes at one a second.
pub(crate) const TREND: usize = 300;
/// Hours of a number's trend.
const HOURS: i64 = 48;

/// Numbers that have a card, in the order of the page.
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

/// A card for each tenant and number, with its last two days by the hour as of `now`.
pub(crate) fn numbers(golden: &Golden, tenants: &Tenants, now: Millis) -> Result<Vec<NumberCard>> {
    let mut cards = Vec::new();
    for metric in CARDS {
        let mut trends: BTreeMap<String, Vec<Point>> = BTreeMap::new();
        for row in golden.hours(tenants, metric, now.saturating_sub(HOURS * HOUR))? {
            if let (Some(window), Some(value)) = (row.window, row.p50.or(row.value)) {
                let at = window.start;
                trends.entry(row.tenant).or_default().push(Point { at, value });
            }
        }
        for row in golden.totals(tenants, metric)? {
            cards.push(NumberCard {
                trend: trends.remove(&row.tenant).unwrap_or_default(),
                trace: format!("{NUMBER}{}", row.metric),
                row,
            });
        }
    }
    // Stable: within a tenant the order of the page.
    cards.sort_by(|one, other| one.row.tenant.cmp(&other.row.tenant));
    Ok(cards)
}

/// What flows, by name.
pub(crate) type Meters = BTreeMap<&'static str, Meter>;

/// Messages and statuses, with their trends as of the wall clock.
pub(crate) fn flows(
    meters: &mut Meters,
    golden: &Golden,
    tenants: &Tenants,
    statuses: u64,
    wall_clock: Millis,
) -> Result<Vec<Flow>> {
    let total = |metric: &str| -> Result<u64> {
        let rows = golden.totals(tenants, metric)?;
        Ok(rows.iter().map(|row| row.value.unwrap_or_default() as u64).sum())
    };
    let flows = [
        ("Messages received", "traffic_inbound", total("traffic_inbound")?),
        ("Messages sent", "traffic_outbound", total("traffic_outbound")?),
        ("Statuses", "delivery_rate", statuses),
    ];
    let flows = flows.into_iter().map(|(name, metric, total)| {
        let meter = meters.entry(name).or_insert_with(|| Meter::new(TREND));
        meter.record(wall_clock, total);
        Flow {
            name: name.to_owned(),
            per_second: meter.per_second(),
            total,
            trend: meter.trend(),
            trace: format!("{NUMBER}{metric}"),
        }
    });
    Ok(flows.collect())
}

fn dimension<'a>(row: &'a Metric, name: &str) -> Option<&'a str> {
    row.dimensions
        .iter()
        .find(|dimension| dimension.name == name)
        .map(|dimension| dimension.value.as_str())
}

/// Outcomes by tenant, template and language.
pub(crate) fn templates(golden: &Golden, tenants: &Tenants) -> Result<Vec<TemplateRow>> {
    let mut templates: BTreeMap<(String, String, String), TemplateRow> = BTreeMap::new();
    for metric in ["delivery_rate", "read_rate", "failure_rate", "reply_rate"] {
        for row in &golden.grouped(tenants, metric)? {
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
    }
    Ok(templates.into_values().collect())
}

/// Quality and limits of numbers, templates and portfolios.
pub(crate) fn senders(golden: &Golden, tenants: &Tenants) -> Result<Vec<SenderRow>> {
    let mut senders = Vec::new();
    for metric in ["messaging_limit", "quality_rating"] {
        for row in &golden.grouped(tenants, metric)? {
            let named = |name: &str| dimension(row, name).map(str::to_owned);
            let who = if metric == "quality_rating" {
                named("subject_kind").zip(named("subject_id"))
            } else {
                let first = row.dimensions.first();
                first.map(|Dimension { name, value }| (name.trim_end_matches("_id").to_owned(), value.clone()))
            };
            let Some((kind, id)) = who else { continue };
            let limit = (metric == "messaging_limit").then_some(row.value).flatten();
            let observed_at = if metric == "messaging_limit" {
                golden.limit_observed_at(&row.tenant, &id)
            } else {
                golden.quality_observed_at(&row.tenant, &kind, &id)
            };
            senders.push(SenderRow {
                kind,
                id,
                quality: named("rating"),
                limit: limit.map(|limit| limit as i64),
                observed_at: observed_at?,
                trace: format!("{NUMBER}{metric}"),
            });
        }
    }
    Ok(senders)
}

/// A conversation of the golden record as a row of the page: who it is leaves here masked.
pub(crate) fn conversation(conversation: RecentConversation) -> ConversationRow {
    ConversationRow {
        person: Masked::person(conversation.country.as_deref(), conversation.identifier.as_deref()),
        tenant: conversation.tenant,
        message_type: conversation.message_type,
        inbound: conversation.inbound,
        at: conversation.at,
        state: match conversation.turn {
            Turn::Waiting => SessionState::Waiting,
            Turn::Bot => SessionState::Bot,
            Turn::Answered => SessionState::Answered,
            Turn::Resolved => SessionState::Resolved,
            Turn::Inactive => SessionState::Inactive,
            Turn::None => SessionState::None,
        },
        queue: conversation.queue.as_deref().map(Masked::by_length),
        trace: conversation.person_id,
    }
}
