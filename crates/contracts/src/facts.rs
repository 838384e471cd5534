//! The facts on the topics that others read. Each struct mirrors a schema under `schemas/`; the documentation of the
//! fields is there, and a test keeps the two alike. Field order is the schema's.

use crate::{details::Details, item::Position};
use hilo_domain::Millis;
use serde::{Deserialize, Serialize};

/// Where a fact came from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// Delivery in `hilo.raw`; empty where no single item caused the fact.
    pub delivery_id: String,
    /// Index in `entry`; -1 for a line that is no webhook.
    pub entry: i32,
    /// Index in `changes`.
    pub change: i32,
    /// Index among the items of the change.
    pub item: i32,
}

impl Source {
    /// The source of an item.
    #[must_use]
    pub fn new(delivery_id: &str, position: Position) -> Self {
        let Position { entry, change, item } = position;
        Self {
            delivery_id: delivery_id.to_owned(),
            entry,
            change,
            item,
        }
    }
}

/// `hilo.raw`: one delivery or capture line, verbatim.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Raw {
    /// Hash of source, tenant, receipt and body.
    pub delivery_id: String,
    /// Whose business it is.
    pub tenant: String,
    /// `whatsapp`, `outbound`, `inbox`, `crm`, `clock`; `invalid` for a capture line that is none of them.
    pub source: String,
    /// Receipt by the gateway, or what the line says.
    pub received_at: Millis,
    /// Verbatim webhook body; for other sources the verbatim line.
    #[serde(with = "bytes")]
    pub body: Vec<u8>,
    /// Capture file, base name only, of a line that was ingested from one.
    pub file: Option<String>,
    /// Line in that file, from 1.
    pub line: Option<i64>,
}

/// One identifier of a person with the time for which it is theirs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdentifierSpan {
    /// `bsuid`, `phone`, `wa_id`, …
    pub kind: String,
    /// The identifier (personal data).
    pub value: String,
    /// First sighting with this person.
    pub valid_from: Option<Millis>,
    /// First instant at which it is no longer theirs; `None` while it is.
    pub valid_to: Option<Millis>,
}

/// One identifier that names a side of a suggestion or a decision.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename = "Named")]
pub struct NamedRef {
    /// `bsuid`, `phone`, `wa_id`, …
    pub kind: String,
    /// The identifier (personal data).
    pub value: String,
}

/// A suggestion that two people are one, which waits for a decision.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposal {
    /// The other person; `None` where the other side is only a record of a CRM.
    pub other_person_id: Option<String>,
    /// Rule that suggests it.
    pub rule: String,
    /// Version of the rules.
    pub rule_version: i32,
    /// Confidence of the rule in hundredths.
    pub confidence_percent: i32,
    /// What keeps it from being done automatically.
    pub blocker: Option<String>,
    /// Event time of what speaks for it.
    pub proposed_at: Millis,
    /// Identifiers that speak for it.
    pub evidence: Vec<NamedRef>,
}

/// A decision about who is who that holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename = "Decision")]
pub struct DecisionRef {
    /// `merge`, `split`, `reject`.
    pub ruling: String,
    /// When.
    pub decided_at: Millis,
    /// Who decided.
    pub actor: String,
    /// Why.
    pub reason: String,
    /// One side as the decision names it.
    pub user: Vec<NamedRef>,
    /// The other side.
    pub other: Vec<NamedRef>,
}

/// `hilo.identity`: who is who.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Identity {
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
    /// Person.
    pub person_id: String,
    /// The highest one holds.
    pub revision: i64,
    /// All that the person has or had.
    pub identifiers: Vec<IdentifierSpan>,
    /// ISO 3166 country of the person.
    pub country: Option<String>,
    /// Profile name (personal data).
    pub name: Option<String>,
    /// Rule that decided.
    pub rule: String,
    /// From 0 to 1.
    pub confidence: f64,
    /// Kinds of the identifiers that spoke for it.
    pub evidence: Option<String>,
    /// The other one of a merge.
    pub other_person_id: Option<String>,
    /// Version of the rules.
    pub rule_version: i32,
    /// Open suggestions about this person.
    pub proposals: Vec<Proposal>,
    /// Decisions about this person that hold.
    pub decisions: Vec<DecisionRef>,
}

