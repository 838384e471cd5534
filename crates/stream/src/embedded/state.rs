//! `engine.db`: what a batch changes, in one transaction.

use super::directory::DataDir;
use super::log::{Position, len, version};
use super::{EmbeddedError, rebuild, sqlite};
use crate::executor::{Counts, StoreName};
use crate::store::Backend;
use crate::store_tables::{self, Changes, StoreTables, lock};
use crate::{Record, TopicKind, Topology, wire};
use hilo_domain::Millis;
use rusqlite::{Connection, params};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

/// File of the engine in the data directory.
pub(super) const FILE: &str = "engine.db";

/// Memory for pages, mostly of the stores.
const CACHE_KIB: u32 = 32_768;

const SCHEMA: &str = "\
    CREATE TABLE position(only INTEGER PRIMARY KEY CHECK (only = 0), raw_offset INTEGER NOT NULL, now INTEGER, topology TEXT NOT NULL) STRICT;
    CREATE TABLE counter(counter TEXT NOT NULL, label TEXT NOT NULL, amount INTEGER NOT NULL, PRIMARY KEY (counter, label)) STRICT, WITHOUT ROWID;
    CREATE TABLE topic(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
";

/// Table of the log of a topic.
pub(super) fn log_table(topic: i64) -> String {
    format!("log_{topic}")
}

/// Tables of all logs of a file.
fn log_tables(connection: &Connection) -> Result<Vec<String>, rusqlite::Error> {
    connection
        .prepare("SELECT id FROM topic")?
        .query_map([], |row| row.get(0).map(log_table))?
        .collect()
}

pub(super) fn position(connection: &Connection) -> Result<Position, rusqlite::Error> {
    connection
        .prepare_cached("SELECT raw_offset, now FROM position")?
        .query_row([], |row| {
            Ok(Position {
                raw_offset: row.get::<_, i64>(0)?.cast_unsigned(),
                now: row.get(1)?,
            })
        })
}

pub(super) fn counts(connection: &Connection) -> Result<BTreeMap<(String, String), u64>, rusqlite::Error> {
    connection
        .prepare_cached("SELECT counter, label, amount FROM counter")?
        .query_map([], |row| {
            Ok(((row.get(0)?, row.get(1)?), row.get::<_, i64>(2)?.cast_unsigned()))
        })?
        .collect()
}

/// All that one commit writes.
pub(super) struct Batch {
    pub(super) raw_offset: u64,
    pub(super) now: Option<Millis>,
    pub(super) outputs: Vec<Record>,
    pub(super) counts: Counts,
    pub(super) changes: Vec<(StoreName, Changes)>,
}

struct TopicLog {
    topic: &'static str,
    insert: String,
    /// Of the records' contract.
    version: u32,
    len: u64,
}

/// The writer's side of `engine.db`.
pub(super) struct EngineFile {
    path: PathBuf,
    connection: Arc<Mutex<Connection>>,
    logs: Vec<TopicLog>,
    /// Topics that are not kept.
    internal: Vec<&'static str>,
    tables: StoreTables,
    /// How far the raw log had been processed when the file was emptied, if it was.
    rebuilds: Option<u64>,
}

/// Opens the file, or makes it for `topology`.
pub(super) fn connect(path: &Path, topology: &Topology) -> Result<Connection, EmbeddedError> {
    sqlite::open(path, CACHE_KIB, &schema(topology), log_tables)
}

/// State of another shape.
pub(super) struct OldShape {
    /// Version of its encoding; `None` where the file does not say.
    pub(super) wire: Option<u8>,
}

/// Whether the state of a file has another shape than that of `topology`. That of a later release is refused.
pub(super) fn other_shape(
    connection: &Connection,
    path: &Path,
    topology: &Topology,
) -> Result<Option<OldShape>, EmbeddedError> {
    let found: String = connection
        .query_row("SELECT topology FROM position", [], |row| row.get(0))
        .map_err(sqlite::failed(path, "read"))?;
    if found == shape(topology) {
        return Ok(None);
    }
    let first = found.lines().next().and_then(|line| line.strip_prefix("wire "));
    let wire = first.and_then(|version| version.parse().ok());
    match wire {
        Some(found) if found > wire::VERSION => Err(EmbeddedError::LaterState {
            path: path.to_owned(),
            found,
        }),
        wire => Ok(Some(OldShape { wire })),
    }
}

impl EngineFile {
    /// Opens the file, or makes it for `topology`.
    pub(super) fn open(directory: &DataDir, topology: &Topology) -> Result<Self, EmbeddedError> {
        let path = directory.path().join(FILE);
        let connection = connect(&path, topology)?;
        if other_shape(&connection, &path, topology)?.is_some() {
            return Err(EmbeddedError::OtherTopology { path });
        }
        let rebuilds = rebuild::upto(&connection).map_err(sqlite::failed(&path, "read"))?;
        let mut logs = Vec::new();
        for (id, topic) in topics(topology) {
            let table = log_table(id);
            logs.push(TopicLog {
                topic,
                insert: format!("INSERT INTO {table} VALUES (?1, ?2, ?3, ?4, ?5)"),
                version: version(topic),
                len: len(&connection, &table).map_err(sqlite::failed(&path, "read"))?,
            });
        }
        let connection = Arc::new(Mutex::new(connection));
        let tables = StoreTables::new(Arc::clone(&connection), stores(topology));
        Ok(Self {
            path,
            connection,
            logs,
            internal: topology
                .topics()
                .iter()
                .filter(|topic| topic.kind == TopicKind::Internal)
                .map(|topic| topic.name)
                .collect(),
            tables,
            rebuilds,
        })
    }

    pub(super) fn rebuilds(&self) -> Option<u64> {
        self.rebuilds
    }

    pub(super) fn position(&self) -> Result<Position, EmbeddedError> {
        position(&lock(&self.connection)).map_err(sqlite::failed(&self.path, "read"))
    }

    /// Committed state of a store; `None` for one that the topology does not name.
    pub(super) fn backend(&self, name: StoreName) -> Option<Box<dyn Backend>> {
        self.tables.backend(name)
    }

    /// Number of derived records, of all topics.
    pub(super) fn facts(&self) -> u64 {
        self.logs.iter().map(|log| log.len).sum()
    }

    /// Writes all of `batch`, or nothing; gives the number of derived records.
    pub(super) fn commit(&mut self, batch: &Batch) -> Result<u64, EmbeddedError> {
        let mut records: Vec<Vec<&Record>> = vec![Vec::new(); self.logs.len()];
        for record in &batch.outputs {
            match self.logs.iter().position(|log| log.topic == record.topic) {
                Some(log) => records[log].push(record),
                None if self.internal.contains(&record.topic) => {}
                None => return Err(EmbeddedError::UnknownTopic(record.topic.to_owned())),
            }
        }
        let lens: Vec<u64> = self.logs.iter().map(|log| log.len).collect();
        let written = write(
            &mut lock(&self.connection),
            &mut self.logs,
            &self.tables,
            batch,
            records,
        );
        if written.is_err() {
            for (log, len) in self.logs.iter_mut().zip(lens) {
                log.len = len;
            }
        }
        written.map_err(sqlite::failed(&self.path, "written"))?;
        Ok(self.facts())
    }
}

fn write(
    connection: &mut Connection,
    logs: &mut [TopicLog],
    tables: &StoreTables,
    batch: &Batch,
    records: Vec<Vec<&Record>>,
) -> Result<(), rusqlite::Error> {
    let transaction = connection.transaction()?;
    tables.write(&transaction, &batch.changes)?;
    for (log, records) in logs.iter_mut().zip(records) {
        if records.is_empty() {
            continue;
        }
        let mut insert = transaction.prepare_cached(&log.insert)?;
        for record in records {
            insert.execute(params![
                log.len.cast_signed(),
                record.key,
                record.timestamp,
                record.value,
                log.version
            ])?;
            log.len += 1;
        }
    }
    {
        let mut add = transaction.prepare_cached(
            "INSERT INTO counter VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET amount = amount + excluded.amount",
        )?;
        for (&(counter, label), amount) in &batch.counts {
            add.execute(params![counter, label, amount.cast_signed()])?;
        }
        transaction
            .prepare_cached("UPDATE position SET raw_offset = ?1, now = ?2")?
            .execute(params![batch.raw_offset.cast_signed(), batch.now])?;
    }
    transaction.commit()
}

/// Topics that have a log, with their ids. Internal topics have none, also when nobody reads them.
pub(super) fn topics(topology: &Topology) -> impl Iterator<Item = (i64, &'static str)> {
    let derived = topology
        .topics()
        .iter()
        .filter(|topic| topic.kind == TopicKind::Derived);
    (1..).zip(derived.map(|topic| topic.name))
}

fn stores(topology: &Topology) -> impl Iterator<Item = (i64, StoreName)> {
    let names = topology.processors().iter().flat_map(|processor| {
        processor.stores.iter().map(|store| StoreName {
            processor: processor.name,
            store: store.name,
        })
    });
    (1..).zip(names)
}

/// What must not change under a file: encoding of the state, processors with inputs, outputs and stores.
fn shape(topology: &Topology) -> String {
    let mut text = format!("wire {}\n", wire::VERSION);
    for processor in topology.processors() {
        let outputs: Vec<&str> = processor.writes().collect();
        let stores: Vec<&str> = processor.stores.iter().map(|store| store.name).collect();
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "{}: {} -> {} [{}]",
            processor.name,
            processor.inputs.join(" "),
            outputs.join(" "),
            stores.join(" ")
        );
    }
    text
}

pub(super) fn schema(topology: &Topology) -> String {
    let quoted = |text: &str| format!("'{}'", text.replace('\'', "''"));
    let mut sql = SCHEMA.to_owned();
    for (id, topic) in topics(topology) {
        let _ = writeln!(
            sql,
            "INSERT INTO topic VALUES ({id}, {}); CREATE TABLE {}(offset INTEGER PRIMARY KEY, key BLOB NOT NULL, \
             timestamp INTEGER NOT NULL, value BLOB NOT NULL, version INTEGER NOT NULL) STRICT;",
            quoted(topic),
            log_table(id)
        );
    }
    sql.push_str(&store_tables::schema(stores(topology)));
    let _ = writeln!(
        sql,
        "INSERT INTO position VALUES (0, 0, NULL, {});",
        quoted(&shape(topology))
    );
    sql
}
