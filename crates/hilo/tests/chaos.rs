//! Exactly once on a real broker while everything that can go wrong does: roles are killed, paused until their place is
//! taken, added and removed, and the broker itself is killed. What is read back is a replay of the same capture.
//!
//! `HILO_CHAOS=long` makes it as long as it is worth: 200,000 items, at least 20 kills. With `HILO_CHAOS_INSTANCES=1` each
//! process keeps its name (`kafka.instance`) over a kill, and so its transactional ids.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod cluster;

use cluster::{Cluster, PROCESSORS, Random, Role};
use hilo::{replay, topology};
use hilo_simulator::{Profile, capture};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

const START: i64 = 1_795_510_800_000;

struct Size {
    items: u64,
    turns: u32,
    broker_kills: u32,
}

/// What the monkey did.
#[derive(Debug, Default)]
struct Deeds {
    kills: u32,
    stops: u32,
    added: u32,
    removed: u32,
    broker_kills: u32,
}

#[test]
fn everything_once_whatever_is_killed() {
    let size = if std::env::var("HILO_CHAOS").is_ok_and(|size| size == "long") {
        Size {
            items: 200_000,
            turns: 60,
            broker_kills: 2,
        }
    } else {
        Size {
            items: 12_000,
            turns: 10,
            broker_kills: 1,
        }
    };
    let Some(mut cluster) = Cluster::start(4, 2) else {
        return;
    };
    cluster.named = std::env::var_os("HILO_CHAOS_INSTANCES").is_some();
    let folder = tempfile::tempdir().unwrap();
    let mut bytes = Vec::new();
    let profile = Profile {
        tenants: vec!["acme".to_owned(), "beta".to_owned(), "gama".to_owned()],
        people: 2_000,
        usernames: 0.2,
        number_changes: 0.05,
        recycled_numbers: 0.2,
        ..Profile::demo(START, 400)
    };
    capture::write(&mut bytes, 7, profile, size.items).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    // After everything else; the same time once more tells it to those who were behind.
    let clock = r#"{"source":"clock","at":"2026-12-20T00:00:00Z"}"#;
    let all = folder.path().join("all.ndjson");
    fs::write(&all, format!("{text}{clock}\n")).unwrap();
    let want = folder.path().join("want");
    replay::replay(&[all], &want, &topology::Tenants::default()).unwrap();

    for role in PROCESSORS {
        cluster.run(&[role]);
    }
    let golden = cluster.run(&["golden"]);
    let mut random = Random(0x5eed);
    let mut deeds = Deeds::default();
    let parts: Vec<&[&str]> = lines.chunks(lines.len() / size.turns as usize + 1).collect();
    let mut stopped: Vec<(Role, Instant)> = Vec::new();
    for (turn, part) in (1..).zip(&parts) {
        cluster.ingest(&part.join("\n"));
        mischief(turn, &mut cluster, &mut random, &mut deeds, &mut stopped);
        if deeds.broker_kills < size.broker_kills
            && turn * (size.broker_kills + 1) >= size.turns * (deeds.broker_kills + 1)
        {
            cluster.broker.kill();
            // Everybody notices.
            std::thread::sleep(Duration::from_secs(1));
            cluster.broker.restart();
            deeds.broker_kills += 1;
        }
    }
    for (role, _) in stopped {
        cluster.resume(role);
    }
    cluster.ingest(clock);
    cluster.drained();
    cluster.ingest(clock);
    cluster.drained();

    let told = cluster.metrics(golden);
    let lags = told
        .lines()
        .filter(|line| line.starts_with("hilo_lag_records{") && line.contains("processor=\"golden\""));
    let of_people = |line: &&str| line.contains("topic=\"hilo.conversation\"");
    assert_eq!(
        lags.clone().filter(of_people).count(),
        4,
        "the golden record's lag, a partition each"
    );
    assert!(lags.clone().all(|line| line.ends_with(" 0")), "{told}");

    let state = folder.path().join("state");
    fs::create_dir(&state).unwrap();
    cluster.golden(golden).write_state(&state).unwrap();
    for name in ["persons", "sessions", "messages"] {
        let want = fs::read_to_string(want.join(format!("state/{name}.ndjson"))).unwrap();
        let got = fs::read_to_string(state.join(format!("{name}.ndjson"))).unwrap();
        same_lines(name, &want, &got);
    }
    same_lines("metrics", &rows(&want.join("metrics.ndjson")), &cluster.metric_rows());
    facts_come_once_and_in_order(&cluster);
    let seen = cluster.logs();
    let count = |what: &str| seen.matches(what).count();
    println!(
        "{} items: {deeds:?}, {} transactions given up ({} fenced), {} lanes started anew, {} restores; everything is there once, \
         in order, and the state is that of a replay",
        size.items,
        count("a transaction is given up"),
        count("ILLEGAL_GENERATION") + count("generation id is not valid") + count("was fenced"),
        count("a lane starts anew"),
        count("state is restored"),
    );
    assert!(
        deeds.kills > 0 && deeds.stops > 0 && deeds.broker_kills == size.broker_kills,
        "{deeds:?}"
    );
}

