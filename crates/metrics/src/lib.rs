//! The metrics aggregator: numbers computed from the topics, incrementally.
#![doc = include_str!("../README.md")]

mod account;
mod attribution;
mod conversation;
mod members;
mod notes;
mod numbers;
mod outcomes;
mod people;
mod processor;
mod profiles;
mod publish;
mod replies;
mod rows;
mod series;
mod sessions;
pub mod table;
mod windows;

pub use processor::Metrics;
pub use windows::UnknownZone;

use hilo_contracts::topics;
use hilo_stream::{ProcessorSpec, Scope, StoreSpec, TopicKind, TopicSpec};
use std::{collections::BTreeMap, sync::Arc};
use windows::Zones;

/// What the definitions leave to the configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// IANA zone by tenant, for hours and days; UTC where none is named.
    pub time_zones: BTreeMap<String, String>,
}

/// The processor's place in the topology.
pub fn spec(config: &Config) -> Result<ProcessorSpec, UnknownZone> {
    let zones = Zones::new(&config.time_zones)?;
    Ok(ProcessorSpec {
        name: "metrics",
        doc: "Counts messages, replies, sessions and states, and publishes the rows that changed at each tick.",
        scope: Scope::Global,
        inputs: vec![topics::IDENTITY, topics::CONVERSATION, topics::STATUS, topics::ACCOUNT],
        outputs: vec![TopicSpec {
            name: topics::METRIC,
            kind: TopicKind::Derived,
            key: "metric, definition, dimensions and window",
            schema: Some(topics::METRIC),
            kept: "compacted: the highest revision of each row stays",
            doc: "The numbers, with revision and is_final.",
        }],
        also_writes: vec![],
        stores: vec![
            StoreSpec {
                name: "rows",
                doc: "row → its sums; one per series, grouping and window with members",
            },
            StoreSpec {
                name: "due",
                doc: "row → when to publish it: at the next tick, or when it becomes final",
            },
            StoreSpec {
                name: "profiles",
                doc: "hash → template, campaign, number, country; one per combination",
            },
            StoreSpec {
                name: "people",
                doc: "person → country, sends and sessions; 16 bytes a send",
            },
            StoreSpec {
                name: "sends",
                doc: "message → profile, time and outcome; one per send",
            },
            StoreSpec {
                name: "replies",
                doc: "person → template sends, messages and opt-outs",
            },
            StoreSpec {
                name: "sessions",
                doc: "session → its last state; one per session",
            },
            StoreSpec {
                name: "notes",
                doc: "fact → time, person and number; one per message or preference",
            },
            StoreSpec {
                name: "observations",
                doc: "fact → subject and state; one per observation",
            },
            StoreSpec {
                name: "owned",
                doc: "account → its portfolio, and the facts that tell its limit",
            },
            StoreSpec {
                name: "now",
                doc: "the greatest event time seen",
            },
        ],
        factory: Arc::new(move || Box::new(Metrics::new(zones.clone()))),
    })
}
