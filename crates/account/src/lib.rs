//! Quality, limits and templates of the business side.
#![doc = include_str!("../README.md")]

mod processor;

pub use processor::Account;

use hilo_contracts::topics;
use hilo_stream::{ProcessorSpec, Scope, StoreSpec, TopicKind, TopicSpec};
use std::sync::Arc;

/// The processor's place in the topology.
#[must_use]
pub fn spec() -> ProcessorSpec {
    ProcessorSpec {
        name: "account",
        doc: "Tells what happens to numbers, templates, accounts and portfolios.",
        scope: Scope::Keyed,
        inputs: vec![topics::ACCOUNT_ITEM],
        outputs: vec![TopicSpec {
            name: topics::ACCOUNT,
            kind: TopicKind::Derived,
            key: "subject",
            schema: Some(topics::ACCOUNT),
            kept: "for ever: what is true of a subject is in all of its observations together, and they are few",
            doc: "Quality, limits and lives of numbers, templates, accounts and portfolios.",
        }],
        also_writes: vec![topics::MESSAGE_ITEM],
        stores: vec![StoreSpec {
            name: "subjects",
            doc: "subject → revision and latest observation; one per number, template, account and portfolio",
        }],
        factory: Arc::new(|| Box::<Account>::default()),
    }
}

#[cfg(test)]
mod tests;
