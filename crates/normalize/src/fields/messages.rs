//! Messages: received, and echoed from the phone app.

use super::{HISTORY, system};
use crate::{
    json,
    key::Key,
    outcome::Reason,
    people::Named,
    stated,
    update::{Draft, Update},
};
use hilo_contracts::item::{Author, Body, CUSTOMER, Message, Origin, Sighting};
use hilo_domain::{Identifier, OptOut, json::canonical, text};
use serde_json::Value;

/// Type of a message that names none.
pub(super) const UNKNOWN: &str = "unknown";

/// Keys of the sender.
pub(crate) fn sender(element: &Value) -> Named<'_> {
    Named::under(element, "from", "from_user_id", &["from_parent_user_id"])
}

/// Keys of the addressee.
pub(crate) fn addressee(element: &Value) -> Named<'_> {
    Named::under(element, "to", "to_user_id", &["to_parent_user_id"])
}

/// An element of `messages`.
pub(super) fn received(update: &Update, element: &Value) -> Result<Draft, Reason> {
    let message = message(element, Origin::Received, true)?;
    let message = Message {
        opt_out: opt_out(update, element, &message.kind),
        ..message
    };
    let key = Key::Message {
        origin: "received",
        id: message.id.clone(),
    };
    let from = sender(element);
    let (person, change) = match system::change(update, element, &message.kind) {
        Some((old, change)) => (Some(old), Some(change)),
        None if message.kind == "system" => {
            let now = || update.person_or_only_contact(element.get("system").map(system::now).unwrap_or_default());
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
        ..Draft::new(Update::timestamp(element), key, Body::Message(message))
    })
}

/// An element of `message_echoes`: an agent wrote it, and nobody says who; or the phone app answered by itself.
pub(super) fn echo(update: &Update, element: &Value) -> Result<Draft, Reason> {
    let mut message = message(element, Origin::Echo, false)?;
    if said(element, &message.kind).is_some_and(|said| update.tenant.is_auto_reply(said)) {
        "automation".clone_into(&mut message.author.kind);
    }
    let key = Key::Message {
        origin: "echo",
        id: message.id.clone(),
    };
    let to = addressee(element);
    let person = if to.is_nobody() {
        update.contacts.only().and_then(|contact| update.person(contact))
    } else {
        // Seen: an echo addressed to the business itself, with the customer as its sender.
        update.either(to, sender(element))
    };
    Ok(Draft {
        person,
        ..Draft::new(Update::timestamp(element), key, Body::Message(message))
    })
}

/// A card that answers the business's question for the number is the sender's own; any other card is a third person's.
/// Whoever's number is known already needs no answer, and one that names another number is not believed, nor is the
/// business's own.
fn answer_with_number(person: &mut Sighting, element: &Value, update: &Update) {
    let Some([card]) = json::list(element, "contacts").map(Vec::as_slice) else {
        return;
    };
    // Early documents have the origin beside the cards.
    let origin = json::text(card, "origin").or_else(|| json::text(element, "origin"));
    let Some([phone]) = json::list(card, "phones").map(Vec::as_slice) else {
        return;
    };
    let told = json::id_at(phone, "wa_id").or_else(|| json::id_at(phone, "phone"));
    if told.is_some_and(|number| update.business.is(&number)) {
        return;
    }
    if origin != Some("contact_request") || person.identifiers.iter().any(|had| had.number().is_some()) {
        return;
    }
    Named::under(phone, "wa_id", "", &[]).add_to(person);
    let written = json::id_at(phone, "phone").and_then(|written| Identifier::phone(&written, update.tenant.region()));
    if json::id_at(phone, "wa_id").is_none() {
        person.identifiers.extend(written);
    }
    person.identifiers.sort_unstable();
}

/// What a message element says, wherever it stands. Only where it is received may it be an opt-out ([`received`]).
pub(crate) fn message(element: &Value, origin: Origin, inbound: bool) -> Result<Message, Reason> {
    let id = json::id(element, "id").ok_or("no_id")?;
    let kind = json::text(element, "type").unwrap_or(UNKNOWN);
    let author = match (origin, inbound) {
        (_, true) if is_automatic(element, kind) => "automation",
        (_, true) => CUSTOMER,
        (Origin::Echo, false) => "agent",
        _ => UNKNOWN,
    };
    Ok(Message {
        id,
        origin,
        kind: kind.to_owned(),
        inbound,
        author: Author {
            kind: author.to_owned(),
            id: None,
        },
        reply_to: reply_to(element, kind),
        group_id: json::id(element, "group_id"),
        courtesy: said(element, kind).is_some_and(text::is_courtesy),
        opt_out: None,
        question: false,
        referral: json::object(element, "referral").map(|_| canonical(&element["referral"])),
        template: None,
        campaign: None,
        segment: None,
        chunk: None,
    })
}

/// The text of a message that is one.
fn said<'a>(element: &'a Value, kind: &str) -> Option<&'a str> {
    let body = element.get("text")?.get("body")?.as_str();
    body.filter(|_| kind == "text")
}

/// Whether the platform by itself allows a call back, after a call: nobody wrote it.
fn is_automatic(element: &Value, kind: &str) -> bool {
    let reply = element
        .get("interactive")
        .filter(|_| kind == "interactive")
        .and_then(|interactive| interactive.get("call_permission_reply"));
    reply.and_then(|reply| json::text(reply, "response_source")) == Some("automatic")
}

/// The message that this one is about.
fn reply_to(element: &Value, kind: &str) -> Option<String> {
    let (object, key) = match kind {
        "reaction" => ("reaction", "message_id"),
        "edit" => ("edit", "original_message_id"),
        "revoke" => ("revoke", "original_message_id"),
        _ => ("context", "id"),
    };
    let context = || element.get("context").and_then(|context| json::id(context, "id"));
    element
        .get(object)
        .and_then(|object| json::id(object, key))
        .or_else(context)
}

/// The word of opt-out that a text, a pressed button or a chosen row is. Nothing in a change of history is one.
fn opt_out(update: &Update, element: &Value, kind: &str) -> Option<OptOut> {
    if update.field == HISTORY {
        return None;
    }
    let found = |object: Option<&Value>, keys: [&str; 2]| {
        let said = keys.iter().filter_map(|key| json::text(object?, key));
        // Of two words the one that always counts is the smaller.
        said.filter_map(|said| update.tenant.opt_out(said)).min()
    };
    match kind {
        "text" => found(element.get("text"), ["body", "body"]),
        "button" => found(element.get("button"), ["text", "payload"]),
        "interactive" => {
            let chosen = element.get("interactive")?;
            let chosen = chosen.get("button_reply").or_else(|| chosen.get("list_reply"));
            // Chosen where the business offered it, "cancelar" is about an appointment or an order.
            found(chosen, ["title", "id"]).filter(|word| matches!(word, OptOut::Always(_)))
        }
        _ => None,
    }
}

/// A template's language in its one spelling: `en-US` and `en_US` are both seen.
pub(crate) fn language(language: &str) -> String {
    language.replace('-', "_")
}
