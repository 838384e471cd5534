//! Messages: received, and echoed from the phone app.

use super::{HISTORY, system};
use crate::{
    key::Key,
    outcome::Reason,
    people::{self, Named},
    stated,
    update::{Draft, Update},
};
use hilo_contracts::item::{Body, Message, Origin, Sighting};
use hilo_domain::{Identifier, OptOut};
use hilo_whatsapp::{
    message::{self, own_number, said},
    timestamp,
};
use serde_json::Value;

/// An element of `messages`.
pub(super) fn received(update: &Update, element: &Value) -> Result<Draft, Reason> {
    let message = message::read(element, Origin::Received, true)?;
    let message = Message {
        opt_out: opt_out(update, element, &message.kind),
        ..message
    };
    let key = Key::Message {
        origin: "received",
        id: message.id.clone(),
    };
    let from = Named::sender(element);
    let (person, change) = match system::change(update, element, &message.kind) {
        Some((old, change)) => (Some(old), Some(change)),
        None if message.kind == "system" => {
            let now = || update.person_or_only_contact(message::now(element));
            (update.person(from).or_else(now), None)
        }
        None => {
            let mut person = update.person_or_only_contact(from);
            if let Some(person) = &mut person {
                answer_with_number(person, element, update);
                person.stated = stated::in_flow(element);
            }
            (person, None)
        }
    };
    Ok(Draft {
        person,
        change,
        ..Draft::new(timestamp(element), key, Body::Message(message))
    })
}

/// An element of `message_echoes`: an agent wrote it, and nobody says who; or the phone app answered by itself.
pub(super) fn echo(update: &Update, element: &Value) -> Result<Draft, Reason> {
    let mut message = message::read(element, Origin::Echo, false)?;
    if said(element, &message.kind).is_some_and(|said| update.tenant.is_auto_reply(said)) {
        "automation".clone_into(&mut message.author.kind);
    }
    let key = Key::Message {
        origin: "echo",
        id: message.id.clone(),
    };
    let to = Named::addressee(element);
    let person = if to.is_nobody() {
        update.contacts.only().and_then(|contact| update.person(contact))
    } else {
        // Seen: an echo addressed to the business itself, with the customer as its sender.
        update.either(to, Named::sender(element))
    };
    Ok(Draft {
        person,
        ..Draft::new(timestamp(element), key, Body::Message(message))
    })
}

/// A card that answers the business's question for the number is the sender's own. Whoever's number is known already needs
/// no answer, and one that names another number is not believed, nor is the business's own.
fn answer_with_number(person: &mut Sighting, element: &Value, update: &Update) {
    let Some(own) = own_number(element) else {
        return;
    };
    let told = own.wa_id.as_deref().or(own.phone.as_deref());
    if told.is_some_and(|number| update.business.is(number)) {
        return;
    }
    if person.identifiers.iter().any(|had| had.number().is_some()) {
        return;
    }
    let written = own.phone.filter(|_| own.wa_id.is_none());
    people::add(
        &Named {
            wa_id: own.wa_id,
            ..Named::default()
        },
        person,
    );
    person
        .identifiers
        .extend(written.and_then(|written| Identifier::phone(&written, update.tenant.region())));
    person.identifiers.sort_unstable();
}

/// The word of opt-out that a text, a pressed button or a chosen row is. Nothing in a change of history is one.
fn opt_out(update: &Update, element: &Value, kind: &str) -> Option<OptOut> {
    if update.field == HISTORY {
        return None;
    }
    let found = message::words(element, kind).filter_map(|said| update.tenant.opt_out(said));
    // Of two words the one that always counts is the smaller.
    let word = found.min()?;
    // Chosen where the business offered it, "cancelar" is about an appointment or an order.
    let is_offered = kind == "interactive" && !matches!(word, OptOut::Always(_));
    (!is_offered).then_some(word)
}
