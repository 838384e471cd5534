//! A disk without room: what is acknowledged is kept, the rest is refused in time, the node says why it is not ready, and with
//! room again it goes on without a start.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use hilo_testbed::free_port;
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

/// Lines of a request.
const LINES: usize = 200;

struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// A small disk of its own; only root may have one.
struct Disk(PathBuf);

impl Disk {
    fn mount(at: &Path) -> Option<Self> {
        fs::create_dir(at).unwrap();
        let disk = Self(at.to_owned());
        disk.sized("size=8m").then_some(disk)
    }

    fn sized(&self, options: &str) -> bool {
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(&self.0);
        mount.output().is_ok_and(|output| output.status.success())
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        drop(Command::new("umount").arg(&self.0).status());
    }
}

#[test]
fn a_full_disk_refuses_in_time_and_with_room_again_it_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let Some(disk) = Disk::mount(&folder.path().join("disk")) else {
        assert!(
            std::env::var_os("CI").is_none(),
            "a full disk needs a tmpfs, and only root may mount one: run the tests as root, in CI nothing is skipped"
        );
        eprintln!("SKIPPED: a full disk needs a tmpfs, and only root may mount one");
        return;
    };
    let data = disk.0.join("data");
    let (port, admin) = (free_port(), free_port());
    let config = folder.path().join("hilo.toml");
    let text = format!(
        "[http]\nlisten = \"127.0.0.1:{port}\"\n[admin]\nlisten = \"127.0.0.1:{admin}\"\n[storage]\ndata_dir = {data:?}\n[tenants.demo]\napp_secrets = [\"secret\"]\napi_tokens = [\"token\"]\n"
    );
    fs::write(&config, text).unwrap();
    let client = reqwest::blocking::Client::new();
    let url = |path: &str| format!("http://127.0.0.1:{port}{path}");
    let asked = |path: &str| {
        let answer = client.get(format!("http://127.0.0.1:{admin}{path}")).send().ok()?;
        Some((answer.status().as_u16(), answer.text().ok()?))
    };
    let log = fs::File::create(folder.path().join("log")).unwrap();
    let child = Command::new(env!("CARGO_BIN_EXE_hilo"))
        .args(["up", "--config", config.to_str().unwrap()])
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .unwrap();
    let mut node = Killed(child);
    let until = |what: &str, reached: &mut dyn FnMut() -> bool| {
        for _ in 0..12_000 {
            if reached() {
                return;
            }
            thread::sleep(Duration::from_millis(10));
        }
        panic!(
            "{what}: {:?}\n{}",
            asked("/readyz"),
            fs::read_to_string(folder.path().join("log")).unwrap()
        );
    };
    until("it answers", &mut || asked("/healthz").is_some());

    let mut sent = 0;
    let post = |from: usize| {
        let lines: Vec<String> = (from..from + LINES)
            .map(|number| {
                format!(
                    r#"{{"source":"inbox","at":"2026-05-04T13:00:00Z","phone_number_id":"2","user":{{"user_id":"CL.{number}"}},"event":"assigned","agent":"ana"}}"#
                )
            })
            .collect();
        let posted = client
            .post(url("/v1/inbox"))
            .bearer_auth("token")
            .body(lines.join("\n"));
        posted.send().unwrap().status().as_u16()
    };
    let mut acknowledged = 0;
    loop {
        sent += LINES;
        match post(sent - LINES) {
            200 => acknowledged += LINES,
            503 => break,
            status => panic!("{status}"),
        }
        assert!(sent < 1_000_000, "the disk is never full");
    }
    assert!(acknowledged > 0);
    until("it says why it is not ready", &mut || {
        asked("/readyz").is_some_and(|(status, text)| status == 503 && text.contains("full"))
    });
    let refused = (0..20).filter(|_| post(0) == 503).count();
    assert!(node.0.try_wait().unwrap().is_none(), "it lives");
    let said = fs::read_to_string(folder.path().join("log")).unwrap();
    let said = said.lines().filter(|line| line.contains("ERROR")).count();

    assert!(disk.sized("remount,size=200m"));
    let mut more = 0;
    until("it takes more", &mut || {
        more = usize::from(post(sent) == 200) * LINES;
        more > 0
    });
    until("it is ready and through", &mut || {
        let metrics = asked("/metrics").map(|(_, text)| text).unwrap_or_default();
        let is_zero = |name: &str| metrics.lines().any(|line| line == format!("{name} 0"));
        asked("/readyz").is_some_and(|(status, _)| status == 200)
            && is_zero("hilo_engine_lag_records")
            && is_zero("hilo_reader_lag_records")
    });
    assert!(node.0.try_wait().unwrap().is_none(), "the same process");
    drop(node);
    let exported = Command::new(env!("CARGO_BIN_EXE_hilo"))
        .args(["export", "conversation", "--data-dir", data.to_str().unwrap()])
        .output()
        .unwrap();
    let facts = String::from_utf8(exported.stdout).unwrap();
    let kept = facts
        .lines()
        .filter(|line| line.contains("\"kind\":\"assigned\""))
        .count();
    assert!(kept >= acknowledged + more, "{kept} of {acknowledged} + {more}");
    println!(
        "{acknowledged} acknowledged of {sent} lines and {more} with room again, {refused} of 20 more requests refused, {kept} kept, {said} error lines"
    );
}
