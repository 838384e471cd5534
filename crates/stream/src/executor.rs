//! Runs processors of a topology fused in one thread: what one writes another reads, without a log between them.

use crate::topology::{ProcessorSpec, TopicKind, Topology, TopologyError};
use crate::{Context, Processor, ProcessorError, Record, StateStore, Verdict};
use hilo_domain::Millis;
use rustc_hash::FxHashMap;
use std::borrow::Borrow;
use std::collections::{BTreeMap, VecDeque};

/// Makes the record of `hilo.dead_letter` from a record that could not be processed, a reason and a detail. This crate
/// knows no contract, so whoever builds an engine gives it.
pub type DeadLetterEncoder = fn(&Record, &'static str, &str) -> Result<Record, ProcessorError>;

/// Counter of records that a processor dropped, by reason.
pub const RECORDS_DROPPED: &str = "records_dropped";
/// Counter of records that became a dead letter by a verdict or by an engine, by reason.
pub const RECORDS_DEAD_LETTERED: &str = "records_dead_lettered";

/// Names of a store: unique in a topology.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StoreName {
    /// Processor that owns it.
    pub processor: &'static str,
    /// Its name within the processor.
    pub store: &'static str,
}

/// Counters by (counter, label).
pub type Counts = BTreeMap<(&'static str, &'static str), u64>;

type TopicId = u16;

struct Topic {
    /// Contained processors that read it, in topology order.
    readers: Box<[usize]>,
    /// Leaves the executor: derived, or read by nobody in here.
    leaves: bool,
}

struct Member {
    name: &'static str,
    processor: Box<dyn Processor>,
    /// By topic id: whether the specification declares it as an output.
    writes: Box<[bool]>,
    /// Contained processors that get its time, in topology order; never itself.
    downstream: Box<[usize]>,
}

/// A record on its way, and its topic.
enum Pending {
    /// Nobody outside sees it.
    Owned(TopicId, Record),
    /// Stands in `outputs` at this index: an output that is read in here too is not copied.
    Output(TopicId, usize),
}

/// Processors of a topology in one thread.
///
/// Records are handled first in, first out; a processor may write to a topic that it reads. The state of the processors,
/// the outputs and the counts belong together: an engine commits them together, or gives them up with
/// [`Executor::discard`].
pub struct Executor {
    ids: FxHashMap<&'static str, TopicId>,
    topics: Vec<Topic>,
    members: Vec<Member>,
    /// What a member writes goes to the contained readers; else all of it leaves.
    fused: bool,
    dead_letter: DeadLetterEncoder,
    context: Context,
    queue: VecDeque<Pending>,
    /// Time announced by a member, not yet carried downstream.
    advances: VecDeque<(usize, Millis)>,
    outputs: Vec<Record>,
    /// Outputs that go to every partition; only where what members write leaves.
    broadcasts: Vec<Record>,
    counts: FxHashMap<(&'static str, &'static str), u64>,
    advanced: Option<Millis>,
}

impl Executor {
    /// All processors of `topology`.
    pub fn all(topology: &Topology, dead_letter: DeadLetterEncoder) -> Result<Self, TopologyError> {
        Self::with(topology, &topology.processors().iter().collect::<Vec<_>>(), dead_letter)
    }

    /// The processors of `topology` with these names; they run in the topology's order.
    pub fn new(topology: &Topology, names: &[&str], dead_letter: DeadLetterEncoder) -> Result<Self, TopologyError> {
        if let Some(name) = names
            .iter()
            .find(|name| topology.processors().iter().all(|processor| processor.name != **name))
        {
            return Err(TopologyError::UnknownProcessor((*name).to_owned()));
        }
        let chosen: Vec<&ProcessorSpec> = topology
            .processors()
            .iter()
            .filter(|processor| names.contains(&processor.name))
            .collect();
        Self::with(topology, &chosen, dead_letter)
    }

