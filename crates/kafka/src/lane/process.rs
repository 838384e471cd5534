//! What a lane does with a record: feeds it to its task, sends what comes of it, notes what a processor cannot bear.

use super::{Incoming, Lane, NO_CONTRACT, NO_TIME, PROCESSOR_ERROR, Poison, TOO_LARGE};
use crate::EngineError;
use crate::cluster::MAX_RECORD_BYTES;
use crate::error::failed;
use crate::framing::{Times, Unread};
use crate::names::TIME;
use crate::transactions::{Outgoing, Purpose, Step};
use hilo_domain::Millis;
use hilo_stream::embedded::TOO_COSTLY;
use hilo_stream::{Executor, ProcessorError, Record, wire};
use rdkafka::message::{BorrowedMessage, Message as _};
use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Instant, SystemTime};

impl Lane {
    pub(super) fn take(&self, message: &BorrowedMessage) -> Option<Incoming> {
        let topic = message.topic();
        let input = self.job.inputs.iter().position(|input| input.name == topic)?;
        let (partition, offset) = (message.partition(), message.offset());
        let position = self.positions.get(&(input, partition))?;
        // What a paused partition had under way comes again when it is resumed.
        let running = self
            .slots
            .get(&position.task)
            .is_some_and(|slot| slot.restore.is_none());
        if !running || offset < position.next || self.held.contains_key(&(input, partition)) {
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

    pub(super) fn process(&mut self, incoming: &Incoming) -> Result<(), EngineError> {
        let topic = self.job.inputs[incoming.input].topic;
        let job = Arc::clone(&self.job);
        // A record of ours that another release wrote is not lost: it waits for that release.
        if job.inputs[incoming.input].is_internal
            && incoming.times.is_some()
            && let Some(found) = wire::other_version(&incoming.value)
        {
            return self.hold(incoming, &of_another_release(found));
        }
        let opened = match job.framing.unwrap(topic, &incoming.value) {
            Err(Unread::Waits(problem)) => return self.hold(incoming, &problem),
            Err(Unread::Foreign(problem)) => Err(problem),
            Ok(datum) => Ok(datum),
        };
        let Some(position) = self.positions.get_mut(&(incoming.input, incoming.partition)) else {
            return Ok(());
        };
        let task = position.task;
        position.next = incoming.offset + 1;
        self.producer.begin()?;
        self.batch.begun.get_or_insert_with(Instant::now);
        self.batch.records += 1;
        self.batch.bytes += incoming.key.len() + incoming.value.len();
        let receipt = incoming.times.map_or(0, |times| times.receipt);
        let outcome = if topic == TIME {
            self.tick(task, incoming)
        } else {
            self.batch.touched = true;
            if receipt > 0 {
                self.batch.receipts.push(receipt);
            }
            self.note_age(incoming);
            if !incoming.trace.is_empty() {
                self.trace(incoming, receipt);
            }
            self.feed(task, topic, incoming, opened)
        };
        match outcome {
            Ok(()) => self.send_outputs(task, topic, receipt, incoming),
            Err(ProcessorError::Store(error)) => Err(ProcessorError::Store(error).into()),
            Err(error @ ProcessorError::TooCostly) => self.poisoned(incoming, TOO_COSTLY, error.to_string()),
            Err(error) => self.poisoned(incoming, PROCESSOR_ERROR, error.to_string()),
        }
    }

    pub(super) fn tick(&mut self, task: i32, incoming: &Incoming) -> Result<(), ProcessorError> {
        let now = incoming.value.as_slice().try_into().map(Millis::from_be_bytes);
        let problem = match (now, incoming.times) {
            (Ok(_), Some(_)) => None,
            (Ok(_), None) => Some(format!(
                "a record of {} bytes without Hilo's header",
                incoming.value.len()
            )),
            (Err(_), _) => Some(format!("a record of {} bytes, and a time has 8", incoming.value.len())),
        };
        let known = self.known(incoming).map(|poison| {
            let wanted = !poison.is_hopeless;
            wanted.then(|| (poison.reason, poison.detail.clone()))
        });
        let Some(slot) = self.slots.get_mut(&task) else {
            return Ok(());
        };
        let executor = &mut slot.task.executor;
        let letter = match (known, problem) {
            (Some(None), _) => return Ok(()),
            (Some(Some(letter)), _) => letter,
            // Nothing was fed, so it can be buried at once.
            (None, Some(detail)) => (NO_TIME, detail),
            (None, None) => {
                // A panic is the processor's failure, as it is on any other record.
                let ticked = catch_unwind(AssertUnwindSafe(|| executor.tick(now.unwrap_or_default())));
                ticked.unwrap_or_else(|_| Err(ProcessorError::Contract("the processor panicked".to_owned())))?;
                // Who is told a time does not tell it on: every partition of it has its own record.
                executor.take_advance();
                return Ok(());
            }
        };
        let measures = &self.job.measures;
        let counter = if letter.0 == NO_TIME {
            &measures.foreign
        } else {
            &measures.poison
        };
        counter.with_label_values(&[self.job.spec.name]).inc();
        self.batch.touched = true;
        if self.job.buries_time() {
            bury(executor, TIME, incoming, &incoming.value, letter.0, &letter.1)?;
        }
        Ok(())
    }

    /// Whether the processor failed on this record before.
    fn known(&self, incoming: &Incoming) -> Option<&Poison> {
        self.poison.iter().find(|poison| {
            (poison.input, poison.partition, poison.offset) == (incoming.input, incoming.partition, incoming.offset)
        })
    }

    /// Gives a record to its task; `opened`: its datum, or why it has none.
    pub(super) fn feed(
        &mut self,
        task: i32,
        topic: &'static str,
        incoming: &Incoming,
        opened: Result<Cow<'_, [u8]>, String>,
    ) -> Result<(), ProcessorError> {
        let known = self.known(incoming).map(|poison| {
            let wanted = !poison.is_hopeless;
            wanted.then(|| (poison.reason, poison.detail.clone()))
        });
        let Some(slot) = self.slots.get_mut(&task) else {
            return Ok(());
        };
        let executor = &mut slot.task.executor;
        if let Some(letter) = known {
            self.job.measures.poison.with_label_values(&[self.job.spec.name]).inc();
            let value = opened.unwrap_or(Cow::Borrowed(&incoming.value));
            let Some((reason, detail)) = letter else { return Ok(()) };
            return bury(executor, topic, incoming, &value, reason, &detail);
        }
        match opened {
            // Nothing was fed, so it can be buried at once.
            Err(detail) => {
                self.job.measures.foreign.with_label_values(&[self.job.spec.name]).inc();
                bury(executor, topic, incoming, &incoming.value, NO_CONTRACT, &detail)
            }
            Ok(value) => {
                let record = record(topic, incoming, value.into_owned());
                // A panic is the processor's failure on this record, as an error is; its state is rebuilt.
                catch_unwind(AssertUnwindSafe(|| executor.feed(record)))
                    .unwrap_or_else(|_| Err(ProcessorError::Contract("the processor panicked".to_owned())))
            }
        }
    }

    /// Hands what came of a record to the client.
    pub(super) fn send_outputs(
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
        let outputs = executor.take_outputs().into_iter().map(|record| (record, To::ItsKey));
        let broadcasts = executor.take_broadcasts().into_iter().map(|record| (record, To::All));
        for (record, to) in outputs.chain(broadcasts) {
            if let Some(problem) = self.send_output(record, to, receipt, incoming)? {
                return self.poisoned(incoming, TOO_LARGE, problem);
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
                        headers: Some(Times { event: now, receipt }.headers(&[])),
                        purpose: Purpose::Output,
                    })
                    .map_err(failed("producing the time"))?;
            }
        }
        self.at(Step::Processed);
        Ok(())
    }

