//! Outcomes as facts of `hilo.crm_write`.

use crate::codes;
use hilo_contracts::facts::{CrmRecord, CrmWrite};
use hilo_crm::values::Object;
use hilo_domain::{Millis, hash};

/// Whose record in which CRM.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lane {
    /// Whose business it is.
    pub tenant: String,
    /// The CRM.
    pub sink: String,
}

/// What a fact says about a record.
#[derive(Clone, Debug, Default)]
pub(crate) struct Told<'a> {
    pub kind: &'static str,
    pub object: &'a str,
    pub record_key: &'a str,
    pub person_id: Option<String>,
    pub revision: i64,
    pub remote_id: Option<String>,
    pub content_hash: Option<String>,
    pub attempts: u32,
    pub until: Option<Millis>,
    pub code: Option<&'a str>,
    pub field: Option<String>,
}

impl<'a> Told<'a> {
    /// Which record it is, and which revision.
    pub(crate) fn of(record: &'a CrmRecord) -> Self {
        Self {
            object: &record.object,
            record_key: &record.record_key,
            person_id: record.person_id.clone(),
            revision: record.revision,
            ..Self::default()
        }
    }
}

/// The fact of what became of a record.
pub(crate) fn of_record(lane: &Lane, told: Told, now: Millis) -> CrmWrite {
    let revision = told.revision.to_string();
    let attempts = told.attempts.to_string();
    let parts = [
        &lane.tenant,
        &lane.sink,
        told.record_key,
        revision.as_str(),
        told.kind,
        attempts.as_str(),
    ];
    CrmWrite {
        event_id: hash::id("crm_write", &parts.map(str::as_bytes)),
        tenant: lane.tenant.clone(),
        event_time: now,
        kind: told.kind.to_owned(),
        revision: told.revision,
        sink: lane.sink.clone(),
        object: Some(told.object.to_owned()),
        record_key: Some(told.record_key.to_owned()),
        person_id: told.person_id,
        remote_id: told.remote_id,
        content_hash: told.content_hash,
        attempts: i64::from(told.attempts),
        retry_at: told.until,
        code: told.code.map(str::to_owned),
        field: told.field,
        action: told.code.and_then(codes::action).map(str::to_owned),
        ..CrmWrite::default()
    }
}

/// The fact of how the CRM as a whole is.
pub(crate) fn of_sink(
    lane: &Lane,
    state: &str,
    trouble: Option<(&str, Option<Millis>, Option<String>)>,
    daily: (Option<i64>, Option<i64>),
    now: Millis,
) -> CrmWrite {
    let at = now.to_string();
    let parts = [&lane.tenant, &lane.sink, "sink", state, at.as_str()];
    let (code, until, missing) = trouble.map_or((None, None, None), |(code, until, missing)| {
        (Some(code), until, missing)
    });
    CrmWrite {
        event_id: hash::id("crm_write", &parts.map(str::as_bytes)),
        tenant: lane.tenant.clone(),
        event_time: now,
        kind: "sink".to_owned(),
        sink: lane.sink.clone(),
        retry_at: until,
        code: code.map(str::to_owned),
        // What is missing is a name of the CRM's own, such as a scope.
        field: missing,
        action: code.and_then(codes::action).map(str::to_owned),
        state: Some(state.to_owned()),
        budget_limit: daily.0,
        budget_remaining: daily.1,
        ..CrmWrite::default()
    }
}

/// The object of a word.
pub(crate) fn object(word: &str) -> Option<Object> {
    Object::ALL.into_iter().find(|object| object.as_str() == word)
}

/// Its number in the links file: those that others belong to first.
pub(crate) fn rank(object: Object) -> i64 {
    object as i64
}

/// The object of a number in the links file.
pub(crate) fn ranked(rank: i64) -> Option<Object> {
    usize::try_from(rank)
        .ok()
        .and_then(|rank| Object::ALL.get(rank).copied())
}
