//! The writer over Kafka: writers share the partitions of the desired records out among them.

use super::embedded::{failed, record};
use hilo_contracts::{
    codec::{self, AvroCodec, Codec as _},
    facts::{CrmRecord, CrmWrite},
    topics,
};
use hilo_crm_writer::{EdgeError, Event, Inlet, Outcomes, Past, Place, Reply, Wanted};
use hilo_domain::Millis;
use hilo_kafka::{Cluster, Delivered, EngineError, Framing, Measures, RawProducer, Share, Shared};
use hilo_service::clock;
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::oneshot;

/// The group of all writers.
pub(crate) const GROUP: &str = "hilo.crm";
/// Name of the writer among the lanes, for readiness.
const NAME: &str = "crm";
/// Records at once.
const CHUNK: usize = 500;
/// How long one look for new records waits.
const PATIENCE: Duration = Duration::from_millis(200);
/// How long the broker may take to keep an outcome.
const KEEPS: Duration = Duration::from_secs(30);

/// A member of the group of writers.
pub(crate) struct TopicInlet {
    share: Arc<Mutex<Share>>,
    cluster: Cluster,
    framing: Arc<Framing>,
    codec: AvroCodec<CrmRecord>,
    measures: Arc<Measures>,
    /// What the group said and the writer has not taken yet.
    waiting: Arc<Mutex<VecDeque<Told>>>,
}

enum Told {
    /// Perhaps none: the group waits for an answer to that too.
    Assigned(Vec<i32>),
    /// Assigned, and read from its offset on.
    Begun(i32),
    Revoked {
        partitions: Vec<i32>,
        lost: bool,
    },
    Records(Vec<(Place, CrmRecord)>),
}

fn edge(what: &'static str) -> impl FnOnce(EngineError) -> EdgeError {
    move |error| failed(what, error)
}

impl TopicInlet {
    pub(crate) fn join(
        cluster: &Cluster,
        framing: &Arc<Framing>,
        session_timeout: Duration,
        measures: &Arc<Measures>,
    ) -> Result<Self, EngineError> {
        let share = Share::join(cluster, GROUP, topics::CRM_RECORD, Arc::clone(framing), session_timeout)?;
        Ok(Self {
            share: Arc::new(Mutex::new(share)),
            cluster: cluster.clone(),
            framing: Arc::clone(framing),
            codec: codec::crm_record(),
            measures: Arc::clone(measures),
            waiting: Arc::default(),
        })
    }

    /// Does something with the consumer on a thread that may block.
    async fn with<T: Send + 'static>(
        &self,
        what: &'static str,
        ask: impl FnOnce(&mut Share) -> Result<T, EngineError> + Send + 'static,
    ) -> Result<T, EdgeError> {
        let share = Arc::clone(&self.share);
        tokio::task::spawn_blocking(move || ask(&mut share.lock().unwrap_or_else(PoisonError::into_inner)))
            .await
            .map_err(|error| failed(what, error))?
            .map_err(edge(what))
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Told>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The outcomes of a partition so far.
    fn past(&self, partition: i32) -> Result<Past, EdgeError> {
        let what = "the outcomes of a partition cannot be read";
        let past = hilo_kafka::Past::open(&self.cluster, topics::CRM_WRITE, partition, Arc::clone(&self.framing))
            .map_err(edge(what))?;
        let codec = codec::crm_write();
        Ok(Box::new(past.map(move |received| {
            let received = received.map_err(edge(what))?;
            codec
                .decode(&received.record.value)
                .map_err(|error| failed("an outcome cannot be decoded", error))
        })))
    }
}

