//! The links file: what the CRM holds of each record, what waits, what was refused, and how far the topic was read.
//!
//! One SQLite file, so that a million links need no memory and a kill -9 loses nothing: a record stays in `waiting` until
//! its outcome is published.

mod body;
mod intake;
mod over;
mod rejected;
mod restore;
mod settle;
mod take;

pub(crate) use intake::{Incoming, Triage};
pub use rejected::{Rejected, RejectedBody, Which};
pub(crate) use settle::{Rest, Settled, Wait};
pub(crate) use take::{Parent, Waiting};

use crate::{
    facts::{self, Lane},
    sink::Linked,
};
use hilo_contracts::{
    codec::{self, AvroCodec},
    facts::CrmRecord,
};
use hilo_stream::embedded::private;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

/// Name of the file in a data directory.
pub const FILE: &str = "crm.db";

/// A links file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LinksError {
    /// SQLite failed.
    #[error("links file {path}: {source}; check the disk and the rights of the data directory")]
    File {
        /// Which file.
        path: PathBuf,
        /// What SQLite says.
        source: rusqlite::Error,
    },
    /// The thread that worked on it died.
    #[error("links file {0}: the work on it was ended; start the writer again")]
    Ended(PathBuf),
}

/// What the file knows of a record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Link {
    /// Our key.
    pub record_key: String,
    /// `written`, `skipped`, `rejected`, `merged`, `deleted`, `deferred`; `known` while there is no outcome.
    pub kind: String,
    /// Newest revision with an outcome.
    pub revision: i64,
    /// The CRM's id; of a merged record that of the one which holds it.
    pub remote_id: Option<String>,
    /// Hash of what the CRM holds; none where that is not known.
    pub content_hash: Option<String>,
    /// Attempts for that revision.
    pub attempts: u32,
    /// Record that holds what this one held.
    pub alias_of: Option<String>,
    /// Properties with the rule `if_empty` that hold something.
    pub(crate) filled: Vec<String>,
    /// Records that it belongs to in the CRM; empty where that is not known.
    pub(crate) associated: Vec<Linked>,
    /// Code of a refusal.
    pub code: Option<String>,
    /// Property of a refusal.
    pub field: Option<String>,
}

impl Link {
    /// Whether the CRM has a record of its own under this key.
    pub(crate) fn own_id(&self) -> Option<&str> {
        let own = !matches!(self.kind.as_str(), "merged" | "deleted");
        self.remote_id.as_deref().filter(|_| own)
    }
}

const COLUMNS: &str =
    "record_key, kind, revision, remote_id, content_hash, attempts, alias_of, filled, associated, code, field";

fn link(row: &Row) -> rusqlite::Result<Link> {
    let filled: String = row.get(7)?;
    let associated: String = row.get(8)?;
    Ok(Link {
        record_key: row.get(0)?,
        kind: row.get(1)?,
        revision: row.get(2)?,
        remote_id: row.get(3)?,
        content_hash: row.get(4)?,
        attempts: row.get(5)?,
        alias_of: row.get(6)?,
        filled: filled
            .split(' ')
            .filter(|name| !name.is_empty())
            .map(str::to_owned)
            .collect(),
        associated: associated.split(' ').filter_map(linked).collect(),
        code: row.get(9)?,
        field: row.get(10)?,
    })
}

fn linked(text: &str) -> Option<Linked> {
    let mut parts = text.splitn(3, ':');
    Some(Linked {
        object: facts::object(parts.next()?)?,
        record_key: parts.next()?.to_owned(),
        remote_id: parts.next()?.to_owned(),
    })
}

fn join(linked: &[Linked]) -> String {
    let texts = linked
        .iter()
        .map(|one| format!("{}:{}:{}", one.object.as_str(), one.record_key, one.remote_id));
    texts.collect::<Vec<_>>().join(" ")
}

/// Counts of one lane in the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Census {
    /// Records by kind of their newest outcome.
    pub kinds: BTreeMap<String, u64>,
    /// Refused records by code.
    pub rejected: BTreeMap<String, u64>,
    /// Records that wait.
    pub waiting: u64,
    /// Since when the oldest of them waits.
    pub oldest: Option<i64>,
}

pub(crate) struct Db {
    connection: Connection,
    codec: AvroCodec<CrmRecord>,
    path: PathBuf,
    lanes: BTreeMap<Lane, i64>,
    names: BTreeMap<i64, BTreeSet<String>>,
}

/// The links file, for all lanes of a process.
#[derive(Clone)]
pub struct Links {
    db: Arc<Mutex<Db>>,
}

impl Links {
    /// Opens the file, makes it when it is new, for this user alone.
    pub fn open(path: &Path) -> Result<Self, LinksError> {
        // Where the file cannot be made, SQLite says why.
        drop(private::file(path));
        let failed = |source| LinksError::File {
            path: path.to_owned(),
            source,
        };
        let mut connection = Connection::open(path).map_err(failed)?;
        connection.busy_timeout(Duration::from_secs(10)).map_err(failed)?;
        // A lost commit is read again from the log, or written again to the CRM by the same key: NORMAL is enough.
        connection
            .execute_batch(
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA journal_size_limit = 67108864;",
            )
            .and_then(|()| connection.execute_batch(include_str!("tables.sql")))
            .and_then(|()| body::upgrade(&mut connection))
            .map_err(failed)?;
        connection.set_prepared_statement_cache_capacity(64);
        let db = Db {
            connection,
            codec: codec::crm_record(),
            path: path.to_owned(),
            lanes: BTreeMap::new(),
            names: BTreeMap::new(),
        };
        Ok(Self {
            db: Arc::new(Mutex::new(db)),
        })
    }

