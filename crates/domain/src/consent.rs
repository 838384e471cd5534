//! Consent: what a person said about being written to, and what follows from it at a time.
//!
//! Two things decide, and either can forbid. The *platform* blocks marketing for a person (`blocked`) until it lifts that
//! (`unblocked`, or the person signs up again). The *record* holds what the person said, wherever: `granted`, `withdrawn`,
//! `denied`. Lifting the platform's block is no consent, and lifts no withdrawal. Nothing said is no consent either.
//!
//! The most restrictive wins: at one instant a withdrawal beats a grant; a withdrawal ends every grant before it; and a
//! later grant lifts a withdrawal only where both were given under a common identifier. So when people turn out to be
//! one, an opt-out of the one is not lifted by an opt-in of the other.

use crate::Millis;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// A purpose that stands for all of them.
pub const ALL_PURPOSES: &str = "all";

/// What one sign says, from the least to the most restrictive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConsentState {
    /// The person agreed.
    Granted,
    /// The platform lifted its block.
    Unblocked,
    /// The person refused when asked.
    Denied,
    /// The person took back what they had agreed to, or asked not to be written to.
    Withdrawn,
    /// The platform blocks, because the person asked it to.
    Blocked,
}

impl ConsentState {
    const ALL: [Self; 5] = [
        Self::Granted,
        Self::Unblocked,
        Self::Denied,
        Self::Withdrawn,
        Self::Blocked,
    ];

    /// Its name in the ledger.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Granted => "granted",
            Self::Unblocked => "unblocked",
            Self::Denied => "denied",
            Self::Withdrawn => "withdrawn",
            Self::Blocked => "blocked",
        }
    }

    /// The state of a name.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }
}

/// One sign of a person's will, as far as it decides.
#[derive(Clone, Copy, Debug)]
pub struct Will<'a> {
    /// When it was given.
    pub at: Millis,
    /// `whatsapp`, `email`, …
    pub channel: &'a str,
    /// `marketing`, `utility`, …, or [`ALL_PURPOSES`].
    pub purpose: &'a str,
    /// What it says.
    pub state: ConsentState,
    /// It came from the platform, which lifts its own block by a grant.
    pub by_platform: bool,
    /// Hashes of the identifiers under which it was given.
    pub subjects: &'a [String],
    /// End of a grant that was given for a time.
    pub valid_to: Option<Millis>,
}

/// What may be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consent {
    /// The person agreed, and nothing forbids.
    Granted,
    /// Forbidden.
    Denied,
    /// Nothing was said: that is no consent.
    Unknown,
}

impl Consent {
    /// Its name in the ledger.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Granted => "granted",
            Self::Denied => "denied",
            Self::Unknown => "unknown",
        }
    }
}

/// What follows from `wills` for a channel and purpose at a time. Their order does not matter.
#[must_use]
pub fn consent(wills: &[Will], channel: &str, purpose: &str, as_of: Millis) -> Consent {
    let said: Vec<&Will> = wills
        .iter()
        .filter(|will| will.at <= as_of && will.channel == channel)
        .filter(|will| will.purpose == purpose || will.purpose == ALL_PURPOSES)
        .collect();
    let blocked = said
        .iter()
        .filter(|will| {
            matches!(will.state, ConsentState::Blocked | ConsentState::Unblocked)
                || will.by_platform && will.state == ConsentState::Granted
        })
        .max_by_key(|will| (will.at, will.state))
        .is_some_and(|last| last.state == ConsentState::Blocked);
    let is_no = |will: &Will| matches!(will.state, ConsentState::Denied | ConsentState::Withdrawn);
    let grants: Vec<&&Will> = said.iter().filter(|will| will.state == ConsentState::Granted).collect();
    let stands = |no: &Will| {
        !grants
            .iter()
            .any(|grant| grant.at > no.at && grant.subjects.iter().any(|subject| no.subjects.contains(subject)))
    };
    let last_no = said.iter().filter(|will| is_no(will)).map(|will| will.at).max();
    if blocked || said.iter().any(|will| is_no(will) && stands(will)) {
        return Consent::Denied;
    }
    let holds = |grant: &Will| last_no.is_none_or(|no| grant.at > no) && grant.valid_to.is_none_or(|end| as_of < end);
    if grants.iter().any(|grant| holds(grant)) {
        Consent::Granted
    } else {
        Consent::Unknown
    }
}

