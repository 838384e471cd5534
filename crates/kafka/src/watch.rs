//! Whether every partition has an owner, seen from outside of all lanes: each of them knows only its own.

use crate::EngineError;
use crate::cluster::Cluster;
use crate::error::failed;
use crate::job::Job;
use crate::rebalance::Quiet;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Patience with one question to the broker.
const ANSWER: Duration = Duration::from_secs(5);
/// How often the stop flag is looked at.
const GLANCE: Duration = Duration::from_millis(100);

/// Looks at the groups of these jobs until it is stopped. One small question for each group and half of a session.
pub(crate) fn run(jobs: &[Arc<Job>], stop: &AtomicBool) {
    let Some(first) = jobs.first() else { return };
    let session = first.settings.session_timeout;
    let mut owners: Vec<Owners> = jobs.iter().map(|_| Owners::default()).collect();
    let mut groups = None;
    while !stop.load(Ordering::Acquire) {
        if groups.is_none() {
            groups = Groups::new(&first.cluster)
                .inspect_err(|error| tracing::warn!(%error, "the groups cannot be watched"))
                .ok();
        }
        for (job, owners) in jobs.iter().zip(&mut owners) {
            let Some(groups) = &groups else { break };
            match groups.owned(&job.group(), &job.token()) {
                Ok(owned) => {
                    owners.see(job.token_partitions(), &owned);
                    let overdue = owners.overdue(2 * session);
                    job.measures
                        .ownerless(job.spec.name, &job.group(), &job.token(), &overdue);
                }
                // What was seen before stays: the lanes say themselves that the broker does not answer.
                Err(error) => tracing::debug!(%error, "a group could not be looked at"),
            }
        }
        let begun = Instant::now();
        while begun.elapsed() < session / 2 && !stop.load(Ordering::Acquire) {
            std::thread::sleep(GLANCE);
        }
    }
}

/// Since when partitions have no owner.
#[derive(Default)]
struct Owners {
    since: BTreeMap<i32, Instant>,
}

impl Owners {
    fn see(&mut self, partitions: i32, owned: &BTreeSet<i32>) {
        for partition in 0..partitions {
            if owned.contains(&partition) {
                self.since.remove(&partition);
            } else {
                self.since.entry(partition).or_insert_with(Instant::now);
            }
        }
    }

    fn overdue(&self, patience: Duration) -> Vec<(i32, Duration)> {
        let all = self
            .since
            .iter()
            .map(|(partition, since)| (*partition, since.elapsed()));
        all.filter(|(_, since)| *since > patience).collect()
    }
}

/// A client that asks for groups and is a member of none.
struct Groups(BaseConsumer<Quiet>);

impl Groups {
    fn new(cluster: &Cluster) -> Result<Self, EngineError> {
        let consumer = cluster.reader("hilo.watch").create_with_context(Quiet::default());
        consumer
            .map(Self)
            .map_err(failed("making a client that watches groups"))
    }

    /// Partitions of `topic` that members of `group` own. While the group shares out anew nobody is known to own any.
    fn owned(&self, group: &str, topic: &str) -> Result<BTreeSet<i32>, EngineError> {
        // Nothing is consumed here, but the client's own events wait to be fetched.
        while self.0.poll(Duration::ZERO).is_some() {}
        let list = self
            .0
            .fetch_group_list(Some(group), ANSWER)
            .map_err(failed(format!("asking for the group {group}")))?;
        let stable = list.groups().iter().filter(|found| found.state() == "Stable");
        let members = stable.flat_map(|found| found.members().iter());
        Ok(members
            .filter_map(|member| assigned(member.assignment()?, topic))
            .flatten()
            .collect())
    }
}

