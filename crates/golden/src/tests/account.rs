//! What was true of the business side as of a time.

use super::{dump, facts::Log, rules::applied};
use crate::{AccountQuestion, Golden};
use hilo_contracts::facts::{Account, Restriction, Subject, TemplateRef};

fn fact(number: i64, at: i64, subject: (&str, &str), kind: &str) -> Account {
    Account {
        event_id: format!("e{number}"),
        tenant: "acme".into(),
        event_time: at,
        kind: kind.into(),
        revision: number,
        subject: Subject {
            kind: subject.0.into(),
            id: subject.1.into(),
        },
        waba_id: Some("310".into()),
        content: Some(format!("{{\"number\":{number}}}")),
        ..Account::default()
    }
}

/// A template's life, a restriction with an end, a limit that rises, an owner that becomes known late.
fn life() -> Vec<Account> {
    let template = ("template", "7001");
    let status = |number, at, event: &str| Account {
        event: Some(event.into()),
        template: Some(TemplateRef {
            name: "promo".into(),
            ..TemplateRef::default()
        }),
        ..fact(number, at, template, "template_status")
    };
    let limit = |number, at, limit| Account {
        limit: Some(limit),
        ..fact(number, at, ("waba", "310"), "limit")
    };
    vec![
        status(1, 100, "APPROVED"),
        status(2, 200, "PAUSED"),
        status(3, 300, "APPROVED"),
        Account {
            quality: Some("YELLOW".into()),
            previous: Some("GREEN".into()),
            ..fact(4, 190, template, "template_quality")
        },
        limit(5, 110, 250),
        limit(6, 250, 2_000),
        Account {
            restrictions: vec![Restriction {
                kind: "RESTRICTED_UTILITY_TEMPLATES".into(),
                expires_at: Some(900),
                ..Restriction::default()
            }],
            ..fact(7, 210, ("waba", "310"), "restriction")
        },
        Account {
            portfolio_id: Some("900".into()),
            ..fact(8, 220, ("waba", "310"), "partner")
        },
        Account {
            test: true,
            ..fact(9, 290, template, "template_status")
        },
    ]
}

fn golden(facts: &[Account]) -> Golden {
    let mut log = Log::default();
    for fact in facts {
        log.account(fact);
    }
    applied(&log)
}

fn told_now(golden: &Golden) -> Vec<crate::AccountState> {
    golden
        .account(&golden.tenants().unwrap(), &AccountQuestion::default())
        .unwrap()
}

fn told(golden: &Golden, subject: Option<&str>, as_of: Option<i64>, history: bool) -> Vec<String> {
    let question = AccountQuestion {
        subject: subject.map(str::to_owned),
        as_of,
        history,
    };
    let states = golden.account(&golden.tenants().unwrap(), &question).unwrap();
    let line = |state: &crate::AccountState| {
        let value = state
            .event
            .clone()
            .or(state.quality.clone())
            .or(state.limit.map(|limit| limit.to_string()))
            .unwrap_or_default();
        format!("{} {} {value} @{}", state.subject_id, state.kind, state.at)
    };
    states.iter().map(line).collect()
}

#[test]
fn a_question_as_of_a_time_sees_nothing_later() {
    let golden = golden(&life());
    assert_eq!(told(&golden, None, Some(99), false), [""; 0]);
    assert_eq!(
        told(&golden, None, Some(200), false),
        [
            "7001 template_quality YELLOW @190",
            "7001 template_status PAUSED @200",
            "310 limit 250 @110"
        ]
    );
    assert_eq!(
        told(&golden, None, None, false),
        [
            "7001 template_quality YELLOW @190",
            "7001 template_status APPROVED @300",
            "310 limit 2000 @250",
            "310 partner  @220",
            "310 restriction  @210",
        ]
    );
}

#[test]
fn a_subject_is_found_by_its_id_its_name_its_account_and_its_portfolio() {
    let golden = golden(&life());
    let promo = ["7001 template_status PAUSED @200"];
    assert_eq!(told(&golden, Some("promo"), Some(250), false), promo);
    assert_eq!(
        told(&golden, Some("7001"), Some(150), false),
        ["7001 template_status APPROVED @100"]
    );
    assert_eq!(told(&golden, Some("310"), Some(205), false).len(), 3);
    // Who owns the account is known from its event on.
    assert_eq!(told(&golden, Some("900"), Some(219), false), [""; 0]);
    assert_eq!(told(&golden, Some("900"), Some(260), false).len(), 5);
    assert_eq!(told(&golden, Some("901"), None, false), [""; 0]);
}

