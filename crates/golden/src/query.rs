//! What a page asks: recent threads, the state of senders, and all that is known by an id.

use crate::{Golden, GoldenError, Place, Tenants, error::failed, places};
use hilo_domain::Millis;
use rusqlite::{Connection, OptionalExtension as _, Row, params, types::ValueRef};
use rustc_hash::FxHashSet;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Messages looked through for recent conversations: one that is busy must not make a page slow.
const RECENT_MESSAGES: i64 = 2_000;

/// Whose turn it is in a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// The customer waits for a person.
    Waiting,
    /// A bot has it.
    Bot,
    /// Answered; the customer's turn.
    Answered,
    /// The last session was resolved.
    Resolved,
    /// The last session ended by silence.
    Inactive,
    /// There never was a session: only campaigns and automation.
    None,
}

/// A thread with its last message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecentConversation {
    /// Tenant.
    pub tenant: String,
    /// The person.
    pub person_id: String,
    /// Their country.
    pub country: Option<String>,
    /// Current phone, else user id, else `wa_id`: personal data, to be masked by whoever shows it.
    pub identifier: Option<String>,
    /// Business number.
    pub phone_number_id: Option<String>,
    /// Type of the last message.
    pub message_type: String,
    /// Whether the customer wrote it.
    pub inbound: bool,
    /// When.
    pub at: Millis,
    /// Whose turn it is.
    pub turn: Turn,
    /// Queue of the last session.
    pub queue: Option<String>,
}

/// A row that an id leads to.
#[derive(Clone, Debug, PartialEq)]
pub struct Traced {
    /// Table or view.
    pub table: &'static str,
    /// The row: column → value. Holds personal data.
    pub row: Value,
}

/// Table, and the SQL that finds its latest rows by an id (`?1`) among tenants (`?2`, a JSON list), `?3` at most.
const TRACES: [(&str, &str); 13] = [
    (
        "contacts",
        "SELECT * FROM contacts t WHERE person_id = ?1 AND {tenant} LIMIT ?3",
    ),
    (
        "aliases",
        "SELECT * FROM aliases t WHERE (person_id = ?1 OR survivor = ?1) AND {tenant} LIMIT ?3",
    ),
    (
        "identifiers",
        "SELECT t.* FROM identifiers t JOIN contacts c USING (person_id)
         WHERE person_id = ?1 AND {contact} ORDER BY ordinal LIMIT ?3",
    ),
    (
        "proposals",
        "SELECT t.* FROM proposals t JOIN contacts c USING (person_id)
         WHERE person_id = ?1 AND {contact} ORDER BY ordinal LIMIT ?3",
    ),
    (
        "decisions",
        "SELECT t.* FROM decisions t JOIN contacts c USING (person_id)
         WHERE person_id = ?1 AND {contact} ORDER BY ordinal LIMIT ?3",
    ),
    (
        "consent_entries",
        "SELECT * FROM consent_entries t WHERE person_id = ?1 AND {tenant} ORDER BY sequence DESC LIMIT ?3",
    ),
    (
        "sessions",
        "SELECT * FROM sessions t WHERE (person_id = ?1 OR session_id = ?1) AND {tenant}
         ORDER BY opened_at DESC, session_id LIMIT ?3",
    ),
    (
        "events",
        "SELECT * FROM events t WHERE person_id = ?1 AND {tenant} ORDER BY event_time DESC, event_id LIMIT ?3",
    ),
    (
        "message_parts",
        "SELECT * FROM message_parts t
         WHERE (session_id = ?1
           OR session_id IN (SELECT session_id FROM sessions WHERE person_id = ?1 ORDER BY opened_at DESC LIMIT ?3))
           AND {tenant} ORDER BY event_time DESC, message_id LIMIT ?3",
    ),
    (
        "message_parts",
        "SELECT * FROM message_parts WHERE (tenant, message_id) IN (SELECT value, ?1 FROM json_each(?2))
         ORDER BY tenant, part LIMIT ?3",
    ),
    (
        "message_status",
        "SELECT * FROM message_status WHERE (tenant, message_id) IN (SELECT value, ?1 FROM json_each(?2))
         ORDER BY tenant LIMIT ?3",
    ),
    (
        "crm_records",
        "SELECT * FROM crm_records t WHERE (person_id = ?1 OR record_key = ?1) AND {tenant}
         ORDER BY event_time DESC, record_key LIMIT ?3",
    ),
    (
        "crm_links",
        "SELECT * FROM crm_links t WHERE (person_id = ?1 OR record_key = ?1) AND {tenant}
         ORDER BY event_time DESC, record_key LIMIT ?3",
    ),
];

impl Golden {
    /// The latest conversations of the latest messages, latest first.
    pub fn recent_conversations(
        &self,
        tenants: &Tenants,
        limit: usize,
    ) -> Result<Vec<RecentConversation>, GoldenError> {
        let mut recent = Vec::new();
        for tenant in tenants.names() {
            recent.extend(self.recent_of(tenant, limit).map_err(failed("read"))?);
        }
        // Engines apply facts in orders of their own: what is shown must not depend on it. Ids of people do.
        recent.sort_by(|one, other| (other.at, &one.tenant).cmp(&(one.at, &other.tenant)));
        recent.truncate(limit);
        Ok(recent)
    }

