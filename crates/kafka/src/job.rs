//! What a lane is to do: a processor of a topology, on a cluster.

use crate::cluster::Cluster;
use crate::framing::Framing;
use crate::measures::Measures;
use crate::names::{TIME, changelog};
use crate::transactions::Step;
use hilo_stream::{DeadLetterEncoder, ProcessorSpec, Scope, TopicKind, Topology};
use rustc_hash::FxHashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// How lanes work; the same for all of a process.
#[derive(Clone, Debug)]
pub struct LaneSettings {
    /// Lanes of each processor in this process.
    pub lanes: usize,
    /// Least time from one commit to the next under load: the dial between delay and cost.
    pub commit_interval: Duration,
    /// How long a transaction may stay open; bounds how long a crash holds readers back.
    pub transaction_timeout: Duration,
    /// How long a member may be silent before its partitions go to others.
    pub session_timeout: Duration,
    /// A name that stays the same over restarts (a StatefulSet's ordinal), for transactional ids: what a predecessor left
    /// open is aborted at once, not after its time-out. Without it every start has a name of its own. It is no static
    /// membership of the group: see the README.
    pub instance: Option<String>,
    /// Where the local copies of the state are.
    pub state_dir: PathBuf,
    /// Called at each step of a commit: for tests that crash there.
    pub kill_point: Option<fn(Step)>,
}

/// One processor on a cluster.
pub(crate) struct Job {
    pub(crate) topology: Topology,
    pub(crate) spec: ProcessorSpec,
    pub(crate) cluster: Cluster,
    pub(crate) framing: Arc<Framing>,
    pub(crate) dead_letter: DeadLetterEncoder,
    pub(crate) settings: LaneSettings,
    pub(crate) measures: Arc<Measures>,
    /// Partitions by topic, without prefix.
    pub(crate) partitions: FxHashMap<String, i32>,
    /// Inputs and, last, the time.
    pub(crate) inputs: Vec<Input>,
    /// Names at the cluster, by topic of the topology.
    pub(crate) outputs: FxHashMap<&'static str, String>,
    pub(crate) changelog: String,
    pub(crate) time: String,
}

/// A topic that the processor reads.
pub(crate) struct Input {
    /// Without prefix.
    pub(crate) topic: &'static str,
    /// At the cluster.
    pub(crate) name: String,
    /// Whether its records are of `hilo_stream::wire`.
    pub(crate) is_internal: bool,
}

impl Job {
    pub(crate) fn inputs(cluster: &Cluster, topology: &Topology, spec: &ProcessorSpec) -> Vec<Input> {
        let internal = |name| {
            let mut topics = topology.topics().iter();
            topics.any(|topic| topic.name == name && topic.kind == TopicKind::Internal)
        };
        spec.inputs
            .iter()
            .copied()
            .chain([TIME])
            .map(|topic| Input {
                topic,
                name: cluster.name(topic),
                is_internal: internal(topic),
            })
            .collect()
    }

    /// Consumer group.
    pub(crate) fn group(&self) -> String {
        self.cluster.name(&format!("hilo.{}", self.spec.name))
    }

    /// The topic whose partitions the group shares out: who has partition n of it is the owner of task n. For a processor
    /// that reads everything it is its changelog, which has one partition.
    pub(crate) fn token(&self) -> String {
        match self.spec.scope {
            Scope::Keyed => self.inputs[0].name.clone(),
            Scope::Global => self.cluster.name(&changelog(self.spec.name)),
        }
    }

    /// What a task reads: (place in `inputs`, partition).
    pub(crate) fn sources(&self, task: i32) -> Vec<(usize, i32)> {
        let count = |topic: &str| self.partitions.get(topic).copied().unwrap_or(1);
        let data = 0..self.inputs.len() - 1;
        let time = (self.inputs.len() - 1, task % count(TIME));
        match self.spec.scope {
            Scope::Keyed => data.map(|input| (input, task)).chain([time]).collect(),
            Scope::Global => data
                .flat_map(|input| (0..count(self.inputs[input].topic)).map(move |partition| (input, partition)))
                .chain([time])
                .collect(),
        }
    }

    /// Partitions of the topic that the group shares out.
    pub(crate) fn token_partitions(&self) -> i32 {
        match self.spec.scope {
            Scope::Keyed => self.partitions.get(self.inputs[0].topic).copied().unwrap_or(1),
            Scope::Global => 1,
        }
    }

    /// Whether this processor buries what is no time: each record of the time has readers of all processors, and it is to
    /// be one dead letter.
    pub(crate) fn buries_time(&self) -> bool {
        self.topology
            .processors()
            .first()
            .is_some_and(|first| first.name == self.spec.name)
    }

    /// Partitions of the time.
    pub(crate) fn time_partitions(&self) -> i32 {
        self.partitions.get(TIME).copied().unwrap_or(1)
    }
}
