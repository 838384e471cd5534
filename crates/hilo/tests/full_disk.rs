//! A disk without room: what is acknowledged is kept, the rest is refused, the node says that it has stopped, and goes on
//! when it is started again with room.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use serde_json::Value;
use std::{
    fs,
    net::TcpListener,
    process::{Child, Command, Stdio},
    thread,
};

/// Files may have so many blocks of 512 bytes.
const BLOCKS: u32 = 6_000;
/// Lines of a request.
const LINES: usize = 200;

struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

#[test]
fn a_full_disk_stops_the_node_and_its_health_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let taken = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    let [port, admin] = taken.map(|listener| listener.local_addr().unwrap().port());
    let config = folder.path().join("hilo.toml");
    let text = format!(
        "[http]\nlisten = \"127.0.0.1:{port}\"\n[admin]\nlisten = \"127.0.0.1:{admin}\"\n[storage]\ndata_dir = {data:?}\n[tenants.demo]\napp_secrets = [\"secret\"]\napi_tokens = [\"token\"]\n"
    );
    fs::write(&config, text).unwrap();
    let client = reqwest::blocking::Client::new();
    let url = |path: &str| format!("http://127.0.0.1:{port}{path}");
    let probed = |path: &str| format!("http://127.0.0.1:{admin}{path}");
    let health = || {
        let answer = client.get(probed("/healthz")).send().ok()?;
        Some((answer.status().as_u16(), answer.text().ok()?))
    };
    let is_through = || {
        let text = client.get(probed("/metrics")).send().unwrap().text().unwrap();
        let lag = text
            .lines()
            .find_map(|line| line.strip_prefix("hilo_engine_lag_records "));
        lag.map(str::trim) == Some("0")
    };
    let start = |limit: &str| {
        // A write beyond the limit fails, as on a full disk, instead of killing the process.
        let script = format!("trap '' XFSZ; {limit} exec \"$0\" up --config \"$1\"");
        let child = Command::new("sh")
            .args(["-c", &script, env!("CARGO_BIN_EXE_hilo"), config.to_str().unwrap()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let child = Killed(child);
        while health().is_none() {
            thread::yield_now();
        }
        child
    };

    let node = start(&format!("ulimit -f {BLOCKS};"));
    let (mut sent, mut acknowledged) = (0, 0);
    loop {
        let lines: Vec<String> = (sent..sent + LINES)
            .map(|number| {
                format!(
                    r#"{{"source":"inbox","at":"2026-05-04T13:00:00Z","phone_number_id":"2","user":{{"user_id":"CL.{number}"}},"event":"assigned","agent":"ana"}}"#
                )
            })
            .collect();
        sent += LINES;
        let posted = client
            .post(url("/v1/inbox"))
            .bearer_auth("token")
            .body(lines.join("\n"))
            .send()
            .unwrap();
        match posted.status().as_u16() {
            200 => acknowledged += LINES,
            503 => break,
            status => panic!("{status}: {}", posted.text().unwrap()),
        }
        assert!(sent < 1_000_000, "the disk is never full");
    }
    assert!(acknowledged > 0);
    // What the engine derives is larger than what came: it fails too, at the latest behind the last line.
    let stopped = loop {
        match health().unwrap() {
            (200, _) => assert!(!is_through(), "the engine has room"),
            (503, text) => break text,
            (status, text) => panic!("{status}: {text}"),
        }
    };
    let stopped: Value = serde_json::from_str(&stopped).unwrap();
    assert!(stopped["error"].as_str().unwrap().contains("has stopped"), "{stopped}");
    drop(node);

    let node = start("");
    while !is_through() {
        assert_eq!(health().unwrap().0, 200);
        thread::yield_now();
    }
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
    assert!(kept >= acknowledged, "{kept} of {acknowledged}");
    println!("{acknowledged} acknowledged of {sent} lines, {kept} kept");
}
