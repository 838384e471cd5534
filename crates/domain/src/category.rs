//! Categories of messages, as the platform names them.

/// Whether it is one of marketing.
#[must_use]
pub fn is_marketing(category: &str) -> bool {
    ["marketing", "marketing_lite", "group_marketing"]
        .iter()
        .any(|name| category.eq_ignore_ascii_case(name))
}

/// Whether only templates have it. `service` and what begins with a customer's tap is said of free-form messages.
#[must_use]
pub fn is_of_templates(category: &str) -> bool {
    is_marketing(category)
        || [
            "utility",
            "group_utility",
            "authentication",
            "authentication_international",
        ]
        .iter()
        .any(|name| category.replace('-', "_").eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marketing_is_of_templates_and_service_is_not() {
        for category in ["marketing", "MARKETING_LITE", "group_marketing"] {
            assert!(is_marketing(category) && is_of_templates(category), "{category}");
        }
        for category in ["utility", "authentication-international", "Authentication"] {
            assert!(!is_marketing(category) && is_of_templates(category), "{category}");
        }
        for category in ["service", "referral_conversion", ""] {
            assert!(!is_marketing(category) && !is_of_templates(category), "{category}");
        }
    }
}
