//! What a thread costs, counted in steps and bytes, so that no clock decides: twice as long costs twice as much.

use crate::{
    details::tests,
    fold_tests::{Bench, event},
    processor::Conversation,
};
use hilo_contracts::{
    item::{Became, Body, Fate, Item, Origin, PersonRecord, Resolved},
    topics,
};
use hilo_domain::{
    Millis, OptOut,
    opt_out::Keyword,
    time::{DAY, MINUTE, SECOND},
};
use hilo_stream::{Context, Processor as _, Record, wire};

/// Units spent on a thread, and the greatest entry that a commit wrote meanwhile.
fn cost(events: impl Iterator<Item = (Millis, &'static str)>) -> (u64, usize) {
    let mut bench = Bench::default();
    let (mut spent, mut greatest) = (0, 0);
    for (place, (at, word)) in events.enumerate() {
        bench.context.spent = 0;
        bench.add(event(at, word), Millis::MIN);
        spent += bench.context.spent;
        if place % 100 == 99 {
            greatest = greatest.max(bench.restart());
        }
    }
    (spent, greatest)
}

fn assert_linear<I: Iterator<Item = (Millis, &'static str)>>(what: &str, of: impl Fn(i64) -> I) {
    let ((once, small), (twice, large)) = (cost(of(1_000)), cost(of(2_000)));
    assert!(twice * 2 < once * 5, "{what}: {once} units, then {twice}");
    assert!(
        large < small * 3 / 2,
        "{what}: entries of {small} bytes, then of {large}"
    );
}

#[test]
fn a_long_session_costs_its_length() {
    assert_linear("customer", |count| (0..count).map(|at| (at * MINUTE, "customer")));
}

#[test]
fn two_bots_that_answer_each_other_cost_what_they_say() {
    assert_linear("bots", |count| {
        (0..count).map(|at| (at * SECOND, if at % 2 == 0 { "customer" } else { "bot" }))
    });
}

#[test]
fn a_long_history_of_sessions_costs_its_length() {
    assert_linear("years", |count| (0..count).map(|at| (at * 2 * DAY, "customer")));
}

/// What is late by a few hundred events is folded from its place, to where the state is what it was.
#[test]
fn late_events_cost_the_way_to_their_place() {
    assert_linear("late", |count| {
        let late = |at: i64| {
            let place = at - if at % 2 == 0 { 0 } else { 200 };
            (place * 2 * DAY + at, "customer")
        };
        (0..count).map(late)
    });
}

/// An item of a thread: a send, or an everyday word that may opt out.
fn said(at: Millis, is_word: bool) -> Item {
    let mut item = tests::item(tests::message("text"), at.to_string());
    (item.event_time, item.key, item.has_person) = (at, at.to_string(), true);
    if let Body::Message(message) = &mut item.body {
        message.id = at.to_string();
        if is_word {
            message.opt_out = Some(OptOut::AnswerToMarketing(Keyword {
                word: "salir".to_owned(),
                languages: None,
            }));
            message.reply_to = Some((at - MINUTE).to_string());
        } else {
            (message.origin, message.inbound) = (Origin::Outbound, false);
            // Answered turns are published again with each further one.
            message.author.kind = "campaign".to_owned();
        }
    }
    item
}

/// Units spent on a thread of sends that are delivered after the next ones, every third one with an answer.
fn cost_of_sends(count: i64) -> u64 {
    let mut processor = Conversation::default();
    let mut spent = 0;
    let mut feed = |record: &PersonRecord| {
        let record = Record {
            topic: topics::PERSON_ITEM,
            key: b"p".to_vec(),
            value: wire::encode(record).unwrap(),
            timestamp: 0,
        };
        let mut context = Context::default();
        processor.process(&record, &mut context).unwrap();
        spent += context.spent;
    };
    for place in 0..count {
        let sent = said(place * 4 * MINUTE, false);
        let fate = Fate {
            at: sent.event_time,
            fingerprint: sent.fingerprint(),
            atom: 1,
            version: 1,
            revision: 1,
            became: Became {
                failed: place % 10 == 0,
                delivered_at: (place % 10 != 0).then_some(sent.event_time + 10 * MINUTE),
                template: true,
                marketing: place % 2 == 0,
            },
            trace: None,
        };
        let word = (place % 3 == 0).then(|| said(sent.event_time + MINUTE, true));
        for item in std::iter::once(sent).chain(word) {
            feed(&PersonRecord::Item(Box::new(Resolved {
                person_id: Some("p".to_owned()),
                country: None,
                atom: 1,
                version: 1,
                item,
            })));
        }
        feed(&PersonRecord::Fate(fate));
    }
    spent
}

#[test]
fn sends_cost_the_same_however_many_there_are() {
    let (once, twice) = (cost_of_sends(1_000), cost_of_sends(2_000));
    assert!(twice * 2 < once * 5, "{once} units, then {twice}");
}
