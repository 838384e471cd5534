//! Topics as code: what each must be, what it is, and how it becomes so.

use crate::EngineError;
use crate::cluster::{Cluster, MAX_CHANGELOG_BYTES, MAX_RECORD_BYTES};
use crate::contact;
use crate::error::failed;
use crate::names::{TIME, changelog};
use hilo_contracts::ContractError;
use hilo_contracts::schemas::Kept;
use hilo_stream::{Scope, TopicKind, Topology};
use rdkafka::admin::{AdminClient, AdminOptions, AlterConfig, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

const DAY: i64 = 86_400_000;
/// Patience with one question to the broker.
const ANSWER: Duration = Duration::from_secs(30);

/// A topic as it must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicPlan {
    /// Name at the cluster.
    pub name: String,
    /// Name without prefix.
    pub topic: String,
    /// Partitions. They never change: keys would move away from their state.
    pub partitions: i32,
    /// Broker's configuration by key.
    pub config: BTreeMap<&'static str, String>,
    /// Why it is kept so.
    pub why: String,
}

/// How many partitions and replicas topics get when they are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// Partitions of each topic; the greatest number of lanes that can share a processor's work.
    pub partitions: i32,
    /// Copies of each partition.
    pub replication: i32,
}

/// All topics that `topology` needs on a cluster; `kept` tells how long a subject's topic keeps its records.
pub fn plan(
    cluster: &Cluster,
    topology: &Topology,
    sizes: Sizes,
    kept: impl Fn(&str) -> Result<Kept, ContractError>,
) -> Result<Vec<TopicPlan>, EngineError> {
    let mut plans = Vec::new();
    for topic in topology.topics() {
        let (cleanup, retention, why) = match topic.kind {
            TopicKind::Internal => (
                "delete",
                7 * DAY,
                "internal: read at once; a week bears a long outage".to_owned(),
            ),
            TopicKind::Raw | TopicKind::Derived => {
                let subject = topic.schema.unwrap_or(topic.name);
                let kept = kept(subject).map_err(|error| EngineError::Topic {
                    topic: topic.name.to_owned(),
                    problem: error.to_string(),
                })?;
                let days = kept.days.map_or(-1, |days| i64::from(days) * DAY);
                (if kept.compacted { "compact" } else { "delete" }, days, kept.why)
            }
        };
        plans.push(TopicPlan {
            name: cluster.name(topic.name),
            topic: topic.name.to_owned(),
            partitions: sizes.partitions,
            config: config(cleanup, retention, MAX_RECORD_BYTES),
            why,
        });
    }
    plans.push(TopicPlan {
        name: cluster.name(TIME),
        topic: TIME.to_owned(),
        partitions: sizes.partitions,
        config: config("delete", DAY, MAX_RECORD_BYTES),
        why: "time on its way to every task; yesterday's says nothing".to_owned(),
    });
    for spec in topology.processors() {
        // A global processor is given out by its changelog, so it has one also without state.
        if spec.stores.is_empty() && spec.scope == Scope::Keyed {
            continue;
        }
        let mut config = config("compact", -1, MAX_CHANGELOG_BYTES);
        // Longer than the local copies that may be behind live, so that they never miss a removal.
        config.insert("delete.retention.ms", (30 * DAY).to_string());
        plans.push(TopicPlan {
            name: cluster.name(&changelog(spec.name)),
            topic: changelog(spec.name),
            partitions: match spec.scope {
                Scope::Keyed => sizes.partitions,
                Scope::Global => 1,
            },
            config,
            why: format!("state of {}: the last value of each key", spec.name),
        });
    }
    Ok(plans)
}

fn config(cleanup: &'static str, retention: i64, max_bytes: usize) -> BTreeMap<&'static str, String> {
    BTreeMap::from([
        ("cleanup.policy", cleanup.to_owned()),
        ("retention.ms", retention.to_string()),
        ("max.message.bytes", max_bytes.to_string()),
        // What a crash of one broker must not lose is on another one, where there is another one.
        ("unclean.leader.election.enable", "false".to_owned()),
    ])
}

/// What is there of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// As it must be.
    Right,
    /// Not there.
    Missing,
    /// Another number of partitions: nobody can mend that without moving the records.
    Partitions(i32),
    /// Another configuration: key, what it is, what it must be.
    Config(Vec<(String, String, String)>),
}

/// Partitions by topic at the cluster.
pub(crate) fn partitions(cluster: &Cluster) -> Result<FxHashMap<String, i32>, EngineError> {
    let metadata = contact::metadata(cluster, ANSWER)?;
    Ok(metadata
        .topics()
        .iter()
        .filter(|topic| topic.error().is_none())
        .map(|topic| (topic.name().to_owned(), topic.partitions().len() as i32))
        .collect())
}