    /// Hands a record to the client, once or for each partition of its topic. A record that is too large is not sent, because
    /// the broker would refuse the whole transaction: the answer is a text with its size.
    fn send_output(
        &mut self,
        record: Record,
        to: To,
        receipt: Millis,
        incoming: &Incoming,
    ) -> Result<Option<String>, EngineError> {
        let Some(name) = self.job.outputs.get(record.topic) else {
            return Err(ProcessorError::Contract(format!("nobody owns the topic {}", record.topic)).into());
        };
        let copies = match to {
            To::ItsKey => 0..1,
            To::All => {
                let partitions = self
                    .job
                    .partitions
                    .get(record.topic)
                    .ok_or_else(|| EngineError::Topic {
                        topic: name.clone(),
                        problem: "it was not there when the role started, so its partitions are not known".to_owned(),
                    })?;
                0..*partitions
            }
        };
        let value = self.job.framing.wrap(record.topic, record.value);
        let bytes = record.key.len() + value.len() + OVERHEAD;
        if bytes > MAX_RECORD_BYTES {
            return Ok(Some(format!("a record of {bytes} bytes came of it")));
        }
        let times = Times {
            event: record.timestamp,
            receipt,
        };
        self.batch.touched = true;
        for copy in copies {
            self.batch.bytes += record.key.len() + value.len();
            let sent = self.producer.send(Outgoing {
                topic: name,
                partition: matches!(to, To::All).then_some(copy),
                key: &record.key,
                value: Some(&value),
                headers: Some(times.headers(&incoming.trace)),
                purpose: Purpose::Output,
            });
            sent.map_err(failed(format!("producing to {name}")))?;
        }
        Ok(None)
    }

