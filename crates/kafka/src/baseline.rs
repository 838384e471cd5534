//! The least that a transactional copy costs on a broker: what the lanes are measured against.

use crate::EngineError;
use crate::cluster::Cluster;
use crate::error::failed;
use crate::transactions::{NotCommitted, Outgoing, Purpose, Transactions};
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::message::Message as _;
use rdkafka::{Offset, TopicPartitionList};
use std::time::{Duration, Instant};

/// Consumes `count` records of `from` and produces them to `to` as they are, in transactions of at most 100 ms or 50,000
/// records, with the client's settings of a lane and nothing in between. How long it took from the first record on.
pub fn copy(cluster: &Cluster, from: &str, to: &str, partitions: i32, count: u64) -> Result<Duration, EngineError> {
    let (from, to) = (cluster.name(from), cluster.name(to));
    let timeout = Duration::from_secs(30);
    let mut producer = Transactions::start(cluster, "hilo.baseline", timeout)?;
    let mut config = cluster.reader("hilo.baseline");
    config.set("group.id", cluster.name("hilo.baseline"));
    let consumer: BaseConsumer = config.create().map_err(failed("making a consumer"))?;
    let mut list = TopicPartitionList::new();
    for partition in 0..partitions {
        list.add_partition_offset(&from, partition, Offset::Beginning)
            .map_err(failed("naming offsets"))?;
    }
    consumer.assign(&list).map_err(failed("taking partitions"))?;
    let mut next = vec![0; partitions as usize];
    let (mut done, mut batch, mut begun, mut last) = (0, 0, None, Instant::now());
    while done < count {
        if let Some(message) = consumer.poll(Duration::from_millis(10)) {
            let message = message.map_err(failed("consuming"))?;
            begun.get_or_insert_with(Instant::now);
            producer.begin()?;
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
        if batch > 0 && (batch >= 50_000 || last.elapsed() >= Duration::from_millis(100) || done == count) {
            let mut offsets = TopicPartitionList::new();
            for (partition, next) in (0..).zip(&next) {
                offsets
                    .add_partition_offset(&from, partition, Offset::Offset(*next))
                    .map_err(failed("naming offsets"))?;
            }
            let Some(group) = consumer.group_metadata() else {
                return Err(EngineError::Fenced {
                    doing: "measuring".to_owned(),
                });
            };
            match producer.commit(&offsets, &group, |_| ()) {
                Ok(_) => {}
                Err(NotCommitted::Abort { error, .. }) => return Err(failed("committing")(error)),
                Err(NotCommitted::Restart(error)) => return Err(error),
            }
            (batch, last) = (0, Instant::now());
        }
    }
    Ok(begun.map_or(Duration::ZERO, |begun| begun.elapsed()))
}
