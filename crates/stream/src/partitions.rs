//! The partitioned test driver: a topology as it runs on Kafka, every processor once a partition, in memory and in an
//! order that a seed decides.
//!
//! Order holds within a partition of a topic and nowhere else, as on Kafka; time reaches every task by itself, before or
//! after the records that came with it.

use crate::driver::DriverError;
use crate::driver::SplitMix;
use crate::executor::StoreName;
use crate::executor::{Counts, DeadLetterEncoder, Executor};
use crate::topology::{Scope, Topology};
use crate::{MemoryBackend, ProcessorError, Record};
use hilo_domain::Millis;
use std::collections::BTreeMap;

/// Records handled for one that is appended, at most. What is appended again and again to people who come together and
/// apart makes some dozens.
const MOST_STEPS: usize = 500;

/// A processor at one partition, and how far it is in each of its inputs.
struct Task {
    executor: Executor,
    /// Topic, partition, next place.
    inputs: Vec<(&'static str, usize, usize)>,
    /// Next of the times.
    time: usize,
    name: &'static str,
    committed: BTreeMap<StoreName, MemoryBackend>,
}

/// A topology over several partitions, in memory.
pub struct PartitionedDriver {
    topology: Topology,
    dead_letter: DeadLetterEncoder,
    tasks: Vec<Task>,
    logs: BTreeMap<&'static str, Vec<Vec<Record>>>,
    times: Vec<Millis>,
    random: SplitMix,
    counts: Counts,
    appended: usize,
    steps: usize,
}

impl PartitionedDriver {
    /// All processors of `topology`, every topic with so many `partitions`; `seed` decides who comes next.
    pub fn new(
        topology: &Topology,
        partitions: usize,
        seed: u64,
        dead_letter: DeadLetterEncoder,
    ) -> Result<Self, DriverError> {
        let logs = topology
            .topics()
            .iter()
            .map(|topic| (topic.name, vec![Vec::new(); partitions]))
            .collect();
        let mut driver = Self {
            topology: topology.clone(),
            dead_letter,
            tasks: Vec::new(),
            logs,
            times: Vec::new(),
            random: SplitMix(seed),
            counts: Counts::new(),
            appended: 0,
            steps: 0,
        };
        for spec in topology.processors() {
            let count = match spec.scope {
                Scope::Keyed => partitions,
                Scope::Global => 1,
            };
            for partition in 0..count {
                let owned = match spec.scope {
                    Scope::Keyed => partition..partition + 1,
                    Scope::Global => 0..partitions,
                };
                let inputs = spec
                    .inputs
                    .iter()
                    .flat_map(|topic| owned.clone().map(|partition| (*topic, partition, 0)))
                    .collect();
                let mut task = Task {
                    executor: Executor::one(topology, spec.name, dead_letter)?,
                    inputs,
                    time: 0,
                    name: spec.name,
                    committed: BTreeMap::new(),
                };
                task.attach()?;
                driver.tasks.push(task);
            }
        }
        Ok(driver)
    }

    /// Appends a record to the raw topic, at the partition of its key.
    pub fn append(&mut self, record: Record) {
        self.appended += 1;
        self.log(record);
    }

    fn log(&mut self, record: Record) {
        let partition = self.partition(&record.key);
        if let Some(log) = self.logs.get_mut(record.topic) {
            log[partition].push(record);
        }
    }

    /// Handles records, one at a time and in an order of its own, until all tasks have read all there is.
    pub fn run(&mut self) -> Result<(), DriverError> {
        loop {
            let mut ready: Vec<(usize, Option<usize>)> = Vec::new();
            for (place, task) in self.tasks.iter().enumerate() {
                let waiting = task
                    .inputs
                    .iter()
                    .enumerate()
                    .filter(|(_, (topic, partition, next))| self.logs[topic][*partition].len() > *next);
                ready.extend(waiting.map(|(input, _)| (place, Some(input))));
                if task.time < self.times.len() {
                    ready.push((place, None));
                }
            }
            if ready.is_empty() {
                return Ok(());
            }
            let (place, input) = ready[self.random.below(ready.len())];
            self.step(place, input)?;
            self.steps += 1;
            if self.steps > MOST_STEPS * self.appended {
                return Err(DriverError::Unsettled {
                    steps: self.steps,
                    appended: self.appended,
                });
            }
        }
    }

    /// Stops one task as a rebalance does: its state is encoded, and a fresh processor goes on with it.
    pub fn move_one(&mut self) -> Result<(), DriverError> {
        let place = self.random.below(self.tasks.len());
        let task = &mut self.tasks[place];
        task.commit(&mut self.counts)?;
        task.executor = Executor::one(&self.topology, task.name, self.dead_letter)?;
        task.attach()?;
        Ok(())
    }

    /// A topic's partitions.
    #[must_use]
    pub fn topic(&self, name: &str) -> &[Vec<Record>] {
        self.logs.get(name).map_or(&[], Vec::as_slice)
    }

    /// Counters of all tasks so far.
    pub fn counts(&mut self) -> Result<Counts, DriverError> {
        for task in &mut self.tasks {
            task.commit(&mut self.counts)?;
        }
        Ok(self.counts.clone())
    }

    fn step(&mut self, place: usize, input: Option<usize>) -> Result<(), DriverError> {
        let task = &mut self.tasks[place];
        match input {
            Some(input) => {
                let (topic, partition, next) = &mut task.inputs[input];
                let record = self.logs[topic][*partition][*next].clone();
                *next += 1;
                task.executor.feed(record)?;
                // Who reads a clock record announces its time to all; who is told a time does not tell it on.
                self.times.extend(task.executor.take_advance());
            }
            None => {
                task.executor.tick(self.times[task.time])?;
                task.time += 1;
                task.executor.take_advance();
            }
        }
        let broadcasts = task.executor.take_broadcasts();
        for record in task.executor.take_outputs() {
            self.log(record);
        }
        for record in broadcasts {
            let log = self.logs.get_mut(record.topic);
            for partition in log.into_iter().flatten() {
                partition.push(record.clone());
            }
        }
        Ok(())
    }

    fn partition(&self, key: &[u8]) -> usize {
        let hash = key.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
        });
        let partitions = self.logs.values().next().map_or(1, Vec::len).max(1);
        (hash % partitions as u64) as usize
    }
}

impl Task {
    fn attach(&mut self) -> Result<(), DriverError> {
        for (name, store) in self.executor.stores_mut() {
            let backend = self.committed.entry(name).or_default().clone();
            store.attach(Box::new(backend)).map_err(ProcessorError::from)?;
        }
        Ok(())
    }

    fn commit(&mut self, counts: &mut Counts) -> Result<(), DriverError> {
        for (name, store) in self.executor.stores_mut() {
            let backend = self.committed.entry(name).or_default();
            store
                .drain_dirty(&mut |change| backend.apply(change))
                .map_err(ProcessorError::from)?;
        }
        for (name, amount) in self.executor.take_counts() {
            *counts.entry(name).or_default() += amount;
        }
        Ok(())
    }
}
