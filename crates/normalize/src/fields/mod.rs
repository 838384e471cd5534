//! The fields of changes: which items a value holds, and what each of them says.

mod account;
mod calls;
mod events;
mod history;
mod messages;
mod preferences;
mod statuses;
mod system;

use crate::{
    json,
    outcome::{Outcome, Reason},
    update::{Draft, Update},
};
use hilo_domain::Millis;
use hilo_whatsapp::{
    Field, address_book, automatic_event, call, errors, flow, group, message, preference, status, timestamp,
    user_action, user_id,
};
use serde_json::Value;

/// How one element of a list is read.
#[derive(Clone, Copy)]
enum Read {
    /// It has to name what it is about.
    WithId(fn(&Update, &Value) -> Result<Draft, Reason>),
    /// Any object will do.
    Any(fn(&Update, &Value) -> Draft),
}

/// The field of what was before the business joined, and the list of it.
const HISTORY: &str = hilo_whatsapp::history::LIST;

/// The lists whose elements are items. `history` is nested and stands apart.
const LISTS: [(&str, Read); 11] = [
    (message::RECEIVED, Read::WithId(messages::received)),
    (message::ECHOED, Read::WithId(messages::echo)),
    (status::LIST, Read::WithId(statuses::status)),
    (user_action::LIST, Read::Any(events::user_action)),
    (call::LIST, Read::WithId(calls::call)),
    (group::LIST, Read::Any(events::group)),
    (address_book::LIST, Read::Any(preferences::state_sync)),
    (preference::LIST, Read::Any(preferences::preference)),
    (automatic_event::LIST, Read::Any(events::automatic)),
    (user_id::LIST, Read::Any(preferences::user_id_update)),
    (errors::LIST, Read::Any(events::error)),
];

/// Adds the outcomes of a value; `false` when it has nothing that its field needs.
pub(crate) fn read(field: Field, update: &Update, outcomes: &mut Vec<Outcome>) -> bool {
    if !update.value.is_object() {
        return false;
    }
    match field {
        Field::Lists => lists(update, outcomes),
        Field::Flow => one(
            update,
            outcomes,
            flow::is_event(update.value).then(|| events::flow(update)),
        ),
        Field::Account(field) => one(update, outcomes, account::fact(update, field)),
    }
}

/// How many items a value is, before any is made: as many as [`read`] adds, or one where it has nothing to read.
pub(crate) fn count(field: Field, value: &Value) -> usize {
    if field != Field::Lists {
        return 1;
    }
    let mut lists = LISTS
        .iter()
        .filter_map(|(name, _)| json::list(value, name))
        .map(Vec::len)
        .peekable();
    let history = json::list(value, HISTORY);
    if lists.peek().is_none() && history.is_none() {
        return 1;
    }
    // An element without messages is an item itself.
    let told = |element| hilo_whatsapp::history::messages(element).count().max(1);
    lists.sum::<usize>() + history.into_iter().flatten().map(told).sum::<usize>()
}

fn one(update: &Update, outcomes: &mut Vec<Outcome>, draft: Option<Draft>) -> bool {
    let Some(draft) = draft else { return false };
    outcomes.push(update.item(draft, update.value, 0));
    true
}

fn lists(update: &Update, outcomes: &mut Vec<Outcome>) -> bool {
    let first = outcomes.len();
    let mut known = false;
    for (name, read) in LISTS {
        let Some(elements) = json::list(update.value, name) else {
            continue;
        };
        known = true;
        let beside = history::beside_threads(name).filter(|_| update.field == HISTORY);
        let read = beside.unwrap_or(read);
        for element in elements {
            element_of(update, element, read, first, outcomes);
        }
    }
    if let Some(elements) = json::list(update.value, HISTORY) {
        known = true;
        for element in elements {
            history::read(update, element, first, outcomes);
        }
    }
    let item = outcomes[first..].iter_mut().find_map(|outcome| match outcome {
        Outcome::Item { item, .. } => Some(item),
        _ => None,
    });
    if let Some(item) = item {
        item.sightings.extend(update.contacts.others());
    }
    known
}

/// Adds the outcome of one element; `first` is the index of the change's first outcome.
fn element_of(update: &Update, element: &Value, read: Read, first: usize, outcomes: &mut Vec<Outcome>) {
    let index = outcomes.len() - first;
    let read = match read {
        _ if !element.is_object() => Err("element_not_object"),
        Read::WithId(read) => read(update, element),
        Read::Any(read) => Ok(read(update, element)),
    };
    outcomes.push(match read {
        Ok(draft) => update.item(draft, element, index),
        Err(reason) => update.dead_letter(reason, element, index),
    });
}

/// Smallest time of an element in a value.
pub(crate) fn smallest_time(value: &Value) -> Option<Millis> {
    let elements = LISTS.iter().filter_map(|(name, _)| json::list(value, name)).flatten();
    let synced = json::list(value, address_book::LIST)
        .into_iter()
        .flatten()
        .filter_map(address_book::synced_at);
    let told = json::list(value, HISTORY)
        .into_iter()
        .flatten()
        .flat_map(hilo_whatsapp::history::messages);
    elements
        .chain(told.map(|(_, message)| message))
        .filter_map(timestamp)
        .chain(synced)
        .min()
}
