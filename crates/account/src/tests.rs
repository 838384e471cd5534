//! What readers of the topic may rely on.

use crate::Account;
use hilo_contracts::{
    codec::{self, Codec as _},
    facts::Account as Fact,
    item::{Account as Told, Body, Item, MessageRecord, Position, Template, TemplateNamed},
    topics,
};
use hilo_stream::{Context, Processor as _, Record, Verdict, wire};
use proptest::prelude::*;
use std::collections::BTreeMap;

fn item(number: usize, at: i64, kind: &str, quality: Option<&str>) -> Item {
    Item {
        tenant: "acme".into(),
        delivery_id: format!("d{number}"),
        position: Position::default(),
        received_at: at + 500,
        event_time: at,
        key: format!("account-{number}"),
        content: format!(r#"{{"kind":"{kind}","number":{number}}}"#),
        entry_id: "310".into(),
        phone_number_id: None,
        test: false,
        sightings: vec![],
        has_person: false,
        evidence_only: false,
        generation: 0,
        change: None,
        body: Body::Account(Told {
            subject_kind: "template".into(),
            subject_id: "7001".into(),
            kind: kind.into(),
            quality: quality.map(Into::into),
            ..Told::default()
        }),
    }
}

fn run(items: &[Item]) -> Vec<Fact> {
    let mut account = Account::default();
    let mut context = Context::default();
    for item in items {
        let value = wire::encode(item).unwrap();
        let record = Record {
            topic: topics::ACCOUNT_ITEM,
            key: b"7001".to_vec(),
            value,
            timestamp: item.event_time,
        };
        account.process(&record, &mut context).unwrap();
    }
    context
        .outputs
        .iter()
        .map(|record| codec::account().decode(&record.value).unwrap())
        .collect()
}

#[test]
fn a_fact_says_what_the_item_said() {
    let facts = run(&[item(1, 1_000, "template_quality", Some("YELLOW"))]);
    let [fact] = facts.as_slice() else { panic!("{facts:?}") };
    assert_eq!(
        (fact.kind.as_str(), fact.quality.as_deref(), fact.revision),
        ("template_quality", Some("YELLOW"), 1)
    );
    assert_eq!(
        (fact.subject.kind.as_str(), fact.subject.id.as_str()),
        ("template", "7001")
    );
    assert_eq!(
        (fact.waba_id.as_deref(), fact.event_time, fact.ingest_time),
        (Some("310"), 1_000, 1_500)
    );
}

/// A snapshot's item: its content is the whole line.
fn snapshot(kind: &str, told: Told, content: &str) -> Fact {
    let mut item = item(1, 1_000, kind, None);
    content.clone_into(&mut item.content);
    item.body = Body::Account(Told {
        kind: kind.to_owned(),
        ..told
    });
    let mut facts = run(&[item]);
    facts.pop().unwrap()
}

#[test]
fn a_snapshot_is_one_fact_of_quality_limit_and_the_parts_of_the_answer() {
    let number = Told {
        subject_kind: "phone_number".into(),
        subject_id: "210".into(),
        quality: Some("GREEN".into()),
        limit: Some(2_000),
        portfolio_id: Some("900".into()),
        ..Told::default()
    };
    let line = r#"{"number":{"id":"210","quality_rating":"GREEN","status":"CONNECTED","throughput":{"level":"HIGH"},"messaging_limit_tier":null},
        "status":"of the line","template":null}"#;
    let fact = snapshot("number_snapshot", number, line);
    assert_eq!(
        (fact.quality.as_deref(), fact.limit, fact.event.as_deref()),
        (Some("GREEN"), Some(2_000), None)
    );
    assert_eq!(
        (fact.waba_id.as_deref(), fact.portfolio_id.as_deref()),
        (Some("310"), Some("900"))
    );
    let parts: Vec<(&str, &str)> = fact
        .attributes
        .iter()
        .map(|part| (part.name.as_str(), part.value.as_str()))
        .collect();
    assert_eq!(parts, [("status", "CONNECTED"), ("throughput.level", "HIGH")]);
    let template = snapshot(
        "template_snapshot",
        Told {
            subject_kind: "template".into(),
            ..Told::default()
        },
        r#"{"template":{"id":"7001","status":"PAUSED","quality_score":{"score":"RED","date":1777890000}}}"#,
    );
    let parts: Vec<(&str, &str)> = template
        .attributes
        .iter()
        .map(|part| (part.name.as_str(), part.value.as_str()))
        .collect();
    assert_eq!(parts, [("status", "PAUSED"), ("quality_score.date", "1777890000")]);
    assert_eq!((template.quality, template.portfolio_id), (None, None));
}

