//! Every version of a contract that a release reads, and the door at which its datums get the newest shape.
//!
//! Structs, codecs and JSON know one shape only, that of the newest released version. The door rewrites a datum of another
//! version by the rules of Avro: a missing field gets its default, an unknown field is dropped.

use crate::{
    ContractError,
    schemas::{self, Version},
};
use apache_avro::{Schema, reader::datum::GenericDatumReader, writer::datum::GenericDatumWriter};
use rustc_hash::FxHashMap;
use std::{borrow::Cow, sync::LazyLock};

/// The versions that are read: those of this release, and in tests of an upgrade one more.
#[derive(Clone, Debug)]
pub struct Versions(Vec<&'static Version>);

impl Versions {
    /// All that `schemas/` has.
    pub fn released() -> Result<Self, ContractError> {
        Ok(Self(schemas::all()?.iter().collect()))
    }

    /// Adds a version that no release has, for tests of an upgrade. Hilo still writes the newest released version.
    #[must_use]
    pub fn also(mut self, version: &'static Version) -> Self {
        self.0.push(version);
        self
    }

    /// Those of one subject.
    pub fn of<'a>(&'a self, subject: &'a str) -> impl Iterator<Item = &'static Version> + 'a {
        self.0.iter().copied().filter(move |version| version.subject == subject)
    }

    fn subjects(&self) -> impl Iterator<Item = &'static str> {
        self.0.iter().map(|version| version.subject)
    }
}

/// What a schema is for one subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The version with this number.
    Known(u32),
    /// A later release made it: its record has the subject's name, and no version that is read has its fields.
    Later,
    /// Another record, or no Avro schema at all.
    Foreign,
}

/// A version that is not the newest.
struct Other {
    version: &'static Version,
    reader: GenericDatumReader<'static>,
}

struct Subject {
    newest: &'static Version,
    writer: GenericDatumWriter<'static>,
    others: Vec<Other>,
}

/// Turns datums of every version into the newest shape.
pub struct Door(FxHashMap<&'static str, Subject>);

static RELEASED: LazyLock<Result<Door, ContractError>> =
    LazyLock::new(|| Versions::released().and_then(|versions| Door::new(&versions)));

impl Door {
    /// A door for these versions.
    pub fn new(versions: &Versions) -> Result<Self, ContractError> {
        let mut subjects = FxHashMap::default();
        for name in versions.subjects() {
            if !subjects.contains_key(name) {
                subjects.insert(name, Subject::new(name, versions)?);
            }
        }
        Ok(Self(subjects))
    }

    /// The door for the versions of this release.
    pub fn released() -> Result<&'static Self, ContractError> {
        RELEASED.as_ref().map_err(Clone::clone)
    }

    /// The datum of version `number` in the newest shape. What has no contract stays as it is.
    pub fn open<'a>(&self, subject: &str, number: u32, datum: &'a [u8]) -> Result<Cow<'a, [u8]>, ContractError> {
        let Some(known) = self.0.get(subject) else {
            return Ok(Cow::Borrowed(datum));
        };
        if number == known.newest.number {
            return Ok(Cow::Borrowed(datum));
        }
        let Some(other) = known.others.iter().find(|other| other.version.number == number) else {
            return Err(ContractError::Later {
                subject: subject.to_owned(),
                number,
                newest: known.newest.number,
            });
        };
        known.rewrite(other, datum).map(Cow::Owned)
    }

    /// The newest version that is read of `subject`; `None` where it has no contract.
    #[must_use]
    pub fn newest(&self, subject: &str) -> Option<u32> {
        let known = self.0.get(subject)?;
        let others = known.others.iter().map(|other| other.version.number);
        others.chain([known.newest.number]).max()
    }

    /// Which version of `subject` a schema is. Docs and defaults do not matter: they change no byte of a datum.
    #[must_use]
    pub fn origin(&self, subject: &str, text: &str) -> Origin {
        let (Some(known), Ok(schema)) = (self.0.get(subject), Schema::parse_str(text)) else {
            return Origin::Foreign;
        };
        let form = schema.canonical_form();
        let others = known.others.iter().map(|other| other.version);
        let mut all = std::iter::once(known.newest).chain(others);
        match all.find(|version| version.schema.canonical_form() == form) {
            Some(version) => Origin::Known(version.number),
            None if schema.name() == known.newest.schema.name() && schema.name().is_some() => Origin::Later,
            None => Origin::Foreign,
        }
    }
}

impl Subject {
    fn new(name: &'static str, versions: &Versions) -> Result<Self, ContractError> {
        let newest = schemas::latest(name)?;
        let wrong = |version: &Version, error: apache_avro::Error| {
            ContractError::Schema(format!("{name} version {}: {error}", version.number))
        };
        let mut others = Vec::new();
        for version in versions.of(name).filter(|version| version.number != newest.number) {
            let reader = GenericDatumReader::builder(&version.schema)
                .reader_schema(&newest.schema)
                .build()
                .map_err(|error| wrong(version, error))?;
            others.push(Other { version, reader });
        }
        let writer = GenericDatumWriter::builder(&newest.schema)
            .build()
            .map_err(|error| wrong(newest, error))?;
        Ok(Self { newest, writer, others })
    }

