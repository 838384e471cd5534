//! Attribution, deals, consent and tasks.

use super::common::*;
use hilo_contracts::{
    details::Deal,
    facts::{Conversation, Rating, Session},
};
use hilo_crm::values::Object;
use hilo_domain::time::HOUR;

const NOW: &str = "06-01T00:00:00";
const DEALS: &str = "[policy.deals]\nreferral = true\ntags = [\"venta\"]\nintents = [\"comprar\"]\n";

fn with(rest: &str, facts: &[Fact], now: &str) -> Records {
    let mut all = vec![ana()];
    all.extend_from_slice(facts);
    made(&config(rest), &all, at(now))
}

fn opened(id: &str, time: &str) -> Fact {
    told_of(session(id, "ana", 1, waiting(at(time))))
}

/// First and last touch are the messages that came by an ad or a token, joined with the campaigns of the tenant. What the
/// tenant does not say is not known.
#[test]
fn first_and_last_touch_are_joined_with_campaigns() {
    let first = clicked("m1", "ana", "s1", at("05-02T10:00:00"), "120211");
    let unknown = clicked("m2", "ana", "s2", at("05-04T10:00:00"), "999");
    let token = received(
        "m3",
        "ana",
        "s3",
        at("05-06T10:00:00"),
        "Hola! vengo de [IG-42], ¿precio?",
    );
    let records = |facts: &[Conversation]| {
        let sessions = [
            ("s1", "05-02T10:00:00"),
            ("s2", "05-04T10:00:00"),
            ("s3", "05-06T10:00:00"),
        ];
        let mut all: Vec<Fact> = sessions.iter().map(|(id, time)| opened(id, time)).collect();
        all.extend(facts.iter().cloned().map(told_of));
        with("", &all, NOW)
    };
    let contact = |records: &Records| of(records, Object::Contact, &["ana"]).unwrap().clone();
    let all = contact(&records(&[token.clone(), unknown.clone(), first.clone()]));
    assert_eq!(all.time("s_first_touch_at"), Some(at("05-02T10:00:00")));
    for (name, value) in [
        ("s_first_touch_source", Some("facebook")),
        ("s_first_touch_medium", Some("cpc")),
        ("s_first_touch_campaign", Some("cyber")),
        ("s_first_touch_content", Some("video")),
        ("s_first_touch_ad", Some("120211")),
        ("s_last_touch_source", Some("instagram")),
        ("s_last_touch_campaign", Some("bio")),
        ("s_last_touch_content", None),
        ("s_last_touch_ad", Some("IG-42")),
        ("s_last_touch_click", None),
    ] {
        assert_eq!(all.get(name), value, "{name}");
    }
    // An ad that no table names: its id, and nothing guessed.
    let two = contact(&records(&[first, unknown]));
    assert_eq!(
        (two.get("s_last_touch_ad"), two.get("s_last_touch_campaign")),
        (Some("999"), None)
    );
    assert_eq!(two.get("s_last_touch_click"), Some("click-m2"));
    assert_eq!(contact(&records(&[])).get("s_first_touch_at"), None);
}

/// A token counts in the first text of a session only, and an earlier text takes that away.
#[test]
fn a_token_counts_in_the_first_text_of_its_session() {
    let token = received("m2", "ana", "s1", at("05-02T10:05:00"), "IG-42");
    let touch = |facts: &[Fact]| {
        let records = with("", facts, NOW);
        of(&records, Object::Contact, &["ana"])
            .unwrap()
            .get("s_last_touch_ad")
            .map(str::to_owned)
    };
    assert_eq!(
        touch(&[told_of(token.clone()), opened("s1", "05-02T10:05:00")]).as_deref(),
        Some("IG-42")
    );
    let earlier = Session {
        first_customer_at: Some(at("05-02T10:00:00")),
        ..waiting(at("05-02T10:00:00"))
    };
    let facts = [
        told_of(token.clone()),
        opened("s1", "05-02T10:05:00"),
        told_of(session("s1", "ana", 2, earlier)),
        told_of(received("m1", "ana", "s1", at("05-02T10:00:00"), "hola")),
    ];
    assert_eq!(touch(&facts), None);
    assert_eq!(touch(&[told_of(token)]), None, "it is in no session that holds");
}

