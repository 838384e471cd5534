//! The item: the unit of fan-out, and what travels on internal topics.
//!
//! Internal topics belong to one release of Hilo: they are encoded as `hilo_stream::wire` does, carry no Avro contract, and are
//! rebuilt from `hilo.raw`. What others may read is in [`crate::facts`].

mod records;

pub use records::{
    Became, ConsentRecord, Fate, Follow, Forget, MessageRecord, Move, PersonRecord, Resolved, Sign, TemplateNamed,
    Trace,
};

use crate::{
    details::History,
    stored::{ChargedRef, ErrorRef, PaymentRef, PricingRef},
};
use hilo_domain::{Identifier, Millis, OptOut};
use rustc_hash::FxHasher;
use serde::{Deserialize, Serialize};
use std::hash::Hasher as _;

/// Where an item stood in its delivery; -1 where a level does not exist.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Position {
    /// Index in `entry`.
    pub entry: i32,
    /// Index in `changes`.
    pub change: i32,
    /// Index among the items of the change.
    pub item: i32,
}

/// Identifiers seen together: one person, at the item's event time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sighting {
    /// What was seen. A numeric `wa_id` stands here as `wa_id` and as `phone`; usernames too (never matched on).
    pub identifiers: Vec<Identifier>,
    /// E-mails and documents that the person stated: others may state them too, so they suggest and are never matched on.
    pub stated: Vec<Identifier>,
    /// Profile name as the person chose it; shown, never matched on.
    pub name: Option<String>,
    /// Whether the sighting makes a person exist; a CRM event only refers to one.
    pub creates: bool,
    /// `identity_key_hash` of a contact entry.
    pub identity_hash: Option<String>,
    /// Of whom statuses tell, the time of the send: they are evidence since then, also when the number has gone to somebody
    /// else since. `deduplicate` sets it.
    pub since: Option<Millis>,
    /// Times of statuses that were told before their send was: they are evidence since then and no longer at their own
    /// times. One for each status.
    pub instead_of: Vec<Millis>,
}

impl Sighting {
    /// Whether only numbers were seen: those can change hands, so it matters when.
    #[must_use]
    pub fn is_weak(&self) -> bool {
        !self.identifiers.iter().any(|identifier| identifier.kind.is_user_id())
    }
}

/// A number or user-id change: who had `old` has `new` from the item's event time on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdentityChange {
    /// Identifiers before.
    pub old: Vec<Identifier>,
    /// Identifiers from then on; they replace, per kind, what the person had.
    pub new: Vec<Identifier>,
    /// `number_changed` or `user_id_changed`.
    pub kind: String,
}

/// One item with all that later stages need of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// Whose it is; no key is shared between tenants.
    pub tenant: String,
    /// The delivery it came in.
    pub delivery_id: String,
    /// Where in the delivery.
    pub position: Position,
    /// Receipt by the gateway.
    pub received_at: Millis,
    /// Event time by the rules of inheritance: the element's, else `entry.time`, else the smallest time in the
    /// same value, else the receipt.
    pub event_time: Millis,
    /// Identity of the item within its tenant: two items with one key are duplicates of each other.
    pub key: String,
    /// Canonical JSON of the element (personal data).
    pub content: String,
    /// `entry.id`: the WABA, mostly. Empty for lines that are no webhook.
    pub entry_id: String,
    /// Business number, where the item names one.
    pub phone_number_id: Option<String>,
    /// Delivery of the platform's test button (`entry.id` = `"0"`): facts, but in no metric.
    pub test: bool,
    /// People seen on the item. The first is the one it belongs to when `has_person`; the others were described
    /// beside it (contact entries, participants).
    pub sightings: Vec<Sighting>,
    /// Whether the item belongs to `sightings[0]`.
    pub has_person: bool,
    /// A duplicate that lost against what is known under its key: its sightings still are evidence of identity, its
    /// body says nothing any more. `deduplicate` sets it; the identity processor does not forward such an item.
    pub evidence_only: bool,
    /// How many others of its key held before it, each until a better one came. `deduplicate` sets it.
    pub generation: u32,
    /// A number or user-id change that the item reports.
    pub change: Option<IdentityChange>,
    /// What it says.
    pub body: Body,
}

