//! The processor in the test driver, and what came out of it, decoded.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a part of each test target, which is a crate of its own and uses what it needs"
)]

mod captures;

pub use captures::*;

use hilo_contracts::{
    item::{Body, Item},
    topics,
};
use hilo_normalize::Tenant;
use hilo_stream::{Record, TestDriver, Topology, wire};
use std::collections::{BTreeMap, BTreeSet};

fn topology_of(tenants: BTreeMap<String, Tenant>) -> Topology {
    Topology::new(
        vec![raw()],
        vec![hilo_normalize::normalize_spec(tenants), hilo_normalize::count_spec()],
    )
    .unwrap()
}

fn driver() -> TestDriver {
    TestDriver::all(&topology_of(tenants()), hilo_normalize::dead_letter).unwrap()
}

/// Items and their counts. Of each key the first is emitted, the others are duplicates: what they add is tested where it is
/// decided, in `deduplicate`.
fn outputs(driver: &TestDriver) -> Run {
    let mut counts = driver.counts();
    let mut count = |name, label| *counts.entry((name, label)).or_default() += 1;
    let (mut keys, mut items) = (BTreeSet::new(), Vec::new());
    for record in driver.topic(topics::ITEM) {
        let item: Item = wire::decode(&record.value).unwrap();
        if !keys.insert(item.key.clone()) {
            count("items", "duplicate");
            continue;
        }
        count("items", "emitted");
        if let Some(word) = hilo_whatsapp::unknown(&item) {
            count("unknown_words", word);
        }
        // A clock line is no fact.
        if !matches!(item.body, Body::Clock) {
            items.push(item);
        }
    }
    Run::of(driver, counts, items)
}

pub fn run(records: &[Record]) -> Run {
    let mut driver = driver();
    driver.pipe_all(records.iter().cloned()).unwrap();
    outputs(&driver)
}

/// Runs capture lines of acme, of which the configuration says this.
pub fn lines_of(acme: Tenant, lines: &str) -> Run {
    let topology = topology_of(BTreeMap::from([("acme".to_owned(), acme)]));
    let mut driver = TestDriver::all(&topology, hilo_normalize::dead_letter).unwrap();
    driver.pipe_all(records(lines)).unwrap();
    outputs(&driver)
}

/// What came out after `record`, and after the same once more.
pub fn twice(record: &Record) -> (Run, Run) {
    let mut driver = driver();
    driver.pipe(record.clone()).unwrap();
    let once = outputs(&driver);
    driver.pipe(record.clone()).unwrap();
    (once, outputs(&driver))
}

/// Runs capture lines.
pub fn lines(lines: &str) -> Run {
    run(&records(lines))
}
