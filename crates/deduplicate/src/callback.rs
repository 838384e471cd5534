//! A send whose message id nobody recorded (its POST timed out) is joined to its message by the callback data that was
//! stamped on it and that the message's statuses echo, whichever of them comes first.
//!
//! Requests wait at the hash of their data; each message tells that place once that it has the data. Where both are known
//! the request goes to the message as one more description of it, the least: a line that names the message id says more.

use crate::{processor::u64_of, seen::Seen};
use hilo_contracts::{
    item::{Body, Item, Message, Origin, Request},
    keys, topics,
};
use hilo_domain::hash::IdHasher;
use hilo_stream::{
    Context, ProcessorError, Verdict,
    wire::{self, Encoded},
};
use serde::{Deserialize, Serialize};

/// What is known of one piece of callback data.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Meeting {
    /// The item of the request that holds.
    request: Option<Encoded<Item>>,
    /// Messages whose statuses echoed the data.
    messages: Vec<Box<str>>,
}

/// An encoded request, and the message that it became.
type Found = (Encoded<Item>, Box<str>);

impl Meeting {
    /// A message has the data: what its request says of it.
    pub(super) fn echoed(&mut self, message_id: &str) -> Vec<Found> {
        if self.messages.iter().any(|known| **known == *message_id) {
            return Vec::new();
        }
        self.messages.push(message_id.into());
        self.request
            .iter()
            .map(|request| (request.clone(), message_id.into()))
            .collect()
    }

    fn requested(&mut self, item: &Item) -> Result<Vec<Found>, ProcessorError> {
        let encoded = Encoded::of(item)?;
        self.request = Some(encoded.clone());
        Ok(self
            .messages
            .iter()
            .map(|message| (encoded.clone(), message.clone()))
            .collect())
    }
}

/// Whether an item is what a request became.
pub(super) fn is_resolved(item: &Item) -> bool {
    matches!(&item.body, Body::Message(message) if message.origin == Origin::Requested)
}

/// Brings a request, or a status with callback data, to where the two meet.
pub(super) fn meet(seen: &mut Seen, item: &Item, context: &mut Context) -> Result<(), ProcessorError> {
    match &item.body {
        Body::Request(_) => {
            let found = seen.meeting.get_or_insert_default().requested(item)?;
            resolve(found, context)?;
        }
        Body::Status(status) => {
            let Some(callback) = &status.callback_data else {
                return Ok(());
            };
            let mut hasher = IdHasher::new("echo");
            hasher.update(callback.as_bytes());
            if !seen.echoes(u64_of(&hasher.bytes())) {
                return Ok(());
            }
            let echo = Item {
                sightings: Vec::new(),
                has_person: false,
                content: String::new(),
                body: Body::Echoed {
                    callback: callback.clone(),
                    message_id: status.message_id.clone(),
                },
                ..item.clone()
            };
            let key = keys::callback(&item.tenant, callback);
            context.send(topics::ITEM, key, item.event_time, wire::encode(&echo)?);
        }
        _ => {}
    }
    Ok(())
}

/// Sends requests to their messages.
pub(super) fn resolve(found: Vec<Found>, context: &mut Context) -> Result<Verdict, ProcessorError> {
    for (request, message_id) in found {
        let item = request.open()?;
        let Body::Request(Request { message, .. }) = &item.body else {
            continue;
        };
        let mut hasher = IdHasher::new("item");
        hasher
            .update(item.tenant.as_bytes())
            .update(b"requested")
            .update(message_id.as_bytes());
        let key = keys::message(&item.tenant, &message_id);
        let resolved = Item {
            key: hilo_domain::hash::to_hex(&hasher.bytes()),
            body: Body::Message(Message {
                id: message_id.into(),
                ..message.clone()
            }),
            ..item
        };
        context.send(topics::ITEM, key, resolved.event_time, wire::encode(&resolved)?);
    }
    Ok(Verdict::Done)
}