/// Compares each plan with what is at the cluster.
pub fn check(cluster: &Cluster, plans: &[TopicPlan]) -> Result<Vec<Found>, EngineError> {
    let there = partitions(cluster)?;
    let admin = admin(cluster)?;
    let present: Vec<&TopicPlan> = plans.iter().filter(|plan| there.contains_key(&plan.name)).collect();
    let specifiers: Vec<ResourceSpecifier> = present
        .iter()
        .map(|plan| ResourceSpecifier::Topic(&plan.name))
        .collect();
    let mut configs: FxHashMap<String, FxHashMap<String, String>> = FxHashMap::default();
    if !specifiers.is_empty() {
        let answers = wait(admin.describe_configs(&specifiers, &options()))
            .map_err(failed("asking for the topics' configuration"))?;
        for (plan, answer) in present.iter().zip(answers) {
            let resource = answer.map_err(|code| EngineError::Topic {
                topic: plan.name.clone(),
                problem: format!("its configuration cannot be read: {code}"),
            })?;
            let entries = resource
                .entries
                .into_iter()
                .filter_map(|entry| Some((entry.name, entry.value?)));
            configs.insert(plan.name.clone(), entries.collect());
        }
    }
    Ok(plans
        .iter()
        .map(|plan| {
            let Some(&count) = there.get(&plan.name) else {
                return Found::Missing;
            };
            if count != plan.partitions {
                return Found::Partitions(count);
            }
            let had = configs.get(&plan.name);
            let other: Vec<_> = plan
                .config
                .iter()
                .filter_map(|(key, wanted)| {
                    let had = had.and_then(|had| had.get(*key)).cloned().unwrap_or_default();
                    (had != *wanted).then(|| ((*key).to_owned(), had, wanted.clone()))
                })
                .collect();
            if other.is_empty() {
                Found::Right
            } else {
                Found::Config(other)
            }
        })
        .collect())
}

/// Makes what is missing and sets what is set otherwise; a wrong number of partitions stays as it is and is an error.
pub fn apply(cluster: &Cluster, plans: &[TopicPlan], sizes: Sizes) -> Result<Vec<Found>, EngineError> {
    let found = check(cluster, plans)?;
    let admin = admin(cluster)?;
    let mut new = Vec::new();
    for (plan, found) in plans.iter().zip(&found) {
        match found {
            Found::Right => {}
            Found::Partitions(count) => {
                return Err(EngineError::Topic {
                    topic: plan.name.clone(),
                    problem: format!(
                        "it has {count} partitions and the configuration says {}: the number never changes, since keys would \
                         move away from their state; set kafka.partitions = {count}, or move to a new prefix",
                        plan.partitions
                    ),
                });
            }
            Found::Missing => {
                let topic = NewTopic::new(&plan.name, plan.partitions, TopicReplication::Fixed(sizes.replication));
                new.push(
                    plan.config
                        .iter()
                        .fold(topic, |topic, (key, value)| topic.set(key, value)),
                );
            }
            Found::Config(_) => {
                let resource = ResourceSpecifier::Topic(&plan.name);
                let change = plan
                    .config
                    .iter()
                    .fold(AlterConfig::new(resource), |change, (key, value)| {
                        change.set(key, value)
                    });
                let answers = wait(admin.alter_configs([&change], &options()))
                    .map_err(failed(format!("setting the configuration of {}", plan.name)))?;
                refused(
                    &plan.name,
                    "its configuration cannot be set",
                    answers.into_iter().filter_map(Result::err).map(|(_, code)| code),
                )?;
            }
        }
    }
    if !new.is_empty() {
        let answers = wait(admin.create_topics(&new, &options())).map_err(failed("making topics"))?;
        for answer in answers {
            if let Err((name, code)) = answer {
                refused(&name, "it cannot be made", [code])?;
            }
        }
        // A broker answers before all of it knows of them.
        let begun = Instant::now();
        loop {
            let there = partitions(cluster)?;
            match plans.iter().find(|plan| !there.contains_key(&plan.name)) {
                None => break,
                Some(plan) if begun.elapsed() > ANSWER => {
                    return Err(EngineError::Topic {
                        topic: plan.name.clone(),
                        problem: "it was made and does not appear".to_owned(),
                    });
                }
                Some(_) => std::thread::sleep(Duration::from_millis(100)),
            }
        }
    }
    Ok(found)
}

/// Removes topics: those of a measurement.
pub fn remove(cluster: &Cluster, plans: &[TopicPlan]) -> Result<(), EngineError> {
    let names: Vec<&str> = plans.iter().map(|plan| plan.name.as_str()).collect();
    wait(admin(cluster)?.delete_topics(&names, &options())).map_err(failed("removing topics"))?;
    Ok(())
}

fn refused(
    topic: &str,
    problem: &str,
    codes: impl IntoIterator<Item = rdkafka::types::RDKafkaErrorCode>,
) -> Result<(), EngineError> {
    match codes.into_iter().next() {
        None => Ok(()),
        Some(code) => Err(EngineError::Topic {
            topic: topic.to_owned(),
            problem: format!("{problem}: {code}"),
        }),
    }
}

/// Refuses a cluster on which a topic is not as it must be.
pub fn require(cluster: &Cluster, plans: &[TopicPlan]) -> Result<(), EngineError> {
    for (plan, found) in plans.iter().zip(check(cluster, plans)?) {
        let problem = match found {
            Found::Right => continue,
            Found::Missing => "it is not there".to_owned(),
            Found::Partitions(count) => format!("it has {count} partitions, and {} are configured", plan.partitions),
            Found::Config(other) => {
                let other: Vec<String> = other
                    .into_iter()
                    .map(|(key, had, wanted)| format!("{key} is {had} and must be {wanted}"))
                    .collect();
                other.join(", ")
            }
        };
        return Err(EngineError::Topic {
            topic: plan.name.clone(),
            problem,
        });
    }
    Ok(())
}

fn admin(cluster: &Cluster) -> Result<AdminClient<DefaultClientContext>, EngineError> {
    cluster.client().create().map_err(failed("making an admin client"))
}

fn options() -> AdminOptions {
    AdminOptions::new()
        .request_timeout(Some(ANSWER))
        .operation_timeout(Some(ANSWER))
}

/// Wakes the thread that waits.
struct Unpark(std::thread::Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Blocks on a future of the client, which a thread of its own completes.
fn wait<F: Future>(future: F) -> F::Output {
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(output) => return output,
            Poll::Pending => std::thread::park(),
        }
    }
}
