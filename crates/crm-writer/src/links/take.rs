//! What is to be written next, with all that is known of it.

use super::{Db, Link};
use crate::{
    facts::{self, Lane},
    sink::Linked,
};
use hilo_contracts::facts::CrmRecord;
use hilo_crm::values::Object;
use hilo_domain::Millis;
use rusqlite::{OptionalExtension as _, params};

/// Merged records are followed to the one that holds them, so far.
const ALIAS_DEPTH: usize = 32;

/// A record that waits, taken to be written.
#[derive(Clone, Debug)]
pub(crate) struct Waiting {
    pub record: CrmRecord,
    pub attempts: u32,
    pub lookups: u32,
    pub link: Option<Link>,
    /// Standing of each record that it belongs to, in the order of its associations, then of its `alias_of`.
    pub parents: Vec<Parent>,
}

/// Standing of a record that another one belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Parent {
    /// The CRM has it.
    There(Linked),
    /// It waits, and is written first.
    Waits(String),
    /// It was refused.
    Rejected(String),
    /// It was deleted.
    Deleted,
    /// Nothing is known of it here.
    Unknown(Object, String),
}

/// Rows of the queue: body, attempts, look-ups.
type Queued = (Vec<u8>, u32, u32);

impl Db {
    /// The oldest records of an object that may be written now.
    pub(crate) fn take(
        &mut self,
        lane: &Lane,
        object: Object,
        limit: usize,
        now: Millis,
    ) -> rusqlite::Result<Vec<Waiting>> {
        let lane = self.lane(lane)?;
        let queued: Vec<Queued> = {
            let mut statement = self.connection.prepare_cached(
                "SELECT body, attempts, lookups FROM waiting
                 WHERE lane = ?1 AND object = ?2 AND blocked_by IS NULL AND due <= ?3 ORDER BY seq LIMIT ?4",
            )?;
            let rows = statement.query_map(params![lane, facts::rank(object), now, limit as i64], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })?;
            rows.collect::<rusqlite::Result<_>>()?
        };
        let mut taken = Vec::with_capacity(queued.len());
        for (body, attempts, lookups) in queued {
            let record = self.decode(&body)?;
            let link = self.link(lane, &record.record_key)?;
            let parents = self.parents(lane, &record)?;
            taken.push(Waiting {
                record,
                attempts,
                lookups,
                link,
                parents,
            });
        }
        Ok(taken)
    }

    /// When the next record of a lane is due; `None` when none waits for a time.
    pub(crate) fn next_due(&mut self, lane: &Lane) -> rusqlite::Result<Option<Millis>> {
        let lane = self.lane(lane)?;
        self.connection
            .prepare_cached("SELECT min(due) FROM waiting WHERE lane = ?1 AND blocked_by IS NULL")?
            .query_row([lane], |row| row.get(0))
    }

    /// Names of the properties of contacts that are ours.
    pub(crate) fn our_names(&mut self, lane: &Lane) -> rusqlite::Result<Vec<String>> {
        let lane = self.lane(lane)?;
        let mut statement = self
            .connection
            .prepare_cached("SELECT name FROM names WHERE lane = ?1 ORDER BY name")?;
        statement.query_map([lane], |row| row.get(0))?.collect()
    }

    fn parents(&self, lane: i64, record: &CrmRecord) -> rusqlite::Result<Vec<Parent>> {
        let belongs = record
            .associations
            .iter()
            .map(|association| (&association.object, &association.record_key));
        let alias = record.alias_of.iter().map(|key| (&record.object, key));
        let mut parents = Vec::new();
        for (object, key) in belongs.chain(alias) {
            let Some(object) = facts::object(object) else {
                parents.push(Parent::Rejected(key.clone()));
                continue;
            };
            parents.push(self.parent(lane, object, key)?);
        }
        Ok(parents)
    }

    fn parent(&self, lane: i64, object: Object, key: &str) -> rusqlite::Result<Parent> {
        let mut key = key.to_owned();
        for _ in 0..ALIAS_DEPTH {
            let link = self.link(lane, &key)?;
            let has_id = link.as_ref().is_some_and(|link| link.own_id().is_some());
            // While it merges, parts or goes, its id may lead to another record: those that belong to it wait.
            if self.waits(lane, &key)?.is_some_and(|turns| turns || !has_id) {
                return Ok(Parent::Waits(key));
            }
            match link {
                Some(Link {
                    kind,
                    alias_of: Some(into),
                    ..
                }) if kind == "merged" => key = into,
                // Links built from facts know the id of the other record, and not its key.
                Some(Link {
                    kind,
                    remote_id: Some(remote_id),
                    ..
                }) if kind == "merged" => {
                    return Ok(Parent::There(Linked {
                        object,
                        record_key: key,
                        remote_id,
                    }));
                }
                Some(link) if link.kind == "deleted" => return Ok(Parent::Deleted),
                Some(link) if link.own_id().is_some() => {
                    return Ok(Parent::There(Linked {
                        object,
                        record_key: key,
                        remote_id: link.remote_id.unwrap_or_default(),
                    }));
                }
                link => {
                    let refused = link.is_some_and(|link| link.kind == "rejected");
                    return Ok(if refused {
                        Parent::Rejected(key)
                    } else {
                        Parent::Unknown(object, key)
                    });
                }
            }
        }
        Ok(Parent::Unknown(object, key))
    }

    /// Whether a record waits, and if so, whether it turns.
    fn waits(&self, lane: i64, key: &str) -> rusqlite::Result<Option<bool>> {
        self.connection
            .prepare_cached("SELECT turns FROM waiting WHERE lane = ?1 AND record_key = ?2")?
            .query_row(params![lane, key], |row| row.get(0))
            .optional()
    }
}
