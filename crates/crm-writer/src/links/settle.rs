//! Keeps what became of a record: its link, its end of waiting or its next attempt, and which records may go now.

use super::{Db, Link, join};
use crate::{
    facts::{self, Lane},
    sink::{Known, Linked},
};
use hilo_crm::values::Object;
use hilo_domain::Millis;
use rusqlite::params;

/// A record that came to rest.
#[derive(Clone, Debug)]
pub(crate) struct Settled {
    pub object: Object,
    pub record_key: String,
    pub revision: i64,
    pub attempts: u32,
    /// Hash of what it should hold.
    pub content_hash: String,
    pub rest: Rest,
}

/// How it came to rest.
#[derive(Clone, Debug)]
pub(crate) enum Rest {
    /// The CRM holds it.
    Written(Known),
    /// It is part of another record.
    Merged {
        /// The record that holds it in the CRM; none where the CRM had nothing to merge.
        into: Option<Linked>,
        alias_of: Option<String>,
    },
    /// The CRM does not hold it any more.
    Deleted,
    /// It was refused.
    Rejected {
        code: &'static str,
        field: Option<String>,
        blocked_by: Option<String>,
        partly: Option<Known>,
    },
}

impl Rest {
    /// Its word in facts and in the links file.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Written(_) => "written",
            Self::Merged { .. } => "merged",
            Self::Deleted => "deleted",
            Self::Rejected { .. } => "rejected",
        }
    }
}

/// A record that has to wait on.
#[derive(Clone, Debug)]
pub(crate) struct Wait {
    pub object: Object,
    pub record_key: String,
    pub revision: i64,
    pub due: Millis,
    pub attempts: u32,
    pub lookups: u32,
    pub blocked_by: Option<String>,
    /// What the CRM holds of it nevertheless.
    pub partly: Option<Known>,
}

impl Db {
    /// Keeps outcomes, in one transaction.
    pub(crate) fn settle(
        &mut self,
        lane: &Lane,
        settled: &[Settled],
        waits: &[Wait],
        now: Millis,
    ) -> rusqlite::Result<()> {
        let lane = self.lane(lane)?;
        self.in_transaction(|db| {
            for one in settled {
                db.rest(lane, one, now)?;
            }
            for one in waits {
                db.wait(lane, one, now)?;
            }
            Ok(())
        })
    }

