//! Who is who: the identity graph of a tenant.
#![doc = include_str!("../README.md")]

mod alone;
mod cluster;
mod evidence;
mod fold;
mod graph;
mod links;
mod portfolio;
mod processor;
mod rules;
mod said;
mod split;
mod stated;
mod suggest;
mod tell;

pub use processor::Identity;

use hilo_contracts::topics;
use hilo_stream::{ProcessorSpec, Scope, StoreSpec, TopicKind, TopicSpec};
use std::sync::Arc;

/// The processor's place in the topology.
#[must_use]
pub fn spec() -> ProcessorSpec {
    ProcessorSpec {
        name: "identity",
        doc: "Finds the person of each item, and tells when people appear, are linked, merge or change numbers.",
        scope: Scope::Keyed,
        inputs: vec![topics::UNIQUE],
        outputs: vec![
            TopicSpec {
                name: topics::IDENTITY,
                kind: TopicKind::Derived,
                key: "person",
                schema: Some(topics::IDENTITY),
                kept: "for ever: who somebody is does not expire; erasure is by person",
                doc: "Facts about who is who; the latest revision of a person is complete.",
            },
            TopicSpec {
                name: topics::PERSON_ITEM,
                kind: TopicKind::Internal,
                key: "person",
                schema: None,
                kept: "until read",
                doc: "Items with their person, and items that change hands.",
            },
            TopicSpec {
                name: topics::MESSAGE_ITEM,
                kind: TopicKind::Internal,
                key: "message",
                schema: None,
                kept: "until read",
                doc: "Items about a message with their person.",
            },
        ],
        also_writes: vec![],
        stores: vec![
            StoreSpec {
                name: "tokens",
                doc: "identifier (number variants and candidates share one) → cluster, and whether it is evidence; one per identifier",
            },
            StoreSpec {
                name: "clusters",
                doc: "cluster → evidence and people; at most 300 pieces of evidence, and the times at which numbers were seen, 8 bytes each",
            },
            StoreSpec {
                name: "next_cluster",
                doc: "the last cluster id given",
            },
            StoreSpec {
                name: "accounts",
                doc: "account → the portfolio that owns it; business number → its accounts; portfolio → its accounts",
            },
            StoreSpec {
                name: "account_dependants",
                doc: "account or business number → people who have user ids of several accounts, each by one of those",
            },
            StoreSpec {
                name: "statements",
                doc: "e-mail or document → who stated it, and who stated one → which; at most ten hashes each, or that there were more",
            },
        ],
        factory: Arc::new(|| Box::<Identity>::default()),
    }
}

#[cfg(test)]
mod before;
#[cfg(test)]
mod decision_tests;
#[cfg(test)]
mod fold_tests;
#[cfg(test)]
mod graph_tests;
#[cfg(test)]
mod portfolio_tests;
#[cfg(test)]
mod quiet_tests;
#[cfg(test)]
mod suggest_tests;
