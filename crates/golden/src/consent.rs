//! The consent ledger as rows, and back.

use crate::{Golden, GoldenError, error::failed, write::Result as Written};
use hilo_contracts::facts::{Consent, Source};
use rusqlite::{Row, Transaction, params};
use std::collections::BTreeMap;

/// An entry of a person stands in one partition: the last fact holds, a retraction removes.
pub(crate) fn write_consents(transaction: &Transaction, entries: &BTreeMap<(String, String), Consent>) -> Written {
    let mut put = transaction.prepare_cached(
        "INSERT OR REPLACE INTO consent_entries VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15,
           ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25)",
    )?;
    let mut remove =
        transaction.prepare_cached("DELETE FROM consent_entries WHERE person_id = ?1 AND entry_id = ?2")?;
    for fact in entries.values() {
        if fact.kind == "retracted" {
            remove.execute([&fact.person_id, &fact.entry_id])?;
            continue;
        }
        put.execute(params![
            fact.person_id,
            fact.entry_id,
            fact.tenant,
            fact.event_time,
            fact.revision,
            fact.sequence,
            fact.channel,
            fact.purpose,
            fact.state,
            fact.effective,
            fact.method,
            fact.system,
            fact.word,
            fact.language,
            fact.legal_basis,
            fact.jurisdiction,
            fact.text_version,
            fact.actor,
            fact.reference,
            fact.valid_to,
            fact.evidence,
            fact.subjects.join(" "),
            fact.previous_hash,
            fact.hash,
            fact.source.delivery_id,
        ])?;
    }
    Ok(())
}

impl Golden {
    /// The consent ledger of a person, in the order of its chain.
    pub fn consents(&self, person_id: &str) -> Result<Vec<Consent>, GoldenError> {
        let read = || -> Result<Vec<Consent>, rusqlite::Error> {
            let mut statement = self
                .connection
                .prepare_cached("SELECT * FROM consent_entries WHERE person_id = ?1 ORDER BY sequence, entry_id")?;
            let rows = statement.query_map([person_id], entry)?;
            rows.collect()
        };
        read().map_err(failed("read"))
    }

    /// Everybody who has a consent ledger.
    pub fn people_with_consents(&self) -> Result<Vec<String>, GoldenError> {
        let read = || -> Result<Vec<String>, rusqlite::Error> {
            let mut statement = self
                .connection
                .prepare_cached("SELECT DISTINCT person_id FROM consent_entries ORDER BY person_id")?;
            let rows = statement.query_map([], |row| row.get(0))?;
            rows.collect()
        };
        read().map_err(failed("read"))
    }
}

fn entry(row: &Row) -> Result<Consent, rusqlite::Error> {
    let subjects: String = row.get("subjects")?;
    Ok(Consent {
        event_id: String::new(),
        tenant: row.get("tenant")?,
        event_time: row.get("event_time")?,
        ingest_time: 0,
        source: Source {
            delivery_id: row.get("delivery_id")?,
            ..Source::default()
        },
        kind: "entry".to_owned(),
        person_id: row.get("person_id")?,
        revision: row.get("revision")?,
        entry_id: row.get("entry_id")?,
        sequence: row.get("sequence")?,
        channel: row.get("channel")?,
        purpose: row.get("purpose")?,
        state: row.get("state")?,
        effective: row.get("effective")?,
        method: row.get("method")?,
        system: row.get("system")?,
        word: row.get("word")?,
        language: row.get("language")?,
        legal_basis: row.get("legal_basis")?,
        jurisdiction: row.get("jurisdiction")?,
        text_version: row.get("text_version")?,
        actor: row.get("actor")?,
        reference: row.get("reference")?,
        valid_to: row.get("valid_to")?,
        evidence: row.get("evidence")?,
        subjects: subjects.split_whitespace().map(str::to_owned).collect(),
        previous_hash: row.get("previous_hash")?,
        hash: row.get("hash")?,
    })
}