impl Inlet for TopicInlet {
    fn next(&mut self) -> Reply<'_, Result<Event, EdgeError>> {
        Box::pin(async {
            if self.lock().is_empty() {
                let waiting = Arc::clone(&self.waiting);
                let codec = self.codec.clone();
                let measures = Arc::clone(&self.measures);
                // What comes goes into the queue on the thread itself: a future that is dropped loses nothing.
                self.with("the desired records cannot be read", move |share| {
                    let told = share.next(CHUNK, PATIENCE)?;
                    measures.waits(NAME, 0, share.waits().map(str::to_owned));
                    let mut waiting = waiting.lock().unwrap_or_else(PoisonError::into_inner);
                    match told {
                        Shared::Assigned(partitions) => waiting.push_back(Told::Assigned(partitions)),
                        Shared::Revoked { partitions, .. } if partitions.is_empty() => share.release(&[])?,
                        Shared::Revoked { partitions, lost } => {
                            waiting.push_back(Told::Revoked { partitions, lost });
                        }
                        Shared::Records(records) => {
                            let mut found = Vec::with_capacity(records.len());
                            for received in records {
                                let place = Place {
                                    partition: received.partition,
                                    offset: received.offset,
                                };
                                match codec.decode(&received.record.value) {
                                    Ok(desired) => found.push((place, desired)),
                                    Err(problem) => tracing::warn!(
                                        partition = place.partition,
                                        offset = place.offset,
                                        %problem,
                                        "a record is no desired record of ours; it is passed over"
                                    ),
                                }
                            }
                            waiting.push_back(Told::Records(found));
                        }
                    }
                    Ok(())
                })
                .await?;
            }
            let assigned = match self.lock().front() {
                Some(Told::Assigned(partitions)) => Some(partitions.clone()),
                _ => None,
            };
            if let Some(partitions) = assigned {
                let waiting = Arc::clone(&self.waiting);
                self.with("partitions cannot be taken over", move |share| {
                    // Held all the while: a future that is dropped must not begin them twice.
                    let mut waiting = waiting.lock().unwrap_or_else(PoisonError::into_inner);
                    if !matches!(waiting.front(), Some(Told::Assigned(_))) {
                        return Ok(());
                    }
                    share.begin(&partitions)?;
                    waiting.pop_front();
                    for partition in partitions.into_iter().rev() {
                        waiting.push_front(Told::Begun(partition));
                    }
                    Ok(())
                })
                .await?;
            }
            let told = self.lock().pop_front();
            Ok(match told {
                None => Event::Records(Vec::new()),
                Some(Told::Records(records)) => Event::Records(records),
                Some(Told::Revoked { partitions, lost }) => Event::Revoked { partitions, lost },
                // It came in meanwhile: it is begun with the next call.
                Some(told @ Told::Assigned(_)) => {
                    self.lock().push_front(told);
                    Event::Records(Vec::new())
                }
                Some(Told::Begun(partition)) => Event::Assigned {
                    partition,
                    past: self.past(partition)?,
                },
            })
        })
    }

    fn commit(&mut self, place: Place) -> Reply<'_, Result<(), EdgeError>> {
        Box::pin(async move {
            self.with("an offset cannot be committed", move |share| {
                share.commit(place.partition, place.offset + 1)
            })
            .await
        })
    }

    fn latest<'a>(&'a mut self, partition: i32, wanted: &'a [Wanted]) -> Reply<'a, Result<Vec<CrmRecord>, EdgeError>> {
        Box::pin(async move {
            let what = "the desired records of a partition cannot be read";
            let keys: BTreeSet<Vec<u8>> = wanted
                .iter()
                .map(|one| hilo_crm::record_topic_key(&one.tenant, &one.sink, &one.object, &one.record_key))
                .collect();
            let (cluster, framing) = (self.cluster.clone(), Arc::clone(&self.framing));
            let read = move || -> Result<BTreeMap<Vec<u8>, Vec<u8>>, EngineError> {
                let mut newest = BTreeMap::new();
                for received in hilo_kafka::Past::open(&cluster, topics::CRM_RECORD, partition, framing)? {
                    let record = received?.record;
                    if keys.contains(&record.key) {
                        newest.insert(record.key, record.value);
                    }
                }
                Ok(newest)
            };
            let newest = tokio::task::spawn_blocking(read)
                .await
                .map_err(|error| failed(what, error))?
                .map_err(edge(what))?;
            newest
                .values()
                .map(|value| {
                    self.codec
                        .decode(value)
                        .map_err(|error| failed("a desired record cannot be decoded", error))
                })
                .collect()
        })
    }

    fn released<'a>(&'a mut self, partitions: &'a [i32]) -> Reply<'a, Result<(), EdgeError>> {
        Box::pin(async move {
            let all = partitions.to_vec();
            self.with("partitions cannot be given up", move |share| share.release(&all))
                .await
        })
    }

    fn is_local(&self) -> bool {
        false
    }
}

/// Publishes outcomes on their topic.
pub(crate) struct TopicOutcomes {
    producer: RawProducer,
    codec: AvroCodec<CrmWrite>,
}

impl TopicOutcomes {
    pub(crate) fn new(cluster: &Cluster, framing: &Arc<Framing>) -> Result<Self, EngineError> {
        Ok(Self {
            producer: RawProducer::new(cluster, topics::CRM_WRITE, Arc::clone(framing), KEEPS)?,
            codec: codec::crm_write(),
        })
    }
}

impl Outcomes for TopicOutcomes {
    fn publish(&self, facts: Vec<CrmWrite>) -> Reply<'_, Result<(), EdgeError>> {
        Box::pin(async move {
            let records: Result<Vec<_>, EdgeError> = facts.iter().map(|fact| record(&self.codec, fact)).collect();
            let now: Millis = clock::now();
            let (sender, kept) = oneshot::channel();
            // Nobody listens any more where the writer was stopped: it is published again.
            self.producer
                .append(records?, now, "", move |outcome| drop(sender.send(outcome)));
            match kept.await {
                Ok(Delivered::Safe) => Ok(()),
                Ok(other) => Err(failed("an outcome was not kept by the broker", format!("{other:?}"))),
                Err(error) => Err(failed("the producer of outcomes ended", error)),
            }
        })
    }
}