    fn rest(&mut self, lane: i64, one: &Settled, now: Millis) -> rusqlite::Result<()> {
        let object = facts::rank(one.object);
        let key = &one.record_key;
        match &one.rest {
            Rest::Written(known) => {
                let held = Link {
                    remote_id: Some(known.remote_id.clone()),
                    filled: known.filled.clone(),
                    associated: known.associated.clone(),
                    ..Link::default()
                };
                self.keep(lane, one, &held, now)?;
            }
            Rest::Merged { into, alias_of } => {
                let held = Link {
                    remote_id: into.as_ref().map(|into| into.remote_id.clone()),
                    alias_of: alias_of.clone(),
                    ..Link::default()
                };
                self.keep(lane, one, &held, now)?;
                if let Some(into) = into {
                    // A merge may give the other record a new id.
                    self.connection
                        .prepare_cached("UPDATE links SET remote_id = ?3 WHERE lane = ?1 AND record_key = ?2")?
                        .execute(params![lane, into.record_key, into.remote_id])?;
                }
            }
            Rest::Deleted => self.keep(lane, one, &Link::default(), now)?,
            Rest::Rejected {
                code,
                field,
                blocked_by,
                partly,
            } => {
                self.partly(lane, one.object, key, partly.as_ref(), now)?;
                self.connection
                    .prepare_cached(
                        "INSERT INTO links VALUES (?1, ?2, ?3, (SELECT partition FROM waiting WHERE lane = ?1 AND record_key = ?2),
                           'rejected', ?4, NULL, NULL, ?5, NULL, '', '', ?6, ?7, ?8)
                         ON CONFLICT DO UPDATE SET kind = 'rejected', revision = ?4, attempts = ?5, code = ?6, field = ?7, at = ?8,
                           partition = ifnull(excluded.partition, partition),
                           remote_id = iif(kind IN ('merged', 'deleted'), NULL, remote_id),
                           content_hash = iif(kind IN ('merged', 'deleted'), NULL, content_hash)",
                    )?
                    .execute(params![lane, key, object, one.revision, one.attempts, code, field, now])?;
                self.connection
                    .prepare_cached(
                        "INSERT OR REPLACE INTO rejected SELECT lane, record_key, object, partition, revision, ?4, ?5, ?6, ?7, ?8, body
                         FROM waiting WHERE lane = ?1 AND record_key = ?2 AND revision <= ?3",
                    )?
                    .execute(params![lane, key, one.revision, code, field, blocked_by, now, one.attempts])?;
            }
        }
        self.connection
            .prepare_cached("DELETE FROM waiting WHERE lane = ?1 AND record_key = ?2 AND revision <= ?3")?
            .execute(params![lane, key, one.revision])?;
        // Records that wait for it are looked at again. Where it was refused, they are refused too, with a code of their own.
        self.connection
            .prepare_cached("UPDATE waiting SET blocked_by = NULL, due = 0 WHERE lane = ?1 AND blocked_by = ?2")?
            .execute(params![lane, key])?;
        if !matches!(one.rest, Rest::Rejected { .. }) {
            self.again(lane, "blocked_by = ?2", key, now)?;
        }
        Ok(())
    }

    /// Keeps what the CRM holds of a record at rest that was not refused.
    fn keep(&mut self, lane: i64, one: &Settled, held: &Link, now: Millis) -> rusqlite::Result<()> {
        self.connection
            .prepare_cached(
                "INSERT INTO links VALUES (?1, ?2, ?3, (SELECT partition FROM waiting WHERE lane = ?1 AND record_key = ?2),
                   ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, NULL, NULL, ?12)
                 ON CONFLICT DO UPDATE SET partition = ifnull(excluded.partition, partition), kind = ?4, revision = ?5,
                   remote_id = ?6, content_hash = ?7, attempts = ?8, alias_of = ?9, filled = ?10, associated = ?11,
                   code = NULL, field = NULL, at = ?12",
            )?
            .execute(params![
                lane,
                one.record_key,
                facts::rank(one.object),
                one.rest.kind(),
                one.revision,
                held.remote_id,
                one.content_hash,
                one.attempts,
                held.alias_of,
                held.filled.join(" "),
                join(&held.associated),
                now
            ])?;
        Ok(())
    }

    /// Half of a record is written: its id is known, and what it holds is not.
    fn partly(
        &mut self,
        lane: i64,
        object: Object,
        key: &str,
        known: Option<&Known>,
        now: Millis,
    ) -> rusqlite::Result<()> {
        let Some(known) = known else {
            return Ok(());
        };
        self.connection
            .prepare_cached(
                "INSERT INTO links VALUES (?1, ?2, ?3, (SELECT partition FROM waiting WHERE lane = ?1 AND record_key = ?2),
                   'known', 0, ?4, NULL, 0, NULL, ?5, ?6, NULL, NULL, ?7)
                 ON CONFLICT DO UPDATE SET remote_id = ?4, content_hash = NULL, filled = ?5, associated = ?6, at = ?7,
                   kind = iif(kind IN ('merged', 'deleted'), 'known', kind)",
            )?
            .execute(params![
                lane,
                key,
                facts::rank(object),
                known.remote_id,
                known.filled.join(" "),
                join(&known.associated),
                now
            ])?;
        Ok(())
    }

    fn wait(&mut self, lane: i64, one: &Wait, now: Millis) -> rusqlite::Result<()> {
        self.partly(lane, one.object, &one.record_key, one.partly.as_ref(), now)?;
        // A newer revision that came meanwhile has its own attempts and its own parents. What it goes after may have come
        // to rest meanwhile, in a batch beside this one.
        self.connection
            .prepare_cached(
                "UPDATE waiting SET due = ?4, attempts = ?5, lookups = ?6,
                   blocked_by = (SELECT record_key FROM waiting WHERE lane = ?1 AND record_key = ?7)
                 WHERE lane = ?1 AND record_key = ?2 AND revision = ?3",
            )?
            .execute(params![
                lane,
                one.record_key,
                one.revision,
                one.due,
                one.attempts,
                one.lookups,
                one.blocked_by
            ])?;
        Ok(())
    }

    /// Keeps ids that were looked up.
    pub(crate) fn found(&mut self, lane: &Lane, found: &[Linked], now: Millis) -> rusqlite::Result<()> {
        let lane = self.lane(lane)?;
        self.in_transaction(|db| {
            for one in found {
                db.connection
                    .prepare_cached(
                        "INSERT INTO links VALUES (?1, ?2, ?3, NULL, 'known', 0, ?4, NULL, 0, NULL, '', '', NULL, NULL, ?5)
                         ON CONFLICT DO UPDATE SET remote_id = ?4 WHERE kind NOT IN ('merged', 'deleted')",
                    )?
                    .execute(params![lane, one.record_key, facts::rank(one.object), one.remote_id, now])?;
            }
            Ok(())
        })
    }

    /// The associations of some records are about to change: until an outcome is kept, nobody knows which the CRM has.
    /// This is on disk before the request: after a power cut it must not be forgotten.
    pub(crate) fn doubt_associations(&mut self, lane: &Lane, keys: &[String]) -> rusqlite::Result<()> {
        let lane = self.lane(lane)?;
        self.connection.pragma_update(None, "synchronous", "FULL")?;
        let done = self.in_transaction(|db| {
            for key in keys {
                db.connection
                    .prepare_cached("UPDATE links SET associated = '' WHERE lane = ?1 AND record_key = ?2")?
                    .execute(params![lane, key])?;
            }
            Ok(())
        });
        self.connection.pragma_update(None, "synchronous", "NORMAL")?;
        done
    }

    /// An id turned out to be gone: it is looked up again when it is needed.
    pub(crate) fn gone(&mut self, lane: &Lane, record_key: &str, remote_id: &str) -> rusqlite::Result<()> {
        let lane = self.lane(lane)?;
        self.connection
            .prepare_cached(
                "UPDATE links SET remote_id = NULL, content_hash = NULL WHERE lane = ?1 AND record_key = ?2 AND remote_id = ?3",
            )?
            .execute(params![lane, record_key, remote_id])?;
        Ok(())
    }
}
