//! What travels between processors on internal topics: items with their person, what became of sends, moves of the identity
//! graph, signs for the consent ledger.

use super::{Item, Origin};
use crate::stored::Source;
use hilo_domain::{Millis, category::is_marketing};
use serde::{Deserialize, Serialize};

/// An item with the person it belongs to, as the identity processor sends it on. Keyed by person for
/// conversations, by message for statuses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resolved {
    /// Person; `None` where nobody is known (group sends, failures of unknown sends).
    pub person_id: Option<String>,
    /// Country of the person at the time of resolution.
    pub country: Option<String>,
    /// Part of the identity graph that the item belongs to. A [`Move`] names it.
    pub atom: u64,
    /// Version of the identity graph that decided; higher wins.
    pub version: u64,
    /// The item.
    pub item: Item,
}

/// What travels to the conversation processor, keyed by person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PersonRecord {
    /// An item of the person.
    Item(Box<Resolved>),
    /// Items of the person that belong to somebody else by now.
    Move(Move),
    /// An item that another person had until the graph changed, in the conversation processor's own encoding.
    Moved {
        /// Version of the identity graph that decided.
        version: u64,
        /// Country of the person who has it now.
        country: Option<String>,
        /// Business number of the thread.
        phone_number_id: String,
        /// The event.
        event: Vec<u8>,
    },
    /// An occurrence that a better duplicate replaced, which may be another person's, or a trace that is no longer needed.
    /// The status processor sends it, for it stores the person of each message.
    Forget(Forget),
    /// A message that only statuses describe; by them, it was sent to the person. The status processor subscribes to the
    /// moves of it.
    Follow(Follow),
    /// Outcome of a send to the person. The status processor sends it at each change.
    Fate(Fate),
}

/// Outcome of a send, for the occurrence of its line or echo that holds. It follows moves as a [`Forget`] does. Of several
/// fates the one with the highest revision holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fate {
    /// Event time of the occurrence.
    pub at: Millis,
    /// [`Item::fingerprint`] of the occurrence.
    pub fingerprint: u64,
    /// Part of the identity graph that the occurrence belongs to. A [`Move`] names it.
    pub atom: u64,
    /// Version of the identity graph by which the occurrence belongs to the person in the record's key.
    pub version: u64,
    /// Revision of the message.
    pub revision: i64,
    /// The outcome.
    pub became: Became,
    /// Set where the conversation processor has no item of the send. It then stores this trace as an event.
    pub trace: Option<Box<Trace>>,
}

/// Outcome of a send, as far as conversations depend on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Became {
    /// It failed: it counts as never sent.
    pub failed: bool,
    /// When it was delivered; `None` while it is not, or failed.
    pub delivered_at: Option<Millis>,
    /// A template.
    pub template: bool,
    /// Of a category of marketing.
    pub marketing: bool,
}

impl Became {
    /// The outcome that a description implies by itself. A [`Fate`] is sent only where the outcome differs from it.
    #[must_use]
    pub fn described(origin: Origin, at: Millis, kind: &str, template: Option<Option<&str>>) -> Self {
        let marketing = template.flatten().is_some_and(is_marketing);
        Self {
            failed: false,
            // The phone app shows what it sent.
            delivered_at: (origin == Origin::Echo).then_some(at),
            template: kind == "template" || template.is_some(),
            marketing,
        }
    }
}

/// A send that only its statuses describe, or the request that a status confirmed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trace {
    /// Tenant.
    pub tenant: String,
    /// The message.
    pub message_id: String,
    /// Business number.
    pub phone_number_id: Option<String>,
}

impl Trace {
    /// Key of the [`Forget`] that removes the trace, once a line or echo describes the message. No item has such a key.
    #[must_use]
    pub fn key(message_id: &str) -> String {
        format!("trace {message_id}")
    }
}

/// The status by which the status processor knows the person of a message. It travels as an item does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Follow {
    /// Tenant.
    pub tenant: String,
    /// The message.
    pub message_id: String,
    /// Event time of the status.
    pub at: Millis,
    /// [`Item::fingerprint`] of the status.
    pub fingerprint: u64,
    /// Part of the identity graph that the occurrence belongs to. A [`Move`] names it.
    pub atom: u64,
    /// Version of the identity graph by which the occurrence belongs to the person in the record's key.
    pub version: u64,
}

