//! The closed list of what a mapping can name, and the values behind the names.

use hilo_domain::Millis;
use std::collections::BTreeMap;

/// An object of a CRM.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Object {
    /// A person.
    Contact,
    /// A session.
    Ticket,
    /// A sale that may come of it.
    Deal,
    /// An entry of the timeline: a message, or a digest of a session.
    Communication,
    /// Something that a person has to do.
    Task,
}

impl Object {
    /// All of them, those that others belong to first.
    pub const ALL: [Self; 5] = [Self::Contact, Self::Ticket, Self::Deal, Self::Communication, Self::Task];

    /// Its name in mappings and on topics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Contact => "contact",
            Self::Ticket => "ticket",
            Self::Deal => "deal",
            Self::Communication => "communication",
            Self::Task => "task",
        }
    }
}

/// What a source gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A text.
    Text,
    /// A word of a closed or open vocabulary, for a catalogue.
    Word,
    /// A decimal number.
    Number,
    /// Yes or no.
    Flag,
    /// An instant.
    Time,
    /// Several texts.
    List,
    /// An amount with its currency.
    Money,
}

/// A value of a source. What is not known has no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A text or a word.
    Text(String),
    /// A decimal text: digits, one `.` at most, a leading `-`.
    Number(String),
    /// Yes or no.
    Flag(bool),
    /// An instant.
    Time(Millis),
    /// Several texts, in their order.
    List(Vec<String>),
    /// A decimal text, and an ISO 4217 code where it is known.
    Money(String, Option<String>),
}

/// Known values of one object, by source.
pub type Values = BTreeMap<&'static str, Value>;

/// One name of the closed list.
#[derive(Clone, Copy, Debug)]
pub struct Source {
    /// `contact.phone`.
    pub name: &'static str,
    /// What it gives.
    pub kind: Kind,
    /// What it means, one sentence.
    pub doc: &'static str,
}

impl Source {
    /// The object whose values have it: the part before the point.
    #[must_use]
    pub fn object(&self) -> &'static str {
        self.name.split('.').next().unwrap_or_default()
    }
}

/// The source of a name.
#[must_use]
pub fn source(name: &str) -> Option<&'static Source> {
    SOURCES.iter().find(|source| source.name == name)
}

macro_rules! sources {
    ($($name:literal $kind:ident $doc:literal;)*) => {
        /// All sources. Values of an object may also hold those of its contact (`contact.…`), and a communication or task
        /// those of its ticket.
        pub const SOURCES: &[Source] = &[$(Source { name: $name, kind: Kind::$kind, doc: $doc }),*];
    };
}