impl Item {
    /// Tells occurrences of one key apart that have one event time but not one content, or show other people. Fast and no
    /// more: it is compared with that of another occurrence of the same key, and never the name of anything. It rests in
    /// state and travels on topics, so it must not change: bytes are written, for what `Hash` writes is not promised.
    #[must_use]
    pub fn fingerprint(&self) -> u64 {
        let mut hasher = FxHasher::default();
        hasher.write(self.content.as_bytes());
        let shown = self.sightings.first().filter(|_| self.has_person);
        for id in shown.iter().flat_map(|sighting| &sighting.identifiers) {
            hasher.write_u8(id.kind as u8);
            hasher.write(id.value.as_bytes());
        }
        hasher.finish()
    }
}

/// What an item says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Body {
    /// A message, in or out.
    Message(Message),
    /// A delivery status of a message.
    Status(Status),
    /// An event of the agents' inbox.
    Inbox(Inbox),
    /// A call or a call's status.
    Call(Call),
    /// A marketing preference.
    Preference(Preference),
    /// An event of the CRM.
    Crm(Crm),
    /// A fact about a number, template, account or portfolio.
    Account(Account),
    /// What somebody decided about who is who.
    Decision(Decision),
    /// A classified item that no fold reads yet (group events, link clicks, address book, automatic events, errors):
    /// a fact of its own, by kind.
    Event {
        /// The fact's kind, for example `group_event` or `link_click`.
        kind: String,
    },
    /// Time has reached the item's event time.
    Clock,
    /// A send of which nobody knows whether the platform took it: an `outbound` line without `message_id`, known by the callback
    /// data that was stamped on it.
    Request(Request),
    /// A status echoed callback data. Travels from the message to where its request may wait, and is counted nowhere.
    Echoed {
        /// The data.
        callback: String,
        /// The message that has it.
        message_id: String,
    },
}

/// A send whose message id is not known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// `biz_opaque_callback_data` of the send, else its `command_id`.
    pub callback: String,
    /// What was sent; its id is empty.
    pub message: Message,
}

/// Which array or line told of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Origin {
    /// A send that the API accepted: an `outbound` line.
    Outbound,
    /// `messages`.
    Received,
    /// `message_echoes`: typed on the phone app.
    Echo,
    /// `history`.
    History,
    /// A [`Request`] whose message a status named.
    Requested,
}

/// [`Author::kind`] of what a customer wrote.
pub const CUSTOMER: &str = "customer";

/// Types of a message that only say that something came. `unknown` is also the type of a message that names none.
const STAND_INS: [&str; 3] = ["unsupported", "media_placeholder", "unknown"];

/// Who wrote a message.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Author {
    /// `agent`, `bot`, `automation`, `campaign`; [`CUSTOMER`] for inbound, `automation` where the platform wrote that;
    /// `unknown` where nobody says.
    pub kind: String,
    /// Agent's, bot's or campaign's id.
    pub id: Option<String>,
}

/// Template of a send.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Template {
    /// Name.
    pub name: String,
    /// Language with an underscore (`es_MX`).
    pub language: Option<String>,
    /// `marketing`, `utility`, `authentication`, …
    pub category: Option<String>,
}

/// A message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// `wamid`, or the id of the line.
    pub id: String,
    /// Where it was told.
    pub origin: Origin,
    /// Type as received; `unknown` when missing.
    pub kind: String,
    /// From the customer to the business.
    pub inbound: bool,
    /// Author.
    pub author: Author,
    /// Message that it answers, edits, revokes or reacts to.
    pub reply_to: Option<String>,
    /// Group in which it was written; such messages are in no session.
    pub group_id: Option<String>,
    /// A text that only closes politely (`text` with a courtesy).
    pub courtesy: bool,
    /// A text, button or list row that is a word of opt-out.
    pub opt_out: Option<OptOut>,
    /// `expects_reply` of the send, or a bot's `interactive`: a question.
    pub question: bool,
    /// Click-to-WhatsApp referral as canonical JSON.
    pub referral: Option<String>,
    /// Template of the send.
    pub template: Option<Template>,
    /// Campaign of the send.
    pub campaign: Option<String>,
    /// Segment of the send.
    pub segment: Option<String>,
    /// The chunk of a history that it came with; the status in it stays in the content.
    pub chunk: Option<History>,
}

