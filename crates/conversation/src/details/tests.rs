//! Lines of the inbox, and what says nothing.

use super::*;
use hilo_contracts::item::{Inbox, Message, Position, Sighting};

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
        inbound: true,
        ..Message::new("m".into(), Origin::Received, kind)
    })
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
}

#[test]
fn a_message_has_the_hash_of_its_contact_entry_where_it_has_none() {
    let mut item = item(message("text"), r#"{"text":{"body":"hola"}}"#.into());
    item.has_person = true;
    item.sightings = vec![Sighting {
        identity_hash: Some("h".into()),
        ..Sighting::default()
    }];
    let hash = |item: &Item| details(item).unwrap().identity_hash;
    assert_eq!(hash(&item).as_deref(), Some("h"));
    item.content = r#"{"identity_key_hash":"i","text":{"body":"hola"}}"#.into();
    assert_eq!(hash(&item).as_deref(), Some("i"));
}

#[test]
fn a_slot_of_any_kind_keeps_its_value() {
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
