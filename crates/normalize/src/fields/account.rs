//! Facts about the business side: numbers, templates, accounts, portfolios.

use super::messages::language;
use crate::{
    json,
    key::Key,
    update::{Draft, Update},
};
use hilo_contracts::item::{Account, Body, Template};
use serde_json::Value;

/// Fields whose value is one fact about the business side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Business {
    /// Any of the four about templates: Meta's own example of a quality update stands under the status field.
    Template,
    Alert,
    Review,
    Update,
    Settings,
    Capability,
    Username,
    NumberName,
    NumberThroughput,
    Security,
    Solution,
    Payment,
}

/// Kinds of template facts, with the keys by which a value is known to be one; the first that fits decides.
const TEMPLATE_KINDS: [(&str, &[&str]); 5] = [
    ("template_quality", &["new_quality_score", "previous_quality_score"]),
    ("template_category_warning", &["correct_category"]),
    ("template_category", &["new_category", "previous_category"]),
    ("template_status", &["event"]),
    (
        "template_components",
        &[
            "message_template_element",
            "message_template_title",
            "message_template_footer",
            "message_template_buttons",
        ],
    ),
];

impl Business {
    pub(super) fn of(field: &str) -> Option<Self> {
        Some(match field {
            "message_template_status_update"
            | "message_template_quality_update"
            | "message_template_components_update"
            | "template_category_update" => Self::Template,
            "account_alerts" => Self::Alert,
            "account_review_update" => Self::Review,
            "account_update" => Self::Update,
            "account_settings_update" => Self::Settings,
            "business_capability_update" => Self::Capability,
            "business_username_update" | "business_username_updates" => Self::Username,
            "phone_number_name_update" => Self::NumberName,
            "phone_number_quality_update" => Self::NumberThroughput,
            "security" => Self::Security,
            "partner_solutions" => Self::Solution,
            "payment_configuration_update" => Self::Payment,
            _ => return None,
        })
    }

    /// Keys of which a value has one at least, else it says nothing.
    fn needs(self) -> &'static [&'static str] {
        match self {
            // Any of them; `template_kind` looks closer.
            Self::Template => &[
                "event",
                "new_quality_score",
                "previous_quality_score",
                "new_category",
                "previous_category",
                "correct_category",
                "message_template_element",
                "message_template_title",
                "message_template_footer",
                "message_template_buttons",
                "message_template_id",
                "message_template_name",
            ],
            Self::Alert => &["alert_info", "alert_type", "entity_type", "entity_id"],
            Self::Review => &["decision"],
            Self::Update | Self::Security => &["event"],
            Self::Settings => &["phone_number_settings", "type"],
            Self::Capability => &[
                "max_daily_conversations_per_business",
                "max_daily_conversation_per_phone",
                "max_phone_numbers_per_business",
                "max_phone_numbers_per_waba",
            ],
            Self::Username => &["status", "username"],
            Self::NumberName => &["decision", "requested_verified_name"],
            Self::NumberThroughput => &["event", "current_limit", "max_daily_conversations_per_business"],
            Self::Solution => &["event", "solution_id", "solution_status"],
            Self::Payment => &["configuration_name", "provider_name", "status"],
        }
    }

    /// The fact that a value says; `None` when it has none of the keys that it needs.
    pub(super) fn read(self, update: &Update) -> Option<Draft> {
        let value = update.value;
        if !self
            .needs()
            .iter()
            .any(|key| value.get(key).is_some_and(|value| !value.is_null()))
        {
            return None;
        }
        let account = match self {
            Self::Template => template_fact(update),
            Self::Alert => alert(update),
            Self::Review => Account {
                event: text(value, "decision"),
                ..of_account(update, "account_review")
            },
            Self::Update => with_limit(value, account_update(update)),
            Self::Settings => {
                let number = value
                    .get("phone_number_settings")
                    .and_then(|settings| json::id(settings, "phone_number_id"));
                Account {
                    event: text(value, "type"),
                    ..of_number(update, number, "account_settings")
                }
            }
            Self::Capability => with_limit(value, of_account(update, "limit")),
            Self::Username => Account {
                event: text(value, "status"),
                ..of_number(update, None, "username")
            },
            Self::NumberName => Account {
                event: text(value, "decision"),
                reason: text(value, "rejection_reason"),
                ..of_number(update, None, "number_name")
            },
            // It tells of throughput and no longer of quality, whatever its name.
            Self::NumberThroughput => {
                let told = Account {
                    event: text(value, "event"),
                    ..of_number(update, None, "throughput")
                };
                with_limit(value, told)
            }
            Self::Security => Account {
                event: text(value, "event"),
                reason: text(value, "requester"),
                ..of_number(update, None, "security")
            },
            Self::Solution => Account {
                event: text(value, "event"),
                reason: text(value, "solution_status"),
                ..about("portfolio", update.entry_id.to_owned(), "partner_solution")
            },
            Self::Payment => Account {
                event: text(value, "status"),
                ..of_account(update, "payment_configuration")
            },
        };
        Some(Draft::new(
            Update::timestamp(value),
            Key::Content,
            Body::Account(account),
        ))
    }
}