    fn rewrite(&self, other: &Other, datum: &[u8]) -> Result<Vec<u8>, ContractError> {
        let wrong = |reason: String| ContractError::Decode {
            subject: format!("{} version {}", self.newest.subject, other.version.number),
            length: datum.len(),
            reason,
        };
        let mut rest = datum;
        let value = other
            .reader
            .read_value(&mut rest)
            .map_err(|error| wrong(error.to_string()))?;
        if !rest.is_empty() {
            return Err(wrong(format!("{} bytes are left over", rest.len())));
        }
        self.writer
            .write_value_to_vec(value)
            .map_err(|error| wrong(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        codec::{self, Codec as _},
        facts::Status,
        json,
    };

    const SUBJECT: &str = "hilo.status";

    /// The newest version of a subject with another list of fields.
    fn changed(number: u32, change: impl FnOnce(&mut Vec<serde_json::Value>)) -> &'static Version {
        let newest = schemas::latest(SUBJECT).unwrap();
        let mut file: serde_json::Value = serde_json::from_str(newest.text).unwrap();
        change(file["fields"].as_array_mut().unwrap());
        let text: &'static str = file.to_string().leak();
        Box::leak(Box::new(Version {
            subject: SUBJECT,
            number,
            text,
            schema: Schema::parse_str(text).unwrap(),
        }))
    }

    /// An earlier release that had no `campaign`.
    fn earlier() -> &'static Version {
        changed(0, |fields| fields.retain(|field| field["name"] != "campaign"))
    }

    /// A later release with one field more.
    fn later() -> &'static Version {
        let newest = schemas::latest(SUBJECT).unwrap().number;
        changed(newest + 1, |fields| {
            fields.push(serde_json::json!({"name": "mood", "type": ["null", "string"], "default": null}));
        })
    }

    fn door(version: &'static Version) -> Door {
        Door::new(&Versions::released().unwrap().also(version)).unwrap()
    }

    fn fact() -> Status {
        Status {
            event_id: "e_1".to_owned(),
            tenant: "acme".into(),
            event_time: 1_777_000_000_123,
            ..Status::default()
        }
    }

    /// What a program that has only `version` would have written for `fact`, by the library alone.
    fn written_with(version: &'static Version, fact: &Status) -> Vec<u8> {
        let newest = &schemas::latest(SUBJECT).unwrap().schema;
        let datum = codec::status().encode(fact).unwrap();
        let reader = GenericDatumReader::builder(newest)
            .reader_schema(&version.schema)
            .build()
            .unwrap();
        let value = reader.read_value(&mut &datum[..]).unwrap();
        let writer = GenericDatumWriter::builder(&version.schema).build().unwrap();
        writer.write_value_to_vec(value).unwrap()
    }

    #[test]
    fn an_earlier_and_a_later_version_become_the_newest_shape() {
        let fact = fact();
        let newest = codec::status().encode(&fact).unwrap();
        for version in [earlier(), later()] {
            let datum = written_with(version, &fact);
            assert_ne!(datum, newest, "version {}", version.number);
            let door = door(version);
            let opened = door.open(SUBJECT, version.number, &datum).unwrap();
            assert_eq!(codec::status().decode(&opened).unwrap(), fact);
            assert_eq!(
                json::to_string(SUBJECT, &opened).unwrap(),
                json::to_string(SUBJECT, &newest).unwrap()
            );
        }
    }

    #[test]
    fn a_field_that_the_newest_shape_lacks_goes_with_its_value() {
        let later = later();
        let mut datum = codec::status().encode(&fact()).unwrap();
        // The other branch of the union, and a text of two bytes.
        datum.extend_from_slice(&[2, 4, b'o', b'k']);
        let door = door(later);
        let opened = door.open(SUBJECT, later.number, &datum).unwrap();
        assert_eq!(codec::status().decode(&opened).unwrap(), fact());
    }

    #[test]
    fn the_newest_version_is_not_touched() {
        let door = door(earlier());
        let newest = schemas::latest(SUBJECT).unwrap().number;
        for (subject, number) in [(SUBJECT, newest), ("hilo.item", 7)] {
            let opened = door.open(subject, number, b"whatever it is").unwrap();
            assert!(matches!(opened, Cow::Borrowed(b"whatever it is")), "{subject}");
        }
    }

    #[test]
    fn a_version_of_a_later_release_says_what_to_do() {
        let newest = schemas::latest(SUBJECT).unwrap().number;
        let released = Door::released().unwrap();
        let error = released.open(SUBJECT, newest + 1, b"").unwrap_err();
        assert!(matches!(error, ContractError::Later { .. }), "{error:?}");
        assert!(error.to_string().contains("roll out readers first"), "{error}");
        assert_eq!(door(later()).newest(SUBJECT), Some(newest + 1));
        assert_eq!(released.newest(SUBJECT), Some(newest));
        assert_eq!(released.newest("hilo.item"), None);
    }

    #[test]
    fn damage_in_an_earlier_version_is_an_error() {
        let earlier = earlier();
        let door = door(earlier);
        let datum = written_with(earlier, &fact());
        for damaged in [&datum[..datum.len() - 1], &[&datum[..], b"x"].concat(), &[0xff; 20]] {
            let error = door.open(SUBJECT, earlier.number, damaged).unwrap_err();
            assert!(matches!(error, ContractError::Decode { .. }), "{error:?}");
        }
    }

    #[test]
    fn a_schema_is_known_by_its_fields() {
        let (earlier, later) = (earlier(), later());
        let newest = schemas::latest(SUBJECT).unwrap();
        let door = door(earlier);
        let other_docs = newest.text.replacen("\"doc\": \"", "\"doc\": \"Said otherwise: ", 1);
        assert_ne!(other_docs, newest.text);
        for (text, origin) in [
            (newest.text, Origin::Known(newest.number)),
            (&other_docs, Origin::Known(newest.number)),
            (earlier.text, Origin::Known(earlier.number)),
            (later.text, Origin::Later),
            (schemas::latest("hilo.metric").unwrap().text, Origin::Foreign),
            ("\"string\"", Origin::Foreign),
            ("no schema", Origin::Foreign),
        ] {
            assert_eq!(door.origin(SUBJECT, text), origin, "{text}");
        }
    }
}