#[test]
fn a_session_becomes_a_deal_by_policy() {
    let click = clicked("m1", "ana", "s1", at("05-02T10:00:00"), "120211");
    let facts = [told_of(click), opened("s1", "05-02T10:00:00")];
    let records = with(DEALS, &facts, NOW);
    let deal = of(&records, Object::Deal, &["session", "s1"]).unwrap();
    for (name, value) in [
        ("s_origin", "referral"),
        ("s_status", "open"),
        ("s_campaign", "cyber"),
        ("s_source", "facebook"),
        ("s_ad", "120211"),
        ("s_click", "click-m1"),
        ("s_name", "Ana Pérez Soto · cyber"),
    ] {
        assert_eq!(deal.get(name), Some(value), "{name}");
    }
    assert_eq!(deal.time("s_opened_at"), Some(at("05-02T10:00:00")));
    assert_eq!(
        deal.belongs_to,
        [
            ("contact".to_owned(), key(Object::Contact, &["ana"])),
            ("ticket".to_owned(), key(Object::Ticket, &["s1"]))
        ]
    );
    let off = "[policy.deals]\nreferral = false\n";
    assert_eq!(of(&with(off, &facts, NOW), Object::Deal, &["session", "s1"]), None);
    // By a tag or an intent; the touch is the last one before.
    let tag = inbox("t1", "tagged", "ana", "s2", at("05-05T10:30:00"), &["Venta"]);
    let intent = handed_off("h1", "ana", "s3", at("05-06T10:30:00"), "comprar");
    let mut more = facts.to_vec();
    more.extend([
        told_of(tag),
        told_of(intent),
        opened("s2", "05-05T10:00:00"),
        opened("s3", "05-06T10:00:00"),
    ]);
    let records = with(DEALS, &more, NOW);
    for (id, origin) in [("s2", "tag"), ("s3", "intent")] {
        let deal = of(&records, Object::Deal, &["session", id]).unwrap();
        assert_eq!(
            (deal.get("s_origin"), deal.get("s_campaign")),
            (Some(origin), Some("cyber")),
            "{id}"
        );
    }
    // A session that was none takes its deal along.
    more.push(told_of(retracted("s2", "ana", 2, waiting(at("05-05T10:00:00")))));
    assert_eq!(of(&with(DEALS, &more, NOW), Object::Deal, &["session", "s2"]), None);
}

fn crm_deal(id: &str, kind: &str, time: &str, stage: Option<&str>, amount: Option<&str>) -> Fact {
    let told = Deal {
        system: Some("hubspot".to_owned()),
        deal_id: Some("77".to_owned()),
        stage: stage.map(str::to_owned),
        amount: amount.map(str::to_owned),
        currency: amount.map(|_| "CLP".to_owned()),
        opened_at: (id == "d1").then(|| at("05-03T09:00:00")),
    };
    told_of(deal(id, kind, "ana", at(time), told))
}

/// A deal of the CRM is adopted by its id; stage and amount are what its latest event that names them says; the touch is
/// the last one at or before its opening.
#[test]
fn a_deal_of_the_crm_gets_what_led_to_it() {
    let touches = [
        told_of(clicked("m1", "ana", "", at("05-02T10:00:00"), "120211")),
        told_of(clicked("m2", "ana", "", at("05-03T10:00:00"), "120300")),
    ];
    let events = [
        crm_deal(
            "d1",
            "deal_stage_changed",
            "05-04T10:00:00",
            Some("propuesta"),
            Some("150000"),
        ),
        crm_deal("d3", "deal_won", "05-06T10:00:00", None, None),
        crm_deal("d2", "deal_stage_changed", "05-05T10:00:00", Some("cierre"), None),
    ];
    let records = with("", &[touches.to_vec(), events.to_vec()].concat(), NOW);
    let deal = of(&records, Object::Deal, &["hubspot", "77"]).unwrap();
    assert_eq!(deal.adopt_id.as_deref(), Some("77"));
    for (name, value) in [
        ("s_origin", "crm"),
        ("s_remote_id", "77"),
        ("s_stage", "cierre"),
        ("s_amount", "150000"),
        ("s_status", "won"),
        ("s_campaign", "cyber"),
    ] {
        assert_eq!(deal.get(name), Some(value), "{name}");
    }
    assert_eq!(deal.time("s_opened_at"), Some(at("05-03T09:00:00")));
    assert_eq!(deal.time("s_closed_at"), Some(at("05-06T10:00:00")));
    assert_eq!(
        deal.belongs_to,
        [("contact".to_owned(), key(Object::Contact, &["ana"]))]
    );
    // A deal of another CRM is none of this one's.
    let mut other = crm_deal("d9", "deal_won", "05-06T10:00:00", None, None);
    if let Fact::Conversation(fact) = &mut other {
        fact.details.as_mut().unwrap().deal.as_mut().unwrap().system = Some("salesforce".to_owned());
    }
    assert_eq!(
        with("", &[other], NOW)
            .keys()
            .filter(|(object, _)| object == "deal")
            .count(),
        0
    );
}

