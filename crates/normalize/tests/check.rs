//! Lines are checked at the door by the parser that reads them later: what is taken becomes an item.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a helper that fails is a test that fails"
)]

use hilo_contracts::{capture, facts::Raw};
use hilo_normalize::{LineProblem, Normalize, Tenant, check};
use hilo_stream::{Context, Processor as _, Record};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::sync::Arc;

fn raw(line: &Value) -> Raw {
    capture::from_line(line.to_string().as_bytes(), None, 0).unwrap()
}

fn found(line: &Value) -> (&'static str, &'static str) {
    check(&raw(line), &Tenant::of(Some("CL".to_owned())))
        .map_or_else(|problem| (problem.code, problem.field), |()| ("", ""))
}

fn with(line: &Value, change: &[(&str, Value)]) -> Value {
    let mut line = line.clone();
    for (pointer, value) in change {
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        let parent = line.pointer_mut(parent).unwrap().as_object_mut().unwrap();
        if value.is_null() {
            parent.remove(key);
        } else {
            parent.insert(key.to_owned(), value.clone());
        }
    }
    line
}

fn good() -> [Value; 6] {
    let at = "2026-05-04T13:00:00Z";
    let user = json!({"phone": "+56961234567"});
    [
        json!({"source": "outbound", "at": at, "message_id": "m", "to": user, "type": "text", "author": {"kind": "agent"}}),
        json!({"source": "inbox", "at": at, "event": "assigned", "user": user}),
        json!({"source": "crm", "at": at, "system": "hubspot", "event": "deal_won", "user": user}),
        json!({"source": "platform", "at": at, "number": {"id": "1"}}),
        json!({"source": "identity", "at": at, "event": "merge", "user": user, "other": {"hubspot_id": 7}, "actor": "ana"}),
        json!({"source": "clock", "at": at}),
    ]
}

#[test]
fn a_mistake_is_named_by_code_and_field() {
    let [outbound, inbox, crm, platform, identity, clock] = good();
    for line in good() {
        assert_eq!(found(&line), ("", ""), "{line}");
    }
    let null = || Value::Null;
    for (line, change, code, field) in [
        (&outbound, vec![("/message_id", null())], "no_id", "message_id"),
        (&outbound, vec![("/message_id", json!(7))], "no_id", "message_id"),
        (&outbound, vec![("/to", null())], "no_person", "to"),
        (
            &outbound,
            vec![("/to/phone", json!("not a phone"))],
            "bad_phone",
            "to.phone",
        ),
        (
            &outbound,
            vec![("/to/phone", json!(56_961_234_567_i64))],
            "bad_phone",
            "to.phone",
        ),
        (
            &outbound,
            vec![("/author/kind", json!("human"))],
            "unknown_author",
            "author.kind",
        ),
        (&outbound, vec![("/at", json!("soon"))], "bad_time", "at"),
        (&inbox, vec![("/event", null())], "no_event", "event"),
        (&inbox, vec![("/event", json!("explode"))], "unknown_event", "event"),
        (&inbox, vec![("/user", null())], "no_person", "user"),
        (&inbox, vec![("/user/phone", json!("12"))], "bad_phone", "user.phone"),
        (&crm, vec![("/system", json!("foo"))], "unknown_system", "system"),
        (&crm, vec![("/event", null())], "no_event", "event"),
        (
            &crm,
            vec![("/event", json!("contact_merged")), ("/other", json!({"phone": "x"}))],
            "bad_phone",
            "other.phone",
        ),
        (&platform, vec![("/number", null())], "no_number_or_template", "number"),
        (&platform, vec![("/number/id", null())], "no_number_id", "number.id"),
        (
            &platform,
            vec![("/template", json!({}))],
            "number_and_template",
            "template",
        ),
        (
            &platform,
            vec![("/number", null()), ("/template", json!({}))],
            "no_template_id",
            "template.id",
        ),
        (&identity, vec![("/event", null())], "no_event", "event"),
        (&identity, vec![("/event", json!("marry"))], "unknown_event", "event"),
        (&identity, vec![("/user", null())], "no_person", "user"),
        (&identity, vec![("/other", json!({}))], "no_person", "other"),
        (&identity, vec![("/at", null())], "no_time", "at"),
        (&identity, vec![("/actor", null())], "no_actor", "actor"),
        (
            &identity,
            vec![("/other/phone", json!("x"))],
            "bad_phone",
            "other.phone",
        ),
        (&clock, vec![("/at", null())], "no_time", "at"),
    ] {
        assert_eq!(found(&with(line, &change)), (code, field), "{line} {change:?}");
    }
    let invalid = Raw {
        source: capture::INVALID.to_owned(),
        ..raw(&clock)
    };
    assert_eq!(check(&invalid, &Tenant::default()).unwrap_err().code, "unknown_source");
}

