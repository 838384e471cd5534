//! What an item says, field by field: from its content to the typed part of its fact. It is read where the fact is made, so
//! nothing of it is stored or sent before. `hilo_whatsapp` reads the platform's elements; lines are read here.

mod lines;

use hilo_contracts::{
    details::Details,
    item::{Body, Item, Origin},
};
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
        Body::Inbox(inbox) => lines::inbox(&content, inbox),
        Body::Crm(crm) => lines::crm(crm),
        Body::Message(_) => {
            let details = hilo_whatsapp::details(&item.body, &content);
            Details {
                identity_hash: details.identity_hash.or_else(|| contact_hash(item)),
                ..details
            }
        }
        body => hilo_whatsapp::details(body, &content),
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
    hilo_whatsapp::group::group_id(&serde_json::from_str(content).ok()?)
}

#[cfg(test)]
pub(crate) mod tests;
