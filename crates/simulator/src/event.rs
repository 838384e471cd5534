//! What the platform, the inbox, the bot and the CRM send, and what the platform answers.

use crate::Tally;
use hilo_domain::Millis;
use std::{borrow::Cow, sync::Arc};

/// One delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Event time: of a webhook the earliest of its items.
    pub at: Millis,
    /// When it is sent, never before `at`. Events come in this order; their event times do not.
    pub send_at: Millis,
    /// Whose it is.
    pub tenant: Arc<str>,
    /// What is sent.
    pub kind: Kind,
    /// What it adds to the counts, if all before it were counted.
    pub tally: Tally,
}

/// A webhook body or a capture line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A webhook delivery: the bytes to sign.
    Webhook {
        /// The body.
        body: String,
    },
    /// A capture line of our own systems.
    Line {
        /// Where it is posted.
        path: Path,
        /// The line, without its end.
        json: String,
    },
}

/// Endpoint of a capture line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Path {
    /// A send that the API accepted.
    Outbound,
    /// An event of the agents' inbox.
    Inbox,
    /// What the platform answered when it was asked about a number.
    Platform,
    /// An event of the named CRM.
    Crm(&'static str),
}

impl Path {
    /// The path of the HTTP interface.
    #[must_use]
    pub fn as_url(self) -> Cow<'static, str> {
        match self {
            Self::Outbound => Cow::Borrowed("/v1/outbound"),
            Self::Inbox => Cow::Borrowed("/v1/inbox"),
            Self::Platform => Cow::Borrowed("/v1/platform"),
            Self::Crm(system) => Cow::Owned(format!("/v1/crm/{system}")),
        }
    }
}
