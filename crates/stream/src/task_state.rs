//! The state of one processor at one partition, in a SQLite file of its own: for engines whose log is elsewhere.
//!
//! The file is a copy of what the engine's changelog holds up to a position, which rests in the same transaction. It may be
//! behind, never ahead; what is lost is read from the changelog again. So it is not synchronised to the disk, and a file
//! that is torn, of another topology or too old for the changelog's deletions is made anew.

use crate::embedded::private;
use crate::executor::StoreName;
use crate::store::Backend;
use crate::store_tables::{self, Changes, StoreTables, lock};
use crate::{ProcessorSpec, wire};
use rusqlite::{Connection, params};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

/// How long a connection waits for the one before it: its owner is about to let go of the file.
const BUSY: Duration = Duration::from_secs(10);
/// Memory for pages of one task.
const CACHE_KIB: u32 = 8_192;
/// Beyond it the file is made anew: the changelog may have forgotten that something was removed.
const MAX_AGE: Duration = Duration::from_hours(24 * 7);

const SCHEMA: &str = "CREATE TABLE position(only INTEGER PRIMARY KEY CHECK (only = 0), changelog INTEGER NOT NULL, saved_at INTEGER NOT NULL, \
     shape TEXT NOT NULL) STRICT;";

/// State that could not be read or written.
#[derive(Debug, thiserror::Error)]
#[error("{path} cannot be {doing}: {source}; it is a copy of the changelog: delete it, and it is made anew")]
pub struct TaskStateError {
    path: PathBuf,
    doing: &'static str,
    source: rusqlite::Error,
}

/// The file of one task.
pub struct TaskState {
    path: PathBuf,
    connection: Arc<Mutex<Connection>>,
    tables: StoreTables,
    names: Vec<StoreName>,
}

impl TaskState {
    /// Opens the file for this process alone, or makes it.
    pub fn open(path: &Path, processor: &ProcessorSpec) -> Result<Self, TaskStateError> {
        let failed = |doing| {
            let path = path.to_owned();
            move |source| TaskStateError { path, doing, source }
        };
        let connection = match prepare(path, processor) {
            Ok(Some(connection)) => connection,
            // Torn, of another release, or too old.
            Ok(None) => {
                remove(path);
                prepare(path, processor)
                    .and_then(|fresh| fresh.ok_or(rusqlite::Error::InvalidQuery))
                    .map_err(failed("made anew"))?
            }
            Err(error) if is_torn(&error) => {
                tracing::warn!(path = %path.display(), %error, "a state file is torn and is made anew from the changelog");
                remove(path);
                prepare(path, processor)
                    .and_then(|fresh| fresh.ok_or(rusqlite::Error::InvalidQuery))
                    .map_err(failed("made anew"))?
            }
            Err(error) => return Err(failed("opened")(error)),
        };
        let connection = Arc::new(Mutex::new(connection));
        Ok(Self {
            path: path.to_owned(),
            tables: StoreTables::new(Arc::clone(&connection), stores(processor)),
            connection,
            names: stores(processor).map(|(_, name)| name).collect(),
        })
    }

    /// Names of the stores; their places are their numbers in a changelog.
    #[must_use]
    pub fn names(&self) -> &[StoreName] {
        &self.names
    }

    /// Position of the changelog up to which the file holds it.
    pub fn position(&self) -> Result<i64, TaskStateError> {
        lock(&self.connection)
            .query_row("SELECT changelog FROM position", [], |row| row.get(0))
            .map_err(|source| self.failed("read", source))
    }

    /// Committed state of a store.
    #[must_use]
    pub fn backend(&self, name: StoreName) -> Option<Box<dyn Backend>> {
        self.tables.backend(name)
    }

    /// The version of an entry that another release wrote; `None`: there is none.
    pub fn other_version(&self) -> Result<Option<u8>, TaskStateError> {
        let connection = lock(&self.connection);
        let find = || -> Result<Option<u8>, rusqlite::Error> {
            for (id, _) in (1..).zip(&self.names) {
                let first: Vec<Vec<u8>> = connection
                    .prepare(&format!(
                        "SELECT DISTINCT substr(value, 1, 1) FROM {}",
                        store_tables::table(id)
                    ))?
                    .query_map([], |row| row.get(0))?
                    .collect::<Result<_, _>>()?;
                if let Some(found) = first.iter().find_map(|bytes| wire::other_version(bytes)) {
                    return Ok(Some(found));
                }
            }
            Ok(None)
        };
        find().map_err(|source| self.failed("read", source))
    }

    /// Takes in changes that the changelog holds before `position`.
    pub fn apply(&mut self, changes: &[(StoreName, Changes)], position: i64) -> Result<(), TaskStateError> {
        let write = || -> Result<(), rusqlite::Error> {
            let mut connection = lock(&self.connection);
            let transaction = connection.transaction()?;
            self.tables.write(&transaction, changes)?;
            transaction
                .prepare_cached("UPDATE position SET changelog = ?1, saved_at = ?2")?
                .execute(params![position, now()])?;
            transaction.commit()
        };
        write().map_err(|source| self.failed("written", source))
    }

    fn failed(&self, doing: &'static str, source: rusqlite::Error) -> TaskStateError {
        TaskStateError {
            path: self.path.clone(),
            doing,
            source,
        }
    }
}

