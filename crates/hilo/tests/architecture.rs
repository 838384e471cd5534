//! The shape of the workspace: dependencies go one way, processors know no I/O, the generated picture is fresh.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::{collections::BTreeMap, fs, path::Path, process::Command};

/// Our crates, lowest first: each may depend on those before it.
const ORDER: [&str; 26] = [
    "domain",
    "contracts",
    "whatsapp",
    "stream",
    "normalize",
    "deduplicate",
    "identity",
    "conversation",
    "status",
    "account",
    "consent",
    "metrics",
    "crm",
    "golden",
    "kafka",
    "service",
    "crm-simulator",
    "crm-writer",
    "gateway",
    "dashboard",
    "views",
    "simulator",
    "bench",
    "testbed",
    "attack",
    "hilo",
];

/// Processors, and what they read the platform's JSON with. What they may use beyond `domain`, `contracts`, `whatsapp` and
/// `stream`: nothing that has a clock, a file or a socket.
const PROCESSORS: [&str; 10] = [
    "whatsapp",
    "normalize",
    "deduplicate",
    "identity",
    "conversation",
    "status",
    "account",
    "consent",
    "metrics",
    "crm",
];
const PURE: [&str; 11] = [
    "hilo-contracts",
    "hilo-domain",
    "hilo-stream",
    "hilo-whatsapp",
    "jiff",
    "rustc-hash",
    "serde",
    "serde_json",
    "strsim",
    "thiserror",
    "toml",
];

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

fn dependencies() -> BTreeMap<String, Vec<String>> {
    fs::read_dir(root().join("crates"))
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let manifest: toml::Table = fs::read_to_string(path.join("Cargo.toml")).unwrap().parse().unwrap();
            let list = manifest.get("dependencies").and_then(toml::Value::as_table);
            let names = list.map(|table| table.keys().cloned().collect()).unwrap_or_default();
            (path.file_name().unwrap().to_str().unwrap().to_owned(), names)
        })
        .collect()
}

#[test]
fn dependencies_go_one_way() {
    let crates = dependencies();
    assert_eq!(
        crates.len(),
        ORDER.len(),
        "a new crate has its place in ORDER: {:?}",
        crates.keys()
    );
    for (name, dependencies) in crates {
        let place = ORDER
            .iter()
            .position(|known| *known == name)
            .unwrap_or_else(|| panic!("{name} is not in ORDER"));
        for dependency in dependencies
            .iter()
            .filter_map(|dependency| dependency.strip_prefix("hilo-"))
        {
            assert!(
                ORDER[..place].contains(&dependency),
                "{name} must not depend on {dependency}"
            );
        }
    }
}

#[test]
fn processors_are_pure() {
    let crates = dependencies();
    for name in PROCESSORS {
        for dependency in &crates[name] {
            assert!(
                PURE.contains(&dependency.as_str()),
                "processor crate {name} must not depend on {dependency}"
            );
        }
    }
}

/// Words by which a processor would see more than its records.
const IMPURE: [&str; 8] = [
    "SystemTime",
    "Instant::now",
    "std::env",
    "std::fs",
    "std::net",
    "std::thread",
    "rand::",
    "HashMap<", // iteration order would reach outputs; FxHashMap is looked at in review, BTreeMap is the default
];

#[test]
fn processors_have_no_clock_and_no_environment() {
    let crates = PROCESSORS.map(|name| root().join("crates").join(name).join("src"));
    let mut folders = crates.to_vec();
    // Processors of one file live here, once there is one.
    folders.extend(Some(root().join("crates/hilo/src/topology")).filter(|folder| folder.is_dir()));
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = fs::read_to_string(&path).unwrap();
            for word in IMPURE {
                let found = text.lines().any(|line| {
                    line.contains(word) && !line.contains("FxHashMap<") && !line.trim_start().starts_with("//")
                });
                assert!(!found, "{} uses {word}", path.display());
            }
        }
    }
}

#[test]
fn the_picture_of_the_topology_is_fresh() {
    let folder = tempfile::tempdir().unwrap();
    let fresh = folder.path().join("topology.svg");
    let status = Command::new(env!("CARGO_BIN_EXE_hilo"))
        .args(["topology", "--svg"])
        .arg(&fresh)
        .output()
        .unwrap();
    assert!(status.status.success());
    let committed = fs::read_to_string(root().join("deploy/topology.svg")).unwrap_or_default();
    assert_eq!(
        committed,
        fs::read_to_string(&fresh).unwrap(),
        "run: cargo run -- topology --svg deploy/topology.svg"
    );
}

#[test]
fn links_of_the_documents_exist() {
    let mut documents = vec![root().join("README.md"), root().join("schemas/README.md")];
    for entry in fs::read_dir(root().join("crates")).unwrap() {
        documents.push(entry.unwrap().path().join("README.md"));
    }
    for document in documents {
        let text = fs::read_to_string(&document).unwrap_or_else(|error| panic!("{}: {error}", document.display()));
        let links = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        for link in links.filter(|link| !link.contains("://") && !link.starts_with('#')) {
            let path = link.split('#').next().unwrap();
            let target = document.parent().unwrap().join(path);
            assert!(
                target.exists(),
                "{} links to {link}, which is not there",
                document.display()
            );
        }
    }
}

/// `cargo run --release -- demo`, the first command of the README, has to know which program is meant.
#[test]
fn cargo_run_is_hilo() {
    let manifest: toml::Table = fs::read_to_string(root().join("Cargo.toml")).unwrap().parse().unwrap();
    let default = manifest["workspace"]["default-members"].as_array().unwrap();
    assert_eq!(
        default
            .iter()
            .map(|member| member.as_str().unwrap())
            .collect::<Vec<_>>(),
        ["crates/hilo"]
    );
    let hilo: toml::Table = fs::read_to_string(root().join("crates/hilo/Cargo.toml"))
        .unwrap()
        .parse()
        .unwrap();
    assert!(!hilo.contains_key("bin"), "crates/hilo has one program: src/main.rs");
}
