//! Avro datums: facts to bytes and back, behind one trait, so that what is behind it can be replaced after measuring.
//!
//! A datum stands alone, without header and without schema id: who stores it knows its subject and version.

use crate::{
    datum::{self, Defect, Reader},
    facts::{
        Account, Consent, Conversation, Count, CrmRecord, CrmWrite, DeadLetter, Identity, Metric, Raw, Status,
        Unclassified,
    },
    schemas::{self, Version},
    shape, topics, transcode,
};
use apache_avro::schema::ResolvedSchema;
use serde::{Serialize, de::DeserializeOwned};
use std::{marker::PhantomData, sync::LazyLock};

/// Why a record and its contract do not agree.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ContractError {
    /// A file under `schemas/` is no Avro schema.
    #[error("schema of {0}; mend the file under schemas/")]
    Schema(String),
    /// No schema has this subject.
    #[error("no schema for {0}; add schemas/{0}/v1.avsc or use one of the names in schemas/README.md")]
    UnknownSubject(String),
    /// A struct that is not the record of the schema.
    #[error("{subject} version {number}: {reason}; the fields of the struct follow schemas/{subject}, in its order")]
    Mismatch {
        /// Topic.
        subject: String,
        /// Version of the schema.
        number: u32,
        /// The first difference.
        reason: String,
    },
    /// A value that no schema has a place for.
    #[error("cannot encode a record of {subject}: {reason}; use the types of the structs in hilo-contracts")]
    Encode {
        /// Topic.
        subject: String,
        /// What stands in the way.
        reason: String,
    },
    /// A version that a later release wrote.
    #[error(
        "{subject}: a record has version {number} of its contract, this release reads up to version {newest}: roll out \
         readers first, so run the newer release here"
    )]
    Later {
        /// Topic.
        subject: String,
        /// Version of the record.
        number: u32,
        /// Newest version that is read.
        newest: u32,
    },
    /// Bytes that are no datum of the schema.
    #[error(
        "cannot decode {length} bytes of {subject}: {reason}; they were written with another schema or are damaged"
    )]
    Decode {
        /// Topic.
        subject: String,
        /// Size of the datum.
        length: usize,
        /// What is wrong with it.
        reason: String,
    },
}

/// Facts to bytes and back.
pub trait Codec<T> {
    /// The datum of `value`.
    fn encode(&self, value: &T) -> Result<Vec<u8>, ContractError>;
    /// The value of a whole datum.
    fn decode(&self, datum: &[u8]) -> Result<T, ContractError>;
}

/// A version with its named types, which are looked up once.
struct Prepared {
    version: &'static Version,
    names: ResolvedSchema<'static>,
}

static PREPARED: LazyLock<Result<Vec<Prepared>, ContractError>> = LazyLock::new(|| {
    let prepare = |version: &'static Version| match ResolvedSchema::try_from(&version.schema) {
        Ok(names) => Ok(Prepared { version, names }),
        Err(error) => Err(ContractError::Schema(format!(
            "{} version {}: {error}",
            version.subject, version.number
        ))),
    };
    schemas::all()?.iter().map(prepare).collect()
});

/// The codec of the newest version of a subject for its struct.
pub struct AvroCodec<T> {
    /// The subject, once the struct was found to be its record.
    subject: Result<&'static str, ContractError>,
    of: PhantomData<fn(&T) -> T>,
}

impl<T> Clone for AvroCodec<T> {
    fn clone(&self) -> Self {
        Self {
            subject: self.subject.clone(),
            of: PhantomData,
        }
    }
}

impl<T: Serialize + DeserializeOwned> Codec<T> for AvroCodec<T> {
    fn encode(&self, value: &T) -> Result<Vec<u8>, ContractError> {
        let subject = self.subject.clone()?;
        let mut out = Vec::with_capacity(USUAL_SIZE);
        match datum::write(value, &mut out) {
            Ok(()) => Ok(out),
            Err(Defect(reason)) => Err(ContractError::Encode {
                subject: subject.to_owned(),
                reason,
            }),
        }
    }

    fn decode(&self, datum: &[u8]) -> Result<T, ContractError> {
        let subject = self.subject.clone()?;
        datum::read(datum).map_err(|defect| undecodable(subject, datum, defect))
    }
}

/// Most facts fit without growing.
const USUAL_SIZE: usize = 512;

