//! State and internal records of another release: state is refused before a record is processed, and records wait.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use hilo_kafka::{Cluster, EngineError, Framing, RawProducer, changelog};
use hilo_stream::{Record, wire};
use hilo_testbed::{Broker, Foreign};
use std::{
    sync::{Arc, mpsc},
    thread,
    time::{Duration, Instant},
};
use support::{PATIENCE, cluster, expected, found, lines, make_topics, produce, settings, start, toys};

const ALL: [&str; 3] = ["parse", "fold", "total"];

#[test]
fn state_of_another_release_is_refused_before_any_record_is_processed() {
    let Some(broker) = Broker::start() else { return };
    let cluster = cluster(&broker.address(), "older.");
    make_topics(&cluster);
    let lines = lines(600, false);
    let folder = tempfile::tempdir().unwrap();
    let (engine, ..) = start(&cluster, &ALL, settings(folder.path(), 1, None));
    produce(&cluster, &lines[..300]);
    let before = expected(&lines[..300]);
    assert_eq!(found(&cluster, &before), before);
    engine.stop().unwrap();
    produce(&cluster, &lines[300..]);
    let entry = |value: &[u8]| {
        broker.put(&[Foreign {
            topic: &cluster.name(&changelog("fold")),
            partition: 0,
            // A word that no line has: the store would look at it in years.
            key: Some(b"\0of long ago"),
            value: Some(value),
        }]);
    };
    for (version, advice) in [
        (wire::VERSION - 1, "A raised version of state"),
        (wire::VERSION + 1, "run that release"),
    ] {
        entry(&[version, 0]);
        let fresh = tempfile::tempdir().unwrap();
        let (engine, ..) = start(&cluster, &["fold"], settings(fresh.path(), 1, None));
        assert!(engine.has_ended(PATIENCE), "it works with state of another release");
        let error = engine.stop().unwrap_err();
        assert!(
            matches!(&error, EngineError::OtherState { found, partition: 0, .. } if *found == version),
            "{error}"
        );
        let text = error.to_string();
        assert!(
            text.contains("older.hilo.fold.changelog") && text.contains(advice),
            "{text}"
        );
    }
    // Nothing was processed, and what is put right goes on.
    assert_eq!(found(&cluster, &before), before);
    broker.put(&[Foreign {
        topic: &cluster.name(&changelog("fold")),
        partition: 0,
        key: Some(b"\0of long ago"),
        value: None,
    }]);
    let fresh = tempfile::tempdir().unwrap();
    let (engine, ..) = start(&cluster, &ALL, settings(fresh.path(), 1, None));
    let want = expected(&lines);
    assert_eq!(found(&cluster, &want), want);
    engine.stop().unwrap();
}

/// Puts a record into an internal topic as a process of Hilo does.
fn put(cluster: &Cluster, value: Vec<u8>) {
    let producer = RawProducer::new(cluster, toys::WORD, Arc::new(Framing::default()), PATIENCE).unwrap();
    let (sender, answer) = mpsc::channel();
    let record = Record {
        topic: toys::WORD,
        value,
        ..toys::raw("a")
    };
    producer.append(vec![record], 0, "", move |outcome| sender.send(outcome).unwrap());
    answer.recv_timeout(PATIENCE).unwrap();
}

#[test]
fn internal_records_of_another_release_wait_and_are_not_buried() {
    let Some(broker) = Broker::start() else { return };
    for (prefix, version, advice) in [
        ("before.", wire::VERSION - 1, "run the release before"),
        ("after.", wire::VERSION + 1, "roll out that release"),
    ] {
        let cluster = cluster(&broker.address(), prefix);
        make_topics(&cluster);
        let folder = tempfile::tempdir().unwrap();
        let (engine, measures, _) = start(&cluster, &ALL, settings(folder.path(), 1, None));
        let lines = lines(200, false);
        produce(&cluster, &lines);
        let want = expected(&lines);
        assert_eq!(found(&cluster, &want), want);
        put(&cluster, vec![version, 1, 2, 3]);
        let begun = Instant::now();
        loop {
            match measures.all_ready() {
                Err(why) if why.contains(advice) => break,
                _ => assert!(begun.elapsed() < PATIENCE, "nobody says that a record waits"),
            }
            thread::sleep(Duration::from_millis(50));
        }
        // No dead letter, and no fact of it.
        assert_eq!(found(&cluster, &want), want);
        engine.stop().unwrap();
    }
}
