//! What a topic holds.

use hilo_domain::Millis;

/// One record of a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Topic name without the configured prefix.
    pub topic: &'static str,
    /// Key: decides partition and order. Never personal data in clear: a person's id or a hash.
    pub key: Vec<u8>,
    /// Encoded value; the schema is the topic's.
    pub value: Vec<u8>,
    /// Event time.
    pub timestamp: Millis,
}
