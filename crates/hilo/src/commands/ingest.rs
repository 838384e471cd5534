//! `hilo ingest`: captures into the raw log, as the gateway would.

use crate::{captures, cli::Ingest, failure::Failure, place, progress::Progress};
use hilo_contracts::topics;
use hilo_stream::embedded::{DataDir, RawLog, Receipt};
use std::collections::VecDeque;

/// Records appended at once.
const BATCH: usize = 1_000;
/// Batches whose receipts may be outstanding.
const AHEAD: usize = 8;

pub(crate) fn run(arguments: &Ingest) -> Result<(), Failure> {
    let (_, dir) = place::open(&arguments.place)?;
    // Before the directory: a wrong file name makes none.
    let records = captures::records(&arguments.files)?;
    let directory = DataDir::open(&dir)?;
    let log = RawLog::open(&directory, topics::RAW)?;
    let before = log.len();
    let mut progress = Progress::new("lines durable");
    let mut receipts: VecDeque<(usize, Receipt)> = VecDeque::new();
    let mut batch = Vec::with_capacity(BATCH);
    let mut settle = |(count, receipt): (usize, Receipt)| -> Result<(), Failure> {
        receipt.wait()?;
        progress.add(count as u64);
        Ok(())
    };
    for record in records {
        batch.push(record?);
        if batch.len() == BATCH {
            receipts.push_back((batch.len(), log.append(std::mem::take(&mut batch))));
            if receipts.len() > AHEAD
                && let Some(oldest) = receipts.pop_front()
            {
                settle(oldest)?;
            }
        }
    }
    if !batch.is_empty() {
        receipts.push_back((batch.len(), log.append(batch)));
    }
    for receipt in receipts {
        settle(receipt)?;
    }
    progress.finish();
    let appended = log.len() - before;
    if arguments.json {
        println!(
            "{}",
            serde_json::json!({"appended": appended, "raw_records": log.len()})
        );
    } else {
        println!(
            "{appended} lines appended to {}; `hilo up` or `hilo demo` processes them",
            log.path().display()
        );
    }
    Ok(())
}