    /// One processor for one partition: all that it writes leaves, also to a topic that it reads, since the key may
    /// belong to another partition.
    pub fn one(topology: &Topology, name: &str, dead_letter: DeadLetterEncoder) -> Result<Self, TopologyError> {
        let mut executor = Self::new(topology, &[name], dead_letter)?;
        executor.fused = false;
        Ok(executor)
    }

    fn with(
        topology: &Topology,
        specs: &[&ProcessorSpec],
        dead_letter: DeadLetterEncoder,
    ) -> Result<Self, TopologyError> {
        let mut ids = FxHashMap::default();
        let mut topics = Vec::new();
        for (id, topic) in (0..).zip(topology.topics()) {
            ids.insert(topic.name, id);
            let readers: Box<[usize]> = (0..specs.len())
                .filter(|&reader| specs[reader].inputs.contains(&topic.name))
                .collect();
            topics.push(Topic {
                leaves: topic.kind == TopicKind::Derived || readers.is_empty(),
                readers,
            });
        }
        let mut members = Vec::with_capacity(specs.len());
        for (index, spec) in specs.iter().enumerate() {
            let mut processor = (spec.factory)();
            let owned: Vec<&str> = processor.stores().iter().map(|store| store.name()).collect();
            let declared: Vec<&str> = spec.stores.iter().map(|store| store.name).collect();
            if owned != declared {
                return Err(TopologyError::StoresDiffer {
                    processor: spec.name,
                    declared: declared.join(", "),
                    owned: owned.join(", "),
                });
            }
            members.push(Member {
                name: spec.name,
                processor,
                writes: topology
                    .topics()
                    .iter()
                    .map(|topic| spec.writes().any(|name| name == topic.name))
                    .collect(),
                downstream: downstream(specs, index),
            });
        }
        Ok(Self {
            ids,
            topics,
            members,
            fused: true,
            dead_letter,
            context: Context::default(),
            queue: VecDeque::new(),
            advances: VecDeque::new(),
            outputs: Vec::new(),
            broadcasts: Vec::new(),
            counts: FxHashMap::default(),
            advanced: None,
        })
    }

    /// Handles `record` and all that comes of it. After an error the caller gives up what was not committed
    /// ([`Executor::discard`]).
    pub fn feed(&mut self, record: impl Borrow<Record>) -> Result<(), ProcessorError> {
        let record = record.borrow();
        let topic = self.input(record)?;
        self.context.spent = 0;
        self.handle(topic, record)?;
        self.settle()
    }

    /// Handles records that another executor sent for one of its inputs, as if their sender were in here: all of them
    /// wait before the first is handled.
    pub fn feed_all(&mut self, records: impl IntoIterator<Item = Record>) -> Result<(), ProcessorError> {
        self.context.spent = 0;
        for record in records {
            let topic = self.input(&record)?;
            self.queue.push_back(Pending::Owned(topic, record));
        }
        self.settle()
    }

    fn input(&self, record: &Record) -> Result<TopicId, ProcessorError> {
        match self.ids.get(record.topic) {
            Some(&id) if !self.topics[usize::from(id)].readers.is_empty() => Ok(id),
            _ => Err(ProcessorError::Contract(format!(
                "topic {} was fed and none of the processors {} reads it: feed only their inputs",
                record.topic,
                self.names().join(", ")
            ))),
        }
    }

    /// Tells every processor, in topology order, that time has reached `now`, and handles all that comes of it.
    pub fn tick(&mut self, now: Millis) -> Result<(), ProcessorError> {
        self.note_time(now);
        for index in 0..self.members.len() {
            self.tick_one(index, now)?;
        }
        self.settle()
    }

    /// Records since the last call, in the order in which they were sent: those of derived topics, also when read in
    /// here, and those that no contained processor reads.
    pub fn take_outputs(&mut self) -> Vec<Record> {
        std::mem::take(&mut self.outputs)
    }

