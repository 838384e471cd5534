//! A real cluster with Hilo's roles as processes of their own, for tests that kill them.
#![allow(dead_code, reason = "each test file uses its part")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use hilo::{captures, topology};
use hilo_contracts::codec::{self, Codec as _};
use hilo_contracts::door::Versions;
use hilo_contracts::{capture, json, topics};
use hilo_golden::Golden;
use hilo_kafka::registry::{Access, SchemaRegistry as Client};
use hilo_kafka::{Cluster as Address, Delivered, Framing, RawProducer, Received, Whole};
use hilo_metrics::table::{self, Table};
use hilo_stream::Record;
use hilo_testbed::{Broker, SchemaRegistry, free_port};
use serde_json::Value;
use std::fs::{self, File};
use std::io::Write as _;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A member that is silent for longer loses its place.
pub(crate) const SESSION: Duration = Duration::from_secs(3);
/// Token of who reads everything.
pub(crate) const READER: &str = "a-token-of-a-reader-in-a-test";
/// Roles that make facts and numbers of deliveries, and the golden record.
pub(crate) const ROLES: [&str; 8] = [
    "normalize",
    "identity",
    "conversation",
    "status",
    "account",
    "consent",
    "metrics",
    "golden",
];
/// Those of them that run processors.
pub(crate) const PROCESSORS: &[&str] = ROLES.split_at(7).0;
/// A slow machine is no failure; a hang is.
const PATIENCE: Duration = Duration::from_mins(8);

/// xorshift64*: the same monkey for ever.
pub(crate) struct Random(pub u64);

impl Random {
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % bound.max(1)
    }
}

/// A process: its place in the list of all that ever ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Role(usize);

struct Process {
    roles: String,
    folder: PathBuf,
    port: u16,
    child: Option<Child>,
    stopped: bool,
}

pub(crate) struct Cluster {
    pub broker: Broker,
    pub registry: SchemaRegistry,
    folder: TempDir,
    partitions: i32,
    lanes: usize,
    /// Whether each process has a `kafka.instance`, which stays with its folder.
    pub named: bool,
    /// Where gateways take webhooks.
    pub webhooks: String,
    /// Put before every name at the cluster.
    pub prefix: String,
    /// Sections that stand in every configuration too.
    pub more: String,
    processes: Vec<Process>,
}

impl Cluster {
    /// A broker and a registry with all topics and contracts; `None` where there are none to start.
    pub(crate) fn start(partitions: i32, lanes: usize) -> Option<Self> {
        let broker = Broker::start()?;
        let registry = SchemaRegistry::start()?;
        let cluster = Self {
            broker,
            registry,
            folder: tempfile::tempdir().unwrap(),
            partitions,
            lanes,
            named: false,
            webhooks: "127.0.0.1:0".to_owned(),
            prefix: String::new(),
            more: String::new(),
            processes: Vec::new(),
        };
        cluster.register();
        cluster.apply();
        Some(cluster)
    }

