//! Reading the logs of a data directory, from any thread or process, beside the one that writes.

use super::{EmbeddedError, raw, sqlite, state};
use crate::{Record, TopicKind, TopicSpec, Topology};
use hilo_domain::Millis;
use rusqlite::{Connection, OptionalExtension, params};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Bytes of keys and values after which a read ends early: a raw record may have three megabytes.
const READ_BYTES: usize = 16 << 20;

/// How far the engine has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// Offset of the first raw record that is not processed.
    pub raw_offset: u64,
    /// Greatest event time processed; `None` before the first record.
    pub now: Option<Millis>,
}

/// A read-only view of the logs. A read sees whole batches only.
pub struct Log {
    dir: PathBuf,
    topics: Vec<TopicSpec>,
    raw: Option<Connection>,
    engine: Option<Connection>,
}

impl Log {
    /// A view of the logs of `topology` in `dir`. The files are opened when they are first read.
    #[must_use]
    pub fn open(dir: &Path, topology: &Topology) -> Self {
        Self {
            dir: dir.to_owned(),
            topics: topology.topics().to_vec(),
            raw: None,
            engine: None,
        }
    }

    /// Records of `topic` from offset `from` on, with their offsets; `limit` at most, and fewer when they are large. Empty
    /// only at the end.
    pub fn read(&mut self, topic: &str, from: u64, limit: usize) -> Result<Vec<(u64, Record)>, EmbeddedError> {
        let (file, connection, table, name) = self.table(topic)?;
        read(connection, &table, name, from, limit).map_err(sqlite::failed(&file, "read"))
    }

    /// Number of records of `topic`: the offset of the next one.
    pub fn len(&mut self, topic: &str) -> Result<u64, EmbeddedError> {
        let (file, connection, table, _) = self.table(topic)?;
        len(connection, &table).map_err(sqlite::failed(&file, "read"))
    }

    /// How far the engine has come.
    pub fn position(&mut self) -> Result<Position, EmbeddedError> {
        let (file, connection) = self.engine()?;
        state::position(connection).map_err(sqlite::failed(&file, "read"))
    }

    /// Counters since the first record, by (counter, label).
    pub fn counts(&mut self) -> Result<BTreeMap<(String, String), u64>, EmbeddedError> {
        let (file, connection) = self.engine()?;
        state::counts(connection).map_err(sqlite::failed(&file, "read"))
    }

    fn table(&mut self, topic: &str) -> Result<(PathBuf, &Connection, String, &'static str), EmbeddedError> {
        let unknown = || EmbeddedError::UnknownTopic(topic.to_owned());
        let spec = self.topics.iter().find(|spec| spec.name == topic).ok_or_else(unknown)?;
        let (kind, name) = (spec.kind, spec.name);
        match kind {
            TopicKind::Internal => Err(unknown()),
            TopicKind::Raw => {
                let file = self.dir.join(raw::FILE);
                let connection = lazily(&mut self.raw, &file)?;
                Ok((file, connection, raw::TABLE.to_owned(), name))
            }
            TopicKind::Derived => {
                let (file, connection) = self.engine()?;
                let id = connection
                    .prepare_cached("SELECT id FROM topic WHERE name = ?1")
                    .and_then(|mut topics| topics.query_row([name], |row| row.get(0)).optional())
                    .map_err(sqlite::failed(&file, "read"))?
                    .ok_or_else(unknown)?;
                Ok((file, connection, state::log_table(id), name))
            }
        }
    }

    fn engine(&mut self) -> Result<(PathBuf, &Connection), EmbeddedError> {
        let file = self.dir.join(state::FILE);
        let connection = lazily(&mut self.engine, &file)?;
        Ok((file, connection))
    }
}

fn lazily<'a>(slot: &'a mut Option<Connection>, file: &Path) -> Result<&'a Connection, EmbeddedError> {
    let connection = match slot.take() {
        Some(connection) => connection,
        None => sqlite::open_read_only(file)?,
    };
    Ok(slot.insert(connection))
}

/// Number of records of a log table.
pub(super) fn len(connection: &Connection, table: &str) -> Result<u64, rusqlite::Error> {
    connection
        .prepare_cached(&format!("SELECT coalesce(max(offset) + 1, 0) FROM {table}"))?
        .query_row([], |row| row.get::<_, i64>(0))
        .map(i64::cast_unsigned)
}

fn read(
    connection: &Connection,
    table: &str,
    topic: &'static str,
    from: u64,
    limit: usize,
) -> Result<Vec<(u64, Record)>, rusqlite::Error> {
    let mut select = connection.prepare_cached(&format!(
        "SELECT offset, key, timestamp, value FROM {table} WHERE offset >= ?1 ORDER BY offset LIMIT ?2"
    ))?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut rows = select.query(params![i64::try_from(from).unwrap_or(i64::MAX), limit])?;
    let mut records = Vec::new();
    let mut bytes = 0;
    while let Some(row) = rows.next()? {
        let record = Record {
            topic,
            key: row.get(1)?,
            value: row.get(3)?,
            timestamp: row.get(2)?,
        };
        bytes += record.key.len() + record.value.len();
        records.push((row.get::<_, i64>(0)?.cast_unsigned(), record));
        if bytes >= READ_BYTES {
            break;
        }
    }
    Ok(records)
}
