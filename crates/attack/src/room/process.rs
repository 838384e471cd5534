//! A process of ours: it is killed when nobody holds it any more, also after a panic.

use anyhow::{Context as _, Result, bail};
use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::{Duration, Instant},
};
use tokio::{
    process::{Child, Command},
    time::timeout,
};

/// A running process and its log.
pub(crate) struct Process {
    child: Child,
    pub log: PathBuf,
}

impl Process {
    /// Starts a command with its two outputs in a file.
    pub(crate) fn start(command: &mut Command, log: PathBuf) -> Result<Self> {
        let file = File::options().create(true).append(true).open(&log)?;
        let child = command
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("{:?} cannot be started", command.as_std().get_program()))?;
        Ok(Self { child, log })
    }

    /// How it ended, if it did.
    pub(crate) fn ended(&mut self) -> Result<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    /// SIGKILL.
    pub(crate) async fn kill(&mut self) -> Result<()> {
        Ok(self.child.kill().await?)
    }

    /// Sends a signal by name, as `TERM`.
    pub(crate) async fn signal(&self, name: &str) -> Result<()> {
        if let Some(id) = self.child.id() {
            let sent = Command::new("kill")
                .args([format!("-{name}"), id.to_string()])
                .status()
                .await?;
            anyhow::ensure!(sent.success(), "SIG{name} cannot be sent");
        }
        Ok(())
    }

    /// Waits until it has ended; `None` where it does not in time.
    pub(crate) async fn end_within(&mut self, patience: Duration) -> Result<Option<ExitStatus>> {
        match timeout(patience, self.child.wait()).await {
            Ok(status) => Ok(Some(status?)),
            Err(_) => Ok(None),
        }
    }

    /// SIGTERM: how long it took, and how it ended; it is killed where it does not.
    pub(crate) async fn terminate(&mut self, patience: Duration) -> Result<(Duration, Option<ExitStatus>)> {
        let begun = Instant::now();
        self.signal("TERM").await?;
        let status = self.end_within(patience).await?;
        let took = begun.elapsed();
        if status.is_none() {
            self.kill().await?;
        }
        Ok((took, status))
    }

    /// A field of `/proc/PID/status` in MiB: `VmRSS` or `VmHWM`.
    pub(crate) fn memory(&self, field: &str) -> Result<u64> {
        let Some(id) = self.child.id() else {
            bail!("the process has ended: {}", self.tail());
        };
        let status = fs::read_to_string(format!("/proc/{id}/status"))?;
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
        let kib: u64 = line
            .and_then(|line| line.split_whitespace().next()?.parse().ok())
            .with_context(|| format!("no {field} of process {id}"))?;
        Ok(kib >> 10)
    }

    /// Forgets the greatest memory so far.
    pub(crate) fn forget_peak(&self) {
        if let Some(id) = self.child.id() {
            // Where it is forbidden, the peak is that of the whole life: an upper bound.
            drop(fs::write(format!("/proc/{id}/clear_refs"), "5"));
        }
    }

    /// The end of its log.
    pub(crate) fn tail(&self) -> String {
        tail(&self.log)
    }
}

/// The end of a file.
pub(crate) fn tail(path: &Path) -> String {
    let text = fs::read(path).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().rev().take(4).collect();
    lines.into_iter().rev().collect::<Vec<_>>().join(" | ")
}
