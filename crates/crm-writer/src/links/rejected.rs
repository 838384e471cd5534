//! The list of refused records: shown without what is in them, and tried again by code or by key.

use super::{Db, Links, LinksError};
use crate::{
    codes,
    facts::{self, Lane},
};
use hilo_contracts::facts::CrmRecord;
use hilo_domain::Millis;
use rusqlite::{OptionalExtension as _, params};

/// A refused record, without personal data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// Whose, in which CRM.
    pub lane: Lane,
    /// `contact`, `ticket`, …
    pub object: String,
    /// Our key of it.
    pub record_key: String,
    /// Refused revision.
    pub revision: i64,
    /// Stable code.
    pub code: String,
    /// Property that was refused.
    pub field: Option<String>,
    /// Record that has to be mended first.
    pub blocked_by: Option<String>,
    /// When.
    pub at: Millis,
    /// Attempts.
    pub attempts: u32,
    /// What to do.
    pub action: Option<&'static str>,
}

/// A refused record with what it should hold, for `--reveal`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RejectedBody {
    /// The record on the list.
    pub rejected: Rejected,
    /// What the CRM should hold. Personal data.
    pub record: CrmRecord,
}

/// Which refused records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which<'a> {
    /// All.
    All,
    /// Those of a code, after its cause was mended.
    Code(&'a str),
    /// One.
    Key(&'a str),
}

impl Which<'_> {
    fn sql(self) -> (&'static str, String) {
        match self {
            Self::All => ("?2 = ''", String::new()),
            Self::Code(code) => ("code = ?2", code.to_owned()),
            Self::Key(key) => ("record_key = ?2", key.to_owned()),
        }
    }
}

const COLUMNS: &str = "object, record_key, revision, code, field, blocked_by, at, attempts";

impl Links {
    /// Refused records of a lane, the newest first, so many at most.
    pub fn rejected(&self, lane: &Lane, which: Which, limit: usize) -> Result<Vec<Rejected>, LinksError> {
        self.with(|db| {
            let id = db.lane(lane)?;
            let (condition, value) = which.sql();
            let sql = format!(
                "SELECT {COLUMNS} FROM rejected WHERE lane = ?1 AND {condition} ORDER BY at DESC, record_key LIMIT ?3"
            );
            let mut statement = db.connection.prepare_cached(&sql)?;
            let rows = statement.query_map(params![id, value, limit as i64], |row| rejected(lane, row))?;
            rows.collect()
        })
    }

    /// One refused record with what it should hold.
    pub fn rejected_body(&self, lane: &Lane, record_key: &str) -> Result<Option<RejectedBody>, LinksError> {
        self.with(|db| {
            let id = db.lane(lane)?;
            let sql = format!("SELECT {COLUMNS}, body FROM rejected WHERE lane = ?1 AND record_key = ?2");
            let found = db
                .connection
                .prepare_cached(&sql)?
                .query_row(params![id, record_key], |row| {
                    Ok((rejected(lane, row)?, row.get::<_, Vec<u8>>(8)?))
                })
                .optional()?;
            let Some((rejected, body)) = found else {
                return Ok(None);
            };
            let record = db.decode(&body)?;
            Ok(Some(RejectedBody { rejected, record }))
        })
    }

    /// Lets refused records wait again; gives how many. A running writer takes them up at once, another one when it starts.
    pub fn retry(&self, lane: &Lane, which: Which, now: Millis) -> Result<u64, LinksError> {
        self.with(|db| {
            let id = db.lane(lane)?;
            let (condition, value) = which.sql();
            db.in_transaction(|db| db.again(id, condition, &value, now))
        })
    }
}

fn rejected(lane: &Lane, row: &rusqlite::Row) -> rusqlite::Result<Rejected> {
    let code: String = row.get(3)?;
    Ok(Rejected {
        lane: lane.clone(),
        object: facts::ranked(row.get(0)?)
            .map_or("", |object| object.as_str())
            .to_owned(),
        record_key: row.get(1)?,
        revision: row.get(2)?,
        action: codes::action(&code),
        code,
        field: row.get(4)?,
        blocked_by: row.get(5)?,
        at: row.get(6)?,
        attempts: row.get(7)?,
    })
}

impl Db {
    pub(super) fn again(&mut self, lane: i64, condition: &str, value: &str, now: Millis) -> rusqlite::Result<u64> {
        let moved = self
            .connection
            .prepare_cached(&format!(
                "INSERT OR IGNORE INTO waiting(lane, record_key, object, partition, revision, body, since, due, attempts, lookups,
                   blocked_by, announced, turns)
                 SELECT lane, record_key, object, partition, revision, body, ?3, 0, 0, 0, NULL, 1, 1 FROM rejected
                 WHERE lane = ?1 AND {condition}"
            ))?
            .execute(params![lane, value, now])?;
        self.connection
            .prepare_cached(&format!("DELETE FROM rejected WHERE lane = ?1 AND {condition}"))?
            .execute(params![lane, value])?;
        Ok(moved as u64)
    }
}
