//! What the views ask of an engine. The embedded log and Kafka are two of them.

use anyhow::Result;
use hilo_golden::{Place, Placed};
use hilo_stream::Record;
use std::{collections::BTreeMap, time::Duration};

/// An engine whose topics can be followed and looked up.
pub trait Engine: Send + Sync + 'static {
    /// New records of [`hilo_golden::FOLLOWED`] from these offsets on.
    fn feed(&self, next: &mut dyn FnMut(&'static str, i32) -> Result<i64>) -> Result<Box<dyn Feed>>;

    /// A connection of its own for looking things up.
    fn shelf(&self) -> Result<Box<dyn Shelf>>;

    /// How much is not processed yet, as of the last look.
    fn waiting(&self) -> Waiting;

    /// Whether what waited at the start has been processed, and the numbers of it published.
    fn is_through(&self) -> bool;
}

/// What waits between the raw topic and the facts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Waiting {
    /// Records.
    pub records: u64,
    /// How long the oldest of them waits.
    pub seconds: f64,
}

/// The topics as they grow.
pub trait Feed: Send {
    /// Records that were not given before, those of a partition in order; about `max` at most. Empty when none came for
    /// `patience`.
    fn next(&mut self, max: usize, patience: Duration) -> Result<Vec<Placed>>;

    /// Records that are there and were not given yet, as of the last look.
    fn behind(&mut self) -> Result<u64>;

    /// Notes that records were none of ours.
    fn passed_over(&mut self, records: u64) {
        let _ = records;
    }

    /// From now on [`Feed::caught_up`] asks for what is there now.
    fn aim(&mut self) -> Result<()> {
        Ok(())
    }

    /// Whether all that was there at the beginning, or when it was aimed, has been given.
    fn caught_up(&mut self) -> Result<bool>;
}

/// Records by their place.
pub trait Shelf: Send {
    /// The records at these places of one topic. What is there no more is left out.
    fn at(&mut self, places: &[Place]) -> Result<BTreeMap<Place, Record>>;

    /// The latest records of a topic, about `limit`; of a partition in order.
    fn latest(&mut self, topic: &'static str, limit: usize) -> Result<Vec<Record>>;
}
