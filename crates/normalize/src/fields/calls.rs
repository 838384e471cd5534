//! Calls.

use crate::{
    key::Key,
    outcome::Reason,
    update::{Draft, Update},
};
use hilo_contracts::item::Body;
use hilo_whatsapp::{
    Named,
    call::{self, Direction},
    timestamp,
};
use serde_json::Value;

/// An element of `calls`.
pub(super) fn call(update: &Update, element: &Value) -> Result<Draft, Reason> {
    let (call, event, direction) = call::read(element)?;
    let (from, to) = (Named::sender(element), Named::addressee(element));
    // Whoever calls for the business is the business, also by another of its numbers.
    let person = match direction {
        Some(Direction::ByBusiness) => update.person(to),
        Some(Direction::ByPerson) => update.person(from),
        None => update.either(from, to),
    };
    let key = Key::Call {
        id: call.id.clone(),
        event: event.to_owned(),
    };
    Ok(Draft {
        person,
        ..Draft::new(timestamp(element), key, Body::Call(call))
    })
}
