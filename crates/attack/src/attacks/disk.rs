//! H6, M6, L3, L4: the disk is full, open to others, damaged, read-only.

use crate::{
    judge::Judge,
    room::{
        SETTLED,
        capture::{ACME, BETA, now},
        dataset::dataset,
        genuine::{self, wait_derived},
        node::{Node, Room, Settings},
        tmpfs::Tmpfs,
        until,
    },
    scale::Scale,
};
use anyhow::{Result, ensure};
use serde_json::{Value, json};
use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Output,
    time::{Duration, Instant},
};

/// The disk that is filled, and its size once there is room again, in MiB. What was acknowledged meanwhile becomes facts
/// of some ten times its size, so a little room would be filled at once.
const DISK: u32 = 24;
const ROOMY: u32 = 600;
/// Lines of a request that fills it.
const LINES: usize = 200;
/// Back-off grows to a minute; the rest is work.
const RECOVERED: Duration = Duration::from_secs(100);
/// Small enough for a copy, large enough for some pages.
const ITEMS: usize = 300;
/// Bytes of a damaged file that are turned.
const FLIPPED: usize = 200;
/// One of these words says what to do.
const ADVICE: [&str; 5] = ["restore", "rebuil", "remove", "delete", "copy back"];

pub(crate) async fn full(room: &Room, scale: &Scale, judge: &mut Judge) -> Result<()> {
    let disk = match Tmpfs::mount(&room.folder()?, DISK) {
        Ok(disk) => disk,
        Err(error) => {
            judge.skip(format!("no disk can be mounted here (it needs root): {error:#}"));
            return Ok(());
        }
    };
    let settings = Settings {
        data_dir: Some(disk.path().join("data")),
        ..Settings::default()
    };
    let mut node = Node::start(room, settings).await?;
    let (mut sent, mut acknowledged) = (0, Vec::new());
    let begun = Instant::now();
    while post(&node, &mut sent, &mut acknowledged, judge).await? == 200 {
        ensure!(begun.elapsed() < scale.patience, "the disk is never full");
    }
    judge.figure("acknowledged", acknowledged.len());
    // It stays full for a while, and clients go on.
    let said = node.log().lines().count();
    let begun = Instant::now();
    let full = Duration::from_secs(if scale.long { 30 } else { 8 });
    while begun.elapsed() < full {
        post(&node, &mut sent, &mut acknowledged, judge).await?;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let said = node.log().lines().count() - said;
    judge.figure("lines_logged", said);
    // Gateway, engine, reader, and what warns of the space: each one line in 10 s.
    let allowed = 5 * (full.as_secs() as usize / 10 + 2);
    judge.check(
        "a full disk is said now and then, not with each request",
        said <= allowed,
        || format!("{said} lines in {} s", full.as_secs()),
    );

    disk.grow(ROOMY)?;
    let begun = Instant::now();
    let through = until("a delivery is taken after space was freed", RECOVERED, async || {
        let text = BETA.text("wamid.genuine.freed", "5215512345699", "hola");
        Ok(BETA
            .signed(&text)
            .send(node.http)
            .await
            .ok()
            .filter(|answer| answer.status == 200))
    })
    .await;
    judge.check("freed space is enough to take deliveries", through.is_ok(), || {
        format!("not in {} s", RECOVERED.as_secs())
    });
    let derived = wait_derived(&node, "wamid.genuine.freed", RECOVERED).await;
    judge.check("freed space is enough to process them", derived.is_ok(), || {
        format!("not in {} s", RECOVERED.as_secs())
    });
    for path in ["/healthz", "/readyz"] {
        let well = until("it is well", RECOVERED, async || {
            Ok(node.probe(path).await.ok().filter(|answer| answer.status == 200))
        })
        .await;
        judge.check("it is well again by itself", well.is_ok(), || {
            format!("{path} is not 200 in {} s", RECOVERED.as_secs())
        });
    }
    judge.figure("recovered_ms", begun.elapsed().as_millis() as u64);
    let fallen = node.fallen()?;
    judge.check("no process ended", fallen.is_empty(), || fallen.join("; "));
    let kept = genuine::ids(&node.export("raw").await?);
    let lost = acknowledged.iter().filter(|id| !kept.contains(*id)).count();
    judge.figure("lost", lost);
    judge.check("nothing acknowledged is lost", lost == 0, || format!("{lost} lines"));
    // The disk goes after who writes to it.
    node.kill().await
}

/// Sends lines; gives the status.
async fn post(node: &Node<'_>, sent: &mut usize, acknowledged: &mut Vec<String>, judge: &mut Judge) -> Result<u16> {
    let ids: Vec<String> = (*sent..*sent + LINES)
        .map(|number| format!("wamid.full.{number}"))
        .collect();
    let to = |id: &String| ACME.outbound(id, &json!({"user_id": format!("CL.{id}")}), &now());
    let lines: Vec<Value> = ids.iter().map(to).collect();
    *sent += LINES;
    let answer = ACME.lines("/v1/outbound", &lines).send(node.http).await?;
    judge.check(
        "a full disk is 503 with Retry-After",
        answer.status == 200 || (answer.status == 503 && answer.header("retry-after").is_some()),
        || answer.brief(),
    );
    if answer.status == 200 {
        acknowledged.extend(ids);
    }
    Ok(answer.status)
}

pub(crate) async fn modes(room: &Room, _: &Scale, judge: &mut Judge) -> Result<()> {
    let mut node = Node::start(room, Settings::default()).await?;
    let text = ACME.text("wamid.modes", "56961234567", "hola");
    ensure!(
        ACME.signed(&text).send(node.http).await?.status == 200,
        "a genuine delivery is refused"
    );
    wait_derived(&node, "wamid.modes", SETTLED).await?;
    let running = open_to_others(&node.data_dir())?;
    judge.check("nobody else reads the data", running.is_empty(), || {
        format!("{running:?}")
    });
    node.terminate().await?;
    let stopped = open_to_others(&node.data_dir())?;
    judge.check(
        "nobody else reads the data of a stopped node",
        stopped.is_empty(),
        || format!("{stopped:?}"),
    );

    let raw = node.data_dir().join("raw.db");
    for (path, mode) in [(raw.clone(), 0o644), (node.data_dir(), 0o755)] {
        let before = fs::metadata(&path)?.permissions();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode))?;
        let doctor = node.hilo(&["doctor"]).await?;
        let said = said(&doctor);
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        judge.check(
            "doctor sees what others can read",
            !doctor.status.success() && said.contains(&name),
            || {
                format!(
                    "{name} with mode {mode:o}: {:?}, {}",
                    doctor.status.code(),
                    brief(&said)
                )
            },
        );
        fs::set_permissions(&path, before)?;
    }
    Ok(())
}

