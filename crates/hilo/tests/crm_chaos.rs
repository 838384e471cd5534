//! Nothing twice and nothing lost in the CRM: the writer is killed again and again while the CRM misbehaves in every way;
//! afterwards the CRM holds the desired records exactly.
//!
//! `HILO_CRM=long` makes it as long as it is worth: 50,000 facts and more.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod cluster;
mod node;
mod portal;

use cluster::{Cluster, Random};
use hilo_crm_simulator::{Options, Seen, State};
use hilo_simulator::{Profile, capture};
use node::{Node, now, sum};
use portal::{
    Portal, Words,
    desired::{self, Desired, Outcome},
};
use std::{
    thread,
    time::{Duration, Instant},
};

/// A slow machine is no failure; a hang is.
const PATIENCE: Duration = Duration::from_mins(10);
/// Topics whose records are facts.
const FACTS: [&str; 5] = ["identity", "conversation", "status", "consent", "account"];

struct Size {
    /// Items that are in the log before anything is written.
    before: u64,
    /// Items a second while writers are killed.
    rate: u32,
    kills: u32,
    /// Calls of the CRM between two kills, at most.
    calls: usize,
    /// Facts at least.
    facts: usize,
    patience: Duration,
}

impl Size {
    fn chosen() -> Self {
        if is_long() {
            Self {
                before: 32_000,
                rate: 60,
                kills: 40,
                calls: 120,
                facts: 50_000,
                patience: PATIENCE * 6,
            }
        } else {
            Self {
                before: 1_300,
                rate: 20,
                kills: 8,
                calls: 25,
                facts: 2_000,
                patience: PATIENCE,
            }
        }
    }
}

fn is_long() -> bool {
    std::env::var("HILO_CRM").is_ok_and(|size| size == "long")
}

/// People who change and give up numbers, so that records become parts of others.
fn world(tenant: &str, start: i64, rate: u32) -> Profile {
    Profile {
        tenants: vec![tenant.to_owned()],
        // Few, so that they come back.
        people: if is_long() { 3_000 } else { 90 },
        usernames: 0.25,
        number_changes: 0.15,
        recycled_numbers: 0.2,
        ..Profile::demo(start, rate)
    }
}

fn lines(tenant: &str, start: i64, items: u64) -> String {
    let mut bytes = Vec::new();
    capture::write(&mut bytes, 7, world(tenant, start, 400), items).unwrap();
    String::from_utf8(bytes).unwrap()
}

fn until(what: &str, patience: Duration, mut done: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !done() {
        assert!(begun.elapsed() < patience, "waited in vain until {what}");
        thread::sleep(Duration::from_millis(100));
    }
    println!("{:>6.1} s until {what}", begun.elapsed().as_secs_f64());
}

/// Waits until every desired record has its last outcome and nothing changes any more; then the portal must hold exactly
/// what is desired. Gives the number of facts.
fn holds_exactly(portal: &Portal, patience: Duration, export: &dyn Fn(&str) -> String) {
    let begun = Instant::now();
    let words = portal.words();
    loop {
        let wanted = export("crm_record");
        let outcomes = export("crm_write");
        let all: Vec<Desired> = desired::parse(&wanted);
        let told: Vec<Outcome> = desired::parse(&outcomes);
        let open = desired::open(&all, &told);
        let state = portal.hubspot.state();
        // Time goes on, and what is desired with it: the portal was looked at while this was desired.
        if open.is_empty() && export("crm_record") == wanted {
            let wrong = Portal::differences(&words, &state, &all, &told);
            println!(
                "desired: {:?}; the portal met {:?}",
                desired::census(&all),
                state.counts.misbehaved
            );
            notices(&words, &state, &all, &told);
            assert!(
                wrong.is_empty(),
                "{} differences, for example {:#?}",
                wrong.len(),
                wrong.iter().take(20).collect::<Vec<_>>()
            );
            return;
        }
        assert!(
            begun.elapsed() < patience,
            "{} records still wait, for example {:#?}",
            open.len(),
            open.iter().take(10).collect::<Vec<_>>()
        );
        thread::sleep(Duration::from_secs(1));
    }
}

