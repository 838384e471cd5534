//! From sums to rows: numbers, rounding, revisions.

use crate::{
    numbers::{Micro, mean_seconds, nearest_rank, ratio, seconds, to_f64, whole},
    rows::{Published, Sums},
    series::{BOT_OUTCOMES, ERROR_CLASSES, Series},
};
use hilo_contracts::{
    facts::Metric,
    stored::{Convert as _, Dimension},
};
use hilo_domain::Millis;
use serde::{Deserialize, Serialize};

/// Names of all metrics; places are stored, so new ones go to the end.
pub(crate) const METRICS: [&str; 22] = [
    "delivery_rate",
    "read_rate",
    "failure_rate",
    "reply_rate",
    "reply_rate_strong",
    "opt_out_rate",
    "frt_human_seconds",
    "frt_any_seconds",
    "reply_time_seconds",
    "handle_active_seconds",
    "handle_assigned_seconds",
    "elapsed_resolution_seconds",
    "unanswered",
    "fcr_rate",
    "bot_containment_rate",
    "bot_escalation_rate",
    "csat_rate",
    "ces_mean",
    "quality_rating",
    "messaging_limit",
    "traffic_inbound",
    "traffic_outbound",
];

/// Numbers of a row, in millionths. A row that is no more has a count of 0 and nothing else.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Content {
    pub numerator: Option<Micro>,
    pub denominator: Option<Micro>,
    pub value: Option<Micro>,
    pub count: i64,
    pub p50: Option<Micro>,
    pub p90: Option<Micro>,
    pub is_final: bool,
}

/// A row before its revision.
struct Draft {
    metric: &'static str,
    extra: Option<Dimension>,
    content: Content,
}

impl Draft {
    /// Rate row: nothing where the denominator is empty.
    fn rate(metric: &'static str, numerator: i64, denominator: i64) -> Option<Self> {
        let content = Content {
            numerator: Some(whole(numerator)),
            denominator: Some(whole(denominator)),
            value: Some(ratio(numerator, denominator)?),
            count: denominator,
            ..Content::default()
        };
        Some(Self {
            metric,
            extra: None,
            content,
        })
    }

    fn with(self, name: &str, value: &str) -> Self {
        Self {
            extra: Some(Dimension {
                name: name.to_owned(),
                value: value.to_owned(),
            }),
            ..self
        }
    }
}

/// Appends what changed in a row since it was published last, each with the next revision.
pub(crate) fn publish(sums: &mut Sums, now: Millis, out: &mut Vec<Metric>) {
    // Deadlines that passed say no more; what comes late does not open them again, time does not go back.
    sums.open = sums.open.split_off(&now.saturating_add(1));
    let is_final = sums.final_from().is_some_and(|from| from <= now);
    let drafts: Vec<Draft> = drafts(sums);
    let mut published = std::mem::take(&mut sums.published);
    let is_of =
        |row: &Published, draft: &Draft| METRICS[usize::from(row.metric)] == draft.metric && row.extra == draft.extra;
    for row in &mut published {
        if row.content.count != 0 && !drafts.iter().any(|draft| is_of(row, draft)) {
            row.content = Content {
                is_final,
                ..Content::default()
            };
            row.revision += 1;
            out.push(metric(sums, row));
        }
    }
    for mut draft in drafts {
        draft.content.is_final = is_final;
        match published.iter_mut().find(|row| is_of(row, &draft)) {
            Some(row) if row.content == draft.content => {}
            Some(row) => {
                row.content = draft.content;
                row.revision += 1;
                out.push(metric(sums, row));
            }
            None => {
                let Some(place) = METRICS.iter().position(|name| *name == draft.metric) else {
                    continue;
                };
                let row = Published {
                    metric: place as u8,
                    extra: draft.extra,
                    content: draft.content,
                    revision: 1,
                };
                out.push(metric(sums, &row));
                published.push(row);
            }
        }
    }
    sums.published = published;
}

fn metric(sums: &Sums, row: &Published) -> Metric {
    let name = METRICS[usize::from(row.metric)];
    let mut dimensions = sums.name.dimensions.clone();
    dimensions.extend(row.extra.clone());
    let Content {
        numerator,
        denominator,
        value,
        count,
        p50,
        p90,
        is_final,
    } = row.content;
    Metric {
        tenant: sums.name.tenant.clone(),
        metric: name.to_owned(),
        definition: match name {
            // An internal series for the dashboard: both directions have one definition.
            "traffic_outbound" => "traffic_inbound@1".to_owned(),
            name => format!("{name}@1"),
        },
        window: sums.name.window.convert(),
        dimensions: dimensions.convert(),
        numerator: numerator.map(to_f64),
        denominator: denominator.map(to_f64),
        value: value.map(to_f64),
        count,
        p50: p50.map(to_f64),
        p90: p90.map(to_f64),
        is_final,
        revision: row.revision,
    }
}

