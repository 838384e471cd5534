//! Facts into rows: one transaction a batch, together with the offsets.

use crate::{
    Golden, GoldenError,
    batch::Batch,
    error::failed,
    write::{write_accounts, write_events, write_parts, write_people, write_sessions, write_statuses},
};
use hilo_stream::Record;
use rusqlite::{Connection, Transaction, TransactionBehavior, params};
use rustc_hash::FxHashMap;

/// The embedded log has one partition a topic.
const PARTITION: i32 = 0;

impl Golden {
    /// Applies records, each with its topic and offset, in one transaction with the offsets. What has been applied
    /// before is skipped, so each record takes effect exactly once; topics that the golden record is not built from
    /// are passed over. Gives the number of records that were new.
    pub fn apply(&mut self, records: &[(&'static str, i64, Record)]) -> Result<usize, GoldenError> {
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(failed("written"))?;
        let applied = offsets(&transaction).map_err(failed("read"))?;
        let batch = Batch::new(records, &applied, &self.codecs)?;
        write(&transaction, &batch).map_err(failed("written"))?;
        transaction.commit().map_err(failed("written"))?;
        Ok(batch.records)
    }

    /// The first offset of a topic that has not been applied.
    pub fn next_offset(&self, topic: &str) -> Result<i64, GoldenError> {
        let offsets = offsets(&self.connection).map_err(failed("read"))?;
        Ok(offsets.get(topic).copied().unwrap_or(0))
    }
}

fn offsets(connection: &Connection) -> Result<FxHashMap<String, i64>, rusqlite::Error> {
    let mut statement = connection.prepare_cached("SELECT topic, next_offset FROM offsets WHERE partition = ?1")?;
    let rows = statement.query_map([PARTITION], |row| Ok((row.get(0)?, row.get(1)?)))?;
    rows.collect()
}

fn write(transaction: &Transaction, batch: &Batch) -> Result<(), rusqlite::Error> {
    write_people(transaction, &batch.people)?;
    write_sessions(transaction, &batch.sessions)?;
    write_parts(transaction, &batch.parts)?;
    write_events(transaction, &batch.events)?;
    write_statuses(transaction, &batch.statuses)?;
    write_accounts(transaction, &batch.accounts)?;
    let mut offset = transaction.prepare_cached(
        "INSERT INTO offsets VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET next_offset = excluded.next_offset",
    )?;
    for (topic, next) in &batch.offsets {
        offset.execute(params![topic, PARTITION, next])?;
    }
    Ok(())
}
