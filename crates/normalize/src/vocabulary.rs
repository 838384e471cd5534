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

/// User actions that are known, without `marketing_messages_`.
const ACTIONS: [&str; 2] = ["link_click", "landing_page_view"];

/// A user action without a word, or with one that means another fact.
const NAMELESS_ACTION: &str = "user_action";

/// Kinds of facts beside messages: an action with such a word would be taken for one, and counted.
const OTHER_EVENTS: [&str; 24] = [
    "automatic_event",
    "group_event",
    "contact_synced",
    "user_id_changed",
    "flow_event",
    "history_event",
    "platform_error",
    "same_person",
    "opt_in",
    "opt_out",
    "preference_changed",
    "send_requested",
    "reaction",
    "welcome_requested",
    "first_response",
    "turn_answered",
    "assigned",
    "unassigned",
    "handed_off",
    "resolved",
    "reopened",
    "snoozed",
    "tagged",
    "rated",
];

/// Beginnings of kinds of facts, likewise.
const OTHER_FAMILIES: [&str; 6] = ["message_", "session_", "system_", "call_", "deal_", "contact_"];

/// Kind of the fact of a user action: its word, in lower case.
pub(crate) fn kind_of_action(action: Option<&str>) -> String {
    let word = action.unwrap_or_default().to_ascii_lowercase();
    let word = word.strip_prefix("marketing_messages_").unwrap_or(&word);
    let is_other = OTHER_EVENTS.contains(&word) || OTHER_FAMILIES.iter().any(|family| word.starts_with(family));
    let kind = if word.is_empty() || is_other {
        NAMELESS_ACTION
    } else {
        word
    };
    kind.to_owned()
}

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
        Body::Event { kind } => {
            let known = ACTIONS.contains(&kind.as_str()) || OTHER_EVENTS.contains(&kind.as_str());
            (!known).then_some("user_action")
        }
        _ => None,
    }
}
