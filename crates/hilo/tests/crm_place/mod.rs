//! A simulated HubSpot as a process of its own, a tenant who has it as its CRM, and the commands as a user types them.
#![allow(dead_code, reason = "each test file uses its part")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

/// The token of the portal; nothing may ever show it.
pub(crate) const TOKEN: &str = "pat-na1-marcador-4711";
/// How long a node may take for what a test waits for: far more than it needs.
const PATIENCE: Duration = Duration::from_mins(2);

/// What a command said.
pub(crate) struct Said {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Said {
    fn of(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// What it printed, where it ended with this code and said all of these words.
    #[track_caller]
    pub(crate) fn ends(self, code: i32, words: &[&str]) -> String {
        let all = format!("{}{}", self.out, self.err);
        assert_eq!(self.code, code, "{all}");
        for word in words {
            assert!(all.contains(word), "does not say {word:?}: {all}");
        }
        all
    }

    /// Lines of JSON.
    #[track_caller]
    pub(crate) fn lines(self) -> Vec<Value> {
        let out = self.out.clone();
        self.ends(0, &[]);
        out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// A portal that ends with the test.
pub(crate) struct Portal {
    process: Child,
    pub base: String,
    client: reqwest::blocking::Client,
}

impl Portal {
    /// A new one, on a free port.
    pub(crate) fn new() -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_hilo"))
            .args(["simulate-crm", "hubspot", "--listen", "127.0.0.1:0"])
            .env("HILO_SIMULATE_CRM_TOKEN", TOKEN)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.as_mut().unwrap())
            .read_line(&mut line)
            .unwrap();
        let base = line
            .split_whitespace()
            .find(|word| word.starts_with("http://"))
            .unwrap()
            .to_owned();
        Self {
            process,
            base,
            client: reqwest::blocking::Client::new(),
        }
    }

    /// A call as somebody makes it by hand.
    #[track_caller]
    pub(crate) fn call(&self, method: &str, path: &str, body: &Value) -> Value {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let request = self
            .client
            .request(method, format!("{}{path}", self.base))
            .bearer_auth(TOKEN);
        let request = if body.is_null() {
            request
        } else {
            request
                .header("content-type", "application/json")
                .body(body.to_string())
        };
        let answer = request.send().unwrap();
        let status = answer.status();
        let text = answer.text().unwrap();
        assert!(status.is_success(), "{path}: {status} {text}");
        serde_json::from_str(&text).unwrap_or_default()
    }

    /// The records of an object that it holds, a hundred at most.
    pub(crate) fn holds(&self, object: &str) -> Vec<Value> {
        let page = self.call("GET", &format!("/crm/objects/2026-09/{object}?limit=100"), &Value::Null);
        page["results"].as_array().unwrap().clone()
    }
}

impl Drop for Portal {
    fn drop(&mut self) {
        // Gone already where the test ended it.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// A folder with configuration and data.
pub(crate) struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    /// Of a tenant with the portal as its CRM and a mapping of its own.
    pub(crate) fn new(portal: &Portal, mapping: &str) -> Self {
        let place = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        fs::write(place.path("token"), TOKEN).unwrap();
        place.mapping("mapping", mapping);
        let crm = format!(
            "[tenants.acme.crm.hubspot]\ntoken = \"file:{}\"\nbase_url = \"{}\"\nmapping = \"{}\"\n",
            place.path("token").display(),
            portal.base,
            place.path("mapping").display()
        );
        place.configure(&crm);
        place
    }

    /// Without a CRM.
    pub(crate) fn bare() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    /// Writes hilo.toml of one tenant.
    pub(crate) fn configure(&self, crm: &str) {
        let text = format!(
            "[http]\nlisten = \"127.0.0.1:0\"\n[admin]\nlisten = \"127.0.0.1:0\"\n[storage]\ndata_dir = \"{}\"\n\
             [tenants.acme]\napp_secrets = [\"a-secret-of-the-app\"]\n{crm}",
            self.path("data").display()
        );
        fs::write(self.path("hilo.toml"), text).unwrap();
    }

    /// A folder with a mapping that says only what differs from the built-in one.
    pub(crate) fn mapping(&self, folder: &str, differs: &str) -> String {
        fs::create_dir_all(self.path(folder)).unwrap();
        let text = format!("schema_version = 1\nextends = \"default\"\n{differs}");
        fs::write(self.path(folder).join("mapping.toml"), text).unwrap();
        self.text(folder)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hilo"));
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env("USER", "tester");
        command
    }

    /// Runs `hilo` in the folder, whose hilo.toml holds.
    pub(crate) fn hilo(&self, arguments: &[&str]) -> Said {
        Said::of(self.command(arguments).output().unwrap())
    }

    pub(crate) fn ingest(&self, lines: &[Value]) {
        let text: Vec<String> = lines.iter().map(Value::to_string).collect();
        fs::write(self.path("capture.ndjson"), text.join("\n")).unwrap();
        self.hilo(&["ingest", "capture.ndjson"]).ends(0, &[]);
    }

    /// A node that runs, and what it logs goes to the file `log`.
    pub(crate) fn up(&self) -> Up {
        let mut process = self
            .command(&["up"])
            .env("HILO_LOG", "info,hilo=debug")
            .stdout(Stdio::piped())
            .stderr(
                File::options()
                    .create(true)
                    .append(true)
                    .open(self.path("log"))
                    .unwrap(),
            )
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let dashboard = lines
            .by_ref()
            .map(Result::unwrap)
            .find(|line| line.starts_with("dashboard"))
            .unwrap();
        let link = dashboard
            .split_whitespace()
            .find(|word| word.starts_with("http://"))
            .unwrap();
        let admin = link.splitn(4, '/').take(3).collect::<Vec<_>>().join("/");
        Up { process, admin }
    }

    fn exported(&self, topic: &str) -> Vec<Value> {
        self.hilo(&["export", topic]).lines()
    }

    /// Waits until each desired record has an outcome that is none of waiting, and `done` is content with the outcomes: kind
    /// by object and key.
    pub(crate) fn until(&self, done: impl Fn(&[Value], &BTreeMap<String, Value>) -> bool) {
        let started = Instant::now();
        loop {
            let desired = newest(self.exported("crm_record"));
            let outcomes = newest(self.exported("crm_write"));
            let rested = desired.iter().all(|(key, record)| {
                outcomes.get(key).is_some_and(|outcome| {
                    outcome["kind"] != "deferred" && outcome["revision"].as_i64() >= record["revision"].as_i64()
                })
            });
            let desired: Vec<Value> = desired.into_values().collect();
            if rested && !desired.is_empty() && done(&desired, &outcomes) {
                return;
            }
            assert!(started.elapsed() < PATIENCE, "not at rest: {outcomes:#?}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Waits until the writer has told that the portal takes nothing from it.
    pub(crate) fn until_stopped(&self) {
        let started = Instant::now();
        while !self
            .exported("crm_write")
            .iter()
            .any(|fact| fact["kind"] == "sink" && fact["state"] == "stopped")
        {
            assert!(started.elapsed() < PATIENCE, "the writer did not stop");
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

/// A line of a capture: a text that somebody wrote.
pub(crate) fn wrote(id: &str, from: &str, name: &str, text: &str) -> Value {
    let metadata = json!({"display_phone_number": "15550783881", "phone_number_id": "2"});
    let value = json!({"metadata": metadata, "contacts": [{"wa_id": from, "profile": {"name": name}}],
        "messages": [{"id": id, "from": from, "type": "text", "text": {"body": text}, "timestamp": "1777899600"}]});
    json!({"source": "whatsapp", "tenant": "acme", "received_at": "2026-05-04T13:00:01Z", "body": {
        "object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [{"field": "messages", "value": value}]}]}})
}

/// The last of each record.
fn newest(lines: Vec<Value>) -> BTreeMap<String, Value> {
    let key = |line: &Value| line["record_key"].as_str().map(str::to_owned);
    lines.into_iter().filter_map(|line| Some((key(&line)?, line))).collect()
}

/// A property of a desired record.
pub(crate) fn property<'a>(record: &'a Value, name: &str) -> &'a Value {
    let fields = record["fields"].as_array().unwrap();
    fields
        .iter()
        .find(|field| field["name"] == name)
        .map_or(&Value::Null, |field| &field["value"])
}

/// Whether the tickets among desired records are closed, which the clock of a node does to old sessions.
pub(crate) fn all_closed(desired: &[Value]) -> bool {
    let mut tickets = desired.iter().filter(|record| record["object"] == "ticket");
    tickets.all(|ticket| !property(ticket, "wa_closed_at").is_null())
        && desired.iter().any(|one| one["object"] == "ticket")
}

/// A node that runs.
pub(crate) struct Up {
    process: Child,
    /// Address of its admin listener.
    pub admin: String,
}

impl Up {
    /// What it serves.
    pub(crate) fn get(&self, path: &str) -> String {
        reqwest::blocking::get(format!("{}{path}", self.admin))
            .unwrap()
            .text()
            .unwrap()
    }

    /// Ends it as an operator does.
    pub(crate) fn end(mut self) {
        let pid = self.process.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        assert!(self.process.wait().unwrap().success(), "it ends well");
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        // Only after a failure: else it has ended.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// Copies the overlays that the project ships.
pub(crate) fn overlays(to: &Path) -> usize {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crm/mappings/hubspot");
    let mut count = 0;
    for entry in fs::read_dir(shipped).unwrap() {
        let path = entry.unwrap().path();
        if path.file_stem().unwrap().len() == 2 {
            fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
            count += 1;
        }
    }
    count
}
