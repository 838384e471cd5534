//! The toy topology on a real broker: in this process, or in a child that is killed.
#![allow(dead_code, reason = "each test file uses its part")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

#[path = "../../../stream/tests/toys/mod.rs"]
pub(crate) mod toys;

use hilo_contracts::schemas::Kept;
use hilo_kafka::topics::{self, Sizes};
use hilo_kafka::{Cluster, Delivered, Engine, LaneSettings, Measures, Plan, RawProducer, Reader, Received};
use hilo_stream::{Record, TestDriver, Topology};
use prometheus::Registry;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

pub(crate) const PARTITIONS: i32 = 3;
/// A slow machine is no failure; a hang is.
pub(crate) const PATIENCE: Duration = Duration::from_mins(3);

pub(crate) fn cluster(address: &str, prefix: &str) -> Cluster {
    Cluster {
        prefix: prefix.to_owned(),
        ..Cluster::plain(address)
    }
}

pub(crate) fn make_topics(cluster: &Cluster) {
    make_topics_of(cluster, &toys::topology());
}

pub(crate) fn make_topics_of(cluster: &Cluster, topology: &Topology) {
    let sizes = Sizes {
        partitions: PARTITIONS,
        replication: 1,
    };
    let kept = |_: &str| {
        Ok(Kept {
            compacted: false,
            days: None,
            why: "a test".to_owned(),
        })
    };
    let plans = topics::plan(cluster, topology, sizes, kept).unwrap();
    topics::apply(cluster, &plans, sizes).unwrap();
    topics::require(cluster, &plans).unwrap();
}

pub(crate) fn settings(state_dir: &Path, lanes: usize, instance: Option<&str>) -> LaneSettings {
    LaneSettings {
        lanes,
        commit_interval: Duration::from_millis(20),
        transaction_timeout: Duration::from_secs(5),
        session_timeout: Duration::from_secs(2),
        instance: instance.map(str::to_owned),
        state_dir: state_dir.to_owned(),
        kill_point: None,
    }
}

pub(crate) fn start(
    cluster: &Cluster,
    processors: &[&'static str],
    settings: LaneSettings,
) -> (Engine, Arc<Measures>, Registry) {
    start_of(cluster, toys::topology(), processors, settings)
}

pub(crate) fn start_of(
    cluster: &Cluster,
    topology: Topology,
    processors: &[&'static str],
    settings: LaneSettings,
) -> (Engine, Arc<Measures>, Registry) {
    log();
    let registry = Registry::new();
    let measures = Arc::new(Measures::new(&registry).unwrap());
    let engine = Engine::start(&Plan {
        topology,
        processors: processors.to_vec(),
        cluster: cluster.clone(),
        framing: Arc::default(),
        dead_letter: toys::bury,
        settings,
        measures: Arc::clone(&measures),
    })
    .unwrap();
    (engine, measures, registry)
}

pub(crate) fn produce(cluster: &Cluster, lines: &[String]) {
    let producer = RawProducer::new(cluster, toys::RAW, Arc::default(), Duration::from_secs(30)).unwrap();
    let (sender, answers) = channel();
    for chunk in lines.chunks(500) {
        let records = chunk.iter().map(|line| toys::raw(line)).collect();
        let sender = sender.clone();
        producer.append(records, 0, "", move |outcome| sender.send(outcome).unwrap());
    }
    producer.finish(PATIENCE).unwrap();
    drop(sender);
    for outcome in answers {
        assert_eq!(outcome, Delivered::Safe);
    }
}

/// Everything of a topic that is committed, once `enough` of it is there and nothing more comes.
pub(crate) fn read(cluster: &Cluster, topic: &'static str, enough: usize) -> Vec<Received> {
    let mut reader = Reader::open(cluster, &[topic], Arc::default(), |_, _| 0).unwrap();
    let begun = Instant::now();
    let mut all = Vec::new();
    loop {
        let more = reader.read(10_000, Duration::from_millis(300)).unwrap();
        if more.is_empty() && all.len() >= enough {
            return all;
        }
        all.extend(more);
        assert!(
            begun.elapsed() < PATIENCE,
            "{topic}: {} of {enough} records came",
            all.len()
        );
    }
}

/// What must come of lines: words by letter, sorted; dead letters, sorted.
#[derive(Debug, PartialEq, Eq, Default)]
pub(crate) struct Expected {
    pub(crate) words: BTreeMap<Vec<u8>, Vec<String>>,
    pub(crate) dead: Vec<Vec<u8>>,
    pub(crate) facts: usize,
}

/// By the test driver, one record at a time, with poison buried as an engine does.
pub(crate) fn expected(lines: &[String]) -> Expected {
    let mut driver = TestDriver::all(&toys::topology(), toys::bury).unwrap();
    let mut expected = Expected::default();
    for line in lines {
        if line.starts_with('e') {
            // The processor fails on it: one dead letter, nothing else.
            let word = Record {
                topic: toys::WORD,
                ..toys::raw(line)
            };
            expected.dead.push(
                toys::bury(&word, hilo_kafka::PROCESSOR_ERROR, "the word starts with e")
                    .unwrap()
                    .value,
            );
        } else {
            driver.pipe(toys::raw(line)).unwrap();
        }
    }
    for record in driver.topic(toys::FACT) {
        expected.facts += 1;
        let text = String::from_utf8(record.value.clone()).unwrap();
        let word = text.rsplit_once(' ').unwrap().0.to_owned();
        expected.words.entry(record.key.clone()).or_default().push(word);
    }
    expected.words.values_mut().for_each(|words| words.sort());
    expected
        .dead
        .extend(driver.topic(toys::DEAD).map(|record| record.value.clone()));
    expected.dead.sort();
    expected
}

/// What came, checked on the way: the counts of a letter are 1, 2, 3 … in the order of its partition.
pub(crate) fn found(cluster: &Cluster, expected: &Expected) -> Expected {
    let mut found = Expected::default();
    let mut counts: BTreeMap<Vec<u8>, u64> = BTreeMap::new();
    for received in read(cluster, toys::FACT, expected.facts) {
        found.facts += 1;
        let text = String::from_utf8(received.record.value).unwrap();
        let (word, count) = text.rsplit_once(' ').unwrap();
        let before = counts.entry(received.record.key.clone()).or_default();
        *before += 1;
        assert_eq!(*before, count.parse::<u64>().unwrap(), "{text}");
        found
            .words
            .entry(received.record.key)
            .or_default()
            .push(word.to_owned());
    }
    found.words.values_mut().for_each(|words| words.sort());
    found.dead = read(cluster, toys::DEAD, expected.dead.len())
        .into_iter()
        .map(|received| received.record.value)
        .collect();
    found.dead.sort();
    found
}

/// Lines of twenty letters, some of them dead letters, some poison; seeded.
pub(crate) fn lines(count: usize, poison: bool) -> Vec<String> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    (0..count)
        .map(|place| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let letter = char::from(b'a' + (state >> 40) as u8 % 20);
            let kind = match (state >> 50) % 500 {
                0 => 'x',
                1 if poison && place % 3 == 0 => 'e',
                _ => 'w',
            };
            format!("{kind}{letter}{:06}", state >> 44)
        })
        .collect()
}

/// What lanes log, where somebody looks for it (`HILO_LOG=info`).
pub(crate) fn log() {
    if let Ok(filter) = std::env::var("HILO_LOG") {
        let subscriber = tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_writer(std::io::stderr);
        // Another test of this file may have been first.
        drop(subscriber.try_init());
    }
}
