//! `hilo clock mend`: a way back after the machine's clock was wrong.

use crate::{cli::ClockMend, failure::Failure, place, say::say};
use anyhow::Context as _;
use hilo_contracts::{
    capture,
    codec::{self, Codec as _},
    facts::Raw,
    topics::RAW,
};
use hilo_domain::time::{MINUTE, to_rfc3339};
use hilo_service::clock;
use hilo_stream::{
    Record,
    embedded::{DataDir, rewrite_after},
};
use hilo_views::GOLDEN_DB;
use std::{fs, io, path::Path};

/// Records whose receipt is in the future were received at the latest now: they say so from here on. Their bytes stay as
/// they came. What was derived from them is removed, and the next start computes it again.
///
/// A clock line of 2056 then moves time to a minute after its receipt, so that is a minute before now. A line that was
/// dated 2056 is a dead letter `from_the_future`; a webhook keeps the platform's own time.
pub(crate) fn mend(arguments: &ClockMend) -> Result<(), Failure> {
    let (_, dir) = place::open(&arguments.place)?;
    place::must_exist(&dir)?;
    let now = clock::now();
    let directory = DataDir::open(&dir)?;
    let codec = codec::raw();
    let received_at = now - MINUTE;
    let mended = rewrite_after(&directory, RAW, now + capture::AHEAD, |record| {
        let raw = codec.decode(&record.value).ok()?;
        let value = codec.encode(&Raw { received_at, ..raw }).ok()?;
        Some(Record {
            timestamp: received_at,
            value,
            ..record
        })
    })?;
    if mended > 0 {
        for name in ["engine.db", GOLDEN_DB] {
            for suffix in ["", "-wal", "-shm"] {
                remove(&dir.join(format!("{name}{suffix}")))?;
            }
        }
    }
    if arguments.json {
        say!(
            "{}",
            serde_json::json!({"mended": mended, "received_at": to_rfc3339(received_at)})
        )?;
    } else if mended == 0 {
        say!(
            "no record was received later than now ({}); nothing is changed",
            to_rfc3339(now)
        )?;
    } else {
        say!(
            "{mended} records said that they were received later than now; they say {} from here on. engine.db and {GOLDEN_DB} are \
             removed: the next `hilo up` computes them again from raw.db",
            to_rfc3339(received_at)
        )?;
    }
    Ok(())
}

fn remove(path: &Path) -> anyhow::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", path.display()))
        }
        _ => Ok(()),
    }
}
