//! `hilo simulate` against a gateway: what it says was acknowledged is there.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use serde_json::Value;
use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Output, Stdio},
};

/// `hilo up` on free ports: the process, and where webhooks and readers go.
struct Up(Child, String, String);

impl Up {
    fn start(folder: &Path) -> Self {
        let config = "[http]\nlisten = \"127.0.0.1:0\"\n[admin]\nlisten = \"127.0.0.1:0\"\n[tenants.acme]\nverify_token = \"v\"\napp_secrets = [\"s\"]\n\
                      api_tokens = [\"t\"]\n";
        fs::write(folder.join("hilo.toml"), config).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_hilo"))
            .arg("up")
            .current_dir(folder)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut said = || {
            lines
                .next()
                .unwrap()
                .unwrap()
                .split_whitespace()
                .last()
                .unwrap()
                .to_owned()
        };
        let (webhooks, dashboard) = (said(), said());
        let (admin, _) = dashboard.split_once("/login").unwrap();
        let admin = admin.to_owned();
        Self(child, webhooks, admin)
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn simulate(to: &str, secret: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_hilo"))
        .args([
            "simulate",
            "--to",
            to,
            "--tenant",
            "acme",
            "--rate",
            "200",
            "--duration",
            "2s",
            "--json",
        ])
        .env("HILO_SIMULATE_APP_SECRET", secret)
        .env("HILO_SIMULATE_API_TOKEN", "t")
        .output()
        .unwrap()
}

fn accepted(address: &str) -> u64 {
    let metrics = reqwest::blocking::get(format!("{address}/metrics")).unwrap();
    let text = metrics.text().unwrap();
    text.lines()
        .filter(|line| line.starts_with("hilo_gateway_requests_total") && line.contains("outcome=\"accepted\""))
        .map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap())
        .sum()
}

#[test]
fn what_is_acknowledged_is_what_the_gateway_took() {
    let folder = tempfile::tempdir().unwrap();
    let up = Up::start(folder.path());
    let output = simulate(&up.1, "s");
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(output.status.success(), "{told}");
    let count = |name: &str| told[name].as_u64().unwrap();
    assert!(count("acknowledged_items") > 50, "{told}");
    assert_eq!((count("retries"), count("unacknowledged_deliveries")), (0, 0), "{told}");
    assert_eq!(accepted(&up.2), count("acknowledged_requests"), "{told}");

    let wrong = simulate(&up.1, "another");
    let said = String::from_utf8(wrong.stderr).unwrap();
    assert_eq!(wrong.status.code(), Some(1), "{said}");
    assert!(said.contains("401") && said.contains("secrets"), "{said}");
}
