//! `[kafka]`: the cluster, and how lanes work on it.

use super::{
    is_address, required,
    secret::SecretRef,
    settings::{Settings, Written},
};
use anyhow::{Result, bail, ensure};
use std::time::Duration;

/// A Kafka cluster.
#[derive(Clone, Debug)]
pub(crate) struct Kafka {
    /// Host and port of each, at least one.
    pub bootstrap_servers: Vec<String>,
    /// Put before every topic, group and transactional id.
    pub topic_prefix: String,
    /// Partitions of each topic.
    pub partitions: i32,
    /// Copies of each partition; -1 leaves it to the broker.
    pub replication: i32,
    /// Lanes of each processor in a process.
    pub lanes: usize,
    /// Least time from one commit to the next under load.
    pub commit_interval: Duration,
    /// How long a transaction may stay open.
    pub transaction_timeout: Duration,
    /// How long a member may be silent.
    pub session_timeout: Duration,
    /// A name that stays the same over restarts of this process, or `env:VARIABLE`: see [`Kafka::instance`].
    instance: Option<String>,
    /// Properties of the client, without the password.
    pub security: Vec<(&'static str, String)>,
    /// SASL's password.
    pub password: Option<SecretRef>,
}

const PROTOCOLS: [&str; 4] = ["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"];
const MECHANISMS: [&str; 3] = ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"];

/// The section; `None` where there is none.
pub(super) fn read(settings: &Settings) -> Result<Option<Kafka>> {
    let Some(Written { value, origin }) = required(settings, "kafka", "bootstrap_servers")? else {
        return Ok(None);
    };
    let bootstrap_servers: Vec<String> = value.split(',').map(|server| server.trim().to_owned()).collect();
    ensure!(
        bootstrap_servers.iter().all(|server| is_address(server)),
        "{origin}: kafka.bootstrap_servers {value:?} is no list of addresses with ports: write for example a:9092,b:9092"
    );
    let text = |key: &str| Ok::<_, anyhow::Error>(settings.text(&["kafka", key])?.map(|written| written.value));
    let number = |key: &str, range, default: i64| {
        Ok::<_, anyhow::Error>(settings.number(&["kafka", key], range)?.unwrap_or(default))
    };
    let millis =
        |key: &str, range, default| Ok::<_, anyhow::Error>(Duration::from_millis(number(key, range, default)? as u64));
    let mut security = Vec::new();
    for (key, property, known) in [
        ("security_protocol", "security.protocol", &PROTOCOLS[..]),
        ("sasl_mechanism", "sasl.mechanism", &MECHANISMS[..]),
        ("ca_file", "ssl.ca.location", &[]),
        ("certificate_file", "ssl.certificate.location", &[]),
        ("key_file", "ssl.key.location", &[]),
        ("username", "sasl.username", &[]),
    ] {
        let Some(Written { value, origin }) = settings.text(&["kafka", key])? else {
            continue;
        };
        if !known.is_empty() && !known.contains(&value.as_str()) {
            bail!("{origin}: kafka.{key} {value:?} is none of {}", known.join(", "));
        }
        security.push((property, value));
    }
    let password = settings
        .text(&["kafka", "password"])?
        .map(|written| SecretRef::new("kafka.password", written))
        .transpose()?;
    Ok(Some(Kafka {
        bootstrap_servers,
        topic_prefix: text("topic_prefix")?.unwrap_or_default(),
        partitions: number("partitions", 1..=10_000, 6)? as i32,
        replication: number("replication", -1..=100, -1)? as i32,
        lanes: number("lanes", 1..=256, 1)? as usize,
        commit_interval: millis("commit_interval_ms", 1..=60_000, 100)?,
        transaction_timeout: millis("transaction_timeout_ms", 1_000..=900_000, 10_000)?,
        session_timeout: millis("session_timeout_ms", 1_000..=300_000, 10_000)?,
        instance: text("instance")?,
        security,
        password,
    }))
}

impl Kafka {
    /// The name of this process. Kubernetes gives a StatefulSet's member its name as `HOSTNAME`. Only `hilo run` looks for
    /// the variable: a shell that reads a topic may not have it.
    pub(crate) fn instance(&self) -> Result<Option<String>> {
        let Some(text) = &self.instance else { return Ok(None) };
        let name = match text.strip_prefix("env:") {
            Some(variable) => match std::env::var(variable) {
                Ok(name) => name,
                Err(_) => bail!("kafka.instance: the environment has no {variable}: set it, or remove the key"),
            },
            None => text.clone(),
        };
        ensure!(
            !name.trim().is_empty(),
            "kafka.instance is empty: name the process, or remove the key"
        );
        Ok(Some(name))
    }
}
