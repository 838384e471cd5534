//! Calls and their statuses.

use super::{errors, messages::media, owned, said, whole};
use hilo_contracts::details::{Call, Details, Media};
use hilo_domain::read::{id, seconds};
use serde_json::Value;

/// A file that was made of the call, told once it can be fetched.
fn file(element: &Value, event: &str, kind: &str) -> Option<Media> {
    said(media(element.get(event)?.get(kind)?, kind))
}

pub(super) fn details(element: &Value) -> Details {
    let session = element.get("session").unwrap_or(&Value::Null);
    let event = owned(element, "event");
    Details {
        errors: errors(element),
        call: Some(Call {
            id: id(element, "id"),
            // A call's status stands among the statuses, and is its event.
            status: event.is_some().then(|| owned(element, "status")).flatten(),
            event: event.or_else(|| owned(element, "status")),
            direction: owned(element, "direction"),
            started_at: seconds(element, "start_time"),
            ended_at: seconds(element, "end_time"),
            duration_seconds: whole(element, "duration"),
            callback_data: id(element, "biz_opaque_callback_data"),
            sdp_type: owned(session, "sdp_type"),
            sdp: owned(session, "sdp"),
            recording: file(element, "call_recording", "audio"),
            transcript: file(element, "call_transcript", "document"),
        }),
        ..Details::default()
    }
}
