//! The documented parts of a value that a fact has no fields for, by their paths. **A new part is a path here.**
//!
//! ```json
//! {"event": "DISABLED_UPDATE", "ban_info": {"waba_ban_state": "DISABLE", "waba_ban_date": "June 1, 2026"}}
//! ```

/// Documented parts of a value, by kind of fact; what the fact has fields for is not among them.
pub(super) const PARTS: [(&str, &[&str]); 25] = [
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
