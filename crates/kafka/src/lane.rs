//! A lane: one thread that owns a consumer, a transactional producer and the state of the partitions that the group gives
//! it. It polls, processes, and commits outputs, changes of state and offsets in one transaction.

use crate::EngineError;
use crate::error::failed;
use crate::framing::Times;
use crate::job::Job;
use crate::names::TIME;
use crate::rebalance::{Change, LaneContext, let_go};
use crate::restore::{Progress, Restore};
use crate::task::Task;
use crate::transactions::{NotCommitted, Outgoing, Purpose, Step, Transactions};
use hilo_domain::Millis;
use hilo_stream::{ProcessorError, Record};
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, Message as _};
use rdkafka::{Offset, TopicPartitionList};
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

/// Reason of a dead letter that no processor chose: it failed on the record.
pub const PROCESSOR_ERROR: &str = "processor_error";
/// Reason of a dead letter: a value on a topic with a contract that does not begin with its schema's id.
pub const NO_CONTRACT: &str = "no_contract";

/// Records of one transaction at most.
const MAX_RECORDS: u64 = 50_000;
/// Bytes of one transaction at most, in and out.
const MAX_BYTES: usize = 32 << 20;
/// Patience with one question to the broker.
const ANSWER: Duration = Duration::from_secs(30);
/// How often an idle lane looks at its stop flag, and a restoring one at its consumer.
const IDLE: Duration = Duration::from_millis(100);
/// Positions that only time moved are committed this often.
const TIME_ONLY: Duration = Duration::from_secs(30);

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
}

#[derive(Default)]
struct Batch {
    records: u64,
    bytes: usize,
    begun: Option<Instant>,
    /// Data was read, or something was written: there is something to commit beyond the time.
    touched: bool,
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
    batch: Batch,
    last_commit: Instant,
    /// Processed anything since the start: what failed before was the start.
    pub(crate) moved: bool,
    latency: prometheus::Histogram,
    joined: bool,
}