impl Message {
    /// A message of nobody known that says nothing but its type.
    #[must_use]
    pub fn new(id: String, origin: Origin, kind: &str) -> Self {
        Self {
            id,
            origin,
            kind: kind.to_owned(),
            inbound: false,
            author: Author::default(),
            reply_to: None,
            group_id: None,
            courtesy: false,
            opt_out: None,
            question: false,
            referral: None,
            template: None,
            campaign: None,
            segment: None,
            chunk: None,
        }
    }

    /// Whether it is a customer message: inbound in `messages`, by the customer and not by the platform, and not system,
    /// reaction, edit, revoke or request_welcome (metric definitions, chapter 2).
    #[must_use]
    pub fn is_customer_message(&self) -> bool {
        self.origin == Origin::Received
            && self.author.kind == CUSTOMER
            && !matches!(
                self.kind.as_str(),
                "system" | "reaction" | "edit" | "revoke" | "request_welcome"
            )
    }

    /// Whether it is an element that only says that something came: any content under its id holds over it. A line of the
    /// send log is no element: it says what it says.
    #[must_use]
    pub fn is_stand_in(&self) -> bool {
        matches!(self.origin, Origin::Received | Origin::Echo | Origin::History)
            && STAND_INS.contains(&self.kind.as_str())
    }

    /// Whether it counts as a message sent: an outbound line or echo, or a request that a status confirmed, and not of type
    /// edit or revoke.
    #[must_use]
    pub fn is_sent_message(&self) -> bool {
        matches!(self.origin, Origin::Outbound | Origin::Echo | Origin::Requested)
            && !matches!(self.kind.as_str(), "edit" | "revoke")
    }

    /// Whether it is an outbound message (metric definitions, chapter 2): a message sent that is no reaction. A thumb of the
    /// business answers nobody: it is in no session and in no cohort.
    #[must_use]
    pub fn is_outbound_message(&self) -> bool {
        self.is_sent_message() && self.kind != "reaction"
    }
}

/// A status of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Message that it is about.
    pub message_id: String,
    /// Name as received.
    pub status: String,
    /// Participant of a group.
    pub participant: Option<String>,
    /// Errors of a failure.
    pub errors: Vec<ErrorRef>,
    /// Pricing, on some statuses.
    pub pricing: Option<PricingRef>,
    /// `biz_opaque_callback_data`: our own key, stamped on the send.
    pub callback_data: Option<String>,
    /// The platform's conversation, on some statuses.
    pub charged: Option<ChargedRef>,
    /// `recipient_identity_key_hash`.
    pub identity_hash: Option<String>,
    /// A payment that was asked for in the message: its status says nothing of the message's way.
    pub payment: Option<PaymentRef>,
}

/// An event of the inbox.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inbox {
    /// `assigned`, `unassigned`, `handed_off`, `resolved`, `reopened`, `snoozed`, `tagged`, `rated`, or another.
    pub event: String,
    /// Agent.
    pub agent: Option<String>,
    /// Queue.
    pub queue: Option<String>,
    /// Reason.
    pub reason: Option<String>,
    /// Outcome.
    pub outcome: Option<String>,
    /// Score of a rating, as a decimal text.
    pub score: Option<String>,
    /// Scale of a rating, as a decimal text.
    pub scale: Option<String>,
    /// `context.instrument`: `ces` or `csat`.
    pub instrument: Option<String>,
    /// `context.wrap_up_seconds`, in milliseconds.
    pub wrap_up: Option<Millis>,
}

/// A call.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// Call id.
    pub id: String,
    /// Event or status, lower case (`connect`, `terminate`, `ringing`).
    pub event: String,
    /// Whether the person called: that opens the window like a message.
    pub inbound: bool,
}

/// A preference.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preference {
    /// `marketing_messages`.
    pub category: String,
    /// `stop`, `resume`, `signup`.
    pub value: String,
}

