//! How the files are opened.

use super::{EmbeddedError, private};
use rusqlite::{Connection, ErrorCode, OpenFlags};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Layout of the tables; raised with each change of it.
const FORMAT: i64 = 2;
/// The layout without the version of each record. It is read as it is, and changed by the first process that writes.
const WITHOUT_VERSIONS: i64 = 1;

/// How long a connection waits for another one: only checkpoints and recovery lock anybody out, and not for long.
const BUSY: Duration = Duration::from_secs(10);

/// Pages in the log after which it is copied into the file. The default of 1,000 would write the pages of a store about
/// once a batch; this lets a page change several times before it is written back.
const CHECKPOINT_PAGES: u32 = 8_000;

/// Adds file and circumstance to an error of SQLite.
pub(super) fn failed(path: &Path, doing: &'static str) -> impl FnOnce(rusqlite::Error) -> EmbeddedError {
    let path = path.to_owned();
    move |source| match source.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => EmbeddedError::DiskFull { path },
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => EmbeddedError::Damaged { path, doing },
        _ => EmbeddedError::Sqlite {
            path,
            doing,
            cause: Arc::new(source),
        },
    }
}

/// The tables of a file that hold records.
pub(super) type Logs = fn(&Connection) -> Result<Vec<String>, rusqlite::Error>;

/// Opens a file to write, and makes it with `schema` when it is new. A file without versions gets the column in its `logs`.
pub(super) fn open(path: &Path, cache_kib: u32, schema: &str, logs: Logs) -> Result<Connection, EmbeddedError> {
    private::file(path).map_err(|source| EmbeddedError::Io {
        path: path.to_owned(),
        doing: "opened",
        cause: Arc::new(source),
    })?;
    let prepare = || -> Result<(Connection, i64), rusqlite::Error> {
        let mut connection = Connection::open(path)?;
        connection.busy_timeout(BUSY)?;
        connection.set_prepared_statement_cache_capacity(256);
        // `fullfsync` matters on macOS only, where a plain fsync does not reach the disk.
        connection.execute_batch(&format!(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA fullfsync = ON; PRAGMA temp_store = MEMORY;
             PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}; PRAGMA journal_size_limit = 67108864; PRAGMA cache_size = -{cache_kib};"
        ))?;
        let mut format = format_of(&connection)?;
        if format == 0 {
            connection.execute_batch(&format!(
                "BEGIN IMMEDIATE; {schema} PRAGMA user_version = {FORMAT}; COMMIT;"
            ))?;
            format = FORMAT;
        }
        if format == WITHOUT_VERSIONS {
            add_versions(&mut connection, logs)?;
            format = FORMAT;
        }
        Ok((connection, format))
    };
    let (connection, format) = prepare().map_err(failed(path, "opened"))?;
    check(path, format, &[FORMAT])?;
    Ok(connection)
}

/// Adds the column with the version of each record. Records without it have version 1. A default needs no row rewritten.
fn add_versions(connection: &mut Connection, logs: Logs) -> Result<(), rusqlite::Error> {
    let tables = logs(connection)?;
    let transaction = connection.transaction()?;
    for table in tables {
        transaction.execute_batch(&format!(
            "ALTER TABLE {table} ADD COLUMN version INTEGER NOT NULL DEFAULT 1;"
        ))?;
    }
    transaction.pragma_update(None, "user_version", FORMAT)?;
    transaction.commit()
}

/// The version of a record in a log, as SQL. Each read looks anew, because another process may have changed the layout.
pub(super) fn version_column(connection: &Connection) -> Result<&'static str, rusqlite::Error> {
    Ok(if format_of(connection)? == WITHOUT_VERSIONS {
        "1"
    } else {
        "version"
    })
}

