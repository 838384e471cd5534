//! Quality and limits, which are states: metrics.md, chapter 8.

use super::{
    super::{
        items::{Item, Kind},
        json::{text, word},
        portfolios,
    },
    HOUR, Name, Numbers, World,
    rows::{Dimensions, Group, Member, UNKNOWN, dimensions, groups},
};
use serde_json::Value;
use std::collections::BTreeSet;

/// Keys of a limit; the last two are those of former versions.
const LIMITS: &[&str] = &[
    "max_daily_conversations_per_business",
    "max_daily_conversation_per_phone",
    "current_limit",
];

const SETTLED: i64 = 7 * 24 * HOUR;

/// What was seen of a subject at a time.
struct Observation<'a> {
    item: &'a Item,
    subject: Dimensions,
    /// What it said in words.
    text: Option<String>,
    value: Option<f64>,
}

impl Member for Observation<'_> {
    fn tenant(&self) -> &str {
        &self.item.tenant
    }

    fn anchor(&self) -> i64 {
        self.item.time
    }

    fn groupings(&self) -> Vec<Dimensions> {
        vec![self.subject.clone()]
    }
}

pub(super) fn rows(world: &World) -> Vec<(Name, Numbers)> {
    let mut seen = BTreeSet::new();
    let items: Vec<&Item> = world
        .items
        .iter()
        .filter(|item| !item.is_test() && seen.insert((&item.tenant, &item.key)))
        .collect();
    let qualities: Vec<Observation> = items.iter().filter_map(|item| quality(item)).collect();
    let limits: Vec<Observation> = items.iter().filter_map(|item| limit(item, &items)).collect();
    let ratings = groups(&qualities).into_iter().map(|group| {
        let (mut name, numbers) = row("quality_rating", &group, world.now);
        let rating = last(&group).text.clone();
        name.dimensions
            .insert("rating", rating.unwrap_or_else(|| UNKNOWN.to_owned()));
        (name, numbers)
    });
    let limits = groups(&limits);
    ratings
        .chain(limits.iter().map(|group| row("messaging_limit", group, world.now)))
        .collect()
}

fn last<'a>(group: &Group<'a, Observation<'a>>) -> &'a Observation<'a> {
    let by = |one: &&&Observation| (one.item.time, one.item.told.clone());
    group.members.iter().max_by_key(by).unwrap()
}

fn row(metric: &'static str, group: &Group<Observation>, now: i64) -> (Name, Numbers) {
    let numbers = Numbers {
        value: last(group).value,
        count: group.members.len() as i64,
        is_final: group.is_final(now, |_| false, |_| SETTLED),
        ..Numbers::default()
    };
    (group.name(metric), numbers)
}

/// A number says its quality when it is asked, a template in its events.
fn quality(item: &Item) -> Option<Observation<'_>> {
    let element = &item.element;
    let (kind, id, text) = match item.kind {
        Kind::Platform => (
            "phone_number",
            word(&element["number"]["id"])?,
            text(&element["number"], "quality_rating"),
        ),
        Kind::Whole => ("template", template(element)?, text(element, "new_quality_score")),
        _ => return None,
    };
    Some(Observation {
        item,
        subject: dimensions(&[("subject_kind", kind), ("subject_id", &id)]),
        text: text.map(str::to_owned),
        value: match text {
            Some("GREEN") => Some(3.0),
            Some("YELLOW") => Some(2.0),
            Some("RED") => Some(1.0),
            _ => None,
        },
    })
}

/// What a value about a template's quality calls it: by its id, else by its name.
fn template(element: &Value) -> Option<String> {
    text(element, "new_quality_score")?;
    let named = word(&element["message_template_id"]).or_else(|| word(&element["message_template_name"]));
    Some(named.unwrap_or_else(|| UNKNOWN.to_owned()))
}

fn limit<'a>(item: &'a Item, items: &[&Item]) -> Option<Observation<'a>> {
    let told = match item.kind {
        Kind::Platform => &item.element["number"]["whatsapp_business_manager_messaging_limit"],
        Kind::Whole => LIMITS
            .iter()
            .map(|key| &item.element[*key])
            .find(|told| word(told).is_some())?,
        _ => return None,
    };
    let text = word(told)?;
    let account = portfolios::account(item);
    let portfolio = self::text(&item.element, "portfolio_id").or_else(|| owner(item, account?, items));
    let subject = match (portfolio, account) {
        (Some(portfolio), _) => ("portfolio_id", portfolio),
        (None, account) => ("waba_id", account.unwrap_or(UNKNOWN)),
    };
    Some(Observation {
        item,
        subject: dimensions(&[subject]),
        value: users(&text),
        text: None,
    })
}

/// The portfolio that was named last as the owner of an account.
fn owner<'a>(of: &Item, account: &str, items: &[&'a Item]) -> Option<&'a str> {
    let named = items.iter().filter(|item| item.tenant == of.tenant).filter_map(|item| {
        let (owned, owner) = portfolios::owner(item)?;
        (owned == account).then_some((item.time, owner))
    });
    named.max().map(|(_, owner)| owner)
}

/// Unique users in 24 h; -1 without limit.
fn users(limit: &str) -> Option<f64> {
    let limit = limit.strip_prefix("TIER_").unwrap_or(limit);
    match limit {
        "UNLIMITED" | "-1" => Some(-1.0),
        _ => match limit.strip_suffix('K') {
            Some(thousands) => Some(thousands.parse::<f64>().ok()? * 1000.0),
            None => limit.parse().ok(),
        },
    }
}
