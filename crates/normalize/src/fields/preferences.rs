//! What people decide, and who they are: preferences, address book, user ids.

use super::system;
use crate::{
    key::Key,
    people::seen,
    update::{Draft, Update},
};
use hilo_contracts::item::{Body, Sighting};
use hilo_domain::Identifier;
use hilo_whatsapp::{Named, address_book, preference, timestamp, user_id};
use serde_json::Value;

/// An element of `user_preferences`.
pub(super) fn preference(update: &Update, element: &Value) -> Draft {
    let body = Body::Preference(preference::read(element));
    Draft {
        person: update.person_or_only_contact(Named::person(element)),
        ..Draft::new(timestamp(element), Key::Content, body)
    }
}

/// An element of `user_id_update`.
pub(super) fn user_id_update(update: &Update, element: &Value) -> Draft {
    let (old, new) = user_id::read(element);
    let body = Body::Event {
        kind: user_id::KIND.to_owned(),
    };
    let draft = Draft::new(timestamp(element), Key::Content, body);
    match system::between(update, old.clone(), new.clone(), user_id::KIND) {
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
    let at = timestamp(element).or_else(|| address_book::synced_at(element));
    let draft = Draft::new(
        at,
        Key::Content,
        Body::Event {
            kind: address_book::KIND.to_owned(),
        },
    );
    let entry = address_book::read(element);
    let phone = entry.phone.as_deref();
    if phone.is_some_and(|phone| update.business.is(phone)) {
        return draft;
    }
    let mut sighting = update.person(entry.named).unwrap_or(Sighting {
        creates: true,
        ..Sighting::default()
    });
    sighting
        .identifiers
        .extend(phone.and_then(|phone| Identifier::phone(phone, update.tenant.region())));
    sighting.name = sighting.name.or_else(|| entry.name.map(str::to_owned));
    Draft {
        person: seen(sighting),
        ..draft
    }
}
