//! What is kept of a person: who they are, and what their messages add up to.

use super::{Key, consents::Consents, trail::Trail};
use hilo_contracts::facts::Identity;
use hilo_domain::Millis;
use serde::{Deserialize, Serialize};

/// Touches kept at each end of a person's time: the first one and the last ones decide.
const TOUCHES: usize = 64;
/// Templates that are waited for, the latest ones.
const WATCHED: usize = 64;

/// A person, known by an identity fact or only referred to so far.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Person {
    pub tenant: Box<str>,
    /// What the latest identity fact says.
    pub who: Option<Who>,
    /// People whose facts say that they are part of this one, sorted.
    pub absorbed: Vec<Box<str>>,
    pub consents: Consents,
    pub sums: Sums,
    /// Something left that `sums` may rest on: they are summed up anew before they are shown.
    pub stale: bool,
    pub sessions: u32,
    /// Customer messages that came by an ad or a tracked token, in their order.
    pub touches: Vec<(Millis, Key)>,
    pub watches: Vec<Watch>,
    pub told: bool,
    pub trail: Trail,
}

/// What the messages and calls of a person add up to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Sums {
    pub messages: u32,
    /// Those of them that the platform's test button sent.
    pub tests: u32,
    pub first_seen: Option<Millis>,
    pub last_inbound: Option<Millis>,
    pub last_outbound: Option<Millis>,
    pub window: Option<Millis>,
    /// Language of the last template.
    pub language: Option<(Millis, Key, Box<str>)>,
}

/// A template send whose answer is waited for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Watch {
    pub at: Millis,
    pub message: Key,
    /// The first customer message since.
    pub answered: Option<Millis>,
}

/// Who a person is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Who {
    pub revision: i64,
    /// The fact that says it.
    pub fact: Box<str>,
    pub is: Known,
}

/// What a fact says of who a person is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Known {
    pub closed: bool,
    /// Of somebody closed: whose part they are.
    pub survivor: Option<Box<str>>,
    pub name: Option<Box<str>>,
    pub country: Option<Box<str>>,
    pub ids: Vec<Id>,
}

/// An identifier.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Id {
    pub kind: Box<str>,
    pub value: Box<str>,
    pub from: Option<Millis>,
    pub current: bool,
}

impl Known {
    fn of(fact: &Identity) -> Self {
        let closed = fact.kind == "closed";
        let boxed = |text: &Option<String>| text.as_deref().filter(|text| !text.trim().is_empty()).map(Box::from);
        let mut ids: Vec<Id> = fact
            .identifiers
            .iter()
            .map(|span| Id {
                kind: span.kind.as_str().into(),
                value: span.value.as_str().into(),
                from: span.valid_from,
                current: span.valid_to.is_none(),
            })
            .collect();
        // The one that they have had for the shortest time is the one to use.
        ids.sort_by(|one, other| (&one.kind, other.from, &one.value).cmp(&(&other.kind, one.from, &other.value)));
        Self {
            closed,
            survivor: fact.other_person_id.as_deref().filter(|_| closed).map(Box::from),
            name: boxed(&fact.name),
            country: boxed(&fact.country),
            ids,
        }
    }

    /// Current identifiers of a kind, the newest first.
    pub(super) fn current<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a str> {
        self.ids
            .iter()
            .filter(move |id| id.current && *id.kind == *kind)
            .map(|id| id.value.as_ref())
    }

    /// Former identifiers of a kind, the newest first.
    pub(super) fn former<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a str> {
        self.ids
            .iter()
            .filter(move |id| !id.current && *id.kind == *kind)
            .map(|id| id.value.as_ref())
    }
}

/// What an identity fact changed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// It is older than what is known.
    Stale,
    /// Nothing that a record shows.
    Nothing,
    /// Something. `before` is whose part they were.
    Who { before: Option<Box<str>> },
}

impl Person {
    /// Takes an identity fact in.
    pub(super) fn tell(&mut self, fact: &Identity) -> Change {
        if self.who.as_ref().is_some_and(|who| who.revision >= fact.revision) {
            return Change::Stale;
        }
        let who = Who {
            revision: fact.revision,
            fact: fact.event_id.as_str().into(),
            is: Known::of(fact),
        };
        let had = self.who.replace(who);
        let now = self.who.as_ref().map(|who| &who.is);
        if had.as_ref().map(|who| &who.is) == now {
            return Change::Nothing;
        }
        Change::Who {
            before: had.and_then(|who| who.is.survivor),
        }
    }

    /// Somebody became part of this person, or is it no more.
    pub(super) fn absorb(&mut self, other: &str, is_part: bool) {
        match self.absorbed.binary_search_by(|had| (**had).cmp(other)) {
            Err(place) if is_part => self.absorbed.insert(place, other.into()),
            Ok(place) if !is_part => drop(self.absorbed.remove(place)),
            _ => {}
        }
    }

    /// A touch counts, or counts no more. Gives whether that changed anything.
    pub(super) fn touch(&mut self, touch: (Millis, Key), counts: bool) -> bool {
        match (self.touches.binary_search(&touch), counts) {
            (Err(place), true) => {
                self.touches.insert(place, touch);
                if self.touches.len() > 2 * TOUCHES {
                    self.touches.remove(TOUCHES);
                }
                true
            }
            (Ok(place), false) => {
                self.touches.remove(place);
                true
            }
            _ => false,
        }
    }

    /// The last touch at a time or before.
    pub(super) fn touch_before(&self, at: Millis) -> Option<Key> {
        let place = self.touches.partition_point(|(touched, _)| *touched <= at);
        place.checked_sub(1).map(|place| self.touches[place].1)
    }

    /// A template send is waited for, or no more. An answer may be here already: then the sums are not known.
    pub(super) fn watch(&mut self, at: Millis, message: Key, is_sent: bool) {
        let place = self
            .watches
            .binary_search_by(|had| (had.at, had.message).cmp(&(at, message)));
        match (place, is_sent) {
            (Err(place), true) => {
                let watch = Watch {
                    at,
                    message,
                    answered: None,
                };
                self.watches.insert(place, watch);
                if self.watches.len() > WATCHED {
                    self.watches.remove(0);
                }
                self.stale |= self.sums.last_inbound.is_some_and(|last| last >= at);
            }
            (Ok(place), false) => drop(self.watches.remove(place)),
            _ => {}
        }
    }

    /// A template send, while its answer is waited for.
    pub(super) fn watched(&self, at: Millis, message: Key) -> Option<&Watch> {
        let place = self
            .watches
            .binary_search_by(|had| (had.at, had.message).cmp(&(at, message)));
        place.ok().map(|place| &self.watches[place])
    }

    /// Whether all that is known of them is a test.
    pub(super) fn is_test(&self) -> bool {
        self.sums.messages > 0 && self.sums.tests == self.sums.messages
    }
}
