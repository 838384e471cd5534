//! `hilo doctor`: what is wrong with the set-up, and how to mend it.

use crate::{
    cli::Doctor,
    config::{Config, Registry},
    failure::Failure,
    kafka, pulse,
    say::say,
    topology,
};
use anyhow::anyhow;
use hilo_contracts::schemas;
use hilo_domain::{Millis, time};
use hilo_kafka::topics;
use hilo_service::clock;
use hilo_stream::embedded::{DataDir, Log, Space, private, read_only, remedy};
use hilo_views::GOLDEN_DB;
use rusqlite::ErrorCode;
use serde::Serialize;
use std::{
    fs, io,
    net::{TcpListener, TcpStream, ToSocketAddrs as _},
    path::Path,
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::Duration,
};

/// How long a server may take to take a connection.
const PATIENCE: Duration = Duration::from_secs(3);

/// How long a file may be checked for.
const LONGEST_CHECK: Duration = Duration::from_mins(1);
/// A larger file, in MiB, takes seconds: its check is announced.
const SAID_SIZE: u64 = 256;

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
    if dir.exists() {
        // Before the directory is taken: that tightens them.
        note("file modes", modes(&dir));
        note("disk", disk(&dir));
    }
    note("data directory", data_dir(&dir));
    for name in ["raw.db", "engine.db", GOLDEN_DB] {
        let path = dir.join(name);
        if path.is_file() {
            note("damage", damage(&path));
        }
    }
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
    let topology = crate::place::tenants(&config)
        .map_err(|failure| anyhow::anyhow!(failure.to_string()))
        .and_then(|tenants| topology::topology(&tenants));
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
        let now = log.position().ok().and_then(|position| position.now);
        note("time in the log", log_time(now));
        note(
            "log",
            log.position()
                .and_then(|position| Ok((position, log.len("hilo.raw")?)))
                .map(|(position, raw)| format!("{raw} raw records, {} processed", position.raw_offset))
                .map_err(|error| error.to_string()),
        );
    }
    note("clock", machine_clock());

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

/// Nobody but the user that runs Hilo may read what came in.
fn modes(dir: &Path) -> Result<String, String> {
    match private::wider(dir) {
        Ok(found) if found.is_empty() => Ok(format!("{} is of this user alone", dir.display())),
        Ok(found) => Err(format!(
            "other users could read {} files, such as {}: each start takes that right from them, as this check does now",
            found.len(),
            found[0].display()
        )),
        Err(error) => Err(format!("{} cannot be looked at: {error}", dir.display())),
    }
}

fn disk(dir: &Path) -> Result<String, String> {
    let space = Space::of(dir).map_err(|error| error.to_string())?;
    match pulse::disk(dir, space) {
        Some(concern) => Err(format!("{} {}", concern.text, concern.action)),
        None => Ok(format!("{} of {} MiB are free", space.free >> 20, space.size >> 20)),
    }
}

/// What SQLite finds wrong with the pages of a file, as far as it comes in [`LONGEST_CHECK`].
fn damage(path: &Path) -> Result<String, String> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let size = path.metadata().map_or(0, |metadata| metadata.len()) >> 20;
    if size > SAID_SIZE {
        eprintln!("checking {name}, {size} MiB, for {} s at most", LONGEST_CHECK.as_secs());
    }
    let broken = |what: &str| Err(format!("{} is damaged ({what}): {}", path.display(), remedy(path)));
    let connection = match read_only(path) {
        Ok(connection) => connection,
        Err(error) => return Err(format!("{} cannot be opened: {error}", path.display())),
    };
    let interrupt = connection.get_interrupt_handle();
    let (done, ended) = mpsc::channel::<()>();
    let timer = thread::spawn(move || {
        if ended.recv_timeout(LONGEST_CHECK) == Err(RecvTimeoutError::Timeout) {
            interrupt.interrupt();
        }
    });
    let found = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0));
    drop(done);
    drop(timer.join());
    match found {
        Ok(found) if found == "ok" => Ok(format!("none in {name}, {size} MiB")),
        Ok(found) => broken(&found),
        Err(error) => match error.sqlite_error_code() {
            Some(ErrorCode::OperationInterrupted) => Ok(format!(
                "none in what was checked of {name} in {} s: it has {size} MiB",
                LONGEST_CHECK.as_secs()
            )),
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => broken("it is no database any more"),
            _ => Err(format!("{} cannot be checked: {error}", path.display())),
        },
    }
}

/// Time in the log beside the machine's clock.
fn log_time(now: Option<Millis>) -> Result<String, String> {
    let Some(now) = now else {
        return Ok("nothing is processed yet".to_owned());
    };
    match pulse::ahead(now - clock::now()) {
        Some(concern) => Err(format!("{} {}", concern.text, concern.action)),
        None => Ok(format!("{}, not ahead of this machine's clock", time::to_rfc3339(now))),
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

fn machine_clock() -> Result<String, String> {
    let now = clock::now();
    let text = time::to_rfc3339(now);
    if now > EARLIEST {
        Ok(format!(
            "{text}; windows and time-outs rest on it, so keep it synchronised"
        ))
    } else {
        Err(format!("the machine's clock says {text}: set it, for example by NTP"))
    }
}
