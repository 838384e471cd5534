//! The vocabularies of sources: which words each may be, where that is known.

use hilo_domain::ErrorClass;

/// Words of a source.
#[derive(Clone, Copy, Debug)]
pub struct Vocabulary {
    /// Its words.
    pub words: &'static [&'static str],
    /// Whether there are no others: then a catalogue has to cover all.
    pub closed: bool,
}

const CONSENT: &[&str] = &["granted", "denied", "withdrawn", "blocked"];
const HOW: &[&str] = &["keyword", "user_preferences", "error", "crm", "form"];

const CLOSED: &[(&str, &[&str])] = &[
    ("contact.whatsapp_marketing", CONSENT),
    ("contact.whatsapp_utility", CONSENT),
    ("contact.email_marketing", CONSENT),
    ("ticket.channel", &["whatsapp"]),
    ("ticket.status", &["new", "open", "waiting", "closed"]),
    ("ticket.opened_by", &["customer", "business"]),
    ("ticket.close_reason", &["resolved", "inactivity"]),
    (
        "ticket.outcome",
        &[
            "human_takeover",
            "escalated_requested",
            "escalated_failure",
            "escalated_rule",
            "contained_confirmed",
            "abandoned",
            "contained_silent",
            "called_back",
        ],
    ),
    ("deal.origin", &["referral", "tag", "intent", "crm"]),
    ("deal.status", &["open", "won", "lost"]),
    ("communication.direction", &["inbound", "outbound"]),
    (
        "communication.status",
        &["accepted", "sent", "delivered", "read", "played", "failed"],
    ),
    ("communication.error", &ErrorClass::NAMES),
    ("task.status", &["open", "done"]),
    ("task.priority", PRIORITIES),
];

const OPEN: &[(&str, &[&str])] = &[
    ("contact.whatsapp_marketing_how", HOW),
    ("contact.whatsapp_utility_how", HOW),
    ("contact.email_marketing_how", HOW),
    (
        "communication.author",
        &["customer", "agent", "bot", "automation", "campaign", "unknown"],
    ),
];

/// Priorities of a task.
pub(super) const PRIORITIES: &[&str] = &["low", "medium", "high"];

/// The words that a source may be, where that is known.
#[must_use]
pub fn vocabulary(source: &str) -> Option<Vocabulary> {
    let find = |table: &'static [(&str, &'static [&'static str])], closed| {
        let (_, words) = table.iter().find(|(name, _)| *name == source)?;
        Some(Vocabulary { words, closed })
    };
    find(CLOSED, true).or_else(|| find(OPEN, false))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::values::{Kind, source};

    #[test]
    fn every_vocabulary_is_that_of_a_word() {
        for (name, words) in CLOSED.iter().chain(OPEN) {
            assert_eq!(source(name).map(|source| source.kind), Some(Kind::Word), "{name}");
            assert!(!words.is_empty());
        }
    }
}
