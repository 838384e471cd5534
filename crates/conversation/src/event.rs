//! What a thread keeps of an item: enough to fold sessions, and the fact it became, to be told again when the session
//! or the person of it changes.

use crate::{consent, described::Described, details};
use hilo_contracts::{
    facts::Conversation,
    item::{Became, Body, Fate, Inbox, Item, Origin, Sign, Trace},
};
use hilo_domain::{Millis, OptOut, hash};
use hilo_stream::wire::{Encoded, WireError};
use serde::{Deserialize, Serialize};

/// What an event means for sessions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Role {
    /// A customer message.
    Customer {
        /// It only closes politely.
        courtesy: bool,
        /// It came by an ad or post.
        by_ad: bool,
    },
    /// An outbound message of a person; `None`: from the phone app, nobody says who.
    Human { agent: Option<String> },
    /// An outbound message of a bot.
    Bot { bot: Option<String>, question: bool },
    /// An outbound message of a campaign or automation, or of an unknown author: listed where a session is open.
    Listed,
    /// An event of the inbox.
    Inbox(Box<Inbox>),
    /// In no session: reactions, edits, system messages, calls, preferences, history, groups.
    Silent,
    /// A send without an item: in no session, never published.
    Trace,
}

/// Outcome of a send, with the revision of its message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Told {
    pub revision: i64,
    pub became: Became,
}

/// A word that opts out only as an answer to marketing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Answer {
    /// The message that it names.
    pub reply_to: Option<Box<str>>,
    /// Whether it answers marketing, as far as the thread is known.
    pub to_marketing: bool,
}

/// One event of a thread.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Event {
    pub at: Millis,
    /// Order within one instant: inbound 0, inbox 1, outbound 2, `resolved` 3.
    pub class: u8,
    /// Message id, else the item's key: last part of the order.
    pub id: Box<str>,
    /// The item's key: one event per key.
    pub key: Box<str>,
    pub role: Role,
    /// How many of its key held before it.
    pub generation: u32,
    /// The item's fingerprint: an occurrence that no longer holds is forgotten by it.
    pub fingerprint: u64,
    /// Part of the identity graph that it belongs to, and the version that decided.
    pub atom: u64,
    pub version: u64,
    pub test: bool,
    /// Session that was told last.
    pub session: Option<Box<str>>,
    /// Revision that was told last.
    pub revision: i64,
    /// Whether readers know it as it is: not when it is new, came from another person or took a duplicate's place.
    pub told: bool,
    /// Its sign about being written to; rare. The sign of an `answer` counts only if that answers marketing.
    pub sign: Option<Box<Sign>>,
    /// Set where the thread decides whether the event opts out.
    pub answer: Option<Box<Answer>>,
    /// Whether the ledger of its person has the sign.
    pub signed: bool,
    /// Outcome of a send. `None` stands for revision 0 and [`Became::default`].
    pub became: Option<Box<Told>>,
    /// What its fact says: needed again only when its session or person changes.
    pub described: Encoded<Described>,
}

impl Event {
    /// The order in which events are folded. One id may be sent and echoed at one time: the last part tells them apart.
    pub(crate) fn order(&self) -> (Millis, u8, &str, &str) {
        (self.at, self.class, &self.id, &self.key)
    }

    /// Takes the place of an occurrence that no longer holds.
    pub(crate) fn follows(&mut self, gone: Self) {
        self.revision = self.revision.max(gone.revision);
        self.session = gone.session;
        self.signed |= gone.signed;
        if let Some(told) = gone
            .became
            .filter(|_| (gone.at, gone.fingerprint) == (self.at, self.fingerprint))
        {
            self.take(told.revision, told.became);
        }
    }

    /// Stores the outcome of the send, unless a later one is stored. `true` if the outcome changed.
    pub(crate) fn take(&mut self, revision: i64, became: Became) -> bool {
        if self.became.as_ref().is_some_and(|had| had.revision > revision) {
            return false;
        }
        let before = self.became();
        self.became = Some(Box::new(Told { revision, became }));
        before != became
    }

    /// Outcome of the send; the default for anything else.
    pub(crate) fn became(&self) -> Became {
        self.became.as_ref().map(|told| told.became).unwrap_or_default()
    }

    /// Whether the fold of sessions skips it. A failed send counts as never sent.
    pub(crate) fn is_silent(&self) -> bool {
        matches!(self.role, Role::Silent | Role::Trace) || self.became.as_ref().is_some_and(|told| told.became.failed)
    }

    /// Whether it is an outbound message, or the trace of one. Deliveries of the platform's test button do not count.
    pub(crate) fn is_send(&self) -> bool {
        let is_written = matches!(
            self.role,
            Role::Human { .. } | Role::Bot { .. } | Role::Listed | Role::Trace
        );
        is_written && self.class == OUTBOUND && !self.test
    }

