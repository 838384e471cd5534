//! What people decide, and who they are: preferences, address book, user ids.

use super::system;
use crate::{
    json,
    key::Key,
    people::{Named, seen},
    update::{Draft, Update},
};
use hilo_contracts::item::{Body, Preference, Sighting};
use hilo_domain::{Identifier, Millis};
use serde_json::Value;

/// An element of `user_preferences`.
pub(super) fn preference(update: &Update, element: &Value) -> Draft {
    let text = |key| json::text(element, key).unwrap_or_default().to_owned();
    let body = Body::Preference(Preference {
        category: text("category"),
        value: text("value"),
    });
    let named = Named::under(element, "wa_id", "user_id", &["parent_user_id"]);
    let draft = Draft::new(Update::timestamp(element), Key::Content, body);
    Draft {
        person: update.person_or_only_contact(named),
        ..draft
    }
}

/// An element of `user_id_update`: the wa_id, where there is one, is theirs from then on.
pub(super) fn user_id_update(update: &Update, element: &Value) -> Draft {
    let pair = |version| {
        let one = |object| element.get(object).and_then(|pair| json::text(pair, version));
        Named {
            user_id: one("user_id"),
            parent: one("parent_user_id"),
            ..Named::default()
        }
    };
    let old = pair("previous");
    let new = Named {
        wa_id: json::text(element, "wa_id"),
        ..pair("current")
    };
    let body = Body::Event {
        kind: "user_id_changed".to_owned(),
    };
    let draft = Draft::new(Update::timestamp(element), Key::Content, body);
    match system::between(update, old, new, "user_id_changed") {
        Some((before, change)) => Draft {
            person: Some(before),
            change: Some(change),
            ..draft
        },
        None => Draft {
            person: update.person(if new.is_nobody() { old } else { new }),
            ..draft
        },
    }
}

/// An element of `state_sync`: an entry of the address book of the business' phone.
pub(super) fn state_sync(update: &Update, element: &Value) -> Draft {
    let at = Update::timestamp(element).or_else(|| synced_at(element));
    let draft = Draft::new(
        at,
        Key::Content,
        Body::Event {
            kind: "contact_synced".to_owned(),
        },
    );
    let contact = element.get("contact").unwrap_or(&Value::Null);
    let phone = json::text(contact, "phone_number");
    if phone.is_some_and(|phone| update.business.is(phone)) {
        return draft;
    }
    let named = Named {
        wa_id: None,
        ..Named::contact(contact)
    };
    let mut sighting = update.person(named).unwrap_or(Sighting {
        creates: true,
        ..Sighting::default()
    });
    sighting
        .identifiers
        .extend(phone.and_then(|phone| Identifier::phone(phone, update.tenant.region())));
    sighting.name = sighting.name.or_else(|| {
        json::text(contact, "full_name")
            .or_else(|| json::text(contact, "first_name"))
            .map(str::to_owned)
    });
    Draft {
        person: seen(sighting),
        ..draft
    }
}

/// The time of an entry of the address book.
pub(super) fn synced_at(element: &Value) -> Option<Millis> {
    json::seconds(element.get("metadata")?, "timestamp")
}
