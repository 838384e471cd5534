//! Any order, any repetition, any interleaving, any ticks and restarts in between: the same records in the end.

use super::{common::*, sales::RULES};
use hilo_contracts::{
    details::{Deal, Details},
    facts::{Conversation, Identity, Rating, Session},
};
use hilo_crm::{Config, values::Object};
use hilo_domain::Millis;
use hilo_stream::driver::{permuted, repeated};
use proptest::prelude::*;

const NOW: &str = "06-01T00:00:00";

/// A policy that uses all of it.
fn everything() -> Config {
    config(&format!(
        "[policy]\nfirst_response_target = 900\n[policy.deals]\nreferral = true\ntags = [\"venta\"]\nintents = [\"comprar\"]\n{RULES}"
    ))
}

/// The same, where records show of their contact and ticket what changes with each message.
fn reaching_all() -> Config {
    config(&format!(
        "[policy]\nfirst_response_target = 900\n[policy.deals]\nreferral = true\n{RULES}{}",
        reaching()
    ))
}

/// Facts that move, take back, correct and contradict one another, as upstream tells them.
pub(super) fn facts() -> Vec<Fact> {
    let mut all = vec![
        ana(),
        is(identity("bea", 1, &[("bsuid", "CL.2", "05-02T00:00:00", None)])),
        is(identity(
            "carla",
            1,
            &[("phone", "+573211234567", "05-02T00:00:00", None)],
        )),
        is(Identity {
            country: Some("CO".to_owned()),
            name: Some("Carla".to_owned()),
            ..identity("carla", 2, &[("phone", "+573211234567", "05-02T00:00:00", None)])
        }),
        closed("bea", 2, Some("ana")),
        closed("carla", 3, Some("ana")),
        // Carla is somebody else after all.
        is(Identity {
            kind: "unmerged".to_owned(),
            name: Some("Carla".to_owned()),
            country: Some("CO".to_owned()),
            ..identity("carla", 4, &[("phone", "+573211234567", "05-02T00:00:00", None)])
        }),
        is(identity("zoe", 1, &[("phone", "+51912345678", "05-02T00:00:00", None)])),
        closed("zoe", 2, None),
    ];
    // Bea's talk becomes Ana's: session and messages are told anew.
    let click = clicked("m1", "bea", "s-bea", at("05-03T10:00:00"), "120211");
    let reply = sent("m2", "bea", "s-bea", at("05-03T10:20:00"), ("agent", "luis"), "hola");
    let tag = inbox(
        "t1",
        "tagged",
        "bea",
        "s-bea",
        at("05-03T10:30:00"),
        &["venta", "reprogramar"],
    );
    let open = waiting(at("05-03T10:00:00"));
    let replied = answered(open.clone(), at("05-03T10:20:00"), "luis");
    let done = over(replied.clone(), at("05-03T11:00:00"), "resolved");
    for (revision, state) in (1..).zip([open, replied, done.clone()]) {
        all.push(told_of(session("s-bea", "bea", revision, state)));
    }
    all.push(told_of(retracted("s-bea", "bea", 4, done.clone())));
    let rated = Session {
        ratings: vec![Rating {
            instrument: "csat".to_owned(),
            score: "1".to_owned(),
            scale: "5".to_owned(),
            rated_at: at("05-03T12:00:00"),
        }],
        ..done.clone()
    };
    all.push(told_of(session("s-ana", "ana", 1, done)));
    all.push(told_of(session("s-ana", "ana", 2, rated)));
    for fact in [&click, &reply, &tag] {
        let mut moved = again(fact, 2);
        moved.person_id = Some("ana".to_owned());
        moved.session_id = Some("s-ana".to_owned());
        all.extend([told_of(fact.clone()), told_of(moved)]);
    }
    // An edit and a revocation.
    let change = |id: &str, kind: &str, of: &str, time: &str, text: &str| {
        let mut fact = received(id, "ana", "", at(time), text);
        let told = if kind == "edit" {
            "message_edited"
        } else {
            "message_revoked"
        };
        told.clone_into(&mut fact.kind);
        fact.message_type = Some(kind.to_owned());
        fact.reply_to = Some(of.to_owned());
        fact.window_expires_at = None;
        told_of(fact)
    };
    all.push(change(
        "e1",
        "edit",
        "m1",
        "05-03T10:02:00",
        "Hola, vi el aviso del video",
    ));
    all.push(change("e2", "edit", "m1", "05-03T10:03:00", "Hola, vi su aviso"));
    // A session whose first text has a token, and one where an earlier text came late.
    all.push(told_of(received("m3", "ana", "s2", at("05-05T10:00:00"), "IG-42 hola")));
    all.push(told_of(session("s2", "ana", 1, waiting(at("05-05T10:00:00")))));
    all.push(change("r1", "revoke", "m3", "05-05T10:05:00", ""));
    all.push(told_of(received("m5", "carla", "s3", at("05-06T10:05:00"), "IG-42")));
    all.push(told_of(session("s3", "carla", 1, waiting(at("05-06T10:05:00")))));
    all.push(told_of(session("s3", "carla", 2, waiting(at("05-06T10:00:00")))));
    all.push(told_of(received("m4", "carla", "s3", at("05-06T10:00:00"), "buenas")));
    // A duplicate that is smaller takes a message's place, with other content; and leaves its session.
    let late = received("m6", "carla", "s3", at("05-06T10:09:00"), "tarde");
    let smaller = Conversation {
        revision: (1 << 24) + 1,
        source: hilo_contracts::facts::Source {
            delivery_id: "another".to_owned(),
            ..Default::default()
        },
        ..received("m6", "carla", "s3", at("05-06T10:08:00"), "antes")
    };
    let mut left = again(&smaller, (1 << 24) + 2);
    left.session_id = None;
    all.extend([late, smaller, left].map(told_of));
    // A send by line and echo, with statuses; a template that is read, and answered too late; one that failed.
    all.push(told_of(template(
        "w1",
        "ana",
        at("05-08T10:00:00"),
        "cobranza_mayo",
        "es_MX",
    )));
    for (revision, (name, time)) in (1..).zip([
        ("sent", "05-08T10:00:01"),
        ("delivered", "05-08T10:00:05"),
        ("read", "05-08T12:00:00"),
    ]) {
        all.push(became(status("w1", "ana", revision, Some(name), at(time))));
    }
    all.push(told_of(received("m7", "ana", "", at("05-09T13:00:00"), "ya pagué")));
    all.push(told_of(template(
        "w2",
        "ana",
        at("05-10T10:00:00"),
        "cobranza_junio",
        "pt_BR",
    )));
    all.push(became(status("w2", "ana", 1, Some("read"), at("05-10T12:00:00"))));
    let answer = received("m8", "carla", "", at("05-10T13:00:00"), "hola");
    let mut moved = again(&answer, 2);
    moved.person_id = Some("ana".to_owned());
    all.extend([told_of(answer), told_of(moved)]);
    let mut failed = status("w3", "carla", 2, Some("failed"), at("05-11T10:00:05"));
    failed.error_class = Some("template".to_owned());
    all.push(told_of(template("w3", "carla", at("05-11T10:00:00"), "cita", "es_CO")));
    all.push(became(status("w3", "carla", 1, None, at("05-11T10:00:00"))));
    all.push(became(failed));
    all.push(became(hilo_contracts::facts::Status {
        template: None,
        message_type: "text".to_owned(),
        accepted_at: Some(at("05-12T10:00:00")),
        ..status("confirmed", "carla", 1, Some("delivered"), at("05-12T10:00:02"))
    }));
    // What a history tells; a group; a call.
    let mut old = received("h1", "ana", "", at("04-01T10:00:00"), "antes");
    "message_history".clone_into(&mut old.kind);
    all.push(told_of(old));
    let mut group = received("g1", "carla", "", at("05-13T10:00:00"), "a todos");
    group.group_id = Some("group".to_owned());
    all.push(told_of(group));
    let mut call = inbox("c1", "call_connect", "ana", "", at("05-20T10:00:00"), &[]);
    call.window_expires_at = Some(at("05-21T10:00:00"));
    all.push(told_of(call));
    // Deals, one of them Carla's after all.
    let of_crm = |stage: &str, opened: Option<&str>| Deal {
        system: Some("hubspot".to_owned()),
        deal_id: Some("77".to_owned()),
        stage: Some(stage.to_owned()),
        opened_at: opened.map(at),
        amount: Some("10".to_owned()),
        currency: Some("CLP".to_owned()),
    };
    all.push(told_of(deal(
        "d1",
        "deal_stage_changed",
        "bea",
        at("05-14T10:00:00"),
        of_crm("uno", Some("05-04T10:00:00")),
    )));
    let won = deal("d2", "deal_won", "bea", at("05-15T10:00:00"), of_crm("dos", None));
    let mut moved = again(&won, 2);
    moved.person_id = Some("ana".to_owned());
    all.extend([told_of(won), told_of(moved)]);
    // Consent, one entry of which is taken back and comes again.
    all.push(said(consent(
        "k1",
        "ana",
        at("05-02T00:00:00"),
        ("granted", "granted"),
        "form",
    )));
    let withdrawn = consent("k2", "ana", at("05-07T00:00:00"), ("withdrawn", "denied"), "keyword");
    for (revision, kind) in [(2, "retracted"), (3, "entry"), (4, "retracted")] {
        let mut fact = withdrawn.clone();
        (fact.revision, fact.kind) = (revision, kind.to_owned());
        all.push(said(fact));
    }
    all.push(said(withdrawn));
    let mut ending = consent("k3", "carla", at("05-07T00:00:00"), ("granted", "granted"), "form");
    ending.valid_to = Some(at("05-30T00:00:00"));
    all.push(said(ending));
    // A handed-over talk that stays open.
    all.push(told_of(session("s4", "carla", 1, waiting(at("05-31T23:59:00")))));
    all.push(told_of(received("m9", "carla", "s4", at("05-31T23:59:00"), "¿hola?")));
    all.push(told_of(handed_off(
        "x1",
        "carla",
        "s4",
        at("05-31T23:59:30"),
        "comprar",
    )));
    let mut photo = received("m10", "carla", "s4", at("05-31T23:59:40"), "");
    photo.message_type = Some("image".to_owned());
    photo.details = Some(Box::new(Details::default()));
    all.push(told_of(photo));
    all
}

