//! Where places wait for published outcomes, a CRM that takes nothing must not hold up others: what waits for it is
//! published as deferred, and its places are let go.

use super::{Shared, Writer, WriterError, claims::Claims, standing, status};
use crate::{
    edge::Inlet,
    facts::{self, Lane, Told},
    links::Link,
    worker::State,
};
use hilo_contracts::facts::{CrmRecord, CrmWrite};
use hilo_service::clock;
use std::sync::Arc;

/// Records that are announced at once.
const AT_ONCE: usize = 1_000;

impl Writer {
    pub(super) async fn announce(&mut self, inlet: &mut dyn Inlet) -> Result<(), WriterError> {
        if self.ledger.open() == 0 {
            return Ok(());
        }
        // With the window half full, records of slow CRMs are published as deferred too.
        let crowded = self.ledger.open() >= self.common.settings.window / 2;
        for lane in self.common.links.call(|db| db.all_lanes()).await? {
            let shared = self.lanes.get(&lane).map(Arc::clone);
            let told = match shared.as_deref() {
                None => Some(("no_sink", None)),
                Some(shared) => reason(shared).or(crowded.then_some(("rate", None))),
            };
            if let Some((code, until)) = told {
                self.defer(inlet, &lane, code, until).await?;
            }
        }
        Ok(())
    }

    async fn defer(
        &mut self,
        inlet: &mut dyn Inlet,
        lane: &Lane,
        code: &'static str,
        until: Option<i64>,
    ) -> Result<(), WriterError> {
        let shared = self.lanes.get(lane).map(Arc::clone);
        let nobody = Claims::default();
        let claims = shared.as_deref().map_or(&nobody, |shared| &shared.claims);
        loop {
            let name = lane.clone();
            let mut records = self.common.links.call(move |db| db.unannounced(&name, AT_ONCE)).await?;
            let claim = claims.hold(records.iter().map(|(record, ..)| record.record_key.as_str()));
            let held = records.iter().filter(|(record, ..)| claim.has(&record.record_key));
            let held: Vec<(String, i64)> = held
                .map(|(record, ..)| (record.record_key.clone(), record.revision))
                .collect();
            // Some may have come to rest before they were held.
            let name = lane.clone();
            let waiting = self.common.links.call(move |db| db.still_waiting(&name, &held)).await?;
            records.retain(|(record, ..)| waiting.contains(&record.record_key));
            if records.is_empty() {
                return Ok(());
            }
            let now = clock::now();
            let fact = |(record, attempts, link): &(CrmRecord, u32, Option<Link>)| {
                let told = Told {
                    kind: "deferred",
                    remote_id: link.as_ref().and_then(|link| link.remote_id.clone()),
                    content_hash: link.as_ref().and_then(|link| link.content_hash.clone()),
                    attempts: *attempts,
                    until: until.or(Some(now)),
                    code: Some(code),
                    ..Told::of(record)
                };
                facts::of_record(lane, told, now)
            };
            let facts: Vec<CrmWrite> = records.iter().map(fact).collect();
            self.common.outcomes.publish(facts).await?;
            let keys: Vec<(String, i64)> = records
                .into_iter()
                .map(|(record, ..)| (record.record_key, record.revision))
                .collect();
            if let Some(shared) = &shared {
                status::counters(shared).deferred += keys.len() as u64;
            }
            let (name, told) = (lane.clone(), keys.clone());
            self.common.links.call(move |db| db.announced(&name, &told)).await?;
            drop(claim);
            self.commit(inlet, lane, &keys).await?;
        }
    }
}

/// Why a CRM takes nothing.
fn reason(shared: &Shared) -> Option<(&'static str, Option<i64>)> {
    match standing::of(shared).state() {
        State::Open => None,
        State::Paused { code, until } => Some((code, Some(*until))),
        State::Stopped { code, probe, .. } => Some((code, Some(*probe))),
    }
}
