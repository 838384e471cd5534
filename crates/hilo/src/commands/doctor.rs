//! `hilo doctor`: what is wrong with the set-up, and how to mend it.

use crate::{
    cli::Doctor,
    config::{Config, Registry},
    failure::Failure,
    kafka,
    say::say,
    topology,
};
use anyhow::anyhow;
use hilo_contracts::schemas;
use hilo_domain::time;
use hilo_kafka::topics;
use hilo_stream::embedded::{DataDir, Log};
use serde::Serialize;
use std::{
    fs, io,
    net::{TcpListener, TcpStream, ToSocketAddrs as _},
    path::Path,
    time::{Duration, SystemTime},
};

/// How long a server may take to take a connection.
const PATIENCE: Duration = Duration::from_secs(3);

/// 2026-01-01T00:00:00Z: a clock before it is wrong, and would date everything wrongly.
const EARLIEST: i64 = 1_767_225_600_000;

#[derive(Serialize)]
struct Finding {
    check: &'static str,
    ok: bool,
    detail: String,
}

pub(crate) fn run(arguments: &Doctor) -> Result<(), Failure> {
    let mut findings: Vec<Finding> = Vec::new();
    let mut note = |check: &'static str, result: Result<String, String>| {
        let ok = result.is_ok();
        let (Ok(detail) | Err(detail)) = result;
        findings.push(Finding { check, ok, detail });
    };
    let config = Config::load(arguments.place.config.as_deref());
    note(
        "configuration",
        match &config {
            Ok(config) => Ok(format!("{} tenants", config.tenants.len())),
            Err(error) => Err(format!("{error:#}")),
        },
    );
    let config = config.unwrap_or_default();
    note(
        "secrets",
        match config.secrets() {
            Ok(secrets) => Ok(format!("of {} tenants, none empty", secrets.len())),
            Err(error) => Err(format!("{error:#}")),
        },
    );
    note(
        "address",
        match TcpListener::bind(&config.http.listen) {
            Ok(_) => Ok(format!("{} is free", config.http.listen)),
            Err(error) => Err(format!(
                "cannot listen on {} ({error}): a hilo may run there already",
                config.http.listen
            )),
        },
    );
    let dir = arguments
        .place
        .data_dir
        .clone()
        .unwrap_or_else(|| config.storage.data_dir.clone());
    note("data directory", data_dir(&dir));
    for server in config.kafka.iter().flat_map(|kafka| &kafka.bootstrap_servers) {
        note("kafka", reachable(server));
    }
    if let Some(address) = config.registry.as_ref().and_then(Registry::address) {
        note("registry", reachable(&address));
    }
    if config.kafka.is_some() {
        match kafka::Place::new(&config) {
            Err(failure) => note("cluster", Err(failure.to_string())),
            Ok(place) => {
                let plans = place.plans().map_err(|failure| failure.to_string());
                let topics = plans.and_then(|plans| {
                    topics::require(&place.cluster, &plans).map_err(|error| error.to_string())?;
                    Ok(format!("{} topics are as they must be", plans.len()))
                });
                note("topics", topics);
                let contracts = place.framing().map_err(|failure| failure.to_string());
                note("contracts", contracts.map(|_| "all are registered".to_owned()));
            }
        }
    }
    let topology = topology::topology(&crate::place::tenants(&config));
    note(
        "topology",
        match &topology {
            Ok(topology) => Ok(format!(
                "{} processors, {} topics",
                topology.processors().len(),
                topology.topics().len()
            )),
            Err(error) => Err(format!("{error:#}")),
        },
    );
    note(
        "schemas",
        match schemas::all() {
            Ok(versions) => Ok(format!("{} versions, all readable", versions.len())),
            Err(error) => Err(error.to_string()),
        },
    );
    if let Ok(topology) = &topology
        && dir.join("raw.db").is_file()
    {
        let mut log = Log::open(&dir, topology);
        note(
            "log",
            log.position()
                .and_then(|position| Ok((position, log.len("hilo.raw")?)))
                .map(|(position, raw)| format!("{raw} raw records, {} processed", position.raw_offset))
                .map_err(|error| error.to_string()),
        );
    }
    note("clock", clock());

    let failed = findings.iter().filter(|finding| !finding.ok).count();
    if arguments.json {
        say!("{}", serde_json::json!({"ok": failed == 0, "findings": findings}))?;
    } else {
        for Finding { check, ok, detail } in &findings {
            say!("{} {check:<16} {detail}", if *ok { "ok  " } else { "FAIL" })?;
        }
    }
    if failed == 0 {
        Ok(())
    } else {
        Err(Failure::failed(anyhow!("{failed} of {} checks failed", findings.len())))
    }
}

/// Can be made and written, and nobody else has it open.
fn data_dir(dir: &Path) -> Result<String, String> {
    if !dir.exists() {
        return Ok(format!(
            "{} does not exist yet; it is made by the first run",
            dir.display()
        ));
    }
    let _held = DataDir::open(dir).map_err(|error| error.to_string())?;
    let probe = dir.join(".doctor");
    fs::write(&probe, b"ok")
        .and_then(|()| fs::remove_file(&probe))
        .map_err(|error| format!("{} cannot be written: {error}", dir.display()))?;
    Ok(format!("{} is writable and not in use", dir.display()))
}

/// Somebody answers there.
fn reachable(address: &str) -> Result<String, String> {
    let failed =
        |error: io::Error| format!("{address} cannot be reached ({error}): is it running, and is the name right?");
    let mut last = io::Error::other("the name has no address");
    for found in address.to_socket_addrs().map_err(failed)? {
        match TcpStream::connect_timeout(&found, PATIENCE) {
            Ok(_) => return Ok(format!("{address} can be reached")),
            Err(error) => last = error,
        }
    }
    Err(failed(last))
}

fn clock() -> Result<String, String> {
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_err(|error| error.to_string())?;
    let now = now.as_millis() as i64;
    let text = time::to_rfc3339(now);
    if now > EARLIEST {
        Ok(format!(
            "{text}; windows and time-outs rest on it, so keep it synchronised"
        ))
    } else {
        Err(format!("the machine's clock says {text}: set it, for example by NTP"))
    }
}
