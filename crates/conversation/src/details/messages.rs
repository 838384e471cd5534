//! Messages of all types, received, echoed, or from a history.

use super::{cards::cards, errors, flag, owned, said};
use hilo_contracts::{
    details::{Ad, Context, Details, History, Location, Media, Order, Product, Reply},
    item::Message,
};
use hilo_domain::read::{decimal, id, list, object, seconds, text};
use serde_json::Value;

/// Details of a message element; `contact_hash` is what its contact entry says of the device.
pub(super) fn details(element: &Value, message: &Message, contact_hash: Option<String>) -> Details {
    Details {
        context: element.get("context").and_then(context),
        ad: element.get("referral").and_then(ad),
        errors: errors(element),
        history: history(element, message.chunk.as_ref()),
        identity_hash: identity_hash(element).or(contact_hash),
        ..body(element, &message.kind)
    }
}

/// What a history says of the message, and where its chunk stood.
fn history(element: &Value, chunk: Option<&History>) -> Option<History> {
    said(History {
        status: element
            .get("history_context")
            .and_then(|context| owned(context, "status")),
        ..chunk.cloned().unwrap_or_default()
    })
}

/// What stands under the type's own key.
fn body(element: &Value, kind: &str) -> Details {
    let none = Details::default();
    let Some(body) = element.get(kind).filter(|body| !body.is_null()) else {
        return none;
    };
    match kind {
        "text" => Details {
            text: owned(body, "body"),
            ..none
        },
        "image" | "video" | "audio" | "voice" | "document" | "sticker" => Details {
            text: owned(body, "caption"),
            media: said(media(body, kind)),
            ..none
        },
        "location" => Details {
            location: said(location(body)),
            ..none
        },
        "contacts" => Details {
            cards: cards(element, body),
            ..none
        },
        "interactive" => interactive(body),
        "button" => Details {
            text: owned(body, "text"),
            reply: Some(Reply {
                kind: kind.to_owned(),
                id: owned(body, "payload"),
                title: owned(body, "text"),
                ..Reply::default()
            }),
            ..none
        },
        "reaction" => Details {
            text: owned(body, "emoji"),
            ..none
        },
        "order" => Details {
            text: owned(body, "text"),
            order: said(order(body)),
            ..none
        },
        "system" => Details {
            text: owned(body, "body"),
            subtype: owned(body, "type"),
            ..none
        },
        "edit" => edited(body),
        "unsupported" => Details {
            subtype: owned(body, "type"),
            ..none
        },
        _ => none,
    }
}

/// The new content, under the type that it has.
fn edited(edit: &Value) -> Details {
    let message = edit.get("message").unwrap_or(&Value::Null);
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

/// A file of this type.
pub(super) fn media(body: &Value, kind: &str) -> Media {
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

fn location(body: &Value) -> Location {
    Location {
        latitude: decimal(body, "latitude"),
        longitude: decimal(body, "longitude"),
        name: owned(body, "name"),
        address: owned(body, "address"),
        url: owned(body, "url"),
    }
}

fn order(body: &Value) -> Order {
    let product = |item: &Value| Product {
        retailer_id: id(item, "product_retailer_id"),
        quantity: decimal(item, "quantity"),
        item_price: decimal(item, "item_price"),
        currency: owned(item, "currency"),
    };
    Order {
        catalog_id: id(body, "catalog_id"),
        products: list(body, "product_items").into_iter().flatten().map(product).collect(),
    }
}

/// The answers by a tap that are known; a new one is named by `type`.
const REPLIES: [&str; 4] = ["button_reply", "list_reply", "nfm_reply", "call_permission_reply"];

fn interactive(body: &Value) -> Details {
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

fn context(context: &Value) -> Option<Context> {
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
fn ad(referral: &Value) -> Option<Ad> {
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

/// The hash of a person's device, in its present form or the older one; in a system message about it too.
fn identity_hash(element: &Value) -> Option<String> {
    let of = |object: &Value| {
        owned(object, "identity_key_hash")
            .or_else(|| object.get("identity").and_then(|identity| owned(identity, "hash")))
            .or_else(|| owned(object, "identity"))
    };
    of(element).or_else(|| element.get("system").and_then(of))
}