    /// Makes all topics.
    pub(crate) fn apply(&self) {
        Self::hilo(&["topics", "apply", "--config"], &self.config("setup", free_port()));
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A configuration for a process with a data directory of its own and its admin listener on `port`.
    pub(crate) fn config(&self, name: &str, port: u16) -> PathBuf {
        let path = self.folder.path().join(format!("{name}.toml"));
        let text = format!(
            "[http]\nlisten = \"{}\"\n[admin]\nlisten = \"127.0.0.1:{port}\"\n[storage]\ndata_dir = \"{}\"\n\
             [kafka]\nbootstrap_servers = \"{}\"\npartitions = {}\nlanes = {}\ncommit_interval_ms = 50\n\
             transaction_timeout_ms = 5000\nsession_timeout_ms = {}\ntopic_prefix = \"{}\"\n{}\
             [registry]\nurl = \"{}\"\n\
             [tenants.acme]\nverify_token = \"v\"\napp_secrets = [\"s\"]\napi_tokens = [\"t\"]\n\
             [readers.ana]\ntoken = \"{READER}\"\nrole = \"operator\"\n{}",
            self.webhooks,
            self.folder.path().join(name).display(),
            self.broker.address(),
            self.partitions,
            self.lanes,
            SESSION.as_millis(),
            self.prefix,
            if self.named {
                format!("instance = \"{name}\"\n")
            } else {
                String::new()
            },
            self.registry.url(),
            self.more,
        );
        fs::write(&path, text).unwrap();
        path
    }

    /// Runs a command that must succeed: what it prints.
    pub(crate) fn hilo(arguments: &[&str], config: &Path) -> String {
        let output = output(arguments, config);
        assert!(
            output.status.success(),
            "{arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs a command that must fail: what it says.
    pub(crate) fn refused(arguments: &[&str], config: &Path) -> String {
        let output = output(arguments, config);
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8_lossy(&output.stderr).into_owned()
    }

    /// Starts a process with these roles in a fresh folder.
    pub(crate) fn run(&mut self, roles: &[&str]) -> Role {
        let folder = PathBuf::from(format!("{}-{}", roles.join("-"), self.processes.len()));
        self.run_in(roles, folder)
    }

    /// Starts a process in the folder of one that ended.
    pub(crate) fn run_in(&mut self, roles: &[&str], folder: PathBuf) -> Role {
        let port = free_port();
        let config = self.config(folder.to_str().unwrap(), port);
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.folder.path().join(format!("{}.log", folder.display())))
            .unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_hilo"))
            .arg("run")
            .args(roles)
            .arg("--config")
            .arg(config)
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        self.processes.push(Process {
            roles: roles.join(" "),
            folder,
            port,
            child: Some(child),
            stopped: false,
        });
        Role(self.processes.len() - 1)
    }

    pub(crate) fn port(&self, role: Role) -> u16 {
        self.processes[role.0].port
    }

    /// Processes with these roles that run.
    pub(crate) fn running(&self, name: &str) -> Vec<Role> {
        let found = self.processes.iter().enumerate();
        found
            .filter(|(_, process)| process.child.is_some() && process.roles == name)
            .map(|(place, _)| Role(place))
            .collect()
    }

    pub(crate) fn count(&self, name: &str) -> usize {
        self.running(name).len()
    }

    /// Some process of that role.
    pub(crate) fn pick(&self, name: &str, random: &mut Random) -> Option<Role> {
        let running = self.running(name);
        (!running.is_empty()).then(|| running[random.below(running.len())])
    }

    fn signal(&self, role: Role, signal: &str) {
        if let Some(child) = &self.processes[role.0].child {
            let sent = Command::new("kill")
                .args([signal, &child.id().to_string()])
                .status()
                .unwrap();
            assert!(sent.success(), "{signal}");
        }
    }

    /// SIGKILL; gives its folder back.
    pub(crate) fn kill(&mut self, role: Role) -> PathBuf {
        let process = &mut self.processes[role.0];
        if let Some(mut child) = process.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
        process.folder.clone()
    }

    /// SIGSTOP: it hangs, and does not know it.
    pub(crate) fn stop(&mut self, role: Role) {
        self.signal(role, "-STOP");
        self.processes[role.0].stopped = true;
    }

    /// SIGCONT.
    pub(crate) fn resume(&mut self, role: Role) {
        self.signal(role, "-CONT");
        self.processes[role.0].stopped = false;
    }

    /// SIGTERM, and it must end by itself, and well.
    pub(crate) fn terminate(&mut self, role: Role) {
        // Before it listens it has not heard of signals either.
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port(role))).is_err() {
            assert!(begun.elapsed() < PATIENCE, "it does not come up");
            std::thread::sleep(Duration::from_millis(50));
        }
        self.signal(role, "-TERM");
        let process = &mut self.processes[role.0];
        let ended = process.child.take().unwrap().wait().unwrap();
        assert!(ended.success(), "{} ended with {ended}", process.roles);
    }

    /// Puts lines into the raw topic; again while the broker is away.
    pub(crate) fn ingest(&self, lines: &str) {
        let config = self.config("ingest", free_port());
        let begun = Instant::now();
        loop {
            let mut child = Command::new(env!("CARGO_BIN_EXE_hilo"))
                .args(["ingest", "-", "--config"])
                .arg(&config)
                .stdin(Stdio::piped())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            let written = child.stdin.take().unwrap().write_all(lines.as_bytes());
            if child.wait().unwrap().success() && written.is_ok() {
                return;
            }
            assert!(begun.elapsed() < PATIENCE, "the broker takes no lines");
        }
    }