/// Files and folders that the group or others have a right to.
fn open_to_others(folder: &Path) -> Result<Vec<String>> {
    let mut found = Vec::new();
    let mut look = |path: &Path| -> Result<()> {
        let mode = fs::symlink_metadata(path)?.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            found.push(format!("{} {mode:o}", path.file_name().unwrap_or_default().display()));
        }
        Ok(())
    };
    look(folder)?;
    for entry in fs::read_dir(folder)? {
        look(&entry?.path())?;
    }
    Ok(found)
}

/// A stopped node with some data, and the last message in it.
async fn stopped(room: &Room) -> Result<(Node<'_>, String)> {
    let settings = Settings {
        wait: false,
        ..Settings::default()
    };
    let mut node = Node::prepare(room, settings).await?;
    let data = dataset("disk", ITEMS);
    node.ingest(&data.lines).await?;
    node.start_again().await?;
    node.ready(SETTLED).await?;
    wait_derived(&node, &data.last, SETTLED).await?;
    node.terminate().await?;
    Ok((node, data.last))
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        fs::copy(entry.path(), to.join(entry.file_name()))?;
    }
    fs::set_permissions(to, fs::Permissions::from_mode(0o700))?;
    Ok(())
}

fn said(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

fn brief(text: &str) -> String {
    text.chars().take(300).collect::<String>().escape_debug().to_string()
}

/// What `hilo doctor` finds wrong. A disk with little room is the machine's, not the node's.
fn faults(text: &str) -> Vec<&str> {
    text.lines()
        .filter(|line| line.starts_with("FAIL") && !line.starts_with("FAIL disk "))
        .collect()
}

pub(crate) async fn damage(room: &Room, _: &Scale, judge: &mut Judge) -> Result<()> {
    let (node, last) = stopped(room).await?;
    let doctor = node.hilo(&["doctor"]).await?;
    judge.check(
        "doctor is content with a whole directory",
        faults(&said(&doctor)).is_empty(),
        || brief(&faults(&said(&doctor)).join("; ")),
    );
    let damages: [(&str, Damage); 5] = [
        ("raw.db", flip),
        ("engine.db", flip),
        ("golden.db", flip),
        ("raw.db", truncate),
        ("golden.db", truncate),
    ];
    for (number, (name, damage)) in damages.into_iter().enumerate() {
        let folder = node.folder.join(format!("damaged{number}"));
        copy(&node.data_dir(), &folder)?;
        damage(&folder.join(name))?;
        let config = config_of(&node, &folder)?;
        let config = config.to_string_lossy();
        let case = format!("{name}, damage {number}");
        let doctor = room.command(&["doctor", "--config", &config], None).await?;
        let text = said(&doctor);
        let seen = !doctor.status.success() && !faults(&text).is_empty();
        judge.check("doctor sees damage", seen, || format!("{case}: {}", brief(&text)));
        judge.check(
            "doctor names the file and says what to do",
            text.contains(name) && has_advice(&text),
            || format!("{case}: {}", brief(&text)),
        );
        for arguments in [
            &["export", "raw"][..],
            &["export", "conversation"],
            &["trace", &last],
            &["metrics"],
        ] {
            let output = room
                .command(&[arguments, &["--config", &config]].concat(), None)
                .await?;
            let text = String::from_utf8_lossy(&output.stderr).into_owned();
            let clear = output.status.success() || (has_advice(&text) && !text.contains("Error code"));
            judge.check("what fails on damage says what to do", clear, || {
                format!("{case}, {arguments:?}: {}", brief(&text))
            });
            judge.check("no command panics on damage", !text.contains("panicked"), || {
                format!("{case}, {arguments:?}: {}", brief(&text))
            });
        }
    }
    Ok(())
}

/// What is done to a file.
type Damage = fn(&Path) -> Result<()>;

/// The node's configuration with another data directory.
fn config_of(node: &Node<'_>, data: &Path) -> Result<PathBuf> {
    let text = fs::read_to_string(node.config())?;
    let text = text.replace(
        &format!("\"{}\"", node.data_dir().display()),
        &format!("\"{}\"", data.display()),
    );
    let path = data.with_extension("toml");
    fs::write(&path, text)?;
    Ok(path)
}

fn has_advice(text: &str) -> bool {
    let text = text.to_lowercase();
    ADVICE.iter().any(|word| text.contains(word))
}

/// Turns bytes all over the file, and the heads of some pages; the first page stays, so that it is still a database.
fn flip(path: &Path) -> Result<()> {
    let mut bytes = fs::read(path)?;
    ensure!(bytes.len() > 4_096, "{} is too small to damage", path.display());
    let page = match usize::from(u16::from_be_bytes([bytes[16], bytes[17]])) {
        1 => 65_536,
        size => size,
    };
    for head in (page..bytes.len()).step_by(3 * page) {
        bytes[head] ^= 0xFF;
        bytes[head + 3] ^= 0xFF;
    }
    let mut random = 0x2545_F491_4F6C_DD1D_u64;
    for _ in 0..FLIPPED {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let length = bytes.len() - page;
        bytes[page + random as usize % length] ^= 0x5A;
    }
    fs::write(path, bytes)?;
    Ok(())
}

fn truncate(path: &Path) -> Result<()> {
    let length = fs::metadata(path)?.len();
    fs::File::options().write(true).open(path)?.set_len(length / 2)?;
    Ok(())
}

pub(crate) async fn read_only(room: &Room, _: &Scale, judge: &mut Judge) -> Result<()> {
    let (node, last) = stopped(room).await?;
    let disk = match Tmpfs::mount(&room.folder()?, 64) {
        Ok(disk) => disk,
        Err(error) => {
            judge.skip(format!("no disk can be mounted here (it needs root): {error:#}"));
            return Ok(());
        }
    };
    let copied = disk.path().join("data");
    copy(&node.data_dir(), &copied)?;
    disk.read_only()?;
    let config = config_of_copy(&node, &copied)?;
    let config = config.to_string_lossy();
    for arguments in [
        &["export", "raw"][..],
        &["export", "conversation"],
        &["metrics", "--json"],
        &["trace", &last, "--json"],
    ] {
        let there = node.hilo(arguments).await?;
        ensure!(
            there.status.success(),
            "{arguments:?} on the original: {}",
            brief(&said(&there))
        );
        let here = room
            .command(&[arguments, &["--config", &config]].concat(), None)
            .await?;
        judge.check("a read-only copy can be read", here.status.success(), || {
            format!("{arguments:?}: {}", brief(&said(&here)))
        });
        judge.check("a read-only copy says the same", here.stdout == there.stdout, || {
            format!(
                "{arguments:?}: {} bytes instead of {}",
                here.stdout.len(),
                there.stdout.len()
            )
        });
    }
    Ok(())
}

fn config_of_copy(node: &Node<'_>, data: &Path) -> Result<PathBuf> {
    let text = fs::read_to_string(node.config())?;
    let text = text.replace(
        &format!("\"{}\"", node.data_dir().display()),
        &format!("\"{}\"", data.display()),
    );
    let path = node.folder.join("copy.toml");
    fs::write(&path, text)?;
    Ok(path)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn files_for_others_are_seen() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("raw.db");
        fs::write(&file, "x").unwrap();
        let set = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        set(folder.path(), 0o700);
        set(&file, 0o600);
        assert!(open_to_others(folder.path()).unwrap().is_empty());
        set(&file, 0o640);
        assert_eq!(open_to_others(folder.path()).unwrap(), ["raw.db 640"]);
    }

    #[test]
    fn damage_is_seen_by_a_quick_check() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let database = rusqlite::Connection::open(&path).unwrap();
        database
            .execute_batch(
                "create table a (b); \
                 with recursive n (i) as (select 1 union all select i + 1 from n where i < 5000) \
                 insert into a select printf('%050d', i) from n",
            )
            .unwrap();
        let check = |database: &rusqlite::Connection| -> Option<String> {
            database.query_row("pragma quick_check", [], |row| row.get(0)).ok()
        };
        assert_eq!(check(&database).as_deref(), Some("ok"));
        drop(database);
        flip(&path).unwrap();
        assert_ne!(
            check(&rusqlite::Connection::open(&path).unwrap()).as_deref(),
            Some("ok")
        );
    }
}
