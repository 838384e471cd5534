//! Any order, any repetition, any ticks and restarts in between: the same rows in the end.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::{
    Fact, Sent, at, closed, conversation, driver, example, person, preference, received, rows, session, told,
};
use hilo_contracts::facts::{Conversation, Identity, Metric, Status};
use hilo_domain::{Millis, time::HOUR};
use hilo_metrics::Config;
use hilo_stream::driver::{permuted, repeated};
use proptest::prelude::*;
use std::collections::BTreeMap;

/// The worked example, and facts that take back or move what it says.
fn facts() -> Vec<Fact> {
    let mut all = example::facts();
    all.push(person("acme", "lupe", "US", 2));
    // Sol turns out to be Leo: Sol's facts are told again as Leo's.
    all.push(Fact::Identity(Identity {
        kind: "closed".to_owned(),
        revision: 2,
        country: Some("PE".to_owned()),
        other_person_id: Some("leo".to_owned()),
        ..identity("sol")
    }));
    let moved = |fact: &Status| Status {
        kind: "person_changed".to_owned(),
        revision: 9,
        person_id: Some("leo".to_owned()),
        ..fact.clone()
    };
    let last = example::facts().into_iter().rev().find_map(|fact| match fact {
        Fact::Status(fact) if fact.message_id == "A010" => Some(moved(&fact)),
        _ => None,
    });
    all.push(Fact::Status(Box::new(last.unwrap())));
    let reply = received("acme", "A011", "leo", at("05-05T16:00:00"), Some("A010"));
    all.push(conversation(Conversation { revision: 2, ..reply }));
    // A session of Rosa's was none.
    if let Fact::Conversation(fact) = told("acme", "rosa", 3, session(at("05-04T09:00:00"))) {
        all.push(conversation(Conversation {
            kind: "session_retracted".to_owned(),
            ..*fact
        }));
    }
    // One that stays open, and an opt-out that follows nothing; later in again, and out after a message.
    all.push(told("acme", "rosa", 1, session(at("07-19T20:00:00"))));
    for (id, time, kind) in [
        ("p2", "05-20T10:00:00", "opt_out"),
        ("p3", "05-21T10:00:00", "opt_in"),
        ("p4", "05-22T10:00:00", "opt_out"),
    ] {
        all.push(conversation(preference("acme", id, "ivan", at(time), kind)));
    }
    let promo = Sent::new("acme", "A100", "ivan")
        .accepted(at("05-22T09:00:00"))
        .template("promo", "es", "marketing");
    all.extend(promo.status("delivered", at("05-22T09:00:05"), &[]).facts(false));
    let refused = Sent::new("acme", "A101", "pia")
        .accepted(at("05-23T09:00:00"))
        .template("promo", "es", "marketing");
    all.extend(refused.status("failed", at("05-23T09:00:05"), &[131_050]).facts(true));
    all
}

fn identity(id: &str) -> Identity {
    match person("acme", id, "CL", 1) {
        Fact::Identity(fact) => fact,
        _ => unreachable!("a person is an identity fact"),
    }
}

fn santiago() -> Config {
    Config {
        time_zones: BTreeMap::from([("acme".to_owned(), "America/Santiago".to_owned())]),
    }
}

/// Rows without revision, and highest revisions by row.
fn content(rows: Vec<Metric>) -> Vec<Metric> {
    rows.into_iter().map(|row| Metric { revision: 0, ..row }).collect()
}

fn run(facts: &[Fact], ticks: &[(usize, Millis)], restarts: &[usize]) -> Vec<Metric> {
    let mut driver = driver(&santiago());
    for (place, fact) in facts.iter().enumerate() {
        driver.pipe(fact.record()).unwrap();
        for (_, now) in ticks.iter().filter(|(at, _)| *at == place) {
            driver.tick(*now).unwrap();
        }
        if restarts.contains(&place) {
            driver.restart().unwrap();
        }
    }
    driver.tick(example::now()).unwrap();
    content(rows(&driver))
}

