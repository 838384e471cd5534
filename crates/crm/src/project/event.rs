//! Events that are no messages: of the inbox, of calls, of a CRM.

use super::{Key, key};
use hilo_contracts::{capture::INBOX_EVENTS, facts::Conversation};
use hilo_domain::Millis;
use serde::{Deserialize, Serialize};

/// An event, by its best fact.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Event {
    pub revision: i64,
    pub source: Option<Key>,
    pub at: Millis,
    pub kind: Box<str>,
    pub person: Option<Box<str>>,
    pub session: Option<Box<str>>,
    pub window: Option<Millis>,
    pub test: bool,
    /// What its content says; that is told once.
    pub said: Option<Said>,
}

/// What an event says of its session.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Words<'a> {
    pub session: &'a str,
    pub at: Millis,
    pub tags: &'a [Box<str>],
    pub intent: Option<&'a str>,
}

/// What the content of an event says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Said {
    /// Tags, each once, sorted.
    pub tags: Vec<Box<str>>,
    pub intent: Option<Box<str>>,
    pub deal: Option<Told>,
}

/// What an event of a CRM tells of a deal.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Told {
    pub system: Box<str>,
    pub deal_id: Box<str>,
    pub stage: Option<Box<str>>,
    pub opened_at: Option<Millis>,
    pub amount: Option<Box<str>>,
    pub currency: Option<Box<str>>,
}

impl Event {
    /// `None` for facts that no record shows.
    pub(super) fn of(fact: &Conversation) -> Option<Self> {
        let kind = fact.kind.as_str();
        let is_deal = kind.starts_with("deal_");
        // One that opens no window may take the place of one that did: of two with one id the smaller holds.
        let is_call = kind.starts_with("call_");
        if !is_deal && !is_call && !INBOX_EVENTS.contains(&kind) {
            return None;
        }
        let said = fact.details.as_deref().map(|details| {
            let boxed = |text: &Option<String>| text.as_deref().filter(|text| !text.is_empty()).map(Box::from);
            let mut tags: Vec<Box<str>> = details
                .inbox
                .iter()
                .flat_map(|inbox| &inbox.tags)
                .map(|tag| tag.trim())
                .filter(|tag| !tag.is_empty())
                .map(Box::from)
                .collect();
            tags.sort_unstable();
            tags.dedup();
            let deal = details.deal.as_ref().filter(|_| is_deal);
            Said {
                tags,
                intent: details.hand_off.as_ref().and_then(|context| boxed(&context.intent)),
                deal: deal.and_then(|deal| {
                    Some(Told {
                        system: boxed(&deal.system)?,
                        deal_id: boxed(&deal.deal_id)?,
                        stage: boxed(&deal.stage),
                        opened_at: deal.opened_at,
                        amount: boxed(&deal.amount),
                        currency: boxed(&deal.currency),
                    })
                }),
            }
        });
        Some(Self {
            revision: fact.revision,
            source: Some(source(fact)),
            at: fact.event_time,
            kind: kind.into(),
            person: fact.person_id.as_deref().map(Box::from),
            session: fact.session_id.as_deref().map(Box::from),
            window: fact.window_expires_at,
            test: fact.test,
            said: said.or_else(|| (is_call || fact.content.is_some()).then(Said::default)),
        })
    }

    /// Takes a fact in, by the rule of all facts about items: the higher revision holds, and content stays with its
    /// occurrence. Gives whether it changed anything.
    pub(super) fn tell(&mut self, mut fact: Self) -> bool {
        let same = self.source == fact.source;
        if fact.revision > self.revision {
            if fact.said.is_none() && same {
                fact.said = self.said.take();
            }
            *self = fact;
            return true;
        }
        if same && self.said.is_none() && fact.said.is_some() {
            self.said = fact.said;
            return true;
        }
        false
    }

    /// Tags and intent, where it has any.
    pub(super) fn words(&self) -> Option<Words<'_>> {
        let said = self.said.as_ref()?;
        let session = self.session.as_deref()?;
        (!said.tags.is_empty() || said.intent.is_some()).then(|| Words {
            session,
            at: self.at,
            tags: &said.tags,
            intent: said.intent.as_deref(),
        })
    }

    /// Whether it says nothing that a record shows, for certain.
    pub(super) fn is_mute(&self) -> bool {
        let nothing = |said: &Said| said.tags.is_empty() && said.intent.is_none() && said.deal.is_none();
        self.window.is_none() && self.said.as_ref().is_some_and(nothing)
    }

    /// The deal that it tells of.
    pub(super) fn deal(&self) -> Option<&Told> {
        self.said.as_ref()?.deal.as_ref()
    }
}

/// Which occurrence of an item a fact is about.
pub(super) fn source(fact: &Conversation) -> Key {
    let source = &fact.source;
    key(
        "crm_source",
        &[
            source.delivery_id.as_bytes(),
            &source.entry.to_le_bytes(),
            &source.change.to_le_bytes(),
            &source.item.to_le_bytes(),
        ],
    )
}