#[test]
fn a_contact_shows_the_consent_that_holds() {
    let granted = consent("e1", "ana", at("05-02T00:00:00"), ("granted", "granted"), "form");
    let withdrawn = consent("e2", "ana", at("05-03T00:00:00"), ("withdrawn", "denied"), "keyword");
    let shown = |facts: &[Fact]| {
        let records = with("", facts, NOW);
        let contact = of(&records, Object::Contact, &["ana"]).unwrap().clone();
        let get = |name: &str| contact.get(name).unwrap_or_default().to_owned();
        (
            get("s_whatsapp_marketing"),
            contact.time("s_whatsapp_marketing_at"),
            get("s_whatsapp_marketing_how"),
            get("s_whatsapp_marketing_evidence"),
        )
    };
    let is = |state: &str, time: &str, how: &str, entry: &str| {
        (state.to_owned(), Some(at(time)), how.to_owned(), entry.to_owned())
    };
    assert_eq!(
        shown(&[said(granted.clone())]),
        is("granted", "05-02T00:00:00", "form", "e1")
    );
    assert_eq!(
        shown(&[said(withdrawn.clone()), said(granted.clone())]),
        is("withdrawn", "05-03T00:00:00", "keyword", "e2")
    );
    let mut gone = withdrawn.clone();
    gone.kind = "retracted".to_owned();
    gone.revision = 2;
    assert_eq!(
        shown(&[said(gone), said(withdrawn), said(granted.clone())]),
        is("granted", "05-02T00:00:00", "form", "e1")
    );
    // A grant for a time ends by time alone.
    let mut ending = granted;
    ending.valid_to = Some(at("05-20T00:00:00"));
    let mut driver = driver(&config(""));
    driver.pipe_all([ana(), said(ending)].iter().map(Fact::record)).unwrap();
    let now = |driver: &hilo_stream::TestDriver| {
        let records = standing(driver);
        of(&records, Object::Contact, &["ana"])
            .unwrap()
            .get("s_whatsapp_marketing")
            .map(str::to_owned)
    };
    driver.tick(at("05-19T23:59:59")).unwrap();
    assert_eq!(now(&driver).as_deref(), Some("granted"));
    driver.tick(at("05-20T00:00:00")).unwrap();
    assert_eq!(now(&driver), None);
}

pub(super) const RULES: &str = r#"
[[rules]]
name = "failed"
version = 2
subject = "Revisar {template} de {contact}"
body = "Falló por {class}"
priority = "high"
due_seconds = 3600
[rules.when.failed]
classes = ["template"]
[[rules.examples]]
given.failed.class = "template"
fires = true

[[rules]]
name = "unanswered"
version = 1
subject = "Llamar a {contact}"
priority = "medium"
due_seconds = 60
[rules.when.unanswered]
templates = ["cobranza*"]
after_seconds = 86400
[[rules.examples]]
given.unanswered = { template = "cobranza_1", seconds = 86400 }
fires = true

[[rules]]
name = "reschedule"
version = 1
subject = "Reprogramar: {tag}{intent}"
link = "https://example.com/flow"
priority = "medium"
due_seconds = 0
[rules.when.tagged]
tags = ["reprogramar"]
intents = ["reprogramar"]
[[rules.examples]]
given.tagged.tag = "reprogramar"
fires = true

[[rules]]
name = "bad"
version = 1
subject = "Nota {score} en {instrument}"
priority = "low"
due_seconds = 0
[rules.when.rated]
instrument = "csat"
at_most = "2"
[[rules.examples]]
given.rated = { instrument = "csat", score = "2" }
fires = true
"#;

fn tasks(records: &Records) -> usize {
    records.keys().filter(|(object, _)| object == "task").count()
}