/// The codec of the newest version of `subject`. A subject without a schema, or with one that is not the struct's,
/// fails at the first use.
#[must_use]
pub fn of<T: DeserializeOwned>(subject: &str) -> AvroCodec<T> {
    let checked = newest(subject).and_then(|prepared| {
        let version = prepared.version;
        match shape::check::<T>(&version.schema, prepared.names.get_names()) {
            Ok(()) => Ok(version.subject),
            Err(Defect(reason)) => Err(ContractError::Mismatch {
                subject: subject.to_owned(),
                number: version.number,
                reason,
            }),
        }
    });
    AvroCodec {
        subject: checked,
        of: PhantomData,
    }
}

fn newest(subject: &str) -> Result<&'static Prepared, ContractError> {
    let all = PREPARED.as_ref().map_err(Clone::clone)?;
    // Sorted by number within the subject.
    let found = all.iter().rfind(|prepared| prepared.version.subject == subject);
    found.ok_or_else(|| ContractError::UnknownSubject(subject.to_owned()))
}

/// Appends a datum of the newest version of `subject` to `out`, as JSON.
pub(crate) fn transcode(subject: &str, datum: &[u8], out: &mut String) -> Result<(), ContractError> {
    let Prepared { version, names } = newest(subject)?;
    transcode::push(&version.schema, names.get_names(), datum, out)
        .map_err(|defect| undecodable(subject, datum, defect))
}

fn undecodable(subject: &str, datum: &[u8], Defect(reason): Defect) -> ContractError {
    ContractError::Decode {
        subject: subject.to_owned(),
        length: datum.len(),
        reason,
    }
}

/// The tenant of a fact, without decoding the rest. The fact must begin with an id and a tenant, as facts about people do.
#[must_use]
pub fn tenant_of(datum: &[u8]) -> Option<&str> {
    let mut reader = Reader { rest: datum };
    reader.bytes().ok()?;
    std::str::from_utf8(reader.bytes().ok()?).ok()
}

/// `hilo.raw`.
#[must_use]
pub fn raw() -> AvroCodec<Raw> {
    of(topics::RAW)
}

/// `hilo.identity`.
#[must_use]
pub fn identity() -> AvroCodec<Identity> {
    of(topics::IDENTITY)
}

/// `hilo.consent`.
#[must_use]
pub fn consent() -> AvroCodec<Consent> {
    of(topics::CONSENT)
}

/// `hilo.conversation`.
#[must_use]
pub fn conversation() -> AvroCodec<Conversation> {
    of(topics::CONVERSATION)
}

/// `hilo.status`.
#[must_use]
pub fn status() -> AvroCodec<Status> {
    of(topics::STATUS)
}

/// `hilo.account`.
#[must_use]
pub fn account() -> AvroCodec<Account> {
    of(topics::ACCOUNT)
}

/// `hilo.count`.
#[must_use]
pub fn count() -> AvroCodec<Count> {
    of(topics::COUNT)
}

/// `hilo.crm_record`.
#[must_use]
pub fn crm_record() -> AvroCodec<CrmRecord> {
    of(topics::CRM_RECORD)
}

/// `hilo.crm_write`.
#[must_use]
pub fn crm_write() -> AvroCodec<CrmWrite> {
    of(topics::CRM_WRITE)
}

/// `hilo.metric`.
#[must_use]
pub fn metric() -> AvroCodec<Metric> {
    of(topics::METRIC)
}

/// `hilo.dead_letter`.
#[must_use]
pub fn dead_letter() -> AvroCodec<DeadLetter> {
    of(topics::DEAD_LETTER)
}

/// `hilo.unclassified`.
#[must_use]
pub fn unclassified() -> AvroCodec<Unclassified> {
    of(topics::UNCLASSIFIED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tenant_of_each_fact_stands_where_it_is_looked_for() {
        let tenant = "acme-".repeat(40);
        let (event_id, tenant) = ("e".repeat(70), tenant.as_str());
        let data = [
            identity().encode(&Identity {
                event_id: event_id.clone(),
                tenant: tenant.into(),
                ..Identity::default()
            }),
            conversation().encode(&Conversation {
                event_id: event_id.clone(),
                tenant: tenant.into(),
                ..Conversation::default()
            }),
            status().encode(&Status {
                event_id: event_id.clone(),
                tenant: tenant.into(),
                ..Status::default()
            }),
            consent().encode(&Consent {
                event_id: event_id.clone(),
                tenant: tenant.into(),
                ..Consent::default()
            }),
        ];
        for datum in data {
            assert_eq!(tenant_of(&datum.unwrap()), Some(tenant));
        }
        assert_eq!(tenant_of(&[]), None);
        assert_eq!(tenant_of(&[0xff; 12]), None);
        assert_eq!(tenant_of(&[2]), None);
    }
}
