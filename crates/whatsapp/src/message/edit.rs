//! Edits: the message that was changed, and its new content under the type that it has.
//!
//! ```json
//! {"type": "edit", "edit": {"original_message_id": "wamid.HBgL…",
//!  "message": {"type": "image", "image": {"id": "1234", "caption": "In blue"}}}}
//! ```

use super::types::{Typed, body};
use hilo_contracts::details::Details;
use hilo_domain::read::text;
use serde_json::Value;

pub(super) fn details(edit: &Typed) -> Details {
    let message = edit.body.get("message").unwrap_or(&Value::Null);
    let Some(kind) = text(message, "type") else {
        return Details::default();
    };
    // An edit of an edit is no documented thing, and a chain of them must not be followed.
    let inner = if kind == "edit" {
        Details::default()
    } else {
        body(message, kind)
    };
    Details {
        subtype: Some(kind.to_owned()),
        ..inner
    }
}

#[cfg(test)]
mod tests {
    use crate::message::{read, types::body};
    use hilo_contracts::item::Origin;
    use serde_json::json;

    #[test]
    fn an_edit_has_the_new_content() {
        let element = json!({"id": "b", "type": "edit", "edit": {"original_message_id": "a",
            "message": {"type": "image", "image": {"id": "1234", "caption": "In blue"}}}});
        let details = body(&element, "edit");
        assert_eq!(
            (details.subtype.as_deref(), details.text.as_deref()),
            (Some("image"), Some("In blue"))
        );
        assert_eq!(details.media.unwrap().id.as_deref(), Some("1234"));
        let read = read(&element, Origin::Received, true).unwrap();
        assert_eq!(read.reply_to.as_deref(), Some("a"));
    }

    #[test]
    fn an_edit_of_an_edit_is_not_followed() {
        let twice = json!({"edit": {"message": {"type": "edit", "edit": {"message": {"type": "text", "text": {"body": "x"}}}}}});
        let details = body(&twice, "edit");
        assert_eq!((details.subtype.as_deref(), details.text), (Some("edit"), None));
    }
}
