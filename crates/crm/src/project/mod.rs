//! The processor `project`: facts in, desired records out.
//!
//! A fact changes what is kept and marks what is concerned; at each tick, and whenever enough is marked, what is marked
//! is made anew from what is kept and told where it differs. So a record is a function of the facts, whatever their order.

mod again;
mod base;
mod config;
mod consents;
mod contact;
mod deal;
mod digest;
mod due;
mod event;
mod facts;
mod index;
mod message;
mod opportunity;
mod person;
mod processor;
mod reach;
mod record;
mod recount;
mod refresh;
mod said;
mod session;
mod sums;
mod tasks;
#[cfg(test)]
mod tests;
mod texts;
mod ticket;
mod timeline;
mod trail;

pub use config::{Config, Target};
pub use processor::Project;

use hilo_contracts::topics;
use hilo_domain::hash::IdHasher;
use hilo_stream::{ProcessorSpec, Scope, StoreSpec, TopicKind, TopicSpec};
use std::sync::Arc;

/// Key of a message, an event or a deal in the stores.
type Key = [u8; 16];

fn key(domain: &str, parts: &[&[u8]]) -> Key {
    let mut hasher = IdHasher::new(domain);
    for part in parts {
        hasher.update(part);
    }
    hasher.bytes()
}

/// The processor's place in the topology.
#[must_use]
pub fn spec(config: &Config) -> ProcessorSpec {
    let config = Arc::new(config.clone());
    let store = |name, doc| StoreSpec { name, doc };
    ProcessorSpec {
        name: "project",
        doc: "Decides what each CRM should hold, by the tenant's mapping, and tells the records that changed at each tick.",
        scope: Scope::Global,
        inputs: vec![topics::IDENTITY, topics::CONVERSATION, topics::STATUS, topics::CONSENT],
        outputs: vec![TopicSpec {
            name: topics::CRM_RECORD,
            kind: TopicKind::Derived,
            key: "tenant, sink, object and record key",
            schema: Some(topics::CRM_RECORD),
            kept: "compacted: the highest revision of each record stays",
            doc: "What CRMs should hold: contacts, tickets, deals, timeline and tasks.",
        }],
        also_writes: vec![],
        stores: vec![
            store(
                "people",
                "person → who they are, and sums of their messages; one per person of a tenant with a CRM",
            ),
            store(
                "sessions",
                "session → its last state, tags and touches; one per session",
            ),
            store("messages", "message → what was told of it, its text; one per message"),
            store(
                "events",
                "fact → session and content; one per inbox event, call and event of a CRM",
            ),
            store("deals", "deal of a CRM → its events, 64 at most"),
            store("index", "person or session → what hangs on it, the newest 64"),
            store(
                "index_pages",
                "person or session, and page → what hangs on it, 64 in a page",
            ),
            store("records", "record → revision and content as told last; one per record"),
            store(
                "due",
                "subject → when to make its records anew: at the next tick, or at a deadline",
            ),
            store("clock", "the time that the log brought, and how much is marked"),
        ],
        factory: Arc::new(move || Box::new(Project::new(Arc::clone(&config)))),
    }
}
