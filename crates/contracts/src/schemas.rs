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

/// How long a topic keeps its records, from its `topic.json`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Whether only the last record of each key stays; else records go by age.
    pub compacted: bool,
    /// Days after which a record goes; `None`: never.
    pub days: Option<u32>,
    /// Why so.
    pub why: String,
}

/// How long the topic of `subject` keeps its records.
pub fn kept(subject: &str) -> Result<Kept, ContractError> {
    let wrong = |what: &str| ContractError::Schema(format!("schemas/{subject}/topic.json: {what}"));
    let (_, text) = TOPICS
        .iter()
        .find(|(name, _)| *name == subject)
        .ok_or_else(|| ContractError::UnknownSubject(subject.to_owned()))?;
    let file: serde_json::Value = serde_json::from_str(text).map_err(|error| wrong(&error.to_string()))?;
    let field = |name: &str| file[name].as_str().ok_or_else(|| wrong(&format!("{name} is no text")));
    let compacted = match field("cleanup")? {
        "compact" => true,
        "delete" => false,
        other => return Err(wrong(&format!("cleanup {other} is neither compact nor delete"))),
    };
    let days = match field("retention")?.strip_suffix(" d") {
        Some(days) => Some(days.parse().map_err(|_| wrong("retention is no number of days"))?),
        None => None,
    };
    Ok(Kept {
        compacted,
        days,
        why: field("why")?.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_topic_keeps_is_read_from_its_file() {
        let raw = kept("hilo.raw").unwrap();
        assert_eq!((raw.compacted, raw.days), (false, Some(30)));
        assert_eq!(kept("hilo.identity").unwrap().days, None);
        let metric = kept("hilo.metric").unwrap();
        assert_eq!((metric.compacted, metric.days), (true, None));
        kept("hilo.nothing").unwrap_err();
    }
}
