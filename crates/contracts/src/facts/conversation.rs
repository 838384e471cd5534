//! `hilo.conversation`: messages, sessions, and who wrote them.

use super::Source;
use crate::details::Details;
use hilo_domain::Millis;
use serde::{Deserialize, Serialize};

/// Author of a message.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename = "Author")]
pub struct AuthorRef {
    /// `agent`, `bot`, `automation`, `campaign`, `customer`, `unknown`.
    pub kind: String,
    /// The business's own id of the agent, bot or campaign.
    pub id: Option<String>,
}

/// Template of a message.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename = "Template")]
pub struct TemplateRef {
    /// Name.
    pub name: String,
    /// Language with an underscore.
    pub language: Option<String>,
    /// `marketing`, `utility`, `authentication`, …
    pub category: Option<String>,
}

/// One stopped or running clock of a session.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clock {
    /// Start.
    pub started_at: Millis,
    /// Null while it runs, and for ever when it is censored.
    pub stopped_at: Option<Millis>,
    /// The sender who stopped it.
    pub agent: Option<String>,
    /// Start for that agent's own row: the later of the start and their latest assignment.
    pub agent_started_at: Option<Millis>,
}

/// The state of a session, complete at each revision.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// First item.
    pub opened_at: Millis,
    /// `customer` or `business`.
    pub opened_by: String,
    /// End; `None` while it is open.
    pub closed_at: Option<Millis>,
    /// `resolved` or `inactivity`.
    pub close_reason: Option<String>,
    /// First customer message; null for a business-initiated session nobody answered.
    pub first_customer_at: Option<Millis>,
    /// First response by a person.
    pub frt_human: Option<Clock>,
    /// First response by a person or bot.
    pub frt_any: Option<Clock>,
    /// Outcome of a closed session with a bot.
    pub outcome: Option<String>,
    /// Last queue that an inbox event named.
    pub queue: Option<String>,
    /// Reason of its `resolved`, else of its last `tagged`.
    pub reason: Option<String>,
    /// Session that it reopens.
    pub reopens: Option<String>,
    /// First bot that wrote after a customer message; `unknown` where the send names none.
    pub bot: Option<String>,
    /// Last human sender, else last agent assigned.
    pub agent: Option<String>,
    /// Whether a person wrote in it.
    pub answered_by_human: bool,
    /// Distinct people who owned it, sorted; `unknown` only where nobody is named. Empty: bot only.
    pub owners: Vec<String>,
    /// Turns that a person answered or that still run, with the sender.
    pub turns: Vec<Clock>,
    /// Handling time by person, sorted by agent.
    pub work: Vec<Work>,
    /// The winning answers, one for each instrument at most.
    pub ratings: Vec<Rating>,
    /// First customer message of a repeat within 72 h of `resolved`.
    pub repeated_at: Option<Millis>,
    /// End of the latest free entry point window that it opened.
    pub entry_point_ends_at: Option<Millis>,
}

/// Time that one person gave to a session.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Work {
    /// The business's own id of the agent; `unknown` for the phone app.
    pub agent: String,
    /// Active time; `None` without a send of theirs.
    pub active_millis: Option<Millis>,
    /// Time open and assigned to them; `None` where never assigned.
    pub assigned_millis: Option<Millis>,
}

/// The winning answer to one survey.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rating {
    /// `csat` or `ces`.
    pub instrument: String,
    /// Score as a decimal text.
    pub score: String,
    /// Greatest score possible, as a decimal text.
    pub scale: String,
    /// Time of the answer.
    pub rated_at: Millis,
}

/// `hilo.conversation`: messages, sessions, and the work on them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conversation {
    /// Deterministic id of this fact.
    pub event_id: String,
    /// Whose business it is.
    pub tenant: String,
    /// When it happened, from the payload.
    pub event_time: Millis,
    /// Receipt of what caused it.
    pub ingest_time: Millis,
    /// Delivery and item that caused it.
    pub source: Source,
    /// What happened.
    pub kind: String,
    /// The highest one holds.
    pub revision: i64,
    /// Null where nobody is known.
    pub person_id: Option<String>,
    /// ISO 3166 country of the person.
    pub country: Option<String>,
    /// Thread: person and business number.
    pub conversation_id: Option<String>,
    /// Session that it belongs to.
    pub session_id: Option<String>,
    /// Business number at the platform.
    pub phone_number_id: Option<String>,
    /// Group in which it was written.
    pub group_id: Option<String>,
    /// Message (embeds the phone number).
    pub message_id: Option<String>,
    /// Type as received.
    pub message_type: Option<String>,
    /// `inbound` or `outbound`, for messages.
    pub direction: Option<String>,
    /// Message that it answers, edits, revokes or reacts to.
    pub reply_to: Option<String>,
    /// Who wrote the message.
    pub author: Option<AuthorRef>,
    /// Template of the send.
    pub template: Option<TemplateRef>,
    /// Campaign of the send.
    pub campaign: Option<String>,
    /// Segment of the send.
    pub segment: Option<String>,
    /// Click-to-WhatsApp referral as canonical JSON.
    pub referral: Option<String>,
    /// Whether it is an opt-out.
    pub opt_out: bool,
    /// End of the customer service window that the item opens.
    pub window_expires_at: Option<Millis>,
    /// Last instant at which a sender should start a free-form message.
    pub free_form_ends_at: Option<Millis>,
    /// Kind of `window_identifier`.
    pub window_identifier_kind: Option<String>,
    /// Identity for which the window is open.
    pub window_identifier: Option<String>,
    /// The element as canonical JSON; in the first revision only.
    pub content: Option<String>,
    /// What it says, field by field; where `content` is.
    pub details: Option<Box<Details>>,
    /// The session's whole state.
    pub session: Option<Session>,
    /// From the platform's test button: in no metric.
    pub test: bool,
}