fn row<'a>(rows: &'a [Metric], metric: &str, dimension: &str) -> Option<&'a Metric> {
    let name = |row: &Metric| {
        row.dimensions
            .iter()
            .map(|had| format!("{}={}", had.name, had.value))
            .collect::<Vec<_>>()
            .join(",")
    };
    rows.iter()
        .find(|row| row.tenant == "acme" && row.metric == metric && row.window.is_none() && name(row) == dimension)
}

#[test]
fn what_is_taken_back_or_moved_is_counted_where_it_is_now() {
    let rows = run(&facts(), &[], &[]);
    let parts =
        |metric: &str, dimension: &str| row(&rows, metric, dimension).map(|row| (row.numerator, row.denominator));
    // Lupe lives in the US now, Sol is Leo: two of the delivered went to one person.
    assert_eq!(parts("reply_rate", "country=MX"), None);
    assert_eq!(parts("reply_rate", "country=US"), Some((Some(1.0), Some(1.0))));
    assert_eq!(parts("reply_rate", "campaign=otono"), Some((Some(2.0), Some(3.0))));
    assert_eq!(
        parts("reply_rate_strong", "campaign=otono"),
        Some((Some(1.0), Some(3.0)))
    );
    // Sol's country was PE at last, but who absorbed Sol is from CL.
    assert_eq!(parts("delivery_rate", "country=PE"), None);
    // Rosa's one session went, another runs: ten started as before.
    assert_eq!(parts("unanswered", ""), Some((Some(6.0), Some(10.0))));
    assert!(!row(&rows, "unanswered", "").unwrap().is_final);
    assert!(row(&rows, "unanswered", "country=MX").is_none());
    // Ivan left twice, once after nothing; Pía by the platform's word, after nothing.
    assert_eq!(
        parts("opt_out_rate", "template=promo,language=es"),
        Some((Some(1.0), Some(1.0)))
    );
    assert_eq!(parts("opt_out_rate", "attribution=none"), Some((Some(2.0), None)));
    let none = row(&rows, "opt_out_rate", "attribution=none").unwrap();
    assert_eq!((none.value, none.count), (None, 2));
}

#[test]
fn rows_become_final_by_time_alone() {
    let sent =
        Sent::new("acme", "A1", "sol")
            .accepted(at("05-05T15:00:00"))
            .status("delivered", at("05-05T15:00:05"), &[]);
    let mut driver = driver(&Config::default());
    driver.pipe_all(sent.facts(false).iter().map(Fact::record)).unwrap();
    let horizon = 37 * 24 * HOUR;
    let hour = at("05-05T16:00:00");
    let finals = |driver: &hilo_stream::TestDriver, length: Option<Millis>| {
        let is = |row: &&Metric| row.window.map(|window| window.end - window.start) == length;
        rows(driver)
            .iter()
            .filter(is)
            .map(|row| (row.is_final, row.revision))
            .max()
    };
    driver.tick(hour + horizon - 1).unwrap();
    assert_eq!(finals(&driver, Some(HOUR)), Some((false, 1)));
    driver.restart().unwrap();
    driver.tick(hour + horizon).unwrap();
    assert_eq!(finals(&driver, Some(HOUR)), Some((true, 2)));
    assert_eq!(finals(&driver, None), Some((true, 2)));
    assert_eq!(finals(&driver, Some(24 * HOUR)), Some((false, 1)));
    driver.tick(at("05-06T00:00:00") + horizon).unwrap();
    assert_eq!(finals(&driver, Some(24 * HOUR)), Some((true, 2)));
    let published = driver.outputs().len();
    driver.tick(at("11-01T00:00:00")).unwrap();
    assert_eq!(driver.outputs().len(), published, "nothing changed, nothing is told");
}