/// The records that the account processor broadcasts to the tasks of the status processor.
fn named(items: &[Item]) -> Vec<MessageRecord> {
    let mut account = Account::default();
    let mut context = Context::default();
    for item in items {
        let record = Record {
            topic: topics::ACCOUNT_ITEM,
            key: b"7001".to_vec(),
            value: wire::encode(item).unwrap(),
            timestamp: item.event_time,
        };
        account.process(&record, &mut context).unwrap();
    }
    let told = context.broadcasts.iter();
    told.map(|record| {
        assert_eq!(record.topic, topics::MESSAGE_ITEM);
        wire::decode(&record.value).unwrap()
    })
    .collect()
}

#[test]
fn each_event_that_names_a_category_is_told_for_the_sends() {
    let of = |number, at, kind: &str, category: Option<&str>| {
        let mut item = item(number, at, kind, None);
        if let Body::Account(told) = &mut item.body {
            told.template = Some(Template {
                name: "aviso_plan".into(),
                language: Some("es_CL".into()),
                category: category.map(Into::into),
            });
        }
        item
    };
    let mut test = of(4, 40, "template_category", Some("authentication"));
    test.test = true;
    let told = named(&[
        of(1, 20, "template_category", Some("marketing")),
        of(2, 10, "template_status", Some("utility")),
        of(3, 30, "template_quality", None),
        test,
    ]);
    let want = |at, category: &str| {
        MessageRecord::TemplateNamed(TemplateNamed {
            tenant: "acme".into(),
            name: "aviso_plan".into(),
            language: Some("es_CL".into()),
            at,
            category: category.into(),
        })
    };
    assert_eq!(told, [want(20, "marketing"), want(10, "utility")]);
}

#[test]
fn an_item_about_something_else_is_dropped() {
    let mut other = item(1, 0, "x", None);
    other.body = Body::Clock;
    let record = Record {
        topic: topics::ACCOUNT_ITEM,
        key: vec![],
        value: wire::encode(&other).unwrap(),
        timestamp: 0,
    };
    let verdict = Account::default().process(&record, &mut Context::default()).unwrap();
    assert_eq!(verdict, Verdict::Drop("not_about_an_account"));
}

proptest! {
    /// Every item has a fact, revisions rise by one, and the last record is the latest observation, in any order.
    #[test]
    fn the_last_record_is_the_latest_observation(
        times in prop::collection::vec(0..5i64, 1..8),
        seed in any::<u64>(),
    ) {
        let items: Vec<Item> = times
            .iter()
            .enumerate()
            .map(|(number, at)| item(number, *at, "template_quality", Some(["GREEN", "RED"][number % 2])))
            .collect();
        let order = hilo_stream::driver::permuted(&items, seed);
        let facts = run(&order);
        let latest = items.iter().max_by_key(|item| (item.event_time, item.content.clone())).unwrap();
        let last = facts.last().unwrap();
        prop_assert_eq!(last.content.as_ref(), Some(&latest.content));
        let revisions: Vec<i64> = facts.iter().map(|fact| fact.revision).collect();
        prop_assert_eq!(revisions, (1..=facts.len() as i64).collect::<Vec<_>>());
        let told: BTreeMap<_, _> = facts.iter().map(|fact| (fact.event_id.clone(), fact.content.clone())).collect();
        prop_assert_eq!(told.len(), items.len());
    }
}
