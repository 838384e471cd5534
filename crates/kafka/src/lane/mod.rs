//! A lane: one thread that owns a consumer, a transactional producer and the state of the partitions that the group gives
//! it. It polls, processes, and commits outputs, changes of state and offsets in one transaction.

mod commit;
mod group;
mod hold;
mod process;

use crate::EngineError;
use crate::error::failed;
use crate::framing::Times;
use crate::job::Job;
use crate::measures::State;
use crate::rebalance::{Change, LaneContext, let_go};
use crate::restore::Restore;
use crate::task::Task;
use crate::transactions::{Step, Transactions};
use hilo_domain::Millis;
use hold::Held;
use rdkafka::TopicPartitionList;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Reason of a dead letter that no processor chose: it failed on the record.
pub const PROCESSOR_ERROR: &str = "processor_error";
/// Reason of a dead letter: a value on a topic with a contract that does not begin with its schema's id.
pub const NO_CONTRACT: &str = "no_contract";
/// Reason of a dead letter: a record of `hilo.time` that is no time of ours.
pub const NO_TIME: &str = "no_time";
/// Reason of a dead letter: what came of the record is larger than a topic takes.
pub const TOO_LARGE: &str = "too_large";

/// Records of one transaction at most.
pub(crate) const MAX_RECORDS: u64 = 50_000;
/// Bytes of one transaction at most, in and out.
const MAX_BYTES: usize = 32 << 20;
/// Patience with one question to the broker.
const ANSWER: Duration = Duration::from_secs(30);
/// How often an idle lane looks at its stop flag, and a restoring one at its consumer.
const IDLE: Duration = Duration::from_millis(100);
/// Positions that only time moved are committed this often.
const TIME_ONLY: Duration = Duration::from_secs(30);
/// Before a transaction is tried for the second time; doubled each time, up to the greatest.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const GREATEST_PAUSE: Duration = Duration::from_secs(3);

struct Slot {
    task: Task,
    /// `None`: it runs.
    restore: Option<Restore>,
    /// Whether the group had offsets for it.
    known: bool,
}

struct Position {
    task: i32,
    next: i64,
    committed: i64,
}

/// A record that was taken from the client.
struct Incoming {
    input: usize,
    partition: i32,
    offset: i64,
    times: Option<Times>,
    /// Id of the delivery that it comes of, if that one is traced.
    trace: Vec<u8>,
    /// When it was appended, by the broker's or the producer's clock.
    appended: Millis,
    key: Vec<u8>,
    value: Vec<u8>,
}

/// A record on which the processor failed: it is buried when it comes again.
struct Poison {
    input: usize,
    partition: i32,
    offset: i64,
    reason: &'static str,
    detail: String,
    /// Its dead letter cannot be sent either: it is passed over.
    is_hopeless: bool,
}

#[derive(Default)]
struct Batch {
    records: u64,
    bytes: usize,
    begun: Option<Instant>,
    /// Data was read, or something was written: there is something to commit beyond the time.
    touched: bool,
    /// Nothing but the time has moved: it is committed with the next thing that does, or when it is overdue. That does not
    /// need another record: the gateways that tell the time may be gone.
    only_time: bool,
    receipts: Vec<Millis>,
}

pub(crate) struct Lane {
    job: Arc<Job>,
    index: usize,
    consumer: BaseConsumer<LaneContext>,
    producer: Transactions,
    slots: BTreeMap<i32, Slot>,
    positions: FxHashMap<(usize, i32), Position>,
    poison: Vec<Poison>,
    /// Records that cannot be read yet, by input and partition: nothing behind them is read.
    held: BTreeMap<(usize, i32), Held>,
    batch: Batch,
    last_commit: Instant,
    /// Records of one transaction at most, now: halved when one fails, doubled when one succeeds, so that what takes too
    /// long for one transaction becomes several.
    limit: u64,
    /// Transactions in a row that were given up.
    given_up: u32,
    /// What the client last said of the end of each input's partition.
    ends: FxHashMap<(usize, i32), (i64, bool)>,
    latency: prometheus::Histogram,
    joined: bool,
}