impl Lane {
    /// Takes the place of the lane before it and joins the group.
    pub(crate) fn start(job: Arc<Job>, index: usize, name: &str) -> Result<Self, EngineError> {
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
        if let Some(instance) = &settings.instance {
            config.set("group.instance.id", format!("{instance}.{index}"));
        }
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
            batch: Batch::default(),
            last_commit: Instant::now(),
            moved: false,
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

    /// An idle lane commits the first record at once; under load commits are paced.
    fn is_due(&self, idle: bool) -> bool {
        let Some(begun) = self.batch.begun else {
            return false;
        };
        let interval = self.job.settings.commit_interval;
        self.batch.records >= MAX_RECORDS
            || self.batch.bytes >= MAX_BYTES
            || begun.elapsed() >= interval
            || (idle && self.last_commit.elapsed() >= interval)
    }

    fn take(&self, message: &BorrowedMessage) -> Option<Incoming> {
        let topic = message.topic();
        let input = self.job.inputs.iter().position(|input| input.name == topic)?;
        let (partition, offset) = (message.partition(), message.offset());
        let position = self.positions.get(&(input, partition))?;
        // What a paused partition had under way comes again when it is resumed.
        let running = self
            .slots
            .get(&position.task)
            .is_some_and(|slot| slot.restore.is_none());
        if !running || offset < position.next {
            return None;
        }
        let headers = message.headers();
        let (times, trace) = Times::of(headers).unzip();
        Some(Incoming {
            input,
            partition,
            offset,
            times,
            trace: trace.unwrap_or_default().to_vec(),
            appended: message.timestamp().to_millis().unwrap_or_default(),
            key: message.key().unwrap_or_default().to_vec(),
            value: message.payload().unwrap_or_default().to_vec(),
        })
    }

    fn process(&mut self, incoming: &Incoming) -> Result<(), EngineError> {
        let Some(position) = self.positions.get_mut(&(incoming.input, incoming.partition)) else {
            return Ok(());
        };
        let task = position.task;
        position.next = incoming.offset + 1;
        self.producer.begin()?;
        self.batch.begun.get_or_insert_with(Instant::now);
        self.batch.records += 1;
        self.batch.bytes += incoming.key.len() + incoming.value.len();
        self.moved = true;
        let topic = self.job.inputs[incoming.input].topic;
        let receipt = incoming.times.map_or(0, |times| times.receipt);
        let outcome = if topic == TIME {
            self.tick(task, &incoming.value)
        } else {
            self.batch.touched = true;
            if receipt > 0 {
                self.batch.receipts.push(receipt);
            }
            self.note_age(incoming);
            if !incoming.trace.is_empty() {
                self.trace(incoming, receipt);
            }
            self.feed(task, topic, incoming)
        };
        match outcome {
            Ok(()) => self.send_outputs(task, topic, receipt, incoming),
            Err(ProcessorError::Store(error)) => Err(ProcessorError::Store(error).into()),
            Err(error) => self.poisoned(incoming, PROCESSOR_ERROR, error.to_string()),
        }
    }

    fn tick(&mut self, task: i32, value: &[u8]) -> Result<(), ProcessorError> {
        let Some(slot) = self.slots.get_mut(&task) else {
            return Ok(());
        };
        let Ok(now) = value.try_into().map(Millis::from_be_bytes) else {
            return Err(ProcessorError::Contract("a record of the time is no time".to_owned()));
        };
        slot.task.executor.tick(now)?;
        // Who is told a time does not tell it on: every partition of it has its own record.
        slot.task.executor.take_advance();
        Ok(())
    }

    fn feed(&mut self, task: i32, topic: &'static str, incoming: &Incoming) -> Result<(), ProcessorError> {
        let Some(slot) = self.slots.get_mut(&task) else {
            return Ok(());
        };
        let executor = &mut slot.task.executor;
        let record = |value: &[u8]| Record {
            topic,
            key: incoming.key.clone(),
            value: value.to_vec(),
            timestamp: incoming.times.map_or(incoming.appended, |times| times.event),
        };
        let known = self.poison.iter().find(|poison| {
            (poison.input, poison.partition, poison.offset) == (incoming.input, incoming.partition, incoming.offset)
        });
        if let Some(poison) = known {
            self.job.measures.poison.with_label_values(&[self.job.spec.name]).inc();
            let value = self
                .job
                .framing
                .unwrap(topic, &incoming.value)
                .unwrap_or(&incoming.value);
            return executor.dead_letter(&record(value), poison.reason, &poison.detail);
        }
        match self.job.framing.unwrap(topic, &incoming.value) {
            // Nothing was fed, so it can be buried at once.
            Err(detail) => executor.dead_letter(&record(&incoming.value), NO_CONTRACT, &detail),
            Ok(value) => {
                let record = record(value);
                // A panic is the processor's failure on this record, as an error is; its state is rebuilt.
                catch_unwind(AssertUnwindSafe(|| executor.feed(record)))
                    .unwrap_or_else(|_| Err(ProcessorError::Contract("the processor panicked".to_owned())))
            }
        }
    }

    /// Hands what came of a record to the client.
    fn send_outputs(
        &mut self,
        task: i32,
        topic: &'static str,
        receipt: Millis,
        incoming: &Incoming,
    ) -> Result<(), EngineError> {
        let Some(slot) = self.slots.get_mut(&task) else {
            return Ok(());
        };
        let executor = &mut slot.task.executor;
        let advance = (topic != TIME).then(|| executor.take_advance()).flatten();
        for record in executor.take_outputs() {
            let Some(name) = self.job.outputs.get(record.topic) else {
                return Err(ProcessorError::Contract(format!("nobody owns the topic {}", record.topic)).into());
            };
            let times = Times {
                event: record.timestamp,
                receipt,
            };
            let value = self.job.framing.wrap(record.topic, record.value);
            self.batch.bytes += record.key.len() + value.len();
            self.batch.touched = true;
            let sent = self.producer.send(Outgoing {
                topic: name,
                partition: None,
                key: &record.key,
                value: Some(&value),
                headers: Some(times.headers(&incoming.trace)),
                purpose: Purpose::Output,
            });
            if let Err(error) = sent {
                let too_large = matches!(
                    error,
                    KafkaError::MessageProduction(RDKafkaErrorCode::MessageSizeTooLarge)
                );
                if too_large {
                    return self.poisoned(
                        incoming,
                        "too_large",
                        format!("a record of {} bytes came of it", value.len()),
                    );
                }
                return Err(failed(format!("producing to {name}"))(error));
            }
        }
        if let Some(now) = advance {
            for partition in 0..self.job.time_partitions() {
                self.producer
                    .send(Outgoing {
                        topic: &self.job.time,
                        partition: Some(partition),
                        key: &[],
                        value: Some(&now.to_be_bytes()),
                        headers: None,
                        purpose: Purpose::Output,
                    })
                    .map_err(failed("producing the time"))?;
            }
        }
        self.at(Step::Processed);
        Ok(())
    }

    /// Notes the record, and goes back to before it: when it comes again it is buried, and the others of its batch go on.
    fn poisoned(&mut self, incoming: &Incoming, reason: &'static str, detail: String) -> Result<(), EngineError> {
        tracing::error!(
            processor = self.job.spec.name,
            partition = incoming.partition,
            offset = incoming.offset,
            detail,
            "a record becomes a dead letter"
        );
        if self.job.inputs[incoming.input].topic == TIME {
            // There is nothing to bury: time without effect is an error of the processor.
            return Err(ProcessorError::Contract(detail).into());
        }
        self.poison.push(Poison {
            input: incoming.input,
            partition: incoming.partition,
            offset: incoming.offset,
            reason,
            detail,
        });
        self.rewind("poison")
    }

    fn commit(&mut self) -> Result<(), EngineError> {
        let dirty = self
            .slots
            .values_mut()
            .any(|slot| slot.restore.is_none() && slot.task.is_dirty());
        if !self.batch.touched && !dirty && self.last_commit.elapsed() < TIME_ONLY {
            self.batch.begun = None;
            return Ok(());
        }
        if self.batch.begun.is_none() {
            return Ok(());
        }
        let begun = Instant::now();
        self.producer.begin()?;
        let mut drained = Vec::new();
        for (partition, slot) in self.slots.iter_mut().filter(|(_, slot)| slot.restore.is_none()) {
            let changes = slot.task.drain()?;
            for (store, (_, entries)) in changes.iter().enumerate() {
                for (key, value) in entries {
                    let mut name = Vec::with_capacity(key.len() + 1);
                    name.push(store as u8);
                    name.extend_from_slice(key);
                    self.producer
                        .send(Outgoing {
                            topic: &self.job.changelog,
                            partition: Some(*partition),
                            key: &name,
                            value: value.as_deref(),
                            headers: None,
                            purpose: Purpose::Changelog,
                        })
                        .map_err(failed(format!("producing to {}", self.job.changelog)))?;
                }
            }
            drained.push((*partition, changes));
        }
        self.at(Step::Drained);
        // All partitions of all running tasks, also those that did not move: a transaction without offsets is not fenced.
        let mut offsets = TopicPartitionList::new();
        for (&(input, partition), position) in &self.positions {
            if self
                .slots
                .get(&position.task)
                .is_some_and(|slot| slot.restore.is_none())
            {
                offsets
                    .add_partition_offset(&self.job.inputs[input].name, partition, Offset::Offset(position.next))
                    .map_err(failed("naming offsets"))?;
            }
        }
        let Some(group) = self.consumer.group_metadata() else {
            return Err(EngineError::Fenced {
                doing: "committing".to_owned(),
            });
        };
        let kill_point = self.job.settings.kill_point;
        let at = move |step| kill_point.into_iter().for_each(|kill| kill(step));
        let changelog = match self.producer.commit(&offsets, &group, at) {
            Ok(changelog) => changelog,
            Err(NotCommitted::Abort { error, reason }) => {
                tracing::warn!(processor = self.job.spec.name, %error, "a transaction is given up and tried again");
                return self.rewind(reason);
            }
            Err(NotCommitted::Restart(error)) => return Err(error),
        };
        for (partition, changes) in drained {
            if let (Some(last), Some(slot)) = (changelog.get(&partition), self.slots.get_mut(&partition)) {
                slot.task.restore(&changes, last + 1)?;
            }
        }
        self.at(Step::Applied);
        for position in self.positions.values_mut() {
            position.committed = position.next;
        }
        self.poison.retain(|poison| {
            let position = self.positions.get(&(poison.input, poison.partition));
            position.is_some_and(|position| position.committed <= poison.offset)
        });
        self.count(begun);
        Ok(())
    }

    /// Tells what a committed batch was like, and forgets it.
    fn count(&mut self, begun: Instant) {
        let measures = &self.job.measures;
        let processor = &[self.job.spec.name];
        measures.commits.with_label_values(processor).inc();
        measures
            .commit_seconds
            .with_label_values(processor)
            .observe(begun.elapsed().as_secs_f64());
        measures
            .batch_records
            .with_label_values(processor)
            .observe(self.batch.records as f64);
        let now = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default()
            .as_millis() as Millis;
        for receipt in &self.batch.receipts {
            self.latency.observe((now - receipt).max(0) as f64 / 1_000.0);
        }
        for slot in self.slots.values_mut() {
            for ((counter, label), amount) in slot.task.executor.take_counts() {
                measures
                    .events
                    .with_label_values(&[counter, label])
                    .inc_by(amount as f64);
            }
        }
        let mut receipts = std::mem::take(&mut self.batch.receipts);
        receipts.clear();
        self.batch = Batch {
            receipts,
            ..Batch::default()
        };
        self.last_commit = Instant::now();
        self.tell();
    }

    /// Gives up what was not committed, and reads it again.
    fn rewind(&mut self, reason: &'static str) -> Result<(), EngineError> {
        self.job
            .measures
            .aborts
            .with_label_values(&[self.job.spec.name, reason])
            .inc();
        self.producer.abort()?;
        for slot in self.slots.values_mut().filter(|slot| slot.restore.is_none()) {
            // Made anew: after a panic there may be more than stores to forget.
            slot.task.renew(&self.job)?;
        }
        self.batch = Batch::default();
        let mut list = TopicPartitionList::new();
        let mut bare = TopicPartitionList::new();
        for (&(input, partition), position) in &mut self.positions {
            if self.slots.get(&position.task).is_none_or(|slot| slot.restore.is_some()) {
                continue;
            }
            position.next = position.committed;
            let name = &self.job.inputs[input].name;
            bare.add_partition(name, partition);
            list.add_partition_offset(name, partition, Offset::Offset(position.committed))
                .map_err(failed("naming offsets"))?;
        }
        self.consumer
            .incremental_unassign(&bare)
            .map_err(failed("going back"))?;
        self.consumer.incremental_assign(&list).map_err(failed("going back"))
    }

    fn follow_group(&mut self) -> Result<(), EngineError> {
        while let Some(change) = self.consumer.context().next() {
            let kind = match &change {
                Change::Assigned(_) => "assigned",
                Change::Revoked { lost: true, .. } => "lost",
                Change::Revoked { .. } => "revoked",
            };
            self.job
                .measures
                .rebalances
                .with_label_values(&[self.job.spec.name, kind])
                .inc();
            tracing::info!(
                processor = self.job.spec.name,
                lane = self.index,
                ?change,
                "the group changes"
            );
            match change {
                Change::Assigned(partitions) => self.assign(&partitions)?,
                Change::Revoked { partitions, lost } => self.revoke(&partitions, lost)?,
            }
        }
        Ok(())
    }

    /// Takes partitions over, paused: their state comes first.
    fn assign(&mut self, partitions: &[i32]) -> Result<(), EngineError> {
        self.joined = true;
        let mut list = TopicPartitionList::new();
        for &partition in partitions {
            let mut task = Task::open(&self.job, partition)?;
            let mut asked = TopicPartitionList::new();
            let sources = self.job.sources(partition);
            for &(input, source) in &sources {
                asked.add_partition(&self.job.inputs[input].name, source);
            }
            // Waits while an open transaction of the former owner may still move them.
            let committed = self
                .consumer
                .committed_offsets(asked, ANSWER)
                .map_err(failed("asking for committed offsets"))?;
            let mut known = false;
            for (input, source) in sources {
                let name = &self.job.inputs[input].name;
                let (low, _) = self
                    .consumer
                    .fetch_watermarks(name, source, ANSWER)
                    .map_err(failed(format!("asking for the ends of {name}")))?;
                let had = committed
                    .find_partition(name, source)
                    .and_then(|found| found.offset().to_raw());
                let start = match had.filter(|offset| *offset >= 0) {
                    None => low,
                    Some(offset) if offset >= low => {
                        known = true;
                        offset
                    }
                    // Old time says nothing that newer time does not.
                    Some(_) if self.job.inputs[input].topic == TIME => low,
                    Some(committed) => {
                        return Err(EngineError::Lost {
                            topic: name.clone(),
                            partition: source,
                            committed,
                            low,
                            group: self.job.group(),
                        });
                    }
                };
                list.add_partition_offset(name, source, Offset::Offset(start))
                    .map_err(failed("naming offsets"))?;
                let position = Position {
                    task: partition,
                    next: start,
                    committed: start,
                };
                self.positions.insert((input, source), position);
            }
            // Asked for after the offsets: what belongs to them is in the changelog by then.
            let restore = match task.position()? {
                None => None,
                Some(position) => Some(Restore::begin(
                    &self.job.cluster,
                    &self.job.changelog,
                    partition,
                    position,
                )?),
            };
            if restore.is_none() {
                task.attach()?;
            }
            self.slots.insert(partition, Slot { task, restore, known });
        }
        self.consumer
            .incremental_assign(&list)
            .map_err(failed("taking partitions over"))?;
        let mut paused = TopicPartitionList::new();
        for (&(input, source), position) in &self.positions {
            let waits = self
                .slots
                .get(&position.task)
                .is_some_and(|slot| slot.restore.is_some());
            if waits && partitions.contains(&position.task) {
                paused.add_partition(&self.job.inputs[input].name, source);
            }
        }
        if paused.count() > 0 {
            self.consumer.pause(&paused).map_err(failed("pausing partitions"))?;
        }
        Ok(())
    }

    fn revoke(&mut self, partitions: &[i32], lost: bool) -> Result<(), EngineError> {
        if lost {
            // Somebody else may own them already, and the transaction cannot be split.
            self.rewind("lost")?;
        } else {
            self.commit()?;
        }
        let mut list = TopicPartitionList::new();
        self.positions.retain(|&(input, source), position| {
            let goes = partitions.contains(&position.task);
            if goes {
                list.add_partition(&self.job.inputs[input].name, source);
                let labels = [self.job.spec.name, self.job.inputs[input].topic, &source.to_string()];
                // Of what it does not own a process tells nothing; a partition that was never measured has no label.
                drop(self.job.measures.lag_records.remove_label_values(&labels));
                drop(self.job.measures.lag_seconds.remove_label_values(&labels));
            }
            !goes
        });
        for partition in partitions {
            self.slots.remove(partition);
        }
        self.consumer
            .incremental_unassign(&list)
            .map_err(failed("giving partitions up"))
    }

    /// Does a piece of the first restore that is open; whether there is one.
    fn restore_more(&mut self) -> Result<bool, EngineError> {
        let Some((&partition, slot)) = self.slots.iter_mut().find(|(_, slot)| slot.restore.is_some()) else {
            return Ok(false);
        };
        let Some(restore) = &mut slot.restore else {
            return Ok(false);
        };
        let processor = self.job.spec.name;
        let before = restore.entries;
        let progress = restore.advance(&mut slot.task)?;
        let measures = &self.job.measures;
        measures
            .restored
            .with_label_values(&[processor])
            .inc_by(restore.entries - before);
        measures
            .restoring
            .with_label_values(&[processor])
            .set(restore.remaining());
        measures.pulse(processor, self.index, false);
        if progress == Progress::More {
            return Ok(true);
        }
        let (entries, seconds) = (restore.entries, restore.begun.elapsed().as_secs_f64());
        if entries > 0 && !slot.known {
            return Err(EngineError::StateWithoutOffsets {
                group: self.job.group(),
                partition,
                changelog: self.job.changelog.clone(),
            });
        }
        measures.restoring.with_label_values(&[processor]).set(0);
        measures
            .restore_seconds
            .with_label_values(&[processor])
            .observe(seconds);
        tracing::info!(processor, partition, entries, seconds, "state is restored");
        slot.restore = None;
        slot.task.attach()?;
        let mut list = TopicPartitionList::new();
        for (&(input, source), position) in &self.positions {
            if position.task == partition {
                list.add_partition_offset(&self.job.inputs[input].name, source, Offset::Offset(position.next))
                    .map_err(failed("naming offsets"))?;
            }
        }
        self.consumer.resume(&list).map_err(failed("resuming partitions"))?;
        // What was under way before the pause is gone: the first record comes again.
        self.consumer
            .seek_partitions(list, ANSWER)
            .map_err(failed("resuming partitions"))?;
        Ok(true)
    }

    /// Lag of the owned partitions, and that the lane moves.
    fn tell(&self) {
        let ready = self.joined && self.slots.values().all(|slot| slot.restore.is_none());
        self.job.measures.pulse(self.job.spec.name, self.index, ready);
        self.job.measures.committed(self.job.spec.name, self.index);
        for end in self.consumer.context().take_ends() {
            let Some(input) = self.job.inputs.iter().position(|input| input.name == end.topic) else {
                continue;
            };
            let Some(position) = self.positions.get(&(input, end.partition)) else {
                continue;
            };
            let upto = if end.reached { position.next } else { end.offset };
            let lag = (upto - position.committed).max(0);
            let labels = [
                self.job.spec.name,
                self.job.inputs[input].topic,
                &end.partition.to_string(),
            ];
            self.job.measures.lag_records.with_label_values(&labels).set(lag);
            if lag == 0 {
                self.job.measures.lag_seconds.with_label_values(&labels).set(0.0);
            }
        }
    }

    /// A delivery that is traced has come so far: one line for each processor, found by the delivery's id.
    fn trace(&self, incoming: &Incoming, receipt: Millis) {
        let now = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default()
            .as_millis() as Millis;
        tracing::info!(
            delivery = %String::from_utf8_lossy(&incoming.trace),
            processor = self.job.spec.name,
            topic = self.job.inputs[incoming.input].topic,
            partition = incoming.partition,
            offset = incoming.offset,
            since_receipt_ms = now - receipt,
            "a traced delivery is processed"
        );
    }

    /// How old a record is while others wait behind it.
    fn note_age(&self, incoming: &Incoming) {
        if self.batch.records % 1_000 != 1 || incoming.appended <= 0 {
            return;
        }
        let now = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default()
            .as_millis() as Millis;
        let labels = [
            self.job.spec.name,
            self.job.inputs[incoming.input].topic,
            &incoming.partition.to_string(),
        ];
        let age = (now - incoming.appended).max(0) as f64 / 1_000.0;
        self.job.measures.lag_seconds.with_label_values(&labels).set(age);
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
