//! System messages: somebody changed their number, their user id or their device.
//!
//! ```json
//! {"from": "16505551234", "id": "wamid.HBgL…", "timestamp": "1750269342", "type": "system",
//!  "system": {"type": "user_changed_number", "wa_id": "12195555358", "user_id": "US.2",
//!   "body": "User Sheena changed from 16505551234 to 12195555358"}}
//! ```

use super::types::Typed;
use crate::Named;
use hilo_contracts::details::Details;
use hilo_domain::read::{id_at, owned, text};
use serde_json::Value;

/// A change of number or user id. Who they were is also said by the sender of the message.
#[derive(Debug)]
pub struct Changed<'a> {
    /// `number_changed` or `user_id_changed`.
    pub kind: &'static str,
    /// Who they were, as far as the body says it.
    pub previous: Named<'a>,
    /// Who they are from then on.
    pub now: Named<'a>,
}

/// The change that a message of type `system` reports.
#[must_use]
pub fn changed<'a>(element: &'a Value, kind: &str) -> Option<Changed<'a>> {
    let system = element.get("system").filter(|_| kind == "system")?;
    let kind = match text(system, "type")? {
        "user_changed_number" | "customer_changed_number" => "number_changed",
        "user_changed_user_id" => crate::user_id::KIND,
        _ => return None,
    };
    Some(Changed {
        kind,
        previous: Named::under(system, "customer", "previous_user_id", &["previous_parent_user_id"]),
        now: of(system),
    })
}

/// Who somebody is from a system message on; where it names no sender, that is who sent it.
#[must_use]
pub fn now(element: &Value) -> Named<'_> {
    element.get("system").map(of).unwrap_or_default()
}

fn of(system: &Value) -> Named<'_> {
    Named {
        wa_id: id_at(system, "wa_id").or_else(|| id_at(system, "new_wa_id")),
        ..Named::under(system, "", "user_id", &["parent_user_id"])
    }
}

pub(super) fn details(system: &Typed) -> Details {
    Details {
        text: owned(system.body, "body"),
        subtype: owned(system.body, "type"),
        ..Details::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::types::body;
    use serde_json::json;

    #[test]
    fn a_new_number_has_who_they_are_now() {
        let element = json!({"from": "16505551234", "id": "a", "type": "system", "system": {"type": "user_changed_number",
            "wa_id": "12195555358", "user_id": "US.2", "body": "User Sheena changed"}});
        let told = changed(&element, "system").unwrap();
        assert_eq!(told.kind, "number_changed");
        assert_eq!(
            (told.now.wa_id.as_deref(), told.now.user_id.as_deref()),
            (Some("12195555358"), Some("US.2"))
        );
        assert!(told.previous.is_nobody());
        assert_eq!(now(&element), told.now);
        let details = body(&element, "system");
        assert_eq!(
            (details.subtype.as_deref(), details.text.as_deref()),
            (Some("user_changed_number"), Some("User Sheena changed"))
        );
    }

    #[test]
    fn older_payloads_name_both_numbers_in_the_body() {
        let system = json!({"type": "customer_changed_number", "customer": "16505551234", "new_wa_id": "12195555358"});
        let element = json!({ "system": system });
        let told = changed(&element, "system").unwrap();
        assert_eq!(told.previous.wa_id.as_deref(), Some("16505551234"));
        assert_eq!(told.now.wa_id.as_deref(), Some("12195555358"));
    }

    #[test]
    fn a_new_user_id_may_have_the_old_one_beside_it() {
        let system = json!({"type": "user_changed_user_id", "previous_user_id": "US.1", "user_id": "US.2"});
        let element = json!({ "system": system });
        let told = changed(&element, "system").unwrap();
        assert_eq!(
            (told.kind, told.previous.user_id.as_deref(), told.now.user_id.as_deref()),
            ("user_id_changed", Some("US.1"), Some("US.2"))
        );
    }

    #[test]
    fn a_new_device_is_no_change_of_ids() {
        let element = json!({"system": {"type": "user_identity_changed", "identity": "h"}});
        assert!(changed(&element, "system").is_none());
        assert!(changed(&json!({"system": {"type": "user_changed_number"}}), "text").is_none());
    }
}