/// Partitions of `topic` in the assignment of a member, as the consumer protocol writes it: a version; for each topic its
/// name and its partitions; all numbers big-endian. `None`: it is written otherwise.
fn assigned(bytes: &[u8], topic: &str) -> Option<Vec<i32>> {
    let mut rest = bytes.get(2..)?;
    let mut number = |length: usize| {
        let (taken, left) = rest.split_at_checked(length)?;
        rest = left;
        Some(taken)
    };
    let mut found = Vec::new();
    for _ in 0..i32::from_be_bytes(number(4)?.try_into().ok()?) {
        let length = i16::from_be_bytes(number(2)?.try_into().ok()?);
        let name = number(usize::try_from(length).ok()?)?;
        let is_topic = name == topic.as_bytes();
        for _ in 0..i32::from_be_bytes(number(4)?.try_into().ok()?) {
            let partition = i32::from_be_bytes(number(4)?.try_into().ok()?);
            if is_topic {
                found.push(partition);
            }
        }
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::topics::{self, Sizes, TopicPlan};
    use hilo_testbed::Broker;

    #[test]
    fn an_assignment_is_read_as_the_protocol_says() {
        let bytes = [
            &[0, 3, 0, 0, 0, 2][..],
            &[0, 1, b'a', 0, 0, 0, 1, 0, 0, 0, 7],
            &[0, 2, b'b', b'c', 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 1, 0],
            // Data of the assignor's own.
            &[0, 0, 0, 0],
        ]
        .concat();
        assert_eq!(assigned(&bytes, "a"), Some(vec![7]));
        assert_eq!(assigned(&bytes, "bc"), Some(vec![0, 256]));
        assert_eq!(assigned(&bytes, "d"), Some(vec![]));
        for cut in 0..bytes.len() - 4 {
            assert_eq!(assigned(&bytes[..cut], "a"), None, "{cut} bytes");
        }
    }

    #[test]
    fn what_has_an_owner_again_is_not_overdue() {
        let mut owners = Owners::default();
        owners.see(3, &BTreeSet::from([1]));
        let overdue: Vec<i32> = owners
            .overdue(Duration::ZERO)
            .iter()
            .map(|(partition, _)| *partition)
            .collect();
        assert_eq!(overdue, [0, 2]);
        assert_eq!(owners.overdue(Duration::from_mins(1)), []);
        owners.see(3, &BTreeSet::from([0, 1, 2]));
        assert_eq!(owners.overdue(Duration::ZERO), []);
    }

    /// Looks until what is seen is `wanted`.
    fn until(groups: &Groups, member: &BaseConsumer<Quiet>, wanted: &[i32]) {
        let begun = Instant::now();
        loop {
            member.poll(Duration::from_millis(50));
            let owned = groups.owned("watched", "one").unwrap();
            if owned.iter().eq(wanted) {
                return;
            }
            assert!(
                begun.elapsed() < Duration::from_mins(2),
                "{owned:?} instead of {wanted:?}"
            );
        }
    }

    #[test]
    fn a_group_is_seen_from_outside() {
        let Some(broker) = Broker::start() else { return };
        let cluster = Cluster::plain(&broker.address());
        let sizes = Sizes {
            partitions: 3,
            replication: 1,
        };
        let plans = ["one", "other"].map(|name| TopicPlan {
            name: name.to_owned(),
            topic: name.to_owned(),
            partitions: 3,
            config: BTreeMap::new(),
            why: String::new(),
        });
        topics::apply(&cluster, &plans, sizes).unwrap();
        let groups = Groups::new(&cluster).unwrap();
        assert_eq!(groups.owned("watched", "one").unwrap(), BTreeSet::new());
        // A member that reads something else owns nothing of the topic, though the group is stable.
        let mut config = cluster.reader("watched");
        config.set("partition.assignment.strategy", "cooperative-sticky");
        let member: BaseConsumer<Quiet> = config.create_with_context(Quiet::default()).unwrap();
        member.subscribe(&["other"]).unwrap();
        let begun = Instant::now();
        while member.assignment().unwrap().count() < 3 {
            member.poll(Duration::from_millis(50));
            assert!(begun.elapsed() < Duration::from_mins(2));
        }
        until(&groups, &member, &[]);
        member.subscribe(&["one", "other"]).unwrap();
        until(&groups, &member, &[0, 1, 2]);
        member.unsubscribe();
        until(&groups, &member, &[]);
    }
}