    /// Its sign, unless it is an answer to something else than marketing.
    pub(crate) fn said(&self) -> Option<&Sign> {
        let holds = self.answer.as_ref().is_none_or(|answer| answer.to_marketing);
        self.sign.as_deref().filter(|_| holds)
    }

    /// The trace of a send.
    pub(crate) fn of_trace(fate: &Fate, trace: &Trace) -> Result<Self, WireError> {
        Ok(Self {
            at: fate.at,
            class: OUTBOUND,
            id: trace.message_id.as_str().into(),
            key: Trace::key(&trace.message_id).into(),
            role: Role::Trace,
            generation: 0,
            fingerprint: fate.fingerprint,
            atom: fate.atom,
            version: fate.version,
            test: false,
            session: None,
            revision: 0,
            told: true,
            sign: None,
            answer: None,
            signed: false,
            became: Some(Box::new(Told {
                revision: fate.revision,
                became: fate.became,
            })),
            described: Encoded::of(&Described::of_trace(trace))?,
        })
    }

    /// What its item said, without content.
    pub(crate) fn described(&self) -> Result<Described, WireError> {
        self.described.open()
    }

    /// The fact as it was told, without content.
    pub(crate) fn fact(&self) -> Result<Conversation, WireError> {
        Ok(self.described()?.into_fact(self.at, self.test))
    }

    /// Makes the event and the fact of an item, which keeps its content once.
    pub(crate) fn of(item: &Item, atom: u64, version: u64) -> Result<(Self, Conversation), WireError> {
        let event_id = hash::id("conversation", &[item.tenant.as_bytes(), item.key.as_bytes()]);
        let said = Described::of(item, event_id);
        let role = role_of(item);
        let encoded = Encoded::of(&said)?;
        let mut fact = said.into_fact(item.event_time, item.test);
        fact.content = Some(item.content.clone());
        fact.details = details::details(item);
        let class = match (&item.body, &role) {
            (Body::Message(message), _) if !message.inbound => OUTBOUND,
            (_, Role::Inbox(inbox)) if inbox.event == "resolved" => 3,
            (_, Role::Inbox(_)) => 1,
            _ => 0,
        };
        let event = Self {
            at: item.event_time,
            class,
            id: fact.message_id.as_deref().unwrap_or(&item.key).into(),
            key: item.key.as_str().into(),
            role,
            generation: item.generation,
            fingerprint: item.fingerprint(),
            atom,
            version,
            test: item.test,
            session: None,
            revision: first_revision(item),
            told: false,
            sign: consent::sign(item),
            answer: answer(item),
            signed: false,
            became: described(item),
            described: encoded,
        };
        Ok((event, fact))
    }
}

/// A word that opts out only as an answer.
fn answer(item: &Item) -> Option<Box<Answer>> {
    let Body::Message(message) = &item.body else {
        return None;
    };
    if !matches!(message.opt_out, Some(OptOut::AnswerToMarketing(_))) {
        return None;
    }
    Some(Box::new(Answer {
        reply_to: message.reply_to.as_deref().map(Box::from),
        to_marketing: false,
    }))
}

/// Place of what the business wrote among what happened in one instant.
const OUTBOUND: u8 = 2;

/// The outcome that a send's description implies by itself.
fn described(item: &Item) -> Option<Box<Told>> {
    let Body::Message(message) = &item.body else {
        return None;
    };
    if !message.is_outbound_message() || message.group_id.is_some() {
        return None;
    }
    let template = message.template.as_ref();
    let template = template.map(|template| template.category.as_deref());
    let became = Became::described(message.origin, item.event_time, &message.kind, template);
    let is_something = became != Became::default();
    is_something.then(|| Box::new(Told { revision: 0, became }))
}

/// Revisions between the first fact of an item and that of the duplicate that takes its place.
const PER_DUPLICATE: i64 = 1 << 24;

/// Facts about an item that took another's place come after all that was published of that one, also where another person
/// had it, in another partition, whose count nobody here knows: readers keep the highest revision. A move has no such
/// jump: the item brings its revision along.
pub(crate) fn first_revision(item: &Item) -> i64 {
    i64::from(item.generation) * PER_DUPLICATE
}

fn role_of(item: &Item) -> Role {
    match &item.body {
        Body::Message(message) if message.group_id.is_some() || message.origin == Origin::History => Role::Silent,
        Body::Message(message) if message.is_customer_message() => Role::Customer {
            courtesy: message.courtesy,
            by_ad: message.referral.is_some(),
        },
        Body::Message(message) if message.is_outbound_message() => match message.author.kind.as_str() {
            "agent" => Role::Human {
                agent: message.author.id.clone(),
            },
            "bot" => Role::Bot {
                bot: message.author.id.clone(),
                question: message.question,
            },
            _ => Role::Listed,
        },
        Body::Inbox(inbox) => Role::Inbox(Box::new(inbox.clone())),
        _ => Role::Silent,
    }
}
