//! What a thread costs, counted in steps and bytes, so that no clock decides: twice as long costs twice as much.

use crate::fold_tests::{Bench, event};
use hilo_domain::{
    Millis,
    time::{DAY, MINUTE, SECOND},
};

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
    assert!(large < small * 3 / 2, "{what}: entries of {small} bytes, then of {large}");
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
