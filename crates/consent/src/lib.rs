//! The consent ledger.
#![doc = include_str!("../README.md")]

mod chain;
mod ledger;
mod processor;

pub use chain::{Broken, verify, wills};
pub use processor::Consent;

use hilo_contracts::topics;
use hilo_stream::{ProcessorSpec, Scope, StoreSpec, TopicKind, TopicSpec};
use std::sync::Arc;

/// The processor's place in the topology.
#[must_use]
pub fn spec() -> ProcessorSpec {
    ProcessorSpec {
        name: "consent",
        doc: "Keeps what people said about being written to, as a chain of hashes for each person.",
        scope: Scope::Keyed,
        inputs: vec![topics::CONSENT_ITEM],
        outputs: vec![TopicSpec {
            name: topics::CONSENT,
            kind: TopicKind::Derived,
            key: "person",
            schema: Some(topics::CONSENT),
            kept: "for ever: a consent has to be proved for as long as the person is written to; erasure is by person",
            doc: "Entries of the consent ledger; the highest revision of a person's entry holds.",
        }],
        also_writes: vec![],
        stores: vec![StoreSpec {
            name: "ledgers",
            doc: "person → entries; grows with signs, which are rare",
        }],
        factory: Arc::new(|| Box::<Consent>::default()),
    }
}

#[cfg(test)]
mod tests;
