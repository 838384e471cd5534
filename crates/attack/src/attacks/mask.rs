//! C2: a marker at each free place of what comes in is in no page, trace, log or label, and finds nothing when asked for.

use crate::{
    judge::Judge,
    room::{
        capture::{ACME, now, seconds},
        genuine::wait_derived,
        http::{Request, escape},
        node::{ANA, Node, OLGA, Reader, Room, Settings},
    },
    scale::Scale,
};
use anyhow::{Result, ensure};
use serde_json::{Value, json};
use std::time::Duration;

/// A word that is nowhere but where the attack puts it.
const WORD: &str = "Zoraida";
/// A text of a person, with a mail address, and without a run of digits that a filter of phones would catch.
const MARKER: &str = "Zoraida Quispe vive en Falsa 12 zoraida@rojas.cl";
/// Keys with closed meaning: a marker there makes another thing of the event. A `type` is marked on its own.
const CLOSED: [&str; 16] = [
    "object",
    "field",
    "messaging_product",
    "id",
    "from",
    "wa_id",
    "timestamp",
    "phone_number_id",
    "display_phone_number",
    "message_id",
    "source",
    "at",
    "user_id",
    "recipient_id",
    "status",
    "system",
];
/// What the customer is known by.
const PHONE: &str = "56961234567";
/// Commands that a short run starts.
const COMMANDS: usize = 6;

/// An event with a marker at one of its places.
struct Marked {
    id: String,
    place: String,
    request: Request,
}

pub(crate) async fn attack(room: &Room, scale: &Scale, judge: &mut Judge) -> Result<()> {
    let settings = Settings {
        log: Some("trace"),
        ..Settings::default()
    };
    let node = Node::start(room, settings).await?;
    let mut kept = Vec::new();
    let (mut refused, mut last) = (0, None);
    for marked in marked() {
        let answer = marked.request.send(node.http).await?;
        if answer.status == 200 {
            last = Some(marked.id.clone()).filter(|id| id.contains("text")).or(last);
            kept.push(marked);
        } else {
            ensure!(
                matches!(answer.status, 400 | 422),
                "{}: {}",
                marked.place,
                answer.brief()
            );
            refused += 1;
        }
    }
    judge.figure("places", kept.len());
    judge.figure("refused", refused);
    judge.check("markers came in", kept.len() > 40, || format!("only {}", kept.len()));
    let end = ACME.text("wamid.mask.end", PHONE, "hola");
    ACME.signed(&end).send(node.http).await?;
    wait_derived(&node, "wamid.mask.end", Duration::from_mins(1)).await?;

    let traced = traces(&node, &kept, judge).await?;
    judge.figure("traced", traced);
    judge.check("events can be traced at all", traced * 2 > kept.len(), || {
        format!("{traced} of {}", kept.len())
    });
    for path in ["/", "/v1/trace/outcome:emitted", "/trace/outcome:emitted", "/metrics"] {
        let answer = Request::get(path)
            .bearer(if path == "/metrics" { OLGA } else { ANA }.token)
            .send(node.admin)
            .await?;
        hidden(judge, path, &answer.text());
    }
    by_text(&node, judge).await?;
    if !room.is_kafka() {
        let commands = if scale.long { kept.len() } else { COMMANDS };
        commands_hide(&node, &kept, commands, judge).await?;
    }
    hidden(judge, "the log at HILO_LOG=trace", &node.log());
    Ok(())
}

fn hidden(judge: &mut Judge, place: &str, text: &str) {
    judge.check("no marker comes out", !text.contains(WORD), || {
        let at = text.find(WORD).unwrap_or_default();
        let around: String = text[..at]
            .chars()
            .rev()
            .take(30)
            .collect::<Vec<_>>()
            .into_iter()
            .rev()
            .collect();
        format!("{place} shows …{}{WORD}", around.escape_debug())
    });
}

