//! Avro datums: facts to bytes and back, behind one trait, so that the library can be replaced after measuring.
//!
//! A datum stands alone, without header and without schema id: who stores it knows its subject and version.

use crate::{
    facts::{Account, Conversation, DeadLetter, Identity, Metric, Raw, Status, Unclassified},
    schemas::{self, Version},
    topics, transcode,
};
use apache_avro::{reader::datum::GenericDatumReader, schema::ResolvedSchema, writer::datum::GenericDatumWriter};
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
    /// A value that the schema has no place for.
    #[error("cannot encode a record of {subject}: {reason}; compare the struct with schemas/{subject}")]
    Encode {
        /// Topic.
        subject: String,
        /// What the library says.
        reason: String,
    },
    /// Bytes that are no datum of the schema.
    #[error("cannot decode {length} bytes of {subject}: {reason}; they were written with another schema or are damaged")]
    Decode {
        /// Topic.
        subject: String,
        /// Size of the datum.
        length: usize,
        /// What the library says.
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

/// What encoding and decoding need of a version; resolving names costs more than a datum does, so it happens once.
struct Prepared {
    version: &'static Version,
    writer: GenericDatumWriter<'static>,
    reader: GenericDatumReader<'static>,
    names: ResolvedSchema<'static>,
}

static PREPARED: LazyLock<Result<Vec<Prepared>, ContractError>> = LazyLock::new(|| {
    let prepare = |version: &'static Version| {
        let failed = |error: apache_avro::Error| {
            ContractError::Schema(format!("{} version {}: {error}", version.subject, version.number))
        };
        Ok(Prepared {
            version,
            writer: GenericDatumWriter::builder(&version.schema).human_readable(false).build().map_err(failed)?,
            reader: GenericDatumReader::builder(&version.schema).human_readable(false).build().map_err(failed)?,
            names: ResolvedSchema::try_from(&version.schema).map_err(failed)?,
        })
    };
    schemas::all()?.iter().map(prepare).collect()
});

/// The codec of one version of one subject.
pub struct AvroCodec<T> {
    prepared: Result<&'static Prepared, ContractError>,
    of: PhantomData<fn(&T) -> T>,
}

impl<T> Clone for AvroCodec<T> {
    fn clone(&self) -> Self {
        Self { prepared: self.prepared.clone(), of: PhantomData }
    }
}

impl<T: Serialize + DeserializeOwned> Codec<T> for AvroCodec<T> {
    fn encode(&self, value: &T) -> Result<Vec<u8>, ContractError> {
        let prepared = self.prepared.as_ref().map_err(Clone::clone)?;
        let mut datum = Vec::with_capacity(USUAL_SIZE);
        match prepared.writer.write_ser(&mut datum, value) {
            Ok(_) => Ok(datum),
            Err(error) => {
                let subject = prepared.version.subject.to_owned();
                Err(ContractError::Encode { subject, reason: error.to_string() })
            }
        }
    }

    fn decode(&self, datum: &[u8]) -> Result<T, ContractError> {
        let prepared = self.prepared.as_ref().map_err(Clone::clone)?;
        let failed = |reason: String| ContractError::Decode {
            subject: prepared.version.subject.to_owned(),
            length: datum.len(),
            reason,
        };
        let mut rest = datum;
        let value = prepared.reader.read_deser(&mut rest).map_err(|error| failed(error.to_string()))?;
        if rest.is_empty() { Ok(value) } else { Err(failed(format!("{} bytes are left over", rest.len()))) }
    }
}

/// Most facts fit without growing.
const USUAL_SIZE: usize = 512;

/// The codec of the newest version of `subject`; a subject without a schema fails at the first use.
#[must_use]
pub fn of<T>(subject: &str) -> AvroCodec<T> {
    AvroCodec { prepared: newest(subject), of: PhantomData }
}

fn newest(subject: &str) -> Result<&'static Prepared, ContractError> {
    let all = PREPARED.as_ref().map_err(Clone::clone)?;
    // Sorted by number within the subject.
    let found = all.iter().rfind(|prepared| prepared.version.subject == subject);
    found.ok_or_else(|| ContractError::UnknownSubject(subject.to_owned()))
}

/// Appends a datum of the newest version of `subject` to `out`, as JSON.
pub(crate) fn transcode(subject: &str, datum: &[u8], out: &mut String) -> Result<(), ContractError> {
    let Prepared { version, names, .. } = newest(subject)?;
    transcode::push(&version.schema, names.get_names(), datum, out).map_err(|defect| ContractError::Decode {
        subject: subject.to_owned(),
        length: datum.len(),
        reason: defect.to_owned(),
    })
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
