//! What an item says, field by field: from its content, as the platform documents it, to the typed part of its fact.
//! Read where the fact is made, so that nothing of it travels or rests on the way. Whatever is not documented stays in
//! the content.

mod calls;
mod cards;
mod events;
mod groups;
mod lines;
mod messages;

use hilo_contracts::{
    details::Details,
    facts::ErrorRef,
    item::{Body, Item, Origin},
};
use hilo_domain::read::{self, list, text};
use serde_json::Value;

/// The details of an item; `None` where it says nothing beyond its kind.
pub(crate) fn details(item: &Item) -> Option<Box<Details>> {
    // A line of our own, whose fields are those of the fact.
    if matches!(&item.body, Body::Request(_))
        || matches!(&item.body, Body::Message(message) if message.origin == Origin::Outbound)
    {
        return None;
    }
    let content: Value = serde_json::from_str(&item.content).ok()?;
    let details = match &item.body {
        Body::Message(message) => messages::details(&content, message, contact_hash(item)),
        Body::Inbox(inbox) => lines::inbox(&content, inbox),
        Body::Crm(crm) => lines::crm(crm),
        Body::Call(_) => calls::details(&content),
        Body::Preference(preference) => events::preference(&content, preference),
        Body::Event { kind } => match kind.as_str() {
            "group_event" => groups::details(&content),
            "automatic_event" => events::lead(&content),
            "contact_synced" => events::contact(&content),
            "user_id_changed" => events::user_id(&content),
            "flow_event" => events::flow(&content),
            "history_event" => events::history(&content),
            "platform_error" => events::error(&content),
            // What else is told is a user action, by its own word.
            _ => events::action(&content),
        },
        Body::Status(_)
        | Body::Account(_)
        | Body::Decision(_)
        | Body::Clock
        | Body::Request(_)
        | Body::Echoed { .. } => return None,
    };
    (details != Details::default()).then(|| Box::new(details))
}

/// What the contact entry of the item's person says of their device.
fn contact_hash(item: &Item) -> Option<String> {
    let person = item.sightings.first().filter(|_| item.has_person)?;
    person.identity_hash.clone()
}

/// The group that an event of a group is about.
pub(crate) fn group_of(content: &str) -> Option<String> {
    groups::group_id(&serde_json::from_str(content).ok()?)
}

/// A part that says something.
fn said<T: Default + PartialEq>(part: T) -> Option<T> {
    (part != T::default()).then_some(part)
}

#[cfg(test)]
pub(crate) mod tests;

fn owned(object: &Value, key: &str) -> Option<String> {
    text(object, key).map(str::to_owned)
}

fn flag(object: &Value, key: &str) -> Option<bool> {
    object.get(key).and_then(Value::as_bool)
}

fn whole(object: &Value, key: &str) -> Option<i64> {
    object.get(key).and_then(read::integer)
}

/// `errors` of an element, at whichever of the three levels it stands; without those that say nothing that is known.
fn errors(element: &Value) -> Vec<ErrorRef> {
    let errors = list(element, "errors").into_iter().flatten();
    errors.filter_map(|element| said(error(element))).collect()
}

/// One error. Older payloads have `details` beside its code.
fn error(error: &Value) -> ErrorRef {
    let details = error.get("error_data").and_then(|data| text(data, "details"));
    ErrorRef {
        code: whole(error, "code"),
        title: owned(error, "title"),
        details: details
            .or_else(|| text(error, "details"))
            .or_else(|| text(error, "message"))
            .map(str::to_owned),
    }
}
