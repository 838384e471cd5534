//! Threads, sessions, first responses.
#![doc = include_str!("../README.md")]

mod consent;
mod described;
mod details;
mod event;
mod fold;
mod measure;
mod person;
mod processor;
mod thread;
mod work;

pub use processor::Conversation;

use hilo_contracts::topics;
use hilo_stream::{ProcessorSpec, Scope, StoreSpec, TopicKind, TopicSpec};
use std::sync::Arc;

/// The processor's place in the topology.
#[must_use]
pub fn spec() -> ProcessorSpec {
    ProcessorSpec {
        name: "conversation",
        doc: "Folds the items of a person into messages, sessions, first responses and outcomes.",
        scope: Scope::Keyed,
        inputs: vec![topics::PERSON_ITEM],
        outputs: vec![
            TopicSpec {
                name: topics::CONVERSATION,
                kind: TopicKind::Derived,
                key: "person",
                schema: Some(topics::CONVERSATION),
                kept: "400 days: a year of history and a month to look back on it",
                doc: "Messages, sessions, responses, hand-offs, ratings; higher revisions correct lower ones.",
            },
            TopicSpec {
                name: topics::CONSENT_ITEM,
                kind: TopicKind::Internal,
                key: "person",
                schema: None,
                kept: "until read",
                doc: "Signs of a person's will about being written to, and those that are not theirs any more.",
            },
        ],
        also_writes: vec![topics::PERSON_ITEM, topics::MESSAGE_ITEM],
        stores: vec![
            StoreSpec {
                name: "people",
                doc: "person → the ends of their threads: at most 64 events and their sessions for each business number",
            },
            StoreSpec {
                name: "segments",
                doc: "person, business number, count → 32 to 64 events of a thread that were not its end any more; grows with messages",
            },
            StoreSpec {
                name: "retracted",
                doc: "session that was taken back → its revision; grows with late openers",
            },
            StoreSpec {
                name: "followed",
                doc: "person, count → 64 messages that only statuses tell of; grows with orphans and refused sends",
            },
            StoreSpec {
                name: "named",
                doc: "person, business number, message → words that name the message and opt out if it is marketing; few",
            },
            StoreSpec {
                name: "now",
                doc: "the time that the last clock record announced",
            },
            StoreSpec {
                name: "timers",
                doc: "person → when the next open session closes by itself",
            },
        ],
        factory: Arc::new(|| Box::<Conversation>::default()),
    }
}

#[cfg(test)]
mod answer_tests;
#[cfg(test)]
mod cost_tests;
#[cfg(test)]
mod fold_tests;
#[cfg(test)]
mod forget_tests;
#[cfg(test)]
mod reference;
