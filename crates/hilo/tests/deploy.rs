//! What is deployed says what the binary has: metrics of dashboards and alerts, roles, configuration.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use hilo::topology::{self, topology};
use hilo_contracts::facts::CrmWrite;
use hilo_crm_writer::{
    Budget, EdgeError, FILE, Lane, Links, Outcomes, Reply, Settings, Sink, Token, Writer,
    hubspot::{ApiVersion, Client, HubSpot, Portal},
};
use hilo_gateway::{Gateway, Limits, Tenants};
use hilo_stream::embedded::{DataDir, Engine, RawLog};
use prometheus::{Gauge, Registry};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

fn files(folder: &str, extension: &str) -> Vec<PathBuf> {
    let all = fs::read_dir(root().join(folder)).unwrap();
    let found: Vec<PathBuf> = all
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|found| found == extension))
        .collect();
    assert!(!found.is_empty(), "{folder} has no {extension}");
    found
}

/// Names of our metrics in a text, without what a histogram adds to its own.
fn named(text: &str) -> BTreeSet<String> {
    text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_')
        .filter(|word| word.starts_with("hilo_"))
        .map(|word| {
            ["_bucket", "_sum", "_count"]
                .iter()
                .find_map(|suffix| word.strip_suffix(suffix))
                .unwrap_or(word)
                .to_owned()
        })
        .collect()
}

/// Outcomes of a writer that does not run.
struct Nowhere;

impl Outcomes for Nowhere {
    fn publish(&self, _: Vec<CrmWrite>) -> Reply<'_, Result<(), EdgeError>> {
        Box::pin(async { Ok(()) })
    }
}

/// Everything that a role's `/metrics` may have.
fn registries(folder: &Path) -> [Registry; 2] {
    let (kafka, registry) = (Registry::new(), Registry::new());
    hilo_kafka::Measures::new(&kafka).unwrap();
    hilo_kafka::lag::LagMeasures::new(&kafka).unwrap();
    let directory = DataDir::open(folder).unwrap();
    let log = Arc::new(RawLog::open(&directory, hilo_contracts::topics::RAW).unwrap());
    let topology = topology(&topology::Tenants::default()).unwrap();
    let engine = Engine::open(&directory, &topology, &log, topology::dead_letter).unwrap();
    let engine = engine.start().unwrap();
    hilo::register_runtime_metrics(&registry, &engine, &log, folder, &topology).unwrap();
    Gateway::new(log, Tenants::new([]).unwrap(), Limits::default(), &registry).unwrap();
    let links = Links::open(&folder.join(FILE)).unwrap();
    // A sink that is asked for nothing: its counters are there all the same.
    let budget = Arc::new(Budget::new(1, Duration::from_secs(1)));
    let portal = Portal {
        base: "http://127.0.0.1:1".to_owned(),
        token: Token::new("token").unwrap(),
        version: ApiVersion::default(),
        timeout: Duration::from_secs(1),
    };
    let client = Arc::new(Client::new(portal, budget).unwrap());
    let lane = Lane {
        tenant: "acme".to_owned(),
        sink: "hubspot".to_owned(),
    };
    let sink: Arc<dyn Sink> = Arc::new(HubSpot::new(client, Duration::from_secs(1)));
    let writer = Writer::new(links, Arc::new(Nowhere), [(lane, sink)].into(), Settings::default());
    hilo::register_crm_metrics(&registry, writer.status()).unwrap();
    [kafka, registry]
}

#[test]
fn every_metric_that_is_looked_at_exists() {
    let folder = tempfile::tempdir().unwrap();
    let registries = registries(folder.path());
    let mut looked_at = files("deploy/grafana/dashboards", "json");
    looked_at.extend(files("deploy/runbooks", "md"));
    looked_at.extend(files("deploy/prometheus", "yml"));
    for file in looked_at {
        for name in named(&fs::read_to_string(&file).unwrap()) {
            // A name that is taken is one that is there.
            let is_free = |registry: &Registry| {
                registry
                    .register(Box::new(Gauge::new(name.clone(), "?").unwrap()))
                    .is_ok()
            };
            assert!(
                !registries.iter().all(is_free),
                "{} looks at {name}, which nobody has",
                file.display()
            );
        }
    }
}

#[test]
fn every_metric_has_a_panel() {
    let dashboards: String = files("deploy/grafana/dashboards", "json")
        .iter()
        .map(|file| fs::read_to_string(file).unwrap())
        .collect();
    let shown = named(&dashboards);
    for source in [
        "crates/kafka/src/measures.rs",
        "crates/kafka/src/lag/measures.rs",
        "crates/gateway/src/measures.rs",
        "crates/hilo/src/runtime_metrics.rs",
        "crates/hilo/src/crm/metrics.rs",
    ] {
        let text = fs::read_to_string(root().join(source)).unwrap();
        let quoted: Vec<&str> = text.split('"').skip(1).step_by(2).collect();
        let had = named(&quoted.join(" "));
        assert!(had.len() > 3, "{had:?}");
        for name in had {
            assert!(shown.contains(&name), "no panel shows {name} of {source}");
        }
    }
}

/// Arguments of the services that run the binary.
fn commands() -> Vec<Vec<String>> {
    let compose = fs::read_to_string(root().join("docker-compose.yml")).unwrap();
    let commands: Vec<Vec<String>> = compose
        .lines()
        .filter_map(|line| line.trim().strip_prefix("command: [")?.strip_suffix(']'))
        .map(|list| {
            list.split(',')
                .map(|word| word.trim().trim_matches('"').to_owned())
                .collect()
        })
        .collect();
    assert!(!commands.is_empty(), "docker-compose.yml runs nothing");
    commands
}

#[test]
fn every_role_runs_and_is_watched_with_arguments_that_the_binary_takes() {
    let help = Command::new(env!("CARGO_BIN_EXE_hilo"))
        .args(["run", "--help"])
        .output()
        .unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let roles: BTreeSet<&str> = help
        .lines()
        .filter_map(|line| line.trim().strip_prefix("- ")?.split(':').next())
        .collect();
    let commands = commands();
    let run: BTreeSet<&str> = commands
        .iter()
        .filter(|command| command[0] == "run")
        .map(|command| command[1].as_str())
        .collect();
    assert_eq!(run, roles, "{help}");
    let scraped = fs::read_to_string(root().join("deploy/prometheus/prometheus.yml")).unwrap();
    let scraped = scraped.split_once("names: [").unwrap().1.split_once(']').unwrap().0;
    assert_eq!(scraped.split(", ").collect::<BTreeSet<_>>(), roles);
    for command in &commands {
        // With an argument that nobody has, the parser complains of the first one that it does not take.
        let output = Command::new(env!("CARGO_BIN_EXE_hilo"))
            .args(command)
            .arg("--no-such-argument")
            .env("HILO_SIMULATE_APP_SECRET", "a")
            .env("HILO_SIMULATE_API_TOKEN", "b")
            .output()
            .unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains("'--no-such-argument'"), "{command:?}: {said}");
    }
}

#[test]
fn the_configuration_of_compose_is_one() {
    let output = Command::new(env!("CARGO_BIN_EXE_hilo"))
        .args(["topics", "list", "--config", "deploy/hilo.toml"])
        .current_dir(root())
        .env("HOSTNAME", "a-container")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let topics = String::from_utf8(output.stdout).unwrap();
    assert!(
        topics.contains("hilo.raw") && topics.contains("6 partitions"),
        "{topics}"
    );
}
