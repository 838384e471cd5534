//! Facts that no processor makes: what the CRM answered, for example. They enter the logs with the engine's next commit.

use super::EmbeddedError;
use super::raw::Tail;
use super::receipt::{Receipt, Reply, receipt};
use crate::{Record, TopicKind, Topology};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Records that wait at most; beyond it an append is refused, for the engine does not get on.
const CAPACITY: usize = 50_000;

struct Waiting {
    appends: Vec<Append>,
    records: usize,
    closed: bool,
}

/// Records with who waits for them.
pub(super) struct Append {
    pub(super) records: Vec<Record>,
    reply: Reply,
}

impl Append {
    pub(super) fn done(self) {
        let count = self.records.len() as u64;
        self.reply.send(Ok(0..count));
    }
}

/// Takes facts from outside of the topology, from any thread.
#[derive(Clone)]
pub struct Inlet {
    /// Derived topics that no processor writes.
    topics: Arc<[&'static str]>,
    waiting: Arc<Mutex<Waiting>>,
    /// Where the engine waits.
    tail: Arc<Tail>,
}

impl Inlet {
    pub(super) fn new(topology: &Topology, tail: Arc<Tail>) -> Self {
        let written: Vec<&str> = topology
            .processors()
            .iter()
            .flat_map(crate::ProcessorSpec::writes)
            .collect();
        let outside = topology
            .topics()
            .iter()
            .filter(|topic| topic.kind == TopicKind::Derived && !written.contains(&topic.name));
        Self {
            topics: outside.map(|topic| topic.name).collect(),
            waiting: Arc::new(Mutex::new(Waiting {
                appends: Vec::new(),
                records: 0,
                closed: false,
            })),
            tail,
        }
    }

    /// Appends records, all or none. The receipt is settled once the engine has committed them; its range only counts.
    #[must_use = "what cannot be appended is said by the receipt"]
    pub fn append(&self, records: Vec<Record>) -> Receipt {
        let (reply, receipt) = receipt();
        if let Some(stray) = records.iter().find(|record| !self.topics.contains(&record.topic)) {
            reply.send(Err(EmbeddedError::UnknownTopic(stray.topic.to_owned())));
            return receipt;
        }
        let mut waiting = self.lock();
        if waiting.closed {
            reply.send(Err(EmbeddedError::Closed));
        } else if waiting.records + records.len() > CAPACITY {
            reply.send(Err(EmbeddedError::QueueFull));
        } else {
            waiting.records += records.len();
            waiting.appends.push(Append { records, reply });
            drop(waiting);
            self.tail.interrupt();
        }
        receipt
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lock().appends.is_empty()
    }

    pub(super) fn take(&self) -> Vec<Append> {
        let mut waiting = self.lock();
        waiting.records = 0;
        std::mem::take(&mut waiting.appends)
    }

    /// What could not be committed waits again, before what came since.
    pub(super) fn put_back(&self, mut appends: Vec<Append>) {
        let mut waiting = self.lock();
        appends.append(&mut waiting.appends);
        waiting.records = appends.iter().map(|append| append.records.len()).sum();
        waiting.appends = appends;
    }

    /// The engine ends: who waits is told.
    pub(super) fn close(&self) {
        let waiting = {
            let mut waiting = self.lock();
            waiting.closed = true;
            std::mem::take(&mut waiting.appends)
        };
        drop(waiting);
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // Every state is whole: fields change together, under the lock.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
