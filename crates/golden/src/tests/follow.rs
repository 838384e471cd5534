//! What pages need beside the rows: current numbers, counters, places of ids.

use super::facts::{Log, person, received};
use crate::{FOLLOWED, Golden, MetricFilter, Place, Placed, Tenants};
use hilo_contracts::{
    capture,
    codec::{self, Codec as _},
    facts::{Count, Dimension, Metric, Status, Window},
    topics,
};
use hilo_domain::Millis;
use hilo_stream::Record;
use proptest::prelude::*;
use std::collections::BTreeMap;

const HOUR: Millis = 3_600_000;

fn placed(topic: &'static str, key: &str, offset: i64, value: Vec<u8>) -> Placed {
    Placed {
        partition: 0,
        offset,
        record: Record {
            topic,
            key: key.as_bytes().to_vec(),
            value,
            timestamp: offset,
        },
    }
}

fn row(tenant: &str, metric: &str, hour: Option<i64>, template: Option<&str>, revision: i64, count: i64) -> Metric {
    Metric {
        tenant: tenant.into(),
        metric: metric.into(),
        definition: format!("{metric}@1"),
        window: hour.map(|hour| Window {
            start: hour * HOUR,
            end: (hour + 1) * HOUR,
        }),
        dimensions: template
            .map(|name| Dimension {
                name: "template".into(),
                value: name.into(),
            })
            .into_iter()
            .collect(),
        count,
        revision,
        ..Metric::default()
    }
}

fn everything() -> MetricFilter {
    MetricFilter {
        definition: None,
        since: 0,
        until: Millis::MAX,
        after: None,
        limit: 1_000,
    }
}

/// What a reader of `tenants` may ask, all of it.
fn answers(golden: &Golden, tenants: &Tenants, ids: &[&str]) -> String {
    let places: Vec<Vec<Place>> = ids.iter().map(|id| golden.places(tenants, id).unwrap()).collect();
    let traces: Vec<_> = ids.iter().map(|id| golden.trace(tenants, id, 100).unwrap()).collect();
    let people: Vec<_> = ids.iter().map(|id| golden.people_named(tenants, id).unwrap()).collect();
    let parts: Vec<_> = ids.iter().map(|id| golden.ids_of(tenants, id).unwrap()).collect();
    format!(
        "{:?} {:?} {:?} {:?} {:?} {places:?} {traces:?} {people:?} {parts:?} {:?} {:?}",
        golden.metrics(tenants, &everything()).unwrap(),
        golden.totals(tenants, "sent").unwrap(),
        golden.grouped(tenants, "sent").unwrap(),
        golden.hours(tenants, "sent", 0).unwrap(),
        golden.counters(tenants).unwrap(),
        golden.recent_conversations(tenants, 100).unwrap(),
        golden.account(tenants, &crate::AccountQuestion::default()).unwrap(),
    )
}

