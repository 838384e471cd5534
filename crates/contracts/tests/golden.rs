//! Stored bytes of every released version: what was written once is read for ever. The samples were encoded by a
//! program of their own, not by this crate.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use apache_avro::{reader::datum::GenericDatumReader, writer::datum::GenericDatumWriter};
use hilo_contracts::{json, schemas};

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

fn newest() -> impl Iterator<Item = &'static schemas::Version> {
    let all = schemas::all().unwrap();
    all.iter()
        .filter(|version| schemas::latest(version.subject).unwrap().number == version.number)
}
