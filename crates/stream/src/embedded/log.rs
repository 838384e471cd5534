//! Reading the logs of a data directory, from any thread or process, beside the one that writes.

use super::raw::{self, RawLog};
use super::{EmbeddedError, sqlite, state};
use crate::{Record, TopicKind, TopicSpec, Topology};
use hilo_contracts::door::Door;
use hilo_contracts::{ContractError, schemas};
use hilo_domain::Millis;
use rusqlite::{Connection, OptionalExtension, Row, params};
use std::borrow::Cow;
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

impl Position {
    /// Refuses a raw log that ends before it.
    pub(super) fn within(&self, raw: &RawLog) -> Result<(), EmbeddedError> {
        if self.raw_offset <= raw.len() {
            return Ok(());
        }
        Err(EmbeddedError::RawBehind {
            path: raw.path().to_owned(),
            raw_len: raw.len(),
            engine_offset: self.raw_offset,
        })
    }
}

/// The version that records of a topic are written in: the newest of its contract. A topic without one has version 1.
pub(super) fn version(topic: &str) -> u32 {
    schemas::latest(topic).map_or(1, |version| version.number)
}

/// A record as it is stored.
pub(super) struct Stored {
    offset: u64,
    version: u32,
    record: Record,
}

impl Stored {
    /// From the columns offset, key, timestamp, value and version.
    pub(super) fn of(topic: &'static str, row: &Row) -> Result<Self, rusqlite::Error> {
        Ok(Self {
            offset: row.get::<_, i64>(0)?.cast_unsigned(),
            version: row.get(4)?,
            record: Record {
                topic,
                key: row.get(1)?,
                value: row.get(3)?,
                timestamp: row.get(2)?,
            },
        })
    }

    /// Its offset, and the record in the newest shape of its contract; `path` is the file that has it.
    pub(super) fn open(self, door: &Door, path: &Path) -> Result<(u64, Record), EmbeddedError> {
        let Self {
            offset,
            version,
            mut record,
        } = self;
        let opened = door
            .open(record.topic, version, &record.value)
            .map_err(unreadable(path, offset))?;
        // A value that is in the newest shape already stays where it is.
        if let Cow::Owned(value) = opened {
            record.value = value;
        }
        Ok((offset, record))
    }
}

pub(super) fn unreadable(path: &Path, offset: u64) -> impl FnOnce(ContractError) -> EmbeddedError {
    let path = path.to_owned();
    move |cause| EmbeddedError::Contract { path, offset, cause }
}

/// A read-only view of the logs. A read sees whole batches only, and every record in the newest shape of its contract.
pub struct Log {
    dir: PathBuf,
    /// Turns records of older releases into the newest shape.
    door: Result<&'static Door, ContractError>,
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
            door: Door::released(),
            topics: topology.topics().to_vec(),
            raw: None,
            engine: None,
        }
    }

    /// Records of `topic` from offset `from` on, with their offsets; `limit` at most, and fewer when they are large. Empty
    /// only at the end.
    pub fn read(&mut self, topic: &str, from: u64, limit: usize) -> Result<Vec<(u64, Record)>, EmbeddedError> {
        let door = self.door.clone();
        let (file, connection, table, name) = self.table(topic)?;
        let door = door.map_err(unreadable(&file, from))?;
        let stored = read(connection, &table, name, from, limit).map_err(sqlite::failed(&file, "read"))?;
        stored.into_iter().map(|stored| stored.open(door, &file)).collect()
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
) -> Result<Vec<Stored>, rusqlite::Error> {
    let version = sqlite::version_column(connection)?;
    let mut select = connection.prepare_cached(&format!(
        "SELECT offset, key, timestamp, value, {version} FROM {table} WHERE offset >= ?1 ORDER BY offset LIMIT ?2"
    ))?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut rows = select.query(params![i64::try_from(from).unwrap_or(i64::MAX), limit])?;
    let mut records = Vec::new();
    let mut bytes = 0;
    while let Some(row) = rows.next()? {
        let stored = Stored::of(topic, row)?;
        bytes += stored.record.key.len() + stored.record.value.len();
        records.push(stored);
        if bytes >= READ_BYTES {
            break;
        }
    }
    Ok(records)
}

#[cfg(test)]
mod tests {
    use super::super::{DataDir, RawLog};
    use super::*;
    use crate::{ProcessorSpec, Scope};
    use apache_avro::Schema;
    use hilo_contracts::codec::{self, Codec as _};
    use hilo_contracts::door::Versions;
    use hilo_contracts::facts::Raw;
    use hilo_contracts::topics::RAW;
    use std::sync::Arc;

    struct Nothing;

    impl crate::Processor for Nothing {
        fn process(&mut self, _: &Record, _: &mut crate::Context) -> Result<crate::Verdict, crate::ProcessorError> {
            Ok(crate::Verdict::Done)
        }
    }

    fn topology() -> Topology {
        let raw = TopicSpec {
            name: RAW,
            kind: TopicKind::Raw,
            key: "anything",
            schema: Some(RAW),
            kept: "",
            doc: "",
        };
        let reader = ProcessorSpec {
            name: "nothing",
            doc: "",
            scope: Scope::Keyed,
            inputs: vec![RAW],
            outputs: Vec::new(),
            also_writes: Vec::new(),
            stores: Vec::new(),
            factory: Arc::new(|| Box::new(Nothing)),
        };
        Topology::new(vec![raw], vec![reader]).unwrap()
    }

