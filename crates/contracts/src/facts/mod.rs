//! The facts on the topics that others read. Each struct mirrors a schema under `schemas/`; the documentation of the
//! fields is there, and a test keeps the two alike. Field order is the schema's.

mod account;
mod bytes;
mod consent;
mod conversation;
mod count;
mod crm;
mod identity;
mod metric;
mod raw;
mod status;
mod unread;

pub use account::*;
pub use consent::*;
pub use conversation::*;
pub use count::*;
pub use crm::*;
pub use identity::*;
pub use metric::*;
pub use raw::*;
pub use status::*;
pub use unread::*;

use crate::item::Position;
use serde::{Deserialize, Serialize};

/// Where a fact came from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// Delivery in `hilo.raw`; empty where no single item caused the fact.
    pub delivery_id: String,
    /// Index in `entry`; -1 for a line that is no webhook.
    pub entry: i32,
    /// Index in `changes`.
    pub change: i32,
    /// Index among the items of the change.
    pub item: i32,
}

impl Source {
    /// The source of an item.
    #[must_use]
    pub fn new(delivery_id: &str, position: Position) -> Self {
        let Position { entry, change, item } = position;
        Self {
            delivery_id: delivery_id.to_owned(),
            entry,
            change,
            item,
        }
    }
}