async fn traces(node: &Node<'_>, kept: &[Marked], judge: &mut Judge) -> Result<usize> {
    let mut traced = 0;
    for marked in kept {
        for form in ["/v1/trace", "/trace"] {
            let path = format!("{form}/{}", escape(&marked.id));
            let answer = Request::get(&path).bearer(ANA.token).send(node.admin).await?;
            traced += usize::from(form == "/v1/trace" && answer.status == 200);
            hidden(judge, &format!("{path} ({})", marked.place), &answer.text());
        }
    }
    for form in ["/v1/trace", "/trace"] {
        let path = format!("{form}/+{PHONE}");
        let answer = Request::get(&path).bearer(ANA.token).send(node.admin).await?;
        hidden(judge, &path, &answer.text());
        for person in people(&answer.text()) {
            let path = format!("{form}/{person}");
            let answer = Request::get(&path).bearer(ANA.token).send(node.admin).await?;
            hidden(judge, &path, &answer.text());
        }
    }
    Ok(traced)
}

/// Ids of persons in a text.
fn people(text: &str) -> Vec<String> {
    let words = text.split(|sign: char| !(sign.is_ascii_alphanumeric() || sign == '_'));
    let mut found: Vec<String> = words
        .filter(|word| word.starts_with("p_") && word.len() > 12)
        .map(str::to_owned)
        .collect();
    found.sort_unstable();
    found.dedup();
    found.truncate(5);
    found
}

/// A text that is no id finds nothing, whoever asks.
async fn by_text(node: &Node<'_>, judge: &mut Judge) -> Result<()> {
    for text in [
        MARKER,
        WORD,
        "Zoraida Quispe",
        "zoraida@rojas.cl",
        "VIH positivo",
        "hola",
        "wamid.mask",
        "messages",
        "CL",
    ] {
        for reader in [ANA, OLGA] {
            not_found(node, reader, text, judge).await?;
        }
    }
    Ok(())
}

async fn not_found(node: &Node<'_>, reader: Reader, text: &str, judge: &mut Judge) -> Result<()> {
    for form in ["/v1/trace", "/trace"] {
        let path = format!("{form}/{}", escape(text));
        let answer = Request::get(&path).bearer(reader.token).send(node.admin).await?;
        judge.check("a text that is no id finds nothing", answer.status == 404, || {
            format!("{} asks for {path}: {}", reader.name, answer.status)
        });
    }
    Ok(())
}

async fn commands_hide(node: &Node<'_>, kept: &[Marked], commands: usize, judge: &mut Judge) -> Result<()> {
    let step = (kept.len() / commands.max(1)).max(1);
    let mut ids: Vec<&str> = kept.iter().step_by(step).map(|marked| marked.id.as_str()).collect();
    ids.push(PHONE);
    for id in ids {
        for arguments in [&["trace", id][..], &["trace", id, "--json"]] {
            let output = node.hilo(arguments).await?;
            hidden(
                judge,
                &format!("hilo {arguments:?}"),
                &String::from_utf8_lossy(&output.stdout),
            );
            hidden(
                judge,
                &format!("hilo {arguments:?}"),
                &String::from_utf8_lossy(&output.stderr),
            );
        }
    }
    let output = node.hilo(&["trace", "VIH positivo"]).await?;
    judge.check(
        "a command finds nothing by text",
        output.status.code() == Some(1),
        || format!("hilo trace 'VIH positivo' ends with {:?}", output.status.code()),
    );
    Ok(())
}

/// All events, each with the marker at one place.
fn marked() -> Vec<Marked> {
    let mut all = Vec::new();
    for (name, value) in deliveries() {
        for place in places(&value) {
            let id = format!("wamid.mask.{name}.{}", all.len());
            let body = ACME.delivery(&with_id(&with_marker(&value, &place), &id));
            let place = format!("{name}{place}");
            all.push(Marked {
                request: ACME.signed(&body),
                id,
                place,
            });
        }
    }
    for (path, line) in lines() {
        for place in places(&line) {
            let id = format!("wamid.mask.line.{}", all.len());
            let line = with_id(&with_marker(&line, &place), &id);
            let place = format!("{path}{place}");
            all.push(Marked {
                request: ACME.lines(path, &[line]),
                id: if path == "/v1/outbound" { id } else { PHONE.to_owned() },
                place,
            });
        }
    }
    all
}