#[test]
fn a_failed_send_is_a_task_once_and_no_more_when_it_arrives_after_all() {
    let send = template("m1", "ana", at("05-02T10:00:00"), "cita", "es_CL");
    let mut failed = status("m1", "ana", 1, Some("failed"), at("05-02T10:01:00"));
    failed.error_class = Some("template".to_owned());
    let facts = [told_of(send), became(failed.clone())];
    let records = with(RULES, &facts, NOW);
    let task = of(&records, Object::Task, &["failed", "m1"]).unwrap();
    assert_eq!(task.rule.as_deref(), Some("failed@2"));
    for (name, value) in [
        ("s_rule", "failed"),
        ("s_subject", "Revisar cita de Ana Pérez Soto"),
        ("s_body", "Falló por template"),
        ("s_priority", "high"),
        ("s_status", "open"),
    ] {
        assert_eq!(task.get(name), Some(value), "{name}");
    }
    assert_eq!(task.time("s_caused_at"), Some(at("05-02T10:01:00")));
    assert_eq!(task.time("s_due_at"), Some(at("05-02T11:01:00")));
    assert_eq!(
        task.belongs_to,
        [("contact".to_owned(), key(Object::Contact, &["ana"]))]
    );
    assert_eq!(tasks(&records), 1);
    let other = Some("rate".to_owned());
    let rate = hilo_contracts::facts::Status {
        error_class: other,
        revision: 2,
        ..failed
    };
    assert_eq!(
        tasks(&with(RULES, &[facts[0].clone(), facts[1].clone(), became(rate)], NOW)),
        0
    );
    let arrived = status("m1", "ana", 3, Some("delivered"), at("05-02T10:09:00"));
    assert_eq!(
        tasks(&with(
            RULES,
            &[facts[0].clone(), became(arrived), facts[1].clone()],
            NOW
        )),
        0
    );
}

/// A task of a message names who has its session by now, also by a fact that comes later.
#[test]
fn a_task_of_a_message_names_the_agent_of_its_ticket() {
    let send = sent("m1", "ana", "s1", at("05-02T10:05:00"), ("agent", "luis"), "hola");
    let mut failed = status("m1", "ana", 1, Some("failed"), at("05-02T10:06:00"));
    failed.error_class = Some("template".to_owned());
    let with_agent = |agent: &str| Session {
        agent: Some(agent.to_owned()),
        queue: Some("soporte".to_owned()),
        ..waiting(at("05-02T10:00:00"))
    };
    let mut driver = driver(&config(RULES));
    let facts = [
        ana(),
        told_of(send),
        became(failed),
        told_of(session("s1", "ana", 1, with_agent("luis"))),
    ];
    driver.pipe_all(facts.iter().map(Fact::record)).unwrap();
    driver.tick(at(NOW)).unwrap();
    let agent = |driver: &hilo_stream::TestDriver| {
        let records = standing(driver);
        let task = of(&records, Object::Task, &["failed", "m1"]).unwrap().clone();
        (
            task.get("s_agent").map(str::to_owned),
            task.get("s_queue").map(str::to_owned),
        )
    };
    assert_eq!(agent(&driver), (Some("luis".to_owned()), Some("soporte".to_owned())));
    driver
        .pipe(told_of(session("s1", "ana", 2, with_agent("eva"))).record())
        .unwrap();
    driver.tick(at(NOW)).unwrap();
    assert_eq!(agent(&driver), (Some("eva".to_owned()), Some("soporte".to_owned())));
}

