//! How a lane makes a batch true, or gives it up.

use super::{Batch, FIRST_PAUSE, GREATEST_PAUSE, Lane, MAX_RECORDS, TIME_ONLY};
use crate::EngineError;
use crate::error::failed;
use crate::transactions::{NotCommitted, Outgoing, Purpose, Step};
use hilo_domain::Millis;
use rdkafka::consumer::Consumer as _;
use rdkafka::{Offset, TopicPartitionList};
use std::time::{Instant, SystemTime};

impl Lane {
    pub(super) fn commit(&mut self) -> Result<(), EngineError> {
        let dirty = self
            .slots
            .values_mut()
            .any(|slot| slot.restore.is_none() && slot.task.is_dirty());
        if !self.batch.touched && !dirty && self.last_commit.elapsed() < TIME_ONLY {
            self.batch.only_time |= self.batch.begun.take().is_some();
            return Ok(());
        }
        if self.batch.begun.is_none() && !self.batch.only_time {
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
        // Asked after the group: once the client knows that the group went on, it may have forgotten who it was there, and
        // nobody refuses offsets of somebody who claims to be no member.
        if self.consumer.assignment_lost() {
            return self.rewind("fenced");
        }
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
        self.limit = (self.limit * 2).min(MAX_RECORDS);
        self.given_up = 0;
        self.count(begun);
        self.job.measures.progress(self.job.spec.name, self.index);
        Ok(())
    }

    /// Tells what a committed batch was like, and forgets it.
    pub(super) fn count(&mut self, begun: Instant) {
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
    pub(super) fn rewind(&mut self, reason: &'static str) -> Result<(), EngineError> {
        self.job
            .measures
            .aborts
            .with_label_values(&[self.job.spec.name, reason])
            .inc();
        self.producer.abort()?;
        if reason == "commit" {
            self.limit = self.limit_after_failure();
        }
        if matches!(reason, "commit" | "fenced") {
            // The first time the group has mostly just gone on. After that, whatever refuses is given time.
            if self.given_up > 0 {
                let pause = FIRST_PAUSE.saturating_mul(1 << self.given_up.min(16));
                std::thread::sleep(pause.min(GREATEST_PAUSE));
            }
            self.given_up += 1;
        }
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
        self.consumer.incremental_assign(&list).map_err(failed("going back"))?;
        // Held partitions go on at the same record, which holds them up again.
        let mut held = TopicPartitionList::new();
        for (input, partition) in std::mem::take(&mut self.held).into_keys() {
            held.add_partition(&self.job.inputs[input].name, partition);
        }
        if held.count() > 0 {
            self.consumer.resume(&held).map_err(failed("going back"))?;
        }
        Ok(())
    }
}