/// A comparison that finds nothing proves only as much as one that would find something.
fn notices(words: &Words, state: &State, all: &[Desired], told: &[Outcome]) {
    let found = |object: &str, change: &dyn Fn(&mut Vec<Seen>, usize)| {
        let mut state = state.clone();
        if let Some(records) = state.records.get_mut(object) {
            let live = records.iter().position(|seen| !seen.archived).unwrap();
            change(records, live);
        }
        Portal::differences(words, &state, all, told).len()
    };
    let before = found("nothing", &|_, _| ());
    for object in ["contacts", "tickets", "communications"] {
        let lost = found(object, &|records, live| drop(records.remove(live)));
        let twice = found(object, &|records, live| {
            let copy = Seen {
                id: "1".to_owned(),
                ..records[live].clone()
            };
            records.push(copy);
        });
        let foreign = found(object, &|records, live| drop(records[live].properties.remove("wa_key")));
        let changed = found(object, &|records, live| {
            let ours = records[live].properties.iter_mut();
            for (_, value) in ours.filter(|(name, _)| *name != "wa_key") {
                value.push_str("00");
            }
        });
        let foreigner = found(object, &|records, live| {
            let others = records[live].associations.entry("tickets".to_owned()).or_default();
            others.push("1".to_owned());
        });
        for after in [lost, twice, foreign, changed, foreigner] {
            assert!(
                after > before,
                "{object}: {lost} {twice} {foreign} {changed} {foreigner}, {before} without"
            );
        }
    }
}

fn facts(export: &dyn Fn(&str) -> String) -> usize {
    FACTS.iter().map(|topic| export(topic).lines().count()).sum()
}

/// What a process tells of its CRM.
fn is_stopped(metrics: Option<&String>) -> bool {
    metrics.and_then(|told| sum(told, "hilo_crm_state", "\"stopped\"")) == Some(1.0)
}

fn nothing_waits(metrics: Option<&String>) -> bool {
    metrics.and_then(|told| sum(told, "hilo_crm_waiting_records", "")) == Some(0.0)
}

#[test]
fn one_process_is_killed_and_the_crm_misbehaves() {
    let size = Size::chosen();
    let portal = Portal::start(Options::default());
    let mut node = Node::new("acme", &portal.section("acme"));
    Portal::provision(node.config());
    node.ingest(&lines("acme", now() - 3_600_000, size.before));
    let platform = node.platform(world("acme", now(), size.rate), size.patience);

    portal.misbehave();
    let mut random = Random(0x5eed);
    for kill in 0..size.kills {
        node.start();
        match kill % 4 {
            2 => {
                // The answer of an applied call never comes, and the process dies while it waits.
                portal.hold_once();
                until("an answer is held", size.patience, || portal.holds());
            }
            3 => {
                portal.refuse_once();
                until("the CRM counts as stopped", size.patience, || {
                    is_stopped(node.metrics().as_ref())
                });
            }
            _ => {
                let calls = portal.calls() + 1 + random.below(size.calls) as u64;
                until("the CRM is called", size.patience, || portal.calls() > calls);
            }
        }
        node.kill();
    }
    node.start();
    until("the CRM met everything", size.patience, || {
        portal.never_met().is_empty()
    });
    platform.stop();
    portal.hubspot.behave();
    until("nothing waits", size.patience, || {
        let told = node.metrics();
        nothing_waits(told.as_ref()) && told.is_some_and(|told| sum(&told, "hilo_engine_lag_records", "") == Some(0.0))
    });
    let export = |topic: &str| node.export(topic);
    holds_exactly(&portal, size.patience, &export);
    let facts = facts(&export);
    node.end();
    println!("{facts} facts, {} kills, {} calls", size.kills, portal.calls());
    assert!(facts >= size.facts, "{facts} facts prove too little");
}

