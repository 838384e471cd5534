//! How a lane follows its group: partitions that come, with their state, and partitions that go.

use super::{ANSWER, Lane, Position, Slot};
use crate::EngineError;
use crate::error::failed;
use crate::measures::State;
use crate::names::TIME;
use crate::rebalance::{Change, resume_at};
use crate::restore::{Progress, Restore};
use crate::task::Task;
use rdkafka::consumer::Consumer as _;
use rdkafka::{Offset, TopicPartitionList};

impl Lane {
    pub(super) fn follow_group(&mut self) -> Result<(), EngineError> {
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
    pub(super) fn assign(&mut self, partitions: &[i32]) -> Result<(), EngineError> {
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

    pub(super) fn revoke(&mut self, partitions: &[i32], lost: bool) -> Result<(), EngineError> {
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
        self.ends.retain(|place, _| self.positions.contains_key(place));
        self.held.retain(|place, _| self.positions.contains_key(place));
        for partition in partitions {
            self.slots.remove(partition);
        }
        self.consumer
            .incremental_unassign(&list)
            .map_err(failed("giving partitions up"))
    }

    /// Does a piece of the first restore that is open; whether there is one.
    pub(super) fn restore_more(&mut self) -> Result<bool, EngineError> {
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
        let state = State::Restoring {
            partition,
            remaining: restore.remaining(),
        };
        measures.pulse(processor, self.index, state);
        measures
            .foreign
            .with_label_values(&[processor])
            .inc_by(std::mem::take(&mut restore.foreign));
        if restore.entries > before {
            measures.progress(processor, self.index);
        }
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
        // Looked for before any record is processed: a store reads an entry when its key comes, which may be days later.
        if entries > 0
            && let Some(found) = slot.task.other_version()?
        {
            return Err(EngineError::OtherState {
                changelog: self.job.changelog.clone(),
                partition,
                found,
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
        resume_at(&self.consumer, list, ANSWER)?;
        Ok(true)
    }
}
