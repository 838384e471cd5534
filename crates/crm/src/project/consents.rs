//! A person's consent ledger, as far as a contact shows it.

use hilo_contracts::facts::Consent as Fact;
use hilo_domain::{
    Millis,
    consent::{ALL_PURPOSES, Consent, ConsentState, Will, consent},
};
use serde::{Deserialize, Serialize};

/// Entries of a person that are kept, the latest ones: who says no a thousand times says it once.
const KEPT: usize = 128;

/// One entry of the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    at: Millis,
    id: Box<str>,
    revision: i64,
    /// Taken back; it may return with a higher revision.
    retracted: bool,
    channel: Box<str>,
    purpose: Box<str>,
    state: ConsentState,
    method: Box<str>,
    by_platform: bool,
    subjects: Vec<String>,
    valid_to: Option<Millis>,
}

/// The entries of a person, in the order of (event time, entry id).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Consents(Vec<Entry>);

/// What holds for a channel and purpose, and the entry that decides.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Standing<'a> {
    /// `granted`, `denied`, `withdrawn`, `blocked`.
    pub state: &'static str,
    pub at: Millis,
    pub how: &'a str,
    pub entry: &'a str,
}

impl Consents {
    /// Takes a fact in. Gives whether something changed.
    pub(super) fn tell(&mut self, fact: &Fact) -> bool {
        if let Some(place) = self.0.iter().position(|had| *had.id == *fact.entry_id) {
            if self.0[place].revision >= fact.revision {
                return false;
            }
            self.0.remove(place);
        }
        let entry = Entry {
            at: fact.event_time,
            id: fact.entry_id.as_str().into(),
            revision: fact.revision,
            retracted: fact.kind == "retracted",
            channel: fact.channel.as_str().into(),
            purpose: fact.purpose.as_str().into(),
            // As the ledger itself: what this release does not know is no consent.
            state: ConsentState::of(&fact.state).unwrap_or(ConsentState::Withdrawn),
            method: fact.method.as_str().into(),
            by_platform: matches!(fact.method.as_str(), "user_preferences" | "error"),
            subjects: fact.subjects.clone(),
            valid_to: fact.valid_to,
        };
        let place = self.0.partition_point(|had| (had.at, &had.id) < (entry.at, &entry.id));
        self.0.insert(place, entry);
        if self.0.len() > KEPT {
            self.0.remove(0);
        }
        true
    }

    /// The next time after `now` at which a grant ends.
    pub(super) fn next_end(&self, now: Millis) -> Option<Millis> {
        let ends = self.0.iter().filter(|entry| !entry.retracted);
        ends.filter_map(|entry| entry.valid_to).filter(|end| *end > now).min()
    }

    /// What holds; none where nothing was said, or what was said has ended.
    pub(super) fn standing(&self, channel: &str, purpose: &str, now: Millis) -> Option<Standing<'_>> {
        let said: Vec<&Entry> = self
            .0
            .iter()
            .filter(|entry| !entry.retracted && *entry.channel == *channel)
            .filter(|entry| *entry.purpose == *purpose || *entry.purpose == *ALL_PURPOSES)
            .collect();
        // A sign may be later than the time that the log brought.
        let as_of = said.last()?.at.max(now);
        let wills: Vec<Will> = said.iter().map(|entry| entry.will(purpose)).collect();
        let decisive = match consent(&wills, channel, purpose, as_of) {
            Consent::Unknown => None,
            Consent::Granted => said.iter().rev().find(|entry| entry.state == ConsentState::Granted),
            Consent::Denied => said.iter().rev().find(|entry| entry.forbids(&said)),
        };
        decisive.map(|entry| Standing {
            state: entry.state.as_str(),
            at: entry.at,
            how: &entry.method,
            entry: &entry.id,
        })
    }
}

impl Entry {
    fn will<'a>(&'a self, purpose: &'a str) -> Will<'a> {
        Will {
            at: self.at,
            channel: &self.channel,
            purpose,
            state: self.state,
            by_platform: self.by_platform,
            subjects: &self.subjects,
            valid_to: self.valid_to,
        }
    }

