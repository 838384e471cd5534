//! Messaging limits, in all of their spellings.
//!
//! ```json
//! {"max_daily_conversations_per_business": "TIER_2K", "max_phone_numbers_per_business": 25}
//! {"event": "UPGRADE", "current_limit": "TIER_100K"}
//! ```

use hilo_contracts::item::Account;
use hilo_domain::read::integer;
use serde_json::Value;

/// Keys of the messaging limit; the last two are those of former versions.
const LIMITS: [&str; 3] = [
    "max_daily_conversations_per_business",
    "max_daily_conversation_per_phone",
    "current_limit",
];

/// Adds what a value says of the messaging limit; with none set, that it says so.
pub(super) fn with_limit(value: &Value, account: Account) -> Account {
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
        return integer(value);
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
    fn a_limit_counts_under_any_field_and_says_where_none_is_set() {
        for (value, limit, is_told) in [
            (
                json!({"max_daily_conversations_per_business": "TIER_2K"}),
                Some(2_000),
                true,
            ),
            (
                json!({"max_daily_conversations_per_business": "TIER_NOT_SET"}),
                None,
                true,
            ),
            (json!({"max_daily_conversation_per_phone": 250}), Some(250), true),
            (json!({"max_phone_numbers_per_waba": 25}), None, false),
        ] {
            let fact = with_limit(&value, Account::default());
            assert_eq!((fact.limit, fact.limit_told), (limit, is_told), "{value}");
        }
    }

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
