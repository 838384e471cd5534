//! Statuses of messages, and of calls under the same name.

use crate::{
    key::Key,
    outcome::Reason,
    update::{Draft, Update},
};
use hilo_contracts::item::{Body, Status};
use hilo_whatsapp::{
    status::{self, About},
    timestamp,
};
use serde_json::Value;

/// An element of `statuses`.
pub(super) fn status(update: &Update, element: &Value) -> Result<Draft, Reason> {
    let (about, recipient) = status::read(element, update.field)?;
    let (key, body) = match about {
        About::Message(status) => (key_of(&status), Body::Status(*status)),
        About::Call(call, status) => {
            let key = Key::Call {
                id: call.id.clone(),
                event: status.to_owned(),
            };
            (key, Body::Call(call))
        }
    };
    Ok(Draft {
        person: update.person(recipient),
        ..Draft::new(timestamp(element), key, body)
    })
}

fn key_of(status: &Status) -> Key {
    let name = &status.status;
    Key::Status {
        message_id: status.message_id.clone(),
        // A failed payment is not a failed message.
        status: if status.payment.is_some() {
            format!("payment {name}")
        } else {
            name.clone()
        },
        participant: status.participant.clone(),
        code: status.errors.first().and_then(|error| error.code),
    }
}
