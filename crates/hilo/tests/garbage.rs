//! Garbage on every topic that a role reads: roles go on, say what became of it, and count it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod cluster;

use cluster::{Cluster, ROLES, everything};
use hilo::topology;
use hilo_contracts::codec::{self, Codec as _};
use hilo_contracts::{schemas, topics};
use hilo_kafka::{NO_CONTRACT, NO_TIME, PROCESSOR_ERROR, TIME, changelog};
use hilo_testbed::Foreign;
use std::collections::BTreeMap;
use std::fs;

const PARTITIONS: i32 = 2;

fn line(id: &str) -> String {
    format!(
        r#"{{"object":"whatsapp_business_account","entry":[{{"id":"1","changes":[{{"field":"messages","value":{{"metadata":{{"display_phone_number":"15550783881","phone_number_id":"106"}},"messages":[{{"from":"56961234567","id":"{id}","timestamp":"1784500000","type":"text","text":{{"body":"hola"}}}}]}}}}]}}]}}"#
    )
}

/// Values that no program of ours writes to `topic`.
fn values(framing: &hilo_kafka::Framing, topic: &str) -> Vec<Option<Vec<u8>>> {
    let other = if topic == topics::STATUS {
        topics::METRIC
    } else {
        topics::STATUS
    };
    let seeded = (0..8_387_000_u32).map(|place| (place.wrapping_mul(2_654_435_761) >> 13) as u8);
    vec![
        // A tombstone, and empty.
        None,
        Some(Vec::new()),
        Some(b"no magic byte".to_vec()),
        Some(vec![0, 0x7f, 0xff, 0xff, 0xff, 1, 2, 3]),
        Some(framing.wrap(other, vec![1, 2, 3])),
        // Its own contract, and cut off.
        Some(framing.wrap(topic, Vec::new())),
        Some(framing.wrap(topic, vec![0xff; 9])),
        Some(vec![3, 0xff]),
        // As much as a topic takes.
        Some(seeded.collect()),
    ]
}

/// Whether the topic takes records without a key.
fn needs_key(topic: &str) -> bool {
    topic.ends_with(".changelog") || schemas::kept(topic).is_ok_and(|kept| kept.compacted)
}

/// What was read and buried, by reason; what is no dead letter itself is left out.
fn letters(cluster: &Cluster) -> BTreeMap<String, usize> {
    let (address, framing) = cluster.address();
    let records = everything(&address, &framing, topics::DEAD_LETTER);
    let decoded = records
        .iter()
        .filter_map(|one| codec::dead_letter().decode(&one.record.value).ok());
    let mut reasons = BTreeMap::new();
    for letter in decoded {
        *reasons.entry(letter.reason).or_default() += 1;
    }
    reasons
}

#[test]
fn garbage_on_every_topic_stops_nobody() {
    let Some(mut cluster) = Cluster::start(PARTITIONS, 1) else {
        return;
    };
    let (_, framing) = cluster.address();
    let role = cluster.run(&ROLES);
    cluster.ingest(&line("wamid.one"));
    cluster.drained();

    let topology = topology::topology(&topology::Tenants::default()).unwrap();
    let mut names: Vec<String> = topology.topics().iter().map(|topic| topic.name.to_owned()).collect();
    names.push(TIME.to_owned());
    for topic in &names {
        for (place, value) in (0..).zip(values(&framing, topic)) {
            let foreign = |partition, key| Foreign {
                topic,
                partition,
                key,
                value: value.as_deref(),
            };
            let mut records = vec![foreign(place % PARTITIONS, Some(&b"a key of somebody else"[..]))];
            if !needs_key(topic) {
                records.push(foreign((place + 1) % PARTITIONS, None));
            }
            cluster.broker.put(&records);
        }
    }
    for spec in topology.processors().iter().filter(|spec| !spec.stores.is_empty()) {
        let topic = changelog(spec.name);
        let foreign = |key, value| Foreign {
            topic: &topic,
            partition: 0,
            key: Some(key),
            value,
        };
        cluster.broker.put(&[
            foreign(b"", Some(b"ab")),
            foreign(b"\xffno store", Some(&vec![0; 100_000])),
            foreign(b"\xffno store", None),
        ]);
    }
    cluster.ingest(&line("wamid.two"));
    cluster.drained();

    let reasons = letters(&cluster);
    for reason in [NO_CONTRACT, NO_TIME, PROCESSOR_ERROR] {
        assert!(reasons.contains_key(reason), "{reason} is not among {reasons:?}");
    }
    // Each record of the time is one, though every processor reads it.
    assert_eq!(reasons[NO_TIME], 2 * values(&framing, TIME).len());
    let told = cluster.metrics(role);
    for processor in ["normalize", "status", "metrics", "golden"] {
        let sample = format!("hilo_foreign_records_total{{processor=\"{processor}\"}} ");
        let count = told.lines().find_map(|line| line.strip_prefix(&sample)).unwrap();
        assert_ne!(count, "0", "{processor}");
    }

    // With an empty disk all state comes from the changelogs.
    cluster.kill(role);
    let heir = cluster.run(&ROLES);
    cluster.ingest(&line("wamid.three"));
    cluster.drained();
    let state = cluster.folder().join("state-of-golden");
    fs::create_dir(&state).unwrap();
    cluster.golden(heir).write_state(&state).unwrap();
    let messages = fs::read_to_string(state.join("messages.ndjson")).unwrap();
    for id in ["wamid.one", "wamid.two", "wamid.three"] {
        assert!(messages.contains(id), "{id} is not in {messages}");
    }
    let logs = cluster.logs();
    // A slow broker may start a lane anew; a record may not.
    for line in told.lines().chain(cluster.metrics(heir).lines()) {
        let is_restart = line.starts_with("hilo_lane_restarts_total{");
        if is_restart && (line.contains("reason=\"processor\"") || line.contains("reason=\"state\"")) {
            assert!(line.ends_with(" 0"), "{line}");
        }
    }
    for trouble in ["a lane ends", "a part of this process has ended", "panicked"] {
        let said = logs.lines().find(|line| line.contains(trouble));
        assert_eq!(said, None);
    }
}
