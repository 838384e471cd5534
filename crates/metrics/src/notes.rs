//! Messages and preferences, as traffic, replies and opt-outs need them.

use crate::replies::MessageKey;
use hilo_contracts::{facts::Conversation, item::CUSTOMER, keys};
use hilo_domain::Millis;
use serde::{Deserialize, Serialize};

/// What a conversation fact means here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum What {
    /// A customer message.
    Inbound {
        reply_to: Option<MessageKey>,
        is_button: bool,
        is_opt_out: bool,
    },
    /// A message of the business.
    Outbound,
    /// A preference.
    Preference { is_opt_in: bool },
    /// In no metric: a test, a group, a reaction, what changes another message, what the platform wrote by itself.
    Nothing,
}

fn is_by_customer(fact: &Conversation) -> bool {
    fact.author.as_ref().is_none_or(|author| author.kind == CUSTOMER)
}

/// A conversation fact as it rests in the store under its id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Note {
    pub revision: i64,
    pub tenant: Box<str>,
    pub person: Option<Box<str>>,
    pub number: Option<Box<str>>,
    pub at: Millis,
    pub what: What,
}

impl Note {
    /// `None` for facts that mean nothing here.
    pub(crate) fn of(fact: &Conversation) -> Option<Self> {
        let what = match fact.kind.as_str() {
            // Nobody wrote it.
            "message_received" if !is_by_customer(fact) => What::Nothing,
            "message_received" => What::Inbound {
                reply_to: fact
                    .reply_to
                    .as_deref()
                    .and_then(|id| keys::message(&fact.tenant, id).try_into().ok()),
                is_button: fact.message_type.as_deref() == Some("button"),
                is_opt_out: fact.opt_out,
            },
            "message_sent" => What::Outbound,
            // A CRM's own opt-out is no signal of the person: the definitions name three.
            "opt_out" if !fact.opt_out => return None,
            "opt_out" | "opt_in" => What::Preference {
                is_opt_in: fact.kind == "opt_in",
            },
            // One id stands for one message: that may have been told as something else before.
            "reaction" | "message_edited" | "message_revoked" | "system_message" | "welcome_requested" => What::Nothing,
            _ => return None,
        };
        Some(Self {
            revision: fact.revision,
            tenant: fact.tenant.as_str().into(),
            person: fact.person_id.as_deref().map(Box::from),
            number: fact
                .phone_number_id
                .as_deref()
                .filter(|number| !number.is_empty())
                .map(Box::from),
            at: fact.event_time,
            what: if fact.test || fact.group_id.is_some() {
                What::Nothing
            } else {
                what
            },
        })
    }

    /// Whether it takes the place of `had`: the higher revision does, whoever turned out to have sent it.
    pub(crate) fn replaces(&self, had: &Self) -> bool {
        self.revision > had.revision
    }
}