/// Everything but the writer, in one process.
const ROLES: [&str; 9] = [
    "gateway",
    "normalize",
    "identity",
    "conversation",
    "status",
    "consent",
    "account",
    "metrics",
    "project",
];

#[test]
fn writers_that_share_the_work_are_killed_and_replaced() {
    let size = Size::chosen();
    let Some(mut cluster) = Cluster::start(4, 2) else {
        return;
    };
    let portal = Portal::start(Options::default());
    cluster.more = portal.section("acme");
    Portal::provision(cluster.config("setup", 0).to_str().unwrap());
    let text = lines("acme", now() - 3_600_000, size.before);
    let lines: Vec<&str> = text.lines().collect();
    let parts: Vec<&[&str]> = lines.chunks(lines.len() / size.kills as usize + 1).collect();

    portal.misbehave();
    cluster.run(&ROLES);
    for _ in 0..2 {
        cluster.run(&["crm"]);
    }
    let mut random = Random(0x5eed);
    for (turn, part) in parts.iter().enumerate() {
        cluster.ingest(&part.join("\n"));
        let calls = portal.calls() + 1 + random.below(size.calls) as u64;
        until("the CRM is called", size.patience, || portal.calls() > calls);
        if turn % 8 == 5 {
            cluster.broker.kill();
            // Everybody notices.
            thread::sleep(Duration::from_secs(1));
            cluster.broker.restart();
        }
        let victim = cluster.pick("crm", &mut random).unwrap();
        match turn % 4 {
            // It comes back with its disk.
            0 => {
                let folder = cluster.kill(victim);
                cluster.run_in(&["crm"], folder);
            }
            // A third one comes, and one goes in good order.
            1 => {
                cluster.run(&["crm"]);
                cluster.terminate(victim);
            }
            // An answer is on its way to whoever dies, and another machine takes over.
            2 => {
                portal.hold_once();
                until("an answer is held", size.patience, || portal.holds());
                for writer in cluster.running("crm") {
                    cluster.kill(writer);
                    cluster.run(&["crm"]);
                }
            }
            _ => {
                portal.refuse_once();
                let stopped = |cluster: &Cluster| {
                    let told = cluster.all_metrics("crm");
                    let found = told.iter().position(|told| is_stopped(told.as_ref()))?;
                    cluster.running("crm").get(found).copied()
                };
                until("a writer is stopped", size.patience, || stopped(&cluster).is_some());
                let victim = stopped(&cluster).unwrap();
                cluster.terminate(victim);
                cluster.run(&["crm"]);
            }
        }
    }
    until("the CRM met everything", size.patience, || {
        portal.never_met().is_empty()
    });
    portal.hubspot.behave();
    let mut quiet = 0;
    until("nothing waits", size.patience, || {
        // Time goes on for ever.
        let of_time = "topic=\"hilo.time\"";
        let no_lag = |told: &Option<String>| {
            told.as_ref()
                .is_some_and(|told| sum(told, "hilo_lag_records", "") == sum(told, "hilo_lag_records", of_time))
        };
        let through = cluster.all_metrics(&ROLES.join(" ")).iter().all(no_lag)
            && cluster
                .all_metrics("crm")
                .iter()
                .all(|told| nothing_waits(told.as_ref()));
        // Lag is measured each two seconds: this is looked at ten times a second.
        quiet = if through { quiet + 1 } else { 0 };
        quiet > 30
    });
    let config = cluster.config("reader", 0);
    let export = |topic: &str| Cluster::hilo(&["export", topic, "--config"], &config);
    holds_exactly(&portal, size.patience, &export);
    let facts = facts(&export);
    for writer in cluster.running("crm") {
        cluster.terminate(writer);
    }
    println!("{facts} facts, {} turns, {} calls", parts.len(), portal.calls());
    assert!(facts >= size.facts, "{facts} facts prove too little");
}