/// Pointers to each text that may be anything.
fn places(value: &Value) -> Vec<String> {
    fn walk(value: &Value, at: &str, key: &str, found: &mut Vec<String>) {
        match value {
            Value::Object(fields) => {
                for (key, value) in fields {
                    walk(value, &format!("{at}/{key}"), key, found);
                }
            }
            Value::Array(elements) => {
                for (place, element) in elements.iter().enumerate() {
                    walk(element, &format!("{at}/{place}"), key, found);
                }
            }
            Value::String(_) if !CLOSED.contains(&key) => found.push(at.to_owned()),
            _ => {}
        }
    }
    let mut found = Vec::new();
    walk(value, "", "", &mut found);
    found
}

fn with_marker(value: &Value, place: &str) -> Value {
    let mut marked = value.clone();
    if let Some(found) = marked.pointer_mut(place) {
        *found = MARKER.into();
    }
    marked
}

/// Puts the id in where the event has its own.
fn with_id(value: &Value, id: &str) -> Value {
    serde_json::from_str(&value.to_string().replace("ID", id)).unwrap_or_else(|_| value.clone())
}

/// One delivery of each kind that holds texts of people.
fn deliveries() -> Vec<(&'static str, Value)> {
    let contacts = json!([{"profile": {"name": "Camila"}, "wa_id": PHONE}]);
    let message = |kind: &str, content: Value| {
        let mut message = json!({"from": PHONE, "id": "ID", "timestamp": seconds().to_string(), "type": kind});
        message[kind] = content;
        json!({"contacts": contacts, "messages": [message]})
    };
    let referral = json!({"source_url": "https://fb.me/x", "source_type": "ad", "source_id": "120211000000000001",
        "headline": "Oferta", "body": "Texto", "media_type": "image", "ctwa_clid": "clid"});
    let mut with_referral = message("text", json!({"body": "hola"}));
    with_referral["messages"][0]["referral"] = referral;
    with_referral["messages"][0]["context"] = json!({"from": "56221234567", "id": "wamid.before",
        "referred_product": {"catalog_id": "cat", "product_retailer_id": "sku"}});
    let mut unknown = message("unsupported", json!({"type": "poll"}));
    unknown["messages"][0]["errors"] = json!([{"code": 131_051, "title": "Unsupported", "message": "Unknown type",
        "error_data": {"details": "not supported"}}]);
    vec![
        ("text", with_referral),
        (
            "image",
            message(
                "image",
                json!({"caption": "foto", "mime_type": "image/jpeg", "sha256": "abc"}),
            ),
        ),
        (
            "document",
            message(
                "document",
                json!({"caption": "receta", "filename": "receta.pdf", "mime_type": "application/pdf", "sha256": "abc"}),
            ),
        ),
        (
            "location",
            message(
                "location",
                json!({"latitude": -33.4, "longitude": -70.6, "name": "casa", "address": "calle", "url": "https://x.example"}),
            ),
        ),
        ("button", message("button", json!({"text": "Si", "payload": "SI"}))),
        (
            "reaction",
            message("reaction", json!({"message_id": "wamid.before", "emoji": "x"})),
        ),
        (
            "reply",
            message(
                "interactive",
                json!({"type": "button_reply", "button_reply": {"id": "si", "title": "Si"}}),
            ),
        ),
        (
            "list",
            message(
                "interactive",
                json!({"type": "list_reply", "list_reply": {"id": "a", "title": "A", "description": "B"}}),
            ),
        ),
        (
            "flow",
            message(
                "interactive",
                json!({"type": "nfm_reply", "nfm_reply": {"name": "flow", "body": "Sent",
            "response_json": "{\"flow_token\":\"t\",\"nombre\":\"Camila\"}"}}),
            ),
        ),
        (
            "contacts",
            message(
                "contacts",
                json!([{
            "name": {"formatted_name": "Ana", "first_name": "Ana", "last_name": "Rojas", "middle_name": "M", "suffix": "Dr", "prefix": "Dra"},
            "birthday": "2000-01-01",
            "org": {"company": "Acme", "department": "Ventas", "title": "Gerente"},
            "phones": [{"phone": "+56 9 6123", "type": "CELL"}],
            "emails": [{"email": "a@b.cl", "type": "WORK"}],
            "urls": [{"url": "https://x.example", "type": "WORK"}],
            "addresses": [{"street": "Falsa", "city": "Santiago", "state": "RM", "zip": "1", "country": "Chile", "country_code": "cl", "type": "HOME"}]}]),
            ),
        ),
        (
            "order",
            message(
                "order",
                json!({"catalog_id": "1", "text": "nota", "product_items": [
            {"product_retailer_id": "sku", "quantity": 1, "item_price": 1.5, "currency": "CLP"}]}),
            ),
        ),
        (
            "system",
            message("system", json!({"body": "cambio", "identity": "hash", "customer": "x"})),
        ),
        ("unsupported", unknown),
        (
            "status",
            json!({"statuses": [{"id": "ID", "status": "failed", "timestamp": seconds().to_string(), "recipient_id": PHONE,
            "conversation": {"origin": {"type": "utility"}}, "pricing": {"pricing_model": "PMP", "category": "utility"},
            "biz_opaque_callback_data": "orden",
            "errors": [{"code": 131_026, "title": "Undeliverable", "message": "Undeliverable", "error_data": {"details": "why"}, "href": "https://x.example"}]}]}),
        ),
    ]
}

