//! Where the writer meets an engine: desired records come in by an [`Inlet`], outcomes go out by [`Outcomes`].

use hilo_contracts::facts::{CrmRecord, CrmWrite};
use std::{future::Future, pin::Pin};

/// A future that a trait object can return.
pub type Reply<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Why an engine could not give or take: the writer ends with it, and is started again from what was committed.
#[derive(Debug, thiserror::Error)]
#[error("{what}: {source}")]
pub struct EdgeError {
    /// What was tried, and what to do, for a person.
    pub what: &'static str,
    /// What the engine says.
    pub source: Box<dyn std::error::Error + Send + Sync>,
}

/// Where a desired record stands on its topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// Partition of `hilo.crm_record`.
    pub partition: i32,
    /// Offset in it.
    pub offset: i64,
}

/// Facts from which links are built again: those of one partition of `hilo.crm_write`, the oldest first. Reading may block.
pub type Past = Box<dyn Iterator<Item = Result<CrmWrite, EdgeError>> + Send>;

/// What an inlet tells next.
pub enum Event {
    /// Records in the order of their partitions. May be empty.
    Records(Vec<(Place, CrmRecord)>),
    /// A partition is this writer's from now on.
    Assigned {
        /// Which one.
        partition: i32,
        /// Outcomes of it, where the links have to be built from them. An engine whose links file is its only one gives
        /// them when [`crate::Links::offset`] knows no offset, and `None` otherwise.
        past: Option<Past>,
    },
    /// A partition is another one's from now on: the writer ends what it is about, commits, and calls [`Inlet::released`].
    Revoked {
        /// Which one.
        partition: i32,
    },
    /// Nothing comes any more: the writer works off what waits, and ends.
    End,
}

/// Key of a record whose desired state is wanted again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Whose it is.
    pub tenant: String,
    /// Its CRM.
    pub sink: String,
    /// Its object.
    pub object: String,
    /// Our key of it.
    pub record_key: String,
}

/// Gives desired records in the order of their partitions.
pub trait Inlet: Send {
    /// The next event. Dropping the future loses nothing: what it would have given comes with the next call.
    fn next(&mut self) -> Reply<'_, Result<Event, EdgeError>>;

    /// All records of the partition up to and with this place are at rest.
    fn commit(&mut self, place: Place) -> Reply<'_, Result<(), EdgeError>>;

    /// The newest desired state of some records of a partition. Asked for after an assignment, for records of which the
    /// past says only that they wait or were refused. An engine that has one links file never gets asked.
    fn latest<'a>(&'a mut self, partition: i32, wanted: &'a [Wanted]) -> Reply<'a, Result<Vec<CrmRecord>, EdgeError>>;

    /// The writer has let go of a revoked partition.
    fn released(&mut self, partition: i32) -> Reply<'_, Result<(), EdgeError>>;

    /// Whether the links file moves with the log: then a record is at rest as soon as it is in that file, and its offset
    /// is in the same transaction. Otherwise it is at rest when an outcome of it is published.
    fn is_local(&self) -> bool;
}

/// Publishes outcomes.
pub trait Outcomes: Send + Sync {
    /// Ends when the facts are durable, in their order.
    fn publish(&self, facts: Vec<CrmWrite>) -> Reply<'_, Result<(), EdgeError>>;
}
