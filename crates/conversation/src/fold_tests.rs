//! Sessions by small histories, and the incremental fold against one over the whole history.

use crate::{
    event::{Event, Role},
    fold::fold,
    measure::{Outcome, measure},
    person::{Person, Thread},
};
use hilo_contracts::{facts::Session, item::Inbox};
use hilo_domain::{
    Millis,
    time::{DAY, HOUR, MINUTE, SECOND},
};
use proptest::prelude::*;
use std::ops::RangeInclusive;

fn event(at: Millis, word: &str) -> Event {
    let inbox = |event: &str, agent: Option<&str>, reason: Option<&str>| {
        Role::Inbox(Box::new(Inbox {
            event: event.to_owned(),
            agent: agent.map(str::to_owned),
            reason: reason.map(str::to_owned),
            ..Inbox::default()
        }))
    };
    let (class, role) = match word {
        "customer" => (
            0,
            Role::Customer {
                courtesy: false,
                by_ad: false,
            },
        ),
        "ad" => (
            0,
            Role::Customer {
                courtesy: false,
                by_ad: true,
            },
        ),
        "thanks" => (
            0,
            Role::Customer {
                courtesy: true,
                by_ad: false,
            },
        ),
        "human" => (
            2,
            Role::Human {
                agent: Some("ana".to_owned()),
            },
        ),
        "bot" => (
            2,
            Role::Bot {
                bot: Some("bot-1".to_owned()),
                question: false,
            },
        ),
        "question" => (
            2,
            Role::Bot {
                bot: Some("bot-1".to_owned()),
                question: true,
            },
        ),
        "campaign" => (2, Role::Listed),
        "reaction" => (0, Role::Silent),
        "resolved" => (3, inbox("resolved", Some("ana"), Some("agenda"))),
        "assigned" => (1, inbox("assigned", Some("ana"), None)),
        "requested" => (1, inbox("handed_off", None, Some("requested"))),
        other => (1, inbox(other, None, None)),
    };
    let id = format!("{at}-{word}");
    Event {
        at,
        class,
        id: id.as_str().into(),
        key: id.as_str().into(),
        role,
        fingerprint: 0,
        atom: 1,
        version: 1,
        test: false,
        session: None,
        revision: 0,
        told: false,
        sign: None,
        signed: false,
        fact: Box::default(),
    }
}

/// As a new item comes: it takes the place of every occurrence of its key.
fn put(thread: &mut Thread, event: Event) -> RangeInclusive<usize> {
    let key = event.key.clone();
    thread.insert(event, |had| had.key == key)
}

fn thread(history: &[(Millis, &str)], now: Millis) -> Thread {
    let mut thread = Thread::default();
    for (at, word) in history {
        let changed = put(&mut thread, event(*at, word));
        thread.refold(&changed, now, "p", "n");
    }
    thread
}

/// Sessions as `opened-closed reason: events`.
fn sessions(thread: &Thread) -> Vec<String> {
    thread
        .sessions
        .iter()
        .map(|told| {
            let own: Vec<&str> = thread
                .events
                .iter()
                .filter(|event| event.session.as_ref() == Some(&told.id))
                .map(|event| event.id.split('-').next_back().unwrap())
                .collect();
            let Session {
                opened_at,
                closed_at,
                close_reason,
                ..
            } = &told.session;
            let reason = close_reason.as_deref().unwrap_or("open");
            format!("{opened_at}..{} {reason}: {}", closed_at.unwrap_or(-1), own.join(" "))
        })
        .collect()
}

#[test]
fn campaigns_open_nothing_and_are_listed_where_a_session_is_open() {
    let thread = thread(
        &[
            (0, "campaign"),
            (5, "customer"),
            (6, "campaign"),
            (7, "assigned"),
            (8, "human"),
        ],
        9,
    );
    assert_eq!(sessions(&thread), ["5..-1 open: customer campaign assigned human"]);
}

#[test]
fn a_message_exactly_at_the_end_of_the_gap_opens_a_new_session() {
    let thread = thread(
        &[(0, "customer"), (DAY, "customer"), (2 * DAY - 1, "customer")],
        2 * DAY,
    );
    assert_eq!(
        sessions(&thread),
        [
            format!("0..{DAY} inactivity: customer"),
            format!("{DAY}..-1 open: customer customer")
        ]
    );
}

#[test]
fn thanks_within_ten_minutes_are_listed_in_the_closed_session() {
    let thread = thread(
        &[
            (0, "customer"),
            (9, "resolved"),
            (9 + 10 * MINUTE, "thanks"),
            (10 + 10 * MINUTE, "thanks"),
        ],
        HOUR,
    );
    assert_eq!(
        sessions(&thread),
        ["0..9 resolved: customer resolved thanks", "600010..-1 open: thanks"]
    );
}

