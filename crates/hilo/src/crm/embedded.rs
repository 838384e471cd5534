//! The writer over the embedded log: one partition, and offsets in the links file.

use hilo_contracts::{
    codec::{self, AvroCodec, Codec as _},
    facts::{CrmRecord, CrmWrite},
    topics,
};
use hilo_crm_writer::{EdgeError, Event, Inlet, Outcomes, Place, Reply};
use hilo_stream::{
    Record, Topology,
    embedded::{Log, ProgressWatch},
};
use std::{
    collections::HashMap,
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::sync::oneshot;

/// Records at once.
const CHUNK: usize = 500;
/// How long one look for new records waits.
const PATIENCE: Duration = Duration::from_millis(500);

/// An error of the engine, as the writer tells it.
pub(super) fn failed(what: &'static str, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> EdgeError {
    EdgeError {
        what,
        source: source.into(),
    }
}

/// Reads the desired records of a data directory.
pub(crate) struct LogInlet {
    reading: Arc<Mutex<Reading>>,
    watch: ProgressWatch,
    /// The node stops: what is there now is read, and then there is an end.
    ends: Arc<AtomicBool>,
    /// The offset of the raw log up to which old state is rebuilt. What is desired before it is of long ago.
    rebuilds: u64,
}

struct Reading {
    log: Log,
    next: u64,
    /// Commits of the engine that were waited for.
    batches: u64,
    /// What is read and nobody has taken yet.
    found: Vec<(Place, CrmRecord)>,
    codec: AvroCodec<CrmRecord>,
    /// After a rebuild, the offset of the newest record of each key that was there. The older ones are of long ago: the CRM must
    /// not have them again.
    newest: Option<HashMap<Vec<u8>, u64>>,
}

impl LogInlet {
    /// Goes on at `next`.
    pub(crate) fn new(dir: &Path, topology: &Topology, watch: ProgressWatch, next: i64, ends: Arc<AtomicBool>) -> Self {
        Self {
            reading: Arc::new(Mutex::new(Reading {
                log: Log::open(dir, topology),
                next: next.unsigned_abs(),
                batches: 0,
                found: Vec::new(),
                codec: codec::crm_record(),
                newest: None,
            })),
            watch,
            ends,
            rebuilds: 0,
        }
    }

    /// Gives nothing before the state is rebuilt up to this offset of the raw log.
    pub(crate) fn after_rebuild(mut self, upto: u64) -> Self {
        self.rebuilds = upto;
        self
    }
}

impl Reading {
    fn chunk(&mut self, from: u64) -> Result<Vec<(u64, Record)>, EdgeError> {
        self.log
            .read(topics::CRM_RECORD, from, CHUNK)
            .map_err(|error| failed("the desired records cannot be read", error))
    }

    /// Looks for the newest record of each key, once.
    fn look_ahead(&mut self) -> Result<(), EdgeError> {
        if self.newest.is_some() {
            return Ok(());
        }
        let (mut newest, mut from) = (HashMap::new(), self.next);
        loop {
            let records = self.chunk(from)?;
            let Some((last, _)) = records.last() else { break };
            from = last + 1;
            newest.extend(records.into_iter().map(|(offset, record)| (record.key, offset)));
        }
        self.newest = Some(newest);
        Ok(())
    }

    /// Reads until something is found, or the log ends.
    fn read(&mut self) -> Result<(), EdgeError> {
        while self.found.is_empty() {
            let records = self.chunk(self.next)?;
            if records.is_empty() {
                return Ok(());
            }
            self.take(records)?;
        }
        Ok(())
    }

    fn take(&mut self, records: Vec<(u64, Record)>) -> Result<(), EdgeError> {
        for (offset, record) in records {
            self.next = offset + 1;
            let newest = self.newest.as_ref().and_then(|newest| newest.get(&record.key));
            if newest.is_some_and(|newest| offset < *newest) {
                continue;
            }
            let desired = self
                .codec
                .decode(&record.value)
                .map_err(|error| failed("a desired record cannot be decoded", error))?;
            let place = Place {
                partition: 0,
                offset: offset.cast_signed(),
            };
            self.found.push((place, desired));
        }
        Ok(())
    }
}

impl Inlet for LogInlet {
    fn next(&mut self) -> Reply<'_, Result<Event, EdgeError>> {
        Box::pin(async {
            let (reading, watch) = (Arc::clone(&self.reading), self.watch.clone());
            // Looked at before the log: what was there when somebody said stop is given.
            let ends = self.ends.load(Ordering::Acquire);
            let rebuilds = self.rebuilds;
            // What is read stays with the reading: a future that is dropped loses nothing.
            let look = move || {
                let mut reading = reading.lock().unwrap_or_else(PoisonError::into_inner);
                if !reading.found.is_empty() {
                    return Ok(());
                }
                if watch.get().raw_offset < rebuilds {
                    if !ends {
                        reading.batches = watch.wait(reading.batches, PATIENCE).batches;
                    }
                    return Ok(());
                }
                if rebuilds > 0 {
                    reading.look_ahead()?;
                }
                reading.read()?;
                if reading.found.is_empty() && !ends {
                    reading.batches = watch.wait(reading.batches, PATIENCE).batches;
                }
                Ok::<(), EdgeError>(())
            };
            tokio::task::spawn_blocking(look)
                .await
                .map_err(|error| failed("the reader of the desired records ended", error))??;
            let mut reading = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
            let found = std::mem::take(&mut reading.found);
            Ok(if found.is_empty() && ends {
                Event::End
            } else {
                Event::Records(found)
            })
        })
    }
}

/// Puts outcomes into the log, with the engine's next commit.
pub(crate) struct LogOutcomes {
    inlet: hilo_stream::embedded::Inlet,
    codec: AvroCodec<CrmWrite>,
}

impl LogOutcomes {
    pub(crate) fn new(inlet: hilo_stream::embedded::Inlet) -> Self {
        Self {
            inlet,
            codec: codec::crm_write(),
        }
    }
}

/// A fact as a record of its topic.
pub(super) fn record(codec: &AvroCodec<CrmWrite>, fact: &CrmWrite) -> Result<Record, EdgeError> {
    let (object, key) = (
        fact.object.as_deref().unwrap_or_default(),
        fact.record_key.as_deref().unwrap_or_default(),
    );
    Ok(Record {
        topic: topics::CRM_WRITE,
        key: hilo_crm::record_topic_key(&fact.tenant, &fact.sink, object, key),
        value: codec
            .encode(fact)
            .map_err(|error| failed("an outcome cannot be encoded", error))?,
        timestamp: fact.event_time,
    })
}

impl Outcomes for LogOutcomes {
    fn publish(&self, facts: Vec<CrmWrite>) -> Reply<'_, Result<(), EdgeError>> {
        Box::pin(async move {
            let records: Result<Vec<Record>, EdgeError> = facts.iter().map(|fact| record(&self.codec, fact)).collect();
            let (sender, appended) = oneshot::channel();
            // Nobody listens any more where the writer was stopped: it is published again.
            self.inlet
                .append(records?)
                .then(move |result| drop(sender.send(result)));
            match appended.await {
                Ok(Ok(_)) => Ok(()),
                Ok(Err(error)) => Err(failed("an outcome cannot be put into the log", error)),
                Err(error) => Err(failed("the engine ended before an outcome was in the log", error)),
            }
        })
    }
}
