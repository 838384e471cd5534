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

/// The place of a desired record on its topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// Partition of `hilo.crm_record`.
    pub partition: i32,
    /// Offset in it.
    pub offset: i64,
}

/// Facts from which links are built again: those of one partition of `hilo.crm_write`, the oldest first. Reading may block.
pub type Past = Box<dyn Iterator<Item = Result<CrmWrite, EdgeError>> + Send>;

/// What an inlet gives next.
pub enum Event {
    /// Records in the order of their partitions. May be empty.
    Records(Vec<(Place, CrmRecord)>),
    /// A partition is this writer's from now on. An engine whose links file moves with its log never says so: the file
    /// has the links.
    Assigned {
        /// Which one.
        partition: i32,
        /// Its outcomes: the links are built from them.
        past: Past,
    },
    /// Partitions go to another writer: this one ends its requests, commits, and calls [`Inlet::released`].
    Revoked {
        /// Which ones.
        partitions: Vec<i32>,
        /// The other writer may have begun: requests end at once, and nothing is committed.
        lost: bool,
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

/// Gives desired records in the order of their partitions. An engine whose links file moves with its log implements
/// [`Inlet::next`] only; any other engine implements all of it.
pub trait Inlet: Send {
    /// The next event. Dropping the future loses nothing: what it would have given comes with the next call.
    fn next(&mut self) -> Reply<'_, Result<Event, EdgeError>>;

    /// All records of the partition up to and with this place are at rest.
    fn commit(&mut self, _place: Place) -> Reply<'_, Result<(), EdgeError>> {
        Box::pin(async { Ok(()) })
    }

    /// The newest desired state of some records of a partition. The writer asks after an assignment, where the past says
    /// only that a record waits or was refused.
    fn latest<'a>(
        &'a mut self,
        _partition: i32,
        _wanted: &'a [Wanted],
    ) -> Reply<'a, Result<Vec<CrmRecord>, EdgeError>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    /// The writer has let go of revoked partitions.
    fn released<'a>(&'a mut self, _partitions: &'a [i32]) -> Reply<'a, Result<(), EdgeError>> {
        Box::pin(async { Ok(()) })
    }

    /// Whether the links file moves with the log: then a record is at rest as soon as it is in that file, and its offset
    /// is in the same transaction. Otherwise it is at rest when an outcome of it is published.
    fn is_local(&self) -> bool {
        true
    }
}

/// Publishes outcomes.
pub trait Outcomes: Send + Sync {
    /// Ends when the facts are durable, in their order.
    fn publish(&self, facts: Vec<CrmWrite>) -> Reply<'_, Result<(), EdgeError>>;
}
