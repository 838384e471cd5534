//! History: messages from before the business joined, in threads.
//!
//! ```json
//! {"metadata": {"phase": 1, "chunk_order": 2, "progress": 55},
//!  "threads": [{"id": "16505551234", "context": {"wa_id": "16505551234", "user_id": "US.1", "username": "ana"},
//!    "messages": [{"from": "16505551234", "id": "wamid.HBgL…", "timestamp": "1739230955", "type": "text",
//!      "text": {"body": "Hola"}, "history_context": {"status": "READ"}}]}]}
//! ```

use crate::{Named, errors::errors};
use hilo_contracts::details::{Details, History};
use hilo_domain::read::{id_at, list, said, whole};
use serde_json::Value;
use std::borrow::Cow;

/// The list of chunks, and the field that it stands in.
pub const LIST: &str = "history";
/// Kind of what is history and no message.
pub const KIND: &str = "history_event";

/// The messages of an element of `history`, with their threads.
pub fn messages(element: &Value) -> impl Iterator<Item = (&Value, &Value)> {
    list(element, "threads").into_iter().flatten().flat_map(|thread| {
        list(thread, "messages")
            .into_iter()
            .flatten()
            .map(move |message| (thread, message))
    })
}

/// The partner of a thread: as its context names them, and its id.
#[must_use]
pub fn partner(thread: &Value) -> (Named<'_>, Option<Cow<'_, str>>) {
    let named = Named::contact(thread.get("context").unwrap_or(&Value::Null));
    (named, id_at(thread, "id"))
}

/// Where the messages of an element stand in the whole.
#[must_use]
pub fn chunk(element: &Value) -> Option<History> {
    said(place(element.get("metadata")?))
}

fn place(metadata: &Value) -> History {
    History {
        status: None,
        phase: whole(metadata, "phase"),
        chunk_order: whole(metadata, "chunk_order"),
        progress: whole(metadata, "progress"),
    }
}

/// What an element without messages says: a chunk that was empty, or a synchronisation that was refused.
pub(crate) fn details(element: &Value) -> Details {
    Details {
        errors: errors(element),
        history: said(place(element.get("metadata").unwrap_or(&Value::Null))),
        ..Details::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_chunk_has_threads_with_messages() {
        let element = json!({"metadata": {"phase": 1, "chunk_order": "2", "progress": 55},
            "threads": [{"id": "16505551234", "context": {"wa_id": "16505551234", "user_id": "US.1", "username": "ana"},
                "messages": [{"id": "a"}, {"id": "b"}]}, {"id": "17"}]});
        let ids: Vec<&Value> = messages(&element).map(|(_, message)| &message["id"]).collect();
        assert_eq!(ids, ["a", "b"]);
        let (thread, _) = messages(&element).next().unwrap();
        let (named, id) = partner(thread);
        assert_eq!(
            (named.user_id.as_deref(), named.username, id.as_deref()),
            (Some("US.1"), Some("ana"), Some("16505551234"))
        );
        let chunk = chunk(&element).unwrap();
        assert_eq!(
            (chunk.phase, chunk.chunk_order, chunk.progress),
            (Some(1), Some(2), Some(55))
        );
    }

    #[test]
    fn a_synchronisation_that_was_refused_has_an_error() {
        let element = json!({"errors": [{"code": 2_593_109, "title": "History sync is turned off"}]});
        assert_eq!(messages(&element).count(), 0);
        assert_eq!(chunk(&element), None);
        let told = details(&element);
        assert_eq!((told.errors[0].code, told.history), (Some(2_593_109), None));
    }
}
