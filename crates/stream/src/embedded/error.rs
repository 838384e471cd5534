//! What can go wrong with the files of a data directory.

use crate::{ProcessorError, TopologyError};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The embedded engine cannot go on, or cannot take a record. Cloned to everybody who waits for the same commit.
#[derive(Clone, Debug, thiserror::Error)]
pub enum EmbeddedError {
    /// Another process has the directory.
    #[error("data directory {} is in use by another hilo process: stop it, or choose another directory with --data-dir", dir.display())]
    InUse {
        /// The directory.
        dir: PathBuf,
    },
    /// The operating system.
    #[error("{} cannot be {doing}: {cause}", path.display())]
    Io {
        /// File or directory.
        path: PathBuf,
        /// What was tried, as a participle.
        doing: &'static str,
        /// What the system says. It stands in the text, so it is no `source` that would be printed once more.
        cause: Arc<std::io::Error>,
    },
    /// No space.
    #[error("{} cannot grow, the disk is full: free some space; nothing that was acknowledged is lost", path.display())]
    DiskFull {
        /// The file.
        path: PathBuf,
    },
    /// SQLite.
    #[error("{} cannot be {doing}: {cause}", path.display())]
    Sqlite {
        /// The file.
        path: PathBuf,
        /// What was tried, as a participle.
        doing: &'static str,
        /// What SQLite says; in the text, as above.
        cause: Arc<rusqlite::Error>,
    },
    /// Bytes that are no database, or no longer one.
    #[error("{} is damaged and cannot be {doing}: {}", path.display(), remedy(path))]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What was tried, as a participle.
        doing: &'static str,
    },
    /// Commits in a write-ahead log that a read-only folder does not let in.
    #[error(
        "{} has commits in its -wal file that cannot be applied in a read-only folder: copy both files to a folder that can \
         be written, and read them there", path.display()
    )]
    ReadOnlyWal {
        /// The file.
        path: PathBuf,
    },
    /// A file of another release.
    #[error("{} has format {found}, this release reads {expected}: run the release that wrote it, or restore a copy", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// Format found.
        found: i64,
        /// Format of this release.
        expected: i64,
    },
    /// A record that this release cannot read: a later one wrote it, or it is damaged.
    #[error(
        "{}, offset {offset}: {cause}; run the release that wrote it, or restore a copy", path.display()
    )]
    Contract {
        /// The file.
        path: PathBuf,
        /// Offset of the record in the log of its topic.
        offset: u64,
        /// What the contract says; in the text, as above.
        cause: hilo_contracts::ContractError,
    },
    /// State of a later release.
    #[error(
        "{} has state of version {found}, this release reads version {}: run the release that wrote it. To go back for good, \
         stop hilo, remove engine.db and golden.db with their -wal and -shm files, and start it: they are rebuilt from raw.db",
        path.display(), crate::wire::VERSION
    )]
    LaterState {
        /// The file.
        path: PathBuf,
        /// Version found.
        found: u8,
    },
    /// State of an older release or of another topology, which nobody has cleared.
    #[error(
        "{} was written by other processors or stores than those of this release, or holds an older version of them: `hilo up` \
         rebuilds it from raw.db", path.display()
    )]
    OtherTopology {
        /// The file.
        path: PathBuf,
    },
    /// The raw log ends before the engine's offset.
    #[error(
        "{} ends at offset {raw_len}, but {engine_offset} records were processed: it was replaced or truncated; restore it, \
         or remove engine.db and what was derived from it", path.display()
    )]
    RawBehind {
        /// The raw log.
        path: PathBuf,
        /// Its length.
        raw_len: u64,
        /// Offset of the engine.
        engine_offset: u64,
    },
    /// Nothing there to read.
    #[error("{} does not exist: `hilo up`, `hilo demo` or `hilo ingest` with this data directory makes it", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// A topic that has no log.
    #[error("topic {0} is kept in no log: only raw and derived topics are")]
    UnknownTopic(String),
    /// The writer does not keep up.
    #[error("the raw log's queue is full, the disk does not keep up: try again in a second")]
    QueueFull,
    /// The raw log was closed, or its writer ended.
    #[error("the raw log is closed: the process is shutting down or its writer failed before")]
    Closed,
    /// A topology that cannot run.
    #[error(transparent)]
    Topology(Arc<TopologyError>),
    /// A processor that cannot go on.
    #[error("processing stopped at raw offset {offset}: {cause}")]
    Processor {
        /// Offset of the first record of the batch.
        offset: u64,
        /// What the processor says; in the text, as above.
        cause: Arc<ProcessorError>,
    },
}

/// What to do about a damaged file: what came in is only in `raw.db`, everything else is computed from it.
#[must_use]
pub fn remedy(path: &Path) -> &'static str {
    match path.file_name().and_then(|name| name.to_str()) {
        Some("raw.db") => {
            "restore it from a copy, and remove engine.db and golden.db with their -wal and -shm files; they are rebuilt from it"
        }
        Some("engine.db") => {
            "stop hilo, remove engine.db and golden.db with their -wal and -shm files, and start it: they are rebuilt from raw.db"
        }
        Some("golden.db") => {
            "stop hilo, remove golden.db with its -wal and -shm files, and start it: it is rebuilt from engine.db"
        }
        _ => "restore it from a copy",
    }
}

impl From<TopologyError> for EmbeddedError {
    fn from(error: TopologyError) -> Self {
        Self::Topology(Arc::new(error))
    }
}
