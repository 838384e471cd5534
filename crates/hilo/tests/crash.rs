//! Kill -9 in the middle of receiving and of processing, many times: every acknowledged delivery is there, none twice in
//! the derived topics, and everything is what an undisturbed replay of the same log gives.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use hilo_golden::Golden;
use hilo_simulator::{
    Profile, Simulator,
    sender::{self, Credentials, Target},
};
use hilo_testbed::free_port;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

const KILLS: u32 = 12;
/// The platform gives up after this; the machine would have to be very slow.
const PATIENCE: Duration = Duration::from_mins(5);
/// Between two looks, so that the one who waits leaves the machine to the node.
const LOOK: Duration = Duration::from_millis(10);
const START: i64 = 1_777_975_200_000;

fn hilo(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hilo"));
    command.args(arguments).stderr(Stdio::null()).stdout(Stdio::null());
    command
}

fn output(arguments: &[&str]) -> Vec<u8> {
    let output = Command::new(env!("CARGO_BIN_EXE_hilo"))
        .args(arguments)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    output.stdout
}

/// The value of a metric of the running node; `None` while it does not answer.
fn metric(client: &reqwest::blocking::Client, base: &str, name: &str) -> Option<f64> {
    let text = client.get(format!("{base}/metrics")).send().ok()?.text().ok()?;
    text.lines()
        .find_map(|line| line.strip_prefix(name)?.trim().parse().ok())
}

fn until(what: &str, mut done: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !done() {
        assert!(begun.elapsed() < PATIENCE, "waited in vain until {what}");
        thread::sleep(LOOK);
    }
}

struct Killed(Child);

impl Killed {
    /// Asked to end instead: the last node finishes what it has begun.
    fn end(mut self) {
        let id = self.0.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        assert!(self.0.wait().unwrap().success());
    }
}

impl Drop for Killed {
    fn drop(&mut self) {
        // SIGKILL: nothing is flushed, nothing is said.
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

#[test]
fn kills_lose_nothing_and_double_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let (port, admin) = (free_port(), free_port());
    let config = folder.path().join("hilo.toml");
    fs::write(
        &config,
        format!(
            "[http]\nlisten = \"127.0.0.1:{port}\"\n[admin]\nlisten = \"127.0.0.1:{admin}\"\n[storage]\ndata_dir = {data:?}\n\
             [tenants.demo]\napp_secrets = [\"secret\"]\napi_tokens = [\"token\"]\n"
        ),
    )
    .unwrap();
    let config = config.to_str().unwrap();
    let base = format!("http://127.0.0.1:{port}");
    let probed = format!("http://127.0.0.1:{admin}");
    let client = reqwest::blocking::Client::builder()
        .timeout(Duration::from_secs(2))
        .build()
        .unwrap();

    let stop = Arc::new(AtomicBool::new(false));
    let platform = {
        let (base_url, stop) = (base.clone(), Arc::clone(&stop));
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            let credentials = Credentials {
                app_secret: "secret".to_owned(),
                api_token: "token".to_owned(),
            };
            let target = Target {
                base_url,
                tenants: BTreeMap::from([("demo".to_owned(), credentials)]),
                patience: PATIENCE,
            };
            let stopped = async {
                while !stop.load(Ordering::Acquire) {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            };
            let simulator = Simulator::new(7, Profile::demo(START, 600));
            runtime
                .block_on(sender::send(simulator, START, &target, stopped))
                .unwrap()
        })
    };

    let mut random = 0x2545_F491_4F6C_DD1Du64;
    for _ in 0..KILLS {
        let node = Killed(hilo(&["up", "--config", config]).spawn().unwrap());
        until("the node answers", || {
            metric(&client, &probed, "hilo_engine_commits_total ").is_some()
        });
        // Somewhere in the next commits, at a moment that nobody chose.
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let commits = 3.0 + (random % 40) as f64;
        until("it has committed some batches", || {
            metric(&client, &probed, "hilo_engine_commits_total ").is_none_or(|count| count > commits)
        });
        drop(node);
    }
    let node = Killed(hilo(&["up", "--config", config]).spawn().unwrap());
    until("the node answers", || {
        metric(&client, &probed, "hilo_engine_commits_total ").is_some()
    });
    stop.store(true, Ordering::Release);
    let report = platform.join().unwrap();
    until("all is processed", || {
        metric(&client, &probed, "hilo_engine_lag_records ") == Some(0.0)
    });
    node.end();

