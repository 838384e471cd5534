//! What becomes of a raw record: outcomes, one an item.

use hilo_contracts::item::{Item, Position};
use hilo_domain::Millis;

/// Why an element is a dead letter; a metric label.
pub(crate) type Reason = &'static str;

/// What became of one item.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// Understood; `deduplicate` decides on.
    Item {
        /// Where all about its subject meets.
        key: Vec<u8>,
        item: Box<Item>,
    },
    /// Whole and well, and nobody knows it.
    Unclassified {
        reason: Reason,
        field: Option<String>,
        position: Position,
        event_time: Millis,
        original: String,
    },
    /// Cannot be read.
    DeadLetter {
        reason: Reason,
        detail: String,
        /// `None`: the delivery or line as a whole.
        position: Option<Position>,
        /// When it happened, where that could be read.
        event_time: Option<Millis>,
        original: Vec<u8>,
    },
}

/// What becomes of one raw record.
#[derive(Debug, Default)]
pub(crate) struct FanOut {
    /// A WhatsApp body, also one that is a dead letter as a whole.
    pub delivery: bool,
    /// A WhatsApp body that says by its form that it holds nothing.
    pub empty: bool,
    /// Time that a clock line announced.
    pub advance: Option<Millis>,
    /// In the order of the delivery.
    pub outcomes: Vec<Outcome>,
}