impl Lane {
    /// Takes the place of the lane before it and joins the group; `limit` is what that one left.
    pub(crate) fn start(job: Arc<Job>, index: usize, name: &str, limit: u64) -> Result<Self, EngineError> {
        let settings = &job.settings;
        let producer = Transactions::start(
            &job.cluster,
            &format!("hilo.{}.{name}.{index}", job.spec.name),
            settings.transaction_timeout,
        )?;
        let mut config = job.cluster.reader("");
        config.set("group.id", job.group());
        config.set("partition.assignment.strategy", "cooperative-sticky");
        config.set("session.timeout.ms", settings.session_timeout.as_millis().to_string());
        config.set(
            "heartbeat.interval.ms",
            (settings.session_timeout.as_millis() / 4).to_string(),
        );
        config.set("statistics.interval.ms", "2000");
        let consumer: BaseConsumer<LaneContext> = config
            .create_with_context(LaneContext::new())
            .map_err(failed("making a consumer"))?;
        consumer
            .subscribe(&[&job.token()])
            .map_err(failed(format!("subscribing to {}", job.token())))?;
        let latency = job.measures.latency_of(job.spec.name);
        Ok(Self {
            job,
            index,
            consumer,
            producer,
            slots: BTreeMap::new(),
            positions: FxHashMap::default(),
            poison: Vec::new(),
            held: BTreeMap::new(),
            batch: Batch::default(),
            last_commit: Instant::now(),
            limit,
            given_up: 0,
            ends: FxHashMap::default(),
            latency,
            joined: false,
        })
    }

    /// Works until it is stopped; then commits what it has and leaves the group.
    pub(crate) fn run(&mut self, stop: &AtomicBool) -> Result<(), EngineError> {
        loop {
            if stop.load(Ordering::Acquire) {
                return self.commit();
            }
            self.follow_group()?;
            let restoring = self.restore_more()?;
            self.try_held()?;
            let incoming = match self.consumer.poll(self.patience(restoring)) {
                None => None,
                Some(Ok(message)) => self.take(&message),
                Some(Err(error)) => {
                    check(error)?;
                    None
                }
            };
            let idle = incoming.is_none();
            if let Some(incoming) = incoming {
                self.process(&incoming)?;
            }
            if self.is_due(idle) {
                self.commit()?;
            }
            if idle {
                self.tell();
            }
        }
    }

    fn patience(&self, restoring: bool) -> Duration {
        if restoring {
            return Duration::from_millis(1);
        }
        match self.batch.begun {
            // The next commit is due then; nothing else may come before.
            Some(_) => {
                let left = self
                    .job
                    .settings
                    .commit_interval
                    .saturating_sub(self.last_commit.elapsed());
                left.clamp(Duration::from_millis(1), IDLE)
            }
            None => IDLE,
        }
    }

    /// Records of one transaction that the next lane may begin with, after this one failed.
    pub(crate) fn limit_after_failure(&self) -> u64 {
        match self.batch.records {
            0 => self.limit,
            records => (records.min(self.limit) / 2).max(1),
        }
    }

    /// An idle lane commits the first record at once; under load commits are paced. However long the interval is, most of a
    /// transaction's time is left for its commit.
    fn is_due(&self, idle: bool) -> bool {
        let Some(begun) = self.batch.begun else {
            return self.batch.only_time && self.last_commit.elapsed() >= TIME_ONLY;
        };
        let settings = &self.job.settings;
        let interval = settings.commit_interval.min(settings.transaction_timeout / 4);
        self.batch.records >= self.limit
            || self.batch.bytes >= MAX_BYTES
            || begun.elapsed() >= interval
            || (idle && self.last_commit.elapsed() >= interval)
    }

