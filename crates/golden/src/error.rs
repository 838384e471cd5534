//! What can go wrong.

use hilo_contracts::ContractError;
use hilo_stream::embedded::remedy;
use rusqlite::ErrorCode;
use std::path::{Path, PathBuf};

/// A golden record that could not be opened, written or read.
#[derive(Debug, thiserror::Error)]
pub enum GoldenError {
    /// The database.
    #[error("golden record could not be {doing}; check the disk and the rights of its folder")]
    Sqlite {
        /// What was being done.
        doing: &'static str,
        /// What SQLite says.
        source: rusqlite::Error,
    },
    /// A file whose bytes are no database any more, or not a whole one.
    #[error("golden.db is damaged: {}", remedy(Path::new("golden.db")))]
    Damaged,
    /// A database of another release.
    #[error(
        "golden record has layout {found}, this release writes {}; delete the file, it is built again from the log",
        crate::schema::LAYOUT
    )]
    Layout {
        /// Layout found.
        found: i64,
    },
    /// A record that its contract does not hold.
    #[error("record {offset} of {topic}: {source}")]
    Record {
        /// Topic.
        topic: &'static str,
        /// Offset.
        offset: i64,
        /// What the decoder says.
        source: ContractError,
    },
    /// A place that the index cannot hold.
    #[error(
        "record {} of partition {} of {} is beyond what the index of ids can hold: 65,536 partitions of 2^40 records",
        .0.offset, .0.partition, .0.topic
    )]
    Place(crate::Place),
    /// A state file.
    #[error("cannot write {}: {source}; check the disk and the rights of the folder", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
}

/// Says what was being done when SQLite failed.
pub(crate) fn failed(doing: &'static str) -> impl FnOnce(rusqlite::Error) -> GoldenError {
    move |source| match source.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => GoldenError::Damaged,
        _ => GoldenError::Sqlite { doing, source },
    }
}
