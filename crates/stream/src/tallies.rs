//! What a processor counts, as records: the counters of an engine are of one process, or of one partition, and a page needs
//! those of a tenant since the first record.

use crate::{Context, ProcessorError, StateStore, Store, StoreSpec, wire};
use hilo_contracts::{tally::Pending, topics};
use hilo_domain::Millis;

/// The one key of a store that holds one entry.
const ONLY: &[u8] = b"";

/// Counts between two clock records; see [`Pending`].
pub struct Tallies {
    pending: Store<Pending>,
}

impl Default for Tallies {
    fn default() -> Self {
        Self {
            pending: Store::new(Self::STORE.name),
        }
    }
}

impl Tallies {
    /// The store, for the specification of the processor.
    pub const STORE: StoreSpec = StoreSpec {
        name: "pending",
        doc: "what was counted since the last clock record: one entry",
    };

    /// Counts in the engine's own counters, and for the totals of `tenant`.
    pub fn count(
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
    pub fn send(&mut self, now: Millis, context: &mut Context) -> Result<(), ProcessorError> {
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

    /// The store, for [`crate::Processor::stores`].
    pub fn store(&mut self) -> &mut dyn StateStore {
        &mut self.pending
    }
}