    /// Waits until nothing waits anywhere: no lag in any process, and nobody reads any more.
    pub(crate) fn drained(&self) {
        let client = reqwest::blocking::Client::builder()
            .timeout(Duration::from_secs(5))
            .build()
            .unwrap();
        let begun = Instant::now();
        let mut quiet: Option<(Instant, String)> = None;
        loop {
            let mut lag = 0;
            let mut told = String::new();
            for process in self.processes.iter().filter(|process| process.child.is_some()) {
                let base = format!("http://127.0.0.1:{}", process.port);
                let answer = |path: &str| {
                    let response = client.get(format!("{base}{path}")).send().ok()?;
                    response.status().is_success().then(|| response.text().ok())?
                };
                let (Some(_), Some(text)) = (answer("/readyz"), answer("/metrics")) else {
                    lag += 1;
                    continue;
                };
                for line in text.lines() {
                    if line.starts_with("hilo_lag_records{") && !line.contains("topic=\"hilo.time\"") {
                        lag += line.rsplit(' ').next().unwrap().parse::<i64>().unwrap();
                    }
                    if line.starts_with("hilo_batch_records_sum") || line.starts_with("hilo_ledger_records_total") {
                        told.push_str(line);
                    }
                }
            }
            // Lag is measured each two seconds: what did not move for longer is through.
            match &quiet {
                Some((since, had)) if lag == 0 && *had == told => {
                    if since.elapsed() > Duration::from_secs(6) {
                        return;
                    }
                }
                _ => quiet = (lag == 0).then(|| (Instant::now(), told)),
            }
            assert!(
                begun.elapsed() < PATIENCE,
                "{lag} records still wait: {}",
                self.logs().lines().rev().take(30).collect::<Vec<_>>().join("\n")
            );
            std::thread::sleep(Duration::from_millis(300));
        }
    }

    /// Status and text of a page of a process; `None` while it does not answer.
    pub(crate) fn get(&self, role: Role, path: &str) -> Option<(u16, String)> {
        let answer = reqwest::blocking::get(format!("http://127.0.0.1:{}{path}", self.port(role))).ok()?;
        Some((answer.status().as_u16(), answer.text().ok()?))
    }

    /// The metrics of a process.
    pub(crate) fn metrics(&self, role: Role) -> String {
        self.get(role, "/metrics").unwrap().1
    }

    /// The metrics of each process with these roles; `None` while one does not answer.
    pub(crate) fn all_metrics(&self, name: &str) -> Vec<Option<String>> {
        let ask = |role: &Role| Some(self.get(*role, "/metrics")?.1);
        self.running(name).iter().map(ask).collect()
    }

    pub(crate) fn golden(&self, role: Role) -> Golden {
        Golden::open_read_only(&self.data_dir(role).join("golden.db")).unwrap()
    }

    /// The data directory of a process.
    pub(crate) fn data_dir(&self, role: Role) -> PathBuf {
        self.folder.path().join(&self.processes[role.0].folder)
    }

    /// Registers all contracts.
    pub(crate) fn register(&self) {
        Self::hilo(&["schemas", "register", "--config"], &self.config("setup", free_port()));
    }

    /// A producer of the raw topic that has its contract already.
    pub(crate) fn producer(&self) -> RawProducer {
        let (address, framing) = self.address();
        RawProducer::new(&address, topics::RAW, framing, Duration::from_secs(30)).unwrap()
    }

    /// Puts a line into the raw topic.
    pub(crate) fn produce(producer: &RawProducer, line: &str) {
        let raw = capture::from_line(line.as_bytes(), None, 0).unwrap();
        let record = captures::record(&codec::raw(), &raw).unwrap();
        Self::append(producer, vec![record], 0);
    }

