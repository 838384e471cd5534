//! The unit of logic: a pure function of its input records and its stores.

use crate::{Record, StateStore, StoreError, wire::WireError};
use hilo_domain::Millis;

/// What became of an input record. Reasons are static, so that they can be metric labels.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Processed; what came of it was sent through the context.
    Done,
    /// Deliberately without effect.
    Drop(&'static str),
    /// Cannot be processed: the engine keeps the input record as it is, with this reason, in `hilo.dead_letter`.
    DeadLetter {
        /// Short name, a metric label.
        reason: &'static str,
        /// What failed and with which input, without personal data.
        detail: String,
    },
}

/// The process cannot go on: the transaction is given up and the engine starts again from the last commit.
#[derive(Debug, thiserror::Error)]
pub enum ProcessorError {
    /// State could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An internal record of another release, or a torn one.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// A fact that its own schema does not hold: a programming error.
    #[error("{0}")]
    Contract(String),
    /// An input record that costs more than any honest one: the engine puts it among the dead letters as `too_costly`.
    #[error(
        "the record cost more than {} units of work: a unit is about a microsecond at most",
        Context::BUDGET
    )]
    TooCostly,
}

impl ProcessorError {
    /// For a fact that cannot be decoded or encoded: `codec.decode(…).map_err(ProcessorError::contract)`.
    #[allow(clippy::needless_pass_by_value, reason = "shape of map_err")]
    pub fn contract(error: impl std::fmt::Display) -> Self {
        Self::Contract(error.to_string())
    }
}

/// A processor: no clock, no randomness, no I/O, no environment. The same records in the same order give the same
/// outputs and the same state.
pub trait Processor: Send {
    /// Handles one record of one of the input topics.
    fn process(&mut self, record: &Record, context: &mut Context) -> Result<Verdict, ProcessorError>;

    /// Puts an input record that the engine gives up among the dead letters, and counts it as [`Processor::process`]
    /// would have. `false`: the engine does it, by its hook.
    fn refuse(
        &mut self,
        record: &Record,
        reason: &'static str,
        detail: &str,
        context: &mut Context,
    ) -> Result<bool, ProcessorError> {
        let _ = (record, reason, detail, context);
        Ok(false)
    }

    /// Time has reached `now`: by a clock record, carried to every partition. Fires what is due.
    fn tick(&mut self, now: Millis, context: &mut Context) -> Result<(), ProcessorError> {
        let _ = (now, context);
        Ok(())
    }

    /// The stores that this processor owns, in the order of its [`crate::ProcessorSpec`].
    fn stores(&mut self) -> Vec<&mut dyn StateStore> {
        Vec::new()
    }
}

/// Collects what a processor wants to happen; the engine makes it happen in one transaction.
#[derive(Debug, Default)]
pub struct Context {
    /// Records to append, in order.
    pub outputs: Vec<Record>,
    /// Records to append to every partition of their topics, in order.
    pub broadcasts: Vec<Record>,
    /// Counter increments: (counter, label, amount).
    pub counts: Vec<(&'static str, &'static str, u64)>,
    /// Time that a clock record announced; carried to all processors downstream after the outputs.
    pub advance_to: Option<Millis>,
    /// Units of work that the input record has cost so far; see [`Context::spend`].
    pub spent: u64,
    /// Whether what is handled may cost what it wants: time fires what is due for all, and nobody can do without it.
    pub(crate) unbounded: bool,
}

impl Context {
    /// Units of work that one input record may cost in all processors of an executor. It is counted, not timed, so a
    /// replay decides as the live run did. Ten thousand items of one body, each with a refold of hundreds, are below it.
    pub const BUDGET: u64 = 20_000_000;

    /// Counts `units` of work, before the work is done. A unit is a step of a fold, at most a microsecond: call it with
    /// the length of what is about to be folded, sorted or compared.
    pub fn spend(&mut self, units: u64) -> Result<(), ProcessorError> {
        self.spent = self.spent.saturating_add(units);
        if self.spent > Self::BUDGET && !self.unbounded {
            return Err(ProcessorError::TooCostly);
        }
        Ok(())
    }

    /// Appends a record to `topic`.
    pub fn send(&mut self, topic: &'static str, key: impl Into<Vec<u8>>, timestamp: Millis, value: Vec<u8>) {
        self.outputs.push(Record {
            topic,
            key: key.into(),
            value,
            timestamp,
        });
    }

    /// Appends a record to every partition of `topic`, so that each task that reads the topic gets it, whatever keys it
    /// owns. The record has no key.
    pub fn broadcast(&mut self, topic: &'static str, timestamp: Millis, value: Vec<u8>) {
        self.broadcasts.push(Record {
            topic,
            key: Vec::new(),
            value,
            timestamp,
        });
    }

    /// Counts one event under a counter and a label, both static (never data).
    pub fn count(&mut self, counter: &'static str, label: &'static str) {
        self.counts.push((counter, label, 1));
    }

    /// Announces that time has reached `now`; processors downstream get [`Processor::tick`].
    pub fn advance(&mut self, now: Millis) {
        self.advance_to = Some(self.advance_to.map_or(now, |had| had.max(now)));
    }
}