/// One line of each kind, with its path.
fn lines() -> Vec<(&'static str, Value)> {
    let at = now();
    let user = json!({"phone": format!("+{PHONE}")});
    vec![
        (
            "/v1/inbox",
            json!({"source": "inbox", "at": at, "phone_number_id": ACME.phone_number_id, "user": user, "event": "assigned",
            "agent": "ana", "queue": "soporte"}),
        ),
        (
            "/v1/inbox",
            json!({"source": "inbox", "at": at, "phone_number_id": ACME.phone_number_id, "user": user, "event": "handed_off",
            "agent": "ana", "queue": "soporte", "reason": "porque si", "context": {"nota": "algo"}}),
        ),
        (
            "/v1/inbox",
            json!({"source": "inbox", "at": at, "phone_number_id": ACME.phone_number_id, "user": user, "event": "tagged",
            "tags": ["vip"], "reason": "x"}),
        ),
        (
            "/v1/inbox",
            json!({"source": "inbox", "at": at, "phone_number_id": ACME.phone_number_id, "user": user, "event": "resolved",
            "agent": "ana", "outcome": "goal_reached", "reason": "x"}),
        ),
        (
            "/v1/crm/hubspot",
            json!({"source": "crm", "at": at, "system": "hubspot", "event": "deal_stage_changed", "deal_id": "ID",
            "stage": "cita", "amount": "10", "currency": "CLP", "user": user}),
        ),
        (
            "/v1/outbound",
            json!({"source": "outbound", "at": at, "phone_number_id": ACME.phone_number_id, "message_id": "ID", "to": user,
            "author": {"kind": "agent", "id": "ana"}, "text": "hola"}),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_event_has_one_marker_and_an_id_of_its_own() {
        let all = marked();
        assert!(all.len() > 60, "{}", all.len());
        let to = std::net::SocketAddr::from(([127, 0, 0, 1], 1));
        for marked in &all {
            let bytes = marked.request.bytes(to);
            let text = String::from_utf8_lossy(&bytes);
            assert_eq!(text.matches(MARKER).count(), 1, "{}", marked.place);
        }
        let mut ids: Vec<&str> = all
            .iter()
            .map(|marked| marked.id.as_str())
            .filter(|id| *id != PHONE)
            .collect();
        let count = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), count);
    }

    #[test]
    fn a_marker_that_comes_out_falls() {
        let mut judge = Judge::default();
        hidden(&mut judge, "/", "title: Zoraida Quispe");
        let (verdict, because, _) = judge.verdict(Ok(()));
        assert_eq!(verdict, crate::Verdict::Fell);
        assert!(because[0].contains("title: Zoraida"), "{because:?}");
    }
}