    fn recent_of(&self, tenant: &str, limit: usize) -> Result<Vec<RecentConversation>, rusqlite::Error> {
        let mut statement = self.connection.prepare_cached(
            "SELECT m.tenant, m.person_id, p.country, m.phone_number_id, m.type, m.direction = 'inbound',
               m.event_time, m.conversation_id, m.author_kind
             FROM message_parts m JOIN contacts p USING (person_id)
             WHERE m.tenant = ?1 AND m.conversation_id IS NOT NULL AND m.part <> 'history'
               AND m.type NOT IN ('reaction', 'edit', 'revoke', 'system', 'request_welcome')
             ORDER BY m.event_time DESC, m.message_id DESC, m.part LIMIT ?2",
        )?;
        let mut rows = statement.query((tenant, RECENT_MESSAGES))?;
        let mut seen: FxHashSet<String> = FxHashSet::default();
        let mut recent = Vec::with_capacity(limit);
        while recent.len() < limit
            && let Some(row) = rows.next()?
        {
            if seen.insert(row.get(7)?) {
                recent.push(self.thread(row)?);
            }
        }
        Ok(recent)
    }

    fn thread(&self, row: &Row) -> Result<RecentConversation, rusqlite::Error> {
        let person_id: String = row.get(1)?;
        let inbound: bool = row.get(5)?;
        let author: Option<String> = row.get(8)?;
        let mut session = self.connection.prepare_cached(
            "SELECT close_reason, frt_human_started_at IS NOT NULL, queue FROM sessions
             WHERE conversation_id = ?1 ORDER BY opened_at DESC LIMIT 1",
        )?;
        let session: Option<(Option<String>, bool, Option<String>)> = session
            .query_row([row.get_ref(7)?.as_str()?], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })
            .optional()?;
        let turn = match &session {
            None => Turn::None,
            Some((Some(reason), ..)) if reason == "resolved" => Turn::Resolved,
            Some((Some(_), ..)) => Turn::Inactive,
            // Without a clock for a human's answer the bot owns it.
            Some((None, human, _)) if inbound => {
                if *human {
                    Turn::Waiting
                } else {
                    Turn::Bot
                }
            }
            Some(_) if author.as_deref() == Some("bot") => Turn::Bot,
            Some(_) => Turn::Answered,
        };
        Ok(RecentConversation {
            tenant: row.get(0)?,
            country: row.get(2)?,
            identifier: shown_identifier(&self.connection, &person_id)?,
            person_id,
            phone_number_id: row.get(3)?,
            message_type: row.get(4)?,
            inbound,
            at: row.get(6)?,
            turn,
            queue: session.and_then(|(_, _, queue)| queue),
        })
    }

    /// The latest rows that a person id, session id or message id leads to, `limit` of each table at most; none when
    /// nothing is known by it.
    pub fn trace(&self, tenants: &Tenants, id: &str, limit: usize) -> Result<Vec<Traced>, GoldenError> {
        let read = || -> Result<Vec<Traced>, rusqlite::Error> {
            let mut found = Vec::new();
            for (table, sql) in TRACES {
                // With the plus no index by tenant is taken: an id finds few rows, a tenant has nearly all.
                let among = |column: &str| format!("{column} IN (SELECT value FROM json_each(?2))");
                let sql = sql
                    .replace("{tenant}", &among("+t.tenant"))
                    .replace("{contact}", &among("+c.tenant"));
                let mut statement = self.connection.prepare_cached(&sql)?;
                let names: Vec<String> = statement.column_names().into_iter().map(str::to_owned).collect();
                let mut rows = statement.query(params![id, tenants.json(), limit as i64])?;
                while let Some(row) = rows.next()? {
                    found.push(Traced {
                        table,
                        row: as_json(row, &names)?,
                    });
                }
            }
            Ok(found)
        };
        read().map_err(failed("read"))
    }

    /// Where records name `id`, in the order of topic, partition and offset. A record may be of another id: compare.
    pub fn places(&self, tenants: &Tenants, id: &str) -> Result<Vec<Place>, GoldenError> {
        let numbers = self.numbers(tenants).map_err(failed("read"))?;
        places::find(&self.connection, &numbers, id).map_err(failed("read"))
    }

    /// What the processors counted for these tenants, by counter and label.
    pub fn counters(&self, tenants: &Tenants) -> Result<BTreeMap<(String, String), u64>, GoldenError> {
        let read = || -> Result<BTreeMap<(String, String), u64>, rusqlite::Error> {
            let mut statement = self.connection.prepare_cached(
                "SELECT counter, label, sum(amount) FROM counts
                 WHERE tenant IN (SELECT value FROM json_each(?1)) GROUP BY counter, label",
            )?;
            let rows = statement.query_map([tenants.json()], |row| {
                Ok(((row.get(0)?, row.get(1)?), row.get::<_, i64>(2)?.unsigned_abs()))
            })?;
            rows.collect()
        };
        read().map_err(failed("read"))
    }
}

fn shown_identifier(connection: &Connection, person_id: &str) -> Result<Option<String>, rusqlite::Error> {
    let mut statement = connection.prepare_cached(
        "SELECT value FROM identifiers WHERE person_id = ?1 AND valid_to IS NULL AND kind IN ('phone', 'bsuid', 'wa_id')
         ORDER BY CASE kind WHEN 'phone' THEN 0 WHEN 'bsuid' THEN 1 ELSE 2 END, value LIMIT 1",
    )?;
    statement.query_row([person_id], |row| row.get(0)).optional()
}

fn as_json(row: &Row, names: &[String]) -> Result<Value, rusqlite::Error> {
    let mut object = Map::new();
    for (index, name) in names.iter().enumerate() {
        let value = match row.get_ref(index)? {
            ValueRef::Null => Value::Null,
            ValueRef::Integer(number) => Value::from(number),
            ValueRef::Real(number) => Value::from(number),
            ValueRef::Text(text) | ValueRef::Blob(text) => Value::from(String::from_utf8_lossy(text)),
        };
        object.insert(name.clone(), value);
    }
    Ok(Value::Object(object))
}