#[test]
fn a_failed_or_read_message_has_nothing_open() {
    let sent = Sent::new("acme", "A1", "sol")
        .accepted(at("05-05T15:00:00"))
        .status("read", at("05-05T15:00:05"), &[]);
    let mut driver = driver(&Config::default());
    driver.pipe_all(sent.facts(false).iter().map(Fact::record)).unwrap();
    driver.tick(at("05-05T16:00:00")).unwrap();
    let of = |row: &Metric| {
        (
            row.window.map(|window| (window.end - window.start) / HOUR),
            row.is_final,
        )
    };
    let mut found: Vec<_> = rows(&driver)
        .iter()
        .filter(|row| row.metric == "delivery_rate" && row.dimensions.is_empty())
        .map(of)
        .collect();
    found.sort_unstable();
    assert_eq!(found, [(None, true), (Some(1), true), (Some(24), false)]);
}

#[test]
fn a_changed_state_withdraws_the_row_of_the_former_rating() {
    let green = common::account("q1", at("05-05T10:00:00"), ("phone_number", "1"), Some("GREEN"), None);
    let red = common::account("q2", at("05-05T12:00:00"), ("phone_number", "1"), Some("RED"), None);
    let mut driver = driver(&Config::default());
    for (fact, now) in [(green, "05-05T11:00:00"), (red, "05-05T13:00:00")] {
        driver.pipe(fact.record()).unwrap();
        driver.tick(at(now)).unwrap();
    }
    let found: Vec<_> = rows(&driver)
        .into_iter()
        .filter(|row| row.window.is_none())
        .map(|row| (row.dimensions[2].value.clone(), row.value, row.count))
        .collect();
    assert_eq!(found, [("RED".to_owned(), Some(1.0), 2)]);
}

#[test]
fn a_snapshot_without_rating_is_one_of_null_and_one_without_limit_says_nothing_of_it() {
    let mut green = common::account(
        "s1",
        at("05-05T10:00:00"),
        ("phone_number", "1"),
        Some("GREEN"),
        Some(2_000),
    );
    let silent = common::account("s2", at("05-05T12:00:00"), ("phone_number", "1"), None, None);
    let mut unset = common::account("s3", at("05-05T13:00:00"), ("phone_number", "1"), Some("NA"), None);
    let mut owned = common::account("s4", at("05-05T14:00:00"), ("phone_number", "2"), Some("NA"), Some(-1));
    if let (common::Fact::Account(green), common::Fact::Account(unset), common::Fact::Account(owned)) =
        (&mut green, &mut unset, &mut owned)
    {
        for fact in [green, &mut *owned] {
            fact.kind = "number_snapshot".to_owned();
        }
        unset.limit_told = true;
        owned.portfolio_id = Some("900".to_owned());
    }
    let found = |facts: &[&common::Fact]| -> Vec<String> {
        let mut driver = driver(&Config::default());
        for fact in facts {
            driver.pipe(fact.record()).unwrap();
        }
        driver.tick(at("05-06T13:00:00")).unwrap();
        let rows = rows(&driver).into_iter().filter(|row| row.window.is_none());
        let mut told: Vec<String> = rows
            .map(|row| {
                let dimensions: Vec<&str> = row.dimensions.iter().map(|one| one.value.as_str()).collect();
                format!(
                    "{} {} {:?} of {}",
                    row.metric,
                    dimensions.join(" "),
                    row.value,
                    row.count
                )
            })
            .collect();
        told.sort();
        told
    };
    assert_eq!(
        found(&[&silent, &green]),
        [
            "messaging_limit 310000000000001 Some(2000.0) of 1",
            "quality_rating phone_number 1 unknown None of 2",
        ]
    );
    assert_eq!(
        found(&[&owned, &unset, &silent, &green]),
        [
            "messaging_limit 900 Some(-1.0) of 3",
            "quality_rating phone_number 1 NA None of 3",
            "quality_rating phone_number 2 NA None of 1",
        ]
    );
}

