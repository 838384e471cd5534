//! What the configuration says of a tenant: its own numbers and accounts, the phone app's texts, words of opt-out.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a helper that fails is a test that fails"
)]

mod support;

use hilo_contracts::item::{Body, Message};
use hilo_domain::{IdentifierKind, OptOut};
use hilo_normalize::Tenant;
use serde_json::{Value, json};
use support::{Run, envelope, line, lines, lines_of};

const NUMBER: &str = "56229990001";

fn value(list: &str, element: &Value) -> String {
    json!({"metadata": {"display_phone_number": NUMBER, "phone_number_id": "2"}, list: [element]}).to_string()
}

fn message(run: &Run) -> &Message {
    match &run.item().body {
        Body::Message(message) => message,
        other => panic!("{other:?}"),
    }
}

fn received(more: &Value) -> String {
    let mut element = json!({"from": "56961234567", "id": "m", "timestamp": "1777899600"});
    element
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    line("messages", &value("messages", &element))
}

/// `always WORD`, `answer WORD`, or nothing.
fn said(run: &Run) -> String {
    match &message(run).opt_out {
        Some(OptOut::Always(said)) => format!("always {}", said.word),
        Some(OptOut::AnswerToMarketing(said)) => format!("answer {}", said.word),
        None => String::new(),
    }
}

fn chosen(kind: &str, title: &str, id: &str) -> Value {
    json!({"type": "interactive", "interactive": {"type": kind, kind: {"title": title, "id": id}}})
}

#[test]
fn an_opt_out_is_a_whole_text_a_button_or_a_row() {
    let text = |body: &str| json!({"type": "text", "text": {"body": body}});
    let button = |text: &str, payload: &str| json!({"type": "button", "button": {"text": text, "payload": payload}});
    for (element, expected) in [
        (text("¡BAJA! 🛑"), "always baja"),
        (
            text("No quiero recibir más mensajes."),
            "always no quiero recibir mas mensajes",
        ),
        (text("baja, por favor"), ""),
        (text("Cancelar"), "answer cancelar"),
        (button("Detener promociones", "p1"), "always detener promociones"),
        (button("Sí", "STOP"), "always stop"),
        (button("Cancelar", "Baja"), "always baja"),
        (button("Salir", "p1"), "answer salir"),
        (chosen("button_reply", "Descadastrar", "b1"), "always descadastrar"),
        (chosen("list_reply", "Baja", "r1"), "always baja"),
        (chosen("list_reply", "Otro", "unsubscribe"), "always unsubscribe"),
        // Plain replies to what the business offered.
        (chosen("button_reply", "Cancelar", "salir"), ""),
        (chosen("list_reply", "Parar", "r1"), ""),
        // Not among the places.
        (json!({"type": "image", "image": {"caption": "baja"}}), ""),
        (
            json!({"type": "reaction", "reaction": {"emoji": "🛑", "message_id": "x"}}),
            "",
        ),
        (chosen("nfm_reply", "Baja", "r1"), ""),
        (
            json!({"type": "text", "text": {"body": "hola"}, "button": {"text": "baja"}}),
            "",
        ),
    ] {
        assert_eq!(said(&lines(&received(&element))), expected, "{element}");
    }
}

#[test]
fn nothing_in_a_change_of_history_is_an_opt_out() {
    let element =
        json!({"from": "56961234567", "id": "m", "timestamp": "1777899600", "type": "text", "text": {"body": "STOP"}});
    assert_eq!(said(&lines(&line("history", &value("messages", &element)))), "");
    let thread = json!({"threads": [{"id": "56961234567", "messages": [element]}]});
    assert_eq!(said(&lines(&line("history", &value("history", &thread)))), "");
    let echo =
        json!({"to": "56961234567", "id": "m", "timestamp": "1777899600", "type": "text", "text": {"body": "STOP"}});
    assert_eq!(
        said(&lines(&line("smb_message_echoes", &value("message_echoes", &echo)))),
        ""
    );
}

#[test]
fn a_tenant_adds_words() {
    let mut acme = Tenant::default();
    assert!(acme.add_opt_out("No Moléstar") && acme.add_opt_out("cancelar") && !acme.add_opt_out("¡🙏!"));
    for (element, expected) in [
        (
            json!({"type": "text", "text": {"body": "¡No molestar!"}}),
            "always no molestar",
        ),
        (chosen("list_reply", "Cancelar", "r1"), "always cancelar"),
        (json!({"type": "text", "text": {"body": "🙏"}}), ""),
    ] {
        assert_eq!(
            said(&lines_of(acme.clone(), &received(&element))),
            expected,
            "{element}"
        );
        let other = received(&element).replace("acme", "beta");
        assert!(
            !said(&lines_of(acme.clone(), &other)).starts_with("always"),
            "{element}"
        );
    }
}

