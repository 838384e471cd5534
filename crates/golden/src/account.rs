//! The business side: every observation kept, and what was true as of a time.

use crate::{Golden, GoldenError, Tenants, error::failed, write};
use hilo_contracts::facts::{Account, Attribute, Restriction};
use hilo_domain::{Millis, json::canonical};
use rusqlite::{Row, ToSql, Transaction, params};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// An observation of one kind about a number, template, account or portfolio.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountState {
    /// Tenant.
    pub tenant: String,
    /// `phone_number`, `template`, `waba`, `portfolio`.
    pub subject_kind: String,
    /// The platform's id of it.
    pub subject_id: String,
    /// Account that it belongs to.
    pub waba_id: Option<String>,
    /// Portfolio of that account, where a snapshot or an event about partners has named it by then: limits are the
    /// portfolio's, all its numbers share them.
    pub portfolio_id: Option<String>,
    /// Kind of the observation.
    pub kind: String,
    /// Event as received.
    pub event: Option<String>,
    /// Quality, where the observation has one.
    pub quality: Option<String>,
    /// Limit, where the observation has one.
    pub limit: Option<i64>,
    /// Name of the template.
    pub template: Option<String>,
    /// Its language.
    pub language: Option<String>,
    /// Its category.
    pub category: Option<String>,
    /// Reason as received.
    pub reason: Option<String>,
    /// What held before.
    pub previous: Option<String>,
    /// What will hold from `effective_at` on.
    pub announced: Option<String>,
    /// When it takes effect, where that is another time.
    pub effective_at: Option<Millis>,
    /// Restrictions that it tells of.
    pub restrictions: Vec<Restriction>,
    /// The other documented parts.
    pub attributes: Vec<Attribute>,
    /// When.
    pub at: Millis,
}

/// Which observations are asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountQuestion {
    /// Id of a subject, its account or its portfolio, or the name of a template; `None`: all.
    pub subject: Option<String>,
    /// Only what was known to have happened at this time or before; `None`: all.
    pub as_of: Option<Millis>,
    /// All observations instead of the latest of each kind.
    pub history: bool,
}

/// An event id is one observation: it is told anew when a late one comes in, with a higher revision.
pub(crate) fn write_accounts(transaction: &Transaction, accounts: &[Account]) -> write::Result {
    let mut put = transaction.prepare_cached(
        "INSERT INTO account_history VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17,
           ?18, ?19, ?20, ?21, ?22, ?23, ?24)
         ON CONFLICT DO UPDATE SET revision = excluded.revision WHERE excluded.revision > revision",
    )?;
    for fact in accounts {
        let template = fact.template.as_ref();
        put.execute(params![
            fact.tenant,
            fact.event_id,
            fact.subject.kind,
            fact.subject.id,
            fact.kind,
            fact.event_time,
            fact.revision,
            fact.waba_id,
            fact.portfolio_id,
            fact.event,
            fact.quality,
            fact.limit,
            fact.limit_told,
            template.map(|template| &template.name),
            template.and_then(|template| template.language.as_ref()),
            template.and_then(|template| template.category.as_ref()),
            fact.reason,
            fact.previous,
            fact.announced,
            fact.effective_at,
            as_json(&fact.restrictions),
            as_json(&fact.attributes),
            fact.content,
            fact.test,
        ])?;
    }
    Ok(())
}

fn as_json<T: Serialize>(list: &T) -> String {
    serde_json::to_value(list).map_or_else(|_| "[]".to_owned(), |list: Value| canonical(&list))
}

fn from_json<T: for<'de> Deserialize<'de>>(text: &str) -> Vec<T> {
    serde_json::from_str(text).unwrap_or_default()
}

/// The latest of each kind about each subject up to a time, in the order of subjects. A snapshot says as much as was asked
/// for: one that says nothing of the quality or the limit leaves the latest that does.
const AS_OF: &str = "WITH told AS (
    SELECT *, quality IS NOT NULL OR kind = 'number_snapshot' AS rates
    FROM account_history
    WHERE NOT test AND event_time <= ?1 AND tenant IN (SELECT value FROM json_each(?2))
  ) SELECT * FROM (
    SELECT *,
      row_number() OVER (of_kind ORDER BY event_time DESC, content DESC, event_id DESC) AS place,
      row_number() OVER (of_kind ORDER BY rates DESC, event_time DESC, content DESC, event_id DESC) AS rated,
      row_number() OVER (of_kind ORDER BY limit_told DESC, event_time DESC, content DESC, event_id DESC) AS limited
    FROM told WINDOW of_kind AS (PARTITION BY tenant, subject_kind, subject_id, kind)
  ) WHERE place = 1 OR kind IN ('number_snapshot', 'template_snapshot') AND (rated = 1 AND rates OR limited = 1 AND limit_told)
  ORDER BY tenant, subject_kind, subject_id, kind, place";