    /// The offset of a partition that comes next, where the file keeps it.
    pub fn offset(&self, partition: i32) -> Result<Option<i64>, LinksError> {
        self.with(|db| {
            db.connection
                .prepare_cached("SELECT next FROM offsets WHERE partition = ?1")?
                .query_row([partition], |row| row.get(0))
                .optional()
        })
    }

    /// What the file knows of a record.
    pub fn link(&self, lane: &Lane, record_key: &str) -> Result<Option<Link>, LinksError> {
        self.with(|db| {
            let lane = db.lane(lane)?;
            db.link(lane, record_key)
        })
    }

    /// The lanes that the file knows.
    pub fn lanes(&self) -> Result<Vec<Lane>, LinksError> {
        self.with(|db| db.all_lanes())
    }

    /// Counts of a lane.
    pub fn census(&self, name: &Lane) -> Result<Census, LinksError> {
        self.with(|db| {
            let lane = db.lane(name)?;
            let mut census = Census {
                waiting: db.waiting(name)?,
                ..Census::default()
            };
            let mut statement = db
                .connection
                .prepare_cached("SELECT kind, code, count FROM census WHERE lane = ?1 AND count > 0")?;
            let mut rows = statement.query([lane])?;
            while let Some(row) = rows.next()? {
                let (kind, code, count): (String, String, u64) = (row.get(0)?, row.get(1)?, row.get(2)?);
                if kind == "rejected" {
                    *census.rejected.entry(code).or_default() += count;
                }
                *census.kinds.entry(kind).or_default() += count;
            }
            census.kinds.remove("known");
            // Rows come in the order in which they began to wait, so the first row of each index end is the oldest.
            census.oldest = db
                .connection
                .prepare_cached("SELECT since FROM waiting WHERE lane = ?1 ORDER BY seq LIMIT 1")?
                .query_row([lane], |row| row.get(0))
                .optional()?;
            Ok(census)
        })
    }

    /// Runs on the thread pool for blocking work.
    pub(crate) async fn call<T, F>(&self, work: F) -> Result<T, LinksError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Db) -> rusqlite::Result<T> + Send + 'static,
    {
        let links = self.clone();
        match tokio::task::spawn_blocking(move || links.with(work)).await {
            Ok(result) => result,
            Err(_) => Err(LinksError::Ended(self.lock().path.clone())),
        }
    }

    pub(crate) fn with<T>(&self, work: impl FnOnce(&mut Db) -> rusqlite::Result<T>) -> Result<T, LinksError> {
        let mut db = self.lock();
        work(&mut db).map_err(|source| LinksError::File {
            path: db.path.clone(),
            source,
        })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Db> {
        self.db.lock().unwrap_or_else(|poisoned| {
            let mut db = poisoned.into_inner();
            // A panic may have left its transaction open.
            db.roll_back();
            db
        })
    }
}

impl Db {
    fn lane(&mut self, lane: &Lane) -> rusqlite::Result<i64> {
        if let Some(id) = self.lanes.get(lane) {
            return Ok(*id);
        }
        self.connection
            .prepare_cached("INSERT OR IGNORE INTO lanes(tenant, sink) VALUES (?1, ?2)")?
            .execute(params![lane.tenant, lane.sink])?;
        let id = self
            .connection
            .prepare_cached("SELECT id FROM lanes WHERE tenant = ?1 AND sink = ?2")?
            .query_row(params![lane.tenant, lane.sink], |row| row.get(0))?;
        self.lanes.insert(lane.clone(), id);
        Ok(id)
    }

    fn link(&self, lane: i64, record_key: &str) -> rusqlite::Result<Option<Link>> {
        let sql = format!("SELECT {COLUMNS} FROM links WHERE lane = ?1 AND record_key = ?2");
        self.connection
            .prepare_cached(&sql)?
            .query_row(params![lane, record_key], link)
            .optional()
    }

    pub(crate) fn all_lanes(&self) -> rusqlite::Result<Vec<Lane>> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT tenant, sink FROM lanes ORDER BY tenant, sink")?;
        let rows = statement.query_map([], |row| {
            Ok(Lane {
                tenant: row.get(0)?,
                sink: row.get(1)?,
            })
        })?;
        rows.collect()
    }

    /// How many records of a lane wait.
    pub(crate) fn waiting(&mut self, lane: &Lane) -> rusqlite::Result<u64> {
        let lane = self.lane(lane)?;
        let count = self
            .connection
            .prepare_cached("SELECT count FROM waiting_count WHERE lane = ?1")?
            .query_row([lane], |row| row.get(0))
            .optional()?;
        Ok(count.unwrap_or(0))
    }

    fn decode(&self, body: &[u8]) -> rusqlite::Result<CrmRecord> {
        body::read(&self.codec, body)
    }
}