#[test]
fn without_a_session_only_a_rating_has_an_effect() {
    let thread = thread(
        &[
            (0, "assigned"),
            (1, "customer"),
            (5, "resolved"),
            (6, "tagged"),
            (7, "rated"),
            (8, "reopened"),
        ],
        9,
    );
    assert_eq!(
        sessions(&thread),
        ["1..5 resolved: customer resolved rated", "8..-1 open: reopened"]
    );
    assert_eq!(
        thread.sessions[1].session.reopens.as_deref(),
        Some(&*thread.sessions[0].id)
    );
}

#[test]
fn clocks_start_at_the_customer_or_at_the_hand_off() {
    let first = |history: &[(Millis, &str)]| thread(history, HOUR).sessions.remove(0).session;
    let clock = |clock: &Option<hilo_contracts::facts::Clock>| {
        clock
            .as_ref()
            .map(|clock| (clock.started_at, clock.stopped_at, clock.agent_started_at))
    };

    let plain = first(&[(0, "customer"), (30, "assigned"), (120, "human")]);
    assert_eq!(clock(&plain.frt_human), Some((0, Some(120), Some(30))));
    assert_eq!(plain.opened_by, "customer");

    let handed = first(&[
        (0, "customer"),
        (3, "bot"),
        (60, "customer"),
        (65, "requested"),
        (90, "assigned"),
        (185, "human"),
    ]);
    assert_eq!(clock(&handed.frt_human), Some((65, Some(185), Some(90))));
    assert_eq!(clock(&handed.frt_any), Some((0, Some(3), Some(0))));

    let contained = first(&[(0, "customer"), (3, "bot"), (9, "human")]);
    assert_eq!(
        clock(&contained.frt_human),
        None,
        "bot-owned, never handed off or assigned"
    );

    let business = first(&[(0, "human"), (5, "customer")]);
    assert_eq!(
        (business.opened_by.as_str(), clock(&business.frt_human)),
        ("business", Some((5, None, None)))
    );
    assert_eq!(clock(&first(&[(0, "human")]).frt_human), None);
}

#[test]
fn outcomes_are_the_first_that_fits() {
    let outcome = |history: &[(Millis, &str)]| {
        let mut person = Person::default();
        person.threads.insert("n".to_owned(), thread(history, 9 * DAY));
        person.returns(0);
        person.threads["n"].sessions[0].session.outcome.clone()
    };
    let is = |history: &[(Millis, &str)], want: Option<&str>| {
        assert_eq!(outcome(history).as_deref(), want, "{history:?}");
    };
    is(&[(0, "customer"), (1, "human")], None);
    is(
        &[(0, "customer"), (1, "bot"), (2, "human"), (3, "requested")],
        Some("human_takeover"),
    );
    is(
        &[(0, "customer"), (1, "bot"), (2, "requested"), (3, "human")],
        Some("escalated_requested"),
    );
    is(
        &[(0, "customer"), (1, "bot"), (2, "handed_off")],
        Some("escalated_rule"),
    );
    // Of two hand-offs in either order.
    for reasons in [["handed_off", "requested"], ["requested", "handed_off"]] {
        is(
            &[(0, "customer"), (1, "bot"), (2, reasons[0]), (3, reasons[1])],
            Some("escalated_requested"),
        );
    }
    is(&[(0, "customer"), (1, "question")], Some("abandoned"));
    is(&[(0, "customer"), (1, "bot")], Some("contained_silent"));
    is(
        &[(0, "customer"), (1, "bot"), (2, "resolved"), (2 + DAY, "customer")],
        Some("called_back"),
    );
    is(
        &[(0, "customer"), (1, "bot"), (2, "resolved"), (3 + DAY, "customer")],
        Some("contained_silent"),
    );
}

#[test]
fn a_session_that_opens_again_goes_on_from_its_retraction() {
    let mut thread = Thread::default();
    let mut revisions = Vec::new();
    let mut insert = |at, word| {
        let changed = put(&mut thread, event(at, word));
        let changes = thread.refold(&changed, 0, "p", "n");
        let of_second = |change: &&crate::person::SessionChange| change.told.session.opened_at == 5;
        revisions.extend(
            changes
                .sessions
                .iter()
                .filter(of_second)
                .map(|change| (change.kind, change.told.revision)),
        );
    };
    insert(5, "customer");
    // An earlier opener takes the session's place …
    insert(1, "customer");
    // … and a resolution between them gives it back.
    insert(2, "resolved");
    assert_eq!(
        revisions,
        [("session_opened", 1), ("session_retracted", 2), ("session_opened", 3)]
    );
}

