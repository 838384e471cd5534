//! Small nasty histories: everything that can happen to people, who are seen alone, together, and change hands.
#![allow(dead_code, reason = "each test file uses its part")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use hilo::captures;
use hilo_contracts::{capture, codec};
use hilo_stream::Record;
use proptest::prelude::*;
use serde_json::{Value, json};

pub(crate) const START: i64 = 1_777_852_800;

/// Hours after which everything has happened, and time has passed.
pub(crate) const LATER: i64 = 200;

pub(crate) fn instant(hour: i64) -> String {
    hilo_domain::time::to_rfc3339((START + hour * 3_600) * 1_000)
}

pub(crate) fn webhook(field: &str, value: &Value) -> Value {
    webhook_of("1", field, value)
}

fn webhook_of(account: &str, field: &str, value: &Value) -> Value {
    json!({"source": "whatsapp", "tenant": "acme", "received_at": instant(LATER), "body": {
        "object": "whatsapp_business_account", "entry": [{"id": account, "changes": [{"field": field, "value": value}]}]}})
}

/// (user id, `wa_id`) of who is seen: alone, together, variants of a number, candidates, a number that changes hands, and
/// one that has user ids of several accounts.
const SEEN: [(Option<&str>, Option<&str>); 14] = [
    (Some("CL.1"), None),
    (None, Some("56961230001")),
    (Some("CL.1"), Some("56961230001")),
    (Some("CL.2"), Some("56961230001")),
    (Some("CL.2"), Some("56961230002")),
    (Some("BR.3"), Some("551187654321")),
    (None, Some("5511987654321")),
    (None, Some("5491123456789")),
    (Some("AR.4"), Some("541123456789")),
    (Some("BR.3"), None),
    (Some("BR.5"), Some("56961230001")),
    (Some("BR.5"), Some("551187654321")),
    (Some("BJ.6"), Some("22997001122")),
    (Some("BJ.7"), Some("2290197001122")),
];
const ACCOUNTS: [&str; 2] = ["1", "2"];
/// The last one opts out only as an answer to marketing.
const WORDS: [&str; 4] = ["hola", "BAJA", "gracias", "salir"];
const PHONES: [&str; 5] = [
    "+56961230001",
    "+56961230002",
    "+5511987654321",
    "+541123456789",
    "+2290197001122",
];
pub(crate) const SIDES: [(&str, &str, &str, &str); 5] = [
    ("user_id", "CL.1", "user_id", "CL.2"),
    ("user_id", "CL.1", "phone", "+56961230002"),
    ("phone", "+5491123456789", "user_id", "AR.4"),
    ("wa_id", "551187654321", "user_id", "CL.1"),
    ("user_id", "BR.3", "phone", "+5511987654321"),
];
const RULINGS: [&str; 4] = ["merge", "unmerge", "reject", "split"];
/// What the answer to a flow states.
const ANSWERS: [&str; 4] = [
    r#"{"email":"ana@example.com"}"#,
    r#"{"email":"Ana@Example.com","rut":"12.345.678-5"}"#,
    r#"{"email":"eva@example.com","documento":"87654321"}"#,
    r#"{"rut":"12345678-5"}"#,
];
const KINDS: usize = 12;

pub(crate) fn metadata() -> Value {
    json!({"display_phone_number": "15550783881", "phone_number_id": "2"})
}

pub(crate) fn decision(hour: i64, ruling: &str, side: usize) -> Value {
    let (one, user, other, with) = SIDES[side];
    json!({"source": "identity", "tenant": "acme", "at": instant(hour), "event": ruling,
        "user": {one: user}, "other": {other: with}, "actor": "ana", "reason": "asked"})
}

