//! Tickets and timeline.

use super::common::*;
use hilo_contracts::{
    details::Details,
    facts::{Clock, Conversation, Rating, Session, Work},
};
use hilo_crm::values::Object;

const OPENED: &str = "05-03T10:00:00";
const SLA: &str = "[policy]\nfirst_response_target = 900\n";

fn ticket(facts: &[Fact], now: &str) -> Held {
    let mut all = vec![ana()];
    all.extend_from_slice(facts);
    of(&made(&config(SLA), &all, at(now)), Object::Ticket, &["s1"])
        .unwrap()
        .clone()
}

fn told_session(revision: i64, state: Session) -> Fact {
    told_of(session("s1", "ana", revision, state))
}

#[test]
fn a_ticket_says_where_its_session_stands() {
    let open = waiting(at(OPENED));
    let replied = answered(open.clone(), at("05-03T10:10:00"), "luis");
    let asked_again = Session {
        turns: [
            replied.turns.clone(),
            vec![Clock {
                started_at: at("05-03T10:20:00"),
                ..Clock::default()
            }],
        ]
        .concat(),
        ..replied.clone()
    };
    let by_business = Session {
        opened_by: "business".to_owned(),
        first_customer_at: None,
        frt_human: None,
        frt_any: None,
        turns: vec![],
        ..open.clone()
    };
    let done = over(replied.clone(), at("05-03T11:00:00"), "resolved");
    for (state, status) in [
        (&open, "new"),
        (&replied, "waiting"),
        (&asked_again, "open"),
        (&by_business, "waiting"),
        (&done, "closed"),
    ] {
        let held = ticket(&[told_session(1, state.clone())], "05-03T10:00:01");
        assert_eq!(held.get("s_status"), Some(status));
    }
    let held = ticket(&[told_session(1, done)], "05-04T00:00:00");
    assert_eq!(held.get("s_agent"), Some("luis"));
    assert_eq!(held.get("s_close_reason"), Some("resolved"));
    assert_eq!(held.time("s_closed_at"), Some(at("05-03T11:00:00")));
    assert_eq!(held.get("s_first_response_seconds"), Some("600"));
    assert_eq!(
        held.belongs_to,
        [("contact".to_owned(), key(Object::Contact, &["ana"]))]
    );
}

#[test]
fn the_first_response_is_held_against_its_target() {
    let open = waiting(at(OPENED));
    let met = |state: &Session, now: &str| {
        ticket(&[told_session(1, state.clone())], now)
            .get("s_sla_met")
            .map(str::to_owned)
    };
    // 900 s after 10:00:00.
    let in_time = answered(open.clone(), at("05-03T10:15:00"), "luis");
    let late = answered(open.clone(), at("05-03T10:15:00") + 1, "luis");
    assert_eq!(met(&in_time, "05-03T12:00:00").as_deref(), Some("true"));
    assert_eq!(met(&late, "05-03T12:00:00").as_deref(), Some("false"));
    assert_eq!(met(&open, "05-03T10:15:00"), None, "it can still come in time");
    assert_eq!(met(&open, "05-03T10:15:01").as_deref(), Some("false"));
    let gone = over(open.clone(), at("05-03T10:05:00"), "resolved");
    assert_eq!(met(&gone, "05-03T12:00:00"), None, "nobody waited to the end");
    let held = ticket(&[told_session(1, open)], OPENED);
    assert_eq!(held.get("s_sla_target_seconds"), Some("900"));
    assert_eq!(held.time("s_sla_due_at"), Some(at("05-03T10:15:00")));

    // By time alone, without another fact.
    let mut driver = driver(&config(SLA));
    driver
        .pipe_all([ana(), told_session(1, waiting(at(OPENED)))].iter().map(Fact::record))
        .unwrap();
    driver.tick(at("05-03T10:10:00")).unwrap();
    let told_before = told(&driver).len();
    driver.tick(at("05-03T10:15:00")).unwrap();
    assert_eq!(told(&driver).len(), told_before);
    driver.tick(at("05-03T10:15:01")).unwrap();
    assert_eq!(
        of(&standing(&driver), Object::Ticket, &["s1"])
            .unwrap()
            .get("s_sla_met"),
        Some("false")
    );
}

