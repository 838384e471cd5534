//! A data directory of an older release: its state is rebuilt from the raw log by itself, and nothing differs from an undisturbed
//! run. One of a later release is refused.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod node;

use hilo::topology::{self, Tenants};
use hilo_contracts::topics;
use hilo_golden::Golden;
use hilo_simulator::{Profile, capture};
use hilo_stream::{
    embedded::{DataDir, Engine, RawLog, Stale},
    wire,
};
use node::Node;
use rusqlite::{Connection, params};
use std::{collections::BTreeSet, fs, path::Path, time::Duration};

/// Everything is over long before now, so that the time of a later start changes nothing.
const START: i64 = 1_777_975_200_000;
const CLOCK: &str = "{\"source\":\"clock\",\"at\":\"2026-07-20T00:00:00Z\"}\n";
const TOPICS: [&str; 7] = [
    "identity",
    "conversation",
    "status",
    "account",
    "consent",
    "unclassified",
    "dead_letter",
];

/// A node that has processed a capture and has ended.
fn stopped() -> Node {
    let mut lines = Vec::new();
    capture::write(&mut lines, 11, Profile::demo(START, 60), 3_000).unwrap();
    let mut node = Node::new("demo", "");
    node.ingest(&(String::from_utf8(lines).unwrap() + CLOCK));
    node.start();
    node.processed();
    node.end();
    node
}

/// Makes the state that of another version: its name, and values that this release cannot read.
fn of_version(node: &Node, version: u8) {
    let engine = Connection::open(node.data().join("engine.db")).unwrap();
    let old = format!("wire {}\n", wire::VERSION);
    let changed = engine
        .execute(
            "UPDATE position SET topology = replace(topology, ?1, ?2)",
            params![old, format!("wire {version}\n")],
        )
        .unwrap();
    assert_eq!(changed, 1);
    let stores: Vec<i64> = engine
        .prepare("SELECT id FROM store")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    let mut entries = 0;
    for store in stores {
        let set = format!("UPDATE state_{store} SET value = CAST(x'{version:02x}ff' AS BLOB)");
        entries += engine.execute(&set, []).unwrap();
    }
    assert!(entries > 500, "too little state to prove anything: {entries}");
}

/// State files of a golden record.
fn golden(data: &Path, out: &Path) -> Vec<String> {
    fs::create_dir_all(out).unwrap();
    Golden::open_read_only(&data.join("golden.db"))
        .unwrap()
        .write_state(out)
        .unwrap();
    ["persons.ndjson", "sessions.ndjson", "messages.ndjson"]
        .map(|file| fs::read_to_string(out.join(file)).unwrap())
        .to_vec()
}

fn facts(node: &Node) -> Vec<Vec<String>> {
    let lines = |topic: &&str| node.export(topic).lines().map(str::to_owned).collect();
    TOPICS.iter().map(lines).collect()
}

#[test]
fn state_of_an_older_release_is_rebuilt_however_often_the_rebuild_is_killed() {
    let mut node = stopped();
    let folder = tempfile::tempdir().unwrap();
    let before = facts(&node);
    let golden_before = golden(&node.data(), &folder.path().join("before"));
    assert!(before[1].len() > 300 && golden_before.iter().all(|file| !file.is_empty()));

    // What this release makes of the raw log from nothing.
    let capture = folder.path().join("raw.ndjson");
    fs::write(&capture, node.export("raw")).unwrap();
    let replayed = folder.path().join("replayed");
    node.replay(&capture, &replayed);

    of_version(&node, wire::VERSION - 1);
    // A golden record that went on with its old offsets would not have these sessions again.
    let rows = Connection::open(node.data().join("golden.db")).unwrap();
    assert!(rows.execute("DELETE FROM sessions", []).unwrap() > 3);
    drop(rows);
    for kill in 0..4 {
        node.start();
        node.commits(1 + kill);
        node.kill();
    }
    node.start();
    node.processed();
    node.end();
    let log = node.log();
    assert!(
        log.contains(&format!("has state of version {}", wire::VERSION - 1)),
        "{log}"
    );
    assert!(log.contains("rebuilding state: 0 of "), "{log}");
    assert!(log.contains("state is rebuilt: "), "{log}");

    for ((topic, before), after) in TOPICS.iter().zip(before).zip(facts(&node)) {
        let distinct: BTreeSet<&String> = after.iter().collect();
        assert_eq!(distinct.len(), after.len(), "a fact of {topic} stands twice");
        assert_eq!(before, after, "{topic} is not what it was");
        let replayed = fs::read_to_string(replayed.join(format!("{topic}.ndjson"))).unwrap_or_default();
        if *topic != "consent" {
            assert_eq!(
                after,
                replayed.lines().collect::<Vec<_>>(),
                "{topic} is not what a replay gives"
            );
        }
    }
    let golden_after = golden(&node.data(), &folder.path().join("after"));
    assert_eq!(golden_after, golden_before);
    let of_replay = ["persons.ndjson", "sessions.ndjson", "messages.ndjson"];
    let of_replay = of_replay.map(|file| fs::read_to_string(replayed.join("state").join(file)).unwrap());
    assert_eq!(golden_after, of_replay);

    // Nothing is rebuilt a second time.
    node.start();
    node.processed();
    node.end();
    assert_eq!(
        node.log().matches("state is rebuilt: ").count(),
        log.matches("state is rebuilt: ").count()
    );
}

