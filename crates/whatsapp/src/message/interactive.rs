//! Answers by a tap: a button, a row of a list, a completed flow, a permission to call.
//!
//! ```json
//! {"type": "interactive", "interactive": {"type": "list_reply",
//!  "list_reply": {"id": "priority_express", "title": "Priority Mail Express", "description": "Next Day to 2 Days"}}}
//! {"type": "interactive", "interactive": {"type": "nfm_reply",
//!  "nfm_reply": {"name": "flow", "body": "Sent", "response_json": "{\"flow_token\":\"t\",\"email\":\"ana@example.com\"}"}}}
//! {"type": "interactive", "interactive": {"type": "call_permission_reply",
//!  "call_permission_reply": {"response": "accept", "expiration_timestamp": "1749416383", "response_source": "user_action"}}}
//! ```

use super::types::Typed;
use hilo_contracts::details::{Details, Reply};
use hilo_domain::read::{id, object, owned, seconds, text};
use serde_json::Value;

/// The answers that are known; a new one is named by `type`.
const REPLIES: [&str; 4] = ["button_reply", "list_reply", "nfm_reply", "call_permission_reply"];

pub(super) fn details(tap: &Typed) -> Details {
    let body = tap.body;
    let known = REPLIES.into_iter().find(|kind| object(body, kind).is_some());
    let Some(kind) = known.or_else(|| text(body, "type")) else {
        return Details::default();
    };
    let answer = body.get(kind).unwrap_or(&Value::Null);
    let title = owned(answer, "title");
    Details {
        text: title.clone().or_else(|| owned(answer, "body")),
        reply: Some(Reply {
            kind: kind.to_owned(),
            id: id(answer, "id"),
            title,
            description: owned(answer, "description"),
            flow: owned(answer, "name"),
            response_json: owned(answer, "response_json"),
            response: owned(answer, "response"),
            expires_at: seconds(answer, "expiration_timestamp"),
            response_source: owned(answer, "response_source"),
        }),
        ..Details::default()
    }
}

/// The label and the id of a button or of a row of a list.
pub(super) fn words(body: &Value) -> [Option<&str>; 2] {
    let chosen = body.get("button_reply").or_else(|| body.get("list_reply"));
    ["title", "id"].map(|key| text(chosen?, key))
}

/// Whether the platform by itself allows a call back, after a call: nobody wrote it.
pub(super) fn is_automatic(element: &Value, kind: &str) -> bool {
    let reply = element
        .get("interactive")
        .filter(|_| kind == "interactive")
        .and_then(|interactive| interactive.get("call_permission_reply"));
    reply.and_then(|reply| text(reply, "response_source")) == Some("automatic")
}

/// The answers of a completed flow, by the names of its fields: `response_json` is a text that is JSON.
#[must_use]
pub fn flow_answer(element: &Value) -> Option<Value> {
    let reply = element.get("interactive")?.get("nfm_reply")?;
    serde_json::from_str(text(reply, "response_json")?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{read, types, words};
    use hilo_contracts::item::Origin;
    use serde_json::json;

    fn reply(element: &Value) -> Reply {
        types::body(element, "interactive").reply.unwrap()
    }

    #[test]
    fn a_row_has_a_label_and_an_id() {
        let element = json!({"type": "interactive", "interactive": {"type": "list_reply", "list_reply":
            {"id": "priority_express", "title": "Priority Mail Express", "description": "Next Day to 2 Days"}}});
        let reply = reply(&element);
        assert_eq!(
            (reply.kind.as_str(), reply.id.as_deref(), reply.title.as_deref()),
            ("list_reply", Some("priority_express"), Some("Priority Mail Express"))
        );
        assert_eq!(reply.description.as_deref(), Some("Next Day to 2 Days"));
        assert_eq!(
            words(&element, "interactive").collect::<Vec<_>>(),
            ["Priority Mail Express", "priority_express"]
        );
    }

    #[test]
    fn a_button_says_its_label() {
        let element = json!({"interactive": {"button_reply": {"id": "yes", "title": "Sí"}}});
        assert_eq!(types::body(&element, "interactive").text.as_deref(), Some("Sí"));
        assert_eq!(words(&element, "interactive").collect::<Vec<_>>(), ["Sí", "yes"]);
    }

    #[test]
    fn a_flow_has_answers() {
        let element = json!({"type": "interactive", "interactive": {"type": "nfm_reply", "nfm_reply": {"name": "flow",
            "body": "Sent", "response_json": "{\"flow_token\":\"t\",\"email\":\"ana@example.com\"}"}}});
        let told = types::body(&element, "interactive");
        assert_eq!(told.text.as_deref(), Some("Sent"));
        assert_eq!(told.reply.unwrap().flow.as_deref(), Some("flow"));
        assert_eq!(
            flow_answer(&element),
            Some(json!({"flow_token": "t", "email": "ana@example.com"}))
        );
        for none in [json!({}), json!({"interactive": {"nfm_reply": {"response_json": "{"}}})] {
            assert_eq!(flow_answer(&none), None);
        }
    }

    #[test]
    fn a_permission_to_call_is_given_by_a_person_or_by_the_platform() {
        for (source, author) in [("user_action", "customer"), ("automatic", "automation")] {
            let element = json!({"id": "a", "type": "interactive", "interactive": {"type": "call_permission_reply",
                "call_permission_reply": {"response": "accept", "expiration_timestamp": "1749416383", "response_source": source}}});
            let reply = reply(&element);
            assert_eq!(
                (
                    reply.response.as_deref(),
                    reply.expires_at,
                    reply.response_source.as_deref()
                ),
                (Some("accept"), Some(1_749_416_383_000), Some(source))
            );
            assert_eq!(read(&element, Origin::Received, true).unwrap().author.kind, author);
        }
        let odd =
            json!({"interactive": {"call_permission_reply": {"response": "reject", "expiration_timestamp": "soon"}}});
        let odd = reply(&odd);
        assert_eq!((odd.response.as_deref(), odd.expires_at), (Some("reject"), None));
    }

    #[test]
    fn a_new_answer_is_named_by_its_type() {
        let element = json!({"interactive": {"type": "of_tomorrow", "of_tomorrow": {"id": 7}}});
        assert_eq!(reply(&element).kind, "of_tomorrow");
        assert_eq!(reply(&element).id.as_deref(), Some("7"));
    }
}
