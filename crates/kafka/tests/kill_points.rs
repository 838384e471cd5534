//! A crash at each numbered step of a commit, one by one, and a zombie that only has timers to fire: what is there
//! afterwards is what the test driver says, once.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use hilo_kafka::Step;
use hilo_testbed::Broker;
use prometheus::{Registry, TextEncoder};
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use support::{cluster, expected, found, lines, make_topics, produce, read, settings, start, toys};

/// What a child is to do at a step: place of the step, which time, and whether it dies or hangs.
static PLAN: OnceLock<(Step, u64, bool)> = OnceLock::new();
static TIMES: AtomicU64 = AtomicU64::new(0);

fn strike(step: Step) {
    let Some(&(at, time, hangs)) = PLAN.get() else { return };
    if step != at || TIMES.fetch_add(1, Ordering::Relaxed) + 1 != time {
        return;
    }
    if hangs {
        println!("hangs");
        // The whole process stops here, in the middle of its commit, and goes on when somebody wakes it.
        let id = std::process::id().to_string();
        Command::new("kill").args(["-STOP", &id]).status().unwrap();
    } else {
        std::process::abort();
    }
}

/// Not a test of its own: what the tests start as a process to be killed.
#[test]
fn child() {
    let Ok(arguments) = std::env::var("HILO_CHILD") else {
        return;
    };
    let arguments: Vec<&str> = arguments.split(' ').collect();
    let [address, prefix, folder, processors, step, time, hangs] = arguments[..] else {
        panic!("{arguments:?}")
    };
    if let Some(step) = step.parse().ok().and_then(|place: usize| Step::ALL.get(place)) {
        PLAN.set((*step, time.parse().unwrap(), hangs == "hangs")).unwrap();
    }
    let mut settings = settings(Path::new(folder), 1, None);
    settings.kill_point = Some(strike);
    if hangs == "hangs" {
        // What it has handed to its client outlives the pause: only the group can refuse it.
        settings.transaction_timeout = Duration::from_mins(1);
    }
    let names = ["parse", "fold", "total"];
    let chosen: Vec<&'static str> = names.into_iter().filter(|name| processors.contains(name)).collect();
    let (engine, measures, registry) = start(&cluster(address, prefix), &chosen, settings);
    let (mut is_ready, mut is_refused) = (false, false);
    while !engine.has_ended(Duration::from_millis(50)) {
        if !is_ready && measures.all_ready().is_ok() {
            println!("ready");
            is_ready = true;
        }
        if !is_refused && refusals(&registry) > 0 {
            println!("fenced");
            is_refused = true;
        }
    }
}

/// Commits and starts that were refused because somebody else has this one's place.
fn refusals(registry: &Registry) -> u64 {
    let text = TextEncoder::new().encode_to_string(&registry.gather()).unwrap();
    let counted = text.lines().filter_map(|line| {
        let (sample, count) = line.split_once("reason=\"fenced\"} ")?;
        let is_of_lanes = sample.starts_with("hilo_aborts_total{") || sample.starts_with("hilo_lane_restarts_total{");
        is_of_lanes.then(|| count.parse::<u64>().unwrap())
    });
    counted.sum()
}

fn spawn(arguments: &[&str]) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["child", "--exact", "--nocapture"])
        .env("HILO_CHILD", arguments.join(" "))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Reads what the child says until it says `word`.
fn hears(child: &mut Child, word: &str) {
    let lines = BufReader::new(child.stdout.as_mut().unwrap()).lines();
    for line in lines {
        if line.unwrap().contains(word) {
            return;
        }
    }
    panic!("the child ended without {word:?}");
}

#[test]
fn a_crash_at_any_step_loses_nothing_and_doubles_nothing() {
    if std::env::var_os("HILO_CHILD").is_some() {
        return;
    }
    let Some(broker) = Broker::start() else { return };
    let lines = lines(600, false);
    let want = expected(&lines);
    // The first commit, and one in the middle where state is already there.
    std::thread::scope(|scope| {
        for place in 0..Step::ALL.len() {
            let (broker, lines, want) = (&broker, &lines, &want);
            scope.spawn(move || crash(broker, lines, want, place, 1 + place as u64 % 3));
        }
    });
}

