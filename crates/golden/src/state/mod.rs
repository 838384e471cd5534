//! The final state as files, and the counts of a summary.

mod json;
mod messages;
mod people;
mod sessions;

use crate::{Golden, GoldenError, error::failed, lines::Lines};
use std::path::Path;

/// Counts of the final state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// People who exist.
    pub persons: u64,
    /// Sessions.
    pub sessions: u64,
    /// Distinct ids in `messages`, except reactions, edits, revocations, system messages and welcomes.
    pub messages_received: u64,
    /// Distinct ids of outbound lines and echoes, except edits and revocations.
    pub messages_sent: u64,
    /// Distinct ids known from histories only.
    pub messages_history: u64,
    /// Messages known from statuses only.
    pub orphans: u64,
}

impl Golden {
    /// Writes `persons.ndjson`, `sessions.ndjson` and `messages.ndjson` into `directory`, which exists.
    pub fn write_state(&self, directory: &Path) -> Result<(), GoldenError> {
        let mut persons = Lines::create(&directory.join("persons.ndjson"))?;
        people::write(&self.connection, &mut persons)?;
        persons.finish()?;
        let mut sessions = Lines::create(&directory.join("sessions.ndjson"))?;
        sessions::write(&self.connection, &mut sessions)?;
        sessions.finish()?;
        let mut messages = Lines::create(&directory.join("messages.ndjson"))?;
        messages::write(&self.connection, &mut messages)?;
        messages.finish()
    }

    /// Counts the final state.
    pub fn counts(&self) -> Result<Counts, GoldenError> {
        let count = |sql: &str| -> Result<u64, GoldenError> {
            let count: i64 = self
                .connection
                .query_row(sql, [], |row| row.get(0))
                .map_err(failed("read"))?;
            Ok(count.unsigned_abs())
        };
        Ok(Counts {
            persons: count("SELECT count(*) FROM contacts")?,
            sessions: count("SELECT count(*) FROM sessions")?,
            messages_received: count(
                "SELECT count(*) FROM message_parts WHERE part = 'received'
                   AND type NOT IN ('reaction', 'edit', 'revoke', 'system', 'request_welcome')",
            )?,
            messages_sent: count(
                // A send whose id only a status told has no part of its own.
                "SELECT count(*) FROM (
                   SELECT tenant, message_id FROM message_parts
                     WHERE part IN ('outbound', 'echo') AND type NOT IN ('edit', 'revoke')
                   UNION SELECT tenant, message_id FROM message_status WHERE accepted)",
            )?,
            messages_history: count(
                "SELECT count(*) FROM message_parts h WHERE part = 'history' AND NOT EXISTS (
                   SELECT 1 FROM message_parts o
                   WHERE o.tenant = h.tenant AND o.message_id = h.message_id AND o.part <> 'history')",
            )?,
            orphans: count(
                "SELECT count(*) FROM message_status s WHERE orphan AND NOT EXISTS (
                   SELECT 1 FROM message_parts o WHERE o.tenant = s.tenant AND o.message_id = s.message_id)",
            )?,
        })
    }
}
