//! Agreement with the definitions: touches, status and the target of the first response, computed from messages alone.

use super::common::*;
use hilo_contracts::facts::{Clock, Conversation, Session};
use hilo_crm::values::Object;
use hilo_domain::Millis;
use hilo_stream::driver::permuted;
use proptest::prelude::*;

/// What somebody writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Says {
    Customer,
    ByAd,
    WithToken,
    Agent,
    Bot,
}

const START: &str = "05-03T10:00:00";

/// One session: what is written, each so many seconds after the one before.
fn talk() -> impl Strategy<Value = Vec<(Says, Millis)>> {
    let says = prop_oneof![
        4 => Just(Says::Customer),
        1 => Just(Says::ByAd),
        2 => Just(Says::WithToken),
        3 => Just(Says::Agent),
        2 => Just(Says::Bot),
    ];
    prop::collection::vec((says, 1..1_500_i64), 1..8).prop_map(|mut all| {
        // A customer opens it.
        if matches!(all[0].0, Says::Agent | Says::Bot) {
            all[0].0 = Says::Customer;
        }
        let mut time = at(START);
        for (_, at) in &mut all {
            time += *at * 1_000;
            *at = time;
        }
        all
    })
}

fn is_customer(says: Says) -> bool {
    matches!(says, Says::Customer | Says::ByAd | Says::WithToken)
}

/// The facts of a session: its messages, and its state after each of them.
fn facts(number: usize, talk: &[(Says, Millis)]) -> Vec<Fact> {
    let session_id = format!("s{number}");
    let mut all: Vec<Fact> = Vec::new();
    let mut state = waiting(talk[0].1);
    state.turns.clear();
    let mut running: Option<Millis> = None;
    for (place, (says, time)) in talk.iter().enumerate() {
        let id = format!("{session_id}-{place}");
        let message: Conversation = match says {
            Says::Customer => received(&id, "ana", &session_id, *time, "hola"),
            Says::ByAd => clicked(&id, "ana", &session_id, *time, "120211"),
            Says::WithToken => received(&id, "ana", &session_id, *time, "hola IG-42"),
            Says::Agent => sent(&id, "ana", &session_id, *time, ("agent", "luis"), "hola"),
            Says::Bot => sent(&id, "ana", &session_id, *time, ("bot", "b"), "hola"),
        };
        all.push(told_of(message));
        if is_customer(*says) {
            running.get_or_insert(*time);
        } else {
            running = None;
            let stop = |clock: &mut Option<Clock>| {
                if let Some(clock) = clock.as_mut().filter(|clock| clock.stopped_at.is_none()) {
                    clock.stopped_at = Some(*time);
                }
            };
            stop(&mut state.frt_any);
            if *says == Says::Agent {
                stop(&mut state.frt_human);
                state.answered_by_human = true;
            }
        }
        let turns = running.map(|started_at| Clock {
            started_at,
            ..Clock::default()
        });
        let told = Session {
            turns: turns.into_iter().collect(),
            ..state.clone()
        };
        all.push(told_of(session(&session_id, "ana", place as i64 + 1, told)));
    }
    all
}

/// `new`, `open`, `waiting`: who wrote last, and whether anybody answered.
fn status(talk: &[(Says, Millis)]) -> &'static str {
    let customer_wrote_last = talk.last().is_some_and(|(says, _)| is_customer(*says));
    let somebody_answered = talk.iter().any(|(says, _)| !is_customer(*says));
    match (customer_wrote_last, somebody_answered) {
        (true, false) => "new",
        (true, true) => "open",
        (false, _) => "waiting",
    }
}

/// Whether a person answered within 15 minutes of the first message; none while that is open.
fn in_time(talk: &[(Says, Millis)], now: Millis) -> Option<bool> {
    let due = talk[0].1 + 900_000;
    match talk.iter().find(|(says, _)| *says == Says::Agent) {
        Some((_, at)) => Some(*at <= due),
        None => (now > due).then_some(false),
    }
}

/// All touches: each click, and a token in the first text of its session.
fn touches(talks: &[Vec<(Says, Millis)>]) -> Vec<(Millis, &'static str)> {
    let mut all = Vec::new();
    for talk in talks {
        for (place, (says, at)) in talk.iter().enumerate() {
            match says {
                Says::ByAd => all.push((*at, "cyber")),
                Says::WithToken if place == 0 => all.push((*at, "bio")),
                _ => {}
            }
        }
    }
    all.sort_unstable();
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn records_say_what_the_definitions_say(
        mut talks in prop::collection::vec(talk(), 1..4),
        wait in 0..2_000_i64,
        seed in any::<u64>(),
    ) {
        // One a day.
        for (number, talk) in talks.iter_mut().enumerate() {
            for (_, at) in talk {
                *at += number as i64 * 86_400_000;
            }
        }
        let now = talks.last().and_then(|talk| talk.last()).map_or(0, |(_, at)| at + wait * 1_000);
        let mut all = vec![ana()];
        for (number, talk) in talks.iter().enumerate() {
            all.extend(facts(number, talk));
        }
        let config = config("[policy]\nfirst_response_target = 900\n[policy.deals]\nreferral = true\n");
        let records = made(&config, &permuted(&all, seed), now);
        let touches = touches(&talks);
        let contact = of(&records, Object::Contact, &["ana"]).unwrap();
        prop_assert_eq!(contact.get("s_first_touch_campaign"), touches.first().map(|(_, campaign)| *campaign));
        prop_assert_eq!(contact.time("s_first_touch_at"), touches.first().map(|(at, _)| *at));
        prop_assert_eq!(contact.get("s_last_touch_campaign"), touches.last().map(|(_, campaign)| *campaign));
        prop_assert_eq!(contact.time("s_last_touch_at"), touches.last().map(|(at, _)| *at));
        let said = |says: fn(Says) -> bool| talks.iter().flatten().filter(|(one, _)| says(*one)).map(|(_, at)| *at).max();
        prop_assert_eq!(contact.time("s_last_inbound_at"), said(is_customer));
        prop_assert_eq!(contact.time("s_last_outbound_at"), said(|says| !is_customer(says)));
        for (number, talk) in talks.iter().enumerate() {
            let id = format!("s{number}");
            let ticket = of(&records, Object::Ticket, &[&id]).unwrap();
            prop_assert_eq!(ticket.get("s_status"), Some(status(talk)));
            let met = in_time(talk, now).map(|met| met.to_string());
            prop_assert_eq!(ticket.get("s_sla_met").map(str::to_owned), met);
            prop_assert_eq!(ticket.get("s_messages").map(str::to_owned), Some(talk.len().to_string()));
            // A deal for each session by which somebody came, with the touch that it opened by.
            let own = touches.iter().find(|(at, _)| (talk[0].1..=talk[talk.len() - 1].1).contains(at));
            let deal = of(&records, Object::Deal, &["session", &id]);
            prop_assert_eq!(deal.and_then(|deal| deal.get("s_campaign")), own.map(|(_, campaign)| *campaign));
            prop_assert_eq!(deal.and_then(|deal| deal.time("s_opened_at")), own.map(|(at, _)| *at));
        }
    }
}
