//! The consent processor: signs of people in, entries of their ledgers out.

use crate::ledger::Ledger;
use hilo_contracts::{
    codec::{self, AvroCodec, Codec as _},
    facts::Consent as Fact,
    item::ConsentRecord,
    topics,
};
use hilo_stream::{Context, Processor, ProcessorError, Record, StateStore, Store, Verdict, wire};

/// See the crate's documentation.
pub struct Consent {
    ledgers: Store<Ledger>,
    codec: AvroCodec<Fact>,
}

impl Default for Consent {
    fn default() -> Self {
        Self {
            ledgers: Store::new("ledgers"),
            codec: codec::consent(),
        }
    }
}

impl Processor for Consent {
    fn process(&mut self, record: &Record, context: &mut Context) -> Result<Verdict, ProcessorError> {
        let person_id = String::from_utf8_lossy(&record.key).into_owned();
        let ledger = self.ledgers.get_or_insert_with(&record.key, Ledger::default)?;
        let told = match wire::decode(&record.value)? {
            ConsentRecord::Sign(sign) => ledger.enter(&person_id, *sign),
            ConsentRecord::Forget { id, .. } => ledger.forget(&id),
        };
        for fact in told {
            let value = self
                .codec
                .encode(&fact)
                .map_err(|error| ProcessorError::Contract(error.to_string()))?;
            context.send(topics::CONSENT, record.key.clone(), fact.event_time, value);
        }
        Ok(Verdict::Done)
    }

    fn stores(&mut self) -> Vec<&mut dyn StateStore> {
        vec![&mut self.ledgers]
    }
}