/// A limit is the portfolio's, also where it was told of an account before anybody said whose that is.
#[test]
fn the_limit_of_an_account_is_that_of_the_portfolio_that_owns_it() {
    let limit = |id, time, limit| common::account(id, at(time), ("waba", "310000000000001"), None, Some(limit));
    let owner = |id, time, portfolio: &str| {
        let mut fact = common::account(id, at(time), ("waba", "310000000000001"), None, None);
        if let common::Fact::Account(fact) = &mut fact {
            fact.portfolio_id = Some(portfolio.to_owned());
        }
        fact
    };
    let facts = [
        limit("l1", "05-05T10:00:00", 250),
        owner("o1", "05-05T11:00:00", "900"),
        limit("l2", "05-05T12:00:00", 1_000),
        owner("o2", "05-05T13:00:00", "901"),
        owner("o3", "05-05T12:30:00", "902"),
    ];
    let mut orders = vec![vec![0, 1, 2], vec![2, 1, 0], vec![1, 2, 0], vec![0, 1, 1, 0, 2]];
    for order in &orders {
        assert_eq!(limits(&facts, order), ["900 Some(1000.0) of 2"], "{order:?}");
    }
    // The owner that was named last.
    orders = vec![
        vec![0, 1, 2, 3, 4],
        vec![4, 3, 2, 1, 0],
        vec![3, 0, 4, 2, 1],
        vec![2, 0, 1, 4, 3],
    ];
    for order in &orders {
        assert_eq!(limits(&facts, order), ["901 Some(1000.0) of 2"], "{order:?}");
    }
    assert_eq!(limits(&facts, &[0, 2]), ["310000000000001 Some(1000.0) of 2"]);
}

/// Rows of the limit that stand after `facts` were told in an order, with a tick after each.
fn limits(facts: &[common::Fact], order: &[usize]) -> Vec<String> {
    let mut driver = driver(&Config::default());
    for place in order {
        driver.pipe(facts[*place].record()).unwrap();
        driver.tick(at("05-06T13:00:00")).unwrap();
    }
    let mut last = std::collections::BTreeMap::new();
    for row in rows(&driver).into_iter().filter(|row| row.window.is_none()) {
        if row.metric == "messaging_limit" {
            last.insert(row.dimensions[0].value.clone(), (row.value, row.count));
        }
    }
    let stand = last.into_iter().filter(|(_, (_, count))| *count > 0);
    stand
        .map(|(id, (value, count))| format!("{id} {value:?} of {count}"))
        .collect()
}

#[test]
fn a_session_that_closes_open_ends_settles_its_rows() {
    let open = session(at("05-05T10:00:00"));
    let mut driver = driver(&Config::default());
    driver.pipe(told("acme", "sol", 1, open.clone()).record()).unwrap();
    driver.tick(at("05-06T09:00:00")).unwrap();
    let is_final = |driver: &hilo_stream::TestDriver| {
        let of = |row: Metric| (row.metric == "unanswered").then_some(row.is_final);
        let mut all: Vec<_> = rows(driver).into_iter().filter_map(of).collect();
        all.dedup();
        all
    };
    assert_eq!(is_final(&driver), [false]);
    driver
        .pipe(told("acme", "sol", 2, closed(open, at("05-06T10:00:00"), "inactivity")).record())
        .unwrap();
    driver.tick(at("05-06T10:00:00")).unwrap();
    assert_eq!(is_final(&driver), [true]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn order_repetition_ticks_and_restarts_do_not_matter(
        seed in any::<u64>(),
        ticks in prop::collection::vec((0..200_usize, at("05-01T00:00:00")..at("07-19T23:00:00")), 0..4),
        restarts in prop::collection::vec(0..200_usize, 0..3),
    ) {
        let expected = run(&facts(), &[], &[]);
        let shuffled = permuted(&repeated(&facts(), seed), seed);
        prop_assert_eq!(run(&shuffled, &ticks, &restarts), expected);
    }
}