fn run(config: &Config, facts: &[Fact], ticks: &[(usize, Millis)], restarts: &[usize]) -> Records {
    let mut driver = driver(config);
    for (place, fact) in facts.iter().enumerate() {
        driver.pipe(fact.record()).unwrap();
        for (_, now) in ticks.iter().filter(|(at, _)| *at == place) {
            driver.tick(*now).unwrap();
        }
        if restarts.contains(&place) {
            driver.restart().unwrap();
        }
    }
    driver.tick(at(NOW)).unwrap();
    standing(&driver)
}

/// Records that differ, one line each: nobody reads a hundred that do not.
fn differences(found: &Records, expected: &Records) -> Vec<String> {
    let keys = found
        .keys()
        .chain(expected.keys())
        .collect::<std::collections::BTreeSet<_>>();
    let differ = keys.into_iter().filter(|key| found.get(*key) != expected.get(*key));
    differ
        .map(|key| {
            format!(
                "{key:?}\nfound    {:?}\nexpected {:?}",
                found.get(key),
                expected.get(key)
            )
        })
        .collect()
}

/// What the facts come to, by what they say: the other tests here compare with this.
#[test]
fn the_facts_come_to_what_they_say() {
    let records = run(&everything(), &facts(), &[], &[]);
    let count = |object: &str| records.keys().filter(|(of, _)| of == object).count();
    // Ana, Bea (aliased), Carla; Zoe is gone.
    assert_eq!(count("contact"), 3);
    assert_eq!(count("ticket"), 4);
    // m1 to m10, w1 to w3, the confirmed one, the history and the group: edits and revocations are none.
    assert_eq!(count("communication"), 16);
    // Of the CRM; by click, by token (its text was revoked later, the click is none the less), by intent.
    assert_eq!(count("deal"), 4);
    // A tag, a bad rating, one unanswered in time, one failed.
    assert_eq!(count("task"), 4);
    let ana = of(&records, Object::Contact, &["ana"]).unwrap();
    assert_eq!(ana.get("s_first_touch_campaign"), Some("cyber"));
    assert_eq!(ana.get("s_last_touch_campaign"), Some("bio"));
    assert_eq!(ana.get("s_whatsapp_marketing"), Some("granted"));
    assert_eq!(ana.time("s_window_expires_at"), Some(at("05-21T10:00:00")));
    assert_eq!(ana.time("s_first_seen_at"), Some(at("04-01T10:00:00")));
    assert_eq!(ana.get("s_sessions"), Some("2"));
    // m1, m2, m3, m7, m8, w1, w2, h1.
    assert_eq!(ana.get("s_messages"), Some("8"));
    assert_eq!(ana.get("s_language"), Some("pt_BR"));
    let carla = of(&records, Object::Contact, &["carla"]).unwrap();
    assert_eq!(
        (carla.get("s_first_touch_at"), carla.get("s_whatsapp_marketing")),
        (None, None)
    );
    assert_eq!(carla.get("s_aliases"), None);
    let done = of(&records, Object::Task, &["unanswered", "w1"]).unwrap();
    assert_eq!(done.get("s_status"), Some("done"));
    assert_eq!(of(&records, Object::Task, &["unanswered", "w2"]), None);
    let deal = of(&records, Object::Deal, &["hubspot", "77"]).unwrap();
    assert_eq!(
        (deal.get("s_stage"), deal.get("s_campaign")),
        (Some("dos"), Some("cyber"))
    );
    assert_eq!(
        of(&records, Object::Communication, &["m1"]).unwrap().get("s_body"),
        Some("Hola, vi su aviso")
    );
    assert_eq!(
        of(&records, Object::Communication, &["m6"]).unwrap().get("s_body"),
        Some("antes")
    );
}

