//! What people see of the topics: every id leads to its facts by the index, one tenant's reader sees nothing of another,
//! and pages of the numbers are the whole.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod stand;

use axum::http::StatusCode;
use hilo_contracts::{
    codec::{self, Codec as _},
    facts::Metric,
    json, topics,
};
use hilo_dashboard::Asked;
use hilo_metrics::table::Table;
use hilo_service::Scope;
use hilo_stream::Record;
use serde_json::Value;
use stand::{CLOCK, Stand, links, two_tenants};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

/// Topics of the facts that an id leads to.
const FACTS: [&str; 7] = [
    topics::DEAD_LETTER,
    topics::UNCLASSIFIED,
    topics::IDENTITY,
    topics::CONVERSATION,
    topics::STATUS,
    topics::CONSENT,
    topics::ACCOUNT,
];
const IDS: [&str; 9] = [
    "event_id",
    "person_id",
    "other_person_id",
    "session_id",
    "conversation_id",
    "message_id",
    "reply_to",
    "entry_id",
    "delivery_id",
];

/// One node for all tests: they only look.
static STAND: LazyLock<Stand> = LazyLock::new(|| Stand::new(&(two_tenants() + CLOCK)));

fn fact(record: &Record) -> Value {
    serde_json::from_str(&json::to_string(record.topic, &record.value).unwrap()).unwrap()
}

/// Each id with the tenants and the ids of the facts that name it: by reading all of every topic.
fn known(stand: &Stand) -> BTreeMap<String, BTreeSet<(String, String)>> {
    let mut known: BTreeMap<String, BTreeSet<(String, String)>> = BTreeMap::new();
    for topic in FACTS {
        for record in stand.records(topic) {
            let fact = fact(&record);
            let whose = (
                fact["tenant"].as_str().unwrap().to_owned(),
                fact["event_id"].as_str().unwrap().to_owned(),
            );
            for field in IDS {
                let id = fact[field].as_str().or_else(|| fact["source"][field].as_str());
                if let Some(id) = id.filter(|id| !id.is_empty()) {
                    known.entry(id.to_owned()).or_default().insert(whose.clone());
                }
            }
        }
    }
    known
}

#[test]
fn every_id_leads_to_its_facts_and_no_reader_sees_another_tenant() {
    let stand = &*STAND;
    let known = known(stand);
    let shared = known.values().filter(|facts| {
        let tenants: BTreeSet<&str> = facts.iter().map(|(tenant, _)| tenant.as_str()).collect();
        tenants.len() > 1
    });
    assert!(known.len() > 300 && shared.count() >= 2, "{}", known.len());
    let scopes = [
        Scope::All,
        Stand::scope(&["alpha-inc"]),
        Stand::scope(&["beta-corp"]),
        Stand::scope(&["nobody"]),
    ];
    let others = ["alpha-inc", "beta-corp"];
    for scope in &scopes {
        for (id, facts) in &known {
            let wanted: BTreeSet<&str> = facts
                .iter()
                .filter(|(tenant, _)| scope.has(tenant))
                .map(|(_, event)| event.as_str())
                .collect();
            let told = stand.view.story(scope, id, 10_000, &Asked::default()).unwrap();
            let Some(told) = told else {
                assert!(wanted.is_empty(), "{id} of {scope:?} leads to nothing");
                continue;
            };
            let found: BTreeSet<&str> = told
                .steps
                .iter()
                .filter_map(|step| step.content["event_id"].as_str())
                .collect();
            assert!(found.is_superset(&wanted), "{id} of {scope:?}: {found:?} of {wanted:?}");
            let text = format!("{:?}", told.steps);
            for other in others.iter().filter(|other| !scope.has(other)) {
                assert!(!text.contains(other), "{other} is in {id} of {scope:?}: {text}");
            }
        }
        // What a line names and no fact has; and a text that is no id.
        for id in ["order-77", "deal-5", "+56961230002", "56961230002"] {
            let told = stand.view.story(scope, id, 10_000, &Asked::default()).unwrap();
            assert_eq!(told.is_some(), *scope != Stand::scope(&["nobody"]), "{id} of {scope:?}");
            let text = format!("{told:?}");
            for other in others.iter().filter(|other| !scope.has(other)) {
                assert!(!text.contains(other), "{other} is in {id} of {scope:?}");
            }
        }
        for text in ["hola de beta-corp", "promo", "beta-corp", "text", "Ana Beltran", ""] {
            assert_eq!(
                stand.view.story(scope, text, 100, &Asked::default()).unwrap(),
                None,
                "{text}"
            );
        }
    }
}