/// Kinds and values of all that was seen, and how many items there are.
fn seen(run: &Run) -> (Vec<String>, usize) {
    let sightings = run.items.iter().flat_map(|item| &item.sightings);
    let ids = sightings.flat_map(|sighting| &sighting.identifiers);
    (ids.map(|id| id.value.clone()).collect(), run.items.len())
}

/// The tenant's other numbers: as Argentina dials one, in Mexico's older form, in Chile's local one.
fn with_numbers() -> Tenant {
    let mut acme = Tenant::of(Some("CL".to_owned()));
    assert!(acme.add_own_number("+54 9 11 2345-6789") && acme.add_own_number("5215512345678"));
    assert!(acme.add_own_number("22 123 4567") && !acme.add_own_number("la tienda"));
    acme
}

#[test]
fn a_number_of_the_business_is_nobody_in_any_form_and_place() {
    let at = r#""tenant":"acme","at":"2026-05-04T13:00:00Z""#;
    let stamped = |mut element: Value| {
        element["timestamp"] = json!("1777899600");
        element
    };
    for own in [
        "541123456789",
        "5491123456789",
        "525512345678",
        "5215512345678",
        "56221234567",
    ] {
        let message = json!({"id": "m", "type": "text", "text": {"body": "hola"}, "from": own});
        let echo = json!({"id": "m", "type": "text", "from": NUMBER, "to": own});
        let call = json!({"id": "c", "event": "connect", "direction": "BUSINESS_INITIATED", "from": NUMBER, "to": own});
        let contact = json!({"action": "add", "contact": {"full_name": "Sucursal", "phone_number": format!("+{own}")}});
        let group = json!({"group_id": "g", "type": "group_participants_add", "added_participants": [{"wa_id": own}, {"input": own}]});
        let all = [
            line("messages", &value("messages", &stamped(message))),
            line("smb_message_echoes", &value("message_echoes", &stamped(echo))),
            line(
                "messages",
                &value(
                    "statuses",
                    &json!({"id": "s", "status": "sent", "recipient_id": own, "timestamp": "1"}),
                ),
            ),
            line("calls", &value("calls", &stamped(call))),
            line(
                "user_preferences",
                &value("user_preferences", &json!({"wa_id": own, "value": "stop"})),
            ),
            line("smb_app_state_sync", &value("state_sync", &contact)),
            line("group_participants_update", &value("groups", &group)),
            line(
                "messages",
                &json!({"messages": [], "contacts": [{"wa_id": own}], "statuses": [{"id": "s", "status": "sent"}]})
                    .to_string(),
            ),
            format!(r#"{{"source":"outbound",{at},"message_id":"o","to":{{"phone":"+{own}"}},"type":"text"}}"#),
            format!(r#"{{"source":"outbound",{at},"message_id":"o","to":{{"wa_id":"{own}"}},"type":"text"}}"#),
            format!(r#"{{"source":"inbox",{at},"event":"resolved","user":{{"phone":"+{own}"}}}}"#),
            format!(r#"{{"source":"crm",{at},"system":"hubspot","event":"deal_won","user":{{"phone":"+{own}"}}}}"#),
        ];
        for line in all {
            assert_eq!(seen(&lines_of(with_numbers(), &line)), (vec![], 1), "{line}");
            // Of a tenant that lists no numbers it is somebody.
            assert_ne!(seen(&lines(&line)).0, Vec::<String>::new(), "{line}");
        }
    }
}

#[test]
fn who_has_a_number_of_the_business_is_nobody_by_no_other_id() {
    let text = json!({"id": "m", "type": "text", "from": "56221234567", "from_user_id": "CL.1", "timestamp": "1"});
    let send = r#"{"source":"outbound","tenant":"acme","at":"2026-05-04T13:00:00Z","message_id":"o","to":{"phone":"22 123 4567","user_id":"CL.1"}}"#;
    let described = json!({"metadata": {"display_phone_number": NUMBER}, "contacts": [{"wa_id": "56221234567", "user_id": "CL.1"}],
        "messages": [{"id": "m", "type": "text", "from_user_id": "CL.1", "timestamp": "1"}]});
    let thread =
        json!({"threads": [{"context": {"wa_id": "56221234567"}, "messages": [{"id": "m", "from_user_id": "CL.1"}]}]});
    let twice = json!({"contacts": [{"user_id": "CL.1"}, {"wa_id": "56221234567", "user_id": "CL.1"}],
        "statuses": [{"id": "m", "status": "sent", "timestamp": "1"}]});
    for line in [
        line("messages", &value("messages", &text)),
        line("messages", &described.to_string()),
        line("messages", &twice.to_string()),
        line("history", &value("history", &thread)),
        send.to_owned(),
    ] {
        assert_eq!(seen(&lines_of(with_numbers(), &line)), (vec![], 1), "{line}");
        assert_ne!(seen(&lines(&line)).0, Vec::<String>::new(), "{line}");
    }
    // Beside the display number of the item it is a sender without a phone, also where that is listed.
    let text = json!({"id": "m", "type": "text", "from": NUMBER, "from_user_id": "CL.1", "timestamp": "1"});
    let mut acme = with_numbers();
    assert!(acme.add_own_number(NUMBER));
    let run = lines_of(acme, &line("messages", &value("messages", &text)));
    assert_eq!(seen(&run), (vec!["CL.1".to_owned()], 1));
    // Somebody else's number that ends alike.
    let other = json!({"id": "m", "type": "text", "from": "51221234567", "timestamp": "1"});
    let run = lines_of(with_numbers(), &line("messages", &value("messages", &other)));
    let kinds = run.item().sightings[0].identifiers.iter().map(|id| id.kind);
    assert_eq!(kinds.collect::<Vec<_>>(), [IdentifierKind::Phone, IdentifierKind::WaId]);
}

#[test]
fn what_the_business_wrote_from_another_number_is_its_own_in_history() {
    let element = json!({"id": "m", "type": "text", "from": "56221234567", "to": "56961234567", "timestamp": "1"});
    let thread = json!({"threads": [{"id": "56961234567", "messages": [element]}]});
    let line = line("history", &value("history", &thread));
    assert!(!message(&lines_of(with_numbers(), &line)).inbound && message(&lines(&line)).inbound);
}

#[test]
fn each_change_of_anothers_entry_is_one_unclassified_item() {
    let two = json!({"field": "messages", "value": {"messages": [{"id": "a", "from": "1"}, {"id": "b", "from": "1"}], "statuses": [{}]}});
    let changes = json!([two, {"field": "of_tomorrow", "value": {}}, {"field": "messages"}, {}, 7]);
    let body = |entries: Value| envelope(&json!({"object": "whatsapp_business_account", "entry": entries}).to_string());
    let mut acme = Tenant::default();
    assert!(acme.add_account("310") && acme.add_account("311") && !acme.add_account("waba"));
    let line =
        body(json!([{"id": "999", "time": 1, "changes": changes}, {"id": 999, "changes": [two]}, {"changes": [two]}]));
    let run = lines_of(acme.clone(), &line);
    // What is no change at all cannot be read, whoever sent it.
    assert_eq!(run.outcomes(), [0, 0, 6, 1]);
    assert_eq!(
        run.reasons(),
        [&["change_not_object"][..], &["foreign_account"; 6]].concat()
    );
    assert_eq!(run.count("unclassified_reasons", "foreign_account"), 6);
    let first = &run.unclassified[0];
    assert_eq!((first.field.as_deref(), first.event_time), (Some("messages"), 1_000));
    assert_eq!(serde_json::from_str::<Value>(&first.original).unwrap(), two);
    // Its own, as text and as number; another tenant that lists none; the dashboard's test.
    let one = json!([{"field": "messages", "value": {"messages": [{"id": "a", "from": "1"}]}}]);
    for own in [json!("310"), json!(311), json!("0"), json!(0)] {
        let line = body(json!([{"id": own, "changes": one}]));
        assert_eq!(lines_of(acme.clone(), &line).outcomes(), [1, 0, 0, 0], "{line}");
    }
    let line = body(json!([{"id": "999", "changes": one}])).replace("acme", "beta");
    assert_eq!(lines_of(acme, &line).outcomes(), [1, 0, 0, 0]);
}

#[test]
fn an_echo_of_the_phone_apps_text_is_automation() {
    let mut acme = Tenant::default();
    assert!(acme.add_auto_reply("¡Hola! Te responderemos mañana 🙂") && !acme.add_auto_reply(" \n"));
    let by = |text: Value| {
        let mut echo = json!({"id": "m", "type": "text", "from": NUMBER, "to": "56961234567", "timestamp": "1"});
        echo.as_object_mut().unwrap().extend(text.as_object().unwrap().clone());
        let line = line("smb_message_echoes", &value("message_echoes", &echo));
        message(&lines_of(acme.clone(), &line)).author.kind.clone()
    };
    for (body, author) in [
        ("¡Hola! Te responderemos mañana 🙂", "automation"),
        (" ¡HOLA! te responderemos man\u{303}ana 🙂\n", "automation"),
        ("¡Hola! Te responderemos manana 🙂", "agent"),
        ("¡Hola! Te responderemos mañana 🙂 Ana", "agent"),
        ("", "agent"),
    ] {
        assert_eq!(by(json!({"text": {"body": body}})), author, "{body}");
    }
    let image = json!({"type": "image", "text": {"body": "¡Hola! Te responderemos mañana 🙂"}});
    assert_eq!(by(image), "agent");
}
