//! Events of the inlet: records come in, partitions come and go.

use super::{Writer, WriterError, status};
use crate::{
    edge::{Inlet, Past, Place},
    facts::{self, Lane, Told},
    links::{Incoming, Triage},
};
use hilo_contracts::facts::{CrmRecord, CrmWrite};
use hilo_service::clock;
use std::time::Duration;

/// Facts of the past that are restored in one transaction.
const RESTORED_AT_ONCE: usize = 5_000;

impl Writer {
    pub(super) async fn take_in(
        &mut self,
        inlet: &mut dyn Inlet,
        records: Vec<(Place, CrmRecord)>,
    ) -> Result<(), WriterError> {
        if records.is_empty() {
            return Ok(());
        }
        let local = inlet.is_local();
        let incoming = |(place, record): (Place, CrmRecord)| Incoming {
            place,
            lane: Lane {
                tenant: record.tenant.clone(),
                sink: record.sink.clone(),
            },
            record,
        };
        let batch: Vec<Incoming> = records.into_iter().map(incoming).collect();
        let (batch, decided) = self
            .common
            .links
            .call(move |db| {
                let decided = db.triage(&batch)?;
                Ok((batch, decided))
            })
            .await?;
        let batch: Vec<(Incoming, Triage)> = batch.into_iter().zip(decided).collect();
        // Published before it is kept: a writer that dies in between publishes it again.
        let facts: Vec<CrmWrite> = batch
            .iter()
            .filter_map(|(incoming, triage)| passed(incoming, triage))
            .collect();
        if !facts.is_empty() {
            self.common.outcomes.publish(facts).await?;
        }
        let now = clock::now();
        let (batch, taken) = self
            .common
            .links
            .call(move |db| {
                let taken = db.take_in(&batch, local, now)?;
                Ok((batch, taken))
            })
            .await?;
        for (lane, taken) in taken {
            if let Some(shared) = self.lanes.get(&lane) {
                status::counters(shared).skipped += taken.passed_over;
                shared.wake.notify_one();
            }
        }
        let mut committed = Vec::new();
        for (Incoming { place, lane, record }, triage) in batch {
            if let Some(shared) = self.lanes.get(&lane) {
                let mut counters = status::counters(shared);
                counters.received += 1;
                match triage {
                    Triage::AsIs(_) | Triage::Unfit("skipped", _) => counters.skipped += 1,
                    Triage::Unfit(_, code) => *counters.rejected.entry(code.to_owned()).or_default() += 1,
                    Triage::Repeated | Triage::Wanted => {}
                }
            }
            if local {
                continue;
            }
            match triage {
                // What was seen before may wait still, with a place of its own.
                Triage::Wanted => self.ledger.opened(&lane, &record.record_key, record.revision, place),
                Triage::Repeated if self.waits(&lane, &record).await? => {
                    self.ledger.opened(&lane, &record.record_key, record.revision, place);
                }
                _ => committed.extend(self.ledger.passed(place)),
            }
        }
        for place in committed {
            inlet.commit(place).await?;
        }
        Ok(())
    }

    /// Whether a record waits and no outcome says so.
    async fn waits(&self, lane: &Lane, record: &CrmRecord) -> Result<bool, WriterError> {
        let (lane, key) = (lane.clone(), record.record_key.clone());
        Ok(self
            .common
            .links
            .call(move |db| db.waits_unannounced(&lane, &key))
            .await?)
    }

    pub(super) async fn assigned(
        &mut self,
        inlet: &mut dyn Inlet,
        partition: i32,
        mut past: Past,
    ) -> Result<(), WriterError> {
        self.ledger.forget(partition);
        self.common.links.call(move |db| db.forget(partition)).await?;
        loop {
            let read = tokio::task::spawn_blocking(move || {
                let facts: Result<Vec<CrmWrite>, _> = past.by_ref().take(RESTORED_AT_ONCE).collect();
                (past, facts)
            });
            let (rest, facts) = read.await.map_err(|_| WriterError::Ended)?;
            past = rest;
            let facts = facts?;
            if facts.is_empty() {
                break;
            }
            self.common.links.call(move |db| db.restore(partition, &facts)).await?;
        }
        let wanted = self.common.links.call(move |db| db.wanted(partition)).await?;
        for wanted in wanted.chunks(RESTORED_AT_ONCE) {
            let records = inlet.latest(partition, wanted).await?;
            let now = clock::now();
            self.common
                .links
                .call(move |db| db.bring_back(partition, &records, now))
                .await?;
        }
        for shared in self.lanes.values() {
            shared.wake.notify_one();
        }
        Ok(())
    }

    /// What is under way ends, within a bounded time; what waits is read again by the next writer.
    pub(super) async fn revoked(
        &mut self,
        inlet: &mut dyn Inlet,
        partitions: Vec<i32>,
        lost: bool,
    ) -> Result<(), WriterError> {
        let gate = std::sync::Arc::clone(&self.common.gate);
        // The next writer of lost partitions waits for nobody: an old revision must not come after its newer one.
        let drain = if lost {
            Duration::ZERO
        } else {
            self.common.settings.drain
        };
        let drained = tokio::time::timeout(drain, gate.write()).await;
        let held = match drained {
            Ok(held) => held,
            Err(_) => {
                self.common.hurry.send_replace(true);
                let held = gate.write().await;
                self.common.hurry.send_replace(false);
                held
            }
        };
        if !lost {
            self.commit_rested(inlet).await?;
        }
        for partition in partitions.iter().copied() {
            self.ledger.forget(partition);
            self.common.links.call(move |db| db.forget(partition)).await?;
        }
        drop(held);
        Ok(inlet.released(&partitions).await?)
    }
}

/// The fact of a record that needs no write.
fn passed(incoming: &Incoming, triage: &Triage) -> Option<CrmWrite> {
    let record = &incoming.record;
    let told = Told::of(record);
    let told = match triage {
        Triage::AsIs(link) => Told {
            kind: match link.kind.as_str() {
                "merged" => "merged",
                "deleted" => "deleted",
                _ => "skipped",
            },
            remote_id: link.remote_id.clone(),
            content_hash: link.content_hash.clone(),
            ..told
        },
        Triage::Unfit(kind, code) => Told {
            kind,
            code: Some(code),
            ..told
        },
        Triage::Repeated | Triage::Wanted => return None,
    };
    Some(facts::of_record(&incoming.lane, told, clock::now()))
}