#[test]
fn a_ticket_has_tags_ratings_handling_and_what_it_reopens() {
    let state = Session {
        queue: Some("soporte".to_owned()),
        reason: Some("factura".to_owned()),
        bot: Some("b1".to_owned()),
        outcome: Some("escalated_requested".to_owned()),
        reopens: Some("s0".to_owned()),
        work: vec![
            Work {
                agent: "eva".to_owned(),
                active_millis: Some(61_500),
                assigned_millis: None,
            },
            Work {
                agent: "luis".to_owned(),
                active_millis: Some(30_000),
                assigned_millis: None,
            },
        ],
        ratings: vec![
            Rating {
                instrument: "csat".to_owned(),
                score: "4".to_owned(),
                scale: "5".to_owned(),
                rated_at: at("05-03T12:00:00"),
            },
            Rating {
                instrument: "ces".to_owned(),
                score: "6".to_owned(),
                scale: "7".to_owned(),
                rated_at: at("05-03T12:01:00"),
            },
        ],
        ..over(
            answered(waiting(at(OPENED)), at("05-03T10:10:00"), "luis"),
            at("05-03T11:00:00"),
            "resolved",
        )
    };
    let tag = inbox(
        "t1",
        "tagged",
        "ana",
        "s1",
        at("05-03T10:30:00"),
        &["vip", "cobranza", "vip"],
    );
    let other = inbox("t2", "tagged", "ana", "s1", at("05-03T10:40:00"), &["vip", "reclamo"]);
    let facts = [
        told_session(1, state),
        told_of(tag.clone()),
        told_of(other.clone()),
        told_of(received("m1", "ana", "s1", at(OPENED), "Hola, mi factura")),
        told_of(received("m2", "ana", "s1", at("05-03T10:01:00"), "¿hay alguien?")),
        told_of(sent("m3", "ana", "s1", at("05-03T10:10:00"), ("agent", "luis"), "hola")),
    ];
    let held = ticket(&facts, "05-04T00:00:00");
    for (name, value) in [
        ("s_queue", "soporte"),
        ("s_reason", "factura"),
        ("s_bot", "b1"),
        ("s_outcome", "escalated_requested"),
        ("s_tags", "cobranza,reclamo,vip"),
        ("s_csat", "4"),
        ("s_csat_scale", "5"),
        ("s_ces", "6"),
        ("s_ces_scale", "7"),
        ("s_handling_seconds", "91.5"),
        ("s_messages", "3"),
        ("s_first_text", "Hola, mi factura"),
        ("s_channel", "whatsapp"),
        ("s_number", NUMBER),
        ("s_conversation_id", "thread-ana"),
        ("who_name", "Ana Pérez Soto"),
    ] {
        assert_eq!(held.get(name), Some(value), "{name}");
    }
    assert_eq!(held.get("s_reopens"), Some(key(Object::Ticket, &["s0"]).as_str()));
    assert_eq!(held.time("s_rated_at"), Some(at("05-03T12:01:00")));
    // An event that goes to another session takes its tags along; one told again does not add them twice.
    let mut gone = again(&other, 2);
    gone.session_id = Some("s9".to_owned());
    let facts: Vec<Fact> = facts.into_iter().chain([told_of(tag), told_of(gone)]).collect();
    assert_eq!(ticket(&facts, "05-04T00:00:00").get("s_tags"), Some("cobranza,vip"));
}

fn entry(facts: &[Conversation]) -> Option<Held> {
    let mut all = vec![ana(), told_session(1, waiting(at(OPENED)))];
    all.extend(facts.iter().cloned().map(told_of));
    of(
        &made(&config(""), &all, at("06-01T00:00:00")),
        Object::Communication,
        &["m1"],
    )
    .cloned()
}

#[test]
fn a_message_is_an_entry_of_the_timeline() {
    let held = entry(&[sent("m1", "ana", "s1", at(OPENED), ("agent", "luis"), "hola")]).unwrap();
    for (name, value) in [
        ("s_direction", "outbound"),
        ("s_type", "text"),
        ("s_body", "hola"),
        ("s_author", "agent"),
        ("s_agent", "luis"),
        ("s_status", "accepted"),
        ("s_conversation_id", "thread-ana"),
    ] {
        assert_eq!(held.get(name), Some(value), "{name}");
    }
    assert_eq!(held.time("s_at"), Some(at(OPENED)));
    assert_eq!(
        held.belongs_to,
        [
            ("contact".to_owned(), key(Object::Contact, &["ana"])),
            ("ticket".to_owned(), key(Object::Ticket, &["s1"]))
        ]
    );
    let inbound = entry(&[received("m1", "ana", "s1", at(OPENED), "hola")]).unwrap();
    assert_eq!(
        (inbound.get("s_author"), inbound.get("s_status")),
        (Some("customer"), None)
    );
}

