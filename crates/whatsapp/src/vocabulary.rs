//! Words of the platform that are known. A new one is no error: its item is a fact with the word as it came, and is counted,
//! so that somebody sees that the platform began to say something new.

use crate::{account, message, status, user_action};
use hilo_contracts::item::{Body, Item, Origin};

/// What about an item is a word that nobody knows yet; a label of a counter.
#[must_use]
pub fn unknown(item: &Item) -> Option<&'static str> {
    match &item.body {
        // The types of our own lines are ours.
        Body::Message(message) => {
            let told_by_platform = matches!(message.origin, Origin::Received | Origin::Echo | Origin::History);
            (told_by_platform && !message::is_known(&message.kind)).then_some("message_type")
        }
        Body::Status(status) => (!status::is_known(&status.status)).then_some("status"),
        Body::Account(account) => account::unknown(account),
        Body::Event { kind } => (!user_action::is_known(kind)).then_some("user_action"),
        _ => None,
    }
}
