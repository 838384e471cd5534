//! Whatever the platform sends, reading its details stops nobody. What each documented shape says is tested beside what reads
//! it, and reviewed where whole bodies are replayed (`crates/hilo/tests/facts`).

use super::*;
use hilo_contracts::item::{Body, Call, Message, Origin, Preference};
use proptest::prelude::*;
use serde_json::{Value, json};

fn message(kind: &str) -> Body {
    Body::Message(Message {
        inbound: true,
        ..Message::new("m".into(), Origin::Received, kind)
    })
}

/// Bodies of all elements that have details.
fn bodies() -> Vec<Body> {
    let mut bodies: Vec<Body> = [
        "text",
        "image",
        "contacts",
        "interactive",
        "button",
        "order",
        "system",
        "edit",
        "unsupported",
    ]
    .into_iter()
    .map(message)
    .collect();
    bodies.push(Body::Call(Call::default()));
    bodies.push(Body::Preference(Preference::default()));
    let events = [
        "group_event",
        "link_click",
        "landing_page_view",
        "automatic_event",
        "contact_synced",
        "user_id_changed",
        "flow_event",
        "history_event",
        "platform_error",
        "of_tomorrow",
    ];
    bodies.extend(events.map(|kind| Body::Event { kind: kind.into() }));
    bodies
}

/// Keys that are looked for, so that values of the wrong type stand under them.
const KEYS: [&str; 33] = [
    "text",
    "image",
    "contacts",
    "interactive",
    "button_reply",
    "type",
    "edit",
    "message",
    "errors",
    "error_data",
    "context",
    "referral",
    "referred_product",
    "phones",
    "name",
    "slots",
    "product_items",
    "added_participants",
    "group_subject",
    "session",
    "metadata",
    "custom_data",
    "user_id",
    "id",
    "update_successful",
    "input",
    "emails",
    "addresses",
    "org",
    "call_recording",
    "audio",
    "error_count",
    "action_type",
];

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        prop::sample::select(KEYS.to_vec()).prop_map(Value::from),
        ".{0,6}".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 48, 6, |inner| {
        let fields = prop::collection::btree_map(prop::sample::select(KEYS.to_vec()), inner.clone(), 0..6);
        prop_oneof![
            prop::collection::vec(inner, 0..4).prop_map(Value::from),
            fields.prop_map(|fields| json!(fields)),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]
    #[test]
    fn anything_can_be_read(content in any_json(), place in 0..21usize) {
        let bodies = bodies();
        let body = bodies[place % bodies.len()].clone();
        prop_assert_eq!(details(&body, &content), details(&body, &content));
    }
}

#[test]
fn a_chain_of_edits_is_not_followed() {
    let mut element = json!(7);
    for _ in 0..60 {
        element = json!({"type": "edit", "edit": {"message": element}});
    }
    assert_eq!(details(&message("edit"), &element).subtype.as_deref(), Some("edit"));
}