    /// Whether it forbids, and nothing that was said later lifts it.
    fn forbids(&self, said: &[&Entry]) -> bool {
        let later = said.iter().filter(|other| other.at > self.at);
        match self.state {
            ConsentState::Granted | ConsentState::Unblocked => false,
            ConsentState::Blocked => !later.clone().any(|other| {
                other.state == ConsentState::Unblocked || other.by_platform && other.state == ConsentState::Granted
            }),
            ConsentState::Denied | ConsentState::Withdrawn => !later.clone().any(|grant| {
                grant.state == ConsentState::Granted
                    && grant.subjects.iter().any(|subject| self.subjects.contains(subject))
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fact(id: &str, at: Millis, state: &str, method: &str, subject: &str) -> Fact {
        Fact {
            entry_id: id.to_owned(),
            event_time: at,
            kind: "entry".to_owned(),
            revision: 1,
            channel: "whatsapp".to_owned(),
            purpose: "marketing".to_owned(),
            state: state.to_owned(),
            method: method.to_owned(),
            subjects: vec![subject.to_owned()],
            ..Fact::default()
        }
    }

    fn state(facts: &[Fact], now: Millis) -> Option<(&'static str, String)> {
        let mut consents = Consents::default();
        for fact in facts {
            consents.tell(fact);
        }
        let standing = consents.standing("whatsapp", "marketing", now)?;
        Some((standing.state, standing.entry.to_owned()))
    }

    #[test]
    fn the_entry_that_decides_is_named() {
        let granted = fact("a", 1, "granted", "form", "x");
        let withdrawn = fact("b", 2, "withdrawn", "keyword", "x");
        let blocked = fact("c", 3, "blocked", "user_preferences", "x");
        let unblocked = fact("d", 4, "unblocked", "user_preferences", "x");
        let is = |state: &'static str, entry: &str| Some((state, entry.to_owned()));
        assert_eq!(state(&[], 9), None);
        assert_eq!(state(std::slice::from_ref(&granted), 9), is("granted", "a"));
        assert_eq!(state(&[withdrawn.clone(), granted.clone()], 9), is("withdrawn", "b"));
        let all = [granted, withdrawn, blocked.clone(), unblocked.clone()];
        assert_eq!(state(&all[..3], 9), is("blocked", "c"));
        // The platform lifts its own block; the withdrawal stands.
        assert_eq!(state(&all, 9), is("withdrawn", "b"));
        assert_eq!(state(&[blocked, unblocked], 9), None);
        let again = fact("e", 5, "granted", "form", "x");
        let other = fact("e", 5, "granted", "form", "another number");
        assert_eq!(state(&[all[1].clone(), again], 9), is("granted", "e"));
        assert_eq!(state(&[all[1].clone(), other], 9), is("withdrawn", "b"));
    }

    #[test]
    fn a_grant_ends_and_an_entry_is_taken_back() {
        let mut granted = fact("a", 1, "granted", "form", "x");
        granted.valid_to = Some(10);
        assert_eq!(
            state(std::slice::from_ref(&granted), 9).map(|(state, _)| state),
            Some("granted")
        );
        assert_eq!(state(std::slice::from_ref(&granted), 10), None);
        let mut consents = Consents::default();
        consents.tell(&granted);
        assert_eq!((consents.next_end(9), consents.next_end(10)), (Some(10), None));
        let gone = Fact {
            kind: "retracted".to_owned(),
            revision: 2,
            ..granted.clone()
        };
        assert!(consents.tell(&gone));
        assert!(!consents.tell(&granted), "a lower revision changes nothing");
        assert_eq!(consents.standing("whatsapp", "marketing", 5), None);
        assert_eq!(consents.next_end(0), None);
    }

    #[test]
    fn what_is_said_of_all_purposes_holds_for_each() {
        let mut all = fact("a", 1, "withdrawn", "crm", "x");
        all.purpose = "all".to_owned();
        let mut consents = Consents::default();
        consents.tell(&all);
        assert_eq!(consents.standing("whatsapp", "utility", 5).unwrap().state, "withdrawn");
        assert_eq!(consents.standing("email", "marketing", 5), None);
    }
}
