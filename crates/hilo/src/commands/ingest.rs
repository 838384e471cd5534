//! `hilo ingest`: captures into the raw log, as the gateway would.

use crate::{captures, cli::Ingest, failure::Failure, kafka, place, progress::Progress, say::say};
use anyhow::anyhow;
use hilo_contracts::topics::RAW;
use hilo_kafka::{Delivered, RawProducer, topics};
use hilo_stream::{
    Record,
    embedded::{DataDir, RawLog, Receipt},
};
use std::{
    collections::VecDeque,
    sync::{Arc, Condvar, Mutex, PoisonError},
    time::Duration,
};

/// Records appended at once.
const BATCH: usize = 1_000;
/// Batches whose receipts may be outstanding.
const AHEAD: usize = 8;

pub(crate) fn run(arguments: &Ingest) -> Result<(), Failure> {
    let (config, dir) = place::open(&arguments.place)?;
    // Before the directory: a wrong file name makes none.
    let records = captures::records(&arguments.files)?;
    // A data directory that is named is meant.
    if config.kafka.is_some() && arguments.place.data_dir.is_none() {
        return to_kafka(arguments, records, &kafka::Place::new(&config)?);
    }
    let directory = DataDir::open(&dir)?;
    let log = RawLog::open(&directory, RAW)?;
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
        say!(
            "{}",
            serde_json::json!({"appended": appended, "raw_records": log.len()})
        )?;
    } else {
        say!(
            "{appended} lines appended to {}; `hilo up` or `hilo demo` processes them",
            log.path().display()
        )?;
    }
    Ok(())
}

/// Records that may wait for the broker's answer.
const UNANSWERED: u64 = 20_000;
/// How long the broker may take for all that is left at the end.
const PATIENCE: Duration = Duration::from_mins(2);

/// Counts what the broker answered, and holds the reader back while too much waits.
#[derive(Default)]
struct Answers {
    state: Mutex<Answered>,
    changed: Condvar,
}

#[derive(Default)]
struct Answered {
    safe: u64,
    failed: Option<String>,
}

impl Answers {
    fn note(&self, count: u64, outcome: Delivered) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match outcome {
            Delivered::Safe => state.safe += count,
            Delivered::Full => state.failed = Some("its queue is full".to_owned()),
            Delivered::Unavailable(reason) => state.failed = Some(reason),
        }
        self.changed.notify_all();
    }

    /// Waits until `least` records are safe; gives how many are.
    fn wait(&self, least: u64) -> Result<u64, Failure> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        while state.safe < least && state.failed.is_none() {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        match &state.failed {
            None => Ok(state.safe),
            Some(reason) => Err(Failure::failed(anyhow!(
                "the broker did not take all lines ({reason}); {} are safe: ingest the same files again, what is there \
                 already is a duplicate",
                state.safe
            ))),
        }
    }
}

fn to_kafka(
    arguments: &Ingest,
    mut records: impl Iterator<Item = anyhow::Result<Record>>,
    place: &kafka::Place,
) -> Result<(), Failure> {
    topics::require(&place.cluster, &place.plans()?)?;
    let producer = RawProducer::new(&place.cluster, RAW, place.framing()?, PATIENCE)?;
    let mut progress = Progress::new("lines durable");
    let answers = Arc::new(Answers::default());
    let (mut sent, mut told) = (0, 0);
    let mut batch = Vec::with_capacity(BATCH);
    loop {
        let record = records.next().transpose()?;
        let ended = record.is_none();
        batch.extend(record);
        if batch.len() == BATCH || (ended && !batch.is_empty()) {
            let count = batch.len() as u64;
            sent += count;
            let answers = Arc::clone(&answers);
            producer.append(std::mem::take(&mut batch), 0, "", move |outcome| {
                answers.note(count, outcome);
            });
        }
        let least = if ended { sent } else { sent.saturating_sub(UNANSWERED) };
        if ended || batch.is_empty() {
            let safe = answers.wait(least)?;
            progress.add(safe - told);
            told = safe;
        }
        if ended {
            break;
        }
    }
    progress.finish();
    if arguments.json {
        say!("{}", serde_json::json!({"appended": sent}))?;
    } else {
        say!("{sent} lines appended to {}", place.cluster.name(RAW))?;
    }
    Ok(())
}
