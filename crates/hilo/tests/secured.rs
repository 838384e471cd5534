//! `[kafka]` of a configuration and a broker that does not let everybody in.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use hilo_testbed::Broker;
use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

const PASSWORD: &str = "p4ss-word";

fn topics(command: &str, config: &Path, password: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_hilo"))
        .args(["topics", command, "--config"])
        .arg(config)
        .env("KAFKA_PASSWORD", password)
        .output()
        .unwrap()
}

fn refusal(config: &Path, password: &str) -> String {
    let output = topics("check", config, password);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("refuses this client"), "{said}");
    assert!(!said.contains(password), "{said}");
    said
}

#[test]
fn credentials_come_from_the_configuration_and_a_refusal_says_what_to_mend() {
    let Some(broker) = Broker::secured(&[("hilo-setup", PASSWORD)]) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let config = |name: &str, ca: &str| {
        let path = folder.path().join(name);
        let text = format!(
            "[kafka]\nbootstrap_servers = \"{}\"\npartitions = 2\nsecurity_protocol = \"SASL_SSL\"\n{ca}\n\
             sasl_mechanism = \"SCRAM-SHA-512\"\nusername = \"hilo-setup\"\npassword = \"env:KAFKA_PASSWORD\"\n\
             [registry]\nurl = \"http://127.0.0.1:1\"\n",
            broker.address()
        );
        fs::write(&path, text).unwrap();
        path
    };
    let right = config("right.toml", &format!("ca_file = \"{}\"", broker.ca_file().display()));
    for command in ["apply", "check"] {
        let output = topics(command, &right, PASSWORD);
        assert!(
            output.status.success(),
            "{command}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    let wrong = refusal(&right, "an0ther");
    assert!(wrong.contains("uthentication failed"), "{wrong}");
    let untrusted = refusal(&config("untrusted.toml", ""), PASSWORD);
    assert!(untrusted.contains("certificate"), "{untrusted}");
}
