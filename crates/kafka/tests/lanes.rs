//! Lanes on a real broker: everything once and in order, with aborts, poison and moving partitions.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use hilo_testbed::Broker;
use std::time::{Duration, Instant};
use support::{
    PARTITIONS, PATIENCE, cluster, expected, found, lines, make_topics, produce, read, settings, start, toys,
};

const ALL: [&str; 3] = ["parse", "fold", "total"];

#[test]
fn everything_once_and_in_order_with_poison_and_members_that_come_and_go() {
    let Some(broker) = Broker::start() else { return };
    let cluster = cluster(&broker.address(), "one.");
    make_topics(&cluster);
    let lines = lines(20_000, true);
    let (first, second, third) = (
        tempfile::tempdir().unwrap(),
        tempfile::tempdir().unwrap(),
        tempfile::tempdir().unwrap(),
    );
    let (alone, ..) = start(&cluster, &ALL, settings(first.path(), 2, None));
    produce(&cluster, &lines[..8_000]);
    // Members come while records flow, and one goes.
    let (joined, ..) = start(&cluster, &ALL, settings(second.path(), 1, None));
    produce(&cluster, &lines[8_000..14_000]);
    alone.stop().unwrap();
    produce(&cluster, &lines[14_000..]);
    let (last, ..) = start(&cluster, &ALL, settings(third.path(), 2, None));
    let want = expected(&lines);
    assert!(
        want.dead.len() > 20 && want.facts > 30_000,
        "{} {}",
        want.dead.len(),
        want.facts
    );
    assert_eq!(found(&cluster, &want), want);

    // The global processor has seen each fact once, whoever ran it.
    produce(&cluster, &["c99999999999".to_owned()]);
    let facts = read(&cluster, toys::FACT, want.facts + 20);
    let bytes = |received: &hilo_kafka::Received| received.record.value.len();
    let closed = facts.iter().filter(|fact| fact.record.value.starts_with(b"closed"));
    assert_eq!(closed.count(), want.words.len());
    produce(&cluster, &["c99999999999".to_owned()]);
    let dead = read(&cluster, toys::DEAD, want.dead.len());
    let sum: usize = facts.iter().chain(&dead).map(bytes).sum();
    let told = |total: &hilo_kafka::Received| String::from_utf8(total.record.value.clone()).unwrap();
    let totals = read(&cluster, toys::TOTAL, 2);
    assert_eq!(told(totals.last().unwrap()), sum.to_string());
    joined.stop().unwrap();
    last.stop().unwrap();
}

/// Each partition of the topic has the record once, and each task hears it once, also one that gives a batch up.
#[test]
fn a_broadcast_is_in_every_partition_once() {
    let Some(broker) = Broker::start() else { return };
    let cluster = cluster(&broker.address(), "all.");
    make_topics(&cluster);
    let state = tempfile::tempdir().unwrap();
    let (engine, ..) = start(&cluster, &["parse", "fold"], settings(state.path(), 2, None));
    // `e…` fails in `fold` only: its partition gives the batch up and reads the broadcast again.
    let lines = ["*all", "eab", "*more"].map(str::to_owned);
    produce(&cluster, &lines);
    let partitions = |topic, enough| {
        let all = read(&cluster, topic, enough);
        let mut places: Vec<(String, i32)> = all
            .iter()
            .filter(|received| received.record.key.is_empty())
            .map(|received| {
                (
                    String::from_utf8_lossy(&received.record.value).into_owned(),
                    received.partition,
                )
            })
            .collect();
        places.sort();
        places
    };
    let everywhere = |text: &str| {
        (0..PARTITIONS)
            .map(|partition| (text.to_owned(), partition))
            .collect::<Vec<_>>()
    };
    let copies = 2 * PARTITIONS as usize;
    assert_eq!(
        partitions(toys::WORD, copies + 1),
        [everywhere("*all"), everywhere("*more")].concat()
    );
    // Each task heard it once. What it says of it has one key, so one partition has it all.
    let heard = partitions(toys::FACT, copies);
    assert_eq!(heard.len(), copies);
    engine.stop().unwrap();
}

/// Where only time has come, and then nothing more, it is committed all the same: else the lane seems to stand still, and is
/// started anew for nothing while no gateway tells the time.
#[test]
fn time_alone_is_committed_without_another_record() {
    let Some(broker) = Broker::start() else { return };
    let cluster = cluster(&broker.address(), "time.");
    make_topics(&cluster);
    let state = tempfile::tempdir().unwrap();
    let (engine, _, registry) = start(&cluster, &["parse", "fold"], settings(state.path(), 1, None));
    let waits = || -> f64 {
        let families = registry.gather();
        let lag = families.iter().filter(|family| family.name() == "hilo_lag_records");
        let series = lag.flat_map(prometheus::proto::MetricFamily::get_metric);
        let of_time = |metric: &&prometheus::proto::Metric| {
            let is = |name: &str, value: &str| {
                metric
                    .get_label()
                    .iter()
                    .any(|label| label.name() == name && label.value() == value)
            };
            is("processor", "fold") && is("topic", "hilo.time")
        };
        series
            .filter(of_time)
            .map(|metric| metric.get_gauge().get_value())
            .sum()
    };
    produce(&cluster, &["c99999999999".to_owned()]);
    for (what, holds) in [
        ("the time has come", (|waits| waits > 0.0) as fn(f64) -> bool),
        ("it is committed", |waits| waits == 0.0),
    ] {
        let begun = Instant::now();
        while !holds(waits()) {
            assert!(begun.elapsed() < PATIENCE, "waited in vain until {what}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
    engine.stop().unwrap();
}