fn text(value: &Value, key: &str) -> Option<String> {
    json::text(value, key).map(str::to_owned)
}

fn about(subject_kind: &str, subject_id: String, kind: &str) -> Account {
    Account {
        subject_kind: subject_kind.to_owned(),
        subject_id,
        kind: kind.to_owned(),
        ..Account::default()
    }
}

fn of_account(update: &Update, kind: &str) -> Account {
    about("waba", update.entry_id.to_owned(), kind)
}

/// About a business number: by its id, else by the number as it is shown.
fn of_number(update: &Update, number: Option<String>, kind: &str) -> Account {
    let value = update.value;
    let number = number
        .or_else(|| json::id(value, "phone_number_id"))
        .or_else(|| update.phone_number_id.clone())
        .or_else(|| json::id(value, "display_phone_number").map(|shown| digits(&shown)));
    about("phone_number", number.unwrap_or_default(), kind)
}

/// A shown number in its one form: with and without plus sign, spaces and hyphens it is one subject.
fn digits(shown: &str) -> String {
    let digits: String = shown.chars().filter(char::is_ascii_digit).collect();
    if digits.is_empty() { shown.to_owned() } else { digits }
}

fn template_fact(update: &Update) -> Account {
    let value = update.value;
    let told = |keys: &[&str]| {
        keys.iter()
            .any(|key| value.get(*key).is_some_and(|value| !value.is_null()))
    };
    let by_keys = TEMPLATE_KINDS
        .iter()
        .find(|(_, keys)| told(keys))
        .map(|(kind, _)| *kind);
    let kind = by_keys.unwrap_or(match update.field {
        "message_template_quality_update" => "template_quality",
        "template_category_update" => "template_category",
        "message_template_components_update" => "template_components",
        _ => "template_status",
    });
    let id = json::id(value, "message_template_id").or_else(|| json::id(value, "message_template_name"));
    // In a warning as in a change, `new_category` is the one that holds when it is told.
    let category = json::text(value, "message_template_category").or_else(|| json::text(value, "new_category"));
    let template = json::text(value, "message_template_name").map(|name| Template {
        name: name.to_owned(),
        language: json::text(value, "message_template_language").map(language),
        category: category.map(str::to_ascii_lowercase),
    });
    let rejected = value.get("rejection_info").and_then(|info| text(info, "reason"));
    let paused = value.get("other_info").and_then(|info| text(info, "title"));
    Account {
        event: text(value, "event"),
        quality: json::text(value, "new_quality_score").map(str::to_ascii_uppercase),
        template,
        reason: text(value, "reason")
            .filter(|reason| reason != "NONE")
            .or(paused)
            .or(rejected),
        ..about("template", id.unwrap_or_default(), kind)
    }
}

fn alert(update: &Update) -> Account {
    let value = update.value;
    let info = value.get("alert_info").unwrap_or(value);
    let (kind, id) = match (json::text(value, "entity_type"), json::id(value, "entity_id")) {
        (Some("BUSINESS"), Some(id)) => ("portfolio", id),
        (Some("PHONE_NUMBER"), Some(id)) => ("phone_number", id),
        (Some("WABA"), Some(id)) => ("waba", id),
        _ => ("waba", update.entry_id.to_owned()),
    };
    Account {
        event: text(info, "alert_type"),
        reason: text(info, "alert_severity"),
        ..about(kind, id, "account_alert")
    }
}