#[test]
fn a_digest_is_the_same_in_any_order() {
    let config = config("[policy]\ntimeline = \"digest\"\n");
    let expected = run(&config, &facts(), &[], &[]);
    assert_eq!(
        expected.keys().filter(|(object, _)| object == "communication").count(),
        1
    );
    for seed in 0..8 {
        let found = run(&config, &permuted(&facts(), seed), &[(40, at("05-04T00:00:00"))], &[]);
        assert_eq!(differences(&found, &expected), Vec::<String>::new());
    }
}

#[test]
fn what_a_mapping_shows_of_contact_and_ticket_is_what_they_are_in_any_order() {
    let config = reaching_all();
    let expected = run(&config, &facts(), &[], &[]);
    let ana = of(&expected, Object::Contact, &["ana"]).unwrap();
    for natural in ["s-ana", "s2"] {
        let ticket = of(&expected, Object::Ticket, &[natural]).unwrap();
        assert_eq!(ticket.get("who_messages"), ana.get("s_messages"));
    }
    let entry = of(&expected, Object::Communication, &["m1"]).unwrap();
    assert_eq!(
        (entry.get("who_touch"), entry.get("ticket_status")),
        (Some("cyber"), Some("closed"))
    );
    let task = of(&expected, Object::Task, &["bad", "s-ana"]).unwrap();
    assert_eq!(task.get("ticket_first"), Some("Hola, vi su aviso"));
    for seed in 0..12 {
        let shuffled = permuted(&repeated(&facts(), seed), seed);
        let ticks: Vec<(usize, Millis)> = (1..5).map(|tick| (tick * 20, at("05-04T00:00:00"))).collect();
        let found = run(&config, &shuffled, &ticks, &[30]);
        assert_eq!(differences(&found, &expected), Vec::<String>::new());
    }
}

