//! `messages.ndjson`: parts and statuses read side by side in the order of ids. The view `messages` says the same in
//! SQL, for one message at a time; a test compares them.

use super::json;
use crate::{GoldenError, error::failed, lines::Lines};
use hilo_domain::Millis;
use rusqlite::{Connection, Row, Rows};

/// Tenant and message id.
type Key = (String, String);

/// What was told of a message.
struct Part {
    told_by: String,
    event_time: Millis,
    kind: String,
    direction: String,
    purpose: Purpose,
}

/// What a send is for.
#[derive(Default)]
struct Purpose {
    template: Option<String>,
    language: Option<String>,
    campaign: Option<String>,
    segment: Option<String>,
}

/// What became of a message.
struct Status {
    accepted: bool,
    orphan: bool,
    accepted_at: Option<Millis>,
    first_status_at: Option<Millis>,
    kind: String,
    effective: Option<String>,
    /// sent, delivered, read, played, failed.
    times: [Option<Millis>; 5],
    error_codes: String,
    purpose: Purpose,
}

fn part(row: &Row) -> Result<Part, rusqlite::Error> {
    Ok(Part {
        told_by: row.get(2)?,
        event_time: row.get(3)?,
        kind: row.get(4)?,
        direction: row.get(5)?,
        purpose: purpose(row, 6)?,
    })
}

fn status(row: &Row) -> Result<Status, rusqlite::Error> {
    Ok(Status {
        accepted: row.get(2)?,
        orphan: row.get(3)?,
        accepted_at: row.get(4)?,
        first_status_at: row.get(5)?,
        kind: row.get(6)?,
        effective: row.get(7)?,
        times: [row.get(8)?, row.get(9)?, row.get(10)?, row.get(11)?, row.get(12)?],
        error_codes: row.get(13)?,
        purpose: purpose(row, 14)?,
    })
}

fn purpose(row: &Row, first: usize) -> Result<Purpose, rusqlite::Error> {
    Ok(Purpose {
        template: row.get(first)?,
        language: row.get(first + 1)?,
        campaign: row.get(first + 2)?,
        segment: row.get(first + 3)?,
    })
}

/// Rows in the order of keys, one ahead.
struct Ahead<'a, T> {
    rows: Rows<'a>,
    read: fn(&Row) -> Result<T, rusqlite::Error>,
    next: Option<(Key, T)>,
}

impl<'a, T> Ahead<'a, T> {
    fn new(rows: Rows<'a>, read: fn(&Row) -> Result<T, rusqlite::Error>) -> Result<Self, rusqlite::Error> {
        let mut ahead = Self { rows, read, next: None };
        ahead.advance()?;
        Ok(ahead)
    }

    fn advance(&mut self) -> Result<(), rusqlite::Error> {
        self.next = match self.rows.next()? {
            Some(row) => Some(((row.get(0)?, row.get(1)?), (self.read)(row)?)),
            None => None,
        };
        Ok(())
    }

    /// The next value if it is of `key`.
    fn take(&mut self, key: &Key) -> Result<Option<T>, rusqlite::Error> {
        if self.next.as_ref().is_none_or(|(next, _)| next != key) {
            return Ok(None);
        }
        let taken = self.next.take().map(|(_, value)| value);
        self.advance()?;
        Ok(taken)
    }
}

/// The line of a message, as it is chosen from what is known.
struct Message<'a> {
    inbound: bool,
    kind: &'a str,
    event_time: Option<Millis>,
    accepted_at: Option<Millis>,
    purpose: Option<&'a Purpose>,
}

/// Details from the first of outbound line, received, echo, history, statuses that is a message; `None` where none is.
fn choose<'a>(parts: &'a [Part], status: Option<&'a Status>) -> Option<Message<'a>> {
    if let Some(status) = status.filter(|status| status.accepted) {
        return Some(Message {
            inbound: false,
            kind: &status.kind,
            event_time: status.accepted_at,
            accepted_at: status.accepted_at,
            purpose: Some(&status.purpose),
        });
    }
    let find = |name: &str| parts.iter().find(|part| part.told_by == name);
    let told = ["outbound", "received", "echo"].map(find);
    let Some(part) = told.into_iter().flatten().find(|part| part.is_message()) else {
        if told.iter().any(Option::is_some) {
            return None;
        }
        if let Some(part) = find("history") {
            return Some(part.message(None));
        }
        let orphan = status.filter(|status| status.orphan)?;
        return Some(Message {
            inbound: false,
            kind: "unknown",
            event_time: orphan.first_status_at,
            accepted_at: None,
            purpose: None,
        });
    };
    let sent = told
        .into_iter()
        .flatten()
        .find(|part| part.is_sent() && part.is_message());
    Some(part.message(sent.map(|sent| sent.event_time)))
}

