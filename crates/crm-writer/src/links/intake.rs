//! Records come in: what is so already is skipped, the newest revision of each other one waits.

use super::{Db, Link, body};
use crate::{
    edge::Place,
    facts::{self, Lane},
};
use hilo_contracts::facts::CrmRecord;
use hilo_crm::values::Object;
use hilo_domain::Millis;
use rusqlite::{OptionalExtension as _, params};
use std::collections::BTreeMap;

/// A record with its place.
#[derive(Clone, Debug)]
pub(crate) struct Incoming {
    pub place: Place,
    pub lane: Lane,
    pub record: CrmRecord,
}

/// What is to become of an incoming record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Triage {
    /// A newer or this very revision was seen before: nothing is to be done.
    Repeated,
    /// The CRM holds it already.
    AsIs(Box<Link>),
    /// No writer sends it: the kind of its outcome, and a code.
    Unfit(&'static str, &'static str),
    /// To be written.
    Wanted,
}

/// What an intake did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Taken {
    /// Records that wait now and did not before.
    pub new: u64,
    /// Older revisions that nobody needs any more: a newer one took their place before they were written, or they were
    /// seen before.
    pub passed_over: u64,
}

impl Db {
    /// Decides about a batch without changing anything, in its order.
    pub(crate) fn triage(&mut self, batch: &[Incoming]) -> rusqlite::Result<Vec<Triage>> {
        // Revisions earlier in this batch are as good as waiting.
        let mut ahead: BTreeMap<(i64, &str), i64> = BTreeMap::new();
        let mut decided = Vec::with_capacity(batch.len());
        for Incoming { lane, record, .. } in batch {
            let lane = self.lane(lane)?;
            let key = (lane, record.record_key.as_str());
            let waits = match ahead.get(&key) {
                Some(revision) => Some(*revision),
                None => self.waiting_revision(lane, &record.record_key)?,
            };
            let link = self.link(lane, &record.record_key)?;
            let seen = waits.into_iter().chain(link.as_ref().map(|link| link.revision)).max();
            decided.push(if seen.is_some_and(|seen| seen >= record.revision) {
                Triage::Repeated
            } else if record.test {
                Triage::Unfit("skipped", "test_record")
            } else if facts::object(&record.object).is_none() {
                Triage::Unfit("rejected", "unknown_object")
            } else if let Some(link) = link.filter(|link| {
                // Where something waits, it may have reached the CRM without an answer: only a write makes sure.
                waits.is_none() && link.content_hash.as_ref() == Some(&record.content_hash)
            }) {
                Triage::AsIs(Box::new(link))
            } else {
                ahead.insert(key, record.revision);
                Triage::Wanted
            });
        }
        Ok(decided)
    }

    /// Takes a batch in, with what was decided, and the offsets after it, in one transaction.
    pub(crate) fn take_in(
        &mut self,
        batch: &[(Incoming, Triage)],
        keep_offsets: bool,
        now: Millis,
    ) -> rusqlite::Result<BTreeMap<Lane, Taken>> {
        let mut taken: BTreeMap<Lane, Taken> = BTreeMap::new();
        let mut lanes = Vec::with_capacity(batch.len());
        for (incoming, _) in batch {
            lanes.push(self.lane(&incoming.lane)?);
        }
        self.in_transaction(|db| {
            for ((Incoming { place, lane: name, record }, triage), lane) in batch.iter().zip(lanes) {
                let counts = taken.entry(name.clone()).or_default();
                match triage {
                    Triage::Repeated => counts.passed_over += 1,
                    Triage::AsIs(_) | Triage::Unfit(..) => {
                        let (kind, code) = match triage {
                            Triage::Unfit(kind, code) => (*kind, Some(*code)),
                            _ => ("skipped", None),
                        };
                        let object = facts::object(&record.object).map_or(-1, facts::rank);
                        db.connection
                            .prepare_cached(
                                "INSERT INTO links VALUES (?1, ?2, ?3, ?4, ?8, ?5, NULL, NULL, 0, NULL, '', '', ?6, NULL, ?7)
                                 ON CONFLICT DO UPDATE SET kind = iif(kind IN ('merged', 'deleted'), kind, ?8), partition = ?4,
                                   revision = ?5, attempts = 0, code = ?6, field = NULL, at = ?7",
                            )?
                            .execute(params![
                                lane,
                                record.record_key,
                                object,
                                place.partition,
                                record.revision,
                                code,
                                now,
                                kind
                            ])?;
                        db.connection
                            .prepare_cached("DELETE FROM rejected WHERE lane = ?1 AND record_key = ?2")?
                            .execute(params![lane, record.record_key])?;
                    }
                    Triage::Wanted => {
                        if db.put(lane, place.partition, record, now)? {
                            counts.new += 1;
                        } else {
                            counts.passed_over += 1;
                        }
                    }
                }
                if keep_offsets {
                    db.connection
                        .prepare_cached(
                            "INSERT INTO offsets VALUES (?1, ?2) ON CONFLICT DO UPDATE SET next = max(next, excluded.next)",
                        )?
                        .execute(params![place.partition, place.offset + 1])?;
                }
            }
            Ok(())
        })?;
        Ok(taken)
    }

