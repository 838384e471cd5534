//! What each role may do at a cluster is enough, and no more than that: a real broker that asks for every right.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use hilo_testbed::{Broker, Right, SchemaRegistry, free_port};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const CHART: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/helm/hilo");
const PREFIX: &str = "acme.";
const TOKEN: &str = "a-token-of-a-reader-in-a-test";
const PORTAL_TOKEN: &str = "pat-na1-a-token-of-a-test";
/// A slow machine is no failure; a hang is.
const PATIENCE: Duration = Duration::from_mins(5);

fn hilo() -> Command {
    Command::new(env!("CARGO_BIN_EXE_hilo"))
}

fn listed(what: &str, config: &Path) -> String {
    let output = hilo()
        .args(["topics", what, "--json", "--config"])
        .arg(config)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_charts_topics_and_rights_are_those_of_the_topology() {
    for (what, file) in [("list", "topics.ndjson"), ("rights", "rights.ndjson")] {
        let files = Path::new(CHART).join("files");
        let kept = fs::read_to_string(files.join(file)).unwrap();
        assert!(
            kept == listed(what, &files.join("kafka.toml")),
            "{file} of the chart is of another topology: make it anew, as deploy/helm/hilo/files/kafka.toml says"
        );
    }
}

struct Place {
    broker: Broker,
    registry: SchemaRegistry,
    folder: TempDir,
    portal: u16,
    running: BTreeMap<String, (Child, u16)>,
}

impl Place {
    fn configure(&self) {
        let text = format!(
            "[http]\nlisten = \"127.0.0.1:0\"\n\
             [kafka]\nbootstrap_servers = \"{}\"\npartitions = 2\ntopic_prefix = \"{PREFIX}\"\n\
             security_protocol = \"SASL_SSL\"\nsasl_mechanism = \"SCRAM-SHA-512\"\nca_file = \"{}\"\n\
             password = \"env:KAFKA_PASSWORD\"\n\
             [registry]\nurl = \"{}\"\n\
             [readers.ana]\ntoken = \"{TOKEN}\"\nrole = \"operator\"\n\
             [tenants.acme]\nverify_token = \"v\"\napp_secrets = [\"s\"]\napi_tokens = [\"t\"]\n\
             [tenants.acme.crm.hubspot]\ntoken = \"{PORTAL_TOKEN}\"\nbase_url = \"http://127.0.0.1:{}\"\n",
            self.broker.address(),
            self.broker.ca_file().display(),
            self.registry.url(),
            self.portal,
        );
        fs::write(self.config(), text).unwrap();
    }

    fn config(&self) -> PathBuf {
        self.folder.path().join("hilo.toml")
    }

    /// A command as a user of the broker.
    fn command(&self, user: &str, arguments: &[&str]) -> Command {
        let mut command = hilo();
        command
            .args(arguments)
            .arg("--config")
            .arg(self.config())
            .env("HILO__KAFKA__USERNAME", user)
            .env("KAFKA_PASSWORD", user);
        command
    }

    fn output(&self, user: &str, arguments: &[&str]) -> Output {
        self.command(user, arguments).output().unwrap()
    }

    fn done(&self, user: &str, arguments: &[&str]) {
        let output = self.output(user, arguments);
        assert!(
            output.status.success(),
            "{arguments:?} as {user}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }

    fn log(&self, role: &str) -> String {
        fs::read_to_string(self.folder.path().join(role).with_extension("log")).unwrap_or_default()
    }

    fn run(&mut self, role: &str) {
        let port = free_port();
        let log = File::create(self.folder.path().join(role).with_extension("log")).unwrap();
        let mut command = self.command(role, &["run", role]);
        command
            .env("HILO__ADMIN__LISTEN", format!("127.0.0.1:{port}"))
            .env("HILO__STORAGE__DATA_DIR", self.folder.path().join(role))
            .stdout(log.try_clone().unwrap())
            .stderr(log);
        if role == "gateway" {
            command.env("HILO__HTTP__LISTEN", format!("127.0.0.1:{}", port_of_webhooks()));
        }
        self.running.insert(role.to_owned(), (command.spawn().unwrap(), port));
    }

    fn get(&self, role: &str, path: &str) -> Option<String> {
        let client = reqwest::blocking::Client::new();
        let answer = client
            .get(format!("http://127.0.0.1:{}{path}", self.running[role].1))
            .bearer_auth(TOKEN)
            .send()
            .ok()?;
        answer.status().is_success().then(|| answer.text().ok())?
    }

    /// Waits until it is so; nobody may have ended meanwhile.
    fn until(&mut self, what: &str, so: impl Fn(&Self) -> bool) {
        let begun = Instant::now();
        while !so(self) {
            let mut running = self.running.iter_mut();
            let ended = running.find_map(|(role, (child, _))| child.try_wait().unwrap().map(|_| role.clone()));
            if let Some(role) = ended {
                panic!("{role} has ended: {}", self.log(&role));
            }
            if begun.elapsed() > PATIENCE {
                let logs: Vec<String> = self
                    .running
                    .keys()
                    .map(|role| format!("{role}:\n{}", self.log(role)))
                    .collect();
                panic!("never: {what}\n{}", logs.join("\n"));
            }
            std::thread::sleep(Duration::from_millis(200));
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        for (child, _) in self.running.values_mut() {
            drop(child.kill());
            drop(child.wait());
        }
    }
}

fn port_of_webhooks() -> u16 {
    use std::sync::OnceLock;
    static PORT: OnceLock<u16> = OnceLock::new();
    *PORT.get_or_init(free_port)
}

#[test]
fn every_role_works_with_its_own_rights_and_has_no_others() {
    // What the chart's users have; the names at the cluster have a prefix.
    let kept = fs::read_to_string(Path::new(CHART).join("files/rights.ndjson")).unwrap();
    let mut rights: BTreeMap<String, Vec<Right>> = BTreeMap::new();
    for line in kept.lines() {
        let right: Value = serde_json::from_str(line).unwrap();
        let text = |key: &str| right[key].as_str().unwrap().to_owned();
        for operation in right["operations"].as_array().unwrap() {
            rights.entry(text("role")).or_default().push(Right {
                resource: text("resource"),
                name: format!("{PREFIX}{}", text("name")),
                pattern: text("pattern"),
                operation: operation.as_str().unwrap().to_owned(),
            });
        }
    }
    let users: Vec<(&str, &str)> = rights.keys().map(|role| (role.as_str(), role.as_str())).collect();
    let (Some(broker), Some(registry)) = (Broker::guarded(&users), SchemaRegistry::start()) else {
        return;
    };
    for (role, rights) in &rights {
        broker.allow(role, rights);
    }
    let mut place = Place {
        broker,
        registry,
        folder: tempfile::tempdir().unwrap(),
        portal: free_port(),
        running: BTreeMap::new(),
    };
    place.configure();
    let portal = hilo()
        .args(["simulate-crm", "hubspot", "--listen"])
        .arg(format!("127.0.0.1:{}", place.portal))
        .args(["--token", PORTAL_TOKEN])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    place.running.insert("portal".to_owned(), (portal, 0));
    place.done("setup", &["topics", "apply"]);
    place.done("setup", &["topics", "check"]);
    place.done("setup", &["schemas", "register"]);
    place.done("setup", &["crm", "apply"]);

    let roles: Vec<String> = rights.keys().filter(|role| *role != "setup").cloned().collect();
    for role in &roles {
        place.run(role);
    }
    place.until("every role is ready", |place| {
        roles
            .iter()
            .all(|role| role == "golden" || place.get(role, "/readyz").is_some())
    });
    let sent = hilo()
        .args([
            "simulate",
            "--tenant",
            "acme",
            "--rate",
            "40",
            "--duration",
            "6s",
            "--to",
        ])
        .arg(format!("http://127.0.0.1:{}", port_of_webhooks()))
        .env("HILO_SIMULATE_APP_SECRET", "s")
        .env("HILO_SIMULATE_API_TOKEN", "t")
        .output()
        .unwrap();
    assert!(sent.status.success(), "{}", String::from_utf8_lossy(&sent.stderr));
    place.until("the golden record has caught up", |place| {
        place.get("golden", "/readyz").is_some()
    });
    place.until("every processor has committed, and the CRM was written to", |place| {
        roles.iter().all(|role| {
            let metrics = place.get(role, "/metrics").unwrap_or_default();
            let most = |begin: &str| {
                metrics
                    .lines()
                    .filter(|line| line.starts_with(begin))
                    .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
                    .fold(0.0, f64::max)
            };
            match role.as_str() {
                "gateway" => true,
                "lag" => most("hilo_group_looked_timestamp_seconds") > 0.0,
                "golden" => place
                    .get("golden", "/v1/metrics")
                    .is_some_and(|rows| rows.contains("delivery_rate")),
                "crm" => {
                    most("hilo_crm_outcomes_total{kind=\"written\"") > 0.0 || most("hilo_crm_outcomes_total") > 0.0
                }
                _ => most("hilo_commits_total") > 0.0,
            }
        })
    });
    for role in &roles {
        let log = place.log(role);
        assert!(
            !log.to_lowercase().contains("authoriz") && !log.contains("lacks"),
            "{role} was refused something: {log}"
        );
    }

    // Nobody but the gateway puts something into the raw topic; nobody but the setup makes topics.
    let lines = place.folder.path().join("lines.ndjson");
    fs::write(&lines, "{\"source\":\"clock\",\"at\":\"2026-09-01T12:00:00Z\"}\n").unwrap();
    let lines = lines.to_str().unwrap();
    place.done("gateway", &["ingest", lines]);
    for user in ["status", "golden", "crm", "setup"] {
        let refused = place.output(user, &["ingest", lines]);
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(!refused.status.success(), "{user} may write the raw topic");
        assert!(
            said.contains("uthoriz") || said.contains("lacks a right"),
            "{user}: {said}"
        );
    }
}
