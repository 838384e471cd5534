//! Parts of the worked example: facts written by hand, lines of its `expected/state`.

use super::{
    facts::{Log, accepted, at, event, person, received, sent, session, template},
    state,
};
use crate::{Counts, Golden};
use hilo_contracts::facts::{Clock, Session, Status};
use std::path::Path;

const CAMILA: [(&str, &str, bool); 4] = [
    ("wa_id", "56961234567", false),
    ("phone", "+56961234567", false),
    ("bsuid", "CL.1001", false),
    ("username", "camila", false),
];

/// Groups 01, 06, 11, 14 and 19 of the example, with the group of each fact's kind told as the processors tell it.
fn log() -> Log {
    let mut log = Log::default();
    log.identity(&person("p-camila", 1, "CL", &CAMILA));
    log.identity(&person(
        "p-leo",
        1,
        "CL",
        &[("phone", "+56977770010", false), ("wa_id", "56977770010", false)],
    ));
    log.identity(&person(
        "p-orphan",
        1,
        "CO",
        &[("phone", "+573211230031", false), ("wa_id", "573211230031", false)],
    ));
    let diego = [
        ("phone", "+573211234567", true),
        ("phone", "+573219876543", false),
        ("wa_id", "573211234567", true),
        ("wa_id", "573219876543", false),
    ];
    log.identity(&person("p-diego", 2, "CO", &diego));

    // 01: opened with the first message, told again when it is resolved; the courtesy is listed after it.
    let opened = at("2026-05-04T13:00:00Z");
    let answered = at("2026-05-04T13:02:00Z");
    let open = Session {
        opened_at: opened,
        opened_by: "customer".into(),
        ..Session::default()
    };
    let clock = Clock {
        started_at: opened,
        stopped_at: Some(answered),
        agent: Some("ana".into()),
        agent_started_at: Some(opened + 30_000),
    };
    log.conversation(&received("wamid.A001", "p-camila", opened, Some("s1")));
    log.conversation(&session("s1", "p-camila", 1, open.clone()));
    log.conversation(&sent("wamid.A002", "p-camila", answered, Some("s1"), Some("ana")));
    log.conversation(&session(
        "s1",
        "p-camila",
        2,
        Session {
            closed_at: Some(at("2026-05-04T13:20:00Z")),
            close_reason: Some("resolved".into()),
            first_customer_at: Some(opened),
            frt_human: Some(clock.clone()),
            frt_any: Some(clock),
            ..open
        },
    ));
    log.conversation(&received(
        "wamid.A003",
        "p-camila",
        at("2026-05-04T13:24:00Z"),
        Some("s1"),
    ));
    log.status(&accepted("wamid.A002", 1, answered));
    log.status(&Status {
        effective_status: Some("read".into()),
        sent_at: Some(at("2026-05-04T13:02:01Z")),
        delivered_at: Some(at("2026-05-04T13:02:02Z")),
        read_at: Some(at("2026-05-04T13:02:10Z")),
        ..accepted("wamid.A002", 4, answered)
    });

    // 06: an orphan.
    log.status(&Status {
        accepted: false,
        accepted_at: None,
        orphan: true,
        message_type: "unknown".into(),
        effective_status: Some("delivered".into()),
        delivered_at: Some(at("2026-05-04T11:00:00Z")),
        first_status_at: Some(at("2026-05-04T11:00:00Z")),
        person_id: Some("p-orphan".into()),
        ..accepted("wamid.A021", 1, 0)
    });

    // 11: failed, then delivered.
    let promo = at("2026-05-05T15:00:03Z");
    log.status(&Status {
        message_type: "template".into(),
        effective_status: Some("delivered".into()),
        delivered_at: Some(at("2026-05-05T15:00:10Z")),
        failed_at: Some(at("2026-05-05T15:00:06Z")),
        error_codes: vec![131_049],
        template: Some(template("promo_otono", "es")),
        campaign: Some("otono".into()),
        segment: Some("nuevo".into()),
        ..accepted("wamid.A015", 3, promo)
    });
    log.conversation(&sent("wamid.A015", "p-leo", promo, None, None));

    // 14: an echo.
    let mut echo = sent("wamid.A042", "p-camila", at("2026-05-07T12:04:01Z"), None, None);
    echo.event_id = "echo-A042".into();
    log.conversation(&echo);
    log.status(&Status {
        accepted: false,
        ..accepted("wamid.A042", 1, echo.event_time)
    });

    // 19: a system message is no message.
    let mut system = received("wamid.A050", "p-diego", at("2026-05-08T10:00:00Z"), None);
    system.kind = "system_message".into();
    system.message_type = Some("system".into());
    log.conversation(&system);
    log.conversation(&event(
        "e1",
        "p-camila",
        "assigned",
        at("2026-05-04T13:00:30Z"),
        Some(r#"{"agent":"ana"}"#),
    ));
    log
}

fn golden() -> Golden {
    let mut golden = Golden::open_in_memory().unwrap();
    golden.apply(&log().records).unwrap();
    golden
}

#[test]
fn the_state_is_byte_for_byte_that_of_the_example() {
    let expected = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/example/expected/state");
    if !expected.exists() {
        eprintln!("SKIPPED: the worked example is not there");
        return;
    }
    let of = |file: &str, ids: &[&str]| -> String {
        let text = std::fs::read_to_string(expected.join(file)).unwrap();
        let mine = text
            .split_inclusive('\n')
            .filter(|line| ids.iter().any(|id| line.contains(id)));
        mine.collect()
    };
    let acme = "\"tenant\":\"acme\"";
    let [persons, sessions, messages] = state(&golden());
    // The number of beta's person is that of the first one of acme, so tenant and id together pick a line.
    let people = of(
        "persons.ndjson",
        &["CL.1001", "+56977770010", "+573211230031", "+573219876543"],
    );
    assert!(people.lines().all(|line| line.contains(acme)));
    assert_eq!(persons, people);
    assert_eq!(sessions, of("sessions.ndjson", &["wamid.A001"]));
    let ids = ["A001", "A002", "A003", "A015", "A021", "A042"].map(|id| format!("\"message_id\":\"wamid.{id}\""));
    assert_eq!(messages, of("messages.ndjson", &ids.each_ref().map(String::as_str)));
}

#[test]
fn the_counts_are_those_of_the_definitions() {
    let want = Counts {
        persons: 4,
        sessions: 1,
        messages_received: 2,
        messages_sent: 3,
        messages_history: 0,
        orphans: 1,
    };
    assert_eq!(golden().counts().unwrap(), want);
}
