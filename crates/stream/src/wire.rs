//! Encoding of internal records and of state: postcard behind one byte of version, so that a process never reads
//! what another release wrote in another shape.

use crate::shape::{ShapeError, Shapes};
use hilo_contracts::{
    item::{ConsentRecord, Item, MessageRecord, PersonRecord},
    tally::Tally,
    topics,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::DeserializeOwned};
use std::marker::PhantomData;

/// Version of the shapes of all state and of all internal records. The golden files in `crates/hilo/shapes` pin the shapes; a
/// test refuses another shape until this is raised.
pub const VERSION: u8 = 7;

/// A record or state that this release cannot read.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    /// Written by another release.
    #[error(
        "internal record has version {found}, this release reads {VERSION}: drain the internal topics before the upgrade, or rebuild from the raw topic"
    )]
    Version {
        /// Version found.
        found: u8,
    },
    /// Empty or torn.
    #[error("internal record of {bytes} bytes cannot be decoded: {source}")]
    Decode {
        /// Length of the record.
        bytes: usize,
        /// What postcard says.
        source: postcard::Error,
    },
    /// A value that the encoding cannot hold.
    #[error("internal record cannot be encoded: {0}")]
    Encode(postcard::Error),
}

/// A record of internal topics. Only this module can add one, so that each is in [`records`] and its shape is pinned.
pub trait Travels: sealed::Sealed + Serialize + DeserializeOwned {}

mod sealed {
    /// Outside of this module nobody can name it.
    pub trait Sealed {}
}

/// Internal topics, and the shape of their records.
pub struct Records {
    /// The topics, without prefix.
    pub topics: &'static [&'static str],
    /// Name of the type.
    pub name: &'static str,
    add: fn(&mut Shapes, String) -> Result<(), ShapeError>,
}

impl Records {
    /// Adds their shape.
    pub fn shape(&self, shapes: &mut Shapes) -> Result<(), ShapeError> {
        (self.add)(shapes, format!("records of {}", self.topics.join(" ")))
    }
}

macro_rules! travel {
    ($($record:ident on $topics:expr;)*) => {
        $(
            impl sealed::Sealed for $record {}
            impl Travels for $record {}
        )*

        /// All that travels on internal topics.
        #[must_use]
        pub fn records() -> Vec<Records> {
            vec![$(Records { topics: &$topics, name: stringify!($record), add: Shapes::add::<$record> },)*]
        }
    };
}

travel! {
    Item on [topics::ITEM, topics::UNIQUE, topics::ACCOUNT_ITEM];
    PersonRecord on [topics::PERSON_ITEM];
    MessageRecord on [topics::MESSAGE_ITEM];
    ConsentRecord on [topics::CONSENT_ITEM];
    Tally on [topics::TALLY];
}

/// The version of encoded bytes, where it is one of another release: an older one, or one of the next. `None`: it is this
/// release's, or they are nothing of ours.
#[must_use]
pub fn other_version(bytes: &[u8]) -> Option<u8> {
    let first = *bytes.first()?;
    (first != VERSION && (1..=VERSION + FUTURE).contains(&first)).then_some(first)
}

/// Versions that may be those of later releases. Anything greater is no version.
const FUTURE: u8 = 8;

/// Encodes a record.
pub fn encode<T: Travels>(record: &T) -> Result<Vec<u8>, WireError> {
    to_bytes(record)
}

/// Decodes what [`encode`] wrote.
pub fn decode<T: Travels>(bytes: &[u8]) -> Result<T, WireError> {
    from_bytes(bytes)
}

pub(crate) fn to_bytes<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, WireError> {
    let mut out = Vec::with_capacity(256);
    out.push(VERSION);
    postcard::to_extend(value, out).map_err(WireError::Encode)
}

pub(crate) fn from_bytes<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, WireError> {
    match bytes.split_first() {
        Some((&VERSION, body)) => postcard::from_bytes(body).map_err(|source| WireError::Decode {
            bytes: bytes.len(),
            source,
        }),
        Some((&found, _)) => Err(WireError::Version { found }),
        None => Err(WireError::Decode {
            bytes: 0,
            source: postcard::Error::DeserializeUnexpectedEnd,
        }),
    }
}

/// A value inside of state that stays encoded until it is needed. The shape of what it is in shows its own.
pub struct Encoded<T> {
    bytes: Box<[u8]>,
    of: PhantomData<fn() -> T>,
}

impl<T: Serialize + DeserializeOwned> Encoded<T> {
    /// Encodes `value`.
    pub fn of(value: &T) -> Result<Self, WireError> {
        to_bytes(value).map(Self::from_vec)
    }

    /// Decodes it.
    pub fn open(&self) -> Result<T, WireError> {
        from_bytes(&self.bytes)
    }
}

impl<T: Serialize> Encoded<Vec<T>> {
    /// Encodes values that somebody else has.
    pub fn of_each(values: &[&T]) -> Result<Self, WireError> {
        to_bytes(values).map(Self::from_vec)
    }
}

impl<T> Encoded<T> {
    /// What travels as bytes inside of a record. The record's shape does not show it, so it must be part of state too: the test
    /// of shapes knows who calls this.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes.into_vec()
    }

    /// From the bytes of [`Encoded::into_bytes`].
    #[must_use]
    pub fn from_vec(bytes: Vec<u8>) -> Self {
        Self {
            bytes: bytes.into_boxed_slice(),
            of: PhantomData,
        }
    }
}

impl<T> Clone for Encoded<T> {
    fn clone(&self) -> Self {
        Self {
            bytes: self.bytes.clone(),
            of: PhantomData,
        }
    }
}

impl<T> PartialEq for Encoded<T> {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl<T> Eq for Encoded<T> {}

impl<T> std::fmt::Debug for Encoded<T> {
    /// The content may be personal.
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Encoded({} bytes)", self.bytes.len())
    }
}

impl<T> Serialize for Encoded<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.bytes.serialize(serializer)
    }
}

impl<'de, T: Serialize + DeserializeOwned> Deserialize<'de> for Encoded<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            // Only who traces shapes asks so.
            return deserializer.deserialize_newtype_struct("Encoded", Inside(PhantomData));
        }
        <Box<[u8]>>::deserialize(deserializer).map(|bytes| Self { bytes, of: PhantomData })
    }
}

struct Inside<T>(PhantomData<fn() -> T>);

impl<'de, T: Serialize + DeserializeOwned> serde::de::Visitor<'de> for Inside<T> {
    type Value = Encoded<T>;

    fn expecting(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("what is encoded")
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Encoded<T>, D::Error> {
        Encoded::of(&T::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}
