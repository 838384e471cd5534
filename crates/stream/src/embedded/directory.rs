//! The data directory: one process at a time writes in it.

use super::{EmbeddedError, private};
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A data directory that this process has for itself. Clones share the lock; it ends with the last of them, or with the
/// process, however that ends.
#[derive(Clone, Debug)]
pub struct DataDir {
    path: PathBuf,
    _lock: Arc<File>,
}

impl DataDir {
    /// Makes the directory if need be and takes it for this process. Nobody but this user may read what is in it.
    pub fn open(path: &Path) -> Result<Self, EmbeddedError> {
        let failed = |path: &Path, doing| {
            let path = path.to_owned();
            move |source| EmbeddedError::Io {
                path,
                doing,
                cause: Arc::new(source),
            }
        };
        private::directory(path).map_err(failed(path, "created"))?;
        let lock_path = path.join("lock");
        let lock = private::file(&lock_path).map_err(failed(&lock_path, "opened"))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(EmbeddedError::InUse { dir: path.to_owned() }),
            Err(TryLockError::Error(source)) => return Err(failed(&lock_path, "locked")(source)),
        }
        let left = private::tighten(path).map_err(failed(path, "read"))?;
        if !left.is_empty() {
            tracing::warn!(files = ?left, "other users can read these files of the data directory, and this user cannot change that");
        }
        // SQLite synchronises the directory when it makes a file in it; that the directory itself exists must be on the
        // disk too before the first receipt.
        if let Some(parent) = path.canonicalize().ok().as_deref().and_then(Path::parent) {
            File::open(parent)
                .and_then(|parent| parent.sync_all())
                .map_err(failed(parent, "synchronised"))?;
        }
        Ok(Self {
            path: path.to_owned(),
            _lock: Arc::new(lock),
        })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_in_use_is_refused_by_name_until_it_is_let_go() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("new").join("data");
        let first = DataDir::open(&path).unwrap();
        let clone = first.clone();
        drop(first);
        let refused = DataDir::open(&path).unwrap_err();
        assert!(matches!(&refused, EmbeddedError::InUse { dir } if *dir == path));
        assert!(refused.to_string().contains("--data-dir"), "{refused}");
        drop(clone);
        DataDir::open(&path).unwrap();
    }
}