#[test]
fn a_template_read_and_unanswered_is_a_task_by_time_alone() {
    let sent_at = at("05-02T10:00:00");
    let send = told_of(template("m1", "ana", sent_at, "cobranza_mayo", "es_CL"));
    let mut read = status("m1", "ana", 1, Some("read"), at("05-02T12:00:00"));
    read.template = None;
    let facts = [ana(), send.clone(), became(read)];
    let mut driver = driver(&config(RULES));
    driver.pipe_all(facts.iter().map(Fact::record)).unwrap();
    let due = at("05-03T12:00:00");
    let task = |driver: &hilo_stream::TestDriver| of(&standing(driver), Object::Task, &["unanswered", "m1"]).cloned();
    driver.tick(due - 1_000).unwrap();
    assert_eq!(task(&driver), None);
    driver.restart().unwrap();
    driver.tick(due).unwrap();
    let fired = task(&driver).unwrap();
    assert_eq!(
        (fired.time("s_caused_at"), fired.time("s_due_at")),
        (Some(due), Some(due + 60_000))
    );
    assert_eq!(fired.get("s_status"), Some("open"));
    // An answer after that: there is nothing left to do. One before, which only comes now: there never was.
    let late = received("a1", "ana", "", due + HOUR, "ya pagué");
    driver.pipe(told_of(late).record()).unwrap();
    driver.tick(due + HOUR).unwrap();
    assert_eq!(task(&driver).unwrap().get("s_status"), Some("done"));
    let before = received("a0", "ana", "", due - HOUR, "mañana pago");
    driver.pipe(told_of(before.clone()).record()).unwrap();
    driver.tick(due + HOUR).unwrap();
    assert_eq!(task(&driver), None);
    assert_eq!(
        told(&driver).last().map(|record| record.kind.clone()).as_deref(),
        Some("deleted")
    );
    // That answer turns out to be another person's.
    let mut gone = again(&before, 2);
    gone.person_id = Some("bea".to_owned());
    driver.pipe(told_of(gone).record()).unwrap();
    driver.tick(due + HOUR).unwrap();
    assert_eq!(task(&driver).unwrap().get("s_status"), Some("done"));
    // What was written before the send answers nothing, and another template is not waited for.
    let earlier = told_of(received("a2", "ana", "", sent_at - 1_000, "hola"));
    let records = made(&config(RULES), &[facts.to_vec(), vec![earlier]].concat(), due);
    assert_eq!(tasks(&records), 1);
    let promo = told_of(template("m1", "ana", sent_at, "promo", "es_CL"));
    assert_eq!(tasks(&made(&config(RULES), &[ana(), promo, facts[2].clone()], due)), 0);
}

#[test]
fn a_tag_or_intent_is_one_task_a_session() {
    let tag = inbox("t1", "tagged", "ana", "s1", at("05-02T10:30:00"), &["Reprogramar"]);
    let twice = inbox("t2", "tagged", "ana", "s1", at("05-02T10:40:00"), &["reprogramar"]);
    let intent = handed_off("h1", "ana", "s1", at("05-02T10:20:00"), "reprogramar");
    let state = Session {
        queue: Some("agenda".to_owned()),
        agent: Some("luis".to_owned()),
        ..waiting(at("05-02T10:00:00"))
    };
    let facts = [
        told_of(tag.clone()),
        told_of(twice.clone()),
        told_of(session("s1", "ana", 1, state)),
    ];
    let records = with(RULES, &facts, NOW);
    assert_eq!(tasks(&records), 1);
    let task = of(&records, Object::Task, &["reschedule", "s1"]).unwrap();
    for (name, value) in [
        ("s_subject", "Reprogramar: Reprogramar"),
        ("s_link", "https://example.com/flow"),
        ("s_queue", "agenda"),
        ("s_agent", "luis"),
    ] {
        assert_eq!(task.get(name), Some(value), "{name}");
    }
    assert_eq!(task.time("s_caused_at"), Some(at("05-02T10:30:00")));
    assert_eq!(task.belongs_to.len(), 2);
    // The bot knew it before: still one task, now since then.
    let with_intent = with(RULES, &[facts.to_vec(), vec![told_of(intent)]].concat(), NOW);
    assert_eq!(tasks(&with_intent), 1);
    let task = of(&with_intent, Object::Task, &["reschedule", "s1"]).unwrap();
    assert_eq!(task.time("s_caused_at"), Some(at("05-02T10:20:00")));
    // Both events turn out to belong elsewhere.
    let away = |fact: &Conversation| {
        let mut gone = again(fact, 2);
        gone.session_id = None;
        told_of(gone)
    };
    assert_eq!(
        tasks(&with(
            RULES,
            &[facts.to_vec(), vec![away(&tag), away(&twice)]].concat(),
            NOW
        )),
        0
    );
}

#[test]
fn a_bad_rating_is_a_task_while_it_is_the_one_that_counts() {
    let rated = |score: &str| Session {
        ratings: vec![Rating {
            instrument: "csat".to_owned(),
            score: score.to_owned(),
            scale: "5".to_owned(),
            rated_at: at("05-02T12:00:00"),
        }],
        ..over(waiting(at("05-02T10:00:00")), at("05-02T11:00:00"), "resolved")
    };
    let fact = |revision, score| told_of(session("s1", "ana", revision, rated(score)));
    let records = with(RULES, &[fact(1, "2")], NOW);
    let task = of(&records, Object::Task, &["bad", "s1"]).unwrap();
    assert_eq!(task.get("s_subject"), Some("Nota 2 en csat"));
    assert_eq!(tasks(&with(RULES, &[fact(2, "4"), fact(1, "2")], NOW)), 0);
}
