//! Words of the platform that are known. A new one is no error: its item is a fact with the word as it came, and is counted,
//! so that somebody sees that the platform began to say something new.

use hilo_contracts::item::{Body, Item, Origin};

/// Types of messages; `unknown` is a legacy type, and that of a message that names none.
const MESSAGE_TYPES: [&str; 21] = [
    "text",
    "interactive",
    "image",
    "audio",
    "button",
    "reaction",
    "video",
    "document",
    "sticker",
    "voice",
    "location",
    "contacts",
    "order",
    "system",
    "edit",
    "revoke",
    "unsupported",
    "request_welcome",
    "media_placeholder",
    "template",
    "unknown",
];

const STATUSES: [&str; 7] = ["sent", "delivered", "read", "failed", "played", "deleted", "warning"];

const TEMPLATE_EVENTS: [&str; 14] = [
    "APPROVED",
    "ARCHIVED",
    "UNARCHIVED",
    "DELETED",
    "DISABLED",
    "FLAGGED",
    "IN_APPEAL",
    "LIMIT_EXCEEDED",
    "LOCKED",
    "PAUSED",
    "PENDING",
    "PENDING_DELETION",
    "REINSTATED",
    "REJECTED",
];

/// What about an item is a word that nobody knows yet; a label of a counter.
pub(crate) fn unknown(item: &Item) -> Option<&'static str> {
    match &item.body {
        // The types of our own lines are ours.
        Body::Message(message) => {
            let told_by_platform = matches!(message.origin, Origin::Received | Origin::Echo | Origin::History);
            (told_by_platform && !MESSAGE_TYPES.contains(&message.kind.as_str())).then_some("message_type")
        }
        Body::Status(status) => (!STATUSES.contains(&status.status.as_str())).then_some("status"),
        Body::Account(account) if account.kind == "account_update" => Some("account_event"),
        Body::Account(account) if account.kind == "template_status" => {
            let event = account.event.as_deref().unwrap_or_default();
            (!TEMPLATE_EVENTS.contains(&event)).then_some("template_event")
        }
        _ => None,
    }
}