    /// Notes the record, and goes back to before it: when it comes again it is buried, and the others of its batch go on.
    pub(super) fn poisoned(
        &mut self,
        incoming: &Incoming,
        reason: &'static str,
        detail: String,
    ) -> Result<(), EngineError> {
        tracing::error!(
            processor = self.job.spec.name,
            partition = incoming.partition,
            offset = incoming.offset,
            topic = self.job.inputs[incoming.input].topic,
            reason,
            detail,
            "a record becomes a dead letter"
        );
        let place = (incoming.input, incoming.partition, incoming.offset);
        let known = self
            .poison
            .iter_mut()
            .find(|poison| (poison.input, poison.partition, poison.offset) == place);
        if let Some(poison) = known {
            // Its dead letter fails as well. What is passed over stands in the log and in the topic.
            poison.is_hopeless = true;
            return self.rewind("poison");
        }
        self.poison.push(Poison {
            input: incoming.input,
            partition: incoming.partition,
            offset: incoming.offset,
            reason,
            detail,
            is_hopeless: false,
        });
        self.rewind("poison")
    }

    /// A delivery that is traced has come so far: one line for each processor, found by the delivery's id.
    pub(super) fn trace(&self, incoming: &Incoming, receipt: Millis) {
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
    pub(super) fn note_age(&self, incoming: &Incoming) {
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
}

/// Why a record of another release waits.
fn of_another_release(found: u8) -> String {
    if found > wire::VERSION {
        format!(
            "a later release wrote it, in version {found}; this one reads {}: roll out that release",
            wire::VERSION
        )
    } else {
        format!(
            "the release before wrote it, in version {found}; this one reads {}: run the release before until it has processed this \
             topic, then this one",
            wire::VERSION
        )
    }
}

/// Which partitions of its topic a record goes to.
#[derive(Clone, Copy)]
enum To {
    /// That of its key.
    ItsKey,
    /// Each of them.
    All,
}

/// What a batch on the wire has beside keys and values, at most.
const OVERHEAD: usize = 1_024;
/// Bytes of a value, and of a key, that a dead letter keeps: it is itself a record that a topic has to take.
const KEPT_VALUE: usize = MAX_RECORD_BYTES - (64 << 10);
const KEPT_KEY: usize = 1_024;

fn record(topic: &'static str, incoming: &Incoming, value: Vec<u8>) -> Record {
    Record {
        topic,
        key: incoming.key.clone(),
        value,
        timestamp: incoming.times.map_or(incoming.appended, |times| times.event),
    }
}

/// Puts a record among the dead letters; of one that is larger than a dead letter can be, the beginning.
fn bury(
    executor: &mut Executor,
    topic: &'static str,
    incoming: &Incoming,
    value: &[u8],
    reason: &'static str,
    detail: &str,
) -> Result<(), ProcessorError> {
    let mut record = record(topic, incoming, value[..value.len().min(KEPT_VALUE)].to_vec());
    record.key.truncate(KEPT_KEY);
    if record.value.len() == value.len() {
        return executor.dead_letter(&record, reason, detail);
    }
    let detail = format!("{detail}; of its {} bytes the first {KEPT_VALUE} are kept", value.len());
    executor.dead_letter(&record, reason, &detail)
}
