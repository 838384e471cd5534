//! A data directory of an older release: its state is computed again from the raw log, while the node takes deliveries.

use anyhow::{Context as _, Result};
use hilo_crm_writer::Links;
use hilo_stream::{
    Topology,
    embedded::{DataDir, ProgressWatch, RawLog, Stale},
};
use hilo_views::GOLDEN_DB;
use indicatif::HumanCount;
use std::{
    fs, io,
    path::Path,
    thread,
    time::{Duration, Instant},
};
use tracing::info;

/// How often it is said how far a rebuild is.
const EVERY: Duration = Duration::from_secs(5);

/// Empties state of an older release, so that the engine begins with the first raw record. Whoever reads from the engine's logs
/// starts over before: a crash in between finds the old state, and does all of it again.
pub(crate) fn prepare(directory: &DataDir, topology: &Topology, raw: &RawLog) -> Result<()> {
    let Some(stale) = Stale::find(directory, topology, raw)? else {
        return Ok(());
    };
    info!(
        "{}; it is rebuilt from raw.db, with golden.db: {} records. What comes in meanwhile is kept",
        stale.reason(),
        HumanCount(stale.records())
    );
    for suffix in ["-wal", "-shm", ""] {
        remove(&directory.path().join(format!("{GOLDEN_DB}{suffix}")))?;
    }
    let links = directory.path().join(hilo_crm_writer::FILE);
    if links.exists() {
        Links::open(&links)?.start_over()?;
    }
    stale.clear()?;
    Ok(())
}

fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}, which is to be rebuilt", path.display()))
        }
        _ => Ok(()),
    }
}

/// Says how far a rebuild up to this offset is, until it is done or the engine ends.
pub(crate) fn report(upto: u64, watch: ProgressWatch) -> Result<()> {
    thread::Builder::new().name("rebuild".to_owned()).spawn(move || {
        let (mut said, mut batches) = (None::<Instant>, 0);
        loop {
            let progress = watch.get();
            if progress.raw_offset >= upto {
                info!("state is rebuilt: {} records", HumanCount(upto));
                return;
            }
            if !progress.running {
                return;
            }
            if said.is_none_or(|said| said.elapsed() >= EVERY) {
                said = Some(Instant::now());
                info!("rebuilding state: {}", far(progress.raw_offset, upto));
            }
            batches = watch.wait(batches, EVERY).batches;
        }
    })?;
    Ok(())
}

/// How far a rebuild is.
pub(crate) fn far(done: u64, upto: u64) -> String {
    format!("{} of {} records", HumanCount(done), HumanCount(upto))
}