#[test]
fn what_became_of_a_send_stands_in_its_entry() {
    let send = template("m1", "ana", at(OPENED), "cita", "es_CL");
    let mut failed = status("m1", "ana", 3, Some("failed"), at("05-03T10:01:00"));
    failed.error_class = Some("unreachable".to_owned());
    let read = status("m1", "ana", 2, Some("read"), at("05-03T10:00:30"));
    let held = |facts: Vec<Fact>| {
        let all: Vec<Fact> = [ana(), told_of(send.clone())].into_iter().chain(facts).collect();
        of(
            &made(&config(""), &all, at("06-01T00:00:00")),
            Object::Communication,
            &["m1"],
        )
        .unwrap()
        .clone()
    };
    let first = held(vec![]);
    assert_eq!(first.get("s_body"), Some("[plantilla: cita]"));
    assert_eq!(
        (first.get("s_template"), first.get("s_campaign")),
        (Some("cita"), Some("c1"))
    );
    assert_eq!(held(vec![became(read.clone())]).get("s_status"), Some("read"));
    let last = held(vec![became(failed), became(read)]);
    assert_eq!(
        (last.get("s_status"), last.get("s_error")),
        (Some("failed"), Some("unreachable"))
    );
}

#[test]
fn edits_and_revocations_show() {
    let first = received("m1", "ana", "s1", at(OPENED), "hola");
    let edit = |id: &str, time: &str, text: &str| Conversation {
        kind: "message_edited".to_owned(),
        message_type: Some("edit".to_owned()),
        reply_to: Some("m1".to_owned()),
        window_expires_at: None,
        details: Some(Box::new(Details {
            text: Some(text.to_owned()),
            subtype: Some("text".to_owned()),
            ..Details::default()
        })),
        ..received(id, "ana", "", at(time), text)
    };
    let late = edit("e2", "05-03T10:05:00", "hola, mi factura");
    let early = edit("e1", "05-03T10:02:00", "hola mi");
    let body = |facts: &[Conversation]| entry(facts).unwrap().get("s_body").map(str::to_owned);
    assert_eq!(
        body(&[first.clone(), late.clone(), early.clone()]).as_deref(),
        Some("hola, mi factura")
    );
    let revoked = Conversation {
        kind: "message_revoked".to_owned(),
        message_type: Some("revoke".to_owned()),
        ..edit("r1", "05-03T10:06:00", "")
    };
    assert_eq!(
        body(&[revoked.clone(), late.clone(), first.clone()]).as_deref(),
        Some("[mensaje eliminado]")
    );
    // Neither is an entry of its own, nor a message of the session.
    let all = [
        ana(),
        told_session(1, waiting(at(OPENED))),
        told_of(first),
        told_of(late),
        told_of(revoked),
    ];
    let records = made(&config(""), &all, at("06-01T00:00:00"));
    let entries = records.keys().filter(|(object, _)| object == "communication").count();
    assert_eq!(entries, 1);
    assert_eq!(
        of(&records, Object::Ticket, &["s1"]).unwrap().get("s_messages"),
        Some("1")
    );
    assert_eq!(of(&records, Object::Ticket, &["s1"]).unwrap().get("s_first_text"), None);
}

#[test]
fn a_history_is_an_entry_where_it_has_content() {
    let old = |text: &str, kind: &str| Conversation {
        kind: "message_history".to_owned(),
        message_type: Some(kind.to_owned()),
        session_id: None,
        window_expires_at: None,
        ..received("m1", "ana", "", at("04-01T10:00:00"), text)
    };
    assert_eq!(entry(&[old("antes", "text")]).unwrap().get("s_body"), Some("antes"));
    assert_eq!(entry(&[old("", "media_placeholder")]), None);
    assert_eq!(entry(&[old("", "text")]), None);
    // Nobody is known: nothing that it could hang on.
    let stranger = received("m1", "nobody", "", at(OPENED), "hola");
    assert_eq!(entry(&[stranger]), None);
    let reaction = Conversation {
        kind: "reaction".to_owned(),
        message_type: Some("reaction".to_owned()),
        ..received("m1", "ana", "", at(OPENED), "👍")
    };
    assert_eq!(entry(&[reaction]), None);
}

