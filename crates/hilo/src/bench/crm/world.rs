//! A world of conversations through the processors, second by second, as a node does it: what is told of the CRM's records.

use crate::{
    bench::replay::START,
    captures,
    crm::default_target,
    topology::{self, Tenants},
};
use anyhow::{Context as _, Result};
use hilo_contracts::{
    capture,
    codec::{self, AvroCodec, Codec as _},
    facts::{CrmRecord, Raw},
    topics,
};
use hilo_domain::{Millis, time};
use hilo_simulator::{Event, Profile, Simulator, capture::append_line};
use hilo_stream::{Executor, Record};
use std::{collections::BTreeSet, iter::Peekable};

/// Items a second: ten thousand conversations take somewhat more than an hour.
const RATE: u32 = 30;
/// Processors that lead to records of a CRM.
const PROCESSORS: [&str; 7] = [
    "normalize",
    "deduplicate",
    "identity",
    "conversation",
    "status",
    "consent",
    "project",
];
const SECOND: Millis = 1_000;
/// How long time goes on afterwards: what nobody closed ends after a day.
const AFTERWARDS: Millis = 26 * 3_600 * SECOND;

/// The world.
pub(super) struct World {
    events: Peekable<Simulator>,
    executor: Executor,
    raw: AvroCodec<Raw>,
    desired: AvroCodec<CrmRecord>,
    wanted: usize,
    sessions: BTreeSet<String>,
    now: Millis,
    /// When its last delivery was sent.
    last: Millis,
}

impl World {
    /// A world with so many conversations, people who write and are answered, and no campaigns.
    pub(super) fn new(conversations: u64, seed: u64) -> Result<Self> {
        let profile = Profile {
            conversations: 1.0,
            pace: 1.0,
            ..Profile::demo(START, RATE)
        };
        let mut tenants = Tenants::default();
        tenants.crm.others = Some(default_target()?);
        let topology = topology::topology(&tenants)?;
        Ok(Self {
            events: Simulator::new(seed, profile).peekable(),
            executor: Executor::new(&topology, &PROCESSORS, topology::dead_letter)?,
            raw: codec::raw(),
            desired: codec::crm_record(),
            wanted: usize::try_from(conversations)?,
            sessions: BTreeSet::new(),
            now: START,
            last: START,
        })
    }

    /// Conversations so far.
    pub(super) fn conversations(&self) -> u64 {
        self.sessions.len() as u64
    }

    /// Seconds in which deliveries were sent.
    pub(super) fn seconds(&self) -> f64 {
        (self.last - START) as f64 / 1e3
    }

    /// What the next second that tells anything tells; nothing at the end.
    pub(super) fn second(&mut self) -> Result<Option<Vec<CrmRecord>>> {
        while self.now < self.last.saturating_add(AFTERWARDS) {
            self.now += SECOND;
            while self.sessions.len() < self.wanted
                && let Some(event) = self.events.next_if(|event| event.send_at < self.now)
            {
                self.last = event.send_at;
                self.send(&event)?;
            }
            let clock = format!(r#"{{"source":"clock","at":"{}"}}"#, time::to_rfc3339(self.now));
            self.line(&clock)?;
            let told = self.told()?;
            if !told.is_empty() {
                return Ok(Some(told));
            }
        }
        Ok(None)
    }

    /// All that it tells.
    pub(super) fn all(mut self) -> Result<Vec<CrmRecord>> {
        let mut all = Vec::new();
        while let Some(mut told) = self.second()? {
            all.append(&mut told);
        }
        Ok(all)
    }

    fn send(&mut self, event: &Event) -> Result<()> {
        let mut line = String::new();
        append_line(&mut line, event);
        self.line(line.trim_end())
    }

    fn line(&mut self, line: &str) -> Result<()> {
        let raw = capture::from_line(line.as_bytes(), None, 0).context("a generated line cannot be read")?;
        let record: Record = captures::record(&self.raw, &raw)?;
        Ok(self.executor.feed(record)?)
    }

    fn told(&mut self) -> Result<Vec<CrmRecord>> {
        let mut told = Vec::new();
        for record in self.executor.take_outputs() {
            if record.topic == topics::CRM_RECORD {
                let desired = self.desired.decode(&record.value)?;
                if desired.object == "ticket" && desired.revision == 1 {
                    self.sessions.insert(desired.record_key.clone());
                }
                told.push(desired);
            }
        }
        Ok(told)
    }
}
