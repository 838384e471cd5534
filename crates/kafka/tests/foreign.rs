//! Records that nobody of Hilo wrote, and records that cost too much: lanes go on, count them, and say what became of them.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use hilo_kafka::{Cluster, EngineError, NO_TIME, TIME, changelog};
use hilo_stream::embedded::TOO_COSTLY;
use hilo_stream::{
    Context, Processor, ProcessorError, ProcessorSpec, Record, Scope, TopicKind, TopicSpec, Topology, Verdict,
};
use hilo_testbed::{Broker, Foreign};
use prometheus::{Registry, TextEncoder};
use std::sync::Arc;
use support::{
    PARTITIONS, PATIENCE, cluster, expected, found, lines, make_topics, make_topics_of, produce, read, settings, start,
    start_of, toys,
};

const ALL: [&str; 3] = ["parse", "fold", "total"];

fn sample(registry: &Registry, name: &str) -> u64 {
    let text = TextEncoder::new().encode_to_string(&registry.gather()).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.trim().parse().unwrap()
}

/// No times, and what is said of each.
fn no_times() -> Vec<(Option<&'static [u8]>, String)> {
    let wrong = |bytes: usize| format!("a record of {bytes} bytes, and a time has 8");
    vec![
        (None, wrong(0)),
        (Some(b"ab"), wrong(2)),
        (
            Some(b"AAAAAAAA"),
            "a record of 8 bytes without Hilo's header".to_owned(),
        ),
        (Some(&[7; 100_000]), wrong(100_000)),
    ]
}

fn put_into_time(broker: &Broker, cluster: &Cluster) -> Vec<Vec<u8>> {
    let mut letters = Vec::new();
    for partition in 0..PARTITIONS {
        for (value, detail) in no_times() {
            broker.put(&[Foreign {
                topic: &cluster.name(TIME),
                partition,
                key: None,
                value,
            }]);
            let record = Record {
                topic: TIME,
                value: value.unwrap_or_default().to_vec(),
                ..toys::raw("")
            };
            letters.push(toys::bury(&record, NO_TIME, &detail).unwrap().value);
        }
    }
    letters
}

#[test]
fn what_is_no_time_becomes_one_dead_letter_and_time_goes_on() {
    let Some(broker) = Broker::start() else { return };
    let cluster = cluster(&broker.address(), "time.");
    make_topics(&cluster);
    let folder = tempfile::tempdir().unwrap();
    let (engine, measures, registry) = start(&cluster, &ALL, settings(folder.path(), 1, None));
    let lines = lines(2_000, true);
    produce(&cluster, &lines[..1_000]);
    let letters = put_into_time(&broker, &cluster);
    produce(&cluster, &lines[1_000..]);
    let mut want = expected(&lines);
    want.dead.extend(letters);
    want.dead.sort();
    assert_eq!(found(&cluster, &want), want);
    // Time is still told: each letter is closed.
    produce(&cluster, &["c99999999999".to_owned()]);
    let facts = read(&cluster, toys::FACT, want.facts + want.words.len());
    let closed = facts.iter().filter(|fact| fact.record.value.starts_with(b"closed"));
    assert_eq!(closed.count(), want.words.len());
    measures.all_ready().unwrap();
    let foreign = no_times().len() as u64 * PARTITIONS as u64;
    assert!(sample(&registry, "hilo_foreign_records_total{processor=\"fold\"}") >= foreign);
    assert_eq!(
        sample(
            &registry,
            "hilo_lane_restarts_total{processor=\"fold\",reason=\"processor\"}"
        ),
        0
    );
    engine.stop().unwrap();
}

