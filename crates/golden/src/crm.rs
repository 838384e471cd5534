//! What CRMs should hold, and what became of it there.

use crate::{Golden, GoldenError, Tenants, error::failed};
use hilo_contracts::facts::{CrmRecord, CrmWrite};
use hilo_domain::Millis;
use rusqlite::{Transaction, params};
use std::collections::BTreeMap;

type Written = Result<(), rusqlite::Error>;

/// A record waits while the outcome of its last revision is not known, or is to be tried again.
const WAITS: &str = "NOT test AND NOT EXISTS(SELECT 1 FROM crm_links l WHERE l.record_key = crm_records.record_key
   AND l.sink = crm_records.sink AND l.revision >= crm_records.revision AND l.kind <> 'deferred')";

/// A record is complete at each revision: the highest one holds.
pub(crate) fn write_records(transaction: &Transaction, records: &[CrmRecord]) -> Written {
    let mut put = transaction.prepare_cached(
        "INSERT INTO crm_records VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, 0)
         ON CONFLICT DO UPDATE SET kind = excluded.kind, revision = excluded.revision, person_id = excluded.person_id,
           alias_of = excluded.alias_of, adopt_id = excluded.adopt_id, fields = excluded.fields,
           associations = excluded.associations, rule = excluded.rule, mapping = excluded.mapping,
           mapping_hash = excluded.mapping_hash, content_hash = excluded.content_hash, facts = excluded.facts,
           event_time = excluded.event_time, test = excluded.test
         WHERE excluded.revision > revision",
    )?;
    let mut mark = transaction.prepare_cached(&format!(
        "UPDATE crm_records SET waits = {WAITS} WHERE record_key = ?1 AND sink = ?2"
    ))?;
    for record in records {
        let fields = record.fields.iter();
        let fields: BTreeMap<&str, &Option<String>> = fields.map(|field| (field.name.as_str(), &field.value)).collect();
        let associations = record.associations.iter();
        let associations: Vec<[&str; 2]> = associations
            .map(|other| [other.object.as_str(), other.record_key.as_str()])
            .collect();
        put.execute(params![
            record.record_key,
            record.sink,
            record.tenant,
            record.object,
            record.kind,
            record.revision,
            record.person_id,
            record.alias_of,
            record.adopt_id,
            serde_json::json!(fields).to_string(),
            serde_json::json!(associations).to_string(),
            record.rule,
            record.mapping,
            record.mapping_hash,
            record.content_hash,
            serde_json::json!(record.facts).to_string(),
            record.event_time,
            record.test,
        ])?;
        mark.execute([&record.record_key, &record.sink])?;
    }
    Ok(())
}

/// The newest outcome of a record holds; a partition has them in their order.
pub(crate) fn write_outcomes(transaction: &Transaction, outcomes: &[CrmWrite]) -> Written {
    let mut link = transaction.prepare_cached(
        "INSERT OR REPLACE INTO crm_links VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
    )?;
    let mut mark = transaction.prepare_cached(&format!(
        "UPDATE crm_records SET waits = {WAITS} WHERE record_key = ?1 AND sink = ?2"
    ))?;
    let mut sink =
        transaction.prepare_cached("INSERT OR REPLACE INTO crm_sinks VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)")?;
    for outcome in outcomes {
        let Some(key) = &outcome.record_key else {
            sink.execute(params![
                outcome.tenant,
                outcome.sink,
                outcome.state,
                outcome.retry_at,
                outcome.code,
                outcome.action,
                outcome.budget_limit,
                outcome.budget_remaining,
                outcome.event_time,
            ])?;
            continue;
        };
        link.execute(params![
            key,
            outcome.sink,
            outcome.tenant,
            outcome.object,
            outcome.person_id,
            outcome.kind,
            outcome.revision,
            outcome.remote_id,
            outcome.content_hash,
            outcome.attempts,
            outcome.retry_at,
            outcome.code,
            outcome.field,
            outcome.action,
            outcome.event_time,
        ])?;
        mark.execute([key, &outcome.sink])?;
    }
    Ok(())
}

/// How a CRM of a tenant is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CrmState {
    /// Tenant.
    pub tenant: String,
    /// CRM.
    pub sink: String,
    /// `open`, `paused`, `stopped`; `None` before the writer has said anything.
    pub state: Option<String>,
    /// When it goes on.
    pub until: Option<Millis>,
    /// Why it does not.
    pub code: Option<String>,
    /// What to do about it.
    pub action: Option<String>,
    /// Calls that it allows in a day, and those left of them.
    pub budget: Option<(i64, i64)>,
    /// Records that it should hold, by object.
    pub records: BTreeMap<String, i64>,
    /// Records whose last revision waits.
    pub waiting: i64,
    /// Event time of the oldest of them.
    pub waiting_since: Option<Millis>,
    /// Records by what became of them: `written`, `skipped`, …
    pub outcomes: BTreeMap<String, i64>,
    /// The same by object and outcome.
    pub by_object: BTreeMap<(String, String), i64>,
    /// Rejected records by code and field, with what to do.
    pub rejected: Vec<Rejection>,
    /// Time of the last outcome.
    pub last_at: Option<Millis>,
    /// Outcomes in the minute before the last one.
    pub last_minute: i64,
}

