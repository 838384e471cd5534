//! Desired records on their way out: told only where they differ from what was told.

use super::{Key, trail::Trail};
use crate::{keys::content_hash, mapping::Mapping, record_topic_key, values::Object};
use hilo_contracts::{
    codec::{self, AvroCodec, Codec as _},
    facts::{CrmAssociation, CrmField, CrmRecord},
    topics,
};
use hilo_domain::hash;
use hilo_stream::{Context, ProcessorError, StateStore, Store};
use serde::{Deserialize, Serialize};

/// What was told of a record last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Last {
    revision: i64,
    /// Hash of what it held, and of whose it was.
    told: Key,
    deleted: bool,
}

/// Where a record belongs.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub tenant: &'a str,
    pub sink: &'a str,
    pub object: Object,
    pub key: &'a str,
    /// The person to whom it belongs.
    pub person: Option<&'a str>,
    pub mapping: &'a Mapping,
    pub trail: &'a Trail,
    /// The fact that says who that person is.
    pub whose: Option<&'a str>,
    pub test: bool,
}

/// What it should hold.
pub(super) enum Holds {
    /// These properties.
    Fields {
        fields: Vec<CrmField>,
        associations: Vec<CrmAssociation>,
        adopt_id: Option<String>,
        rule: Option<String>,
    },
    /// Nothing: it is part of another record.
    Alias(String),
    /// Nothing: it should not be there.
    Nothing,
}

/// The records that were told.
pub(super) struct Records {
    last: Store<Last>,
    codec: AvroCodec<CrmRecord>,
}

impl Records {
    pub(super) fn new() -> Self {
        Self {
            last: Store::new("records"),
            codec: codec::crm_record(),
        }
    }

    pub(super) fn store(&mut self) -> &mut dyn StateStore {
        &mut self.last
    }

    /// Tells what a record should hold, if that is another thing than before.
    pub(super) fn tell(&mut self, place: Place, holds: Holds, context: &mut Context) -> Result<(), ProcessorError> {
        let key = record_topic_key(place.tenant, place.sink, place.object.as_str(), place.key);
        let last = self.last.get(&key)?;
        let deleted = matches!(holds, Holds::Nothing);
        if deleted && last.is_none_or(|last| last.deleted) {
            return Ok(());
        }
        let revision = last.map_or(0, |last| last.revision) + 1;
        let mut record = CrmRecord {
            event_id: hash::id("crm_record_fact", &[&key, &revision.to_le_bytes()]),
            tenant: place.tenant.to_owned(),
            event_time: place.trail.at,
            ingest_time: place.trail.received,
            kind: "desired".to_owned(),
            revision,
            sink: place.sink.to_owned(),
            object: place.object.as_str().to_owned(),
            record_key: place.key.to_owned(),
            person_id: place.person.map(str::to_owned),
            mapping: place.mapping.name().to_owned(),
            mapping_hash: place.mapping.hash().to_owned(),
            test: place.test,
            ..CrmRecord::default()
        };
        match holds {
            Holds::Fields {
                fields,
                associations,
                adopt_id,
                rule,
            } => {
                record.fields = fields;
                record.associations = associations;
                record.associations.sort_unstable();
                record.adopt_id = adopt_id;
                record.rule = rule;
            }
            Holds::Alias(of) => {
                "aliased".clone_into(&mut record.kind);
                record.alias_of = Some(of);
            }
            Holds::Nothing => "deleted".clone_into(&mut record.kind),
        }
        let content = content_hash(&record);
        let person = place.person.unwrap_or_default();
        let told = super::key(
            "crm_told",
            &[content.as_bytes(), person.as_bytes(), &[u8::from(place.test)]],
        );
        if last.is_some_and(|last| last.told == told) {
            return Ok(());
        }
        let last = Last {
            revision,
            told,
            deleted,
        };
        self.last.put(&key, last);
        record.content_hash = content;
        record.facts = place.trail.newest_first(place.whose);
        let value = self.codec.encode(&record).map_err(ProcessorError::contract)?;
        context.send(topics::CRM_RECORD, key, record.event_time, value);
        Ok(())
    }
}

/// A record to which another one belongs.
pub(super) fn belongs_to(object: Object, key: String) -> CrmAssociation {
    CrmAssociation {
        object: object.as_str().to_owned(),
        record_key: key,
    }
}