    fn fact(id: &str) -> Raw {
        Raw {
            delivery_id: id.to_owned(),
            tenant: "acme".into(),
            ..Raw::default()
        }
    }

    fn record(value: Vec<u8>) -> Record {
        Record {
            topic: RAW,
            key: Vec::new(),
            value,
            timestamp: 7,
        }
    }

    /// A raw log with one delivery.
    fn with_one(home: &Path) {
        let raw = RawLog::open(&DataDir::open(home).unwrap(), RAW).unwrap();
        let value = codec::raw().encode(&fact("d_new")).unwrap();
        raw.append(vec![record(value)]).wait().unwrap();
    }

    /// An earlier release whose deliveries had no `line`.
    fn earlier() -> &'static schemas::Version {
        let newest = schemas::latest(RAW).unwrap();
        let mut file: serde_json::Value = serde_json::from_str(newest.text).unwrap();
        let fields = file["fields"].as_array_mut().unwrap();
        assert_eq!(fields.pop().unwrap()["default"], serde_json::Value::Null);
        let text: &'static str = file.to_string().leak();
        Box::leak(Box::new(schemas::Version {
            subject: RAW,
            number: 0,
            text,
            schema: Schema::parse_str(text).unwrap(),
        }))
    }

    fn write(home: &Path, sql: &str, value: &[u8]) {
        let connection = Connection::open(home.join(raw::FILE)).unwrap();
        connection.execute(sql, [value]).unwrap();
    }

    fn read_ids(log: &mut Log) -> Vec<String> {
        let records = log.read(RAW, 0, 100).unwrap();
        let codec = codec::raw();
        let ids = records.iter().map(|(_, record)| codec.decode(&record.value).unwrap());
        ids.map(|raw| raw.delivery_id).collect()
    }

    #[test]
    fn a_record_names_its_version_and_is_read_in_the_newest_shape() {
        let home = tempfile::tempdir().unwrap();
        with_one(home.path());
        let connection = Connection::open(home.path().join(raw::FILE)).unwrap();
        let version: u32 = connection
            .query_row("SELECT version FROM log", [], |row| row.get(0))
            .unwrap();
        assert_eq!(version, schemas::latest(RAW).unwrap().number);
        // The field that the earlier version lacks is the last one, and null: one byte less.
        let mut datum = codec::raw().encode(&fact("d_old")).unwrap();
        assert_eq!(datum.pop(), Some(0));
        write(home.path(), "INSERT INTO log VALUES (1, x'', 7, ?1, 0)", &datum);

        let versions = Versions::released().unwrap().also(earlier());
        let mut log = Log::open(home.path(), &topology());
        log.door = Ok(Box::leak(Box::new(Door::new(&versions).unwrap())));
        assert_eq!(read_ids(&mut log), ["d_new", "d_old"]);
        // This release alone does not know the version: it says so, and gives nothing half-read.
        let error = Log::open(home.path(), &topology()).read(RAW, 0, 100).unwrap_err();
        assert!(matches!(error, EmbeddedError::Contract { offset: 1, .. }), "{error}");
    }

    #[test]
    fn a_later_release_is_named() {
        let home = tempfile::tempdir().unwrap();
        with_one(home.path());
        write(home.path(), "INSERT INTO log VALUES (1, x'', 7, ?1, 99)", b"whatever");
        let error = Log::open(home.path(), &topology()).read(RAW, 0, 100).unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains("raw.db, offset 1") && text.contains("version 99"),
            "{text}"
        );
        assert!(text.contains("run the release that wrote it"), "{text}");
    }

    /// Takes the versions from a directory, as an earlier release would have left it.
    fn age(home: &Path) {
        let connection = Connection::open(home.join(raw::FILE)).unwrap();
        connection
            .execute_batch("ALTER TABLE log DROP COLUMN version; PRAGMA user_version = 1;")
            .unwrap();
    }

    #[test]
    fn a_directory_without_versions_is_read_as_it_is_and_changed_by_who_writes() {
        let home = tempfile::tempdir().unwrap();
        with_one(home.path());
        age(home.path());
        let mut before = Log::open(home.path(), &topology());
        assert_eq!(read_ids(&mut before), ["d_new"]);
        {
            let raw = RawLog::open(&DataDir::open(home.path()).unwrap(), RAW).unwrap();
            let value = codec::raw().encode(&fact("d_newer")).unwrap();
            assert_eq!(raw.append(vec![record(value)]).wait().unwrap(), 1..2);
        }
        // Also by who had it open.
        for log in [&mut before, &mut Log::open(home.path(), &topology())] {
            assert_eq!(read_ids(log), ["d_new", "d_newer"]);
        }
        let connection = Connection::open(home.path().join(raw::FILE)).unwrap();
        let versions: Vec<u32> = connection
            .prepare("SELECT version FROM log ORDER BY offset")
            .unwrap()
            .query_map([], |row| row.get(0))
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap();
        assert_eq!(versions, [1, schemas::latest(RAW).unwrap().number]);
    }
}