/// Copies what stands in the log beside a file (`-wal`) into the file, so that a copy of the file alone is whole. For the
/// end of a process: the last connection does it when it closes, unless it only reads.
pub fn settle(path: &Path) -> Result<(), EmbeddedError> {
    let checkpoint = || -> Result<(), rusqlite::Error> {
        let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
    };
    checkpoint().map_err(failed(path, "settled"))
}

/// Opens a file to read, also while another process writes it.
pub(super) fn open_read_only(path: &Path) -> Result<Connection, EmbeddedError> {
    if !path.exists() {
        return Err(EmbeddedError::Missing { path: path.to_owned() });
    }
    let prepare = |connection: Connection| -> Result<(Connection, i64), rusqlite::Error> {
        connection.busy_timeout(BUSY)?;
        connection.set_prepared_statement_cache_capacity(64);
        let format = format_of(&connection)?;
        Ok((connection, format))
    };
    let (connection, format) = read_only(path).and_then(prepare).map_err(failed(path, "opened"))?;
    check(path, format, &[WITHOUT_VERSIONS, FORMAT])?;
    if is_sealed(path) && has_content(&beside(path, "-wal")) {
        // Read as it stands, the file would lack its last commits.
        return Err(EmbeddedError::ReadOnlyWal { path: path.to_owned() });
    }
    Ok(connection)
}

/// A connection that only reads, also to a copy in a folder that cannot be written. SQLite wants to make files beside a
/// database that it reads; told that nobody changes it, it does not.
pub fn read_only(path: &Path) -> Result<Connection, rusqlite::Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    if !is_sealed(path) {
        return Connection::open_with_flags(path, flags);
    }
    let mut uri = "file:".to_owned();
    for byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' => uri.push(char::from(*byte)),
            other => {
                // Writing to a String cannot fail.
                let _ = write!(uri, "%{other:02X}");
            }
        }
    }
    uri.push_str("?immutable=1");
    Connection::open_with_flags(uri, flags | OpenFlags::SQLITE_OPEN_URI)
}

/// Whether nothing can be written where the file is.
fn is_sealed(path: &Path) -> bool {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    rustix::fs::access(folder.unwrap_or(Path::new(".")), rustix::fs::Access::WRITE_OK).is_err()
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn has_content(path: &Path) -> bool {
    path.metadata().is_ok_and(|metadata| metadata.len() > 0)
}

fn format_of(connection: &Connection) -> Result<i64, rusqlite::Error> {
    connection.query_row("PRAGMA user_version", [], |row| row.get(0))
}

fn check(path: &Path, found: i64, readable: &[i64]) -> Result<(), EmbeddedError> {
    if readable.contains(&found) {
        return Ok(());
    }
    Err(EmbeddedError::Format {
        path: path.to_owned(),
        found,
        expected: FORMAT,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NO_LOGS: Logs = |_| Ok(Vec::new());

    #[test]
    fn a_full_disk_is_named_as_such() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("raw.db");
        let connection = open(&path, 1_024, "CREATE TABLE log(value BLOB);", NO_LOGS).unwrap();
        connection.pragma_update(None, "max_page_count", 4).unwrap();
        let refused = connection
            .execute("INSERT INTO log VALUES (zeroblob(100000))", [])
            .map_err(failed(&path, "written"))
            .unwrap_err();
        assert!(matches!(refused, EmbeddedError::DiskFull { .. }), "{refused}");
        assert!(refused.to_string().contains("raw.db"), "{refused}");
    }

    #[test]
    fn a_file_of_another_release_is_refused() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("engine.db");
        let connection = open(&path, 1_024, "CREATE TABLE log(value BLOB);", NO_LOGS).unwrap();
        connection.pragma_update(None, "user_version", 7).unwrap();
        drop(connection);
        for refused in [
            open(&path, 1_024, "", NO_LOGS).unwrap_err(),
            open_read_only(&path).unwrap_err(),
        ] {
            assert!(matches!(refused, EmbeddedError::Format { found: 7, .. }), "{refused}");
        }
    }
}
