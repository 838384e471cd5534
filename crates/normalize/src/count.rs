//! The processor `count`: what became of the items, as totals that mean the same on every engine.
//!
//! What processors count travels as records ([`hilo_stream::Tallies`]), and its totals are facts like any other.

use hilo_contracts::{
    codec::{self, AvroCodec, Codec as _},
    facts::Count as Fact,
    tally::Tally,
    topics,
};
use hilo_domain::{Millis, hash::IdHasher};
use hilo_stream::{Context, Processor, ProcessorError, Record, StateStore, Store, Verdict, wire};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The one key of a store that holds one entry.
const ONLY: &[u8] = b"";

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
