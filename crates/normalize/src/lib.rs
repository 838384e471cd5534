//! Fan-out of deliveries into items, and what became of them.
#![doc = include_str!("../README.md")]

mod count;
mod envelope;
mod fields;
mod json;
mod key;
mod line_problem;
mod lines;
mod normalize;
mod outcome;
mod people;
mod stated;
mod tenant;
mod update;

pub use count::Count;
pub use line_problem::LineProblem;
pub use lines::check;
pub use normalize::{Normalize, dead_letter};
pub use tenant::Tenant;

use hilo_contracts::topics;
use hilo_stream::{ProcessorSpec, Scope, StoreSpec, Tallies, TopicKind, TopicSpec};
use std::{collections::BTreeMap, sync::Arc};

/// The place of `normalize` in the topology. `tenants`: what the configuration says of them, by name.
#[must_use]
pub fn normalize_spec(tenants: BTreeMap<String, Tenant>) -> ProcessorSpec {
    let tenants = Arc::new(tenants);
    ProcessorSpec {
        name: "normalize",
        doc: "Fans deliveries out into items; what it cannot read or does not know is kept whole.",
        scope: Scope::Keyed,
        inputs: vec![topics::RAW],
        outputs: vec![
            TopicSpec {
                name: topics::ITEM,
                kind: TopicKind::Internal,
                key: "hash of the message, else of the item",
                schema: None,
                kept: "until read",
                doc: "Items as they fan out, with their duplicates.",
            },
            TopicSpec {
                name: topics::DEAD_LETTER,
                kind: TopicKind::Derived,
                key: "as the original",
                schema: Some(topics::DEAD_LETTER),
                kept: "90 days: a quarter to mend the cause and play it again",
                doc: "What could not be read, whole, with its reason.",
            },
            TopicSpec {
                name: topics::UNCLASSIFIED,
                kind: TopicKind::Derived,
                key: "as the original",
                schema: Some(topics::UNCLASSIFIED),
                kept: "90 days: a quarter to learn what the platform began to send",
                doc: "What nobody knows yet, whole.",
            },
            TopicSpec {
                name: topics::TALLY,
                kind: TopicKind::Internal,
                key: "tenant",
                schema: None,
                kept: "until read",
                doc: "What was counted since the last clock record.",
            },
        ],
        also_writes: vec![],
        stores: vec![Tallies::STORE],
        factory: Arc::new(move || Box::new(Normalize::new(Arc::clone(&tenants)))),
    }
}

/// The place of `count` in the topology.
#[must_use]
pub fn count_spec() -> ProcessorSpec {
    ProcessorSpec {
        name: "count",
        doc: "Totals of what became of the items, by tenant.",
        scope: Scope::Keyed,
        inputs: vec![topics::TALLY],
        outputs: vec![TopicSpec {
            name: topics::COUNT,
            kind: TopicKind::Derived,
            key: "hash of tenant, counter and label",
            schema: Some(topics::COUNT),
            kept: "the last amount of each counter for ever",
            doc: "What became of the items.",
        }],
        also_writes: vec![],
        stores: vec![
            StoreSpec {
                name: "totals",
                doc: "tenant → its totals; as many as there are counters",
            },
            StoreSpec {
                name: "risen",
                doc: "tenants with totals that have risen since they were published: one entry",
            },
        ],
        factory: Arc::new(|| Box::<Count>::default()),
    }
}
