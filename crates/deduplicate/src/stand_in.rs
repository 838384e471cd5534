//! A message of which one list has only a stand-in: it takes its content from another list, whichever of them comes first.
//!
//! Within one list the content holds over the stand-in by itself (`seen.rs`). Across lists the message stays what the first
//! list makes it: its time, its person, its number. Example: received as `unsupported`, later in a history as a text; it is a
//! received text.

use crate::{
    processor::u64_of,
    seen::{Seen, Told, key_of},
};
use hilo_contracts::item::{Body, Item, Message, Origin};
use hilo_domain::hash::IdHasher;
use hilo_stream::{ProcessorError, wire::Encoded};
use serde::{Deserialize, Serialize};

/// A stand-in that holds in its list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct StandIn {
    origin: Origin,
    /// Encoded, as it came.
    item: Encoded<Item>,
    /// Hash of the content that it was sent on with; 0 for none.
    filled_with: u64,
}

/// What another list has under the same id.
pub(super) struct Content {
    /// Key of the item that told it.
    pub key: u64,
    /// Canonical JSON of its element.
    pub text: String,
}

impl Seen {
    /// Takes note of an item that holds under its key. A stand-in takes the content of another list. Of an item with content
    /// all stand-ins that take it are given, each as better than what was sent on before; whether `item` itself changed.
    pub(super) fn fill(&mut self, item: &mut Item, told: Told) -> Result<(bool, Vec<Item>), ProcessorError> {
        let Body::Message(message) = &item.body else {
            return Ok((false, Vec::new()));
        };
        if !matches!(told, Told::New | Told::Better) {
            return Ok((false, Vec::new()));
        }
        let (origin, is_stand_in) = (message.origin, message.is_stand_in());
        if let Some(stand_ins) = &mut self.stand_ins {
            stand_ins.retain(|had| had.origin != origin);
        }
        if is_stand_in {
            let mut stand_in = StandIn {
                origin,
                item: Encoded::of(item)?,
                filled_with: 0,
            };
            let content = self.content_for(origin, &item_id(item));
            if let Some(content) = &content {
                stand_in.filled_with = hash_of(&content.text);
                *item = filled(item.clone(), content)?;
            }
            self.stand_ins.get_or_insert_default().push(stand_in);
            return Ok((content.is_some(), Vec::new()));
        }
        Ok((false, self.filled_by(item)?))
    }

    /// The stand-ins of earlier lists that take the content of `item`.
    fn filled_by(&mut self, item: &Item) -> Result<Vec<Item>, ProcessorError> {
        let Some(mut stand_ins) = self.stand_ins.take() else {
            return Ok(Vec::new());
        };
        let mut all = Vec::new();
        for stand_in in stand_ins.iter_mut() {
            let Some(content) = self.content_for(stand_in.origin, &item_id(item)) else {
                continue;
            };
            let hash = hash_of(&content.text);
            if content.key != key_of(item) || hash == stand_in.filled_with {
                continue;
            }
            stand_in.filled_with = hash;
            let told = stand_in.item.open()?;
            let generation = self.supersede(key_of(&told));
            // Where it was told is where it became whole.
            let told = Item {
                delivery_id: item.delivery_id.clone(),
                position: item.position,
                received_at: item.received_at,
                generation,
                ..told
            };
            all.push(filled(told, &content)?);
        }
        self.stand_ins = (!stand_ins.is_empty()).then_some(stand_ins);
        Ok(all)
    }
}

/// A stand-in with the content of another list.
fn filled(stand_in: Item, content: &Content) -> Result<Item, ProcessorError> {
    let Body::Message(told) = &stand_in.body else {
        return Ok(stand_in);
    };
    let element = serde_json::from_str(&content.text).map_err(ProcessorError::contract)?;
    let read = hilo_whatsapp::message::read(&element, told.origin, told.inbound);
    let read = read.map_err(|reason| ProcessorError::Contract(reason.to_owned()))?;
    let message = Message {
        group_id: told.group_id.clone(),
        chunk: told.chunk.clone(),
        ..read
    };
    Ok(Item {
        content: content.text.clone(),
        body: Body::Message(message),
        ..stand_in
    })
}

fn item_id(item: &Item) -> String {
    match &item.body {
        Body::Message(message) => message.id.clone(),
        _ => String::new(),
    }
}

/// Of a content; never 0.
fn hash_of(content: &str) -> u64 {
    let mut hasher = IdHasher::new("content");
    hasher.update(content.as_bytes());
    u64_of(&hasher.bytes()) | 1
}
