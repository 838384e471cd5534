//! One change of a delivery: what its items share, and how an item is made of what was read.

use crate::{
    fields,
    key::Key,
    outcome::{Outcome, Reason},
    people::{self, Business, Contacts, Named, seen},
    tenant::{TEST_ENTRY, Tenant},
};
use hilo_contracts::{
    facts::Raw,
    item::{Body, IdentityChange, Item, Position, Sighting},
};
use hilo_domain::{Millis, json::canonical};
use serde_json::Value;
use std::cell::OnceCell;

/// What was read of one element.
#[derive(Debug)]
pub(crate) struct Draft {
    /// The element's own time; the delivery's rules apply without one.
    pub at: Option<Millis>,
    pub key: Key,
    /// Whose it is.
    pub person: Option<Sighting>,
    /// Seen beside.
    pub others: Vec<Sighting>,
    pub change: Option<IdentityChange>,
    pub body: Body,
}

impl Draft {
    /// An item of nobody.
    pub(crate) fn new(at: Option<Millis>, key: Key, body: Body) -> Self {
        Self {
            at,
            key,
            person: None,
            others: Vec::new(),
            change: None,
            body,
        }
    }
}

/// A change, its value, and where it stands.
pub(crate) struct Update<'a> {
    pub raw: &'a Raw,
    pub tenant: &'a Tenant,
    pub entry_id: &'a str,
    pub entry_time: Option<Millis>,
    pub field: &'a str,
    pub value: &'a Value,
    pub phone_number_id: Option<String>,
    pub business: Business<'a>,
    pub contacts: Contacts<'a>,
    /// Smallest time of an element in the value, once somebody needed it.
    pub smallest: OnceCell<Option<Millis>>,
    pub entry: i32,
    pub change: i32,
}

impl Update<'_> {
    /// Position of the item with this index.
    pub(crate) fn position(&self, item: usize) -> Position {
        Position {
            entry: self.entry,
            change: self.change,
            item: i32::try_from(item).unwrap_or(i32::MAX),
        }
    }

    /// Event time of an element with the time `at`, by inheritance.
    pub(crate) fn event_time(&self, at: Option<Millis>) -> Millis {
        let smallest = || *self.smallest.get_or_init(|| fields::smallest_time(self.value));
        at.or(self.entry_time).or_else(smallest).unwrap_or(self.raw.received_at)
    }

    /// The item that `draft` says, about `element`.
    pub(crate) fn item(&self, draft: Draft, element: &Value, item: usize) -> Outcome {
        let content = canonical(element);
        let own_time = draft.at.or(self.entry_time);
        let tenant = &self.raw.tenant;
        let (subject, key) = draft.key.hashes(tenant, |hasher| {
            hasher.update(self.entry_id.as_bytes()).update(self.field.as_bytes());
            hasher.update(self.phone_number_id.as_deref().unwrap_or_default().as_bytes());
            match own_time {
                Some(at) => hasher.update(b"at").update(&at.to_le_bytes()),
                None => hasher.update(b"day").update(&day(self.raw.received_at).to_le_bytes()),
            };
            hasher.update(content.as_bytes());
        });
        let has_person = draft.person.is_some();
        let mut sightings = Vec::with_capacity(usize::from(has_person) + draft.others.len());
        sightings.extend(draft.person);
        sightings.extend(draft.others);
        let item = Item {
            tenant: tenant.clone(),
            delivery_id: self.raw.delivery_id.clone(),
            position: self.position(item),
            received_at: self.raw.received_at,
            event_time: self.event_time(draft.at),
            key,
            content,
            entry_id: self.entry_id.to_owned(),
            phone_number_id: self.phone_number_id.clone(),
            test: self.entry_id == TEST_ENTRY,
            sightings,
            has_person,
            evidence_only: false,
            generation: 0,
            change: draft.change,
            body: draft.body,
        };
        Outcome::Item {
            key: subject,
            item: Box::new(item),
        }
    }

    /// An element of this change that cannot be read.
    pub(crate) fn dead_letter(&self, reason: Reason, element: &Value, item: usize) -> Outcome {
        Outcome::DeadLetter {
            reason,
            detail: format!("item of a change of the field {:?}", self.field),
            position: Some(self.position(item)),
            event_time: Some(self.event_time(hilo_whatsapp::timestamp(element))),
            original: element.to_string().into_bytes(),
        }
    }

    /// Whether `named` is another number of the business, by the number or by the user id that `contacts` has beside it.
    pub(crate) fn is_other_number(&self, named: &Named) -> bool {
        let is_own_user = |user_id: &str| self.contacts.is_own_user(user_id);
        named
            .wa_id
            .as_deref()
            .is_some_and(|wa_id| self.business.is_other(wa_id))
            || named.user_id.as_deref().is_some_and(is_own_user)
    }

    /// The person that `named` names, with what `contacts` says of them; `None` for the business and for nobody.
    pub(crate) fn person(&self, named: Named) -> Option<Sighting> {
        let mut named = named;
        if self.is_other_number(&named) {
            // An entry with its user id is about the business: it is used up, and shows nobody.
            self.contacts.describe(&named, &mut Sighting::default());
            return None;
        }
        if named.wa_id.as_deref().is_some_and(|wa_id| self.business.is(wa_id)) {
            if named.user_id.is_none() && named.parent.is_none() {
                return None;
            }
            // Seen: a sender without a phone whose `from` is the business's own number.
            named.wa_id = None;
        }
        let mut sighting = Sighting {
            creates: true,
            ..Sighting::default()
        };
        people::add(&named, &mut sighting);
        self.contacts.describe(&named, &mut sighting);
        seen(sighting)
    }

    /// The person that `named` names, else the only contact of the value.
    pub(crate) fn person_or_only_contact(&self, named: Named) -> Option<Sighting> {
        self.person(if named.is_nobody() {
            self.contacts.only().unwrap_or_default()
        } else {
            named
        })
    }

    /// The first of two sides, unless that is the business.
    pub(crate) fn either(&self, first: Named, second: Named) -> Option<Sighting> {
        if first.is_nobody() {
            return None;
        }
        self.person(first).or_else(|| self.person(second))
    }
}

fn day(at: Millis) -> Millis {
    at.div_euclid(hilo_domain::time::DAY)
}
