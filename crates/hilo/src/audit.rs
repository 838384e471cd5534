//! Who saw personal data, and why: one line each in `audit.ndjson` of the data directory, on the disk before anything is shown.

use crate::{cli::Reveal, failure::Failure};
use anyhow::{Context as _, anyhow};
use hilo_domain::{hash, time};
use hilo_service::clock::now;
use hilo_stream::embedded::private;
use std::{
    io::Write as _,
    path::{Path, PathBuf},
};

/// The file; it is only appended to.
const AUDIT: &str = "audit.ndjson";

/// Records that `what` is shown unmasked for `id`; does nothing where it stays masked. The id may be personal, so its
/// hash stands there: who knows the id finds the line.
pub(crate) fn revealed(reveal: &Reveal, dir: &Path, what: &str, id: &str) -> Result<(), Failure> {
    if !reveal.shown {
        return Ok(());
    }
    let reason = reveal
        .reason
        .as_deref()
        .map(str::trim)
        .filter(|reason| !reason.is_empty());
    let Some(reason) = reason else {
        return Err(Failure::usage(anyhow!("say why personal data is shown: --reason TEXT")));
    };
    record(dir, &reveal.actor, reason, what, id)?;
    Ok(())
}

fn record(dir: &Path, actor: &str, reason: &str, what: &str, id: &str) -> anyhow::Result<()> {
    let record = serde_json::json!({
        "at": time::to_rfc3339(now()),
        "actor": actor,
        "reason": reason,
        "what": what,
        "id_hash": hash::id("audit", &[id.as_bytes()]),
    });
    let path = dir.join(AUDIT);
    let write = || -> std::io::Result<()> {
        let mut file = private::file(&path)?;
        file.write_all(format!("{record}\n").as_bytes())?;
        file.sync_data()
    };
    write().with_context(|| format!("cannot record who looks in {}; nothing is shown", path.display()))
}

/// The audit of a node's pages.
pub(crate) struct AuditFile(PathBuf);

impl AuditFile {
    pub(crate) fn new(dir: &Path) -> Self {
        Self(dir.to_owned())
    }
}

impl hilo_dashboard::Audit for AuditFile {
    fn revealed(&self, reader: &str, reason: &str, id: &str) -> Result<(), String> {
        // Who may read the page need not know where its files are: that is in the log.
        record(&self.0, reader, reason, "trace", id).map_err(|failure| {
            tracing::error!(
                error = format!("{failure:#}"),
                "who looks cannot be recorded, so nothing is shown"
            );
            "who looks cannot be recorded, so nothing is shown".to_owned()
        })
    }
}
