//! The fields of changes about the business side, and what a value needs to say something.

/// A field about the business side: its value is one fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// Any of the four about templates: Meta's own example of a quality update stands under the status field.
    Template,
    /// `account_alerts`.
    Alert,
    /// `account_review_update`.
    Review,
    /// `account_update`.
    Update,
    /// `account_settings_update`.
    Settings,
    /// `business_capability_update`.
    Capability,
    /// `business_username_update`.
    Username,
    /// `phone_number_name_update`.
    NumberName,
    /// `phone_number_quality_update`.
    NumberThroughput,
    /// `security`.
    Security,
    /// `partner_solutions`.
    Solution,
    /// `payment_configuration_update`.
    Payment,
}

impl Field {
    pub(crate) fn of(field: &str) -> Option<Self> {
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
    pub(super) fn needs(self) -> &'static [&'static str] {
        match self {
            // Any of them; `template.rs` looks closer.
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
}
