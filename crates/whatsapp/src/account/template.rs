//! Templates: status, quality, category, components.
//!
//! ```json
//! {"event": "REJECTED", "message_template_id": 1689556908129832, "message_template_name": "abandoned_cart",
//!  "message_template_language": "en-US", "message_template_category": "MARKETING", "reason": "INVALID_FORMAT"}
//! {"previous_quality_score": "GREEN", "new_quality_score": "YELLOW", "message_template_id": 806312974732579,
//!  "message_template_name": "welcome_template", "message_template_language": "en-US"}
//! ```

use super::{Change, about};
use hilo_contracts::item::{Account, Template};
use hilo_domain::read::{id, owned, text};

/// Kind of a fact about the life of a template.
pub(super) const STATUS: &str = "template_status";

/// Events of templates that are known.
pub const EVENTS: [&str; 14] = [
    "APPROVED",
    "ARCHIVED",
    "UNARCHIVED",
    "DELETED",
    "DISABLED",
    "FLAGGED",
    "IN_APPEAL",
    "LIMIT_EXCEEDED",
    "LOCKED",
    "PAUSED",
    "PENDING",
    "PENDING_DELETION",
    "REINSTATED",
    "REJECTED",
];

pub(super) fn is_known(event: &str) -> bool {
    EVENTS.contains(&event)
}

/// Kinds of template facts, with the keys by which a value is known to be one; the first that fits decides.
const KINDS: [(&str, &[&str]); 5] = [
    ("template_quality", &["new_quality_score", "previous_quality_score"]),
    ("template_category_warning", &["correct_category"]),
    ("template_category", &["new_category", "previous_category"]),
    (STATUS, &["event"]),
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

pub(super) fn fact(change: &Change) -> Account {
    let value = change.value;
    let told = |keys: &[&str]| {
        keys.iter()
            .any(|key| value.get(*key).is_some_and(|value| !value.is_null()))
    };
    let by_keys = KINDS.iter().find(|(_, keys)| told(keys)).map(|(kind, _)| *kind);
    let kind = by_keys.unwrap_or(match change.field {
        "message_template_quality_update" => "template_quality",
        "template_category_update" => "template_category",
        "message_template_components_update" => "template_components",
        _ => STATUS,
    });
    let id = id(value, "message_template_id").or_else(|| id(value, "message_template_name"));
    // In a warning as in a change, `new_category` is the one that holds at that time.
    let category = text(value, "message_template_category").or_else(|| text(value, "new_category"));
    let template = text(value, "message_template_name").map(|name| Template {
        name: name.to_owned(),
        language: text(value, "message_template_language").map(language),
        category: category.map(str::to_ascii_lowercase),
    });
    let rejected = value.get("rejection_info").and_then(|info| owned(info, "reason"));
    let paused = value.get("other_info").and_then(|info| owned(info, "title"));
    Account {
        event: owned(value, "event"),
        quality: text(value, "new_quality_score").map(str::to_ascii_uppercase),
        template,
        reason: owned(value, "reason")
            .filter(|reason| reason != "NONE")
            .or(paused)
            .or(rejected),
        ..about("template", id.unwrap_or_default(), kind)
    }
}

/// A template's language in its one spelling: `en-US` and `en_US` are both seen.
#[must_use]
pub fn language(language: &str) -> String {
    language.replace('-', "_")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::tests::fact;
    use serde_json::json;

    #[test]
    fn a_rejection_has_a_reason_and_a_category() {
        let told = fact(
            "message_template_status_update",
            &json!({"event": "REJECTED", "message_template_id": 1_689_556_908_129_832_i64, "message_template_name": "abandoned_cart",
                "message_template_language": "en-US", "message_template_category": "MARKETING", "reason": "INVALID_FORMAT"}),
        );
        assert_eq!(
            (told.kind.as_str(), told.subject_kind.as_str(), told.subject_id.as_str()),
            ("template_status", "template", "1689556908129832")
        );
        assert_eq!(
            (told.event.as_deref(), told.reason.as_deref()),
            (Some("REJECTED"), Some("INVALID_FORMAT"))
        );
        let template = told.template.unwrap();
        assert_eq!(
            (
                template.name.as_str(),
                template.language.as_deref(),
                template.category.as_deref()
            ),
            ("abandoned_cart", Some("en_US"), Some("marketing"))
        );
        assert!(is_known("REJECTED") && !is_known("OF_TOMORROW"));
    }

    #[test]
    fn a_pause_says_which_one_it_is() {
        let told = fact(
            "message_template_status_update",
            &json!({"event": "PAUSED", "message_template_name": "a", "reason": "NONE", "other_info": {"title": "FIRST_PAUSE"}}),
        );
        assert_eq!(
            (told.subject_id.as_str(), told.reason.as_deref()),
            ("a", Some("FIRST_PAUSE"))
        );
    }

    #[test]
    fn the_keys_of_a_value_say_what_it_is_about() {
        for (field, value, kind, quality) in [
            (
                "message_template_status_update",
                json!({"new_quality_score": "yellow", "previous_quality_score": "GREEN"}),
                "template_quality",
                Some("YELLOW"),
            ),
            (
                "template_category_update",
                json!({"new_category": "UTILITY", "correct_category": "MARKETING"}),
                "template_category_warning",
                None,
            ),
            (
                "template_category_update",
                json!({"previous_category": "UTILITY", "new_category": "MARKETING"}),
                "template_category",
                None,
            ),
            (
                "message_template_components_update",
                json!({"message_template_id": 7, "message_template_title": "Hi"}),
                "template_components",
                None,
            ),
            (
                "message_template_components_update",
                json!({"message_template_id": 7}),
                "template_components",
                None,
            ),
        ] {
            let told = fact(field, &value);
            assert_eq!(
                (told.kind.as_str(), told.quality.as_deref()),
                (kind, quality),
                "{value}"
            );
        }
    }
}
