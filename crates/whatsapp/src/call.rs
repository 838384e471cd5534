//! Calls and their statuses.
//!
//! ```json
//! {"id": "wacid.HBgL…", "from": "16505551234", "to": "15550783881", "event": "terminate", "timestamp": "1749416383",
//!  "direction": "USER_INITIATED", "status": "COMPLETED", "start_time": "1749416300", "end_time": "1749416380",
//!  "duration": 80}
//! ```

use crate::{Reason, errors::errors, message::media::media};
use hilo_contracts::{
    details::{Call as Told, Details, Media},
    item::Call,
};
use hilo_domain::read::{id, owned, said, seconds, text, whole};
use serde_json::Value;

/// The list of calls.
pub const LIST: &str = "calls";

/// Who called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// The business.
    ByBusiness,
    /// The person.
    ByPerson,
}

/// An element of `calls`: the call, its event as received, who called.
pub fn read(element: &Value) -> Result<(Call, &str, Option<Direction>), Reason> {
    let id = id(element, "id").ok_or("no_id")?;
    let event = text(element, "event")
        .or_else(|| text(element, "status"))
        .unwrap_or_default();
    let direction = match text(element, "direction") {
        Some("BUSINESS_INITIATED") => Some(Direction::ByBusiness),
        Some("USER_INITIATED") => Some(Direction::ByPerson),
        _ => None,
    };
    let call = Call {
        id,
        event: event.to_ascii_lowercase(),
        inbound: direction == Some(Direction::ByPerson),
    };
    Ok((call, event, direction))
}

/// A file that was made of the call. It is there once it can be fetched.
fn file(element: &Value, event: &str, kind: &str) -> Option<Media> {
    said(media(element.get(event)?.get(kind)?, kind))
}

/// What a call or its status says, field by field.
pub(crate) fn details(element: &Value) -> Details {
    let session = element.get("session").unwrap_or(&Value::Null);
    let event = owned(element, "event");
    Details {
        errors: errors(element),
        call: Some(Told {
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_call_has_an_event_and_a_direction() {
        let element = json!({"id": "wacid.1", "from": "16505551234", "event": "terminate", "direction": "USER_INITIATED",
            "status": "COMPLETED", "start_time": "1749416300", "end_time": "1749416380", "duration": 80,
            "session": {"sdp_type": "offer", "sdp": "v=0"}});
        let (call, event, direction) = read(&element).unwrap();
        assert_eq!(
            (call.id.as_str(), call.event.as_str(), event),
            ("wacid.1", "terminate", "terminate")
        );
        assert!(call.inbound && direction == Some(Direction::ByPerson));
        let told = details(&element).call.unwrap();
        assert_eq!(
            (told.event.as_deref(), told.status.as_deref(), told.duration_seconds),
            (Some("terminate"), Some("COMPLETED"), Some(80))
        );
        assert_eq!(
            (told.started_at, told.ended_at, told.sdp_type.as_deref()),
            (Some(1_749_416_300_000), Some(1_749_416_380_000), Some("offer"))
        );
    }

    #[test]
    fn a_recording_is_a_file() {
        let element = json!({"id": "wacid.1", "event": "call_recording_available", "call_recording":
            {"audio": {"id": "7", "mime_type": "audio/ogg"}}});
        let recording = details(&element).call.unwrap().recording.unwrap();
        assert_eq!(
            (recording.id.as_deref(), recording.mime_type.as_deref()),
            (Some("7"), Some("audio/ogg"))
        );
    }

    #[test]
    fn a_status_is_the_event_of_a_call() {
        let element = json!({"id": "wacid.1", "status": "RINGING"});
        let (call, event, direction) = read(&element).unwrap();
        assert_eq!((call.event.as_str(), event, direction), ("ringing", "RINGING", None));
        let told = details(&element).call.unwrap();
        assert_eq!((told.event.as_deref(), told.status), (Some("RINGING"), None));
        assert_eq!(read(&json!({"event": "connect"})), Err("no_id"));
    }
}