    /// Lag of the owned partitions, and what the lane does.
    fn tell(&mut self) {
        let (processor, measures) = (self.job.spec.name, &self.job.measures);
        for end in self.consumer.context().take_ends() {
            let Some(input) = self.job.inputs.iter().position(|input| input.name == end.topic) else {
                continue;
            };
            let place = (input, end.partition);
            self.ends.insert(place, (end.offset, end.reached));
            let Some(lag) = self.lag(place) else { continue };
            let labels = [processor, self.job.inputs[input].topic, &end.partition.to_string()];
            measures.lag_records.with_label_values(&labels).set(lag);
            if lag == 0 {
                measures.lag_seconds.with_label_values(&labels).set(0.0);
            }
        }
        // What the client has said nothing of yet is neither done nor behind.
        if self.slots.values().any(|slot| slot.restore.is_some()) {
            return;
        }
        let state = if self.joined {
            // A held partition waits for a newer release or the registry, so it is no failure of this lane.
            let moving = self.positions.keys().filter(|place| !self.held.contains_key(place));
            let waiting = moving.filter_map(|&(input, partition)| {
                let lag = self.lag((input, partition)).filter(|lag| *lag > 0)?;
                Some((self.job.inputs[input].topic, partition, lag))
            });
            let mut waiting: Vec<_> = waiting.collect();
            waiting.sort_unstable();
            State::Working { waiting }
        } else {
            State::Joining
        };
        measures.pulse(processor, self.index, state);
        measures.waits(processor, self.index, self.why_held());
    }

    /// Records of a partition that wait or are not committed; `None` before the client has said where its end is.
    fn lag(&self, place: (usize, i32)) -> Option<i64> {
        let (end, reached) = *self.ends.get(&place)?;
        let position = self.positions.get(&place)?;
        // The client has read a held partition further than the lane has processed it.
        let upto = if reached && !self.held.contains_key(&place) {
            position.next
        } else {
            end
        };
        Some((upto - position.committed).max(0))
    }

    fn at(&self, step: Step) {
        if let Some(kill) = self.job.settings.kill_point {
            kill(step);
        }
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        // A consumer that is dropped with partitions, or with a change that nobody answered, never ends.
        self.consumer.context().close();
        let nothing = TopicPartitionList::new();
        while let Some(change) = self.consumer.context().next() {
            if matches!(change, Change::Assigned(_))
                && let Err(error) = self.consumer.incremental_assign(&nothing)
            {
                tracing::debug!(%error, "a closing lane refuses partitions");
            }
        }
        let_go(&self.consumer);
        if self.producer.is_open()
            && let Err(error) = self.producer.abort()
        {
            tracing::debug!(%error, "a lane left a transaction open; it ends by its time-out, or with the next start");
        }
    }
}

/// Errors that the client reports while it goes on by itself are noted; others end the lane.
fn check(error: KafkaError) -> Result<(), EngineError> {
    let code = error.rdkafka_error_code();
    let passing = matches!(
        code,
        Some(
            RDKafkaErrorCode::AllBrokersDown
                | RDKafkaErrorCode::BrokerTransportFailure
                | RDKafkaErrorCode::OperationTimedOut
                | RDKafkaErrorCode::Resolve
                | RDKafkaErrorCode::NotCoordinator
                | RDKafkaErrorCode::CoordinatorNotAvailable
                | RDKafkaErrorCode::CoordinatorLoadInProgress
                | RDKafkaErrorCode::LeaderNotAvailable
                | RDKafkaErrorCode::NotLeaderForPartition
                | RDKafkaErrorCode::PollExceeded
                | RDKafkaErrorCode::UnknownTopicOrPartition
                | RDKafkaErrorCode::UnknownMemberId
                | RDKafkaErrorCode::RebalanceInProgress
        )
    );
    if passing {
        tracing::warn!(%error, "the Kafka client waits");
        return Ok(());
    }
    Err(failed("consuming")(error))
}
