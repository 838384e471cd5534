//! What is kept of a message or of an item without id: as little as tells a repetition from news.

use crate::{
    callback::Meeting,
    link::{Link, Sides},
    pack,
    stand_in::{Content, StandIn},
};
use hilo_contracts::item::{Body, Item, Message, Origin};
use hilo_domain::Millis;
use hilo_stream::ProcessorError;
use serde::{Deserialize, Serialize};

/// What an item is, against what was known under its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// The first of its key.
    New,
    /// A duplicate that adds: a status with another time, or of two messages the one that holds.
    Better,
    /// A duplicate whose content does not hold; it still is evidence of identity.
    Worse,
    /// Told in just this way before.
    Repeated,
}

/// All that was told of one message (its send, its echo, its statuses), or of one item without id.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Seen {
    /// Hashes of keys and of variants.
    hashes: Vec<u64>,
    /// What holds, by key, where only one of several duplicates can.
    held: Vec<Held>,
    /// Who was addressed, and who received.
    sides: Option<Box<Sides>>,
    /// Only where callback data meets: the request, and the messages whose statuses echoed it.
    pub meeting: Option<Box<Meeting>>,
    /// Stand-ins that hold, one a list; only where there are any.
    #[expect(
        clippy::box_collection,
        reason = "nearly no message has one, and a list takes three times the room"
    )]
    pub stand_ins: Option<Box<Vec<StandIn>>>,
}

/// What holds under a key: content before a stand-in, then the smallest (event time, content); of equal ones, which
/// deliveries with other contacts or about other business numbers make, the smallest variant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Held {
    key: u64,
    at: Millis,
    variant: u64,
    /// Packed; empty where the key is made of the content.
    content: Box<[u8]>,
    /// How many held before.
    generation: u32,
    /// The list of a message.
    origin: Option<Origin>,
    is_stand_in: bool,
}

impl Seen {
    /// Whether callback data is new for this message.
    pub(super) fn echoes(&mut self, callback: u64) -> bool {
        let new = !self.hashes.contains(&callback);
        if new {
            self.hashes.reserve_exact(1);
            self.hashes.push(callback);
        }
        new
    }

    /// Takes note of an item with this hash of all that it says. With how many of its key held before it.
    pub(super) fn tell(&mut self, item: &Item, variant: u64) -> (Told, u32) {
        let key = key_of(item);
        let known = self.hashes.contains(&key);
        if known && self.hashes.contains(&variant) {
            return (Told::Repeated, 0);
        }
        self.hashes.reserve_exact(2);
        if !known {
            self.hashes.push(key);
        }
        self.hashes.push(variant);
        let id = match &item.body {
            // Statuses fold by their times: each adds.
            Body::Status(_) => return (if known { Told::Better } else { Told::New }, 0),
            Body::Message(message) => Some(message.id.as_str()),
            Body::Call(call) => Some(call.id.as_str()),
            Body::Request(request) => Some(request.callback.as_str()),
            _ => None,
        };
        let message = match &item.body {
            Body::Message(message) => Some(message),
            _ => None,
        };
        let told = Held {
            key,
            at: item.event_time,
            variant,
            content: id.map(|id| pack::pack(&item.content, id)).unwrap_or_default(),
            generation: 0,
            origin: message.map(|message| message.origin),
            is_stand_in: message.is_some_and(Message::is_stand_in),
        };
        let Some(held) = self.held.iter_mut().find(|held| held.key == key) else {
            self.held.reserve_exact(1);
            self.held.push(told);
            return (Told::New, 0);
        };
        let rank = |held: &Held| (held.is_stand_in, held.at);
        let holds = rank(&told) < rank(held)
            || rank(&told) == rank(held) && {
                let id = id.unwrap_or_default();
                let (one, other) = (pack::unpack(&told.content, id), pack::unpack(&held.content, id));
                (one, told.variant) < (other, held.variant)
            };
        if holds {
            let generation = held.generation + 1;
            *held = Held { generation, ..told };
            (Told::Better, generation)
        } else {
            (Told::Worse, 0)
        }
    }

    /// What holds over a stand-in of the list `origin`: the smallest content of the lists after it.
    pub(super) fn content_for(&self, origin: Origin, id: &str) -> Option<Content> {
        let later = |held: &&Held| {
            let other = held
                .origin
                .filter(|other| matches!(other, Origin::Echo | Origin::History));
            !held.is_stand_in && other > Some(origin)
        };
        let contents = self.held.iter().filter(later);
        let (_, text, held) = contents
            .map(|held| (held.at, pack::unpack(&held.content, id), held))
            .min_by(|one, other| (one.0, &one.1).cmp(&(other.0, &other.1)))?;
        Some(Content {
            key: held.key,
            text: String::from_utf8_lossy(&text).into_owned(),
        })
    }

    /// Something else is sent on under a key, although what holds there is the same. With how many were sent before it.
    pub(super) fn supersede(&mut self, key: u64) -> u32 {
        let Some(held) = self.held.iter_mut().find(|held| held.key == key) else {
            return 0;
        };
        held.generation += 1;
        held.generation
    }

    /// Evidence that `item` completes: addressee and recipient of one send. Notes on a status since when it is evidence.
    pub(super) fn link(&mut self, item: &mut Item) -> Result<Vec<Link>, ProcessorError> {
        let Some(person) = item.sightings.first_mut().filter(|_| item.has_person) else {
            return Ok(Vec::new());
        };
        match &item.body {
            Body::Message(message) if message.is_sent_message() && message.group_id.is_none() => self
                .sides
                .get_or_insert_default()
                .addressed(item.event_time, &person.identifiers),
            // A participant of a group is not the one to whom the message was sent.
            Body::Status(status) if status.participant.is_none() => {
                self.sides.get_or_insert_default().received(item.event_time, person)
            }
            _ => Ok(Vec::new()),
        }
    }
}

/// A number for the item's key, which is a hash already.
pub(super) fn key_of(item: &Item) -> u64 {
    item.key
        .get(..16)
        .and_then(|digits| u64::from_str_radix(digits, 16).ok())
        .unwrap_or_default()
}
