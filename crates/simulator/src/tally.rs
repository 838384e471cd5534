//! Counts of what was made, by who made it: an oracle that shares no code with what reads it.

use serde::Serialize;

/// What a replay of the same lines must count; the fields are those of `summary.json` that do not need the identity
/// graph or sessions. The numbers are exact as of the last delivery counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// Lines of a capture, or requests.
    pub lines: i64,
    /// Webhook bodies.
    pub deliveries: i64,
    /// Bodies with `entry: []`.
    pub empty_deliveries: i64,
    /// Items; the four outcomes add up to it.
    pub items: i64,
    /// Items seen for the first time.
    pub emitted: i64,
    /// Items whose key was there before.
    pub duplicate: i64,
    /// Items of unknown fields and without a value.
    pub unclassified: i64,
    /// Elements without the id that they need.
    pub dead_letter: i64,
    /// Distinct messages of customers.
    pub messages_received: i64,
    /// Distinct sends and echoes.
    pub messages_sent: i64,
    /// Messages known from statuses only. Falls when the line of a send comes after its statuses, so the part that
    /// one delivery contributes may be negative.
    pub orphans: i64,
    /// Distinct statuses.
    pub statuses: i64,
}

impl Tally {
    /// Adds `other`.
    pub fn add(&mut self, other: &Self) {
        self.lines += other.lines;
        self.deliveries += other.deliveries;
        self.empty_deliveries += other.empty_deliveries;
        self.items += other.items;
        self.emitted += other.emitted;
        self.duplicate += other.duplicate;
        self.unclassified += other.unclassified;
        self.dead_letter += other.dead_letter;
        self.messages_received += other.messages_received;
        self.messages_sent += other.messages_sent;
        self.orphans += other.orphans;
        self.statuses += other.statuses;
    }

    /// What the same delivery counts when it comes again: what has a key is a duplicate, the rest is kept again.
    pub(crate) fn repeated(&self) -> Self {
        Self {
            duplicate: self.emitted + self.duplicate,
            emitted: 0,
            messages_received: 0,
            messages_sent: 0,
            orphans: 0,
            statuses: 0,
            ..*self
        }
    }
}