fn crash(broker: &Broker, lines: &[String], want: &support::Expected, place: usize, time: u64) {
    let step = Step::ALL[place];
    let prefix = format!("kill-{place}-{time}.");
    let cluster = cluster(&broker.address(), &prefix);
    make_topics(&cluster);
    produce(&cluster, &lines[..300]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    let (address, times) = (broker.address(), time.to_string());
    let mut victim = spawn(&[
        &address,
        &prefix,
        path,
        "parse,fold,total",
        &place.to_string(),
        &times,
        "dies",
    ]);
    let ended = victim.wait().unwrap();
    assert!(!ended.success(), "{step:?}: it was to crash");
    produce(&cluster, &lines[300..]);
    // With the disk of the dead, or with an empty one.
    let fresh = tempfile::tempdir().unwrap();
    let state = if place.is_multiple_of(2) {
        path
    } else {
        fresh.path().to_str().unwrap()
    };
    let mut heir = spawn(&[&address, &prefix, state, "parse,fold,total", "-", "0", "-"]);
    let got = found(&cluster, want);
    heir.kill().unwrap();
    heir.wait().unwrap();
    assert_eq!(got, *want, "{step:?}, time {time}");
}

#[test]
fn a_zombie_that_only_fires_timers_cannot_commit() {
    if std::env::var_os("HILO_CHILD").is_some() {
        return;
    }
    let Some(broker) = Broker::start() else { return };
    let (address, prefix) = (broker.address(), "zombie.");
    let cluster = cluster(&address, prefix);
    make_topics(&cluster);
    let lines = lines(200, false);
    let want = expected(&lines);
    // Words first, all of them committed by somebody who then goes.
    let homes = [(); 3].map(|()| tempfile::tempdir().unwrap());
    let [first, second, third] = homes.each_ref().map(|home| home.path().to_str().unwrap());
    let parser = spawn(&[&address, prefix, first, "parse", "-", "0", "-"]);
    let mut before = spawn(&[&address, prefix, second, "fold", "-", "0", "-"]);
    produce(&cluster, &lines);
    assert_eq!(found(&cluster, &want), want);
    before.kill().unwrap();
    before.wait().unwrap();

    // The zombie's first transaction has timers only, and it hangs when the state is drained and nothing committed.
    let drained = Step::ALL
        .iter()
        .position(|step| *step == Step::Drained)
        .unwrap()
        .to_string();
    let mut zombie = spawn(&[&address, prefix, second, "fold", &drained, "1", "hangs"]);
    hears(&mut zombie, "ready");
    produce(&cluster, &["c99999999999".to_owned()]);
    hears(&mut zombie, "hangs");
    // Its place is taken while it hangs.
    let mut heir = spawn(&[&address, prefix, third, "fold", "-", "0", "-"]);
    hears(&mut heir, "ready");
    let letters = want.words.len();
    let closed = |facts: &[hilo_kafka::Received]| {
        facts
            .iter()
            .filter(|fact| fact.record.value.starts_with(b"closed"))
            .count()
    };
    let facts = read(&cluster, toys::FACT, want.facts + letters);
    assert_eq!(closed(&facts), letters);
    // It wakes up in the middle of its commit, and must not get through: it is told that it has no place any more.
    let id = zombie.id().to_string();
    Command::new("kill").args(["-CONT", &id]).status().unwrap();
    hears(&mut zombie, "fenced");
    produce(&cluster, &["wzlast".to_owned()]);
    let facts = read(&cluster, toys::FACT, want.facts + letters + 1);
    assert_eq!(closed(&facts), letters, "a timer fired twice");
    for mut child in [parser, zombie, heir] {
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
