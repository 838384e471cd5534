//! Facts into rows: one transaction a batch, together with the offsets.

use crate::{
    Entry, Golden, GoldenError,
    batch::Batch,
    error::failed,
    write::{write_accounts, write_events, write_parts, write_people, write_sessions, write_statuses},
};
use rusqlite::{Transaction, TransactionBehavior, params};

impl Golden {
    /// Applies records in one transaction with their offsets; what has been applied before is skipped, so each record
    /// takes effect exactly once. Topics that the golden record is not built from are passed over. Gives the number
    /// of records that were new.
    pub fn apply(&mut self, entries: &[Entry]) -> Result<usize, GoldenError> {
        let batch = Batch::new(entries, &self.offsets, &self.codecs)?;
        if batch.offsets.is_empty() {
            return Ok(0);
        }
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(failed("written"))?;
        write(&transaction, &batch).map_err(failed("written"))?;
        transaction.commit().map_err(failed("written"))?;
        let new = entries
            .iter()
            .filter(|entry| entry.offset >= self.next_offset(entry.record.topic, entry.partition))
            .filter(|entry| crate::TOPICS.contains(&entry.record.topic))
            .count();
        self.offsets.extend(batch.offsets);
        Ok(new)
    }
}

fn write(transaction: &Transaction, batch: &Batch) -> Result<(), rusqlite::Error> {
    write_people(transaction, &batch.people)?;
    write_sessions(transaction, &batch.sessions)?;
    write_parts(transaction, &batch.parts)?;
    write_events(transaction, &batch.events)?;
    write_statuses(transaction, &batch.statuses)?;
    write_accounts(transaction, &batch.accounts)?;
    let mut offsets = transaction.prepare_cached(
        "INSERT INTO offsets VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET next_offset = excluded.next_offset",
    )?;
    for ((topic, partition), next) in &batch.offsets {
        offsets.execute(params![topic, partition, next.cast_signed()])?;
    }
    Ok(())
}