impl Part {
    /// Whether it is a message, and no word about one.
    fn is_message(&self) -> bool {
        match self.kind.as_str() {
            "edit" | "revoke" => false,
            "reaction" | "system" | "request_welcome" => self.told_by != "received",
            _ => true,
        }
    }

    fn is_sent(&self) -> bool {
        matches!(self.told_by.as_str(), "outbound" | "echo")
    }

    fn message(&self, accepted_at: Option<Millis>) -> Message<'_> {
        Message {
            inbound: self.direction == "inbound",
            kind: &self.kind,
            event_time: Some(self.event_time),
            accepted_at,
            purpose: Some(&self.purpose),
        }
    }
}

pub(super) fn write(connection: &Connection, lines: &mut Lines) -> Result<(), GoldenError> {
    let mut parts = connection
        .prepare(
            "SELECT tenant, message_id, part, event_time, type, direction, template, language, campaign, segment
             FROM message_parts ORDER BY tenant, message_id",
        )
        .map_err(failed("read"))?;
    let mut statuses = connection
        .prepare(
            "SELECT tenant, message_id, accepted, orphan, accepted_at, first_status_at, type, effective_status, sent_at,
               delivered_at, read_at, played_at, failed_at, error_codes, template, language, campaign, segment
             FROM message_status ORDER BY tenant, message_id",
        )
        .map_err(failed("read"))?;
    let mut parts = Ahead::new(parts.query([]).map_err(failed("read"))?, part).map_err(failed("read"))?;
    let mut statuses = Ahead::new(statuses.query([]).map_err(failed("read"))?, status).map_err(failed("read"))?;
    let mut line = String::new();
    let none = Purpose::default();
    loop {
        let next = [
            parts.next.as_ref().map(|(key, _)| key),
            statuses.next.as_ref().map(|(key, _)| key),
        ];
        let Some(key) = next.into_iter().flatten().min().cloned() else {
            return Ok(());
        };
        let mut own = Vec::with_capacity(1);
        while let Some(part) = parts.take(&key).map_err(failed("read"))? {
            own.push(part);
        }
        let status = statuses.take(&key).map_err(failed("read"))?;
        if let Some(message) = choose(&own, status.as_ref()) {
            fill(
                &key,
                &message,
                status.as_ref(),
                message.purpose.unwrap_or(&none),
                &mut line,
            );
            lines.push(&mut line)?;
        }
    }
}

fn fill(key: &Key, message: &Message, status: Option<&Status>, purpose: &Purpose, line: &mut String) {
    // A received message has no status, whatever stands under its id.
    let became = status.filter(|_| !message.inbound);
    let effective = became.and_then(|status| status.effective.as_deref());
    let times = became.map(|status| status.times).unwrap_or_default();
    line.push('{');
    json::text(line, "tenant", Some(&key.0));
    json::text(line, "message_id", Some(&key.1));
    json::text(
        line,
        "direction",
        Some(if message.inbound { "inbound" } else { "outbound" }),
    );
    json::text(line, "type", Some(message.kind));
    json::instant(line, "event_time", message.event_time);
    json::instant(line, "accepted_at", message.accepted_at);
    json::text(line, "effective_status", effective);
    for (name, at) in ["sent_at", "delivered_at", "read_at", "played_at", "failed_at"]
        .into_iter()
        .zip(times)
    {
        json::instant(line, name, at);
    }
    let codes = status.map(|status| status.error_codes.as_str()).unwrap_or_default();
    json::raw(line, "error_codes", &format!("[{codes}]"));
    json::text(line, "template", purpose.template.as_deref());
    json::text(line, "language", purpose.language.as_deref());
    json::text(line, "campaign", purpose.campaign.as_deref());
    json::text(line, "segment", purpose.segment.as_deref());
    line.push('}');
}
