//! Closed vocabularies: words that say nothing of anybody.

use super::{crm, rules::Rules, shown::Shown, tables};
use crate::{catalogue, trace::Stage};
use hilo_contracts::{capture::INBOX_EVENTS, topics};
use hilo_domain::{ErrorClass, OptOutWords};

/// Types of messages.
pub(super) const MESSAGE_TYPES: &[&str] = &hilo_whatsapp::message::NAMES;

pub(super) const STATUSES: &[&str] = &hilo_whatsapp::status::NAMES;

pub(super) const CATEGORIES: &[&str] = &[
    "marketing",
    "utility",
    "authentication",
    "authentication_international",
    "service",
    "marketing_lite",
    "referral_conversion",
    "group_marketing",
    "MARKETING",
    "UTILITY",
    "AUTHENTICATION",
    "SERVICE",
];

pub(super) const QUALITIES: &[&str] = &["GREEN", "YELLOW", "RED", "UNKNOWN", "NA"];

pub(super) const AUTHORS: &[&str] = &["customer", "agent", "bot", "automation", "campaign", "unknown"];

pub(super) const ERROR_CLASSES: &[&str] = &ErrorClass::NAMES;

pub(super) const ERROR_ACTIONS: &[&str] = &[
    "retry",
    "wait",
    "never_retry",
    "resend_as_template",
    "pause_template",
    "pause_sender",
    "pause_account",
    "record_opt_out",
    "mark_contact",
    "fix_request",
];

pub(super) const OUTCOMES: &[&str] = &[
    "goal_reached",
    "human_takeover",
    "escalated_requested",
    "escalated_failure",
    "escalated_rule",
    "contained_confirmed",
    "contained_assumed",
    "contained",
    "abandoned",
    "resolved",
];

/// Identity: rules that join or suggest, and what speaks against one.
pub(super) const RULES: &[&str] = &[
    "together",
    "parent_bsuid",
    "change_event",
    "recycled_number",
    "number_variant",
    "same_number_other_portfolio",
    "operator",
    "crm_user_id",
    "crm_phone",
    "document",
    "email",
    "ar_mobile_prefix",
    "same_number",
    "number_taken_over",
    "placeholder",
];
pub(super) const BLOCKERS: &[&str] = &["opposing_user_ids", "opposing_statements", "cap"];

pub(super) const IDENTIFIERS: &[&str] = &[
    "bsuid",
    "parent_bsuid",
    "wa_id",
    "phone",
    "username",
    "hubspot_id",
    "salesforce_id",
    "email",
    "document",
];

/// Events of templates.
pub(super) const TEMPLATE_EVENTS: &[&str] = &hilo_whatsapp::account::TEMPLATE_EVENTS;
/// Events of accounts.
pub(super) const ACCOUNT_EVENTS: &[&str] = &[
    "ACCOUNT_DELETED",
    "ACCOUNT_OFFBOARDED",
    "ACCOUNT_RECONNECTED",
    "ACCOUNT_RESTRICTION",
    "ACCOUNT_VIOLATION",
    "AD_ACCOUNT_LINKED",
    "AUTH_INTL_PRICE_ELIGIBILITY_UPDATE",
    "BUSINESS_PRIMARY_LOCATION_COUNTRY_UPDATE",
    "DISABLED_UPDATE",
    "MM_LITE_TERMS_SIGNED",
    "PARTNER_ADDED",
    "PARTNER_APP_INSTALLED",
    "PARTNER_APP_UNINSTALLED",
    "PARTNER_CLIENT_CERTIFICATION_STATUS_UPDATE",
    "PARTNER_REMOVED",
    "VERIFIED_ACCOUNT",
    "VOLUME_BASED_PRICING_TIER_UPDATE",
    "UPGRADE",
    "DOWNGRADE",
    "ONBOARDING",
    "CONNECTED",
];

/// Kinds of account facts that come from one webhook field.
pub(super) const ACCOUNT_KINDS: &[&str] = &[
    "restriction",
    "violation",
    "ban",
    "account_deleted",
    "partner",
    "partner_app",
    "coexistence",
    "ad_account",
    "marketing_terms",
    "price_eligibility",
    "price_tier",
    "primary_location",
    "certification",
    "verified_account",
    "account_update",
];

/// Kinds of conversation facts beside those that the schema lists one by one.
pub(super) const CONVERSATION_KINDS: &[&str] = &[
    "call_connect",
    "call_terminate",
    "call_created",
    "call_recording_available",
    "call_transcription_available",
    "call_RINGING",
    "call_ACCEPTED",
    "call_REJECTED",
    "call_ringing",
    "call_accepted",
    "call_rejected",
    "link_click",
    "landing_page_view",
    "user_action",
    "deal_won",
    "deal_lost",
    "deal_created",
    "deal_stage_changed",
    "contact_merged",
    "contact_deleted",
    "contact_created",
    "contact_updated",
    "message_received",
    "automatic_event",
    "opt_in",
    "opt_out",
    "preference_changed",
];

