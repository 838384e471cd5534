//! History: messages from before the business joined, in threads; and all else that stands in a change of the field
//! `history`, which is history too.

use super::{Read, messages, preferences};
use crate::{
    json,
    key::Key,
    outcome::{Outcome, Reason},
    people::{Named, agree, seen},
    stated,
    update::{Draft, Update},
};
use hilo_contracts::{
    details::History,
    item::{Body, Message, Origin, Sighting},
};
use hilo_domain::phone;
use hilo_whatsapp::{history, message, timestamp};
use serde_json::Value;

/// Adds the outcomes of an element of `history`; `first` is the index of the change's first outcome.
pub(super) fn read(update: &Update, element: &Value, first: usize, outcomes: &mut Vec<Outcome>) {
    let before = outcomes.len();
    for (thread, message) in history::messages(element) {
        let index = outcomes.len() - first;
        let read = if message.is_object() {
            told(update, thread, message, history::chunk(element))
        } else {
            Err("element_not_object")
        };
        outcomes.push(match read {
            Ok(draft) => update.item(draft, message, index),
            Err(reason) => update.dead_letter(reason, message, index),
        });
    }
    // Without messages it tells of itself: a declined synchronisation does, by its errors.
    if outcomes.len() == before {
        super::element_of(update, element, Read::Any(chunk), first, outcomes);
    }
}

/// How an element of a list beside the threads is read: what would be told live elsewhere is history here. Of other lists
/// it is read as everywhere.
pub(super) fn beside_threads(list: &str) -> Option<Read> {
    Some(match list {
        message::RECEIVED => Read::WithId(received),
        message::ECHOED => Read::WithId(echo),
        hilo_whatsapp::preference::LIST => Read::Any(preference),
        _ => return None,
    })
}

/// Media of a message that was a placeholder in its thread, whoever wrote it.
fn received(update: &Update, element: &Value) -> Result<Draft, Reason> {
    let is_system = json::text(element, "type") == Some("system");
    if is_system || is_inbound(update, &Named::sender(element), &Named::addressee(element)) {
        messages::received(update, element).map(of_history)
    } else {
        echo(update, element)
    }
}

fn echo(update: &Update, element: &Value) -> Result<Draft, Reason> {
    messages::echo(update, element).map(of_history)
}

/// A preference of former times opts nobody out today.
fn preference(update: &Update, element: &Value) -> Draft {
    Draft {
        body: Body::Event {
            kind: history::KIND.to_owned(),
        },
        ..preferences::preference(update, element)
    }
}

/// What was read as told live, as the history that it is.
fn of_history(draft: Draft) -> Draft {
    let Body::Message(message) = draft.body else {
        return draft;
    };
    let mut author = message.author;
    if !message.inbound {
        message::UNKNOWN.clone_into(&mut author.kind);
    }
    Draft {
        key: Key::Message {
            origin: "history",
            id: message.id.clone(),
        },
        body: Body::Message(Message {
            origin: Origin::History,
            author,
            ..message
        }),
        ..draft
    }
}

fn chunk(_: &Update, element: &Value) -> Draft {
    let body = Body::Event {
        kind: history::KIND.to_owned(),
    };
    Draft::new(timestamp(element), Key::Content, body)
}

fn told(update: &Update, thread: &Value, element: &Value, chunk: Option<History>) -> Result<Draft, Reason> {
    let (from, to) = (Named::sender(element), Named::addressee(element));
    let inbound = is_inbound(update, &from, &to);
    let message = Message {
        chunk,
        ..message::read(element, Origin::History, inbound)?
    };
    let key = Key::Message {
        origin: "history",
        id: message.id.clone(),
    };
    let named = if inbound { from } else { to };
    let (mut person, other) = partner(update, thread, named);
    if let Some(person) = person.as_mut().filter(|_| inbound) {
        person.stated = stated::in_flow(element);
    }
    let draft = Draft::new(timestamp(element), key, Body::Message(message));
    Ok(Draft {
        person,
        others: other.into_iter().collect(),
        ..draft
    })
}

/// Whether the business did not write it: the sender says so, else that nobody but the business is written to.
fn is_inbound(update: &Update, from: &Named, to: &Named) -> bool {
    let is_business = |named: &Named| named.wa_id.as_deref().is_some_and(|wa_id| update.business.is(wa_id));
    if from.is_nobody() {
        to.is_nobody() || is_business(to)
    } else {
        !is_business(from)
    }
}

/// The partner of a thread, as `named` by the message and by the thread; where the two disagree the message decides,
/// and the thread's is seen too.
fn partner(update: &Update, thread: &Value, named: Named) -> (Option<Sighting>, Option<Sighting>) {
    let (context, id) = history::partner(thread);
    let context = match (context.is_nobody(), named.is_nobody()) {
        (true, true) => Named {
            wa_id: id.filter(|id| phone::digits_of_wa_id(id).is_some()),
            ..context
        },
        _ => context,
    };
    let agrees = agree(&named, &context);
    // One partner, who is the business where either says so.
    let is_own = update.is_other_number(&named) || update.is_other_number(&context);
    if is_own && agrees {
        return (None, None);
    }
    let other = update.person(context);
    match update.person(named) {
        Some(mut person) if agrees => {
            if let Some(other) = other {
                person.identifiers.extend(other.identifiers);
                person.name = person.name.or(other.name);
            }
            (seen(person), None)
        }
        Some(person) => (Some(person), other),
        None => (other, None),
    }
}
