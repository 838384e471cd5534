//! The frame of all deliveries: a body has entries, an entry has changes, a change has a field and a value.
//!
//! ```json
//! {"object": "whatsapp_business_account",
//!  "entry": [{"id": "102290129340398", "time": 1739321024,
//!    "changes": [{"field": "messages", "value": {"messaging_product": "whatsapp",
//!      "metadata": {"display_phone_number": "15550783881", "phone_number_id": "106540352242922"},
//!      "contacts": [], "messages": []}}]}]}
//! ```

use hilo_domain::{
    Millis,
    read::{id, id_at, list, seconds},
};
use serde_json::Value;
use std::borrow::Cow;

/// `object` of a body about WhatsApp.
pub const OBJECT: &str = "whatsapp_business_account";

/// Whether a body is about WhatsApp.
#[must_use]
pub fn is_webhook(body: &Value) -> bool {
    body.get("object").and_then(Value::as_str) == Some(OBJECT)
}

/// The entries of a body, where it has a list of them.
#[must_use]
pub fn entries(body: &Value) -> Option<&Vec<Value>> {
    list(body, "entry")
}

/// An entry: what one account has to say.
#[derive(Debug)]
pub struct Entry<'a> {
    /// The account, mostly; of some events the portfolio. Empty where none is named.
    pub id: Cow<'a, str>,
    /// Absent in most deliveries of messages.
    pub time: Option<Millis>,
    /// `None` where there is no list.
    pub changes: Option<&'a Vec<Value>>,
}

impl<'a> Entry<'a> {
    /// An element of `entry`.
    #[must_use]
    pub fn of(entry: &'a Value) -> Self {
        Self {
            id: id_at(entry, "id").unwrap_or_default(),
            time: seconds(entry, "time"),
            changes: list(entry, "changes"),
        }
    }
}

/// A change: a field and its value.
#[derive(Debug)]
pub struct Change<'a> {
    /// Name of the field.
    pub field: Option<&'a str>,
    /// Absent where the app's dashboard switches values off.
    pub value: Option<&'a Value>,
}

impl<'a> Change<'a> {
    /// An element of `changes`.
    #[must_use]
    pub fn of(change: &'a Value) -> Self {
        Self {
            field: change.get("field").and_then(Value::as_str),
            value: change.get("value").filter(|value| !value.is_null()),
        }
    }
}

/// The business number that a value is about.
#[derive(Debug)]
pub struct Metadata<'a> {
    /// The number as it is shown.
    pub display_phone_number: Option<Cow<'a, str>>,
    /// The platform's id of it.
    pub phone_number_id: Option<String>,
}

impl<'a> Metadata<'a> {
    /// `metadata` of a value.
    #[must_use]
    pub fn of(value: &'a Value) -> Self {
        let metadata = value.get("metadata").unwrap_or(&Value::Null);
        Self {
            display_phone_number: id_at(metadata, "display_phone_number"),
            phone_number_id: id(metadata, "phone_number_id"),
        }
    }
}

/// The time of an element: whole seconds, as text in some lists and as a number in others.
#[must_use]
pub fn timestamp(element: &Value) -> Option<Millis> {
    seconds(element, "timestamp")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_body_has_entries_with_changes() {
        let body = json!({"object": "whatsapp_business_account", "entry": [{"id": "102290129340398", "time": 1_739_321_024,
            "changes": [{"field": "messages", "value": {
                "metadata": {"display_phone_number": "15550783881", "phone_number_id": 106_540_352_242_922_i64}}},
                {"field": "security"}]}]});
        assert!(is_webhook(&body) && !is_webhook(&json!({"object": "page"})));
        let entry = Entry::of(&entries(&body).unwrap()[0]);
        assert_eq!(
            (entry.id.as_ref(), entry.time),
            ("102290129340398", Some(1_739_321_024_000))
        );
        let [messages, security] = entry.changes.unwrap().as_slice() else {
            panic!("two changes")
        };
        let (messages, security) = (Change::of(messages), Change::of(security));
        assert_eq!((messages.field, security.field), (Some("messages"), Some("security")));
        assert!(security.value.is_none());
        let metadata = Metadata::of(messages.value.unwrap());
        assert_eq!(metadata.display_phone_number.as_deref(), Some("15550783881"));
        assert_eq!(metadata.phone_number_id.as_deref(), Some("106540352242922"));
    }

    #[test]
    fn a_time_is_a_text_or_a_number() {
        for told in [json!({"timestamp": "1739321024"}), json!({"timestamp": 1_739_321_024})] {
            assert_eq!(timestamp(&told), Some(1_739_321_024_000));
        }
        assert_eq!(timestamp(&json!({})), None);
    }
}
