//! One rule each.

use super::{
    dump,
    facts::{Log, accepted, event, observation, person, received, sent, session},
    state,
};
use crate::{Golden, Turn};
use hilo_contracts::{
    details::Details,
    facts::{Clock, Consent, Conversation, Identity, Session, Status},
};
use hilo_domain::Millis;

pub(super) fn applied(log: &Log) -> Golden {
    let mut golden = Golden::open_in_memory().unwrap();
    golden.apply(&log.records).unwrap();
    golden
}

fn one_by_one(log: &Log) -> Golden {
    let mut golden = Golden::open_in_memory().unwrap();
    for record in &log.records {
        golden.apply(std::slice::from_ref(record)).unwrap();
    }
    golden
}

const PHONE: [(&str, &str, bool); 1] = [("phone", "+56961234567", false)];

#[test]
fn a_person_who_became_part_of_another_is_gone_and_leads_there() {
    let mut log = Log::default();
    log.identity(&person("a", 1, "CL", &PHONE));
    log.identity(&person("b", 1, "CL", &[("bsuid", "CL.1", false)]));
    log.conversation(&session(
        "s",
        "b",
        1,
        Session {
            opened_by: "customer".into(),
            ..Session::default()
        },
    ));
    let both = [("phone", "+56961234567", false), ("bsuid", "CL.1", false)];
    log.identity(&Identity {
        kind: "merged".into(),
        other_person_id: Some("b".into()),
        ..person("a", 2, "CL", &both)
    });
    log.identity(&Identity {
        kind: "closed".into(),
        other_person_id: Some("a".into()),
        ..person("b", 2, "CL", &[])
    });
    let golden = applied(&log);
    let [persons, sessions, _] = state(&golden);
    let ids = r#"[{"kind":"bsuid","value":"CL.1"},{"kind":"phone","value":"+56961234567"}]"#;
    assert_eq!(
        persons,
        format!("{{\"tenant\":\"acme\",\"identifiers\":{ids},\"former\":[],\"country\":\"CL\"}}\n")
    );
    assert!(sessions.contains(&format!("\"person\":{ids}")), "{sessions}");
    assert_eq!(golden.counts().unwrap().persons, 1);
}

#[test]
fn what_came_back_is_not_former() {
    let mut log = Log::default();
    log.identity(&person(
        "a",
        3,
        "CL",
        &[("phone", "+1", true), ("phone", "+1", false), ("phone", "+2", true)],
    ));
    let [persons, ..] = state(&applied(&log));
    let want = r#""identifiers":[{"kind":"phone","value":"+1"}],"former":[{"kind":"phone","value":"+2"}]"#;
    assert!(persons.contains(want), "{persons}");
}