    /// Records since the last call that go to every partition of their topics. Only an executor of one partition has any:
    /// where processors are fused there is one partition, and such a record is an output as any other.
    pub fn take_broadcasts(&mut self) -> Vec<Record> {
        std::mem::take(&mut self.broadcasts)
    }

    /// Greatest time since the last call that a contained processor announced or that [`Executor::tick`] brought:
    /// whoever runs the processors downstream of these carries it to them, after the outputs.
    pub fn take_advance(&mut self) -> Option<Millis> {
        self.advanced.take()
    }

    /// Counters since the last [`Executor::take_counts`].
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counts.iter().map(|(&name, &amount)| (name, amount)).collect()
    }

    /// Counters since the last call.
    pub fn take_counts(&mut self) -> Counts {
        self.counts.drain().collect()
    }

    /// All stores, in topology order.
    pub fn stores_mut(&mut self) -> Vec<(StoreName, &mut dyn StateStore)> {
        let mut all = Vec::new();
        for member in &mut self.members {
            for store in member.processor.stores() {
                let name = StoreName {
                    processor: member.name,
                    store: store.name(),
                };
                all.push((name, store));
            }
        }
        all
    }

    /// Gives up everything since the last commit: records on their way, outputs, counts, announced time and changed
    /// state.
    pub fn discard(&mut self) -> Result<(), ProcessorError> {
        self.queue.clear();
        self.advances.clear();
        self.outputs.clear();
        self.broadcasts.clear();
        self.counts.clear();
        self.advanced = None;
        self.context = Context::default();
        for member in &mut self.members {
            for store in member.processor.stores() {
                store.discard_dirty()?;
            }
        }
        Ok(())
    }

    /// Puts `record` among the dead letters as it is: for an engine that found no processor able to handle it.
    pub fn dead_letter(&mut self, record: &Record, reason: &'static str, detail: &str) -> Result<(), ProcessorError> {
        let readers = self
            .ids
            .get(record.topic)
            .map(|&id| &self.topics[usize::from(id)].readers);
        let first = readers.and_then(|readers| readers.first().copied());
        let refused = match first {
            Some(index) => {
                let refused = self.members[index]
                    .processor
                    .refuse(record, reason, detail, &mut self.context)?;
                self.absorb(index)?;
                refused
            }
            None => false,
        };
        if refused {
            *self.counts.entry((RECORDS_DEAD_LETTERED, reason)).or_default() += 1;
        } else {
            self.bury(record, reason, detail)?;
        }
        self.settle()
    }

    /// Units of work that the input record in hand, or the last one, has cost.
    #[must_use]
    pub fn spent(&self) -> u64 {
        self.context.spent
    }

    /// Names of the contained processors, in topology order.
    #[must_use]
    pub fn names(&self) -> Vec<&'static str> {
        self.members.iter().map(|member| member.name).collect()
    }

    fn settle(&mut self) -> Result<(), ProcessorError> {
        self.drain()?;
        while let Some((from, now)) = self.advances.pop_front() {
            for position in 0..self.members[from].downstream.len() {
                let index = self.members[from].downstream[position];
                self.tick_one(index, now)?;
            }
        }
        Ok(())
    }

    fn drain(&mut self) -> Result<(), ProcessorError> {
        while let Some(pending) = self.queue.pop_front() {
            match pending {
                Pending::Owned(topic, record) => self.handle(topic, &record)?,
                Pending::Output(topic, index) => {
                    // Handlers append to `outputs`, so the record steps out of it meanwhile.
                    let hole = Record {
                        topic: "",
                        key: Vec::new(),
                        value: Vec::new(),
                        timestamp: 0,
                    };
                    let record = std::mem::replace(&mut self.outputs[index], hole);
                    self.handle(topic, &record)?;
                    self.outputs[index] = record;
                }
            }
        }
        Ok(())
    }

    fn handle(&mut self, topic: TopicId, record: &Record) -> Result<(), ProcessorError> {
        for position in 0..self.topics[usize::from(topic)].readers.len() {
            let index = self.topics[usize::from(topic)].readers[position];
            match self.members[index].processor.process(record, &mut self.context)? {
                Verdict::Done => self.absorb(index)?,
                Verdict::Drop(reason) => {
                    *self.counts.entry((RECORDS_DROPPED, reason)).or_default() += 1;
                    self.absorb(index)?;
                }
                Verdict::DeadLetter { reason, detail } => {
                    self.absorb(index)?;
                    self.bury(record, reason, &detail)?;
                }
            }
        }
        Ok(())
    }

    fn bury(&mut self, record: &Record, reason: &'static str, detail: &str) -> Result<(), ProcessorError> {
        let letter = (self.dead_letter)(record, reason, detail)?;
        *self.counts.entry((RECORDS_DEAD_LETTERED, reason)).or_default() += 1;
        match self.ids.get(letter.topic) {
            Some(&id) => self.route(id, letter),
            None => self.outputs.push(letter),
        }
        Ok(())
    }

    fn tick_one(&mut self, index: usize, now: Millis) -> Result<(), ProcessorError> {
        self.context.unbounded = true;
        let ticked = self.members[index].processor.tick(now, &mut self.context);
        // What comes of it belongs to the time too.
        let drained = ticked.and_then(|()| self.absorb(index)).and_then(|()| self.drain());
        self.context.unbounded = false;
        drained
    }

    /// Takes what a processor left in the context.
    fn absorb(&mut self, index: usize) -> Result<(), ProcessorError> {
        let mut outputs = std::mem::take(&mut self.context.outputs);
        for record in outputs.drain(..) {
            let id = self.declared(index, record.topic)?;
            self.route(id, record);
        }
        self.context.outputs = outputs;
        for record in std::mem::take(&mut self.context.broadcasts) {
            let id = self.declared(index, record.topic)?;
            if self.fused {
                self.route(id, record);
            } else {
                self.broadcasts.push(record);
            }
        }
        for (counter, label, amount) in self.context.counts.drain(..) {
            *self.counts.entry((counter, label)).or_default() += amount;
        }
        if let Some(now) = self.context.advance_to.take() {
            self.note_time(now);
            self.advances.push_back((index, now));
        }
        Ok(())
    }

    /// Id of a topic that a member writes, if its specification names it.
    fn declared(&self, index: usize, topic: &str) -> Result<TopicId, ProcessorError> {
        let member = &self.members[index];
        let id = self.ids.get(topic).copied();
        id.filter(|id| member.writes[usize::from(*id)]).ok_or_else(|| {
            ProcessorError::Contract(format!(
                "processor {} wrote to topic {topic}, which its specification does not name: declare it as an output",
                member.name
            ))
        })
    }

    fn route(&mut self, id: TopicId, record: Record) {
        let topic = &self.topics[usize::from(id)];
        match (topic.leaves, topic.readers.is_empty()) {
            (true, true) => self.outputs.push(record),
            _ if !self.fused => self.outputs.push(record),
            (true, false) => {
                self.queue.push_back(Pending::Output(id, self.outputs.len()));
                self.outputs.push(record);
            }
            (false, _) => self.queue.push_back(Pending::Owned(id, record)),
        }
    }

    fn note_time(&mut self, now: Millis) {
        self.advanced = Some(self.advanced.map_or(now, |had| had.max(now)));
    }
}

/// Processors that read, directly or not, what `from` writes, without itself.
fn downstream(specs: &[&ProcessorSpec], from: usize) -> Box<[usize]> {
    let mut reached = vec![false; specs.len()];
    let mut open = vec![from];
    while let Some(writer) = open.pop() {
        for (reader, spec) in specs.iter().enumerate() {
            let reads = specs[writer].writes().any(|topic| spec.inputs.contains(&topic));
            if reads && !std::mem::replace(&mut reached[reader], true) {
                open.push(reader);
            }
        }
    }
    (0..specs.len())
        .filter(|&reader| reached[reader] && reader != from)
        .collect()
}