    assert_eq!((report.unacknowledged, report.refused), (0, 0), "{report:?}");
    assert!(
        report.acknowledged.items > 200,
        "too little traffic to prove anything: {report:?}"
    );
    compare(folder.path(), config);
    println!(
        "{KILLS} kills, {} items acknowledged, {} sent again",
        report.acknowledged.items, report.retries
    );
}

/// The log's topics and the golden record against a replay of the same log without any kill.
fn compare(folder: &Path, config: &str) {
    let export = |topic: &str| String::from_utf8(output(&["export", topic, "--config", config])).unwrap();
    let raw = folder.join("raw.ndjson");
    fs::write(&raw, export("raw")).unwrap();
    let out = folder.join("replayed");
    output(&[
        "replay",
        "--in",
        raw.to_str().unwrap(),
        "--out",
        out.to_str().unwrap(),
        "--config",
        config,
    ]);
    for topic in [
        "identity",
        "conversation",
        "status",
        "account",
        "unclassified",
        "dead_letter",
    ] {
        let live: Vec<String> = export(topic).lines().map(str::to_owned).collect();
        let replayed = fs::read_to_string(out.join(format!("{topic}.ndjson"))).unwrap();
        let replayed: Vec<&str> = replayed.lines().collect();
        let distinct: BTreeSet<&String> = live.iter().collect();
        assert_eq!(distinct.len(), live.len(), "a fact of {topic} stands twice");
        // Time ends for a replay where its log ends; the live node was killed before its next tick.
        assert!(
            replayed.len() >= live.len(),
            "{topic}: {} live, {} replayed",
            live.len(),
            replayed.len()
        );
        for (place, (live, replayed)) in live.iter().zip(&replayed).enumerate() {
            assert_eq!(
                live, replayed,
                "record {place} of {topic} is not what an undisturbed run gives"
            );
        }
    }
    let state = folder.join("state");
    fs::create_dir(&state).unwrap();
    let golden = Golden::open_read_only(&folder.join("data/golden.db")).unwrap();
    golden.write_state(&state).unwrap();
    for file in ["persons.ndjson", "sessions.ndjson", "messages.ndjson"] {
        let [live, replayed] = [&state, &out.join("state")].map(|state| fs::read_to_string(state.join(file)).unwrap());
        assert!(
            !live.is_empty() && live == replayed,
            "{file} is not what an undisturbed run gives"
        );
    }
}

#[test]
fn a_killed_ingest_keeps_what_it_said_is_durable_and_nothing_twice() {
    let folder = tempfile::tempdir().unwrap();
    let capture = folder.path().join("capture.ndjson");
    let mut file = fs::File::create(&capture).unwrap();
    hilo_simulator::capture::write(&mut file, 3, Profile::demo(START, 500), 60_000).unwrap();
    drop(file);
    let lines = fs::read_to_string(&capture).unwrap().lines().count();
    let data = folder.path().join("data");
    let arguments = [
        "ingest",
        capture.to_str().unwrap(),
        "--data-dir",
        data.to_str().unwrap(),
    ];
    let killed = Killed(hilo(&arguments).spawn().unwrap());
    let file = data.join("raw.db-wal");
    until("it has begun to write", || {
        fs::metadata(&file).is_ok_and(|file| file.len() > 1 << 20)
    });
    drop(killed);
    let exported = |data: &Path| {
        let text = output(&["export", "raw", "--data-dir", data.to_str().unwrap()]);
        String::from_utf8(text)
            .unwrap()
            .lines()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let part = exported(&data);
    assert!(!part.is_empty() && part.len() <= lines, "{} of {lines}", part.len());

    let whole = folder.path().join("whole");
    output(&[
        "ingest",
        capture.to_str().unwrap(),
        "--data-dir",
        whole.to_str().unwrap(),
    ]);
    let all = exported(&whole);
    assert_eq!(all.len(), lines);
    assert_eq!(
        part,
        all[..part.len()],
        "what a killed ingest wrote is the beginning of the capture"
    );
}