    /// Puts records into the topic of a producer, and waits until they are safe there.
    pub(crate) fn append(producer: &RawProducer, records: Vec<Record>, receipt: i64) {
        let (sender, answer) = channel();
        producer.append(records, receipt, "", move |outcome| sender.send(outcome).unwrap());
        assert_eq!(answer.recv().unwrap(), Delivered::Safe);
    }

    /// A client of the registry.
    pub(crate) fn client(&self) -> Client {
        self.client_of(self.registry.url())
    }

    fn client_of(&self, url: String) -> Client {
        let access = Access {
            url,
            ..Access::default()
        };
        Client::new(access, &self.prefix).unwrap()
    }

    /// Where it is, with its contracts.
    pub(crate) fn address(&self) -> (Address, Arc<Framing>) {
        self.address_with(&Versions::released().unwrap())
    }

    /// Where it is, for a release that reads these versions.
    pub(crate) fn address_with(&self, versions: &Versions) -> (Address, Arc<Framing>) {
        self.address_by(self.registry.url(), versions)
    }

    /// The same, with another address for the registry.
    pub(crate) fn address_by(&self, registry: String, versions: &Versions) -> (Address, Arc<Framing>) {
        let registry = self.client_of(registry);
        let topology = topology::topology(&topology::Tenants::default()).unwrap();
        let subjects = topology.topics().iter().filter_map(|topic| topic.schema);
        let address = Address {
            prefix: self.prefix.clone(),
            ..Address::plain(&self.broker.address())
        };
        (address, Arc::new(registry.framing(subjects, versions).unwrap()))
    }

    /// A topic's committed records, partition by partition: key and decoded value.
    pub(crate) fn export(&self, topic: &'static str) -> Vec<(Vec<u8>, Value)> {
        self.export_with(topic, &Versions::released().unwrap())
    }

    /// The same, by a release that reads these versions.
    pub(crate) fn export_with(&self, topic: &'static str, versions: &Versions) -> Vec<(Vec<u8>, Value)> {
        let (address, framing) = self.address_with(versions);
        let records = everything(&address, &framing, topic).into_iter();
        let lines = records.map(|Received { record, .. }| {
            let mut line = Vec::new();
            json::write(topic, &record.value, &mut line).unwrap();
            (record.key, serde_json::from_slice(&line).unwrap())
        });
        lines.collect()
    }

    /// The rows of the numbers without their revision, sorted.
    pub(crate) fn metric_rows(&self) -> String {
        let (address, framing) = self.address();
        let codec = codec::metric();
        let mut table = Table::default();
        for received in everything(&address, &framing, topics::METRIC) {
            table.apply(codec.decode(&received.record.value).unwrap());
        }
        let rows = table.rows().filter(|row| !table::is_internal(&row.metric));
        let mut lines: Vec<String> = rows
            .map(|row| {
                let mut row = row.clone();
                row.revision = 0;
                let mut line = Vec::new();
                json::write_metric(&row, &mut line).unwrap();
                String::from_utf8(line).unwrap()
            })
            .collect();
        lines.sort();
        lines.join("\n")
    }

    /// What all processes logged.
    pub(crate) fn logs(&self) -> String {
        let mut all = String::new();
        for entry in fs::read_dir(self.folder.path()).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "log") {
                all.push_str(&String::from_utf8_lossy(&fs::read(path).unwrap()));
            }
        }
        all
    }
}

fn output(arguments: &[&str], config: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_hilo"))
        .args(arguments)
        .arg(config)
        .output()
        .unwrap()
}

/// The committed records of a topic, partition by partition.
pub(crate) fn everything(address: &Address, framing: &Arc<Framing>, topic: &'static str) -> Vec<Received> {
    let mut whole = Whole::open(address, topic, Arc::clone(framing)).unwrap();
    let mut all = Vec::new();
    while let Some(records) = whole.read().unwrap() {
        all.extend(records);
    }
    all
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for process in &mut self.processes {
            if let Some(mut child) = process.child.take() {
                // SIGKILL ends a stopped one too.
                drop(child.kill());
                drop(child.wait());
            }
        }
        if std::thread::panicking()
            && let Ok(kept) = std::env::var("HILO_KEEP")
        {
            drop(Command::new("cp").arg("-r").arg(self.folder.path()).arg(kept).status());
        }
    }
}
