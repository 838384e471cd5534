//! `hilo up` as a process that is killed and started again over one data directory, and the platform that sends to it.
#![allow(dead_code, reason = "each test file uses its part")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use hilo_simulator::{
    Profile, Simulator,
    sender::{self, Credentials, Report, Target},
};
use hilo_testbed::free_port;
use std::{
    collections::BTreeMap,
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread::{self, JoinHandle},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};
use tempfile::TempDir;
use tokio::sync::watch;

/// The machine would have to be very slow.
const PATIENCE: Duration = Duration::from_mins(5);
/// Between two looks, so that the one who waits leaves the machine to the node.
const LOOK: Duration = Duration::from_millis(20);

const SECRET: &str = "the-secret-of-a-test";

pub(crate) fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as i64
}

pub(crate) struct Node {
    folder: TempDir,
    config: PathBuf,
    http: u16,
    admin: u16,
    child: Option<Child>,
}

impl Node {
    /// A configuration with one tenant, and these sections too.
    pub(crate) fn new(tenant: &str, more: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (http, admin) = (free_port(), free_port());
        let config = folder.path().join("hilo.toml");
        let data = folder.path().join("data");
        let text = format!(
            "[http]\nlisten = \"127.0.0.1:{http}\"\n[admin]\nlisten = \"127.0.0.1:{admin}\"\n[storage]\ndata_dir = \"{}\"\n\
             [tenants.{tenant}]\nverify_token = \"v\"\napp_secrets = [\"{SECRET}\"]\napi_tokens = [\"{SECRET}\"]\n{more}",
            data.display()
        );
        fs::write(&config, text).unwrap();
        Self {
            folder,
            config,
            http,
            admin,
            child: None,
        }
    }

    pub(crate) fn config(&self) -> &str {
        self.config.to_str().unwrap()
    }

    fn hilo(&self, arguments: &[&str]) -> String {
        let output = Command::new(env!("CARGO_BIN_EXE_hilo"))
            .args(arguments)
            .args(["--config", self.config()])
            .output()
            .unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {error}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Puts lines into the log while nothing runs.
    pub(crate) fn ingest(&self, lines: &str) {
        let file = self.folder.path().join("capture.ndjson");
        fs::write(&file, lines).unwrap();
        self.hilo(&["ingest", file.to_str().unwrap()]);
    }

    /// The data directory.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Replays a capture from nothing.
    pub(crate) fn replay(&self, capture: &Path, out: &Path) {
        self.hilo(&[
            "replay",
            "--in",
            capture.to_str().unwrap(),
            "--out",
            out.to_str().unwrap(),
        ]);
    }

    /// What it says when it does not start.
    pub(crate) fn refused(&self) -> String {
        let output = Command::new(env!("CARGO_BIN_EXE_hilo"))
            .args(["up", "--config", self.config()])
            .output()
            .unwrap();
        assert!(!output.status.success());
        String::from_utf8(output.stderr).unwrap()
    }

    /// Waits until all that is in the log is processed and read.
    pub(crate) fn processed(&mut self) {
        let none = |metrics: &str, name| sum(metrics, name, "") == Some(0.0);
        self.until(|metrics| none(metrics, "hilo_engine_lag_records") && none(metrics, "hilo_reader_lag_records"));
    }

    /// Waits until it has made some commits.
    pub(crate) fn commits(&mut self, count: u32) {
        self.until(|metrics| sum(metrics, "hilo_engine_commits_total", "") >= Some(f64::from(count)));
    }

    fn until(&mut self, is_so: impl Fn(&str) -> bool) {
        let begun = Instant::now();
        while !self.metrics().is_some_and(|metrics| is_so(&metrics)) {
            assert!(begun.elapsed() < PATIENCE, "waited in vain: {}", self.log());
            thread::sleep(LOOK);
        }
    }

    pub(crate) fn export(&self, topic: &str) -> String {
        self.hilo(&["export", topic])
    }

    pub(crate) fn start(&mut self) {
        let log = self.folder.path().join("up.log");
        let log = File::options().create(true).append(true).open(log).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_hilo"))
            .args(["up", "--config", self.config()])
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        self.child = Some(child);
    }

    /// SIGKILL: nothing is flushed, nothing is said.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Asked to end, it ends well.
    pub(crate) fn end(&mut self) {
        let mut child = self.child.take().unwrap();
        let id = child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        let ended = child.wait().unwrap();
        assert!(ended.success(), "it ended with {ended}: {}", self.log());
    }

    /// What it said in all its lives.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("up.log")).unwrap_or_default()
    }

    /// What it tells of itself; `None` while it does not answer.
    pub(crate) fn metrics(&mut self) -> Option<String> {
        let ended = self.child.as_mut().and_then(|child| child.try_wait().unwrap());
        assert!(ended.is_none(), "it ended by itself: {}", self.log());
        let answer = reqwest::blocking::get(format!("http://127.0.0.1:{}/metrics", self.admin));
        answer.ok()?.text().ok()
    }

    /// Sends traffic until it is told to stop; what the node does not acknowledge is sent again.
    pub(crate) fn platform(&self, world: Profile, patience: Duration) -> Platform {
        let credentials = || Credentials {
            app_secret: SECRET.to_owned(),
            api_token: SECRET.to_owned(),
        };
        let tenants = world.tenants.iter().map(|name| (name.clone(), credentials()));
        let target = Target {
            base_url: format!("http://127.0.0.1:{}", self.http),
            tenants: tenants.collect::<BTreeMap<_, _>>(),
            patience,
        };
        let (stop, mut stopped) = watch::channel(false);
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            let start = world.start;
            let over = async move { drop(stopped.wait_for(|stop| *stop).await) };
            runtime
                .block_on(sender::send(Simulator::new(11, world), start, &target, over))
                .unwrap()
        });
        Platform { stop, thread }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking()
            && let Ok(kept) = std::env::var("HILO_KEEP")
        {
            drop(Command::new("cp").arg("-r").arg(self.folder.path()).arg(kept).status());
        }
    }
}

/// The simulated platform.
pub(crate) struct Platform {
    stop: watch::Sender<bool>,
    thread: JoinHandle<Report>,
}

impl Platform {
    /// Ends when all that was sent is acknowledged.
    pub(crate) fn stop(self) -> Report {
        self.stop.send_replace(true);
        let report = self.thread.join().unwrap();
        assert_eq!((report.unacknowledged, report.refused), (0, 0), "{report:?}");
        report
    }
}

/// The sum of a metric over its labels that contain `part`; `None` where it is not told.
pub(crate) fn sum(metrics: &str, name: &str, part: &str) -> Option<f64> {
    let of = |line: &&str| {
        let rest = line.strip_prefix(name);
        rest.is_some_and(|rest| rest.starts_with(['{', ' ']) && rest.contains(part))
    };
    let values = metrics.lines().filter(of);
    values
        .map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
        .sum::<Option<f64>>()
        .filter(|_| metrics.contains(name))
}