sources! {
    "contact.key" Text "Our own stable key of the record.";
    "contact.aliases" List "Keys of records that became part of this one.";
    "contact.name" Text "Profile name as the person chose it.";
    "contact.first_name" Text "First word of the profile name.";
    "contact.last_name" Text "The other words of the profile name.";
    "contact.phone" Text "Current number in E.164.";
    "contact.phones" List "All current numbers in E.164.";
    "contact.wa_id" Text "Current WhatsApp id as the platform writes it.";
    "contact.user_id" Text "Current business-scoped user id.";
    "contact.user_ids" List "All current business-scoped user ids.";
    "contact.parent_user_id" Text "Current parent user id.";
    "contact.username" Text "Current username.";
    "contact.former_phones" List "Numbers that were the person's.";
    "contact.country" Word "ISO 3166 country.";
    "contact.language" Word "Language with an underscore (es_MX): of the last template, else the country's.";
    "contact.first_seen_at" Time "First message or session.";
    "contact.last_inbound_at" Time "Last message of the person.";
    "contact.last_outbound_at" Time "Last message to the person.";
    "contact.window_expires_at" Time "End of the customer service window.";
    "contact.sessions" Number "How many sessions there are.";
    "contact.messages" Number "How many messages there are, in and out.";
    "contact.whatsapp_marketing" Word "What follows from the consent ledger for WhatsApp and marketing: granted, denied, withdrawn, blocked.";
    "contact.whatsapp_marketing_at" Time "When that was said.";
    "contact.whatsapp_marketing_how" Word "How that was said: keyword, user_preferences, error, crm, form, …";
    "contact.whatsapp_marketing_evidence" Text "Entry of the ledger that proves it.";
    "contact.whatsapp_utility" Word "The same for utility messages.";
    "contact.whatsapp_utility_at" Time "When that was said.";
    "contact.whatsapp_utility_how" Word "How that was said.";
    "contact.whatsapp_utility_evidence" Text "Entry of the ledger that proves it.";
    "contact.email_marketing" Word "The same for e-mail and marketing.";
    "contact.email_marketing_at" Time "When that was said.";
    "contact.email_marketing_how" Word "How that was said.";
    "contact.email_marketing_evidence" Text "Entry of the ledger that proves it.";
    "contact.first_touch_at" Time "First click on an ad, or first text with a tracked token.";
    "contact.first_touch_source" Word "utm_source of its campaign.";
    "contact.first_touch_medium" Word "utm_medium of its campaign.";
    "contact.first_touch_campaign" Text "utm_campaign.";
    "contact.first_touch_content" Text "utm_content.";
    "contact.first_touch_ad" Text "Ad or post at the platform, or the token.";
    "contact.last_touch_at" Time "Last click on an ad, or last text with a tracked token.";
    "contact.last_touch_source" Word "utm_source of its campaign.";
    "contact.last_touch_medium" Word "utm_medium of its campaign.";
    "contact.last_touch_campaign" Text "utm_campaign.";
    "contact.last_touch_content" Text "utm_content.";
    "contact.last_touch_ad" Text "Ad or post at the platform, or the token.";
    "contact.last_touch_click" Text "Click id (ctwa_clid).";
    "ticket.key" Text "Our own stable key of the record.";
    "ticket.subject" Text "Name or masked number of the person, and the day.";
    "ticket.conversation_id" Text "Thread.";
    "ticket.session_id" Text "Session.";
    "ticket.channel" Word "whatsapp.";
    "ticket.number" Text "Business number at the platform.";
    "ticket.status" Word "new (nobody answered), open, waiting (for the customer), closed.";
    "ticket.opened_at" Time "First item.";
    "ticket.opened_by" Word "customer or business.";
    "ticket.closed_at" Time "End; none while it is open.";
    "ticket.close_reason" Word "resolved or inactivity.";
    "ticket.reason" Word "Reason of its resolved, else of its last tagged.";
    "ticket.tags" List "Tags of its inbox events, sorted.";
    "ticket.queue" Word "Last queue that an inbox event named.";
    "ticket.agent" Text "Last human sender, else last agent assigned.";
    "ticket.bot" Text "First bot that wrote after a customer message.";
    "ticket.reopens" Text "Key of the ticket that it reopens.";
    "ticket.first_response_at" Time "First response by a person.";
    "ticket.first_response_seconds" Number "Seconds to the first response by a person.";
    "ticket.sla_target_seconds" Number "Seconds that the mapping allows for the first response.";
    "ticket.sla_due_at" Time "When the first response was due.";
    "ticket.sla_met" Flag "Whether it came in time; none while that is open.";
    "ticket.handling_seconds" Number "Active time of all agents.";
    "ticket.outcome" Word "Outcome of a closed session with a bot.";
    "ticket.csat" Number "Score of the satisfaction survey.";
    "ticket.csat_scale" Number "Greatest score of it.";
    "ticket.ces" Number "Score of the effort survey.";
    "ticket.ces_scale" Number "Greatest score of it.";
    "ticket.rated_at" Time "When the last survey was answered.";
    "ticket.messages" Number "Messages in it, in and out.";
    "ticket.first_text" Text "Text of the first customer message.";
    "deal.key" Text "Our own stable key of the record.";
    "deal.name" Text "Name or masked number of the person, and the campaign.";
    "deal.remote_id" Text "The CRM's own id, where an event of it named the deal.";
    "deal.origin" Word "referral, tag, intent, crm.";
    "deal.status" Word "open, won, lost.";
    "deal.stage" Word "Stage as the CRM's event named it.";
    "deal.amount" Money "Amount with its currency.";
    "deal.opened_at" Time "When it was opened.";
    "deal.closed_at" Time "When it was won or lost.";
    "deal.source" Word "utm_source of the touch that led to it.";
    "deal.medium" Word "utm_medium.";
    "deal.campaign" Text "utm_campaign.";
    "deal.content" Text "utm_content.";
    "deal.ad" Text "Ad or post at the platform, or the token.";
    "deal.click" Text "Click id (ctwa_clid).";
    "communication.key" Text "Our own stable key of the record.";
    "communication.at" Time "When it was written, or for a digest the last message.";
    "communication.direction" Word "inbound or outbound.";
    "communication.type" Word "text, image, template, digest, …";
    "communication.body" Text "The text, or what kind of thing it was; of a digest a line a message.";
    "communication.author" Word "customer, agent, bot, automation, campaign, unknown.";
    "communication.agent" Text "The business's own id of the agent or bot.";
    "communication.template" Text "Template of the send.";
    "communication.campaign" Text "Campaign of the send.";
    "communication.status" Word "accepted, sent, delivered, read, played, failed.";
    "communication.error" Word "Class of a failure that stands.";
    "communication.conversation_id" Text "Thread.";
    "task.key" Text "Our own stable key of the record.";
    "task.rule" Word "Rule that made it, without its version.";
    "task.subject" Text "What has to be done, in the tenant's language.";
    "task.body" Text "Why: the cause, in the tenant's language.";
    "task.link" Text "Link that the rule names.";
    "task.status" Word "open or done.";
    "task.priority" Word "low, medium, high.";
    "task.due_at" Time "When it is due.";
    "task.caused_at" Time "Event time of the cause.";
    "task.agent" Text "Agent of the ticket.";
    "task.queue" Word "Queue of the ticket.";
}
