//! The test driver: a topology in memory, with restarts, repetitions and permutations at will.

use crate::executor::{Counts, DeadLetterEncoder, Executor, StoreName};
use crate::memory::{Entries, MemoryBackend};
use crate::{ProcessorError, Record, Topology, TopologyError};
use hilo_domain::Millis;
use std::collections::BTreeMap;

/// A driver that could not be built or run.
#[derive(Debug, thiserror::Error)]
pub enum DriverError {
    /// The topology or the choice of processors.
    #[error(transparent)]
    Topology(#[from] TopologyError),
    /// A processor.
    #[error(transparent)]
    Processor(#[from] ProcessorError),
    /// Records that make records without end, or nearly so.
    #[error(
        "{steps} records were handled for {appended} that were appended, and it goes on: some processors feed one another"
    )]
    Unsettled {
        /// Handled.
        steps: usize,
        /// Appended from outside.
        appended: usize,
    },
}

/// Processors of a topology in memory: one call a record.
pub struct TestDriver {
    topology: Topology,
    names: Vec<&'static str>,
    dead_letter: DeadLetterEncoder,
    executor: Executor,
    committed: BTreeMap<StoreName, MemoryBackend>,
    outputs: Vec<Record>,
    counts: Counts,
}

impl TestDriver {
    /// Drives all processors of `topology`.
    pub fn all(topology: &Topology, dead_letter: DeadLetterEncoder) -> Result<Self, DriverError> {
        Self::with(topology, Executor::all(topology, dead_letter)?, dead_letter)
    }

    /// Drives the processors of `topology` with these names.
    pub fn new(topology: &Topology, names: &[&str], dead_letter: DeadLetterEncoder) -> Result<Self, DriverError> {
        Self::with(topology, Executor::new(topology, names, dead_letter)?, dead_letter)
    }

    fn with(topology: &Topology, executor: Executor, dead_letter: DeadLetterEncoder) -> Result<Self, DriverError> {
        let mut driver = Self {
            topology: topology.clone(),
            names: executor.names(),
            dead_letter,
            executor,
            committed: BTreeMap::new(),
            outputs: Vec::new(),
            counts: Counts::new(),
        };
        driver.attach()?;
        Ok(driver)
    }

    /// Handles one record.
    pub fn pipe(&mut self, record: Record) -> Result<(), DriverError> {
        self.executor.feed(record)?;
        self.outputs.append(&mut self.executor.take_outputs());
        Ok(())
    }

    /// Handles records in order.
    pub fn pipe_all(&mut self, records: impl IntoIterator<Item = Record>) -> Result<(), DriverError> {
        records.into_iter().try_for_each(|record| self.pipe(record))
    }

    /// Tells every processor that time has reached `now`.
    pub fn tick(&mut self, now: Millis) -> Result<(), DriverError> {
        self.executor.tick(now)?;
        self.outputs.append(&mut self.executor.take_outputs());
        Ok(())
    }

    /// Stops as a process would: state is encoded, the processors are dropped, fresh ones get the encoded state.
    /// Outputs and counts go on.
    pub fn restart(&mut self) -> Result<(), DriverError> {
        self.commit()?;
        self.executor = Executor::new(&self.topology, &self.names, self.dead_letter)?;
        self.attach()
    }

    /// All outputs so far, in order.
    #[must_use]
    pub fn outputs(&self) -> &[Record] {
        &self.outputs
    }

    /// Outputs so far of one topic, in order.
    pub fn topic<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Record> {
        self.outputs.iter().filter(move |record| record.topic == name)
    }

    /// Counters so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let mut counts = self.counts.clone();
        for (name, amount) in self.executor.counts() {
            *counts.entry(name).or_default() += amount;
        }
        counts
    }

    /// Encoded content of all stores, as a commit would write it.
    pub fn state(&mut self) -> Result<BTreeMap<StoreName, Entries>, DriverError> {
        self.commit()?;
        Ok(self
            .committed
            .iter()
            .map(|(&name, backend)| (name, backend.entries()))
            .collect())
    }

    fn attach(&mut self) -> Result<(), DriverError> {
        for (name, store) in self.executor.stores_mut() {
            let backend = self.committed.entry(name).or_default().clone();
            store.attach(Box::new(backend)).map_err(ProcessorError::from)?;
        }
        Ok(())
    }

    fn commit(&mut self) -> Result<(), DriverError> {
        for (name, store) in self.executor.stores_mut() {
            let backend = self.committed.entry(name).or_default();
            store
                .drain_dirty(&mut |change| backend.apply(change))
                .map_err(ProcessorError::from)?;
        }
        for (name, amount) in self.executor.take_counts() {
            *self.counts.entry(name).or_default() += amount;
        }
        Ok(())
    }
}

/// The records in an order that `seed` decides.
#[must_use]
pub fn permuted<T: Clone>(records: &[T], seed: u64) -> Vec<T> {
    let mut random = SplitMix(seed);
    let mut order = records.to_vec();
    for end in (1..order.len()).rev() {
        order.swap(end, random.below(end + 1));
    }
    order
}

/// The records in their order, and some of them, which `seed` decides, once or twice more anywhere behind.
#[must_use]
pub fn repeated<T: Clone>(records: &[T], seed: u64) -> Vec<T> {
    let mut random = SplitMix(seed);
    let mut all = Vec::with_capacity(records.len() * 2);
    let mut waiting: Vec<T> = Vec::new();
    for record in records {
        all.push(record.clone());
        for _ in 0..random.below(3) {
            waiting.push(record.clone());
        }
        if !waiting.is_empty() && random.below(2) == 0 {
            let next = random.below(waiting.len());
            all.push(waiting.swap_remove(next));
        }
    }
    all.append(&mut waiting);
    all
}

/// SplitMix64: enough to shuffle a test's input, and the same for ever.
pub(crate) struct SplitMix(pub(crate) u64);

impl SplitMix {
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        (mixed % bound.max(1) as u64) as usize
    }
}