/// Every channel and purpose that signs are about.
#[must_use]
pub fn subjects_of_consent<'a>(wills: &[Will<'a>]) -> BTreeSet<(&'a str, &'a str)> {
    wills.iter().map(|will| (will.channel, will.purpose)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ConsentState::{Blocked, Denied, Granted, Unblocked, Withdrawn};

    /// What follows from (at, state, subject, by the platform), as of 100.
    fn follows(said: &[(Millis, ConsentState, &str, bool)]) -> &'static str {
        let subjects: Vec<Vec<String>> = said
            .iter()
            .map(|(_, _, subject, _)| vec![(*subject).to_owned()])
            .collect();
        let wills: Vec<Will> = said
            .iter()
            .zip(&subjects)
            .map(|((at, state, _, by_platform), subjects)| Will {
                at: *at,
                channel: "whatsapp",
                purpose: "marketing",
                state: *state,
                by_platform: *by_platform,
                subjects,
                valid_to: None,
            })
            .collect();
        consent(&wills, "whatsapp", "marketing", 100).as_str()
    }

    #[test]
    fn the_most_restrictive_wins() {
        assert_eq!(follows(&[]), "unknown");
        assert_eq!(follows(&[(1, Granted, "a", false)]), "granted");
        assert_eq!(
            follows(&[(1, Granted, "a", false), (2, Withdrawn, "b", false)]),
            "denied"
        );
        assert_eq!(
            follows(&[(2, Granted, "a", false), (2, Withdrawn, "a", false)]),
            "denied"
        );
        assert_eq!(
            follows(&[(3, Granted, "a", false), (2, Withdrawn, "a", false)]),
            "granted"
        );
        assert_eq!(follows(&[(3, Granted, "b", false), (2, Denied, "a", false)]), "denied");
    }

    #[test]
    fn the_platform_lifts_its_own_block_and_nothing_else() {
        assert_eq!(follows(&[(1, Blocked, "a", true)]), "denied");
        assert_eq!(
            follows(&[(1, Blocked, "a", true), (2, Unblocked, "a", true)]),
            "unknown"
        );
        assert_eq!(
            follows(&[(1, Withdrawn, "a", false), (2, Unblocked, "a", true)]),
            "denied"
        );
        assert_eq!(follows(&[(1, Blocked, "a", true), (2, Granted, "a", false)]), "denied");
        assert_eq!(follows(&[(1, Blocked, "a", true), (2, Granted, "a", true)]), "granted");
        assert_eq!(follows(&[(2, Blocked, "a", true), (2, Unblocked, "a", true)]), "denied");
    }

    #[test]
    fn time_and_purpose_decide() {
        let subjects = ["a".to_owned()];
        let will = |at, purpose, state, valid_to| Will {
            at,
            channel: "whatsapp",
            purpose,
            state,
            by_platform: false,
            subjects: &subjects,
            valid_to,
        };
        let wills = [
            will(10, "marketing", Granted, Some(50)),
            will(60, ALL_PURPOSES, Withdrawn, None),
        ];
        let on = |purpose, as_of| consent(&wills, "whatsapp", purpose, as_of).as_str();
        assert_eq!(
            (on("marketing", 9), on("marketing", 10), on("marketing", 50)),
            ("unknown", "granted", "unknown")
        );
        assert_eq!(
            (on("marketing", 60), on("utility", 60), on("utility", 59)),
            ("denied", "denied", "unknown")
        );
        assert_eq!(consent(&wills, "email", "marketing", 99).as_str(), "unknown");
    }
}