#[test]
fn no_route_shows_another_tenant_and_every_link_answers() {
    let stand = &*STAND;
    for (scope, hidden) in [
        (Scope::All, ""),
        (Stand::scope(&["alpha-inc"]), "beta-corp"),
        (Stand::scope(&["beta-corp"]), "alpha-inc"),
    ] {
        let page = stand.get(&scope, "/");
        assert_eq!(page.status, StatusCode::OK);
        let mut paths: BTreeSet<String> = links(&page.body);
        assert!(paths.len() > 10, "{paths:?}");
        for trace in paths.clone() {
            paths.insert(format!("/v1{trace}"));
            // And one step further, from people to their sessions.
            if trace.starts_with("/trace/p_") {
                paths.extend(links(&stand.get(&scope, &trace).body));
            }
        }
        paths.extend([
            "/".to_owned(),
            "/v1/metrics?limit=10000&since=1970-01-01T00:00:00Z".to_owned(),
        ]);
        for path in paths {
            let answer = stand.get(&scope, &path);
            assert_eq!(answer.status, StatusCode::OK, "{path}");
            assert!(
                hidden.is_empty() || !answer.body.contains(hidden),
                "{hidden} is in {path}"
            );
        }
        // Not by asking for it either.
        if !hidden.is_empty() {
            assert_eq!(stand.get(&scope, &format!("/v1/metrics?tenant={hidden}")).body, "[]");
        }
    }
}

#[test]
fn pages_of_the_numbers_are_the_rows_that_stand() {
    let stand = &*STAND;
    let codec = codec::metric();
    let mut table = Table::default();
    for record in stand.records(topics::METRIC) {
        table.apply(codec.decode(&record.value).unwrap());
    }
    let lines = |wanted: &dyn Fn(&Metric) -> bool| -> BTreeSet<String> {
        let rows = table.rows().filter(|row| wanted(row));
        let line = |row: &Metric| {
            let mut line = Vec::new();
            json::write_metric(row, &mut line).unwrap();
            let value: Value = serde_json::from_slice(&line).unwrap();
            value.to_string()
        };
        rows.map(line).collect()
    };
    let asked = |path: &str| -> BTreeSet<String> {
        let mut next = Some(path.to_owned());
        let mut rows = Vec::new();
        while let Some(path) = next {
            let answer = stand.get(&Scope::All, &path);
            assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.body);
            let page: Vec<Value> = serde_json::from_str(&answer.body).unwrap();
            assert!(page.len() <= 100);
            rows.extend(page.iter().map(Value::to_string));
            next = answer.next;
        }
        let distinct: BTreeSet<String> = rows.iter().cloned().collect();
        assert_eq!(distinct.len(), rows.len(), "a row comes twice");
        distinct
    };
    let all = lines(&|_| true);
    assert!(all.len() > 200, "{}", all.len());
    assert_eq!(asked("/v1/metrics?limit=100&since=1970-01-01T00:00:00Z"), all);
    let newest = stand
        .records(topics::RAW)
        .iter()
        .map(|record| record.timestamp)
        .max()
        .unwrap();
    let week = newest - 7 * 86_400_000;
    let last_week = |row: &Metric| row.window.is_none_or(|window| window.end > week);
    assert_eq!(asked("/v1/metrics?limit=100"), lines(&last_week));
    let one = |row: &Metric| row.tenant == "beta-corp" && row.metric == "delivery_rate";
    assert_eq!(
        asked("/v1/metrics?limit=7&since=1970-01-01T00:00:00Z&tenant=beta-corp&definition=delivery_rate"),
        lines(&one)
    );
    let from = stand::START + 3_600_000;
    let between = |row: &Metric| {
        row.window
            .is_none_or(|window| window.end > from && window.start < from + 3_600_000)
    };
    let (since, until) = (
        hilo_domain::time::to_rfc3339(from),
        hilo_domain::time::to_rfc3339(from + 3_600_000),
    );
    assert_eq!(
        asked(&format!("/v1/metrics?limit=100&since={since}&until={until}")),
        lines(&between)
    );
}
