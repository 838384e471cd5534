//! What became of each message: the status fold.
#![doc = include_str!("../README.md")]

mod message;
mod processor;
mod templates;

pub use processor::Status;

use hilo_contracts::topics;
use hilo_stream::{ProcessorSpec, Scope, StoreSpec, TopicKind, TopicSpec};
use std::sync::Arc;

/// The processor's place in the topology.
#[must_use]
pub fn spec() -> ProcessorSpec {
    ProcessorSpec {
        name: "status",
        doc: "Folds what is told of a message, its send and its statuses, into what became of it.",
        scope: Scope::Keyed,
        inputs: vec![topics::MESSAGE_ITEM],
        outputs: vec![TopicSpec {
            name: topics::STATUS,
            kind: TopicKind::Derived,
            key: "message",
            schema: Some(topics::STATUS),
            kept: "400 days: a year of history and a month to look back on it",
            doc: "What became of each send; the highest revision of a message is complete.",
        }],
        also_writes: vec![topics::PERSON_ITEM, topics::CONSENT_ITEM, topics::TALLY],
        stores: vec![
            StoreSpec {
                name: "messages",
                doc: "message → who told of it and the fold of its statuses; grows with messages, some 150 bytes each",
            },
            StoreSpec {
                name: "timers",
                doc: "message that only statuses tell of → when it is published as an orphan; an hour's worth",
            },
            StoreSpec {
                name: "templates",
                doc: "template → its categories by the platform's events; a few bytes for each event",
            },
            StoreSpec {
                name: "unpriced",
                doc: "template and message → message id, of sends without a pricing; until their first one",
            },
        ],
        factory: Arc::new(|| Box::<Status>::default()),
    }
}

#[cfg(test)]
mod tests;
