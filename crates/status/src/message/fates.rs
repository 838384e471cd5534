//! Outcomes of a message's sends, for the conversations that store them.
//!
//! A send line and an echo are events of a conversation. Other sends have no item there, so the conversation stores a trace:
//! of a send whose person only its statuses name, and of a request that a status confirmed. A fate is sent only if the outcome
//! differs from what the description implies. So a send costs about one record, with its delivery.

use super::{Description, Message};
use hilo_contracts::item::{Became, Fate, Forget, Origin, PersonRecord, Trace};
use hilo_domain::{Millis, category};

/// A send of the message as a conversation stores it, and its outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Holder {
    person: Box<str>,
    at: Millis,
    fingerprint: u64,
    atom: u64,
    version: u64,
    /// The conversation has no item of it.
    by_trace: bool,
    phone_number_id: Option<Box<str>>,
    /// The outcome that the conversation assumes without a fate.
    described: Became,
    became: Became,
}

impl Description {
    fn described(&self) -> Became {
        let template = self.purpose.as_ref().and_then(|purpose| purpose.template.as_ref());
        let template = template.map(|template| template.category.as_deref());
        Became::described(self.origin, self.at, &self.kind, template)
    }
}

impl Holder {
    fn is_same(&self, other: &Self) -> bool {
        (self.at, self.fingerprint) == (other.at, other.fingerprint)
    }
}

/// The sends of a message, as of one of its revisions.
#[derive(Debug, Default)]
pub(crate) struct Fates {
    revision: i64,
    holders: Vec<Holder>,
}

impl Fates {
    /// The records to send after a change: outcomes that differ from those before, and the removal of traces.
    pub(crate) fn news(self, before: Self, (tenant, message_id): (&str, &str)) -> Vec<(Box<str>, PersonRecord)> {
        let mut before = before.holders;
        let mut news = Vec::new();
        for holder in self.holders {
            let place = before.iter().position(|had| had.is_same(&holder));
            let had = place.map(|place| before.swap_remove(place));
            if had.map_or(holder.described, |had| had.became) == holder.became {
                continue;
            }
            let trace = holder.by_trace.then(|| {
                Box::new(Trace {
                    tenant: tenant.to_owned(),
                    message_id: message_id.to_owned(),
                    phone_number_id: holder.phone_number_id.as_deref().map(str::to_owned),
                })
            });
            let fate = Fate {
                at: holder.at,
                fingerprint: holder.fingerprint,
                atom: holder.atom,
                version: holder.version,
                revision: self.revision,
                became: holder.became,
                trace,
            };
            news.push((holder.person, PersonRecord::Fate(fate)));
        }
        let was_traced = |had: &Holder| had.by_trace && had.became != had.described;
        for gone in before.into_iter().filter(was_traced) {
            let forget = Forget {
                key: Trace::key(message_id),
                at: gone.at,
                fingerprint: gone.fingerprint,
                atom: gone.atom,
                version: gone.version,
            };
            news.push((gone.person, PersonRecord::Forget(forget)));
        }
        news
    }
}

impl Message {
    /// Its sends and their outcome, given the category that decides.
    pub(crate) fn fates(&self, category: Option<&str>) -> Fates {
        let category = category.unwrap_or_default();
        let sent = self.descriptions.iter().filter(|had| had.is_outbound());
        let mut holders: Vec<Holder> = sent.filter_map(|had| self.holder(had, category)).collect();
        holders.extend(self.trace(category));
        Fates {
            revision: self.revision,
            holders,
        }
    }

    fn holder(&self, sent: &Description, category: &str) -> Option<Holder> {
        let by_trace = sent.origin == Origin::Requested;
        Some(Holder {
            person: sent.whose.person_id.clone()?,
            at: sent.at,
            fingerprint: sent.content,
            atom: sent.atom,
            version: sent.whose.version,
            by_trace,
            phone_number_id: sent.phone_number_id.clone(),
            described: if by_trace { Became::default() } else { sent.described() },
            became: self.became(self.is_template(), category),
        })
    }

    /// The trace of a message whose person only its statuses name.
    fn trace(&self, category: &str) -> Option<Holder> {
        let sent = self.descriptions.iter().all(Description::is_outbound);
        let is_traced = sent && !self.names_somebody() && !self.test;
        let statuses = self.statuses.as_ref().filter(|_| is_traced)?;
        let recipient = statuses.recipient.as_ref()?;
        Some(Holder {
            person: recipient.whose.person_id.clone()?,
            at: recipient.at,
            fingerprint: recipient.content,
            atom: recipient.atom,
            version: recipient.whose.version,
            by_trace: true,
            phone_number_id: statuses.phone_number_id.as_ref().map(|(_, number)| number.clone()),
            described: Became::default(),
            became: self.became(
                self.is_template() || self.is_orphan() && category::is_of_templates(category),
                category,
            ),
        })
    }

    fn became(&self, template: bool, category: &str) -> Became {
        let statuses = self.statuses.as_deref();
        let failed = statuses.is_some_and(|statuses| statuses.whole().is_failed());
        Became {
            failed,
            delivered_at: self.arrived_at().filter(|_| !failed),
            template,
            marketing: category::is_marketing(category),
        }
    }

    /// Whether the description that gives the details is of a template.
    fn is_template(&self) -> bool {
        let first = self.descriptions.iter().find(|had| had.is_outbound());
        first.is_some_and(|had| had.described().template)
    }

    /// When it was delivered. An echo counts as delivered at its time: it is one that no line describes.
    fn arrived_at(&self) -> Option<Millis> {
        let first = self.descriptions.iter().find(|had| had.is_outbound());
        match first {
            Some(echo) if echo.origin == Origin::Echo => Some(echo.at),
            _ => self.statuses.as_ref()?.whole().delivered_at(),
        }
    }
}