/// One thing that happens; `pick` chooses what of its kind.
pub(crate) fn line((hour, kind, pick): (i64, usize, usize)) -> Value {
    let seconds = (START + hour * 3_600).to_string();
    let phone = PHONES[pick % PHONES.len()];
    match kind {
        0 | 1 | 9 => {
            let (user, wa_id) = SEEN[pick % SEEN.len()];
            let mut message = json!({"id": format!("wamid.{hour}.{pick}"), "type": "text", "timestamp": seconds,
                "text": {"body": WORDS[pick % WORDS.len()]}});
            if pick >= 16 {
                message["context"] = json!({"id": format!("wamid.out.{}", pick / 4 % 4)});
            }
            let mut contact = json!({"profile": {"name": "Ana"}});
            if let Some(user) = user {
                message["from_user_id"] = user.into();
                contact["user_id"] = user.into();
            }
            if let Some(wa_id) = wa_id {
                message["from"] = wa_id.into();
                contact["wa_id"] = wa_id.into();
            }
            if kind == 9 {
                message["type"] = "interactive".into();
                message["interactive"] = json!({"type": "nfm_reply", "nfm_reply": {
                    "response_json": ANSWERS[(pick / 2 + hour as usize) % ANSWERS.len()]}});
            }
            webhook_of(
                // Who is seen last is mostly seen in the second account.
                ACCOUNTS[usize::from((pick % SEEN.len() >= 10) != (hour % 5 == 0))],
                "messages",
                &json!({"metadata": metadata(), "contacts": [contact], "messages": [message]}),
            )
        }
        2 => {
            let mut sent = json!({"source": "outbound", "tenant": "acme", "at": instant(hour), "phone_number_id": "2",
                "message_id": format!("wamid.out.{}", pick % 4), "to": {"phone": phone}, "type": "text",
                "author": {"kind": "agent", "id": "ana"}});
            if pick >= 8 {
                sent["type"] = "template".into();
                sent["template"] = json!({"name": "t", "language": "es", "category": "marketing"});
            }
            sent
        }
        3 => {
            let mut status = json!({"id": format!("wamid.out.{}", pick % 4), "timestamp": seconds,
                "status": (["delivered", "failed"][pick % 2])});
            if pick % 2 == 1 {
                status["errors"] = json!([{"code": ([131_050, 131_026][pick / 2 % 2])}]);
            }
            if pick % 5 == 0 {
                status["pricing"] = json!({"category": (["marketing", "utility"][pick / 5 % 2])});
            }
            if pick % 3 == 0 {
                status["recipient_id"] = phone.trim_start_matches('+').into();
            }
            webhook("messages", &json!({"metadata": metadata(), "statuses": [status]}))
        }
        4 => {
            let (user, wa_id) = SEEN[pick % SEEN.len()];
            let mut preference = json!({"category": "marketing_messages", "value": (["stop", "resume", "signup"][pick % 3]),
                "timestamp": START + hour * 3_600});
            if let Some(user) = user {
                preference["user_id"] = user.into();
            }
            if let Some(wa_id) = wa_id {
                preference["wa_id"] = wa_id.into();
            }
            webhook(
                "user_preferences",
                &json!({"metadata": metadata(), "user_preferences": [preference]}),
            )
        }
        5 => {
            json!({"source": "crm", "tenant": "acme", "at": instant(hour), "system": "hubspot", "contact_id": pick % 3,
            "event": (["opt_in", "opt_out", "deal_won"][pick % 3]), "deal_id": "d",
            "user": {"phone": phone, "email": (["ana@example.com", "eva@example.com", "none"][hour as usize % 3])}})
        }
        6 => {
            let (old, new) = [("56961230001", "56961230002"), ("56961230002", "56961230009")][pick % 2];
            webhook(
                "messages",
                &json!({"metadata": metadata(), "messages": [{"from": old, "id": format!("wamid.s.{hour}.{pick}"),
                "type": "system", "timestamp": seconds, "system": {"type": "user_changed_number", "wa_id": new}}]}),
            )
        }
        10 => told_again(hour, pick, &seconds),
        11 => webhook_of(
            ["90", "91"][pick % 2],
            "account_update",
            &json!({"event": "PARTNER_ADDED", "timestamp": START + hour * 3_600, "waba_info": {
                "waba_id": ACCOUNTS[pick % 2], "owner_business_id": (["90", "91", "90"][pick % 3])}}),
        ),
        7 => decision(hour, RULINGS[pick % RULINGS.len()], pick / RULINGS.len() % SIDES.len()),
        _ => json!({"source": "inbox", "tenant": "acme", "at": instant(hour), "phone_number_id": "2",
            "user": {"phone": phone}, "event": "resolved", "agent": "ana", "reason": "done"}),
    }
}

/// One of few messages, told as a stand-in or with its content, in any of the lists in which one may stand.
fn told_again(hour: i64, pick: usize, seconds: &str) -> Value {
    let (user, wa_id) = SEEN[pick % 3];
    let kind = ["unsupported", "text", "media_placeholder", "image"][hour as usize % 4];
    let list = pick / 2 % 4;
    // One id is not written by both sides.
    let side = if list == 1 { "e" } else { "x" };
    let mut message = json!({"id": format!("wamid.{side}.{}", pick % 2), "type": kind, "timestamp": seconds});
    if kind == "text" {
        message["text"] = json!({"body": WORDS[hour as usize / 4 % WORDS.len()]});
    }
    let mut put = |keys: [&str; 2]| {
        for (key, id) in keys.into_iter().zip([user, wa_id]) {
            if let Some(id) = id {
                message[key] = id.into();
            }
        }
    };
    if list == 1 {
        put(["to_user_id", "to"]);
        message["from"] = "15550783881".into();
    } else {
        put(["from_user_id", "from"]);
    }
    let (field, list, told) = match list {
        0 => ("messages", "messages", message),
        1 => ("smb_message_echoes", "message_echoes", message),
        2 => ("history", "history", json!({"threads": [{"messages": [message]}]})),
        _ => ("history", "messages", message),
    };
    webhook(field, &json!({"metadata": metadata(), list: [told]}))
}

pub(crate) fn records(lines: &[Value]) -> Vec<Record> {
    let codec = codec::raw();
    let record = |line: &Value| {
        let raw = capture::from_line(line.to_string().as_bytes(), None, 0).unwrap();
        captures::record(&codec, &raw).unwrap()
    };
    lines.iter().map(record).collect()
}

pub(crate) fn history() -> impl Strategy<Value = Vec<Value>> {
    prop::collection::btree_set((0..72i64, 0..KINDS, 0..20usize), 1..14).prop_map(|happened| {
        let clock = json!({"source": "clock", "at": instant(LATER)});
        happened.into_iter().map(line).chain([clock]).collect()
    })
}
