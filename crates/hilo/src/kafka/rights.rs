//! What each role may do at a cluster: the fewest rights that it works with, by the topology.

use super::role::Role;
use clap::ValueEnum as _;
use hilo_contracts::topics;
use hilo_golden::FOLLOWED;
use hilo_kafka::{TIME, changelog};
use hilo_stream::Topology;
use std::collections::{BTreeMap, BTreeSet};

/// Who makes the topics: no role of `hilo run`.
const SETUP: &str = "setup";
/// What all topics, groups and transactional ids begin with.
const OURS: &str = "hilo.";

/// What a right is about. The words are those of Strimzi's `KafkaUser`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Resource {
    Topic,
    Group,
    TransactionalId,
}

impl Resource {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Topic => "topic",
            Self::Group => "group",
            Self::TransactionalId => "transactionalId",
        }
    }
}

/// Rights on a resource, or on all whose names begin so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Right {
    pub resource: Resource,
    /// Without `kafka.topic_prefix`.
    pub name: String,
    pub is_prefix: bool,
    pub operations: BTreeSet<&'static str>,
}

/// Rights by name of the role, in the order of `hilo run --help`, and of who makes the topics.
pub(crate) fn rights(topology: &Topology) -> Vec<(String, Vec<Right>)> {
    let roles = Role::value_variants().iter().filter_map(|role| {
        let name = role.to_possible_value()?.get_name().to_owned();
        Some((name, of(*role, topology)))
    });
    let mut setup = Rights::default();
    for operation in ["Create", "Describe", "DescribeConfigs", "AlterConfigs"] {
        setup.all(Resource::Topic, OURS.to_owned(), operation);
    }
    roles.chain([(SETUP.to_owned(), setup.list())]).collect()
}

fn of(role: Role, topology: &Topology) -> Vec<Right> {
    let mut rights = Rights::default();
    // A start compares all topics with what they must be.
    for operation in ["Describe", "DescribeConfigs"] {
        rights.all(Resource::Topic, OURS.to_owned(), operation);
    }
    // Who reads asks for the coordinator of its group, also where it is a member of none. The golden record sees by the others'
    // groups how much waits.
    rights.all(Resource::Group, OURS.to_owned(), "Describe");
    match role {
        // While the registry does not answer, a start takes the id of its contract from the newest records.
        Role::Gateway => {
            rights.one(Resource::Topic, topics::RAW, "Read");
            rights.one(Resource::Topic, topics::RAW, "Write");
        }
        Role::Golden => {
            for topic in FOLLOWED {
                rights.one(Resource::Topic, topic, "Read");
            }
            // It commits its position there. The role lag reads it.
            rights.one(Resource::Group, hilo_views::GOLDEN, "Read");
        }
        // The age of what waits is that of a record.
        Role::Lag => {
            let processors = topology
                .processors()
                .iter()
                .flat_map(|processor| processor.inputs.iter().copied());
            for topic in processors.chain(FOLLOWED).chain([topics::CRM_RECORD]) {
                rights.one(Resource::Topic, topic, "Read");
            }
        }
        Role::Crm => {
            for topic in [topics::CRM_RECORD, topics::CRM_WRITE] {
                rights.one(Resource::Topic, topic, "Read");
            }
            rights.one(Resource::Topic, topics::CRM_WRITE, "Write");
            rights.one(Resource::Group, crate::crm::kafka::GROUP, "Read");
        }
        _ => {}
    }
    let runs = |name: &str| role.processors().contains(&name);
    for processor in topology.processors().iter().filter(|processor| runs(processor.name)) {
        for topic in processor.inputs.iter().copied().chain([TIME]) {
            rights.one(Resource::Topic, topic, "Read");
        }
        // Any processor may meet a record that it cannot take.
        for topic in processor.writes().chain([topics::DEAD_LETTER]) {
            rights.one(Resource::Topic, topic, "Write");
        }
        for operation in ["Read", "Write"] {
            rights.one(Resource::Topic, &changelog(processor.name), operation);
        }
        // A clock record is a raw one: who reads it tells the time to the others.
        if processor.inputs.contains(&topics::RAW) {
            rights.one(Resource::Topic, TIME, "Write");
        }
        let group = format!("hilo.{}", processor.name);
        rights.one(Resource::Group, &group, "Read");
        rights.all(Resource::TransactionalId, format!("{group}."), "Write");
    }
    rights.list()
}

/// Rights while they are gathered: operations by what they are about.
#[derive(Default)]
struct Rights(BTreeMap<(Resource, String, bool), BTreeSet<&'static str>>);

impl Rights {
    fn one(&mut self, resource: Resource, name: &str, operation: &'static str) {
        self.add(resource, name.to_owned(), false, operation);
    }

    fn all(&mut self, resource: Resource, begins: String, operation: &'static str) {
        self.add(resource, begins, true, operation);
    }

    fn add(&mut self, resource: Resource, name: String, is_prefix: bool, operation: &'static str) {
        self.0.entry((resource, name, is_prefix)).or_default().insert(operation);
    }

    fn list(self) -> Vec<Right> {
        let all = self.0.into_iter();
        all.map(|((resource, name, is_prefix), operations)| Right {
            resource,
            name,
            is_prefix,
            operations,
        })
        .collect()
    }
}
