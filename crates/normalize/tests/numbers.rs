//! Ids that somebody writes as JSON numbers are the same ids; texts stay texts.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a helper that fails is a test that fails"
)]

mod support;

use hilo_contracts::item::{Body, Item};
use serde_json::Value;
use support::{envelope, lines};

/// Keys of ids, by which a test makes numbers of texts.
const IDS: [&str; 30] = [
    "id",
    "from",
    "to",
    "wa_id",
    "new_wa_id",
    "user_id",
    "from_user_id",
    "message_id",
    "original_message_id",
    "recipient_id",
    "recipient_user_id",
    "recipient_participant_id",
    "phone_number_id",
    "display_phone_number",
    "group_id",
    "phone",
    "phone_number",
    "previous",
    "current",
    "customer",
    "input",
    "reply_to",
    "deal_id",
    "contact_id",
    "agent",
    "queue",
    "campaign",
    "segment",
    "biz_opaque_callback_data",
    "actor",
];

fn with_numbers(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(with_numbers),
        Value::Object(fields) => {
            for (key, value) in fields {
                let digits = value.as_str().and_then(|text| text.parse::<u64>().ok());
                match digits.filter(|_| IDS.contains(&key.as_str())) {
                    Some(digits) => *value = digits.into(),
                    None => with_numbers(value),
                }
            }
        }
        _ => {}
    }
}

const CHANGES: [&str; 12] = [
    r#"{"field":"messages","value":{"metadata":{"display_phone_number":"56229876543","phone_number_id":"210"},
        "contacts":[{"wa_id":"56961234567","user_id":"1001"}],
        "messages":[{"id":"11","from":"56961234567","from_user_id":"1001","context":{"id":"12","from":"56229876543"},"group_id":"13","type":"text","text":{"body":"7"}}]}}"#,
    r#"{"field":"messages","value":{"messages":[{"id":"11","from":"56961234567","type":"reaction","reaction":{"message_id":"12","emoji":"7"}}]}}"#,
    r#"{"field":"messages","value":{"messages":[{"id":"11","from":"56961234567","type":"edit","edit":{"original_message_id":"12"}}]}}"#,
    r#"{"field":"messages","value":{"messages":[{"id":"11","from":"56961234567","type":"system","system":{"type":"user_changed_number","new_wa_id":"56961234568","customer":"56961234567"}}]}}"#,
    r#"{"field":"messages","value":{"messages":[{"id":"11","from_user_id":"1001","type":"contacts","contacts":[{"origin":"contact_request","phones":[{"wa_id":"56961234567","phone":"56961234567"}]}]}]}}"#,
    r#"{"field":"messages","value":{"statuses":[{"id":"11","status":"read","recipient_id":"56961234567","recipient_user_id":"1001","biz_opaque_callback_data":"5","conversation":{"id":"6"}},
        {"id":"11","status":"sent","recipient_type":"group","recipient_id":"13","recipient_participant_id":"56961234567"}]}}"#,
    r#"{"field":"smb_message_echoes","value":{"message_echoes":[{"id":"11","from":"56229876543","to":"56961234567","type":"text","text":{"body":"7"}}]}}"#,
    r#"{"field":"history","value":{"metadata":{"display_phone_number":"56229876543"},"history":[{"threads":[{"id":"56961234567","messages":[{"id":"11","from":"56229876543","type":"text"}]}]}]}}"#,
    r#"{"field":"calls","value":{"calls":[{"id":"11","from":"56961234567","to":"56229876543","event":"connect","direction":"USER_INITIATED"}]}}"#,
    r#"{"field":"user_id_update","value":{"user_id_update":[{"wa_id":"56961234567","user_id":{"previous":"1001","current":"1002"}}]}}"#,
    r#"{"field":"smb_app_state_sync","value":{"state_sync":[{"contact":{"phone_number":"56961234567","full_name":"7"}}]}}"#,
    r#"{"field":"group_participants_update","value":{"groups":[{"group_id":"13","added_participants":[{"wa_id":"56961234567"},{"input":"56961234568"}]}]}}"#,
];

const LINES: [&str; 4] = [
    r#"{"source":"outbound","tenant":"acme","at":"2026-05-04T13:00:00Z","phone_number_id":"210","message_id":"11","to":{"phone":"56961234567","user_id":"1001"},"context":{"id":"12"},"campaign":"1","segment":"2","author":{"kind":"agent","id":"3"},"type":"text"}"#,
    r#"{"source":"outbound","tenant":"acme","at":"2026-05-04T13:00:00Z","biz_opaque_callback_data":"5","to":{"phone":"56961234567"},"type":"text"}"#,
    r#"{"source":"inbox","tenant":"acme","at":"2026-05-04T13:00:00Z","phone_number_id":"210","user":{"phone":"56961234567","user_id":"1001"},"event":"assigned","agent":"3","queue":"4","reason":"7"}"#,
    r#"{"source":"crm","tenant":"acme","at":"2026-05-04T13:00:00Z","system":"hubspot","event":"deal_won","deal_id":"5","contact_id":"6","stage":"7","user":{"phone":"56961234567"}}"#,
];

/// What is read of a line, without its bytes and what follows from these.
fn read(line: &str) -> Vec<Item> {
    let run = lines(line);
    assert_eq!(run.outcomes()[3], 0, "{line}");
    let plain = |item: Item| {
        let is_by_content = !matches!(
            &item.body,
            Body::Message(_) | Body::Status(_) | Body::Call(_) | Body::Request(_)
        );
        Item {
            delivery_id: String::new(),
            content: String::new(),
            key: if is_by_content { String::new() } else { item.key },
            ..item
        }
    };
    run.items.into_iter().map(plain).collect()
}

#[test]
fn ids_as_numbers_are_their_digits() {
    let change = |change: &str| {
        let change = change.replace('\n', "");
        envelope(&format!(
            r#"{{"object":"whatsapp_business_account","entry":[{{"id":"310","changes":[{change}]}}]}}"#
        ))
    };
    let all = CHANGES.iter().map(|told| change(told)).chain(LINES.map(str::to_owned));
    for line in all {
        let mut numbered: Value = serde_json::from_str(&line).unwrap();
        with_numbers(&mut numbered);
        let numbered = numbered.to_string();
        assert_ne!(numbered, line);
        let (want, got) = (read(&line), read(&numbered));
        assert!(!want.is_empty());
        assert_eq!(got, want, "{numbered}");
    }
}

#[test]
fn a_number_is_no_text() {
    let told = envelope(
        r#"{"object":"whatsapp_business_account","entry":[{"id":"310","changes":[{"field":"messages","value":{
        "messages":[{"id":"a","from":"56961234567","type":7,"text":{"body":7}}],
        "statuses":[{"id":"a","status":7}]}}]}]}"#,
    );
    let run = lines(&told.replace('\n', ""));
    assert_eq!(run.reasons(), ["no_status"]);
    let Body::Message(message) = &run.item().body else {
        panic!()
    };
    assert_eq!(message.kind, "unknown");
    assert!(run.item().content.contains(r#""body":7"#), "kept as it came");
}
