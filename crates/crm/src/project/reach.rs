//! How far a change reaches: what records show of their contact and ticket, by the mappings of a tenant.
//!
//! Who a person is stands in every record that wants it, and hardly changes. What changes with each message (when they
//! wrote last, where their ticket stands) is given to others only where a mapping asks for it: then each message makes more.

use super::config::{Config, Target};
use crate::values::Object;
use std::collections::BTreeMap;

/// Sources of a contact that say who somebody is.
const WHO: [&str; 13] = [
    "contact.key",
    "contact.name",
    "contact.first_name",
    "contact.last_name",
    "contact.phone",
    "contact.phones",
    "contact.wa_id",
    "contact.user_id",
    "contact.user_ids",
    "contact.parent_user_id",
    "contact.username",
    "contact.country",
    "contact.former_phones",
];
/// Sources of a ticket that never change.
const FIXED: [&str; 4] = [
    "ticket.key",
    "ticket.session_id",
    "ticket.conversation_id",
    "ticket.channel",
];

/// What the mappings of one tenant ask for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Reach {
    /// Records of sessions, or deals, show more of their contact than who it is.
    pub contact_in_sessions: bool,
    /// Entries of the timeline, or tasks of messages, do.
    pub contact_in_messages: bool,
    /// They show more of their ticket than which one it is.
    pub ticket_in_messages: bool,
}

impl Reach {
    fn of(target: &Target) -> Self {
        let asks = |objects: &[Object], of: &str, given: &dyn Fn(&str) -> bool| {
            target.mappings.all().any(|mapping| {
                let sources = objects.iter().flat_map(|object| mapping.sources(*object));
                sources
                    .into_iter()
                    .any(|source| source.starts_with(of) && !given(source))
            })
        };
        let who = |source: &str| WHO.contains(&source);
        let fixed = |source: &str| FIXED.contains(&source);
        let of_messages = [Object::Communication, Object::Task];
        Self {
            contact_in_sessions: asks(
                &[Object::Ticket, Object::Deal, Object::Communication, Object::Task],
                "contact.",
                &who,
            ),
            contact_in_messages: asks(&of_messages, "contact.", &who),
            ticket_in_messages: asks(&of_messages, "ticket.", &fixed),
        }
    }
}

/// What the mappings of all tenants ask for.
#[derive(Clone, Debug, Default)]
pub(super) struct Reaches {
    tenants: BTreeMap<String, Reach>,
    others: Reach,
}

impl Reaches {
    pub(super) fn of(config: &Config) -> Self {
        let named = config.tenants.iter();
        Self {
            tenants: named.map(|(name, target)| (name.clone(), Reach::of(target))).collect(),
            others: config.others.as_ref().map(Reach::of).unwrap_or_default(),
        }
    }

    pub(super) fn get(&self, tenant: &str) -> Reach {
        self.tenants.get(tenant).copied().unwrap_or(self.others)
    }
}