#[test]
fn what_names_somebody_in_another_way_is_taken() {
    let [outbound, inbox, ..] = good();
    for (line, change) in [
        (&outbound, vec![("/to", json!({"group_id": "g"}))]),
        (&outbound, vec![("/to", null_phone())]),
        (
            &outbound,
            vec![("/message_id", Value::Null), ("/command_id", json!("c"))],
        ),
        (&outbound, vec![("/author", Value::Null)]),
        // A local form, completed by the tenant's country.
        (&outbound, vec![("/to/phone", json!("9 6123 4567"))]),
        (&inbox, vec![("/user", json!({"user_id": "CL.1"}))]),
    ] {
        assert_eq!(found(&with(line, &change)), ("", ""), "{change:?}");
    }
}

fn null_phone() -> Value {
    json!({"phone": null, "wa_id": "56961234567"})
}

#[test]
fn every_problem_is_one_of_the_list_and_says_what_it_means() {
    for problem in LineProblem::ALL {
        assert!(!problem.code.is_empty() && !problem.error.is_empty());
    }
}

/// Reasons of the dead letters of a line.
fn dead_letters(raw: &Raw) -> Vec<&'static str> {
    use hilo_contracts::{
        codec::{self, Codec as _},
        topics,
    };
    let mut context = Context::default();
    let record = Record {
        topic: topics::RAW,
        key: Vec::new(),
        value: codec::raw().encode(raw).unwrap(),
        timestamp: raw.received_at,
    };
    Normalize::new(Arc::default()).process(&record, &mut context).unwrap();
    let reasons = context
        .counts
        .iter()
        .filter(|(counter, ..)| *counter == "dead_letter_reasons");
    reasons.map(|(_, reason, _)| *reason).collect()
}

fn value() -> impl Strategy<Value = Value> {
    let user = json!({"phone": "+56961234567", "user_id": "CL.1"});
    prop::sample::select(vec![
        json!(null),
        json!(""),
        json!("x"),
        json!(7),
        json!({}),
        json!([]),
        json!("assigned"),
        json!("merge"),
        json!("2026-05-04T13:00:00Z"),
        user,
        json!({"id": "1"}),
    ])
}

proptest! {
    #[test]
    fn what_is_taken_is_no_dead_letter_and_a_dead_letter_is_not_taken(
        which in 0..6usize,
        keys in prop::collection::vec(
            (prop::sample::select(vec!["at", "event", "user", "other", "to", "message_id", "command_id", "actor",
                "number", "template", "system", "author"]), value()), 0..4)
    ) {
        let mut line = good()[which].clone();
        for (key, value) in keys {
            line[key] = value;
        }
        let raw = raw(&line);
        let letters = dead_letters(&raw);
        match check(&raw, &Tenant::default()) {
            Ok(()) => prop_assert!(letters.is_empty(), "{line}: {letters:?}"),
            Err(problem) => {
                prop_assert!(LineProblem::ALL.contains(&problem));
                prop_assert!(letters.is_empty() || letters == [problem.code], "{line}: {letters:?} {problem:?}");
            }
        }
    }
}
