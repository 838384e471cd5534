//! What somebody who runs a node relies on: it ends when it is told to, its files are its own, damage is named with what to
//! do, copies can be read, and a wrong clock can be undone.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::{
    fs,
    io::{BufRead as _, BufReader},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let place = Self { folder };
        let text = format!(
            "[http]\nlisten = \"127.0.0.1:0\"\n[admin]\nlisten = \"127.0.0.1:0\"\n[storage]\ndata_dir = \"{}\"\n[tenants.acme]\napp_secrets = [\"secret\"]\n",
            place.data().display()
        );
        fs::write(place.config(), text).unwrap();
        place
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn config(&self) -> PathBuf {
        self.folder.path().join("hilo.toml")
    }

    fn hilo(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hilo"));
        command.args(arguments).arg("--config").arg(self.config());
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.hilo(arguments).output().unwrap()
    }

    fn ingest(&self, lines: &str) {
        let file = self.folder.path().join("lines.ndjson");
        fs::write(&file, lines).unwrap();
        let output = self.run(&["ingest", file.to_str().unwrap()]);
        assert!(output.status.success(), "{}", text(&output.stderr));
    }

    /// A node that listens.
    fn up(&self) -> Child {
        let mut node = self
            .hilo(&["up"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(node.stdout.as_mut().unwrap())
            .read_line(&mut line)
            .unwrap();
        assert!(line.contains("http://"), "{line}");
        node
    }

    /// Processes all that is there, and ends.
    fn through(&self) {
        let node = self.up();
        let opened = |name: &str| rusqlite::Connection::open(self.data().join(name)).unwrap();
        let (raw, engine) = (opened("raw.db"), opened("engine.db"));
        let number = |of: &rusqlite::Connection, sql: &str| of.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
        let wanted = number(&raw, "SELECT count(*) FROM log");
        while number(&engine, "SELECT raw_offset FROM position") < wanted {
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        drop((raw, engine));
        ended(node);
    }

    fn finding(&self, check: &str) -> Vec<(bool, String)> {
        let doctor: serde_json::Value = serde_json::from_slice(&self.run(&["doctor", "--json"]).stdout).unwrap();
        let findings = doctor["findings"].as_array().unwrap().iter();
        findings
            .filter(|finding| finding["check"] == check)
            .map(|finding| {
                (
                    finding["ok"].as_bool().unwrap(),
                    finding["detail"].as_str().unwrap().to_owned(),
                )
            })
            .collect()
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn ended(mut node: Child) {
    let pid = node.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    assert!(node.wait().unwrap().success(), "it ends well");
}

fn outbound(number: usize, at: &str) -> String {
    format!(
        r#"{{"source":"outbound","tenant":"acme","at":"{at}","phone_number_id":"1","message_id":"wamid.{number}","to":{{"phone":"+5696{number:07}"}},"type":"text"}}"#
    ) + "\n"
}

fn exported(place: &Place, topic: &str) -> Vec<serde_json::Value> {
    let output = place.run(&["export", topic]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn a_node_with_a_backlog_ends_and_the_next_one_goes_on() {
    let place = Place::new();
    let lines: String = (0..2_000)
        .map(|number| outbound(number, "2026-05-04T13:00:00Z"))
        .collect();
    place.ingest(&lines);
    ended(place.up());
    place.through();
    let sent = exported(&place, "conversation");
    let sent = sent.iter().filter(|fact| fact["kind"] == "message_sent").count();
    assert_eq!(sent, 2_000);
}

#[test]
fn files_are_of_their_user_alone_whatever_the_umask() {
    let place = Place::new();
    let script = format!(
        "umask 000; \"$0\" ingest --data-dir '{0}' /dev/null && \"$0\" doctor --data-dir '{0}'; exit 0",
        place.data().display()
    );
    let sh = Command::new("sh")
        .args(["-c", &script, env!("CARGO_BIN_EXE_hilo")])
        .output()
        .unwrap();
    assert!(sh.status.success(), "{}", text(&sh.stderr));
    place.ingest(&outbound(1, "2026-05-04T13:00:00Z"));
    place.through();
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&place.data()), 0o700);
    let mut seen = Vec::new();
    for entry in fs::read_dir(place.data()).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
        seen.push(path.file_name().unwrap().to_str().unwrap().to_owned());
    }
    seen.sort();
    for file in ["engine.db", "golden.db", "lock", "raw.db"] {
        assert!(seen.iter().any(|name| name == file), "{seen:?}");
    }
    fs::set_permissions(place.data().join("raw.db"), fs::Permissions::from_mode(0o644)).unwrap();
    let [(ok, detail)] = &place.finding("file modes")[..] else {
        panic!("one finding")
    };
    assert!(!ok && detail.contains("raw.db"), "{detail}");
    assert!(place.finding("file modes")[0].0, "taken from them");
}

#[test]
fn damage_is_named_with_what_to_do() {
    let place = Place::new();
    let lines: String = (0..2_000)
        .map(|number| outbound(number, "2026-05-04T13:00:00Z"))
        .collect();
    place.ingest(&lines);
    place.through();
    assert!(place.finding("damage").iter().all(|(ok, _)| *ok));
    for (name, remedy) in [
        ("engine.db", "remove engine.db and golden.db"),
        ("golden.db", "remove golden.db"),
        ("raw.db", "restore it"),
    ] {
        let path = place.data().join(name);
        let whole = fs::read(&path).unwrap();
        let mut torn = whole.clone();
        // A page in the middle.
        let middle = torn.len() / 2 / 4096 * 4096;
        torn[middle..middle + 4096].fill(0xA5);
        fs::write(&path, &torn).unwrap();
        let bad: Vec<_> = place.finding("damage").into_iter().filter(|(ok, _)| !ok).collect();
        assert!(
            bad.len() == 1 && bad[0].1.contains(name) && bad[0].1.contains(remedy),
            "{bad:?}"
        );
        // No database at all: the command says it once, and what to do.
        fs::write(&path, vec![0xA5; whole.len()]).unwrap();
        let said = match name {
            "golden.db" => place.run(&["trace", "wamid.1"]),
            "engine.db" => place.run(&["export", "conversation"]),
            _ => place.run(&["export", "raw"]),
        };
        let said = text(&said.stderr);
        assert!(said.contains(remedy) && said.matches("damaged").count() == 1, "{said}");
        fs::write(&path, whole).unwrap();
    }
}

#[test]
fn a_read_only_copy_can_be_read() {
    let place = Place::new();
    place.ingest(&outbound(1, "2026-05-04T13:00:00Z"));
    place.through();
    let mount = |arguments: &[&str]| {
        let mut mount = Command::new("mount");
        mount.args(arguments).arg(place.data());
        mount.output().is_ok_and(|output| output.status.success())
    };
    let data = place.data();
    if !mount(&["--bind", data.to_str().unwrap()]) || !mount(&["-o", "remount,bind,ro"]) {
        eprintln!("SKIPPED: a read-only folder needs a mount, and only root may make one");
        return;
    }
    let read: Vec<Output> = [
        &["export", "conversation"][..],
        &["metrics"],
        &["trace", "wamid.1"],
        &["export", "raw"],
    ]
    .iter()
    .map(|arguments| place.run(arguments))
    .collect();
    assert!(Command::new("umount").arg(&data).status().unwrap().success());
    // Numbers are published when time comes, which it may not have yet.
    let (numbers, others): (Vec<_>, Vec<_>) = read.iter().enumerate().partition(|(place, _)| *place == 1);
    assert!(numbers[0].1.status.success(), "{}", text(&numbers[0].1.stderr));
    for (_, output) in others {
        assert!(
            output.status.success() && !output.stdout.is_empty(),
            "{}",
            text(&output.stderr)
        );
    }
}

/// A clock that was 30 years ahead for a while: time stands in 2056, and with it everybody's timers.
#[test]
fn a_wrong_clock_can_be_undone() {
    let place = Place::new();
    let clock = |at: &str| format!("{{\"source\":\"clock\",\"at\":\"{at}\"}}\n");
    let before = outbound(1, "2026-05-04T13:00:00Z") + &clock("2026-05-04T13:00:01Z");
    let wrong = clock("2056-05-04T13:00:02Z") + &outbound(2, "2056-05-04T13:00:03Z");
    let after = outbound(3, "2026-05-04T13:00:05Z");
    place.ingest(&(before.clone() + &wrong + &after));
    place.through();
    let [(ok, detail)] = &place.finding("time in the log")[..] else {
        panic!("one finding")
    };
    assert!(!ok && detail.contains("hilo clock mend"), "{detail}");
    let mended = place.run(&["clock", "mend", "--json"]);
    assert!(mended.status.success(), "{}", text(&mended.stderr));
    let mended: serde_json::Value = serde_json::from_slice(&mended.stdout).unwrap();
    assert_eq!(mended["mended"], 2);
    assert!(!place.data().join("engine.db").exists());
    place.through();
    assert!(place.finding("time in the log")[0].0);
    let letters = exported(&place, "dead_letter");
    let reasons: Vec<&str> = letters
        .iter()
        .map(|letter| letter["reason"].as_str().unwrap())
        .collect();
    assert_eq!(reasons, ["from_the_future"]);
    let sent = exported(&place, "conversation");
    let sent: Vec<&str> = sent.iter().filter_map(|fact| fact["message_id"].as_str()).collect();
    assert_eq!(sent, ["wamid.1", "wamid.3"]);
    // Once more there is nothing to mend.
    let mended: serde_json::Value = serde_json::from_slice(&place.run(&["clock", "mend", "--json"]).stdout).unwrap();
    assert_eq!(mended["mended"], 0);
}
