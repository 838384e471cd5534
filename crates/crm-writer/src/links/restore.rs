//! Partitions come and go: links are built again from the outcomes that were published, and forgotten.

use super::{Db, Link};
use crate::{
    edge::Wanted,
    facts::{self, Lane},
};
use hilo_contracts::facts::{CrmRecord, CrmWrite};
use hilo_domain::Millis;
use rusqlite::{OptionalExtension as _, params};
use std::collections::BTreeSet;

impl Db {
    /// Forgets what belongs to a partition.
    pub(crate) fn forget(&mut self, partition: i32) -> rusqlite::Result<()> {
        self.in_transaction(|db| {
            for table in ["links", "waiting", "rejected", "offsets"] {
                db.connection
                    .prepare_cached(&format!("DELETE FROM {table} WHERE partition = ?1"))?
                    .execute([partition])?;
            }
            // A record may wait for one that is another writer's now: it has to look that one up.
            db.connection.execute("UPDATE waiting SET blocked_by = NULL", [])?;
            Ok(())
        })
    }

    /// Builds links from outcomes, the oldest first.
    pub(crate) fn restore(&mut self, partition: i32, past: &[CrmWrite]) -> rusqlite::Result<()> {
        let mut lanes = Vec::with_capacity(past.len());
        for fact in past {
            lanes.push(self.lane(&Lane {
                tenant: fact.tenant.clone(),
                sink: fact.sink.clone(),
            })?);
        }
        self.in_transaction(|db| {
            for (fact, lane) in past.iter().zip(lanes) {
                let (Some(key), Some(object)) = (&fact.record_key, fact.object.as_deref().and_then(facts::object)) else {
                    continue;
                };
                // What only waits has no outcome: the record that comes again must not count as seen.
                let revision = if fact.kind == "deferred" { 0 } else { fact.revision };
                // No fact says which associations the CRM has: the next write asks the CRM.
                db.connection
                    .prepare_cached(
                        "INSERT INTO links VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, NULL, '', '', ?10, ?11, ?12)
                         ON CONFLICT DO UPDATE SET partition = ?4, kind = ?5, revision = ?6, remote_id = ?7, content_hash = ?8,
                           attempts = ?9, associated = '', code = ?10, field = ?11, at = ?12",
                    )?
                    .execute(params![
                        lane,
                        key,
                        facts::rank(object),
                        partition,
                        fact.kind,
                        revision,
                        fact.remote_id,
                        fact.content_hash,
                        fact.attempts,
                        fact.code,
                        fact.field,
                        fact.event_time
                    ])?;
            }
            Ok(())
        })
    }

    /// Records of a partition whose outcomes say only that they wait or were refused.
    pub(crate) fn wanted(&mut self, partition: i32) -> rusqlite::Result<Vec<Wanted>> {
        let mut statement = self.connection.prepare_cached(
            "SELECT tenant, sink, object, record_key FROM links JOIN lanes ON lanes.id = lane
             WHERE partition = ?1 AND kind IN ('deferred', 'rejected')",
        )?;
        let rows = statement.query_map([partition], |row| {
            Ok(Wanted {
                tenant: row.get(0)?,
                sink: row.get(1)?,
                object: facts::ranked(row.get(2)?)
                    .map_or("", |object| object.as_str())
                    .to_owned(),
                record_key: row.get(3)?,
            })
        })?;
        rows.collect()
    }

    /// Takes the desired states of such records: what was deferred waits, what was refused is on the list.
    pub(crate) fn bring_back(&mut self, partition: i32, records: &[CrmRecord], now: Millis) -> rusqlite::Result<()> {
        let mut lanes = Vec::with_capacity(records.len());
        for record in records {
            lanes.push(self.lane(&Lane {
                tenant: record.tenant.clone(),
                sink: record.sink.clone(),
            })?);
        }
        self.in_transaction(|db| {
            for (record, lane) in records.iter().zip(lanes) {
                let Some(link) = db.link(lane, &record.record_key)? else {
                    continue;
                };
                db.put(lane, partition, record, now)?;
                if link.kind != "rejected" || link.revision < record.revision {
                    continue;
                }
                db.connection
                    .prepare_cached(
                        "INSERT OR REPLACE INTO rejected SELECT lane, record_key, object, partition, revision, ?3, ?4, NULL, ?5, ?6, body
                         FROM waiting WHERE lane = ?1 AND record_key = ?2",
                    )?
                    .execute(params![lane, record.record_key, link.code.unwrap_or_default(), link.field, now, link.attempts])?;
                db.connection
                    .prepare_cached("DELETE FROM waiting WHERE lane = ?1 AND record_key = ?2")?
                    .execute(params![lane, record.record_key])?;
            }
            Ok(())
        })
    }

    /// Records of a lane that wait while no outcome says so, the oldest first.
    pub(crate) fn unannounced(
        &mut self,
        lane: &Lane,
        limit: usize,
    ) -> rusqlite::Result<Vec<(CrmRecord, u32, Option<Link>)>> {
        let id = self.lane(lane)?;
        let rows: Vec<(Vec<u8>, u32)> = {
            let mut statement = self.connection.prepare_cached(
                "SELECT body, attempts FROM waiting WHERE lane = ?1 AND announced = 0 ORDER BY seq LIMIT ?2",
            )?;
            let rows = statement.query_map(params![id, limit as i64], |row| Ok((row.get(0)?, row.get(1)?)))?;
            rows.collect::<rusqlite::Result<_>>()?
        };
        let mut records = Vec::with_capacity(rows.len());
        for (body, attempts) in rows {
            let record: CrmRecord = self.decode(&body)?;
            let link = self.link(id, &record.record_key)?;
            records.push((record, attempts, link));
        }
        Ok(records)
    }

    /// Whether a record waits and no outcome says so.
    pub(crate) fn waits_unannounced(&mut self, lane: &Lane, record_key: &str) -> rusqlite::Result<bool> {
        let lane = self.lane(lane)?;
        let found = self
            .connection
            .prepare_cached("SELECT 1 FROM waiting WHERE lane = ?1 AND record_key = ?2 AND announced = 0")?
            .query_row(params![lane, record_key], |_| Ok(()))
            .optional()?;
        Ok(found.is_some())
    }

    /// Those of some records that wait at that very revision.
    pub(crate) fn still_waiting(
        &mut self,
        lane: &Lane,
        records: &[(String, i64)],
    ) -> rusqlite::Result<BTreeSet<String>> {
        let lane = self.lane(lane)?;
        let mut statement = self
            .connection
            .prepare_cached("SELECT 1 FROM waiting WHERE lane = ?1 AND record_key = ?2 AND revision = ?3")?;
        let mut still = BTreeSet::new();
        for (key, revision) in records {
            if statement.exists(params![lane, key, revision])? {
                still.insert(key.clone());
            }
        }
        Ok(still)
    }

    /// Such records were announced.
    pub(crate) fn announced(&mut self, lane: &Lane, records: &[(String, i64)]) -> rusqlite::Result<()> {
        let lane = self.lane(lane)?;
        self.in_transaction(|db| {
            for (key, revision) in records {
                db.connection
                    .prepare_cached(
                        "UPDATE waiting SET announced = 1 WHERE lane = ?1 AND record_key = ?2 AND revision = ?3",
                    )?
                    .execute(params![lane, key, revision])?;
            }
            Ok(())
        })
    }
}
