//! Whatever the platform sends, reading its details stops nobody and loses nothing else. What each documented shape says
//! is reviewed where whole bodies are replayed (`crates/hilo/tests/facts`).

use super::*;
use hilo_contracts::item::{Author, Call, Inbox, Message, Position, Preference};
use proptest::prelude::*;
use serde_json::{Value, json};

pub(crate) fn item(body: Body, content: String) -> Item {
    Item {
        tenant: "acme".into(),
        delivery_id: "d".into(),
        position: Position::default(),
        received_at: 0,
        event_time: 0,
        key: "k".into(),
        content,
        entry_id: "310".into(),
        phone_number_id: None,
        test: false,
        sightings: vec![],
        has_person: false,
        evidence_only: false,
        generation: 0,
        change: None,
        body,
    }
}

pub(crate) fn message(kind: &str) -> Body {
    Body::Message(Message {
        id: "m".into(),
        origin: Origin::Received,
        kind: kind.into(),
        inbound: true,
        author: Author::default(),
        reply_to: None,
        group_id: None,
        courtesy: false,
        opt_out: None,
        question: false,
        referral: None,
        template: None,
        campaign: None,
        segment: None,
        chunk: None,
    })
}

/// Kinds of bodies whose details are read, with the keys that their elements have.
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
    bodies.push(Body::Inbox(Inbox {
        event: "handed_off".into(),
        ..Inbox::default()
    }));
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
    fn anything_can_be_read(content in any_json(), place in 0..22usize) {
        let bodies = bodies();
        let body = bodies[place % bodies.len()].clone();
        let item = item(body, content.to_string());
        prop_assert_eq!(details(&item), details(&item));
    }
}

#[test]
fn what_is_no_json_or_says_nothing_has_no_details() {
    for content in [
        "",
        "{",
        "null",
        "[]",
        "{}",
        r#"{"text":"hola"}"#,
        r#"{"text":{"body":""}}"#,
    ] {
        assert_eq!(details(&item(message("text"), content.into())), None, "{content}");
    }
    let edits = format!(
        "{}7{}",
        r#"{"type":"edit","edit":{"message":"#.repeat(60),
        "}}".repeat(60)
    );
    let found = details(&item(message("edit"), edits)).unwrap();
    assert_eq!(found.subtype.as_deref(), Some("edit"));
}

#[test]
fn a_permission_and_a_slot_of_any_kind_keep_their_value() {
    let reply = r#"{"interactive":{"call_permission_reply":{"response":"reject","expiration_timestamp":"soon"}}}"#;
    let found = details(&item(message("interactive"), reply.into()))
        .unwrap()
        .reply
        .unwrap();
    assert_eq!((found.response.as_deref(), found.expires_at), (Some("reject"), None));
    let line = r#"{"context":{"slots":{"b":[1,2.0],"a":"x","c":null}}}"#;
    let handed_off = Body::Inbox(Inbox {
        event: "handed_off".into(),
        ..Inbox::default()
    });
    let found = details(&item(handed_off, line.into())).unwrap().hand_off.unwrap();
    let slots: Vec<(&str, &str)> = found.slots.iter().map(|slot| (&*slot.name, &*slot.value)).collect();
    assert_eq!(slots, [("a", "x"), ("b", "[1,2]"), ("c", "null")]);
    assert_eq!(
        found.context.as_deref(),
        Some(r#"{"slots":{"a":"x","b":[1,2],"c":null}}"#)
    );
}

fn event(kind: &str, content: &Value) -> Details {
    *details(&item(Body::Event { kind: kind.into() }, content.to_string())).unwrap()
}

#[test]
fn each_setting_of_a_group_has_its_own_end() {
    let told = event(
        "group_event",
        &json!({
            "profile_picture": {"mime_type": "image/jpeg", "sha256": "h"},
            "group_subject": {"text": "Vecinas", "update_successful": true},
            "group_description": {"text": "Largo", "update_successful": false, "errors": [{"code": 100, "title": "No"}]},
            "of_tomorrow": {"update_successful": false},
            "no_setting": {"text": "x"},
        }),
    )
    .group
    .unwrap();
    let settings: Vec<(&str, Option<bool>, usize)> = told
        .settings
        .iter()
        .map(|setting| (&*setting.name, setting.successful, setting.errors.len()))
        .collect();
    assert_eq!(
        settings,
        [
            ("group_description", Some(false), 1),
            ("group_subject", Some(true), 0),
            ("of_tomorrow", Some(false), 0),
            ("profile_picture", None, 0),
        ]
    );
    // What was refused is not what the group has.
    assert_eq!((told.subject.as_deref(), told.description), (Some("Vecinas"), None));
}

#[test]
fn a_member_is_named_as_the_event_does_and_what_became_of_a_request_is_its_type() {
    for (kind, action) in [
        ("group_join_request_created", "requested"),
        ("group_join_request_revoked", "request_revoked"),
        ("group_join_request_rejected", "request_rejected"),
        ("group_of_tomorrow", "named"),
    ] {
        let told = event(
            "group_event",
            &json!({"type": kind, "wa_id": "569", "errors": [{"code": 1}]}),
        );
        let members = told.group.unwrap().members;
        assert_eq!((members.len(), members[0].action.as_str()), (1, action));
        assert_eq!((members[0].errors.len(), told.errors.len()), (0, 1));
    }
    let removed =
        json!({"removed_participants": ["569", "CL.1", {"input": "CL.ENT.1"}, {"wa_id": "569", "input": "CL.1"}]});
    let members = event("group_event", &removed).group.unwrap().members;
    let named: Vec<(Option<&str>, Option<&str>)> = members
        .iter()
        .map(|member| (member.wa_id.as_deref(), member.user_id.as_deref()))
        .collect();
    assert_eq!(
        named,
        [
            (Some("569"), None),
            (None, Some("CL.1")),
            (None, Some("CL.ENT.1")),
            (Some("569"), Some("CL.1")),
        ]
    );
}

#[test]
fn the_details_of_an_error_are_the_nearest_that_it_has() {
    for (error, want) in [
        (
            json!({"code": 1, "error_data": {"details": "a"}, "details": "b", "message": "c"}),
            Some("a"),
        ),
        (
            json!({"code": 1, "error_data": {}, "details": "b", "message": "c"}),
            Some("b"),
        ),
        (json!({"code": 1, "message": "c"}), Some("c")),
        (json!({"code": 1}), None),
    ] {
        let told = event("history_event", &json!({ "errors": [error] }));
        assert_eq!(told.errors[0].details.as_deref(), want);
    }
}
