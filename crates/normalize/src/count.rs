//! The processor `count`: what became of the items, as totals that mean the same on every engine.
//!
//! The counters of an engine are of one process, or of one partition. A page needs those of a tenant since the first record.
//! So what processors count travels as records, and its totals are facts like any other.

use hilo_contracts::{
    codec::{self, AvroCodec, Codec as _},
    facts::Count as Fact,
    tally::{Pending, Tally},
    topics,
};
use hilo_domain::{Millis, hash::IdHasher};
use hilo_stream::{Context, Processor, ProcessorError, Record, StateStore, Store, Verdict, wire};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The one key of a store that holds one entry.
const ONLY: &[u8] = b"";

/// Counts between two clock records; see [`Pending`].
pub(crate) struct Tallies {
    pending: Store<Pending>,
}

impl Default for Tallies {
    fn default() -> Self {
        Self {
            pending: Store::new("pending"),
        }
    }
}

impl Tallies {
    /// Counts in the engine's own counters, and for the totals of `tenant`.
    pub(crate) fn count(
        &mut self,
        context: &mut Context,
        tenant: &str,
        counter: &'static str,
        label: &'static str,
        amount: u64,
    ) -> Result<(), ProcessorError> {
        context.counts.push((counter, label, amount));
        self.pending
            .get_or_insert_with(ONLY, Pending::default)?
            .add(tenant, counter, label, amount);
        Ok(())
    }

    /// Sends what was counted since the last time.
    pub(crate) fn send(&mut self, now: Millis, context: &mut Context) -> Result<(), ProcessorError> {
        // An empty one is not changed, so an idle second writes no state.
        if self
            .pending
            .get(ONLY)?
            .is_none_or(|pending| *pending == Pending::default())
        {
            return Ok(());
        }
        let Some(pending) = self.pending.get_mut(ONLY)? else {
            return Ok(());
        };
        for tally in pending.take() {
            let value = wire::encode(&tally)?;
            context.send(topics::TALLY, tally.tenant.into_bytes(), now, value);
        }
        Ok(())
    }

    pub(crate) fn store(&mut self) -> &mut dyn StateStore {
        &mut self.pending
    }
}

/// Totals of one tenant by counter and label.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Totals {
    amounts: BTreeMap<(String, String), u64>,
    /// Those that have risen since they were published.
    risen: BTreeSet<(String, String)>,
}

/// See the module's documentation.
pub struct Count {
    /// By tenant.
    totals: Store<Totals>,
    /// Tenants with totals that have risen.
    risen: Store<BTreeSet<String>>,
    codec: AvroCodec<Fact>,
}

impl Default for Count {
    fn default() -> Self {
        Self {
            totals: Store::new("totals"),
            risen: Store::new("risen"),
            codec: codec::count(),
        }
    }
}

impl Processor for Count {
    fn process(&mut self, record: &Record, _: &mut Context) -> Result<Verdict, ProcessorError> {
        let tally: Tally = wire::decode(&record.value)?;
        let totals = self
            .totals
            .get_or_insert_with(tally.tenant.as_bytes(), Totals::default)?;
        for amount in tally.amounts {
            let key = (amount.counter, amount.label);
            *totals.amounts.entry(key.clone()).or_default() += amount.amount;
            totals.risen.insert(key);
        }
        let risen = self.risen.get_or_insert_with(ONLY, BTreeSet::new)?;
        risen.insert(tally.tenant);
        Ok(Verdict::Done)
    }

    fn tick(&mut self, now: Millis, context: &mut Context) -> Result<(), ProcessorError> {
        if self.risen.get(ONLY)?.is_none_or(BTreeSet::is_empty) {
            return Ok(());
        }
        let Some(risen) = self.risen.get_mut(ONLY)? else {
            return Ok(());
        };
        for tenant in std::mem::take(risen) {
            let Some(totals) = self.totals.get_mut(tenant.as_bytes())? else {
                continue;
            };
            for (counter, label) in std::mem::take(&mut totals.risen) {
                let amount = totals.amounts.get(&(counter.clone(), label.clone())).copied();
                let mut key = IdHasher::new("count");
                for part in [&tenant, &counter, &label] {
                    key.update(part.as_bytes());
                }
                let fact = Fact {
                    tenant: tenant.clone(),
                    counter,
                    label,
                    amount: amount.unwrap_or_default().cast_signed(),
                    event_time: now,
                };
                let value = self.codec.encode(&fact).map_err(ProcessorError::contract)?;
                context.send(topics::COUNT, key.bytes(), now, value);
            }
        }
        Ok(())
    }

    fn stores(&mut self) -> Vec<&mut dyn StateStore> {
        vec![&mut self.totals, &mut self.risen]
    }
}
