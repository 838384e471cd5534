//! A small disk of our own in memory, where this user may mount one.

use anyhow::{Context as _, Result, ensure};
use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// A mounted file system, unmounted when it is dropped.
pub(crate) struct Tmpfs {
    path: PathBuf,
}

impl Tmpfs {
    /// An error says that nothing can be mounted here.
    pub(crate) fn mount(path: &Path, mib: u32) -> Result<Self> {
        std::fs::create_dir_all(path)?;
        run(Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={mib}m"), "hilo-attack"])
            .arg(path))?;
        Ok(Self { path: path.to_owned() })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// From now on it has so much room.
    pub(crate) fn grow(&self, mib: u32) -> Result<()> {
        run(Command::new("mount")
            .args(["-o", &format!("remount,size={mib}m")])
            .arg(&self.path))
    }

    /// From now on nothing can be written.
    pub(crate) fn read_only(&self) -> Result<()> {
        run(Command::new("mount").args(["-o", "remount,ro"]).arg(&self.path))
    }
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        // Lazily: a process that is being killed may still hold a file.
        drop(Command::new("umount").arg("-l").arg(&self.path).status());
    }
}

fn run(command: &mut Command) -> Result<()> {
    let output = command.output().context("mount cannot be run")?;
    ensure!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(())
}
