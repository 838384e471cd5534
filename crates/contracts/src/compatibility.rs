//! Whether every released version of a subject can read every other: readers and writers upgrade in any order, and
//! what was kept for years stays readable.

use crate::schemas::Version;
use apache_avro::schema_compatibility::{Compatibility, SchemaCompatibility};

/// Two versions that cannot read one another in every case.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{subject}: versions {older} and {newer} are not compatible: {reason}; give new fields a default, keep the types of old ones"
)]
pub struct Incompatible {
    /// Topic.
    pub subject: &'static str,
    /// The one version.
    pub older: u32,
    /// The other version.
    pub newer: u32,
    /// What stands in the way.
    pub reason: String,
}

/// Checks all pairs of versions of each subject, both ways (`FULL_TRANSITIVE`).
#[must_use]
pub fn check(versions: &[Version]) -> Vec<Incompatible> {
    let mut found = Vec::new();
    for (place, older) in versions.iter().enumerate() {
        for newer in versions[place + 1..]
            .iter()
            .filter(|newer| newer.subject == older.subject)
        {
            let reason = match SchemaCompatibility::mutual_read(&older.schema, &newer.schema) {
                Ok(Compatibility::Full) => continue,
                Ok(Compatibility::Partial) => "some values of the one do not fit into the other".to_owned(),
                Err(error) => error.to_string(),
            };
            found.push(Incompatible {
                subject: older.subject,
                older: older.number,
                newer: newer.number,
                reason,
            });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schemas;
    use apache_avro::Schema;

    fn versions(fields: &[&'static str]) -> Vec<Version> {
        let version = |(index, fields): (usize, &&'static str)| {
            let text: &'static str = format!(r#"{{"type":"record","name":"T","fields":[{fields}]}}"#).leak();
            Version {
                subject: "made.up",
                number: index as u32 + 1,
                text,
                schema: Schema::parse_str(text).unwrap(),
            }
        };
        fields.iter().enumerate().map(version).collect()
    }

    const A: &str = r#"{"name":"a","type":"string"}"#;

    fn pairs(fields: &[&'static str]) -> Vec<(u32, u32)> {
        check(&versions(fields))
            .iter()
            .map(|found| (found.older, found.newer))
            .collect()
    }

    #[test]
    fn released_versions_read_one_another() {
        assert_eq!(check(schemas::all().unwrap()), []);
    }

    #[test]
    fn a_field_with_a_default_may_come_and_go() {
        let optional = r#"{"name":"a","type":"string"},{"name":"b","type":["null","long"],"default":null}"#;
        assert_eq!(pairs(&[A, optional, A]), []);
    }

    #[test]
    fn what_breaks_a_reader_is_found_between_any_two_versions() {
        let required = r#"{"name":"a","type":"string"},{"name":"b","type":"long"}"#;
        assert_eq!(pairs(&[A, required]), [(1, 2)]);
        assert_eq!(pairs(&[A, r#"{"name":"a","type":"long"}"#]), [(1, 2)]);
        // Wider in one direction only.
        assert_eq!(
            pairs(&[r#"{"name":"a","type":"int"}"#, r#"{"name":"a","type":"long"}"#]),
            [(1, 2)]
        );
        // The newest two agree; the first and the last do not.
        let optional = r#"{"name":"a","type":"string","default":""}"#;
        assert_eq!(
            pairs(&[r#"{"name":"c","type":"long","default":0}"#, optional, A]),
            [(1, 3)]
        );
    }

    #[test]
    fn a_symbol_that_an_old_reader_does_not_know_is_found() {
        let one = r#"{"name":"a","type":{"type":"enum","name":"E","symbols":["X"]}}"#;
        let two = r#"{"name":"a","type":{"type":"enum","name":"E","symbols":["X","Y"]}}"#;
        assert_eq!(pairs(&[one, two]), [(1, 2)]);
    }

    #[test]
    fn subjects_are_not_compared_with_one_another() {
        let mut two = versions(&[A, r#"{"name":"a","type":"long"}"#]);
        two[1].subject = "another";
        assert_eq!(check(&two), []);
    }
}