#[test]
fn a_rebuild_goes_on_where_it_was_left() {
    let mut node = stopped();
    let folder = tempfile::tempdir().unwrap();
    let before = facts(&node);
    let golden_before = golden(&node.data(), &folder.path().join("before"));
    of_version(&node, wire::VERSION - 1);
    // As a node begins, and ends after five records.
    {
        let directory = DataDir::open(&node.data()).unwrap();
        let topology = topology::topology(&Tenants::default()).unwrap();
        let raw = RawLog::open(&directory, topics::RAW).unwrap();
        let stale = Stale::find(&directory, &topology, &raw).unwrap().unwrap();
        for name in ["golden.db", "golden.db-wal", "golden.db-shm"] {
            drop(fs::remove_file(node.data().join(name)));
        }
        stale.clear().unwrap();
        let engine = Engine::open(&directory, &topology, &raw, topology::dead_letter).unwrap();
        let mut engine = engine.ending_batches_after(Duration::ZERO);
        let done: u64 = (0..5).map(|_| engine.step().unwrap()).sum();
        assert!(0 < done && done < raw.len() / 2, "{done} records");
        assert_eq!(engine.rebuilds(), Some(raw.len()));
    }
    node.start();
    node.processed();
    node.end();
    let log = node.log();
    let begun = log.split("rebuilding state: ").nth(1).unwrap();
    assert!(!begun.starts_with("0 of "), "{log}");
    assert!(!log.contains("has state of version"), "{log}");
    assert_eq!(facts(&node), before);
    assert_eq!(golden(&node.data(), &folder.path().join("after")), golden_before);
}

#[test]
fn state_of_a_later_release_and_state_without_its_raw_log_are_refused() {
    let node = stopped();
    of_version(&node, wire::VERSION + 1);
    let said = node.refused();
    for part in [
        "engine.db has state of version",
        "run the release that wrote it",
        "remove engine.db and golden.db",
    ] {
        assert!(said.contains(part), "{said}");
    }
    // Nothing was touched.
    assert!(node.data().join("golden.db").exists());
    assert!(node.export("conversation").lines().count() > 300);

    of_version_back(&node);
    for name in ["raw.db", "raw.db-wal", "raw.db-shm"] {
        drop(fs::remove_file(node.data().join(name)));
    }
    let said = node.refused();
    assert!(said.contains("raw.db ends at offset 0"), "{said}");
    assert!(node.export("conversation").lines().count() > 300);
}

/// From the later version to an older one.
fn of_version_back(node: &Node) {
    let engine = Connection::open(node.data().join("engine.db")).unwrap();
    let changed = engine.execute(
        "UPDATE position SET topology = replace(topology, ?1, ?2)",
        params![
            format!("wire {}\n", wire::VERSION + 1),
            format!("wire {}\n", wire::VERSION - 1)
        ],
    );
    assert_eq!(changed.unwrap(), 1);
}