/// Facts of two tenants that share a phone and message ids, with rows of the numbers and counters.
fn life() -> Vec<Placed> {
    let mut log = Log::default();
    for tenant in ["acme", "beta"] {
        let who = format!("p_{tenant}");
        let mut fact = person(&who, 1, "CL", &[("phone", "+56961234567", false)]);
        fact.tenant = tenant.into();
        log.identity(&fact);
        fact.revision = 2;
        fact.event_id = format!("{who}-2");
        log.identity(&fact);
        let mut gone = person(&format!("{who}_part"), 2, "CL", &[]);
        gone.tenant = tenant.into();
        gone.kind = "closed".into();
        gone.other_person_id = Some(who.clone());
        log.identity(&gone);
        let mut fact = received("wamid.shared", &who, 10, Some(&format!("s_{tenant}")));
        fact.tenant = tenant.into();
        fact.source.delivery_id = format!("d_{tenant}");
        log.conversation(&fact);
        for revision in 1..=3 {
            log.status(&Status {
                event_id: format!("status-{tenant}-{revision}"),
                tenant: tenant.into(),
                message_id: "wamid.out".into(),
                revision,
                person_id: Some(who.clone()),
                ..Status::default()
            });
        }
    }
    let mut records = log.records;
    let mut offset = 0;
    for tenant in ["acme", "beta"] {
        for (key, row) in [
            ("a1", row(tenant, "sent", None, None, 1, 3)),
            ("b1", row(tenant, "sent", Some(5), None, 1, 2)),
            ("c1", row(tenant, "sent", None, Some("promo"), 1, 1)),
            ("a1", row(tenant, "sent", None, None, 2, 4)),
            ("d1", row(tenant, "read", Some(6), None, 1, 9)),
            ("d1", row(tenant, "read", Some(6), None, 2, 0)),
        ] {
            let value = codec::metric().encode(&row).unwrap();
            records.push(placed(topics::METRIC, &format!("{tenant}{key}"), offset, value));
            offset += 1;
        }
    }
    for (offset, (tenant, amount)) in [("acme", 2), ("beta", 7), ("acme", 5)].into_iter().enumerate() {
        let count = Count {
            tenant: tenant.into(),
            counter: "items".into(),
            label: "emitted".into(),
            amount,
            event_time: 0,
        };
        let value = codec::count().encode(&count).unwrap();
        records.push(placed(topics::COUNT, tenant, offset as i64, value));
    }
    for (offset, tenant) in ["acme", "beta"].into_iter().enumerate() {
        let line = format!(r#"{{"source":"crm","tenant":"{tenant}","at":"2026-05-04T14:00:00Z","deal_id":5}}"#);
        let raw = capture::from_line(line.as_bytes(), None, 0).unwrap();
        records.push(placed(
            topics::RAW,
            tenant,
            offset as i64,
            codec::raw().encode(&raw).unwrap(),
        ));
    }
    assert!(records.iter().all(|placed| FOLLOWED.contains(&placed.record.topic)));
    records
}

const IDS: [&str; 13] = [
    "p_acme",
    "p_beta",
    "p_acme_part",
    "p_beta_part",
    "wamid.shared",
    "wamid.out",
    "s_acme",
    "s_beta",
    "d_beta",
    "status-beta-2",
    "5",
    "+56961234567",
    "thread-p_beta",
];

#[test]
fn the_numbers_are_those_that_stand_and_the_counters_the_greatest() {
    let mut golden = Golden::open_in_memory().unwrap();
    golden.follow(&life()).unwrap();
    let tenants = Tenants::of(["acme"]);
    let (rows, next) = golden.metrics(&tenants, &everything()).unwrap();
    let told: Vec<(&str, Option<i64>, i64)> = rows
        .iter()
        .map(|row| {
            (
                row.metric.as_str(),
                row.window.map(|window| window.start / HOUR),
                row.count,
            )
        })
        .collect();
    // The row of `read` counts nothing any more.
    // A grouping comes before the total: dimensions are compared as text.
    assert_eq!(told, [("sent", None, 1), ("sent", None, 4), ("sent", Some(5), 2)]);
    assert_eq!(next, None);
    let items = ("items".to_owned(), "emitted".to_owned());
    assert_eq!(golden.counters(&tenants).unwrap(), BTreeMap::from([(items.clone(), 5)]));
    assert_eq!(golden.counters(&golden.tenants().unwrap()).unwrap()[&items], 12);
    // A deal by its number, three revisions of a status by its message.
    let places = |id: &str| golden.places(&tenants, id).unwrap().len();
    assert_eq!((places("5"), places("wamid.out"), places("nothing")), (1, 3, 0));
    assert_eq!(golden.newest().unwrap(), 1);
}

#[test]
fn no_query_of_one_tenant_gives_anything_of_another() {
    let mut golden = Golden::open_in_memory().unwrap();
    golden.follow(&life()).unwrap();
    for (own, other) in [("acme", "beta"), ("beta", "acme")] {
        let told = answers(&golden, &Tenants::of([own]), &IDS);
        // The ids asked for come back as the first of their own parts.
        let told = IDS.iter().fold(told, |told, id| {
            told.replace(&format!("[[\"{id}\"]"), "")
                .replace(&format!("[\"{id}\"]"), "")
        });
        assert!(told.contains(own) && !told.contains(other), "{other} in {told}");
    }
    let nobody = answers(
        &golden,
        &Tenants::of(["nobody"]),
        &["wamid.shared", "wamid.out", "+56961234567"],
    );
    assert!(!nobody.contains("acme") && !nobody.contains("beta"), "{nobody}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// In whatever batches the records come, also again: the answers are the same.
    #[test]
    fn batches_and_repetitions_change_no_answer(sizes in prop::collection::vec(1_usize..9, 1..40), back in 0_usize..9) {
        let records = life();
        let mut once = Golden::open_in_memory().unwrap();
        once.follow(&records).unwrap();
        let mut often = Golden::open_in_memory().unwrap();
        let mut from = 0;
        for size in sizes.iter().cycle() {
            if from >= records.len() {
                break;
            }
            let upto = records.len().min(from + size);
            often.follow(&records[from.saturating_sub(back)..upto]).unwrap();
            from = upto;
        }
        let all = once.tenants().unwrap();
        prop_assert_eq!(answers(&often, &all, &IDS), answers(&once, &all, &IDS));
    }
}
