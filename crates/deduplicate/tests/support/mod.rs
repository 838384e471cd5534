//! `normalize` and `deduplicate` in the test driver, and what came out of them, decoded.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a part of each test target, which is a crate of its own and uses what it needs"
)]

#[path = "../../../normalize/tests/support/captures.rs"]
mod captures;

pub use captures::*;

use hilo_contracts::{
    item::{Body, Item},
    topics,
};
use hilo_stream::{Record, TestDriver, Topology, wire};

pub fn topology() -> Topology {
    let processors = vec![
        hilo_normalize::normalize_spec(tenants()),
        hilo_deduplicate::spec(),
        hilo_normalize::count_spec(),
    ];
    Topology::new(vec![raw()], processors).unwrap()
}

pub fn driver() -> TestDriver {
    TestDriver::all(&topology(), hilo_normalize::dead_letter).unwrap()
}

/// What `deduplicate` let through.
pub fn outputs(driver: &TestDriver) -> Run {
    let told = [topics::UNIQUE, topics::ACCOUNT_ITEM];
    let items = driver.outputs().iter().filter(|record| told.contains(&record.topic));
    let items = items
        .map(|record| (record.topic, decode(record)))
        .filter(|(topic, item)| *topic == topics::ACCOUNT_ITEM || !is_of_owner(item));
    Run::of(driver, driver.counts(), items.map(|(_, item)| item).collect())
}

/// What of facts about the business side is evidence of identity too.
pub fn of_owners(lines: &str) -> Vec<Item> {
    let mut driver = driver();
    driver.pipe_all(records(lines)).unwrap();
    driver.topic(topics::UNIQUE).map(decode).filter(is_of_owner).collect()
}

fn decode(record: &Record) -> Item {
    wire::decode(&record.value).unwrap()
}

fn is_of_owner(item: &Item) -> bool {
    matches!(item.body, Body::Account(_))
}

pub fn run(records: &[Record]) -> Run {
    let mut driver = driver();
    driver.pipe_all(records.iter().cloned()).unwrap();
    outputs(&driver)
}

/// Runs capture lines.
pub fn lines(lines: &str) -> Run {
    run(&records(lines))
}
