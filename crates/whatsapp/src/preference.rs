//! What people want to be written about.
//!
//! ```json
//! {"wa_id": "16505551234", "user_id": "US.1", "detail": "User requested to stop marketing messages",
//!  "category": "marketing_messages", "value": "stop", "timestamp": 1731705721}
//! ```

use hilo_contracts::{
    details::{Details, Preference as Told},
    item::Preference,
};
use hilo_domain::read::{id, owned, said};
use serde_json::Value;

/// The list of preferences.
pub const LIST: &str = "user_preferences";

/// An element of `user_preferences`.
#[must_use]
pub fn read(element: &Value) -> Preference {
    Preference {
        category: owned(element, "category").unwrap_or_default(),
        value: owned(element, "value").unwrap_or_default(),
    }
}

/// What a preference says, field by field.
pub(crate) fn details(element: &Value, told: &Preference) -> Details {
    Details {
        preference: Some(Told {
            category: said(told.category.clone()),
            value: said(told.value.clone()),
            detail: owned(element, "detail"),
            signup_id: id(element, "signup_id"),
        }),
        ..Details::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_preference_has_a_category_and_a_value() {
        let element = json!({"wa_id": "16505551234", "detail": "User requested to stop marketing messages",
            "category": "marketing_messages", "value": "stop", "timestamp": 1_731_705_721});
        let read = read(&element);
        assert_eq!(
            (read.category.as_str(), read.value.as_str()),
            ("marketing_messages", "stop")
        );
        let told = details(&element, &read).preference.unwrap();
        assert_eq!((told.value.as_deref(), told.signup_id), (Some("stop"), None));
        assert_eq!(
            told.detail.as_deref(),
            Some("User requested to stop marketing messages")
        );
    }

    #[test]
    fn a_sign_up_has_an_id() {
        let element = json!({"category": "marketing_messages", "value": "signup", "signup_id": 7});
        let told = details(&element, &read(&element)).preference.unwrap();
        assert_eq!(told.signup_id.as_deref(), Some("7"));
        assert_eq!(read(&json!({"value": 1})), Preference::default());
    }
}
