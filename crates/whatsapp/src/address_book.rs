//! Entries of the address book of the business's phone.
//!
//! ```json
//! {"type": "contact", "contact": {"full_name": "Pablo Morales", "first_name": "Pablo", "phone_number": "16505551234",
//!   "user_id": "US.1"}, "action": "add", "metadata": {"timestamp": "1738346006"}}
//! ```

use crate::{Named, timestamp};
use hilo_contracts::details::{Details, SyncedContact};
use hilo_domain::{
    Millis,
    read::{id_at, owned, said, text},
};
use serde_json::Value;
use std::borrow::Cow;

/// The list of entries.
pub const LIST: &str = "state_sync";
/// Kind of an entry.
pub const KIND: &str = "contact_synced";

/// The person that an entry names.
#[derive(Debug)]
pub struct Entry<'a> {
    /// By user id, if at all.
    pub named: Named<'a>,
    /// The number, as the owner of the phone wrote it.
    pub phone: Option<Cow<'a, str>>,
    /// The name in the address book.
    pub name: Option<&'a str>,
}

/// An element of `state_sync`.
#[must_use]
pub fn read(element: &Value) -> Entry<'_> {
    let contact = element.get("contact").unwrap_or(&Value::Null);
    Entry {
        named: Named {
            wa_id: None,
            ..Named::contact(contact)
        },
        phone: id_at(contact, "phone_number"),
        name: text(contact, "full_name").or_else(|| text(contact, "first_name")),
    }
}

/// The time of an entry, which other elements have at their top.
#[must_use]
pub fn synced_at(element: &Value) -> Option<Millis> {
    timestamp(element.get("metadata")?)
}

/// What an entry says, field by field.
pub(crate) fn details(element: &Value) -> Details {
    let contact = element.get("contact").unwrap_or(&Value::Null);
    Details {
        contact: said(SyncedContact {
            action: owned(element, "action"),
            full_name: owned(contact, "full_name"),
            first_name: owned(contact, "first_name"),
        }),
        ..Details::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_entry_has_a_number_and_names() {
        let element = json!({"type": "contact", "action": "add", "metadata": {"timestamp": "1738346006"}, "contact":
            {"full_name": "Pablo Morales", "first_name": "Pablo", "phone_number": "16505551234", "user_id": "US.1"}});
        let entry = read(&element);
        assert_eq!(
            (entry.phone.as_deref(), entry.name, entry.named.user_id.as_deref()),
            (Some("16505551234"), Some("Pablo Morales"), Some("US.1"))
        );
        assert_eq!(synced_at(&element), Some(1_738_346_006_000));
        let told = details(&element).contact.unwrap();
        assert_eq!(
            (
                told.action.as_deref(),
                told.full_name.as_deref(),
                told.first_name.as_deref()
            ),
            (Some("add"), Some("Pablo Morales"), Some("Pablo"))
        );
        assert_eq!(read(&json!({"contact": {"first_name": "Pablo"}})).name, Some("Pablo"));
    }
}
