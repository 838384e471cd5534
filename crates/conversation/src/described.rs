//! What a thread keeps of the fact of an item: what the item said, without content. The fact is made of it again when its session
//! or person changes.

use crate::details;
use hilo_contracts::{
    facts::{AuthorRef, Conversation, Source, TemplateRef},
    item::{Author, Body, Item, Message, Origin, Position, Request, Template, Trace},
};
use hilo_domain::{IdentifierKind, Millis, OptOut, window};
use serde::{Deserialize, Serialize};

/// What an item said. A type of its own: a new field of the contract does not change what is stored.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Described {
    pub tenant: String,
    pub message_id: Option<String>,
    event_id: String,
    received_at: Millis,
    delivery_id: String,
    position: Position,
    kind: String,
    phone_number_id: Option<String>,
    group_id: Option<String>,
    message_type: Option<String>,
    inbound: Option<bool>,
    reply_to: Option<String>,
    author: Option<Author>,
    template: Option<Template>,
    campaign: Option<String>,
    segment: Option<String>,
    referral: Option<String>,
    opt_out: bool,
    opened: Option<Opened>,
}

/// The customer service window that an item opened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Opened {
    until: Millis,
    /// For whom: kind and value.
    identity: Option<(String, String)>,
}

impl Described {
    /// The trace of a send, which is never published.
    pub(crate) fn of_trace(trace: &Trace) -> Self {
        Self {
            tenant: trace.tenant.clone(),
            message_id: Some(trace.message_id.clone()),
            ..Self::default()
        }
    }

    /// What `item` says; the fact of it has this `event_id`.
    pub(crate) fn of(item: &Item, event_id: String) -> Self {
        let mut described = Self {
            event_id,
            tenant: item.tenant.clone(),
            received_at: item.received_at,
            delivery_id: item.delivery_id.clone(),
            position: item.position,
            phone_number_id: item.phone_number_id.clone(),
            ..Self::default()
        };
        match &item.body {
            Body::Message(message) => {
                kind_of(message).clone_into(&mut described.kind);
                described.describe(message);
                described.message_id = Some(message.id.clone());
                if message.is_customer_message() && message.group_id.is_none() {
                    described.opened = Some(opened(item));
                }
            }
            Body::Inbox(inbox) => described.kind.clone_from(&inbox.event),
            Body::Call(call) => {
                // Some events are called so themselves.
                described.kind = if call.event.starts_with("call_") {
                    call.event.clone()
                } else {
                    format!("call_{}", call.event)
                };
                if call.inbound {
                    described.opened = Some(opened(item));
                }
            }
            Body::Preference(preference) => {
                let kind = match preference.value.as_str() {
                    "stop" => "opt_out",
                    "resume" | "signup" => "opt_in",
                    _ => "preference_changed",
                };
                kind.clone_into(&mut described.kind);
                described.opt_out = kind == "opt_out";
            }
            Body::Crm(crm) => described.kind.clone_from(&crm.event),
            Body::Event { kind } => {
                described.kind.clone_from(kind);
                if kind == "group_event" {
                    described.group_id = details::group_of(&item.content);
                }
            }
            Body::Request(Request { message, .. }) => {
                "send_requested".clone_into(&mut described.kind);
                described.describe(message);
            }
            Body::Status(_) | Body::Account(_) | Body::Decision(_) | Body::Clock | Body::Echoed { .. } => {
                "other".clone_into(&mut described.kind);
            }
        }
        described
    }

    /// What a message says beside its id.
    fn describe(&mut self, message: &Message) {
        self.group_id.clone_from(&message.group_id);
        self.message_type = Some(message.kind.clone());
        self.inbound = Some(message.inbound);
        self.reply_to.clone_from(&message.reply_to);
        self.author = Some(message.author.clone());
        self.template.clone_from(&message.template);
        self.campaign.clone_from(&message.campaign);
        self.segment.clone_from(&message.segment);
        self.referral.clone_from(&message.referral);
        self.opt_out = matches!(message.opt_out, Some(OptOut::Always(_)));
    }

    /// The fact, as far as the item alone decides it.
    pub(crate) fn into_fact(self, event_time: Millis, test: bool) -> Conversation {
        let (window_expires_at, identity) = self.opened.map(|opened| (opened.until, opened.identity)).unzip();
        let (window_identifier_kind, window_identifier) = identity.flatten().unzip();
        Conversation {
            event_id: self.event_id,
            tenant: self.tenant,
            event_time,
            ingest_time: self.received_at,
            source: Source::new(&self.delivery_id, self.position),
            kind: self.kind,
            phone_number_id: self.phone_number_id,
            group_id: self.group_id,
            message_id: self.message_id,
            message_type: self.message_type,
            direction: self
                .inbound
                .map(|inbound| if inbound { "inbound" } else { "outbound" }.to_owned()),
            reply_to: self.reply_to,
            author: self.author.map(|Author { kind, id }| AuthorRef { kind, id }),
            template: self.template.map(
                |Template {
                     name,
                     language,
                     category,
                 }| TemplateRef {
                    name,
                    language,
                    category,
                },
            ),
            campaign: self.campaign,
            segment: self.segment,
            referral: self.referral,
            opt_out: self.opt_out,
            window_expires_at,
            window_identifier_kind,
            window_identifier,
            test,
            ..Conversation::default()
        }
    }
}

/// Kind of the fact of a message.
fn kind_of(message: &Message) -> &'static str {
    match (message.origin, message.kind.as_str()) {
        (Origin::History, _) => "message_history",
        (_, "reaction") => "reaction",
        (_, "edit") => "message_edited",
        (_, "revoke") => "message_revoked",
        (Origin::Received, "system") => "system_message",
        (Origin::Received, "request_welcome") => "welcome_requested",
        (Origin::Received, _) => "message_received",
        (Origin::Outbound | Origin::Echo | Origin::Requested, _) => "message_sent",
    }
}

/// The customer service window that an item opens: for the identity that wrote or called, not for its person, who may have
/// others.
fn opened(item: &Item) -> Opened {
    let shown = item.sightings.first().filter(|_| item.has_person);
    let kinds = [IdentifierKind::Bsuid, IdentifierKind::WaId, IdentifierKind::Phone];
    let identity = kinds
        .iter()
        .find_map(|kind| shown?.identifiers.iter().find(|identifier| identifier.kind == *kind));
    Opened {
        until: window::customer_service_end(item.event_time),
        identity: identity.map(|identifier| (identifier.kind.as_str().to_owned(), identifier.value.clone())),
    }
}
