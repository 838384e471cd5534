//! What a value says beyond its kind and event: what held before, what will hold, restrictions, and the other documented
//! parts by their paths. Whatever is not documented stays in the content.

use hilo_contracts::facts::{Account as Fact, Attribute, Restriction};
use hilo_domain::{
    Millis,
    json::canonical,
    read::{list, seconds, text},
};
use serde_json::Value;

/// Documented parts of a value, by kind of fact; what the fact has fields for is not among them.
const PARTS: [(&str, &[&str]); 25] = [
    (
        "number_snapshot",
        &[
            "display_phone_number",
            "verified_name",
            "status",
            "name_status",
            "new_name_status",
            "code_verification_status",
            "throughput.level",
            "whatsapp_business_manager_messaging_limit",
            "messaging_limit_tier",
            "quality_score.date",
            "quality_score.reasons",
            "health_status.can_send_message",
            "account_mode",
            "platform_type",
            "is_official_business_account",
        ],
    ),
    (
        "template_snapshot",
        &[
            "status",
            "previous_category",
            "correct_category",
            "sub_category",
            "quality_score.date",
            "quality_score.reasons",
            "health_status.can_send_message",
        ],
    ),
    (
        "template_status",
        &[
            "disable_info.disable_date",
            "other_info.title",
            "other_info.description",
            "rejection_info.reason",
            "rejection_info.recommendation",
        ],
    ),
    (
        "template_components",
        &[
            "message_template_title",
            "message_template_element",
            "message_template_footer",
            "message_template_buttons",
        ],
    ),
    (
        "account_alert",
        &[
            "entity_type",
            "entity_id",
            "alert_info.alert_type",
            "alert_info.alert_severity",
            "alert_info.alert_status",
            "alert_info.alert_description",
            "alert_type",
            "alert_severity",
            "alert_status",
            "alert_description",
        ],
    ),
    ("ban", &["ban_info.waba_ban_state", "ban_info.waba_ban_date"]),
    ("violation", &["violation_info.violation_type"]),
    ("partner", WABA),
    ("partner_app", WABA),
    ("coexistence", WABA),
    ("ad_account", WABA),
    ("marketing_terms", WABA),
    (
        "price_eligibility",
        &[
            "auth_international_rate_eligibility.start_time",
            "auth_international_rate_eligibility.exception_countries",
        ],
    ),
    (
        "price_tier",
        &[
            "volume_tier_info.pricing_category",
            "volume_tier_info.region",
            "volume_tier_info.tier",
            "volume_tier_info.effective_month",
            "volume_tier_info.tier_update_time",
        ],
    ),
    ("primary_location", &["country"]),
    (
        "certification",
        &[
            "partner_client_certification_info.client_business_id",
            "partner_client_certification_info.status",
            "partner_client_certification_info.rejection_reasons",
        ],
    ),
    (
        "account_settings",
        &[
            "phone_number_settings.phone_number_id",
            "phone_number_settings.calling.status",
            "phone_number_settings.calling.call_icon_visibility",
            "phone_number_settings.calling.callback_permission_status",
            "phone_number_settings.calling.call_hours",
            "phone_number_settings.calling.sip",
        ],
    ),
    (
        "limit",
        &[
            "max_daily_conversations_per_business",
            "max_daily_conversation_per_phone",
            "max_phone_numbers_per_business",
            "max_phone_numbers_per_waba",
        ],
    ),
    ("username", &["display_phone_number", "username"]),
    ("number_name", &["display_phone_number", "requested_verified_name"]),
    (
        "throughput",
        &[
            "display_phone_number",
            "current_limit",
            "old_limit",
            "max_daily_conversations_per_business",
        ],
    ),
    ("security", &["display_phone_number", "requester"]),
    ("partner_solution", &["solution_id", "solution_status"]),
    (
        "payment_configuration",
        &[
            "configuration_name",
            "provider_name",
            "provider_mid",
            "created_timestamp",
            "updated_timestamp",
        ],
    ),
    ("account_update", WABA),
];

/// What events about partners say of the account, and why a partner went.
const WABA: &[&str] = &[
    "waba_info.waba_id",
    "waba_info.partner_app_id",
    "waba_info.solution_id",
    "waba_info.solution_partner_business_ids",
    "waba_info.ad_account_linked",
    "disconnection_info.reason",
    "disconnection_info.initiated_by",
];

/// Adds to `fact` what `content` says.
pub(crate) fn add(fact: &mut Fact, content: &Value) {
    // A snapshot's content is its line, and the platform's answer stands inside.
    let answer = match fact.kind.as_str() {
        "number_snapshot" => content.get("number"),
        "template_snapshot" => content.get("template"),
        _ => None,
    };
    let value = answer.unwrap_or(content);
    let part = |path: &str| path.split('.').try_fold(value, |value, key| value.get(key));
    let word = |key: &str| text(value, key).map(str::to_owned);
    let (previous, announced) = match fact.kind.as_str() {
        "template_quality" => (
            word("previous_quality_score").map(|score| score.to_ascii_uppercase()),
            None,
        ),
        "template_category" => (
            word("previous_category").map(|category| category.to_ascii_lowercase()),
            None,
        ),
        "template_category_warning" => (
            word("previous_category").map(|category| category.to_ascii_lowercase()),
            word("correct_category").map(|category| category.to_ascii_lowercase()),
        ),
        "throughput" => (part("old_limit").filter(|limit| !limit.is_null()).map(plain), None),
        _ => (None, None),
    };
    fact.previous = previous;
    fact.announced = announced;
    fact.effective_at = effective_at(&fact.kind, value);
    fact.restrictions = restrictions(value);
    fact.attributes = PARTS
        .iter()
        .filter(|(kind, _)| *kind == fact.kind)
        .flat_map(|(_, paths)| *paths)
        // Any event of an account may be about one of its numbers.
        .chain(&["phone_number"])
        .filter_map(|path| {
            let value = part(path).filter(|value| !value.is_null())?;
            Some(Attribute {
                name: (*path).to_owned(),
                value: plain(value),
            })
        })
        .collect();
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| canonical(value), str::to_owned)
}

fn effective_at(kind: &str, value: &Value) -> Option<Millis> {
    let inside = |object: &str, key: &str| seconds(value.get(object)?, key);
    match kind {
        "template_category_warning" => seconds(value, "category_update_timestamp"),
        // A date in words stays an attribute.
        "template_status" => inside("disable_info", "disable_date"),
        "price_tier" => inside("volume_tier_info", "tier_update_time"),
        "price_eligibility" => inside("auth_international_rate_eligibility", "start_time"),
        _ => None,
    }
}

fn restrictions(value: &Value) -> Vec<Restriction> {
    let restriction = |told: &Value| {
        let expires_at = seconds(told, "expiration");
        Some(Restriction {
            kind: text(told, "restriction_type")?.to_owned(),
            expires_at,
            expiration: told
                .get("expiration")
                .filter(|told| expires_at.is_none() && !told.is_null())
                .map(plain),
            remediation: told.get("remediation").filter(|told| !told.is_null()).map(plain),
        })
    };
    list(value, "restriction_info")
        .into_iter()
        .flatten()
        .filter_map(restriction)
        .collect()
}
