//! Each item once, and what a repetition adds.
#![doc = include_str!("../README.md")]

mod callback;
mod link;
mod pack;
mod processor;
mod seen;
mod stand_in;

pub use processor::Deduplicate;

use hilo_contracts::topics;
use hilo_stream::{ProcessorSpec, Scope, StoreSpec, Tallies, TopicKind, TopicSpec};
use std::sync::Arc;

/// The processor's place in the topology.
#[must_use]
pub fn spec() -> ProcessorSpec {
    ProcessorSpec {
        name: "deduplicate",
        doc: "Lets each item through once; what a repetition adds goes on as a better description or as evidence.",
        scope: Scope::Keyed,
        inputs: vec![topics::ITEM],
        outputs: vec![
            TopicSpec {
                name: topics::UNIQUE,
                kind: TopicKind::Internal,
                key: "tenant",
                schema: None,
                kept: "until read",
                doc: "Items without their duplicates.",
            },
            TopicSpec {
                name: topics::ACCOUNT_ITEM,
                kind: TopicKind::Internal,
                key: "subject",
                schema: None,
                kept: "until read",
                doc: "Items about the business side, without their duplicates.",
            },
        ],
        // A status tells where its callback data is awaited.
        also_writes: vec![topics::ITEM, topics::TALLY],
        stores: vec![
            StoreSpec {
                name: "seen",
                doc: "message or item → what was told of it; grows with messages, see the crate's documentation",
            },
            Tallies::STORE,
        ],
        factory: Arc::new(|| Box::<Deduplicate>::default()),
    }
}

#[cfg(test)]
mod tests;
