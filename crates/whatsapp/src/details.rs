//! What an element says, field by field: the typed part of its fact. What the platform does not document stays in the content.

use crate::{
    address_book, automatic_event, call, errors, flow, group, history, message, preference, user_action, user_id,
};
use hilo_contracts::{details::Details, item::Body};
use serde_json::Value;

/// What the element of this body says. Nothing, where the body is no element of the platform's. Nothing either for statuses and
/// the business side: their facts have fields of their own.
#[must_use]
pub fn details(body: &Body, element: &Value) -> Details {
    match body {
        Body::Message(told) => message::details(element, told),
        Body::Call(_) => call::details(element),
        Body::Preference(told) => preference::details(element, told),
        Body::Event { kind } => match kind.as_str() {
            group::KIND => group::details(element),
            automatic_event::KIND => automatic_event::details(element),
            address_book::KIND => address_book::details(element),
            user_id::KIND => user_id::details(element),
            flow::KIND => flow::details(element),
            history::KIND => history::details(element),
            errors::KIND => errors::details(element),
            // Any other event is a user action, by its own word.
            _ => user_action::details(element),
        },
        Body::Inbox(_)
        | Body::Crm(_)
        | Body::Status(_)
        | Body::Account(_)
        | Body::Decision(_)
        | Body::Clock
        | Body::Request(_)
        | Body::Echoed { .. } => Details::default(),
    }
}