fn account_update(update: &Update) -> Account {
    let value = update.value;
    // Events about partners stand under a portfolio and name the account inside.
    let account = value.get("waba_info").and_then(|info| json::id(info, "waba_id"));
    let detail = |object: &str, key: &str| value.get(object).and_then(|object| text(object, key));
    let restrictions: Vec<&str> = json::list(value, "restriction_info")
        .into_iter()
        .flatten()
        .filter_map(|restriction| json::text(restriction, "restriction_type"))
        .collect();
    let reason = detail("violation_info", "violation_type")
        .or_else(|| detail("ban_info", "waba_ban_state"))
        .or_else(|| detail("disconnection_info", "reason"))
        .or_else(|| (!restrictions.is_empty()).then(|| restrictions.join(",")));
    let id = account.unwrap_or_else(|| update.entry_id.to_owned());
    let kind = json::text(value, "event").map_or(OTHER_UPDATE, update_kind);
    Account {
        event: text(value, "event"),
        reason,
        portfolio_id: value
            .get("waba_info")
            .and_then(|info| json::id(info, "owner_business_id")),
        ..about("waba", id, kind)
    }
}

/// An event of an account that nobody documents.
const OTHER_UPDATE: &str = "account_update";

/// What an `account_update` is about: each is a state of its own, that the others do not end.
fn update_kind(event: &str) -> &'static str {
    match event {
        "ACCOUNT_DELETED" => "account_deleted",
        "ACCOUNT_RESTRICTION" => "restriction",
        "ACCOUNT_VIOLATION" => "violation",
        "DISABLED_UPDATE" => "ban",
        "PARTNER_ADDED" | "PARTNER_REMOVED" => "partner",
        "PARTNER_APP_INSTALLED" | "PARTNER_APP_UNINSTALLED" => "partner_app",
        "ACCOUNT_OFFBOARDED" | "ACCOUNT_RECONNECTED" => "coexistence",
        "AD_ACCOUNT_LINKED" => "ad_account",
        "MM_LITE_TERMS_SIGNED" => "marketing_terms",
        "AUTH_INTL_PRICE_ELIGIBILITY_UPDATE" => "price_eligibility",
        "VOLUME_BASED_PRICING_TIER_UPDATE" => "price_tier",
        "BUSINESS_PRIMARY_LOCATION_COUNTRY_UPDATE" => "primary_location",
        "PARTNER_CLIENT_CERTIFICATION_STATUS_UPDATE" => "certification",
        "VERIFIED_ACCOUNT" => "verified_account",
        _ => OTHER_UPDATE,
    }
}

/// Keys of the messaging limit; the last two are those of former versions.
const LIMITS: [&str; 3] = [
    "max_daily_conversations_per_business",
    "max_daily_conversation_per_phone",
    "current_limit",
];

/// Adds what a value says of the messaging limit; with none set, that it says so.
fn with_limit(value: &Value, account: Account) -> Account {
    let told = || LIMITS.iter().filter_map(|key| value.get(*key));
    Account {
        limit: told().find_map(tier),
        limit_told: told().any(|limit| limit.is_number() || limit.as_str().is_some_and(|text| !text.is_empty())),
        ..account
    }
}

/// A messaging limit: unique users in 24 hours, -1 without limit. Tiers come as text and as numbers.
pub(super) fn tier(value: &Value) -> Option<i64> {
    let Value::String(text) = value else {
        return json::integer(value);
    };
    let upper = text.trim().to_ascii_uppercase();
    let tier = upper.strip_prefix("TIER_").unwrap_or(&upper);
    if tier == "UNLIMITED" {
        return Some(-1);
    }
    match tier.strip_suffix('K') {
        Some(thousands) => thousands.parse::<i64>().ok()?.checked_mul(1000),
        None => tier.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn limits_in_all_spellings() {
        for (told, want) in [
            (json!("TIER_50"), Some(50)),
            (json!("TIER_1K"), Some(1_000)),
            (json!("TIER_2K"), Some(2_000)),
            (json!("TIER_100K"), Some(100_000)),
            (json!("tier_250"), Some(250)),
            (json!("TIER_UNLIMITED"), Some(-1)),
            (json!("UNLIMITED"), Some(-1)),
            (json!(-1), Some(-1)),
            (json!("-1"), Some(-1)),
            (json!(2000), Some(2_000)),
            (json!("10000"), Some(10_000)),
            (json!("TIER_NOT_SET"), None),
            (json!("NOT_SET"), None),
            (json!(null), None),
            (json!([1]), None),
            (json!("TIER_99999999999999999K"), None),
        ] {
            assert_eq!(tier(&told), want, "{told}");
        }
    }
}
