//! What a record looks like on a topic: the registry's header before a datum, and one header of ours.

use crate::learned::{Learned, Schemas};
use hilo_contracts::door::Door;
use hilo_domain::Millis;
use rdkafka::message::{Header, Headers, OwnedHeaders};
use rustc_hash::FxHashMap;
use std::borrow::Cow;
use std::time::Duration;

/// The record header that every topic of ours has: event time and receipt, eight bytes each, big-endian milliseconds; of a
/// delivery that is traced, its id behind them.
///
/// Kafka's own timestamp is the time of the append: retention goes by it, and a broker refuses times of long ago or of
/// tomorrow, which event times may be.
pub const HEADER: &str = "hilo";

/// Times of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Times {
    /// Event time.
    pub(crate) event: Millis,
    /// When the gateway received what it comes of, by its clock; 0: nobody received it.
    pub(crate) receipt: Millis,
}

impl Times {
    /// `trace`: id of the delivery; empty for most.
    pub(crate) fn headers(self, trace: &[u8]) -> OwnedHeaders {
        let bytes = [&self.event.to_be_bytes()[..], &self.receipt.to_be_bytes(), trace].concat();
        OwnedHeaders::new_with_capacity(1).insert(Header {
            key: HEADER,
            value: Some(&bytes),
        })
    }

    /// Times and the id of a traced delivery. `None`: there is no such header, so the record is none of ours.
    pub(crate) fn of(headers: Option<&impl Headers>) -> Option<(Self, &[u8])> {
        let value = headers?.iter().find(|header| header.key == HEADER)?.value?;
        let (event, rest) = value.split_first_chunk::<8>()?;
        let (receipt, trace) = rest.split_first_chunk::<8>()?;
        let times = Self {
            event: Millis::from_be_bytes(*event),
            receipt: Millis::from_be_bytes(*receipt),
        };
        Some((times, trace))
    }
}

/// Schema ids by topic (without prefix). A topic without an id holds plain values.
#[derive(Default)]
pub struct Framing {
    topics: FxHashMap<&'static str, Ids>,
    /// What reads other ids than the newest; without it they are foreign.
    asked: Option<Asked>,
}

/// The ids of a topic's contract.
struct Ids {
    newest: u32,
    /// Of other versions: id and number.
    others: Vec<(u32, u32)>,
}

struct Asked {
    /// Turns other versions into the newest one.
    door: Door,
    /// Finds out about ids that no version has.
    learned: Learned,
}

/// Why a value gives no datum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unread {
    /// It does not have the contract of its topic, and never will.
    Foreign(String),
    /// It may have the contract. It is tried again later, and nothing behind it is read before.
    Waits(String),
}

/// A record that waits is tried again after this.
pub(crate) const AGAIN: Duration = Duration::from_secs(5);

/// Length of the registry's header: a zero byte and the schema id.
const LENGTH: usize = 5;

impl Framing {
    /// Topics with the id of their schema. Any other id is foreign: there is no registry to ask.
    #[must_use]
    pub fn new(ids: impl IntoIterator<Item = (&'static str, u32)>) -> Self {
        let newest = |newest| Ids {
            newest,
            others: Vec::new(),
        };
        Self {
            topics: ids.into_iter().map(|(topic, id)| (topic, newest(id))).collect(),
            asked: None,
        }
    }

    /// Topics with the ids of their newest version and of the others, which `door` rewrites. Any other id is looked up in
    /// `schemas`.
    pub(crate) fn with_versions(
        ids: impl IntoIterator<Item = (&'static str, u32, Vec<(u32, u32)>)>,
        door: Door,
        schemas: Box<dyn Schemas>,
    ) -> Self {
        let ids = ids.into_iter();
        Self {
            topics: ids
                .map(|(topic, newest, others)| (topic, Ids { newest, others }))
                .collect(),
            asked: Some(Asked {
                door,
                learned: Learned::new(schemas),
            }),
        }
    }

    /// A value as it is produced.
    #[must_use]
    pub fn wrap(&self, topic: &str, value: Vec<u8>) -> Vec<u8> {
        let Some(ids) = self.topics.get(topic) else {
            return value;
        };
        let mut framed = Vec::with_capacity(LENGTH + value.len());
        framed.push(0);
        framed.extend_from_slice(&ids.newest.to_be_bytes());
        framed.extend_from_slice(&value);
        framed
    }

    /// The datum of a consumed value, in the shape of the newest version.
    pub fn unwrap<'a>(&self, topic: &'static str, value: &'a [u8]) -> Result<Cow<'a, [u8]>, Unread> {
        let Some(ids) = self.topics.get(topic) else {
            return Ok(Cow::Borrowed(value));
        };
        let Some((&[0, a, b, c, d], datum)) = value.split_first_chunk::<LENGTH>() else {
            let problem = format!("a value of {} bytes has no schema id", value.len());
            return Err(Unread::Foreign(problem));
        };
        let id = u32::from_be_bytes([a, b, c, d]);
        if id == ids.newest {
            return Ok(Cow::Borrowed(datum));
        }
        let Some(asked) = &self.asked else {
            return Err(Unread::Foreign(format!(
                "a value of {} bytes has schema id {id}, this release reads {}",
                value.len(),
                ids.newest
            )));
        };
        let number = match ids.others.iter().find(|(other, _)| *other == id) {
            Some((_, number)) => *number,
            None => asked.learned.number(&asked.door, topic, id)?,
        };
        asked
            .door
            .open(topic, number, datum)
            .map_err(|error| Unread::Foreign(format!("a value of {} bytes: {error}", value.len())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_framed_as_the_registry_says() {
        let framing = Framing::new([("hilo.status", 258)]);
        assert_eq!(framing.wrap("hilo.status", vec![7, 8]), [0, 0, 0, 1, 2, 7, 8]);
        assert_eq!(*framing.unwrap("hilo.status", &[0, 0, 0, 1, 2, 7, 8]).unwrap(), [7, 8]);
        assert_eq!(framing.wrap("hilo.item", vec![7]), [7]);
        assert_eq!(*framing.unwrap("hilo.item", &[7]).unwrap(), [7]);
        for other in [&[0, 0, 0, 1, 3, 7][..], &[1, 0, 0, 1, 2], &[0, 0], &[]] {
            let refused = framing.unwrap("hilo.status", other).unwrap_err();
            assert!(matches!(refused, Unread::Foreign(_)), "{refused:?}");
        }
    }

    #[test]
    fn times_go_through_the_header() {
        let times = Times {
            event: -5,
            receipt: 1_777_000_000_123,
        };
        for trace in [&b""[..], b"d_0134fc9526ad4d59b99c9826"] {
            assert_eq!(Times::of(Some(&times.headers(trace))), Some((times, trace)));
        }
        let foreign = OwnedHeaders::new().insert(Header {
            key: "hilo",
            value: Some(b"short"),
        });
        assert_eq!(Times::of(Some(&foreign)), None);
        assert_eq!(Times::of(None::<&OwnedHeaders>), None);
    }
}
