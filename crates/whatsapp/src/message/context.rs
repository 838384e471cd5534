//! What a message of any type may have beside its body: what it refers to, the ad that it came by, the device.
//!
//! ```json
//! {"context": {"from": "15550783881", "id": "wamid.HBgM…", "forwarded": true,
//!   "referred_product": {"catalog_id": "194836987003835", "product_retailer_id": "di9ozbzfi4"}},
//!  "referral": {"source_url": "https://fb.me/1", "source_id": "120226305854810726", "source_type": "ad",
//!   "headline": "Chat with us", "media_type": "image", "image_url": "https://scontent/1", "ctwa_clid": "Aff-n8ZT"},
//!  "identity_key_hash": "DF2lS5v2W6x="}
//! ```

use hilo_contracts::details::{Ad, Context, History};
use hilo_domain::read::{flag, id, owned, said};
use serde_json::Value;

pub(super) fn context(context: &Value) -> Option<Context> {
    let product = context.get("referred_product").unwrap_or(&Value::Null);
    said(Context {
        sender: id(context, "from"),
        forwarded: flag(context, "forwarded"),
        frequently_forwarded: flag(context, "frequently_forwarded"),
        catalog_id: id(product, "catalog_id"),
        product_retailer_id: id(product, "product_retailer_id"),
    })
}

/// A click-to-WhatsApp referral. `ctwa_clid` is what stands there, and nothing else ever is.
pub(super) fn ad(referral: &Value) -> Option<Ad> {
    let welcome = referral.get("welcome_message").unwrap_or(&Value::Null);
    said(Ad {
        source_type: owned(referral, "source_type"),
        source_id: id(referral, "source_id"),
        source_url: owned(referral, "source_url"),
        headline: owned(referral, "headline"),
        body: owned(referral, "body"),
        media_type: owned(referral, "media_type"),
        media_url: owned(referral, "image_url").or_else(|| owned(referral, "video_url")),
        thumbnail_url: owned(referral, "thumbnail_url"),
        ctwa_clid: id(referral, "ctwa_clid"),
        welcome_text: owned(welcome, "text"),
    })
}

/// What a history says of the message, and where its chunk stood.
pub(super) fn history(element: &Value, chunk: Option<&History>) -> Option<History> {
    said(History {
        status: element
            .get("history_context")
            .and_then(|context| owned(context, "status")),
        ..chunk.cloned().unwrap_or_default()
    })
}

/// The hash of a person's device, in its present form or the older one; in a system message about it too.
pub(super) fn identity_hash(element: &Value) -> Option<String> {
    let of = |object: &Value| {
        owned(object, "identity_key_hash")
            .or_else(|| object.get("identity").and_then(|identity| owned(identity, "hash")))
            .or_else(|| owned(object, "identity"))
    };
    of(element).or_else(|| element.get("system").and_then(of))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_message_may_ask_about_a_product() {
        let told = context(
            &json!({"from": "15550783881", "id": "a", "forwarded": true, "referred_product":
            {"catalog_id": "194836987003835", "product_retailer_id": "di9ozbzfi4"}}),
        )
        .unwrap();
        assert_eq!(
            (told.sender.as_deref(), told.forwarded),
            (Some("15550783881"), Some(true))
        );
        assert_eq!(
            (told.catalog_id.as_deref(), told.product_retailer_id.as_deref()),
            (Some("194836987003835"), Some("di9ozbzfi4"))
        );
        assert_eq!(context(&json!({"id": "a"})), None);
    }

    #[test]
    fn an_ad_without_a_click_id_has_none() {
        let told = ad(
            &json!({"source_id": "120226305854810726", "source_type": "ad", "headline": "Chat with us",
            "video_url": "https://v/1", "welcome_message": {"text": "Hi!"}}),
        )
        .unwrap();
        assert_eq!(
            (told.source_id.as_deref(), told.ctwa_clid, told.media_url.as_deref()),
            (Some("120226305854810726"), None, Some("https://v/1"))
        );
        assert_eq!(told.welcome_text.as_deref(), Some("Hi!"));
    }

    #[test]
    fn a_device_has_a_hash_in_any_of_its_forms() {
        for element in [
            json!({"identity_key_hash": "h"}),
            json!({"identity": {"acknowledged": true, "hash": "h"}}),
            json!({"system": {"type": "customer_identity_changed", "identity": "h"}}),
        ] {
            assert_eq!(identity_hash(&element).as_deref(), Some("h"));
        }
    }

    #[test]
    fn a_message_of_history_has_the_status_that_it_had() {
        let chunk = History {
            phase: Some(1),
            ..History::default()
        };
        let told = history(&json!({"history_context": {"status": "READ"}}), Some(&chunk)).unwrap();
        assert_eq!((told.status.as_deref(), told.phase), (Some("READ"), Some(1)));
        assert_eq!(history(&json!({}), None), None);
    }
}