#[test]
fn a_session_is_one_entry_where_the_mapping_wants_a_digest() {
    let digest = config("[policy]\ntimeline = \"digest\"\n");
    let talk = [
        ana(),
        told_of(received("m1", "ana", "s1", at(OPENED), "hola")),
        told_of(sent(
            "m2",
            "ana",
            "s1",
            at("05-03T10:10:00"),
            ("agent", "luis"),
            "buenas",
        )),
        told_of(received("m3", "ana", "s1", at("05-03T10:11:00"), "adiós")),
    ];
    let with = |state: Session| {
        let facts: Vec<Fact> = talk.iter().cloned().chain([told_session(1, state)]).collect();
        made(&digest, &facts, at("06-01T00:00:00"))
    };
    let natural = ["digest", "s1"];
    let open = answered(waiting(at(OPENED)), at("05-03T10:10:00"), "luis");
    assert_eq!(
        of(&with(open.clone()), Object::Communication, &natural),
        None,
        "it is not over"
    );
    let records = with(over(open, at("05-03T11:00:00"), "resolved"));
    let held = of(&records, Object::Communication, &natural).unwrap();
    assert_eq!(
        held.get("s_body"),
        Some(
            "Conversación de WhatsApp, 2026-05-03\n10:00 Cliente: hola\n10:10 Agente (luis): buenas\n10:11 Cliente: adiós"
        )
    );
    assert_eq!(held.get("s_type"), Some("digest"));
    assert_eq!(held.time("s_at"), Some(at("05-03T10:11:00")));
    assert_eq!(
        records.keys().filter(|(object, _)| object == "communication").count(),
        1
    );
}

#[test]
fn a_test_is_marked() {
    let mut message = received("m1", "ana", "s1", at(OPENED), "hola");
    message.test = true;
    let mut opened = session("s1", "ana", 1, waiting(at(OPENED)));
    opened.test = true;
    let facts = [ana(), told_of(message), told_of(opened)];
    let records = made(&config(""), &facts, at("06-01T00:00:00"));
    assert_eq!(records.len(), 3);
    assert!(records.values().all(|held| held.test));
}

#[test]
fn a_record_is_told_where_it_differs_and_says_why() {
    let mut driver = driver(&config(""));
    let message = sent("m1", "ana", "", at(OPENED), ("bot", "b1"), "hola");
    driver
        .pipe_all([ana(), told_of(message.clone())].iter().map(Fact::record))
        .unwrap();
    driver.tick(at("05-03T10:00:01")).unwrap();
    let first = told(&driver);
    assert_eq!(first.len(), 2);
    let contact = &first[0];
    assert_eq!((contact.object.as_str(), contact.revision), ("contact", 1));
    assert_eq!(contact.facts, ["message-m1", "identity-ana-1"]);
    assert_eq!((contact.mapping.as_str(), contact.sink.as_str()), ("all", "hubspot"));
    assert_eq!(contact.content_hash, hilo_crm::content_hash(contact));
    // Told again, and again without content: nothing changes, nothing is told.
    driver
        .pipe_all(
            [ana(), told_of(message.clone()), told_of(again(&message, 2))]
                .iter()
                .map(Fact::record),
        )
        .unwrap();
    driver.tick(at("05-03T10:00:02")).unwrap();
    driver.restart().unwrap();
    driver.tick(at("05-03T10:00:03")).unwrap();
    assert_eq!(told(&driver).len(), 2);
    let delivered = status("m1", "ana", 1, Some("delivered"), at("05-03T10:00:04"));
    driver.pipe(became(delivered).record()).unwrap();
    driver.tick(at("05-03T10:00:05")).unwrap();
    let last = told(&driver).pop().unwrap();
    assert_eq!((last.object.as_str(), last.revision), ("communication", 2));
    assert_eq!(last.facts, ["status-m1-1", "message-m1", "identity-ana-1"]);
    assert_eq!(last.event_time, at("05-03T10:00:04"));
    assert_ne!(last.event_id, first[1].event_id);
}
