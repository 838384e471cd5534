//! The least that a transactional copy costs on a broker: what the lanes are measured against.

use crate::EngineError;
use crate::cluster::Cluster;
use crate::error::failed;
use crate::transactions::{NotCommitted, Outgoing, Purpose, Transactions};
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::message::Message as _;
use rdkafka::{Offset, TopicPartitionList};
use std::time::{Duration, Instant};

/// Records of one transaction at most, as in a lane.
const MAX_RECORDS: u64 = 50_000;

/// What was done from the first commit to the last: how somebody starts is not what is measured.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Records after the first commit.
    pub records: u64,
    /// From it to the last one.
    pub took: Duration,
}

impl Pace {
    /// Records a second.
    #[must_use]
    pub fn rate(self) -> f64 {
        self.records as f64 / self.took.as_secs_f64()
    }
}

/// Consumes `count` records of the first topic and produces them to the second as they are, in transactions as long as a
/// lane's, with the client's settings of a lane and nothing in between.
pub fn copy(
    cluster: &Cluster,
    topics: [&str; 2],
    partitions: i32,
    count: u64,
    commit_interval: Duration,
) -> Result<Pace, EngineError> {
    let [from, to] = topics.map(|topic| cluster.name(topic));
    let mut producer = Transactions::start(cluster, "hilo.baseline", Duration::from_secs(30))?;
    let consumer: BaseConsumer = cluster
        .reader("hilo.baseline")
        .create()
        .map_err(failed("making a consumer"))?;
    let mut list = TopicPartitionList::new();
    for partition in 0..partitions {
        list.add_partition_offset(&from, partition, Offset::Beginning)
            .map_err(failed("naming offsets"))?;
    }
    consumer.assign(&list).map_err(failed("taking partitions"))?;
    let mut next = vec![0; partitions as usize];
    let mut done = 0;
    let mut first: Option<(Instant, u64)> = None;
    loop {
        let (mut batch, mut begun) = (0, Instant::now());
        while batch < MAX_RECORDS && done < count && (batch == 0 || begun.elapsed() < commit_interval) {
            let Some(message) = consumer.poll(Duration::from_millis(10)) else {
                continue;
            };
            let message = message.map_err(failed("consuming"))?;
            if batch == 0 {
                begun = Instant::now();
                producer.begin()?;
            }
            producer
                .send(Outgoing {
                    topic: &to,
                    partition: None,
                    key: message.key().unwrap_or_default(),
                    value: message.payload(),
                    headers: None,
                    purpose: Purpose::Output,
                })
                .map_err(failed("producing"))?;
            next[message.partition() as usize] = message.offset() + 1;
            done += 1;
            batch += 1;
        }
        commit(&mut producer, &consumer, &from, &next)?;
        let now = Instant::now();
        let (start, before) = *first.get_or_insert((now, done));
        if done >= count {
            return Ok(Pace {
                records: done - before,
                took: now.duration_since(start),
            });
        }
    }
}

fn commit(producer: &mut Transactions, consumer: &BaseConsumer, topic: &str, next: &[i64]) -> Result<(), EngineError> {
    let mut offsets = TopicPartitionList::new();
    for (partition, next) in (0..).zip(next) {
        offsets
            .add_partition_offset(topic, partition, Offset::Offset(*next))
            .map_err(failed("naming offsets"))?;
    }
    let Some(group) = consumer.group_metadata() else {
        return Err(EngineError::Fenced {
            doing: "measuring".to_owned(),
        });
    };
    match producer.commit(&offsets, &group, |_| ()) {
        Ok(_) => Ok(()),
        Err(NotCommitted::Abort { error, .. }) => Err(failed("committing")(error)),
        Err(NotCommitted::Restart(error)) => Err(error),
    }
}
