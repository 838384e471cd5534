//! The schemas of `schemas/`, parsed once: every released version of every subject.

use crate::ContractError;
use apache_avro::Schema;
use std::sync::LazyLock;

include!(concat!(env!("OUT_DIR"), "/schemas.rs"));

/// One version of one subject.
#[derive(Debug)]
pub struct Version {
    /// Name of the topic without the configured prefix.
    pub subject: &'static str,
    /// Number of the version, from 1.
    pub number: u32,
    /// The file, as it is registered.
    pub text: &'static str,
    /// The file, parsed.
    pub schema: Schema,
}

static ALL: LazyLock<Result<Vec<Version>, String>> = LazyLock::new(|| {
    SCHEMAS
        .iter()
        .map(|&(subject, number, text)| {
            let schema = Schema::parse_str(text).map_err(|error| format!("{subject} version {number}: {error}"))?;
            Ok(Version {
                subject,
                number,
                text,
                schema,
            })
        })
        .collect()
});

/// All versions, by subject and number.
pub fn all() -> Result<&'static [Version], ContractError> {
    ALL.as_deref().map_err(|reason| ContractError::Schema(reason.clone()))
}

/// The newest version of `subject`: what is written.
pub fn latest(subject: &str) -> Result<&'static Version, ContractError> {
    // Sorted by number within the subject.
    let newest = all()?.iter().rfind(|version| version.subject == subject);
    newest.ok_or_else(|| ContractError::UnknownSubject(subject.to_owned()))
}