/// `hilo.consent`: one entry of a person's consent ledger.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consent {
    /// Deterministic id of this fact.
    pub event_id: String,
    /// Whose business it is.
    pub tenant: String,
    /// When the person said it.
    pub event_time: Millis,
    /// Receipt of what said it.
    pub ingest_time: Millis,
    /// Delivery and item that said it.
    pub source: Source,
    /// `entry`, `retracted`.
    pub kind: String,
    /// Person.
    pub person_id: String,
    /// The highest one of a person and entry holds.
    pub revision: i64,
    /// The entry.
    pub entry_id: String,
    /// Place in the person's chain, from 1.
    pub sequence: i64,
    /// `whatsapp`, `email`, …
    pub channel: String,
    /// `marketing`, …, or `all`.
    pub purpose: String,
    /// What was said.
    pub state: String,
    /// What follows for channel and purpose at that time.
    pub effective: String,
    /// How it was said.
    pub method: String,
    /// System that told it.
    pub system: Option<String>,
    /// Keyword, or what else was said in one word.
    pub word: Option<String>,
    /// Languages of the keyword, or of the wording agreed to.
    pub language: Option<String>,
    /// Legal basis.
    pub legal_basis: Option<String>,
    /// Jurisdiction.
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
    /// Hashes of the identifiers under which it was said.
    pub subjects: Vec<String>,
    /// Hash of the entry before; empty for the first.
    pub previous_hash: String,
    /// Hash of this entry and the one before.
    pub hash: String,
}

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
    /// The element as canonical JSON; in the first revision only.
    pub content: Option<String>,
    /// What it says, field by field; where `content` is.
    pub details: Option<Box<Details>>,
    /// The session's whole state.
    pub session: Option<Session>,
    /// From the platform's test button: in no metric.
    pub test: bool,
}

/// One error of a send.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename = "Error")]
pub struct ErrorRef {
    /// Platform code.
    pub code: Option<i64>,
    /// Title as received.
    pub title: Option<String>,
    /// Details as received.
    pub details: Option<String>,
}

/// Pricing as the platform reported it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename = "Pricing")]
pub struct PricingRef {
    /// `PMP`, `CBP`.
    pub model: Option<String>,
    /// `regular`, `free_customer_service`, …
    pub kind: Option<String>,
    /// `marketing`, `service`, …
    pub category: Option<String>,
    /// To be dropped by the platform.
    pub billable: Option<bool>,
}

/// The conversation that the platform charges or waives, as a status names it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename = "ChargedConversation")]
pub struct ChargedRef {
    /// Its id: one a message since July 2025, one in 24 h before.
    pub id: Option<String>,
    /// What opened it: `marketing`, `utility`, `service`, `referral_conversion`, …
    pub origin: Option<String>,
    /// When it ends; on `sent` only.
    pub expires_at: Option<Millis>,
}

/// `hilo.status`: what became of a message, complete at each revision.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
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
    /// `accepted` (the send became known), `status`, `person_changed`.
    pub kind: String,
    /// The highest one holds.
    pub revision: i64,
    /// Message (embeds the phone number).
    pub message_id: String,
    /// Group participant that the status is about.
    pub participant: Option<String>,
    /// Status as received; null for `accepted`.
    pub status: Option<String>,
    /// The platform's conversation that this status names.
    pub charged_conversation: Option<ChargedRef>,
    /// `recipient_identity_key_hash` of this status.
    pub recipient_identity_hash: Option<String>,
    /// Status after the fold.
    pub effective_status: Option<String>,
    /// Time of the outbound line or echo.
    pub accepted_at: Option<Millis>,
    /// Earliest `sent`.
    pub sent_at: Option<Millis>,
    /// Earliest of delivered, read, played.
    pub delivered_at: Option<Millis>,
    /// Earliest of read, played.
    pub read_at: Option<Millis>,
    /// Earliest `played`.
    pub played_at: Option<Millis>,
    /// Earliest `failed`, kept when cleared.
    pub failed_at: Option<Millis>,
    /// Earliest status of any name: the anchor of an orphan.
    pub first_status_at: Option<Millis>,
    /// Errors of the earliest `failed`.
    pub errors: Vec<ErrorRef>,
    /// All codes ever seen, sorted, distinct.
    pub error_codes: Vec<i64>,
    /// Class of a failure that stands.
    pub error_class: Option<String>,
    /// What a sender should do about a failure that stands.
    pub error_actions: Vec<String>,
    /// Least delay before the next attempt.
    pub retry_after_seconds: Option<i64>,
    /// The sender's own key, as the statuses echo it.
    pub callback_data: Option<String>,
    /// Latest pricing that a status carried.
    pub pricing: Option<PricingRef>,
    /// Type as sent; `unknown` where only statuses are known.
    pub message_type: String,
    /// Who wrote the message.
    pub author: Option<AuthorRef>,
    /// Template of the send.
    pub template: Option<TemplateRef>,
    /// Campaign of the send.
    pub campaign: Option<String>,
    /// Segment of the send.
    pub segment: Option<String>,
    /// Recipient.
    pub person_id: Option<String>,
    /// ISO 3166 country of the person.
    pub country: Option<String>,
    /// Business number at the platform.
    pub phone_number_id: Option<String>,
    /// No send, echo, received or history message is known by this id.
    pub orphan: bool,
    /// An outbound line told of it: a member of the cohorts of the message outcomes.
    pub accepted: bool,
    /// From the platform's test button: in no metric.
    pub test: bool,
}

/// What an account fact is about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// `phone_number`, `template`, `waba`, `portfolio`.
    pub kind: String,
    /// Id at the platform.
    pub id: String,
}