/// More than is made at once without a tick, in any order, as a replay has it.
#[test]
fn many_facts_without_a_tick_are_made_in_between() {
    let mut all = Vec::new();
    for person in 0..150 {
        let id = format!("p{person}");
        all.push(is(identity(&id, 1, &[])));
        for message in 0..10 {
            let message_id = format!("{id}-{message}");
            let time = at("05-03T10:00:00") + message * 1_000;
            all.push(told_of(received(&message_id, &id, &format!("s-{id}"), time, "hola")));
        }
        all.push(told_of(session(
            &format!("s-{id}"),
            &id,
            1,
            waiting(at("05-03T10:00:00")),
        )));
    }
    let config = config("");
    let mut driver = driver(&config);
    driver.pipe_all(all.iter().map(Fact::record)).unwrap();
    assert!(told(&driver).len() > 500, "it does not wait for a tick that may be far");
    driver.tick(at(NOW)).unwrap();
    let expected = standing(&driver);
    assert_eq!(expected.len(), 150 * 12);
    let found = run(&config, &permuted(&all, 7), &[], &[1_000]);
    assert_eq!(differences(&found, &expected), Vec::<String>::new());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn order_repetition_ticks_and_restarts_do_not_matter(
        seed in any::<u64>(),
        ticks in prop::collection::vec((0..150_usize, at("05-01T00:00:00")..at("05-31T00:00:00")), 0..6),
        restarts in prop::collection::vec(0..150_usize, 0..3),
    ) {
        let expected = run(&everything(), &facts(), &[], &[]);
        let shuffled = permuted(&repeated(&facts(), seed), seed);
        let found = run(&everything(), &shuffled, &ticks, &restarts);
        prop_assert_eq!(differences(&found, &expected), Vec::<String>::new());
    }
}
