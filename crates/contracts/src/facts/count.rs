//! `hilo.count`: what became of the items, as numbers that only rise.

use hilo_domain::Millis;
use serde::{Deserialize, Serialize};

/// `hilo.count`: how much of something there has been for a tenant.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    /// Whose it is.
    pub tenant: String,
    /// What is counted.
    pub counter: String,
    /// Which of them; empty where the counter has no parts.
    pub label: String,
    /// All of them so far.
    pub amount: i64,
    /// Time of the log up to which it is counted.
    pub event_time: Millis,
}
