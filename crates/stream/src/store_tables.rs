//! SQLite tables of stores: one a store, for the embedded engine and for the state of one task.

use crate::executor::StoreName;
use crate::store::Backend;
use rusqlite::{Connection, OptionalExtension, Transaction, params};
use std::error::Error;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Entries read at once in a scan.
const SCAN_ENTRIES: usize = 1_000;

/// Changed entries of one store, in key order; `None` is a removal.
pub type Changes = Vec<(Box<[u8]>, Option<Vec<u8>>)>;

struct StoreTable {
    name: StoreName,
    table: String,
    put: String,
    remove: String,
}

/// The tables of some stores in one file.
pub(crate) struct StoreTables {
    connection: Arc<Mutex<Connection>>,
    tables: Vec<StoreTable>,
}

/// What makes the tables, and a list of them for whoever looks into the file.
pub(crate) fn schema(stores: impl Iterator<Item = (i64, StoreName)>) -> String {
    let quoted = |text: &str| format!("'{}'", text.replace('\'', "''"));
    let mut sql = "CREATE TABLE store(id INTEGER PRIMARY KEY, processor TEXT NOT NULL, name TEXT NOT NULL, \
                   UNIQUE (processor, name)) STRICT;\n"
        .to_owned();
    for (id, name) in stores {
        // Writing to a String cannot fail.
        let _ = writeln!(
            sql,
            "INSERT INTO store VALUES ({id}, {}, {}); CREATE TABLE {}(key BLOB NOT NULL PRIMARY KEY, \
             value BLOB NOT NULL) STRICT, WITHOUT ROWID;",
            quoted(name.processor),
            quoted(name.store),
            table(id)
        );
    }
    sql
}

impl StoreTables {
    pub(crate) fn new(connection: Arc<Mutex<Connection>>, stores: impl Iterator<Item = (i64, StoreName)>) -> Self {
        let tables = stores
            .map(|(id, name)| {
                let table = table(id);
                StoreTable {
                    name,
                    put: format!(
                        "INSERT INTO {table} VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = excluded.value"
                    ),
                    remove: format!("DELETE FROM {table} WHERE key = ?1"),
                    table,
                }
            })
            .collect();
        Self { connection, tables }
    }

    /// Committed state of a store; `None` for one that has no table.
    pub(crate) fn backend(&self, name: StoreName) -> Option<Box<dyn Backend>> {
        let table = &self.tables.iter().find(|table| table.name == name)?.table;
        Some(Box::new(SqliteBackend {
            connection: Arc::clone(&self.connection),
            get: format!("SELECT value FROM {table} WHERE key = ?1"),
            first: format!("SELECT key, value FROM {table} WHERE key >= ?2 ORDER BY key LIMIT ?1"),
            next: format!("SELECT key, value FROM {table} WHERE key > ?2 ORDER BY key LIMIT ?1"),
        }))
    }

    /// Writes changes within `transaction`.
    pub(crate) fn write(
        &self,
        transaction: &Transaction,
        changes: &[(StoreName, Changes)],
    ) -> Result<(), rusqlite::Error> {
        for (name, changes) in changes {
            if let Some(table) = self.tables.iter().find(|table| table.name == *name)
                && !changes.is_empty()
            {
                let mut put = transaction.prepare_cached(&table.put)?;
                let mut remove = transaction.prepare_cached(&table.remove)?;
                for (key, value) in changes {
                    match value {
                        Some(value) => put.execute(params![key, value])?,
                        None => remove.execute(params![key])?,
                    };
                }
            }
        }
        Ok(())
    }
}

/// Reads what was committed last: nothing is read while a batch is being written.
struct SqliteBackend {
    connection: Arc<Mutex<Connection>>,
    get: String,
    first: String,
    next: String,
}

type Entries = Vec<(Vec<u8>, Vec<u8>)>;

impl SqliteBackend {
    fn page(&self, sql: &str, key: &[u8]) -> Result<Entries, rusqlite::Error> {
        let connection = lock(&self.connection);
        let entry = |row: &rusqlite::Row| Ok((row.get(0)?, row.get(1)?));
        connection
            .prepare_cached(sql)?
            .query_map(params![SCAN_ENTRIES, key], entry)?
            .collect()
    }
}

impl Backend for SqliteBackend {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Box<dyn Error + Send + Sync>> {
        let connection = lock(&self.connection);
        let mut get = connection.prepare_cached(&self.get)?;
        Ok(get.query_row(params![key], |row| row.get(0)).optional()?)
    }

    fn scan(&self, prefix: &[u8], visit: &mut dyn FnMut(&[u8], &[u8])) -> Result<(), Box<dyn Error + Send + Sync>> {
        // By pages, so that the visitor runs without the lock and may read another store.
        let mut page = self.page(&self.first, prefix)?;
        while let Some((last, _)) = page.last() {
            for (key, value) in &page {
                if !key.starts_with(prefix) {
                    return Ok(());
                }
                visit(key, value);
            }
            page = self.page(&self.next, last)?;
        }
        Ok(())
    }
}

pub(crate) fn lock(connection: &Mutex<Connection>) -> MutexGuard<'_, Connection> {
    // A panic under the lock leaves a transaction that is rolled back when its guard unwinds.
    connection.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn table(store: i64) -> String {
    format!("state_{store}")
}