/// All up to a time, in the order of time.
const HISTORY: &str = "SELECT * FROM account_history
  WHERE NOT test AND event_time <= ?1 AND tenant IN (SELECT value FROM json_each(?2))
  ORDER BY tenant, event_time, subject_kind, subject_id, kind, content, event_id";

impl Golden {
    /// Observations about the business side; the platform's test deliveries are left out.
    pub fn account(&self, tenants: &Tenants, question: &AccountQuestion) -> Result<Vec<AccountState>, GoldenError> {
        let until = question.as_of.unwrap_or(Millis::MAX);
        let read = |sql| -> Result<Vec<AccountState>, rusqlite::Error> {
            let mut statement = self.connection.prepare_cached(sql)?;
            let rows = statement.query_map(params![until, tenants.json()], state)?;
            rows.collect()
        };
        let sql = if question.history { HISTORY } else { AS_OF };
        let mut states = read(sql).map_err(failed("read"))?;
        let portfolios = self.portfolios(tenants, until).map_err(failed("read"))?;
        for state in &mut states {
            let account = state.waba_id.as_ref().map(|waba| (state.tenant.clone(), waba.clone()));
            let known = account.and_then(|account| portfolios.get(&account).cloned());
            state.portfolio_id = state.portfolio_id.take().or(known);
        }
        if let Some(subject) = &question.subject {
            states.retain(|state| {
                let own = [&state.waba_id, &state.portfolio_id, &state.template];
                state.subject_id == *subject || own.into_iter().flatten().any(|id| id == subject)
            });
        }
        Ok(states)
    }

    /// When the quality of a number or template was observed last, which may be that it has none.
    pub fn quality_observed_at(&self, tenant: &str, kind: &str, id: &str) -> Result<Option<Millis>, GoldenError> {
        self.latest(
            "SELECT max(at) FROM (
               SELECT (SELECT event_time FROM account_history
                 WHERE tenant = ?1 AND subject_kind = ?2 AND subject_id = ?3 AND kind = kinds.value AND NOT test
                   AND (quality IS NOT NULL OR kind = 'number_snapshot')
                 ORDER BY event_time DESC LIMIT 1) AS at
               FROM json_each('[\"number_snapshot\",\"template_snapshot\",\"template_quality\"]') kinds)",
            params![tenant, kind, id],
        )
    }

    /// When the limit of a portfolio, or of an account whose portfolio nobody named, was observed last.
    pub fn limit_observed_at(&self, tenant: &str, id: &str) -> Result<Option<Millis>, GoldenError> {
        self.latest(
            "SELECT (SELECT event_time FROM account_history
               WHERE tenant = ?1 AND limit_told AND NOT test AND (portfolio_id = ?2 OR waba_id = ?2 OR waba_id IN (
                 SELECT waba_id FROM account_history WHERE tenant = ?1 AND portfolio_id = ?2))
               ORDER BY event_time DESC LIMIT 1)",
            params![tenant, id],
        )
    }

    fn latest(&self, sql: &str, of: &[&dyn ToSql]) -> Result<Option<Millis>, GoldenError> {
        let read = || -> Result<Option<Millis>, rusqlite::Error> {
            self.connection.prepare_cached(sql)?.query_row(of, |row| row.get(0))
        };
        read().map_err(failed("read"))
    }

    /// Who owns an account, by (tenant, account): what the latest observation that names an owner says. The latest of all
    /// need not name one.
    fn portfolios(
        &self,
        tenants: &Tenants,
        until: Millis,
    ) -> Result<BTreeMap<(String, String), String>, rusqlite::Error> {
        let mut statement = self.connection.prepare_cached(
            "SELECT tenant, waba_id, portfolio_id FROM account_history
             WHERE waba_id IS NOT NULL AND portfolio_id IS NOT NULL AND NOT test AND event_time <= ?1
               AND tenant IN (SELECT value FROM json_each(?2))
             ORDER BY event_time, portfolio_id",
        )?;
        let rows = statement.query_map(params![until, tenants.json()], |row| {
            Ok(((row.get(0)?, row.get(1)?), row.get(2)?))
        })?;
        // The last one of an account stays.
        rows.collect()
    }
}

fn state(row: &Row) -> Result<AccountState, rusqlite::Error> {
    Ok(AccountState {
        tenant: row.get("tenant")?,
        subject_kind: row.get("subject_kind")?,
        subject_id: row.get("subject_id")?,
        waba_id: row.get("waba_id")?,
        portfolio_id: row.get("portfolio_id")?,
        kind: row.get("kind")?,
        event: row.get("event")?,
        quality: row.get("quality")?,
        limit: row.get("limit")?,
        template: row.get("template")?,
        language: row.get("language")?,
        category: row.get("category")?,
        reason: row.get("reason")?,
        previous: row.get("previous")?,
        announced: row.get("announced")?,
        effective_at: row.get("effective_at")?,
        restrictions: from_json(row.get_ref("restrictions")?.as_str()?),
        attributes: from_json(row.get_ref("attributes")?.as_str()?),
        at: row.get("event_time")?,
    })
}
