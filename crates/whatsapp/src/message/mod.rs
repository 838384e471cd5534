//! Messages of all types: received, echoed from the phone app, or from a history.
//!
//! ```json
//! {"from": "16505551234", "from_user_id": "US.13491208655302741918", "id": "wamid.HBgL…", "timestamp": "1749416383",
//!  "type": "text", "text": {"body": "Does it come in another color?"},
//!  "context": {"from": "15550783881", "id": "wamid.HBgM…"}}
//! ```
//!
//! What a type means is one row of `types.rs`. This file reads what all types share.

mod contacts;
mod context;
mod edit;
mod interactive;
mod location;
pub(crate) mod media;
mod order;
mod system;
mod types;

pub use contacts::{OwnNumber, own_number};
pub use interactive::flow_answer;
pub use system::{Changed, changed, now};
pub use types::NAMES;
pub(crate) use types::is_known;

use crate::{Reason, errors::errors};
use hilo_contracts::{
    details::Details,
    item::{Author, CUSTOMER, Message, Origin},
};
use hilo_domain::{
    json::canonical,
    read::{id, object, text},
    text,
};
use serde_json::Value;

/// The list of messages that people wrote to the business.
pub const RECEIVED: &str = "messages";
/// The list of messages that somebody of the business wrote on the phone app.
pub const ECHOED: &str = "message_echoes";
/// Type of a message that names none, and kind of an author that nobody names.
pub const UNKNOWN: &str = "unknown";

/// What a message element says, wherever it stands. Whether it is an opt-out depends on the tenant: see [`words`].
pub fn read(element: &Value, origin: Origin, inbound: bool) -> Result<Message, Reason> {
    let id = id(element, "id").ok_or("no_id")?;
    let kind = text(element, "type").unwrap_or(UNKNOWN);
    let author = match (origin, inbound) {
        (_, true) if interactive::is_automatic(element, kind) => "automation",
        (_, true) => CUSTOMER,
        (Origin::Echo, false) => "agent",
        _ => UNKNOWN,
    };
    Ok(Message {
        inbound,
        author: Author {
            kind: author.to_owned(),
            id: None,
        },
        reply_to: reply_to(element, kind),
        group_id: hilo_domain::read::id(element, "group_id"),
        courtesy: said(element, kind).is_some_and(text::is_courtesy),
        referral: object(element, "referral").map(|_| canonical(&element["referral"])),
        ..Message::new(id, origin, kind)
    })
}

/// The text of a message that is one.
#[must_use]
pub fn said<'a>(element: &'a Value, kind: &str) -> Option<&'a str> {
    let body = element.get("text")?.get("body")?.as_str();
    body.filter(|_| kind == "text")
}

/// What the sender said in a few words: a text, or the label and the id of what was tapped.
pub fn words<'a>(element: &'a Value, kind: &str) -> impl Iterator<Item = &'a str> {
    let found = types::find(kind).zip(element.get(kind));
    let words = found.map(|(of_type, body)| (of_type.words)(body));
    words.into_iter().flatten().flatten()
}

/// The message that this one is about.
fn reply_to(element: &Value, kind: &str) -> Option<String> {
    let about = || {
        let key = types::find(kind)?.about?;
        id(element.get(kind)?, key)
    };
    about().or_else(|| id(element.get("context")?, "id"))
}

/// What a message says, field by field.
pub(crate) fn details(element: &Value, message: &Message) -> Details {
    Details {
        context: element.get("context").and_then(context::context),
        ad: element.get("referral").and_then(context::ad),
        errors: errors(element),
        history: context::history(element, message.chunk.as_ref()),
        identity_hash: context::identity_hash(element),
        ..types::body(element, &message.kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_message_has_an_id_a_type_and_what_it_answers() {
        let element = json!({"from": "16505551234", "id": "wamid.1", "timestamp": "1749416383", "type": "text",
            "text": {"body": "Does it come in another color?"}, "context": {"from": "15550783881", "id": "wamid.0"},
            "group_id": "g", "referral": {"source_type": "ad", "source_id": "120211"}});
        let read = read(&element, Origin::Received, true).unwrap();
        assert_eq!(
            (read.id.as_str(), read.kind.as_str(), read.inbound),
            ("wamid.1", "text", true)
        );
        assert_eq!(
            (read.reply_to.as_deref(), read.group_id.as_deref()),
            (Some("wamid.0"), Some("g"))
        );
        assert_eq!(
            read.referral.as_deref(),
            Some(r#"{"source_id":"120211","source_type":"ad"}"#)
        );
        assert_eq!((read.author.kind.as_str(), read.courtesy), (CUSTOMER, false));
        let details = details(&element, &read);
        assert_eq!(details.text.as_deref(), Some("Does it come in another color?"));
        assert_eq!(details.context.unwrap().sender.as_deref(), Some("15550783881"));
        assert_eq!(details.ad.unwrap().source_id.as_deref(), Some("120211"));
        assert_eq!(
            super::words(&element, "text").collect::<Vec<_>>(),
            ["Does it come in another color?"]
        );
    }

    #[test]
    fn who_wrote_depends_on_where_it_stands() {
        for (origin, inbound, author) in [
            (Origin::Received, true, "customer"),
            (Origin::Echo, false, "agent"),
            (Origin::History, false, "unknown"),
        ] {
            let read = read(&json!({"id": 7}), origin, inbound).unwrap();
            assert_eq!((read.id.as_str(), read.kind.as_str()), ("7", "unknown"));
            assert_eq!(read.author.kind, author);
        }
        assert_eq!(read(&json!({"type": "text"}), Origin::Received, true), Err("no_id"));
    }

    #[test]
    fn thanks_are_a_courtesy() {
        let thanks = json!({"id": "a", "type": "text", "text": {"body": "Gracias"}});
        assert!(read(&thanks, Origin::Received, true).unwrap().courtesy);
        assert_eq!(said(&thanks, "text"), Some("Gracias"));
        assert_eq!(said(&thanks, "image"), None);
    }
}
