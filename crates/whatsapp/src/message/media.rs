//! Files: images, videos, audio, voice notes, documents, stickers.
//!
//! ```json
//! {"type": "document", "document": {"id": "2754859441498128", "mime_type": "application/pdf", "sha256": "4SNu…",
//!  "filename": "cotizacion.pdf", "caption": "La cotización"}}
//! ```

use super::types::Typed;
use hilo_contracts::details::{Details, Media};
use hilo_domain::read::{flag, id, owned, said};
use serde_json::Value;

pub(super) fn details(file: &Typed) -> Details {
    Details {
        text: owned(file.body, "caption"),
        media: said(media(file.body, file.kind)),
        ..Details::default()
    }
}

/// A file of this type.
pub(crate) fn media(body: &Value, kind: &str) -> Media {
    Media {
        id: id(body, "id"),
        mime_type: owned(body, "mime_type"),
        sha256: owned(body, "sha256"),
        file_name: owned(body, "filename"),
        url: owned(body, "url").or_else(|| owned(body, "link")),
        // The type of old payloads says it by its name.
        voice: flag(body, "voice").or((kind == "voice").then_some(true)),
        animated: flag(body, "animated"),
    }
}

#[cfg(test)]
mod tests {
    use crate::message::types::body;
    use serde_json::json;

    #[test]
    fn a_file_has_a_caption_and_where_it_is() {
        let element = json!({"type": "document", "document": {"id": "2754859441498128", "mime_type": "application/pdf",
            "sha256": "4SNu", "filename": "cotizacion.pdf", "caption": "La cotización", "url": "https://x/1"}});
        let details = body(&element, "document");
        assert_eq!(details.text.as_deref(), Some("La cotización"));
        let media = details.media.unwrap();
        assert_eq!(
            (media.id.as_deref(), media.mime_type.as_deref(), media.sha256.as_deref()),
            (Some("2754859441498128"), Some("application/pdf"), Some("4SNu"))
        );
        assert_eq!(
            (media.file_name.as_deref(), media.url.as_deref()),
            (Some("cotizacion.pdf"), Some("https://x/1"))
        );
        assert_eq!((media.voice, media.animated), (None, None));
    }

    #[test]
    fn a_voice_note_is_one_by_its_flag_or_its_type() {
        let flagged = json!({"audio": {"id": "1", "voice": true}});
        let typed = json!({"voice": {"id": "1"}});
        assert_eq!(body(&flagged, "audio").media.unwrap().voice, Some(true));
        assert_eq!(body(&typed, "voice").media.unwrap().voice, Some(true));
        let sticker = json!({"sticker": {"id": "1", "animated": false}});
        assert_eq!(body(&sticker, "sticker").media.unwrap().animated, Some(false));
    }
}
