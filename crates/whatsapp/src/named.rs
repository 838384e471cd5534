//! Who an element names: by phone number, by user id, or by both.
//!
//! A message names its sender, an echo its addressee, and `contacts` describes them:
//!
//! ```json
//! {"from": "16505551234", "from_user_id": "US.13491208655302741918", "id": "wamid.…"}
//! {"to": "16505551234", "to_user_id": "US.13491208655302741918", "id": "wamid.…"}
//! {"wa_id": "16505551234", "user_id": "US.13491208655302741918", "profile": {"name": "Sheena", "username": "sheena"}}
//! ```

use hilo_domain::read::{id_at, text};
use serde_json::Value;
use std::borrow::Cow;

/// What an element says of one person.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Named<'a> {
    /// The number at the platform.
    pub wa_id: Option<Cow<'a, str>>,
    /// The business-scoped user id.
    pub user_id: Option<Cow<'a, str>>,
    /// The user id that several portfolios share.
    pub parent: Option<Cow<'a, str>>,
    /// The name that the person can be found by, and can change.
    pub username: Option<&'a str>,
    /// The name that the person shows.
    pub name: Option<&'a str>,
    /// `identity_key_hash`: it changes with the device.
    pub identity_hash: Option<&'a str>,
}

impl<'a> Named<'a> {
    /// The person that `element` names under these keys.
    pub(crate) fn under(element: &'a Value, wa_id: &str, user_id: &str, parents: &[&str]) -> Self {
        Self {
            wa_id: id_at(element, wa_id),
            user_id: id_at(element, user_id),
            parent: parents.iter().find_map(|key| id_at(element, key)),
            ..Self::default()
        }
    }

    /// The sender of a message or call.
    #[must_use]
    pub fn sender(element: &'a Value) -> Self {
        Self::under(element, "from", "from_user_id", &["from_parent_user_id"])
    }

    /// The addressee of a message or call.
    #[must_use]
    pub fn addressee(element: &'a Value) -> Self {
        Self::under(element, "to", "to_user_id", &["to_parent_user_id"])
    }

    /// The person that an element about a person names.
    #[must_use]
    pub fn person(element: &'a Value) -> Self {
        Self::under(element, "wa_id", "user_id", &["parent_user_id"])
    }

    /// An entry of `contacts`, or what looks like one.
    #[must_use]
    pub fn contact(entry: &'a Value) -> Self {
        let profile = entry.get("profile").unwrap_or(&Value::Null);
        Self {
            username: text(profile, "username").or_else(|| text(entry, "username")),
            name: text(profile, "name"),
            identity_hash: text(entry, "identity_key_hash"),
            ..Self::person(entry)
        }
    }

    /// Whether nobody can be found by it.
    #[must_use]
    pub fn is_nobody(&self) -> bool {
        self.wa_id.is_none() && self.user_id.is_none() && self.parent.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_person_is_named_by_the_keys_of_the_element() {
        let sent = json!({"from": "16505551234", "from_user_id": "US.1", "from_parent_user_id": "US.ENT.1", "to": 15_550_783_881_i64});
        let sender = Named::sender(&sent);
        assert_eq!(
            (
                sender.wa_id.as_deref(),
                sender.user_id.as_deref(),
                sender.parent.as_deref()
            ),
            (Some("16505551234"), Some("US.1"), Some("US.ENT.1"))
        );
        assert_eq!(Named::addressee(&sent).wa_id.as_deref(), Some("15550783881"));
        assert!(Named::person(&sent).is_nobody());
        let entry = json!({"wa_id": "16505551234", "user_id": "US.1", "identity_key_hash": "h",
            "profile": {"name": "Sheena", "username": "sheena"}});
        let contact = Named::contact(&entry);
        assert_eq!(
            (contact.name, contact.username, contact.identity_hash),
            (Some("Sheena"), Some("sheena"), Some("h"))
        );
    }
}
