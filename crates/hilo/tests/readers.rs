//! The topics for somebody who has nothing of Hilo's: Confluent's client in Python, the registry, and the documentation.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod cluster;

use cluster::{Cluster, PROCESSORS};
use hilo_domain::time::parse_rfc3339;
use hilo_simulator::{Profile, capture};
use hilo_testbed::free_port;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

const TOPICS: [&str; 9] = [
    "hilo.raw",
    "hilo.identity",
    "hilo.conversation",
    "hilo.status",
    "hilo.account",
    "hilo.consent",
    "hilo.metric",
    "hilo.dead_letter",
    "hilo.unclassified",
];

/// What was read of a topic: records by group, and the sum of their times in milliseconds.
#[derive(Debug, Default, PartialEq, Eq)]
struct Told {
    records: BTreeMap<String, u64>,
    millis: i64,
}

/// A Python with Confluent's client; `None` where there is none to get.
fn python() -> Option<PathBuf> {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    let output = Command::new(root.join("scripts/readers"))
        .arg("install")
        .output()
        .unwrap();
    if output.status.success() {
        return Some(String::from_utf8(output.stdout).unwrap().trim().into());
    }
    let reason = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        std::env::var_os("CI").is_none(),
        "in CI nothing is skipped, and there is no reader: {reason}"
    );
    eprintln!("SKIPPED: no reader here: {reason}");
    None
}

/// By Hilo's own export.
fn exported(cluster: &Cluster, topic: &str) -> Told {
    let config = cluster.config("export", free_port());
    let lines = Cluster::hilo(&["export", topic, "--config"], &config);
    let mut told = Told::default();
    for line in lines.lines() {
        let record: Value = serde_json::from_str(line).unwrap();
        let (group, time) = match topic {
            "hilo.raw" => ("source", &record["received_at"]),
            "hilo.metric" => ("metric", &record["window"]["end"]),
            _ => ("kind", &record["event_time"]),
        };
        *told
            .records
            .entry(record[group].as_str().unwrap().to_owned())
            .or_default() += 1;
        told.millis += time.as_str().map_or(0, |time| parse_rfc3339(time).unwrap());
    }
    told
}

#[test]
fn an_independent_reader_finds_the_documented_names_types_and_all_records() {
    let Some(python) = python() else { return };
    let Some(mut cluster) = Cluster::start(3, 1) else {
        return;
    };
    let mut lines = Vec::new();
    let start = parse_rfc3339("2026-05-04T12:00:00Z").unwrap();
    capture::write(&mut lines, 11, Profile::demo(start, 100), 6_000).unwrap();
    let mut lines = String::from_utf8(lines).unwrap();
    lines.push_str("{\"source\":\"clock\",\"at\":\"2026-05-04T15:00:00Z\"}\n");
    cluster.run(PROCESSORS);
    cluster.ingest(&lines);
    cluster.drained();
    // Time goes on, so that rows of the numbers come: it may pass records that are still on their way.
    cluster.ingest(r#"{"source":"clock","at":"2026-05-06T15:00:00Z"}"#);
    cluster.drained();

    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/readers/read.py");
    let output = Command::new(python)
        .arg(script)
        .args([cluster.broker.address(), cluster.registry.url()])
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "the reader: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let read: Value = serde_json::from_slice(&output.stdout).unwrap();
    for topic in TOPICS {
        let records = read[topic]["records"].as_object().unwrap();
        let by_reader = Told {
            records: records
                .iter()
                .map(|(group, count)| (group.clone(), count.as_u64().unwrap()))
                .collect(),
            millis: read[topic]["millis"].as_i64().unwrap(),
        };
        assert!(!by_reader.records.is_empty(), "{topic} is empty");
        assert_eq!(by_reader, exported(&cluster, topic), "{topic}");
        println!("{topic}: {} records", by_reader.records.values().sum::<u64>());
    }
}
