//! Facts into rows: one transaction a batch, together with the offsets.

use crate::{
    Golden, GoldenError,
    account::write_accounts,
    batch::Batch,
    consent::write_consents,
    crm::{write_outcomes, write_records},
    error::failed,
    metric::{write_counts, write_metrics},
    places::{self, Entries},
    tenants::Numbers,
    write::{write_events, write_parts, write_people, write_sessions, write_statuses},
};
use hilo_domain::Millis;
use hilo_stream::Record;
use rusqlite::{Connection, Transaction, TransactionBehavior, params};
use rustc_hash::FxHashMap;

/// A record of a topic, and where it stands.
#[derive(Clone, Debug)]
pub struct Placed {
    /// Partition of the topic; 0 in the embedded log, which has one.
    pub partition: i32,
    /// Offset within the partition.
    pub offset: i64,
    /// The record with its topic.
    pub record: Record,
}

/// Next offset by topic and partition.
pub(crate) type Offsets<T> = FxHashMap<(T, i32), i64>;

impl Golden {
    /// Applies records in one transaction with their offsets: those of a partition in order, partitions in any. What has
    /// been applied before is skipped, so each record takes effect exactly once; topics that the golden record is not built from
    /// are passed over. Gives the number of records that were new.
    pub fn apply(&mut self, records: &[Placed]) -> Result<usize, GoldenError> {
        self.take(records, None)
    }

    /// As [`Golden::apply`], and with all that pages and traces need besides the rows: current numbers, counters, and the
    /// places of the records that name an id. `records` are of [`FOLLOWED`](crate::FOLLOWED).
    pub fn follow(&mut self, records: &[Placed]) -> Result<usize, GoldenError> {
        self.take(records, Some(Entries::default()))
    }

    fn take(&mut self, records: &[Placed], places: Option<Entries>) -> Result<usize, GoldenError> {
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(failed("written"))?;
        let applied = offsets(&transaction).map_err(failed("read"))?;
        let tenants = Numbers::read(&transaction).map_err(failed("read"))?;
        let batch = Batch::new(records, &applied, &self.codecs, tenants, places)?;
        let records = batch.records;
        write(&transaction, batch).map_err(failed("written"))?;
        transaction.commit().map_err(failed("written"))?;
        Ok(records)
    }

    /// The first offset of a topic's partition that has not been applied.
    pub fn next_offset(&self, topic: &str, partition: i32) -> Result<i64, GoldenError> {
        let offsets = offsets(&self.connection).map_err(failed("read"))?;
        Ok(offsets.get(&(topic.to_owned(), partition)).copied().unwrap_or(0))
    }
}

impl Golden {
    /// The greatest time of a raw record; 0 before the first one.
    pub fn newest(&self) -> Result<Millis, GoldenError> {
        let newest = self
            .connection
            .query_row("SELECT coalesce(max(at), 0) FROM newest", [], |row| row.get(0));
        newest.map_err(failed("read"))
    }
}

fn offsets(connection: &Connection) -> Result<Offsets<String>, rusqlite::Error> {
    let mut statement = connection.prepare_cached("SELECT topic, partition, next_offset FROM offsets")?;
    let rows = statement.query_map([], |row| Ok(((row.get(0)?, row.get(1)?), row.get(2)?)))?;
    rows.collect()
}

fn write(transaction: &Transaction, batch: Batch) -> Result<(), rusqlite::Error> {
    write_people(transaction, &batch.people)?;
    write_sessions(transaction, &batch.sessions)?;
    write_parts(transaction, &batch.parts)?;
    write_events(transaction, &batch.events)?;
    write_statuses(transaction, &batch.statuses)?;
    write_consents(transaction, &batch.consents)?;
    write_accounts(transaction, &batch.accounts)?;
    write_records(transaction, &batch.crm_records)?;
    write_outcomes(transaction, &batch.crm_writes)?;
    write_metrics(transaction, &batch.metrics)?;
    write_counts(transaction, &batch.counts)?;
    batch.tenants.write(transaction)?;
    if let Some(entries) = batch.places {
        places::write(transaction, entries)?;
    }
    if let Some(newest) = batch.newest {
        transaction
            .prepare_cached("INSERT INTO newest VALUES (0, ?1) ON CONFLICT DO UPDATE SET at = max(at, excluded.at)")?
            .execute([newest])?;
    }
    let mut offset = transaction.prepare_cached(
        "INSERT INTO offsets VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET next_offset = excluded.next_offset",
    )?;
    for ((topic, partition), next) in batch.offsets {
        offset.execute(params![topic, partition, next])?;
    }
    Ok(())
}