#[test]
fn a_message_moves_with_a_higher_revision_and_keeps_its_content() {
    let first = received("m", "a", 5, Some("s-a"));
    let moved = Conversation {
        revision: 2,
        content: None,
        ..received("m", "b", 5, Some("s-b"))
    };
    let late = Conversation {
        revision: 2,
        content: None,
        ..received("n", "b", 6, Some("s-b"))
    };
    let mut log = Log::default();
    // The second message's correction comes first: it is in another partition.
    for fact in [&first, &moved, &late, &received("n", "a", 6, Some("s-a"))] {
        log.conversation(fact);
    }
    for golden in [applied(&log), one_by_one(&log)] {
        let rows: Vec<(String, String, String)> = golden
            .connection
            .prepare("SELECT person_id, session_id, content FROM messages ORDER BY message_id")
            .unwrap()
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        let row = |content: &str| ("b".to_owned(), "s-b".to_owned(), content.to_owned());
        assert_eq!(rows, [row(r#"{"id":"m"}"#), row(r#"{"id":"n"}"#)]);
    }
}

/// The processors give a duplicate that holds revisions above all that was told of the one before, whoever had that.
#[test]
fn a_duplicate_that_holds_does_so_in_whatever_order_partitions_are_read() {
    const BETTER: i64 = 1 << 24;
    let told = |person: &str, at, revision, content: Option<&str>, delivery_id: &str| {
        let mut fact = Conversation {
            revision,
            content: content.map(str::to_owned),
            ..received("m", person, at, Some("s"))
        };
        fact.source.delivery_id = delivery_id.to_owned();
        fact
    };
    for (at, content) in [(9, r#"{"of":"one time"}"#), (5, r#"{"of":"an earlier one"}"#)] {
        let facts = [
            told("a", 9, 1, Some(r#"{"the":"other"}"#), "d1"),
            told("b", 9, 2, None, "d1"),
            told("b", at, BETTER + 1, Some(content), "d2"),
            told("a", at, BETTER + 2, None, "d2"),
        ];
        for seed in 0..200 {
            let mut log = Log::default();
            for fact in hilo_stream::driver::permuted(&facts, seed) {
                log.conversation(&fact);
            }
            for golden in [applied(&log), one_by_one(&log)] {
                let found: (String, i64, String) = golden
                    .connection
                    .query_row("SELECT person_id, event_time, content FROM messages", [], |row| {
                        Ok((row.get(0)?, row.get(1)?, row.get(2)?))
                    })
                    .unwrap();
                assert_eq!(found, ("a".to_owned(), at, content.to_owned()));
            }
        }
    }
}

#[test]
fn details_come_from_the_first_of_line_received_echo_history_statuses() {
    let of = |facts: &[Conversation], status: Option<Status>| {
        let mut log = Log::default();
        for fact in facts {
            log.conversation(fact);
        }
        if let Some(status) = &status {
            log.status(status);
        }
        let golden = applied(&log);
        let [_, _, messages] = state(&golden);
        let counts = golden.counts().unwrap();
        (
            messages,
            [
                counts.messages_received,
                counts.messages_sent,
                counts.messages_history,
                counts.orphans,
            ],
        )
    };
    let line = |direction: &str, kind: &str, event: i64, accepted: &str, status: &str| {
        format!(
            "{{\"tenant\":\"acme\",\"message_id\":\"m\",\"direction\":\"{direction}\",\"type\":\"{kind}\",\
             \"event_time\":\"1970-01-01T00:00:0{event}Z\",\"accepted_at\":{accepted},\"effective_status\":{status},\
             \"sent_at\":{},\"delivered_at\":null,\"read_at\":null,\"played_at\":null,\"failed_at\":null,\
             \"error_codes\":[],\"template\":null,\"language\":null,\"campaign\":null,\"segment\":null}}\n",
            if status == "null" {
                "null"
            } else {
                "\"1970-01-01T00:00:04Z\""
            },
        )
    };
    let time = |second: i64| format!("\"1970-01-01T00:00:0{second}Z\"");
    let received = |kind: &str| Conversation {
        message_type: Some(kind.into()),
        ..received("m", "a", 2_000, None)
    };
    let echo = |kind: &str| Conversation {
        message_type: Some(kind.into()),
        ..sent("m", "a", 3_000, None, None)
    };
    let history = Conversation {
        kind: "message_history".into(),
        message_type: Some("video".into()),
        direction: Some("outbound".into()),
        ..received("x")
    };
    let status = |accepted_line: bool, orphan: bool| Status {
        accepted: accepted_line,
        orphan,
        effective_status: Some("sent".into()),
        sent_at: Some(4_000),
        first_status_at: Some(1_000),
        message_type: if orphan { "unknown" } else { "text" }.into(),
        ..accepted("m", 1, 1_000)
    };
    let sent_status = "\"sent\"";

    let all = [received("image"), echo("audio"), history.clone()];
    let outbound = (line("outbound", "text", 1, &time(1), sent_status), [1, 1, 0, 0]);
    assert_eq!(of(&all, Some(status(true, false))), outbound);
    assert_eq!(
        of(&all, Some(status(false, false))),
        (line("inbound", "image", 2, &time(3), "null"), [1, 1, 0, 0])
    );
    assert_eq!(
        of(&all[1..], Some(status(false, false))),
        (line("outbound", "audio", 3, &time(3), sent_status), [0, 1, 0, 0])
    );
    assert_eq!(
        of(&all[2..], None),
        (line("outbound", "video", 2, "null", "null"), [0, 0, 1, 0])
    );
    assert_eq!(
        of(&[], Some(status(false, true))),
        (line("outbound", "unknown", 1, "null", sent_status), [0, 0, 0, 1])
    );
    for kind in ["reaction", "edit", "revoke", "system", "request_welcome"] {
        assert_eq!(
            of(&[received(kind), history.clone()], Some(status(false, false))),
            (String::new(), [0; 4]),
            "{kind}"
        );
    }
    assert_eq!(
        of(&[echo("edit"), history], Some(status(false, false))),
        (String::new(), [0; 4])
    );
    assert_eq!(
        of(&[echo("reaction")], None),
        (line("outbound", "reaction", 3, &time(3), "null"), [0, 1, 0, 0])
    );
}

#[test]
fn a_retracted_session_is_gone_and_may_come_back() {
    let open = |revision| {
        session(
            "s",
            "a",
            revision,
            Session {
                opened_by: "customer".into(),
                ..Session::default()
            },
        )
    };
    let retracted = Conversation {
        kind: "session_retracted".into(),
        ..open(2)
    };
    let mut log = Log::default();
    log.conversation(&open(1));
    log.conversation(&retracted);
    assert_eq!(applied(&log).counts().unwrap().sessions, 0);
    log.conversation(&open(1));
    assert_eq!(applied(&log).counts().unwrap().sessions, 1);
}

#[test]
fn messages_of_a_session_are_in_time_order_customers_first() {
    let mut log = Log::default();
    log.conversation(&sent("c", "a", 5, Some("s"), Some("ana")));
    log.conversation(&received("d", "a", 5, Some("s")));
    log.conversation(&received("b", "a", 5, Some("s")));
    log.conversation(&received("z", "a", 1, Some("s")));
    log.conversation(&received("other", "a", 2, None));
    log.conversation(&session(
        "s",
        "a",
        1,
        Session {
            opened_at: 1,
            opened_by: "customer".into(),
            ..Session::default()
        },
    ));
    let [_, sessions, _] = state(&applied(&log));
    assert!(sessions.contains(r#""messages":["z","b","d","c"]"#), "{sessions}");
}

#[test]
fn a_case_is_its_last_human_senders_else_the_last_assigned() {
    let opened = Session {
        opened_by: "customer".into(),
        ..Session::default()
    };
    let mut log = Log::default();
    let assigned = |id: &str, session: &str, at, agent: &str| Conversation {
        session_id: Some(session.into()),
        ..event(id, "a", "assigned", at, Some(&format!(r#"{{"agent":"{agent}"}}"#)))
    };
    log.conversation(&session("s1", "a", 1, opened.clone()));
    log.conversation(&assigned("e1", "s1", 9, "bruno"));
    log.conversation(&sent("m1", "a", 2, Some("s1"), Some("ana")));
    log.conversation(&sent("m2", "a", 3, Some("s1"), None));
    log.conversation(&session(
        "s2",
        "a",
        1,
        Session {
            closed_at: Some(8),
            close_reason: Some("resolved".into()),
            ..opened
        },
    ));
    log.conversation(&assigned("e2", "s2", 3, "carla"));
    log.conversation(&assigned("e3", "s2", 4, "dora"));
    let golden = applied(&log);
    let mut statement = golden
        .connection
        .prepare("SELECT case_id, status, agent FROM cases ORDER BY case_id")
        .unwrap();
    let cases: Vec<(String, String, String)> = statement
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let case = |id: &str, status: &str, agent: &str| (id.to_owned(), status.to_owned(), agent.to_owned());
    assert_eq!(cases, [case("s1", "open", "ana"), case("s2", "closed", "dora")]);
}

#[test]
fn consents_and_deals_are_what_was_seen() {
    let mut log = Log::default();
    let said = |entry: &str, sequence, state: &str, kind: &str| Consent {
        tenant: "t".into(),
        person_id: "a".into(),
        entry_id: entry.into(),
        kind: kind.into(),
        state: state.into(),
        sequence,
        ..Consent::default()
    };
    log.consent(&said("x", 1, "blocked", "entry"));
    log.consent(&said("y", 2, "withdrawn", "entry"));
    log.consent(&said("z", 3, "unblocked", "entry"));
    log.consent(&said("y", 0, "withdrawn", "retracted"));
    log.consent(&said("z", 2, "unblocked", "entry"));
    let deal = |id: &str, kind: &str, at, stage: &str| {
        let content =
            format!(r#"{{"amount":"120","currency":"CLP","deal_id":"d1","stage":"{stage}","system":"hubspot"}}"#);
        event(id, "a", kind, at, Some(&content))
    };
    log.conversation(&deal("e3", "deal_won", 9, "won"));
    log.conversation(&deal("e2", "deal_stage_changed", 7, "talks"));
    let golden = applied(&log);
    let rows = dump(&golden);
    let of = |table: &str| rows.iter().filter(|row| row.starts_with(table)).count();
    assert_eq!((of("consents "), of("deals ")), (2, 1));
    let kinds: Vec<(String, i64)> = golden
        .consents("a")
        .unwrap()
        .into_iter()
        .map(|entry| (entry.state, entry.sequence))
        .collect();
    assert_eq!(kinds, [("blocked".to_owned(), 1), ("unblocked".to_owned(), 2)]);
    let deal: (String, String, String, i64) = golden
        .connection
        .query_row("SELECT last_event, stage, amount, updated_at FROM deals", [], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        })
        .unwrap();
    assert_eq!(deal, ("deal_won".to_owned(), "won".to_owned(), "120".to_owned(), 9));
}

#[test]
fn the_latest_observation_of_a_kind_holds() {
    let mut log = Log::default();
    log.account(&observation("7001", "quality", 1, 9, "RED"));
    log.account(&observation("7001", "quality", 2, 5, "GREEN"));
    log.account(&observation("7001", "template_status", 3, 7, "YELLOW"));
    let golden = applied(&log);
    let states = golden
        .account(&golden.tenants().unwrap(), &crate::AccountQuestion::default())
        .unwrap();
    let seen: Vec<_> = states
        .iter()
        .map(|state| (state.kind.as_str(), state.quality.as_deref(), state.at))
        .collect();
    assert_eq!(
        seen,
        [("quality", Some("RED"), 9), ("template_status", Some("YELLOW"), 7)]
    );
}

#[test]
fn recent_conversations_say_whose_turn_it_is() {
    let mut log = Log::default();
    let human = Some(Clock {
        started_at: 1,
        ..Clock::default()
    });
    for (name, at, last, of) in [
        (
            "waiting",
            9,
            None,
            Session {
                frt_human: human.clone(),
                ..Session::default()
            },
        ),
        ("bot", 8, Some("bot"), Session::default()),
        (
            "answered",
            7,
            Some("agent"),
            Session {
                frt_human: human,
                ..Session::default()
            },
        ),
        (
            "resolved",
            6,
            None,
            Session {
                closed_at: Some(9),
                close_reason: Some("resolved".into()),
                ..Session::default()
            },
        ),
        (
            "silent",
            5,
            None,
            Session {
                closed_at: Some(9),
                close_reason: Some("inactivity".into()),
                ..Session::default()
            },
        ),
    ] {
        log.identity(&person(name, 1, "CL", &[("bsuid", "CL.7", false), PHONE[0]]));
        let opened = Session {
            opened_by: "customer".into(),
            queue: Some("soporte".into()),
            ..of
        };
        log.conversation(&session(&format!("s-{name}"), name, 1, opened));
        let mut message = match last {
            Some(_) => sent(name, name, at, None, None),
            None => received(name, name, at, None),
        };
        if let (Some(author), Some(kind)) = (&mut message.author, last) {
            author.kind = kind.into();
        }
        log.conversation(&message);
    }
    log.identity(&person("campaign", 1, "CL", &PHONE));
    log.conversation(&sent("campaign", "campaign", 4, None, None));
    // What left a thread is not shown in it any more.
    log.identity(&person("moved", 1, "CL", &PHONE));
    log.conversation(&received("gone", "moved", 3, None));
    log.conversation(&Conversation {
        revision: 2,
        ..received("gone", "waiting", 3, None)
    });
    let recent = {
        let golden = applied(&log);
        golden.recent_conversations(&golden.tenants().unwrap(), 10).unwrap()
    };
    let seen: Vec<_> = recent
        .iter()
        .map(|row| (row.person_id.as_str(), row.turn, row.inbound))
        .collect();
    assert_eq!(
        seen,
        [
            ("waiting", Turn::Waiting, true),
            ("bot", Turn::Bot, false),
            ("answered", Turn::Answered, false),
            ("resolved", Turn::Resolved, true),
            ("silent", Turn::Inactive, true),
            ("campaign", Turn::None, false),
        ]
    );
    assert_eq!(
        (recent[0].identifier.as_deref(), recent[0].queue.as_deref()),
        (Some("+56961234567"), Some("soporte"))
    );
}

#[test]
fn an_id_leads_to_its_rows() {
    let mut log = Log::default();
    log.identity(&person("a", 1, "CL", &PHONE));
    log.conversation(&received("wamid.1", "a", 5, Some("s")));
    log.conversation(&Conversation {
        tenant: "beta".into(),
        ..received("wamid.1", "b", 6, None)
    });
    log.conversation(&session(
        "s",
        "a",
        1,
        Session {
            opened_by: "customer".into(),
            ..Session::default()
        },
    ));
    log.status(&accepted("wamid.2", 1, 1));
    let golden = applied(&log);
    let tables = |id: &str| {
        golden
            .trace(&golden.tenants().unwrap(), id, 100)
            .unwrap()
            .into_iter()
            .map(|traced| traced.table)
            .collect::<Vec<_>>()
    };
    assert_eq!(tables("a"), ["contacts", "identifiers", "sessions", "message_parts"]);
    assert_eq!(tables("s"), ["sessions", "message_parts"]);
    assert_eq!(tables("wamid.1"), ["message_parts", "message_parts"]);
    assert_eq!(tables("wamid.2"), ["message_status"]);
    assert_eq!(tables("nobody"), [""; 0]);
}

#[test]
fn a_window_is_open_after_the_latest_message_or_call_of_the_person() {
    const DAY: i64 = 86_400_000;
    let mut log = Log::default();
    let message = |id: &str, at: i64| Conversation {
        conversation_id: Some("c1".into()),
        window_expires_at: Some(at + DAY),
        ..received(id, "p1", at, None)
    };
    log.conversation(&message("m1", 1_000));
    let call = |at: i64, direction: &str| Conversation {
        conversation_id: Some("c1".into()),
        event_id: format!("call-{at}"),
        ..event(
            "c",
            "p1",
            "call_connect",
            at,
            Some(&format!(r#"{{"direction":"{direction}"}}"#)),
        )
    };
    let windows = |log: &Log| -> Vec<(i64, i64)> {
        let golden = applied(log);
        let mut statement = golden
            .connection
            .prepare("SELECT window_expires_at, free_form_ends_at FROM windows")
            .unwrap();
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        rows.map(Result::unwrap).collect()
    };
    assert_eq!(windows(&log), [(1_000 + DAY, 1_000 + DAY - 600_000)]);
    log.conversation(&call(9_000, "BUSINESS_INITIATED"));
    assert_eq!(windows(&log)[0].0, 1_000 + DAY);
    log.conversation(&call(5_000, "USER_INITIATED"));
    assert_eq!(windows(&log)[0].0, 5_000 + DAY);
}

/// A message with its text, or an edit or revocation of one.
fn said(id: &str, at: Millis, kind: &str, of: Option<&str>, text: Option<&str>) -> Conversation {
    Conversation {
        message_type: Some(kind.to_owned()),
        reply_to: of.map(str::to_owned),
        details: Some(Box::new(Details {
            text: text.map(str::to_owned),
            ..Details::default()
        })),
        ..received(id, "a", at, Some("s"))
    }
}

/// Id, text, edited, revoked, whether there is content.
type Row = (String, Option<String>, Option<Millis>, Option<Millis>, bool);

#[test]
fn a_message_has_the_text_of_its_last_edit_and_a_revoked_one_has_none() {
    let facts = [
        said("m1", 10, "text", None, Some("first")),
        // Of one instant the greater id holds.
        said("e1", 30, "edit", Some("m1"), Some("second")),
        said("e2", 30, "edit", Some("m1"), Some("third")),
        said("e3", 20, "edit", Some("m1"), Some("too early")),
        said("m2", 11, "text", None, Some("a secret")),
        said("e4", 12, "edit", Some("m2"), Some("a secret still")),
        said("r1", 40, "revoke", Some("m2"), None),
        said("m3", 13, "text", None, Some("as it was")),
    ];
    let row = |id: &str, text: Option<&str>, edited, revoked, content: bool| -> Row {
        (id.to_owned(), text.map(str::to_owned), edited, revoked, content)
    };
    for seed in 0..50 {
        let mut log = Log::default();
        for fact in hilo_stream::driver::permuted(&facts, seed) {
            log.conversation(&fact);
        }
        for golden in [applied(&log), one_by_one(&log)] {
            let rows: Vec<Row> = golden
                .connection
                .prepare("SELECT message_id, text, edited_at, revoked_at, content IS NOT NULL FROM messages ORDER BY message_id")
                .unwrap()
                .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?)))
                .unwrap()
                .map(Result::unwrap)
                .collect();
            assert_eq!(
                rows,
                [
                    row("m1", Some("third"), Some(30), None, true),
                    row("m2", None, Some(12), Some(40), false),
                    row("m3", Some("as it was"), None, None, true),
                ]
            );
            let messages: i64 = golden
                .connection
                .query_row("SELECT sum(messages) FROM conversations", [], |row| row.get(0))
                .unwrap();
            assert_eq!(messages, 3, "edits and revocations are no messages");
        }
    }
}