pub(super) const DEAD_LETTER_REASONS: &[&str] = &[
    "not_json",
    "no_id",
    "no_time",
    "no_event",
    "element_not_object",
    "element_without_id",
    "unknown_source",
    "unknown_event",
    "not_object",
    "not_about_a_message",
    "not_about_an_account",
    "no_template_id",
    "no_status",
    "no_setting",
    "no_person",
    "no_number_or_template",
    "no_number_id",
    "no_entry",
    "no_contract",
    "no_changes",
    "no_actor",
    "bad_time",
    "invalid_utf8",
    "too_costly",
    "too_many_items",
    "from_the_future",
    "unknown_tenant",
];

pub(super) const UNCLASSIFIED_REASONS: &[&str] =
    &["unknown_field", "no_field", "no_value", "no_content", "foreign_account"];

/// Webhook fields.
pub(super) const FIELDS: &[&str] = &[
    "messages",
    "smb_message_echoes",
    "message_echoes",
    "calls",
    "history",
    "smb_app_state_sync",
    "user_preferences",
    "user_id_update",
    "automatic_events",
    "group_lifecycle_update",
    "group_participants_update",
    "group_settings_update",
    "group_status_update",
    "flows",
    "account_update",
    "account_alerts",
    "account_review_update",
    "account_settings_update",
    "business_capability_update",
    "business_username_update",
    "message_template_status_update",
    "message_template_quality_update",
    "message_template_components_update",
    "template_category_update",
    "phone_number_name_update",
    "phone_number_quality_update",
    "security",
    "partner_solutions",
    "payment_configuration_update",
    "tracking_events",
];

/// Decisions, and other words that are an item's title.
const ITEM_TITLES: &[&str] = &[
    "merge",
    "reject",
    "split",
    "unmerge",
    "send_requested",
    "callback_echoed",
    "clock",
    "stop",
    "resume",
    "signup",
    "connect",
    "terminate",
    "RINGING",
    "ACCEPTED",
    "REJECTED",
    "group_event",
    "contact_synced",
    "user_id_changed",
    "flow_event",
    "history_event",
    "platform_error",
    "same_person",
    "system_message",
    "welcome_requested",
];

/// A preference's value, one of the built-in opt-out words, or the code of a refusal (131050).
pub(super) fn is_will(text: &str) -> bool {
    let is_code = text.len() == 6 && text.bytes().all(|byte| byte.is_ascii_digit());
    is_code || ["stop", "resume", "signup"].contains(&text) || OptOutWords::default().find(text).is_some()
}

/// Languages with a region, or bare ones of two letters.
pub(super) fn is_language(text: &str) -> bool {
    let (language, region) = text
        .split_once('_')
        .map_or((text, None), |(language, region)| (language, Some(region)));
    language.len() == 2
        && language.bytes().all(|byte| byte.is_ascii_lowercase())
        && region.is_none_or(super::is_country)
}

/// Whether a step may have this title.
pub(super) fn is_title(stage: Stage, topic: Option<&str>, title: &str) -> bool {
    let said = |topic: &str, path: &str| {
        let rules = Rules::of(super::Of::Topic(topic));
        matches!(rules.at(path), Some(Shown::Words(words)) if words.iter().any(|word| word == title))
    };
    match stage {
        Stage::Raw => said(topics::RAW, "source"),
        Stage::Item => {
            MESSAGE_TYPES.contains(&title)
                || STATUSES.contains(&title)
                || INBOX_EVENTS.contains(&title)
                || ITEM_TITLES.contains(&title)
                || said(topics::CONVERSATION, "kind")
                || said(topics::ACCOUNT, "kind")
        }
        Stage::Fact => {
            let topic = topic.unwrap_or_default();
            topic == title && is_topic(topic)
                || ["kind", "status", "reason"].iter().any(|path| said(topic, path))
                || topic == topics::CRM_RECORD && crm::is_title(title)
        }
        Stage::Golden => tables::is_table(title),
        Stage::CrmWrite => crm::is_title(title),
        Stage::Metric => is_definition(title),
    }
}

/// `delivery_rate@1`.
fn is_definition(text: &str) -> bool {
    text.split_once('@').is_some_and(|(metric, version)| {
        version.len() <= 3 && version.bytes().all(|byte| byte.is_ascii_digit()) && is_metric(metric)
    })
}

/// A metric with a card or a definition.
pub(super) fn is_metric(name: &str) -> bool {
    const OTHERS: &[&str] = &[
        "traffic_inbound",
        "traffic_outbound",
        "quality_rating",
        "messaging_limit",
    ];
    OTHERS.contains(&name) || catalogue::find(name).0.is_some()
}

/// Whether it names a number, an outcome, a reason or a CRM, as the ids of what is behind a number do.
pub(super) fn is_number_name(part: &str) -> bool {
    const PREFIXES: &[&str] = &[
        "number",
        "outcome",
        "reason",
        "template",
        "dead_letter",
        "phone_number",
        "portfolio",
    ];
    const OUTCOMES: &[&str] = &["emitted", "duplicate", "unclassified"];
    PREFIXES.contains(&part)
        || crm::is_part(part)
        || OUTCOMES.contains(&part)
        || DEAD_LETTER_REASONS.contains(&part)
        || is_metric(part)
        || is_definition(part)
}

/// A topic of ours.
pub(super) fn is_topic(topic: &str) -> bool {
    [topics::COUNT, topics::ITEM].contains(&topic) || hilo_contracts::schemas::latest(topic).is_ok()
}