/// Why records were rejected.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rejection {
    /// Stable code.
    pub code: String,
    /// Property that the CRM refused.
    pub field: Option<String>,
    /// What to do.
    pub action: Option<String>,
    /// How many.
    pub count: i64,
    /// One of them.
    pub example: String,
}

/// Rejections that are listed for a sink.
const REJECTIONS: usize = 20;

impl Golden {
    /// How the CRMs of some tenants are, by tenant and sink.
    pub fn crm_states(&self, tenants: &Tenants) -> Result<Vec<CrmState>, GoldenError> {
        self.read_crm_states(tenants).map_err(failed("read"))
    }

    fn read_crm_states(&self, tenants: &Tenants) -> Result<Vec<CrmState>, rusqlite::Error> {
        let among = "tenant IN (SELECT value FROM json_each(?1))";
        let mut states: BTreeMap<(String, String), CrmState> = BTreeMap::new();
        let mut each = |sql: &str, add: &dyn Fn(&mut CrmState, &rusqlite::Row) -> Written| -> Written {
            let mut statement = self.connection.prepare_cached(&sql.replace("{among}", among))?;
            let mut rows = statement.query([tenants.json()])?;
            while let Some(row) = rows.next()? {
                let key: (String, String) = (row.get(0)?, row.get(1)?);
                let state = states.entry(key.clone()).or_insert_with(|| CrmState {
                    tenant: key.0,
                    sink: key.1,
                    ..CrmState::default()
                });
                add(state, row)?;
            }
            Ok(())
        };
        each(
            "SELECT tenant, sink, state, until, code, action, budget_limit, budget_remaining FROM crm_sinks WHERE {among}",
            &|state, row| {
                state.state = row.get(2)?;
                state.until = row.get(3)?;
                state.code = row.get(4)?;
                state.action = row.get(5)?;
                state.budget = row.get::<_, Option<i64>>(6)?.zip(row.get::<_, Option<i64>>(7)?);
                Ok(())
            },
        )?;
        each(
            "SELECT tenant, sink, object, count(*) FROM crm_records WHERE {among} AND kind = 'desired' AND NOT test
             GROUP BY 1, 2, 3",
            &|state, row| {
                state.records.insert(row.get(2)?, row.get(3)?);
                Ok(())
            },
        )?;
        each(
            "SELECT tenant, sink, count(*), min(event_time) FROM crm_records WHERE waits AND {among} GROUP BY 1, 2",
            &|state, row| {
                state.waiting = row.get(2)?;
                state.waiting_since = row.get(3)?;
                Ok(())
            },
        )?;
        each(
            "SELECT tenant, sink, kind, count(*), max(event_time), object FROM crm_links WHERE {among}
             GROUP BY 1, 2, 3, 6",
            &|state, row| {
                let (kind, count): (String, i64) = (row.get(2)?, row.get(3)?);
                *state.outcomes.entry(kind.clone()).or_default() += count;
                let object: Option<String> = row.get(5)?;
                state.by_object.insert((object.unwrap_or_default(), kind), count);
                state.last_at = state.last_at.max(row.get(4)?);
                Ok(())
            },
        )?;
        each(
            "SELECT tenant, sink, code, field, action, count(*), min(record_key) FROM crm_links
             WHERE kind = 'rejected' AND {among} GROUP BY 1, 2, 3, 4 ORDER BY 6 DESC, 3, 4",
            &|state, row| {
                if state.rejected.len() < REJECTIONS {
                    state.rejected.push(Rejection {
                        code: row.get::<_, Option<String>>(2)?.unwrap_or_default(),
                        field: row.get(3)?,
                        action: row.get(4)?,
                        count: row.get(5)?,
                        example: row.get(6)?,
                    });
                }
                Ok(())
            },
        )?;
        each(
            "SELECT l.tenant, l.sink, count(*) FROM crm_links l JOIN (SELECT tenant, sink, max(event_time) AS last
               FROM crm_links WHERE {among} GROUP BY 1, 2) m ON m.tenant = l.tenant AND m.sink = l.sink
             WHERE l.event_time > m.last - 60000 GROUP BY 1, 2",
            &|state, row| {
                state.last_minute = row.get(2)?;
                Ok(())
            },
        )?;
        Ok(states.into_values().collect())
    }
}