/// `None`: the file is there and not of use.
fn prepare(path: &Path, processor: &ProcessorSpec) -> Result<Option<Connection>, rusqlite::Error> {
    let shape = shape(processor);
    // A file that cannot be made is one that SQLite cannot open either, and says so.
    drop(private::file(path));
    let connection = Connection::open(path)?;
    connection.busy_timeout(BUSY)?;
    connection.set_prepared_statement_cache_capacity(64);
    // Two lanes of one process may meet at a file while a partition moves: the later one waits for the earlier.
    connection.execute_batch(&format!(
        "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; \
         PRAGMA temp_store = MEMORY; PRAGMA cache_size = -{CACHE_KIB};"
    ))?;
    let made: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if made == 0 {
        let tables = store_tables::schema(stores(processor));
        connection.execute_batch(&format!("BEGIN IMMEDIATE; {SCHEMA} {tables} COMMIT;"))?;
        connection.execute("INSERT INTO position VALUES (0, 0, ?1, ?2)", params![now(), shape])?;
        return Ok(Some(connection));
    }
    let (found, saved_at): (String, i64) = connection.query_row("SELECT shape, saved_at FROM position", [], |row| {
        Ok((row.get(0)?, row.get(1)?))
    })?;
    let fresh = now().saturating_sub(saved_at) < i64::try_from(MAX_AGE.as_millis()).unwrap_or(i64::MAX);
    Ok((found == shape && fresh).then_some(connection))
}

fn is_torn(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode;
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
    ) || matches!(error, rusqlite::Error::QueryReturnedNoRows)
}

fn remove(path: &Path) {
    for suffix in ["", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        // What is not there need not go.
        drop(std::fs::remove_file(name));
    }
}

/// What must not change under a file.
fn shape(processor: &ProcessorSpec) -> String {
    let stores: Vec<&str> = processor.stores.iter().map(|store| store.name).collect();
    format!("wire {}, {}: {}", wire::VERSION, processor.name, stores.join(" "))
}

fn stores(processor: &ProcessorSpec) -> impl Iterator<Item = (i64, StoreName)> {
    let processor_name = processor.name;
    (1..).zip(processor.stores.iter().map(move |store| StoreName {
        processor: processor_name,
        store: store.name,
    }))
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::topology::Scope;

    fn processor(stores: &[&'static str]) -> ProcessorSpec {
        ProcessorSpec {
            name: "fold",
            doc: "A toy.",
            scope: Scope::Keyed,
            inputs: vec![],
            outputs: vec![],
            also_writes: vec![],
            stores: stores
                .iter()
                .map(|name| crate::StoreSpec { name, doc: "A toy." })
                .collect(),
            factory: Arc::new(|| unreachable!("a file needs no processor")),
        }
    }

    fn entries(state: &TaskState, store: usize) -> Vec<(Vec<u8>, Vec<u8>)> {
        let mut all = Vec::new();
        let backend = state.backend(state.names()[store]).unwrap();
        backend
            .scan(&[], &mut |key, value| all.push((key.to_vec(), value.to_vec())))
            .unwrap();
        all
    }

    fn change(state: &mut TaskState, store: usize, key: &[u8], value: Option<&[u8]>, position: i64) {
        let changes: Changes = vec![(key.into(), value.map(<[u8]>::to_vec))];
        state.apply(&[(state.names()[store], changes)], position).unwrap();
    }

    #[test]
    fn it_goes_on_where_it_was_and_a_foreign_or_torn_file_is_made_anew() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("fold-0.db");
        let spec = processor(&["seen", "timers"]);
        let mut state = TaskState::open(&path, &spec).unwrap();
        assert_eq!(state.position().unwrap(), 0);
        change(&mut state, 0, b"a", Some(b"1"), 7);
        change(&mut state, 0, b"b", Some(b"2"), 8);
        change(&mut state, 1, b"a", Some(b"3"), 9);
        change(&mut state, 0, b"b", None, 10);
        drop(state);
        let state = TaskState::open(&path, &spec).unwrap();
        assert_eq!(state.position().unwrap(), 10);
        assert_eq!(entries(&state, 0), [(b"a".to_vec(), b"1".to_vec())]);
        assert_eq!(entries(&state, 1), [(b"a".to_vec(), b"3".to_vec())]);
        drop(state);

        // Another release owns other stores: what is in the file is of no use to it.
        let state = TaskState::open(&path, &processor(&["seen"])).unwrap();
        assert_eq!((state.position().unwrap(), entries(&state, 0)), (0, vec![]));
        drop(state);
        std::fs::write(&path, b"this was a disk").unwrap();
        remove(&path.with_extension("db-wal"));
        let state = TaskState::open(&path, &spec).unwrap();
        assert_eq!((state.position().unwrap(), entries(&state, 0)), (0, vec![]));
    }

    #[test]
    fn a_copy_that_may_have_missed_removals_is_made_anew() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("fold-0.db");
        let spec = processor(&["seen"]);
        let mut state = TaskState::open(&path, &spec).unwrap();
        change(&mut state, 0, b"a", Some(b"1"), 7);
        let old = now() - i64::try_from(MAX_AGE.as_millis()).unwrap() - 1;
        lock(&state.connection)
            .execute("UPDATE position SET saved_at = ?1", params![old])
            .unwrap();
        drop(state);
        assert_eq!(TaskState::open(&path, &spec).unwrap().position().unwrap(), 0);
    }
}
