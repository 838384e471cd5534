//! `sessions.ndjson`.

use super::{json, people};
use crate::{GoldenError, error::failed, lines::Lines};
use hilo_domain::{Millis, json::write_string};
use rusqlite::{Connection, Row, Rows};

/// A message of a session: its time, what was received before what was sent, its id.
type Listed = (Millis, bool, String);

/// Reads the messages of sessions beside the sessions, both in the order of session ids.
struct Messages<'a> {
    rows: Rows<'a>,
    next: Option<(String, Listed)>,
}

impl<'a> Messages<'a> {
    fn new(rows: Rows<'a>) -> Result<Self, rusqlite::Error> {
        let mut messages = Self { rows, next: None };
        messages.advance()?;
        Ok(messages)
    }

    fn advance(&mut self) -> Result<(), rusqlite::Error> {
        self.next = match self.rows.next()? {
            Some(row) => Some((row.get(0)?, (row.get(1)?, row.get(2)?, row.get(3)?))),
            None => None,
        };
        Ok(())
    }

    /// The messages of `session` in time order, each id once.
    fn of(&mut self, session: &str) -> Result<Vec<String>, rusqlite::Error> {
        let mut listed: Vec<Listed> = Vec::new();
        while let Some((id, _)) = &self.next
            && id.as_str() <= session
        {
            if let Some((id, message)) = self.next.take()
                && id == session
            {
                listed.push(message);
            }
            self.advance()?;
        }
        listed.sort_unstable();
        let mut ids: Vec<String> = Vec::with_capacity(listed.len());
        for (_, _, id) in listed {
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        Ok(ids)
    }
}

pub(super) fn write(connection: &Connection, lines: &mut Lines) -> Result<(), GoldenError> {
    let mut listed = connection
        .prepare(
            "SELECT session_id, event_time, part <> 'received', message_id FROM message_parts
             WHERE session_id IS NOT NULL ORDER BY session_id",
        )
        .map_err(failed("read"))?;
    let rows = listed.query([]).map_err(failed("read"))?;
    let mut messages = Messages::new(rows).map_err(failed("read"))?;
    let mut sessions = connection
        .prepare(
            "SELECT session_id, tenant, person_id, phone_number_id, opened_at, closed_at, close_reason,
               frt_human_stopped_at - frt_human_started_at, frt_any_stopped_at - frt_any_started_at, outcome
             FROM sessions ORDER BY session_id",
        )
        .map_err(failed("read"))?;
    let mut rows = sessions.query([]).map_err(failed("read"))?;
    let mut line = String::new();
    while let Some(row) = rows.next().map_err(failed("read"))? {
        fill(connection, row, &mut messages, &mut line).map_err(failed("read"))?;
        lines.push(&mut line)?;
    }
    Ok(())
}

fn fill(connection: &Connection, row: &Row, messages: &mut Messages, line: &mut String) -> Result<(), rusqlite::Error> {
    let mut ids = String::from("[");
    for id in messages.of(row.get_ref(0)?.as_str()?)? {
        if ids.len() > 1 {
            ids.push(',');
        }
        write_string(&id, &mut ids);
    }
    ids.push(']');
    line.push('{');
    json::text(line, "tenant", Some(row.get_ref(1)?.as_str()?));
    json::raw(line, "person", &people::current(connection, row.get_ref(2)?.as_str()?)?);
    json::text(line, "phone_number_id", row.get_ref(3)?.as_str_or_null()?);
    json::instant(line, "opened_at", row.get(4)?);
    json::instant(line, "closed_at", row.get(5)?);
    json::text(line, "close_reason", row.get_ref(6)?.as_str_or_null()?);
    json::raw(line, "messages", &ids);
    json::seconds(line, "frt_human_seconds", row.get(7)?);
    json::seconds(line, "frt_any_seconds", row.get(8)?);
    json::text(line, "outcome", row.get_ref(9)?.as_str_or_null()?);
    line.push('}');
    Ok(())
}