fn drafts(sums: &Sums) -> Vec<Draft> {
    let count = |slot| sums.count(slot);
    let rate = Draft::rate;
    match sums.name.series {
        Series::Outcomes => {
            let failures = ERROR_CLASSES.iter().enumerate().filter_map(|(place, class)| {
                let failed = count(4 + place);
                (failed > 0)
                    .then(|| Some(rate("failure_rate", failed, count(0))?.with("error_class", class.as_str())))?
            });
            [
                rate("delivery_rate", count(1), count(0)),
                rate("read_rate", count(2), count(1)),
                rate("failure_rate", count(3), count(0)),
            ]
            .into_iter()
            .flatten()
            .chain(failures)
            .collect()
        }
        Series::Replies => {
            let strong = rate("reply_rate_strong", count(2), count(0));
            rate("reply_rate", count(1), count(0))
                .into_iter()
                .chain(strong)
                .collect()
        }
        Series::OptOuts => rate("opt_out_rate", count(1), count(0)).into_iter().collect(),
        Series::OptOutsUnattributed => counted("opt_out_rate", count(0), false),
        Series::TrafficInbound => counted("traffic_inbound", count(0), true),
        Series::TrafficOutbound => counted("traffic_outbound", count(0), true),
        Series::Unanswered => rate("unanswered", count(1), count(0))
            .map(|draft| Draft {
                content: Content {
                    value: Some(whole(count(1))),
                    ..draft.content
                },
                ..draft
            })
            .into_iter()
            .collect(),
        Series::FirstContact => rate("fcr_rate", count(1), count(0)).into_iter().collect(),
        Series::Csat => rate("csat_rate", count(1), count(0)).into_iter().collect(),
        Series::Ces => effort(count(0), count(1)).into_iter().collect(),
        Series::Bot => bot(sums),
        Series::QualityRating => state("quality_rating", sums).into_iter().collect(),
        Series::MessagingLimit => state("messaging_limit", sums).into_iter().collect(),
        series => series
            .duration()
            .and_then(|name| duration(name, sums))
            .into_iter()
            .collect(),
    }
}

/// A number of things, without a cohort to divide by.
fn counted(metric: &'static str, count: i64, has_value: bool) -> Vec<Draft> {
    let content = Content {
        numerator: Some(whole(count)),
        value: has_value.then_some(whole(count)),
        count,
        ..Content::default()
    };
    if count > 0 {
        vec![Draft {
            metric,
            extra: None,
            content,
        }]
    } else {
        Vec::new()
    }
}

fn duration(metric: &'static str, sums: &Sums) -> Option<Draft> {
    let count = sums.times.values().map(|times| i64::from(*times)).sum();
    let content = Content {
        numerator: Some(seconds(sums.total)),
        denominator: Some(whole(count)),
        value: Some(mean_seconds(sums.total, count)?),
        count,
        p50: nearest_rank(&sums.times, 50).map(seconds),
        p90: nearest_rank(&sums.times, 90).map(seconds),
        is_final: false,
    };
    Some(Draft {
        metric,
        extra: None,
        content,
    })
}

/// Mean of scores whose sum is in thousandths.
fn effort(answers: i64, thousandths: i64) -> Option<Draft> {
    let content = Content {
        numerator: Some(seconds(thousandths)),
        denominator: Some(whole(answers)),
        value: Some(mean_seconds(thousandths, answers)?),
        count: answers,
        ..Content::default()
    };
    Some(Draft {
        metric: "ces_mean",
        extra: None,
        content,
    })
}

fn bot(sums: &Sums) -> Vec<Draft> {
    let sessions = sums.count(0);
    let of = |wanted: fn(&str) -> bool| -> i64 {
        BOT_OUTCOMES
            .iter()
            .enumerate()
            .filter(|(_, name)| wanted(name))
            .map(|(place, _)| sums.count(1 + place))
            .sum()
    };
    let contained = of(|name| matches!(name, "contained_confirmed" | "contained_silent"));
    let escalated = of(|name| name.starts_with("escalated_"));
    let mut all: Vec<Draft> = Draft::rate("bot_containment_rate", contained, sessions)
        .into_iter()
        .chain(Draft::rate("bot_escalation_rate", escalated, sessions))
        .collect();
    // The shares of the outcomes are a grouping of their own.
    if sums.name.dimensions.is_empty() {
        for (place, name) in BOT_OUTCOMES.iter().enumerate() {
            let times = sums.count(1 + place);
            if times == 0 {
                continue;
            }
            all.extend(Draft::rate("bot_containment_rate", times, sessions).map(|draft| draft.with("outcome", name)));
            if name.starts_with("escalated_") {
                all.extend(
                    Draft::rate("bot_escalation_rate", times, sessions).map(|draft| draft.with("outcome", name)),
                );
            }
        }
    }
    all
}

/// The last observation.
fn state(metric: &'static str, sums: &Sums) -> Option<Draft> {
    let (_, last) = sums.states.last_key_value()?;
    let content = Content {
        value: last.value.map(whole),
        count: sums.states.len() as i64,
        ..Content::default()
    };
    let draft = Draft {
        metric,
        extra: None,
        content,
    };
    Some(match &last.rating {
        Some(rating) => draft.with("rating", rating),
        None => draft,
    })
}
