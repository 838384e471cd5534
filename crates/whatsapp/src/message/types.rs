//! The types of messages: what each type has under its own key.
//!
//! ```json
//! {"type": "text",     "text": {"body": "Hola"}}
//! {"type": "button",   "button": {"payload": "STOP", "text": "No more offers"}}
//! {"type": "reaction", "reaction": {"message_id": "wamid.HBgM…", "emoji": "👍"}}
//! {"type": "unsupported", "unsupported": {"type": "poll"}, "errors": [{"code": 131051}]}
//! ```
//!
//! **A new type is a row of [`TYPES`]**, with a function for what it says and an example of it in the tests. A type that is
//! known and says nothing has `nothing`. A type without a row is a fact all the same, and is counted as an unknown word.

use super::{contacts, edit, interactive, location, media, order, system};
use hilo_contracts::details::{Details, Reply};
use hilo_domain::read::{owned, text};
use serde_json::Value;

/// A message element, and what stands under the key of its type.
pub(super) struct Typed<'a> {
    pub element: &'a Value,
    pub kind: &'a str,
    pub body: &'a Value,
}

/// What the platform documents of a type.
pub(super) struct Type {
    /// `type` of the element, and the key of its body.
    name: &'static str,
    /// What the body says.
    details: fn(&Typed) -> Details,
    /// See [`super::words`].
    pub words: fn(&Value) -> [Option<&str>; 2],
    /// Where the body names the message that it is about; else the context does.
    pub about: Option<&'static str>,
}

static TYPES: [Type; 21] = [
    of("text", said).words(|body| [text(body, "body"), None]),
    of("interactive", interactive::details).words(interactive::words),
    of("image", media::details),
    of("audio", media::details),
    of("button", button).words(|body| [text(body, "text"), text(body, "payload")]),
    of("reaction", reaction).about("message_id"),
    of("video", media::details),
    of("document", media::details),
    of("sticker", media::details),
    of("voice", media::details),
    of("location", location::details),
    of("contacts", contacts::details),
    of("order", order::details),
    of("system", system::details),
    of("edit", edit::details).about("original_message_id"),
    of("revoke", nothing).about("original_message_id"),
    of("unsupported", unsupported),
    of("request_welcome", nothing),
    of("media_placeholder", nothing),
    of("template", nothing),
    // A legacy type, and that of a message that names none.
    of(super::UNKNOWN, nothing),
];

/// The names of all types.
pub const NAMES: [&str; TYPES.len()] = {
    let mut names = [""; TYPES.len()];
    let mut row = 0;
    while row < TYPES.len() {
        names[row] = TYPES[row].name;
        row += 1;
    }
    names
};

const fn of(name: &'static str, details: fn(&Typed) -> Details) -> Type {
    Type {
        name,
        details,
        words: |_| [None, None],
        about: None,
    }
}

impl Type {
    const fn words(self, words: fn(&Value) -> [Option<&str>; 2]) -> Self {
        Self { words, ..self }
    }

    const fn about(self, key: &'static str) -> Self {
        Self {
            about: Some(key),
            ..self
        }
    }
}

pub(super) fn find(kind: &str) -> Option<&'static Type> {
    TYPES.iter().find(|known| known.name == kind)
}

/// Whether the platform documents a type.
pub(crate) fn is_known(kind: &str) -> bool {
    find(kind).is_some()
}

/// What stands under the type's own key.
pub(super) fn body(element: &Value, kind: &str) -> Details {
    let body = element.get(kind).filter(|body| !body.is_null());
    body.zip(find(kind)).map_or_else(Details::default, |(body, of_type)| {
        (of_type.details)(&Typed { element, kind, body })
    })
}

fn nothing(_: &Typed) -> Details {
    Details::default()
}

fn said(text: &Typed) -> Details {
    Details {
        text: owned(text.body, "body"),
        ..Details::default()
    }
}

/// The tap on a quick reply of a template.
fn button(button: &Typed) -> Details {
    Details {
        text: owned(button.body, "text"),
        reply: Some(Reply {
            kind: button.kind.to_owned(),
            id: owned(button.body, "payload"),
            title: owned(button.body, "text"),
            ..Reply::default()
        }),
        ..Details::default()
    }
}

fn reaction(reaction: &Typed) -> Details {
    Details {
        text: owned(reaction.body, "emoji"),
        ..Details::default()
    }
}

fn unsupported(unsupported: &Typed) -> Details {
    Details {
        subtype: owned(unsupported.body, "type"),
        ..Details::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{read, words};
    use hilo_contracts::item::Origin;
    use serde_json::json;

    fn said(element: &Value, kind: &str) -> Vec<String> {
        words(element, kind).map(str::to_owned).collect()
    }

    #[test]
    fn a_text_says_its_body() {
        let element = json!({"type": "text", "text": {"body": "Hola"}});
        assert_eq!(body(&element, "text").text.as_deref(), Some("Hola"));
        assert_eq!(said(&element, "text"), ["Hola"]);
        for empty in [json!({"text": "Hola"}), json!({"text": {"body": ""}}), json!({})] {
            assert_eq!(body(&empty, "text"), Details::default());
            assert!(said(&empty, "text").is_empty());
        }
    }

    #[test]
    fn a_quick_reply_says_its_label_and_its_payload() {
        let element = json!({"type": "button", "button": {"payload": "STOP", "text": "No more offers"}});
        let details = body(&element, "button");
        assert_eq!(details.text.as_deref(), Some("No more offers"));
        let reply = details.reply.unwrap();
        assert_eq!(
            (reply.kind.as_str(), reply.id.as_deref(), reply.title.as_deref()),
            ("button", Some("STOP"), Some("No more offers"))
        );
        assert_eq!(said(&element, "button"), ["No more offers", "STOP"]);
    }

    #[test]
    fn a_reaction_names_its_message() {
        let element = json!({"id": "b", "type": "reaction", "reaction": {"message_id": "a", "emoji": "👍"}, "context": {"id": "c"}});
        assert_eq!(body(&element, "reaction").text.as_deref(), Some("👍"));
        let read = read(&element, Origin::Received, true).unwrap();
        assert_eq!(read.reply_to.as_deref(), Some("a"));
    }

    #[test]
    fn what_is_revoked_is_named() {
        let element = json!({"id": "b", "type": "revoke", "revoke": {"original_message_id": "a"}});
        assert_eq!(body(&element, "revoke"), Details::default());
        let read = read(&element, Origin::Received, true).unwrap();
        assert_eq!(read.reply_to.as_deref(), Some("a"));
    }

    #[test]
    fn what_is_unsupported_has_a_type() {
        let element = json!({"type": "unsupported", "unsupported": {"type": "poll"}});
        assert_eq!(body(&element, "unsupported").subtype.as_deref(), Some("poll"));
    }

    #[test]
    fn types_that_only_say_that_something_came_say_nothing_else() {
        for kind in ["request_welcome", "media_placeholder", "template", "unknown"] {
            assert!(is_known(kind));
            assert_eq!(body(&json!({kind: {"text": "x"}}), kind), Details::default());
        }
        assert!(!is_known("poll"));
        assert_eq!(body(&json!({"poll": {"text": "x"}}), "poll"), Details::default());
    }
}
