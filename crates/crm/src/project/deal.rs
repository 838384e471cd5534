//! Deals that a CRM's own events tell of.

use super::{Key, event::Event, trail::Trail};
use hilo_domain::Millis;
use serde::{Deserialize, Serialize};

/// Events of a deal that are kept: the first one and the latest ones.
const KEPT: usize = 64;

/// A deal of a CRM.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Deal {
    pub tenant: Box<str>,
    pub system: Box<str>,
    pub id: Box<str>,
    /// Its events in their order.
    pub events: Vec<(Millis, Key)>,
    pub told: bool,
    pub trail: Trail,
}

/// What the events of a deal come to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Course {
    pub person: Option<Box<str>>,
    pub stage: Option<Box<str>>,
    pub amount: Option<Box<str>>,
    pub currency: Option<Box<str>>,
    pub opened_at: Option<Millis>,
    pub closed_at: Option<Millis>,
    pub status: Option<&'static str>,
    pub test: bool,
}

impl Deal {
    /// An event is about this deal, or no more.
    pub(super) fn put(&mut self, event: (Millis, Key), is_here: bool) {
        match (self.events.binary_search(&event), is_here) {
            (Err(place), true) => {
                self.events.insert(place, event);
                if self.events.len() > KEPT {
                    self.events.remove(1);
                }
            }
            (Ok(place), false) => drop(self.events.remove(place)),
            _ => {}
        }
    }
}

impl Course {
    /// Takes the next event in. What an event does not name stays as it was.
    pub(super) fn step(&mut self, event: &Event) {
        let Some(told) = event.deal() else { return };
        let named = |had: &mut Option<Box<str>>, new: &Option<Box<str>>| {
            if new.is_some() {
                had.clone_from(new);
            }
        };
        named(&mut self.person, &event.person);
        named(&mut self.stage, &told.stage);
        if told.amount.is_some() {
            self.amount.clone_from(&told.amount);
            self.currency.clone_from(&told.currency);
        }
        // The CRM's own word for the opening, else its first event.
        self.opened_at = told.opened_at.or(self.opened_at).or(Some(event.at));
        self.test |= event.test;
        match &*event.kind {
            "deal_won" => (self.status, self.closed_at) = (Some("won"), Some(event.at)),
            "deal_lost" => (self.status, self.closed_at) = (Some("lost"), Some(event.at)),
            "deal_reopened" | "deal_opened" | "deal_created" => (self.status, self.closed_at) = (Some("open"), None),
            // A change of the stage says what the CRM calls it, not whether it is over.
            _ => self.status = self.status.or(Some("open")),
        }
    }
}