/// One turn of the monkey: mostly it kills; whom is by chance.
fn mischief(
    turn: u32,
    cluster: &mut Cluster,
    random: &mut Random,
    deeds: &mut Deeds,
    stopped: &mut Vec<(Role, Instant)>,
) {
    // Who was stopped for longer than a session comes back as a zombie.
    let (back, still): (Vec<_>, Vec<_>) = std::mem::take(stopped)
        .into_iter()
        .partition(|(_, at)| at.elapsed() > cluster::SESSION + Duration::from_secs(2));
    *stopped = still;
    for (role, _) in back {
        cluster.resume(role);
    }
    let name = PROCESSORS[random.below(PROCESSORS.len())];
    match turn % 10 {
        1 | 3 | 5 | 7 | 0 => {
            let Some(victim) = cluster.pick(name, random) else {
                return;
            };
            let folder = cluster.kill(victim);
            deeds.kills += 1;
            // Often the disk comes back with it, sometimes it is gone.
            if random.below(3) == 0 {
                cluster.run(&[name]);
            } else {
                cluster.run_in(&[name], folder);
            }
        }
        2 | 6 => {
            let Some(victim) = cluster.pick(name, random) else {
                return;
            };
            if stopped.iter().any(|(role, _)| *role == victim) {
                return;
            }
            cluster.stop(victim);
            stopped.push((victim, Instant::now()));
            deeds.stops += 1;
        }
        4 | 8 => {
            cluster.run(&[name]);
            deeds.added += 1;
        }
        _ => {
            if cluster.count(name) > 1
                && let Some(victim) = cluster.pick(name, random)
                && !stopped.iter().any(|(role, _)| *role == victim)
            {
                cluster.terminate(victim);
                deeds.removed += 1;
            }
        }
    }
}

fn same_lines(what: &str, want: &str, got: &str) {
    if want == got {
        return;
    }
    let (want, got): (BTreeSet<&str>, BTreeSet<&str>) = (want.lines().collect(), got.lines().collect());
    let missing: Vec<_> = want.difference(&got).take(3).collect();
    let extra: Vec<_> = got.difference(&want).take(3).collect();
    panic!(
        "{what} differs: {} missing {missing:#?}\n{} extra {extra:#?}",
        want.difference(&got).count(),
        got.difference(&want).count()
    );
}

/// Rows of a replay without their revision, which depends on arrival.
fn rows(path: &Path) -> String {
    let mut lines: Vec<String> = fs::read_to_string(path)
        .unwrap()
        .lines()
        .map(|line| format!("{}\"revision\":0}}", &line[..line.find("\"revision\":").unwrap()]))
        .collect();
    lines.sort();
    lines.join("\n")
}

/// Read with `read_committed`: the revisions of a message are 1, 2, 3 … in its partition, and no fact stands twice.
fn facts_come_once_and_in_order(cluster: &Cluster) {
    let mut revisions: BTreeMap<Vec<u8>, i64> = BTreeMap::new();
    let facts = cluster.export("hilo.status");
    assert!(!facts.is_empty());
    for (key, fact) in facts {
        let last = revisions.entry(key).or_default();
        *last += 1;
        assert_eq!(fact["revision"].as_i64(), Some(*last), "{fact}");
    }
    for topic in [
        "hilo.identity",
        "hilo.conversation",
        "hilo.consent",
        "hilo.unclassified",
        "hilo.dead_letter",
    ] {
        let mut seen = BTreeSet::new();
        for (_, fact) in cluster.export(topic) {
            let text = fact.to_string();
            let twice = !seen.insert(text.clone());
            // What nobody knows or can read is told for each occurrence, each with a place of its own.
            assert!(!twice, "{topic}: {text}");
        }
    }
}