#[test]
fn a_changelog_is_restored_without_what_is_no_entry_and_refused_with_what_cannot_be_read() {
    let Some(broker) = Broker::start() else { return };
    let cluster = cluster(&broker.address(), "state.");
    make_topics(&cluster);
    let lines = lines(1_000, false);
    let folder = tempfile::tempdir().unwrap();
    let (engine, ..) = start(&cluster, &ALL, settings(folder.path(), 1, None));
    produce(&cluster, &lines[..500]);
    assert_eq!(found(&cluster, &expected(&lines[..500])), expected(&lines[..500]));
    engine.stop().unwrap();
    let entry = |key: &[u8], value: Option<&[u8]>| {
        broker.put(&[Foreign {
            topic: &cluster.name(&changelog("fold")),
            partition: 0,
            key: Some(key),
            value,
        }]);
    };
    // A store that there is not, and no store at all.
    entry(&[9, 1, 2], Some(b"anything"));
    entry(&[], Some(&[0xff; 1_000]));
    entry(b"a key", None);
    let fresh = tempfile::tempdir().unwrap();
    let (engine, _, registry) = start(&cluster, &ALL, settings(fresh.path(), 1, None));
    produce(&cluster, &lines[500..]);
    let want = expected(&lines);
    assert_eq!(found(&cluster, &want), want);
    assert_eq!(sample(&registry, "hilo_foreign_records_total{processor=\"fold\"}"), 3);
    engine.stop().unwrap();

    // In a store that is read whole at a start, and not in its shape.
    entry(&[1, b'k'], Some(&[0xff; 3]));
    let fresh = tempfile::tempdir().unwrap();
    let (engine, ..) = start(&cluster, &["fold"], settings(fresh.path(), 1, None));
    assert!(engine.has_ended(PATIENCE), "it works with state that cannot be read");
    let error = engine.stop().unwrap_err();
    assert!(matches!(error, EngineError::Untrusted { .. }), "{error}");
    assert!(error.to_string().contains("state.hilo.fold.changelog"), "{error}");
}

/// Copies a line, and finds those that begin with `z` endless.
struct Copy;

impl Processor for Copy {
    fn process(&mut self, record: &Record, context: &mut Context) -> Result<Verdict, ProcessorError> {
        context.send(toys::FACT, record.key.clone(), record.timestamp, record.value.clone());
        if record.value.starts_with(b"z") {
            context.spend(Context::BUDGET + 1)?;
        }
        Ok(Verdict::Done)
    }
}

#[test]
fn a_record_that_costs_too_much_becomes_a_dead_letter_and_the_others_go_on() {
    let Some(broker) = Broker::start() else { return };
    let topic = |name, kind| TopicSpec {
        name,
        kind,
        key: "letter",
        schema: Some(name),
        kept: "for the test",
        doc: "A toy.",
    };
    let topology = Topology::new(
        vec![topic(toys::RAW, TopicKind::Raw)],
        vec![ProcessorSpec {
            name: "copy",
            doc: "Copies lines.",
            scope: Scope::Keyed,
            inputs: vec![toys::RAW],
            outputs: vec![
                topic(toys::FACT, TopicKind::Derived),
                topic(toys::DEAD, TopicKind::Derived),
            ],
            also_writes: vec![],
            stores: vec![],
            factory: Arc::new(|| Box::new(Copy)),
        }],
    )
    .unwrap();
    let cluster = cluster(&broker.address(), "costly.");
    make_topics_of(&cluster, &topology);
    let lines: Vec<String> = (0..300)
        .map(|number| format!("{}a{number:03}", if number % 50 == 7 { 'z' } else { 'w' }))
        .collect();
    produce(&cluster, &lines);
    let folder = tempfile::tempdir().unwrap();
    let (engine, ..) = start_of(&cluster, topology, &["copy"], settings(folder.path(), 1, None));
    let texts = |topic, enough| -> Vec<String> {
        let records = read(&cluster, topic, enough).into_iter();
        records
            .map(|one| String::from_utf8(one.record.value).unwrap())
            .collect()
    };
    let copied: Vec<String> = lines.iter().filter(|line| line.starts_with('w')).cloned().collect();
    // One key, so one partition: in order.
    assert_eq!(texts(toys::FACT, copied.len()), copied);
    let buried: Vec<String> = lines
        .iter()
        .filter(|line| line.starts_with('z'))
        .map(|line| format!("{TOO_COSTLY}|{}|{line}", ProcessorError::TooCostly))
        .collect();
    assert_eq!(texts(toys::DEAD, buried.len()), buried);
    engine.stop().unwrap();
}
