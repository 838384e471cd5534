//! Stored bytes of every released version: what was written once is read for ever. The samples were encoded by a
//! program of their own, not by this crate.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use apache_avro::{reader::datum::GenericDatumReader, writer::datum::GenericDatumWriter};
use hilo_contracts::{
    door::{Door, Versions},
    json, schemas,
};

#[test]
fn every_version_reads_its_sample_and_writes_the_same_bytes() {
    for version in schemas::all().unwrap() {
        let (datum, _) = support::sample(version.subject, version.number);
        let mut rest = &datum[..];
        let reader = GenericDatumReader::builder(&version.schema).build().unwrap();
        let value = reader.read_value(&mut rest).unwrap();
        assert!(rest.is_empty(), "{}", version.subject);
        let writer = GenericDatumWriter::builder(&version.schema).build().unwrap();
        assert_eq!(
            writer.write_value_to_vec(value).unwrap(),
            datum,
            "{} v{}",
            version.subject,
            version.number
        );
    }
}

#[test]
fn every_newest_version_goes_through_its_struct_unchanged() {
    for version in newest() {
        let (datum, _) = support::sample(version.subject, version.number);
        if let Some(again) = support::through_the_struct(version.subject, &datum) {
            assert_eq!(again, datum, "{}", version.subject);
        }
    }
}

#[test]
fn every_newest_version_is_written_as_its_json() {
    for version in newest() {
        let (datum, expected) = support::sample(version.subject, version.number);
        assert_eq!(
            json::to_string(version.subject, &datum).unwrap(),
            expected,
            "{}",
            version.subject
        );
    }
}

/// The stored bytes of a version are what a data directory or a topic still holds: the door makes them the newest shape.
#[test]
fn every_version_goes_through_the_door_to_its_struct() {
    let door = Door::released().unwrap();
    for version in schemas::all().unwrap() {
        let (datum, _) = support::sample(version.subject, version.number);
        let opened = door.open(version.subject, version.number, &datum).unwrap();
        if let Some(again) = support::through_the_struct(version.subject, &opened) {
            assert_eq!(again, *opened, "{} v{}", version.subject, version.number);
        }
        json::to_string(version.subject, &opened).unwrap();
    }
}

/// A version that no release has: the newest with one field more, which is empty. Rewriting it gives the newest's bytes, for
/// every type that a contract uses.
#[test]
fn every_type_of_a_contract_survives_the_door() {
    for version in newest() {
        let mut file: serde_json::Value = serde_json::from_str(version.text).unwrap();
        let fields = file["fields"].as_array_mut().unwrap();
        fields.push(serde_json::json!({"name": "added_by_a_test", "type": ["null", "string"], "default": null}));
        let text: &'static str = file.to_string().leak();
        let later: &'static schemas::Version = Box::leak(Box::new(schemas::Version {
            subject: version.subject,
            number: version.number + 1,
            text,
            schema: apache_avro::Schema::parse_str(text).unwrap(),
        }));
        let door = Door::new(&Versions::released().unwrap().also(later)).unwrap();
        let (datum, _) = support::sample(version.subject, version.number);
        let written = [&datum[..], &[0]].concat();
        let opened = door.open(version.subject, later.number, &written).unwrap();
        assert_eq!(*opened, datum, "{}", version.subject);
    }
}

fn newest() -> impl Iterator<Item = &'static schemas::Version> {
    let all = schemas::all().unwrap();
    all.iter()
        .filter(|version| schemas::latest(version.subject).unwrap().number == version.number)
}
