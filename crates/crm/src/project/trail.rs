//! The facts that something follows from, the newest few.

use hilo_domain::Millis;
use serde::{Deserialize, Serialize};

/// Facts that a record names.
const NAMED: usize = 8;

/// The newest facts about something, and when the last one was.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Trail {
    /// The newest last.
    facts: Vec<Box<str>>,
    /// Event time of the newest.
    pub at: Millis,
    /// Receipt of what caused it, as far as it is known.
    pub received: Millis,
}

impl Trail {
    /// A fact has come.
    pub(super) fn note(&mut self, event_id: &str, at: Millis, received: Millis) {
        self.at = at;
        // A fact about a session has no receipt of its own: it follows from the one before.
        if received > 0 || self.received == 0 {
            self.received = received;
        }
        if let Some(place) = self.facts.iter().position(|had| **had == *event_id) {
            let again = self.facts.remove(place);
            self.facts.push(again);
            return;
        }
        if self.facts.len() == NAMED {
            self.facts.remove(0);
        }
        self.facts.push(event_id.into());
    }

    /// The newest first, and at the end, where there is room, the one that says whose it is.
    pub(super) fn newest_first(&self, whose: Option<&str>) -> Vec<String> {
        let mut all: Vec<String> = self.facts.iter().rev().map(|id| id.as_ref().to_owned()).collect();
        if let Some(whose) = whose
            && all.len() < NAMED
            && !all.iter().any(|had| had == whose)
        {
            all.push(whose.to_owned());
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_eight_are_named() {
        let mut trail = Trail::default();
        for number in 0..10 {
            trail.note(&number.to_string(), number, 0);
        }
        trail.note("5", 99, 7);
        assert_eq!(
            trail.newest_first(Some("who")),
            ["5", "9", "8", "7", "6", "4", "3", "2"]
        );
        assert_eq!((trail.at, trail.received), (99, 7));
        let mut short = Trail::default();
        short.note("a", 1, 1);
        assert_eq!(short.newest_first(Some("who")), ["a", "who"]);
        assert_eq!(short.newest_first(Some("a")), ["a"]);
    }
}