#[test]
fn an_answer_within_a_day_opens_the_entry_point_window() {
    let ends = |history: &[(Millis, &str)]| {
        let thread = thread(history, 30 * DAY);
        let ends = thread.sessions.iter().map(|told| told.session.entry_point_ends_at);
        ends.collect::<Vec<_>>()
    };
    // 72 h from the first answer, whoever it is, also in the second of the message.
    assert_eq!(ends(&[(0, "ad"), (5, "bot"), (9, "human")]), [Some(5 + 72 * HOUR)]);
    assert_eq!(ends(&[(7, "ad"), (7, "campaign")]), [Some(7 + 72 * HOUR)]);
    // Without an answer, without an ad, with an answer before it: none.
    assert_eq!(ends(&[(0, "ad"), (5, "assigned")]), [None]);
    assert_eq!(ends(&[(0, "customer"), (5, "human")]), [None]);
    assert_eq!(ends(&[(0, "human"), (5, "ad")]), [None]);
    // A day later to the second, and a second more: the session has to last, which another message makes it do.
    let late = |answer| ends(&[(0, "ad"), (20 * HOUR, "customer"), (answer, "human")]);
    assert_eq!(late(DAY), [Some(DAY + 72 * HOUR)]);
    assert_eq!(late(DAY + SECOND), [None]);
    // Of two the later one.
    assert_eq!(
        ends(&[(0, "ad"), (5, "human"), (9, "ad"), (11, "bot")]),
        [Some(11 + 72 * HOUR)]
    );
}

const WORDS: [&str; 13] = [
    "ad",
    "customer",
    "thanks",
    "human",
    "bot",
    "question",
    "campaign",
    "reaction",
    "resolved",
    "assigned",
    "requested",
    "rated",
    "reopened",
];

/// The whole history at once.
fn whole(events: &[Event], now: Millis) -> Vec<(Session, Outcome, Vec<String>)> {
    let mut events = events.to_vec();
    events.sort_by(|a, b| a.order().cmp(&b.order()));
    events.dedup_by(|a, b| a.key == b.key);
    let (sessions, _) = fold(&events, 0..events.len(), now, |_| false);
    sessions
        .iter()
        .map(|folded| {
            let (session, outcome) = measure(&events, folded);
            (
                session,
                outcome,
                folded
                    .events
                    .iter()
                    .map(|index| events[*index].id.to_string())
                    .collect(),
            )
        })
        .collect()
}

proptest! {
    #[test]
    fn any_order_and_repetition_gives_the_sessions_of_the_whole_history(
        history in prop::collection::vec((0..400i64, 0..WORDS.len()), 1..40),
        seed in any::<u64>(),
        removals in prop::collection::vec(any::<prop::sample::Index>(), 0..3),
        now in 0..600i64,
    ) {
        // Steps of 17 minutes: gaps, courtesies and ties all occur.
        let step = 17 * MINUTE + SECOND;
        let now = now * step;
        let mut events: Vec<Event> = history.iter().map(|(at, word)| event(at * step, WORDS[*word])).collect();
        let count = events.len() as u64;
        events.extend(events.clone().into_iter().take(6));
        for place in 0..events.len() {
            events.swap(place, (seed.rotate_left(place as u32 * 7) % count) as usize);
        }
        let mut thread = Thread::default();
        for event in &events {
            let changed = put(&mut thread, event.clone());
            thread.refold(&changed, now, "p", "n");
        }
        for removal in &removals {
            if !thread.events.is_empty() {
                let place = removal.index(thread.events.len());
                let gone = thread.remove(place);
                events.retain(|event| event.key != gone.key);
                thread.refold(&(place..=place), now, "p", "n");
            }
        }
        let want = whole(&events, now);
        prop_assert_eq!(thread.sessions.len(), want.len());
        let mut before: Option<&crate::person::Told> = None;
        for (told, (session, outcome, ids)) in thread.sessions.iter().zip(&want) {
            let mut got = told.session.clone();
            let reopens = before
                .filter(|before| before.session.closed_at.is_some_and(|at| got.opened_at <= at + 72 * HOUR))
                .map(|before| before.id.to_string());
            prop_assert_eq!(&got.reopens, &reopens);
            got.reopens = None;
            got.repeated_at = None;
            if *outcome == Outcome::UnlessCalledBack {
                got.outcome = None;
            }
            let mut session = session.clone();
            session.outcome = match outcome { Outcome::Is(outcome) => Some((*outcome).to_owned()), _ => None };
            prop_assert_eq!(&got, &session);
            let own: Vec<String> = thread.events.iter()
                .filter(|event| event.session.as_ref() == Some(&told.id)).map(|event| event.id.to_string()).collect();
            prop_assert_eq!(&own, ids);
            before = Some(told);
        }
    }
}
