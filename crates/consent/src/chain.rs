//! The hashes of a chain, and whether it is whole.

use hilo_contracts::facts::Consent as Fact;
use hilo_domain::{
    Millis,
    consent::{ConsentState, Will},
    hash,
};

/// Hash of an entry behind the one with `previous_hash`: over what was said, not over how it came here or whose it is,
/// for that depends on the order of arrival.
pub(crate) fn hash_of(fact: &Fact, previous_hash: &str) -> String {
    let instant = |at: Option<Millis>| at.map_or_else(String::new, |at| at.to_string());
    let or_none = |text: &Option<String>| text.as_ref().map_or_else(|| "-".to_owned(), |text| format!("+{text}"));
    let texts = [
        previous_hash.to_owned(),
        fact.tenant.clone(),
        fact.entry_id.clone(),
        fact.event_time.to_string(),
        fact.channel.clone(),
        fact.purpose.clone(),
        fact.state.clone(),
        fact.method.clone(),
        or_none(&fact.system),
        or_none(&fact.word),
        or_none(&fact.language),
        or_none(&fact.legal_basis),
        or_none(&fact.jurisdiction),
        or_none(&fact.text_version),
        or_none(&fact.actor),
        or_none(&fact.reference),
        instant(fact.valid_to),
        fact.evidence.clone(),
        fact.subjects.join(" "),
    ];
    let parts: Vec<&[u8]> = texts.iter().map(String::as_bytes).collect();
    hash::digest("consent", &parts)
}

/// A chain that is not what was written.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("entry {entry_id} at place {sequence} of the chain {what}")]
pub struct Broken {
    /// The first entry that does not fit.
    pub entry_id: String,
    /// Its place.
    pub sequence: i64,
    /// What is wrong with it.
    pub what: &'static str,
}

/// Whether the entries of one person, in the order of their places, are a whole chain.
pub fn verify(entries: &[Fact]) -> Result<(), Broken> {
    let mut previous = "";
    let mut before: Option<(Millis, &str)> = None;
    for (entry, place) in entries.iter().zip(1..) {
        let broken = |what| Broken {
            entry_id: entry.entry_id.clone(),
            sequence: entry.sequence,
            what,
        };
        if entry.sequence != place {
            return Err(broken("does not stand at its place: one is missing or too many"));
        }
        let order = Some((entry.event_time, entry.entry_id.as_str()));
        if order <= before {
            return Err(broken("is out of order"));
        }
        if entry.previous_hash != previous {
            return Err(broken("does not follow the one before"));
        }
        if entry.hash != hash_of(entry, previous) {
            return Err(broken("is not what was written"));
        }
        previous = &entry.hash;
        before = order;
    }
    Ok(())
}

/// Entries as far as they decide; those of a state that this release does not know count as withdrawn.
#[must_use]
pub fn wills(entries: &[Fact]) -> Vec<Will<'_>> {
    entries
        .iter()
        .map(|entry| Will {
            at: entry.event_time,
            channel: &entry.channel,
            purpose: &entry.purpose,
            state: ConsentState::of(&entry.state).unwrap_or(ConsentState::Withdrawn),
            by_platform: matches!(entry.method.as_str(), "user_preferences" | "error"),
            subjects: &entry.subjects,
            valid_to: entry.valid_to,
        })
        .collect()
}