    /// Lets a record wait; gives whether none of its key did.
    pub(super) fn put(&mut self, lane: i64, partition: i32, record: &CrmRecord, now: Millis) -> rusqlite::Result<bool> {
        let body = body::write(&self.codec, record)?;
        let object = facts::object(&record.object).map_or(-1, facts::rank);
        let before = self.waiting_revision(lane, &record.record_key)?;
        let turns = record.kind != "desired";
        self.connection
            .prepare_cached("DELETE FROM rejected WHERE lane = ?1 AND record_key = ?2")?
            .execute(params![lane, record.record_key])?;
        // A newer revision keeps its place in the queue and starts its attempts anew; it may go after another record now.
        self.connection
            .prepare_cached(
                "INSERT INTO waiting(lane, record_key, object, partition, revision, body, since, due, attempts, lookups,
                   blocked_by, announced, turns) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, 0, 0, NULL, 0, ?8)
                 ON CONFLICT(lane, record_key) DO UPDATE SET partition = ?4, revision = ?5, body = ?6, due = 0, attempts = 0,
                   lookups = 0, blocked_by = NULL, announced = 0, turns = max(turns, ?8) WHERE excluded.revision > revision",
            )?
            .execute(params![lane, record.record_key, object, partition, record.revision, body, now, turns])?;
        if record.object == Object::Contact.as_str() {
            self.remember_names(lane, record)?;
        }
        Ok(before.is_none())
    }

    /// Only contacts are merged, so only their names are needed.
    fn remember_names(&mut self, lane: i64, record: &CrmRecord) -> rusqlite::Result<()> {
        for field in record
            .fields
            .iter()
            .filter(|field| field.write == "always" || field.write == "never_clear")
        {
            if self.names.get(&lane).is_some_and(|names| names.contains(&field.name)) {
                continue;
            }
            self.connection
                .prepare_cached("INSERT OR IGNORE INTO names VALUES (?1, ?2)")?
                .execute(params![lane, field.name])?;
            self.names.entry(lane).or_default().insert(field.name.clone());
        }
        Ok(())
    }

    fn waiting_revision(&self, lane: i64, record_key: &str) -> rusqlite::Result<Option<i64>> {
        self.connection
            .prepare_cached("SELECT revision FROM waiting WHERE lane = ?1 AND record_key = ?2")?
            .query_row(params![lane, record_key], |row| row.get(0))
            .optional()
    }

    /// Everything in `work`, or nothing.
    pub(super) fn in_transaction<T>(
        &mut self,
        work: impl FnOnce(&mut Self) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        self.connection.execute_batch("BEGIN IMMEDIATE")?;
        let result = work(self).and_then(|value| {
            self.connection.execute_batch("COMMIT")?;
            Ok(value)
        });
        if result.is_err() {
            self.roll_back();
        }
        result
    }

    /// Takes back what an unfinished transaction did. Where there is none, or the file fails, that is not the first error.
    pub(super) fn roll_back(&mut self) {
        drop(self.connection.execute_batch("ROLLBACK"));
        // The file may lack the newest of them.
        self.names.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::links::{FILE, Links};
    use hilo_contracts::facts::CrmField;

    #[test]
    fn work_that_fails_or_panics_leaves_nothing_behind() {
        let dir = tempfile::tempdir().unwrap();
        let links = Links::open(&dir.path().join(FILE)).unwrap();
        let name = Lane {
            tenant: "acme".into(),
            sink: "hubspot".into(),
        };
        let record = CrmRecord {
            kind: "desired".into(),
            object: "contact".into(),
            record_key: "gr_1".into(),
            revision: 1,
            fields: vec![CrmField {
                name: "wa_note".into(),
                value: None,
                write: "always".into(),
            }],
            ..CrmRecord::default()
        };
        let put = |then: fn() -> rusqlite::Result<()>| {
            links.with(|db| {
                let lane = db.lane(&name)?;
                db.in_transaction(|db| {
                    db.put(lane, 0, &record, 1)?;
                    then()
                })
            })
        };
        assert!(put(|| Err(rusqlite::Error::InvalidQuery)).is_err());
        assert_eq!(links.census(&name).unwrap().waiting, 0);
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| put(|| panic!("a defect"))));
        assert!(panicked.is_err());
        assert_eq!(links.census(&name).unwrap().waiting, 0);
        put(|| Ok(())).unwrap();
        assert_eq!(links.census(&name).unwrap().waiting, 1);
        assert_eq!(links.with(|db| db.our_names(&name)).unwrap(), ["wa_note"]);
    }
}