#[test]
fn a_snapshot_that_does_not_say_it_leaves_the_quality_the_limit_and_the_owner_before() {
    let polled = |number, at, subject: (&str, &str), kind: &str| Account {
        portfolio_id: (number == 1).then(|| "900".into()),
        ..fact(number, at, subject, kind)
    };
    let number = ("phone_number", "210");
    let facts = [
        Account {
            quality: Some("GREEN".into()),
            limit: Some(250),
            limit_told: true,
            ..polled(1, 100, number, "number_snapshot")
        },
        polled(2, 200, number, "number_snapshot"),
        Account {
            limit_told: true,
            ..polled(3, 300, number, "number_snapshot")
        },
        Account {
            quality: Some("RED".into()),
            ..polled(4, 150, ("template", "7001"), "template_snapshot")
        },
        polled(5, 250, ("template", "7001"), "template_snapshot"),
        // Of other kinds each observation ends the one before.
        Account {
            limit: Some(2_000),
            ..polled(6, 150, ("waba", "310"), "limit")
        },
        polled(7, 250, ("waba", "310"), "limit"),
    ];
    let golden = golden(&facts);
    assert_eq!(
        told(&golden, Some("210"), Some(250), false),
        ["210 number_snapshot  @200", "210 number_snapshot GREEN @100"]
    );
    // A limit that is not set is said, and so is a rating that an answer does not have.
    assert_eq!(told(&golden, Some("210"), None, false), ["210 number_snapshot  @300"]);
    assert_eq!(
        told(&golden, Some("7001"), None, false),
        ["7001 template_snapshot  @250", "7001 template_snapshot RED @150"]
    );
    assert_eq!(told(&golden, Some("310"), None, false).len(), 4);
    assert_eq!(
        told(&golden, Some("900"), None, false).len(),
        4,
        "the owner stays known"
    );
    assert_eq!(told(&golden, Some("900"), Some(99), false), [""; 0]);
}

#[test]
fn the_history_has_every_observation_once_in_any_order_of_arrival() {
    let facts = life();
    let expected = told(&golden(&facts), Some("7001"), None, true);
    assert_eq!(
        expected,
        [
            "7001 template_status APPROVED @100",
            "7001 template_quality YELLOW @190",
            "7001 template_status PAUSED @200",
            "7001 template_status APPROVED @300",
        ]
    );
    let mut late: Vec<Account> = facts.iter().rev().cloned().collect();
    // A late observation makes the topic tell the latest one again, with a higher revision.
    late.push(Account {
        revision: 20,
        ..facts[2].clone()
    });
    assert_eq!(told(&golden(&late), Some("7001"), None, true), expected);
    let restriction = told_now(&golden(&facts)).pop().unwrap().restrictions;
    assert_eq!(restriction, facts[6].restrictions);
    assert!(
        dump(&golden(&facts))
            .iter()
            .any(|row| row.starts_with("account_history"))
    );
}

#[test]
fn the_page_says_when_a_quality_or_a_limit_was_observed() {
    let limit = |number, at, of: (&str, &str)| Account {
        limit_told: true,
        ..fact(number, at, of, "throughput")
    };
    let mut facts = life();
    facts.extend([
        limit(10, 400, ("phone_number", "210")),
        Account {
            portfolio_id: Some("900".into()),
            ..limit(11, 350, ("phone_number", "210"))
        },
        Account {
            waba_id: Some("311".into()),
            ..limit(12, 500, ("waba", "311"))
        },
        fact(13, 600, ("phone_number", "210"), "number_snapshot"),
        fact(14, 700, ("phone_number", "210"), "number_name"),
        Account {
            quality: Some("RED".into()),
            test: true,
            ..fact(15, 800, ("template", "7001"), "template_quality")
        },
    ]);
    let golden = golden(&facts);
    let quality = |kind, id| golden.quality_observed_at("acme", kind, id).unwrap();
    assert_eq!(quality("template", "7001"), Some(190));
    assert_eq!(quality("phone_number", "210"), Some(600), "also that it has none");
    assert_eq!(quality("phone_number", "211"), None);
    let limit = |tenant, id| golden.limit_observed_at(tenant, id).unwrap();
    assert_eq!(limit("acme", "900"), Some(400), "of any account of the portfolio");
    assert_eq!(limit("acme", "311"), Some(500));
    assert_eq!(limit("beta", "900"), None);
}