/// An event of the CRM.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Crm {
    /// `hubspot`, `salesforce`, …
    pub system: String,
    /// `deal_won`, …
    pub event: String,
    /// Deal.
    pub deal_id: Option<String>,
    /// Stage.
    pub stage: Option<String>,
    /// Opening of the deal.
    pub opened_at: Option<Millis>,
    /// Amount as a decimal text.
    pub amount: Option<String>,
    /// ISO 4217.
    pub currency: Option<String>,
    /// The CRM's record of the person.
    pub record: Option<Identifier>,
    /// E-mail and document of that record.
    pub stated: Vec<Identifier>,
    /// Whom somebody merged into this person in the CRM: `other` of a `contact_merged`.
    pub merged: Vec<Identifier>,
}

/// What a decision about two people says. Of decisions of one instant the later of these holds: the more restrictive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ruling {
    /// They are one person.
    Merge,
    /// Whatever was decided about them is taken back.
    Unmerge,
    /// The suggestion to merge them is refused.
    Reject,
    /// They are two people, whatever speaks for one.
    Split,
}

impl Ruling {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Merge, Self::Unmerge, Self::Reject, Self::Split];

    /// The `event` of an identity line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Merge => "merge",
            Self::Unmerge => "unmerge",
            Self::Reject => "reject",
            Self::Split => "split",
        }
    }
}

/// A decision about who is who, by a person or a system. It names people by what they are known by, never by the ids
/// that Hilo gave them: those depend on what arrived first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// What was decided.
    pub ruling: Ruling,
    /// One side: any identifier that the one person has at that time.
    pub user: Vec<Identifier>,
    /// The other side.
    pub other: Vec<Identifier>,
    /// Who decided.
    pub actor: String,
    /// Why.
    pub reason: String,
}

/// A fact about the business side.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// `phone_number`, `template`, `waba` or `portfolio`.
    pub subject_kind: String,
    /// Id of the subject: phone number id or display number, template id, WABA, portfolio.
    pub subject_id: String,
    /// Kind of the fact: `number_snapshot`, `limit`, `template_status`, `account_update`, … (snake case).
    pub kind: String,
    /// Event as received (`PAUSED`, `ACCOUNT_RESTRICTION`).
    pub event: Option<String>,
    /// GREEN, YELLOW, RED, UNKNOWN, NA.
    pub quality: Option<String>,
    /// Unique users per rolling 24 h; -1 unlimited.
    pub limit: Option<i64>,
    /// Whether the item says what the limit is; with `limit` null, that none is set.
    pub limit_told: bool,
    /// Template concerned.
    pub template: Option<Template>,
    /// Reason as received.
    pub reason: Option<String>,
    /// Portfolio that owns the subject's account, where the item names it.
    pub portfolio_id: Option<String>,
}

impl Account {
    /// The account that it is about, or whose number or template it is about. In events about partners `entry.id` is a
    /// portfolio, and the value names the account, which is the subject. A subject that is a portfolio is of no account.
    #[must_use]
    pub fn account<'a>(&'a self, entry_id: &'a str) -> Option<&'a str> {
        let account = match self.subject_kind.as_str() {
            "portfolio" => None,
            "waba" => Some(self.subject_id.as_str()),
            _ => Some(entry_id),
        };
        account.filter(|id| !id.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hilo_domain::IdentifierKind;

    /// The values come from the algorithm of rustc-hash 2 written anew in another language.
    #[test]
    fn fingerprints_stay_what_they_are() {
        let mut item = Item {
            tenant: "acme".to_owned(),
            delivery_id: "d".to_owned(),
            position: Position::default(),
            received_at: 2,
            event_time: 1,
            key: "k".to_owned(),
            content: r#"{"from":"56961234567","id":"wamid.1"}"#.to_owned(),
            entry_id: String::new(),
            phone_number_id: None,
            test: false,
            sightings: vec![Sighting {
                identifiers: vec![Identifier {
                    kind: IdentifierKind::Phone,
                    value: "+56961234567".to_owned(),
                }],
                ..Sighting::default()
            }],
            has_person: false,
            evidence_only: false,
            generation: 0,
            change: None,
            body: Body::Clock,
        };
        assert_eq!(item.fingerprint(), 0xf330_4404_f874_cde2);
        item.has_person = true;
        assert_eq!(item.fingerprint(), 0x7426_0d41_9e94_9145);
    }
}
