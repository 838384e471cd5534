//! Calls.

use super::messages::{addressee, sender};
use crate::{
    json,
    key::Key,
    outcome::Reason,
    update::{Draft, Update},
};
use hilo_contracts::item::{Body, Call};
use serde_json::Value;

/// An element of `calls`.
pub(super) fn call(update: &Update, element: &Value) -> Result<Draft, Reason> {
    let id = json::id(element, "id").ok_or("no_id")?;
    let event = json::text(element, "event")
        .or_else(|| json::text(element, "status"))
        .unwrap_or_default();
    let (from, to) = (sender(element), addressee(element));
    // Whoever calls for the business is the business, also by another of its numbers.
    let person = match json::text(element, "direction") {
        Some("BUSINESS_INITIATED") => update.person(to),
        Some("USER_INITIATED") => update.person(from),
        _ => update.either(from, to),
    };
    let key = Key::Call {
        id: id.clone(),
        event: event.to_owned(),
    };
    let call = Call {
        id,
        event: event.to_ascii_lowercase(),
        inbound: json::text(element, "direction") == Some("USER_INITIATED"),
    };
    Ok(Draft {
        person,
        ..Draft::new(Update::timestamp(element), key, Body::Call(call))
    })
}