/// `hilo.account`: numbers, templates, WABAs, portfolios.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
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
    /// Number, template, account or portfolio.
    pub subject: Subject,
    /// WhatsApp Business Account.
    pub waba_id: Option<String>,
    /// Event as received.
    pub event: Option<String>,
    /// GREEN, YELLOW, RED, UNKNOWN.
    pub quality: Option<String>,
    /// Unique users per rolling 24 h; -1 unlimited.
    pub limit: Option<i64>,
    /// Template concerned.
    pub template: Option<TemplateRef>,
    /// Reason as received.
    pub reason: Option<String>,
    /// What held before.
    pub previous: Option<String>,
    /// What will hold from `effective_at` on.
    pub announced: Option<String>,
    /// When it takes effect, where that is another time.
    pub effective_at: Option<Millis>,
    /// Restrictions that it tells of.
    pub restrictions: Vec<Restriction>,
    /// The other documented parts of the value.
    pub attributes: Vec<Attribute>,
    /// The value as canonical JSON.
    pub content: Option<String>,
    /// From the platform's test button: in no metric.
    pub test: bool,
}

/// What the platform forbids.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restriction {
    /// `restriction_type` as received.
    pub kind: String,
    /// End of it.
    pub expires_at: Option<Millis>,
    /// `expiration` as received, where it is no number.
    pub expiration: Option<String>,
    /// What the platform asks for.
    pub remediation: Option<String>,
}

/// One more thing that an account fact says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attribute {
    /// Path of the platform's own names.
    pub name: String,
    /// A text as it is, anything else as canonical JSON.
    pub value: String,
}

/// One dimension of a metric row. A list keeps the order of the definition.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Dimension {
    /// Name.
    pub name: String,
    /// Value; `unknown` where it is not known.
    pub value: String,
}

/// Window of a metric row, `[start, end)`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Window {
    /// First instant in it.
    pub start: Millis,
    /// First instant after it.
    pub end: Millis,
}

/// `hilo.metric`: one row of the numbers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Metric {
    /// Whose numbers.
    pub tenant: String,
    /// Name.
    pub metric: String,
    /// Name and version of the definition.
    pub definition: String,
    /// Null: all input.
    pub window: Option<Window>,
    /// Grouping; empty for the total.
    pub dimensions: Vec<Dimension>,
    /// Members that fulfil it; for durations the sum of seconds.
    pub numerator: Option<f64>,
    /// Members of the cohort.
    pub denominator: Option<f64>,
    /// The number.
    pub value: Option<f64>,
    /// Members that the row rests on.
    pub count: i64,
    /// Median, nearest rank.
    pub p50: Option<f64>,
    /// 90th percentile, nearest rank.
    pub p90: Option<f64>,
    /// Whether the horizon has passed and nothing is open.
    pub is_final: bool,
    /// The highest one holds.
    pub revision: i64,
}

/// `hilo.dead_letter`: what could not be read, whole, with its reason.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// Deterministic id of this fact.
    pub event_id: String,
    /// Whose business it is.
    pub tenant: String,
    /// The element's time where it could be read, else the receipt.
    pub event_time: Millis,
    /// Receipt of what caused it.
    pub ingest_time: Millis,
    /// `dead_letter`.
    pub kind: String,
    /// Fixed word that can be counted.
    pub reason: String,
    /// What was wrong, without personal data.
    pub detail: String,
    /// Delivery in `hilo.raw`.
    pub delivery_id: String,
    /// Index in `entry`; `None` where the body as a whole is it.
    pub entry: Option<i32>,
    /// Index in `changes`.
    pub change: Option<i32>,
    /// Index among the items of the change.
    pub item: Option<i32>,
    /// Capture file, base name only.
    pub file: Option<String>,
    /// Line in that file, from 1.
    pub line: Option<i64>,
    /// The bytes as they came.
    #[serde(with = "bytes")]
    pub original: Vec<u8>,
}

/// `hilo.unclassified`: what nobody knows yet, whole.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unclassified {
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
    /// `unclassified`.
    pub kind: String,
    /// `unknown_field`, `no_field`, `no_value`, `no_content`.
    pub reason: String,
    /// Webhook field as received.
    pub field: Option<String>,
    /// The change as canonical JSON.
    pub original: String,
}

/// Avro `bytes`: serde writes a `Vec<u8>` as an array otherwise.
mod bytes {
    use serde::{Deserializer, Serializer, de};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(bytes)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        struct Bytes;
        impl<'de> de::Visitor<'de> for Bytes {
            type Value = Vec<u8>;
            fn expecting(&self, formatter: &mut std::fmt::Formatter) -> std::fmt::Result {
                formatter.write_str("bytes")
            }
            fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
                Ok(bytes.to_vec())
            }
            fn visit_byte_buf<E: de::Error>(self, bytes: Vec<u8>) -> Result<Vec<u8>, E> {
                Ok(bytes)
            }
            fn visit_seq<A: de::SeqAccess<'de>>(self, mut sequence: A) -> Result<Vec<u8>, A::Error> {
                let mut out = Vec::new();
                while let Some(byte) = sequence.next_element()? {
                    out.push(byte);
                }
                Ok(out)
            }
        }
        deserializer.deserialize_byte_buf(Bytes)
    }
}
