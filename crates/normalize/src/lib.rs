//! Fan-out of deliveries into items, and removal of duplicates.
#![doc = include_str!("../README.md")]

mod dedup;
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
mod update;
mod vocabulary;

pub use dedup::Deduplicate;
pub use line_problem::LineProblem;
pub use lines::check;
pub use normalize::{Normalize, dead_letter};

use hilo_contracts::topics;
use hilo_stream::{ProcessorSpec, Scope, StoreSpec, TopicKind, TopicSpec};
use std::{collections::BTreeMap, sync::Arc};

/// The place of `normalize` in the topology. `regions`: default region (ISO 3166) of local phone forms, by tenant.
#[must_use]
pub fn normalize_spec(regions: BTreeMap<String, String>) -> ProcessorSpec {
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
        ],
        also_writes: vec![],
        stores: vec![],
        factory: Arc::new(move || Box::new(Normalize::new(regions.clone()))),
    }
}

/// The place of `deduplicate` in the topology.
#[must_use]
pub fn deduplicate_spec() -> ProcessorSpec {
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
        also_writes: vec![topics::ITEM],
        stores: vec![StoreSpec {
            name: "seen",
            doc: "message or item → what was told of it; grows with messages, see the crate's documentation",
        }],
        factory: Arc::new(|| Box::<Deduplicate>::default()),
    }
}
