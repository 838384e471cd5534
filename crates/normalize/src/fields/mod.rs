//! The fields of changes: which items a value holds, and what each of them says.

mod account;
mod calls;
mod events;
mod history;
mod messages;
mod preferences;
mod snapshot;
mod statuses;
mod system;

pub(crate) use account::Business as AccountField;
pub(crate) use messages::{language, message};
pub(crate) use snapshot::snapshot;

use crate::{
    json,
    outcome::{Outcome, Reason},
    update::{Draft, Update},
};
use hilo_domain::Millis;
use serde_json::Value;

/// How the value of a field is made of items.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Field {
    /// Elements of lists.
    Lists,
    /// The value is one item, its errors belong to it.
    Flow,
    /// The value is one item about the business side.
    Account(AccountField),
}

impl Field {
    /// The field of this name, if it is known.
    pub(crate) fn of(name: &str) -> Option<Self> {
        match name {
            "messages"
            | "smb_message_echoes"
            | "calls"
            | "history"
            | "smb_app_state_sync"
            | "user_preferences"
            | "user_id_update"
            | "automatic_events"
            | "group_lifecycle_update"
            | "group_participants_update"
            | "group_settings_update"
            | "group_status_update" => Some(Self::Lists),
            "flows" => Some(Self::Flow),
            _ => AccountField::of(name).map(Self::Account),
        }
    }
}

/// How one element of a list is read.
#[derive(Clone, Copy)]
enum Read {
    /// It has to name what it is about.
    WithId(fn(&Update, &Value) -> Result<Draft, Reason>),
    /// Any object will do.
    Any(fn(&Update, &Value) -> Draft),
}

/// The field of what was before the business joined, and the list of it.
const HISTORY: &str = "history";

/// The lists whose elements are items. `history` is nested and stands apart.
const LISTS: [(&str, Read); 11] = [
    ("messages", Read::WithId(messages::received)),
    ("message_echoes", Read::WithId(messages::echo)),
    ("statuses", Read::WithId(statuses::status)),
    ("user_actions", Read::Any(events::user_action)),
    ("calls", Read::WithId(calls::call)),
    ("groups", Read::Any(events::group)),
    ("state_sync", Read::Any(preferences::state_sync)),
    ("user_preferences", Read::Any(preferences::preference)),
    ("automatic_events", Read::Any(events::automatic)),
    ("user_id_update", Read::Any(preferences::user_id_update)),
    ("errors", Read::Any(events::error)),
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
            update
                .value
                .get("event")
                .filter(|event| !event.is_null())
                .map(|_| events::flow(update)),
        ),
        Field::Account(account) => one(update, outcomes, account.read(update)),
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
    let told = |element| history::messages(element).count().max(1);
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
    let synced = json::list(value, "state_sync")
        .into_iter()
        .flatten()
        .filter_map(preferences::synced_at);
    let told = json::list(value, HISTORY)
        .into_iter()
        .flatten()
        .flat_map(history::messages);
    elements
        .chain(told.map(|(_, message)| message))
        .filter_map(Update::timestamp)
        .chain(synced)
        .min()
}