/// Which occurrence of an item no longer holds. It travels as the item does, by the moves of the identity graph, and so
/// ends where the item ends: whichever comes first waits there for the other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forget {
    /// Key of the item.
    pub key: String,
    /// Event time of the occurrence.
    pub at: Millis,
    /// [`Item::fingerprint`] of the occurrence.
    pub fingerprint: u64,
    /// Part of the identity graph that the occurrence belongs to. A [`Move`] names it.
    pub atom: u64,
    /// Version of the identity graph by which the occurrence belongs to the person in the record's key.
    pub version: u64,
}

/// The items of `atom` with event times in `[from, to)` belong to another person: the graph changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Move {
    /// Version of the identity graph that decided; higher wins.
    pub version: u64,
    /// Which part of the graph.
    pub atom: u64,
    /// First event time concerned; `None` = since ever.
    pub from: Option<Millis>,
    /// First event time not concerned; `None` = for ever.
    pub to: Option<Millis>,
    /// Whose they are now.
    pub to_person: String,
    /// Country of that person.
    pub country: Option<String>,
}

impl Move {
    /// Whether it concerns what `atom` has at a time, and is later than the `version` that gave that to its person.
    #[must_use]
    pub fn takes(&self, atom: u64, at: Millis, version: u64) -> bool {
        let is_within = self.from.is_none_or(|from| from <= at) && self.to.is_none_or(|to| at < to);
        self.atom == atom && is_within && version < self.version
    }
}

/// What travels to the status processor, keyed by message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MessageRecord {
    /// An item about the message: its send, its echo, its receipt, a status.
    Item(Box<Resolved>),
    /// One item of the message belongs to another person: the graph changed.
    Person {
        /// Tenant.
        tenant: String,
        /// The message.
        message_id: String,
        /// Event time of the item. One id can stand for what several people received and sent.
        at: Millis,
        /// [`Item::fingerprint`] of the item.
        fingerprint: u64,
        /// Version of the identity graph that decided; higher wins.
        version: u64,
        /// Whose it is.
        person_id: String,
        /// Country of that person.
        country: Option<String>,
    },
    /// The platform named the category of a template. The account processor broadcasts it: every task may store sends of
    /// the template.
    TemplateNamed(TemplateNamed),
}

/// The platform named the category of a template.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemplateNamed {
    /// Tenant.
    pub tenant: String,
    /// Name of the template.
    pub name: String,
    /// Its language.
    pub language: Option<String>,
    /// Event time.
    pub at: Millis,
    /// `marketing`, `utility`, `authentication`, …
    pub category: String,
}

/// One sign of a person's will about being written to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sign {
    /// Id within the tenant, from the item: the same whatever the order of arrival.
    pub id: String,
    /// Tenant.
    pub tenant: String,
    /// When it was given.
    pub at: Millis,
    /// `whatsapp`, `email`, …
    pub channel: String,
    /// `marketing`, …, or `all`.
    pub purpose: String,
    /// `granted`, `denied`, `withdrawn`, `blocked`, `unblocked`.
    pub state: String,
    /// `keyword`, `user_preferences`, `error`, `crm`.
    pub method: String,
    /// System that told it.
    pub system: Option<String>,
    /// Keyword, or what else was said in one word.
    pub word: Option<String>,
    /// Languages of the keyword, or of the wording agreed to.
    pub language: Option<String>,
    /// Legal basis, as the source names it.
    pub legal_basis: Option<String>,
    /// Jurisdiction, as the source names it.
    pub jurisdiction: Option<String>,
    /// Version of the wording agreed to.
    pub text_version: Option<String>,
    /// Who wrote it down.
    pub actor: Option<String>,
    /// Message, or the source's own reference.
    pub reference: Option<String>,
    /// End of a grant.
    pub valid_to: Option<Millis>,
    /// Hash of the element that said it.
    pub evidence: String,
    /// Hashes of the identifiers under which it was given, sorted.
    pub subjects: Vec<String>,
    /// Receipt.
    pub received_at: Millis,
    /// Delivery and item.
    pub source: Source,
}

/// What travels to the consent ledger, keyed by person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ConsentRecord {
    /// A sign of this person.
    Sign(Box<Sign>),
    /// A sign that is not this person's, or none any more.
    Forget {
        /// Tenant.
        tenant: String,
        /// Id of the sign.
        id: String,
    },
}
