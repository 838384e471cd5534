//! Encoding of internal records and of state: postcard behind one byte of version, so that a process never reads
//! what another release wrote in another shape.

use serde::{Serialize, de::DeserializeOwned};

/// Shape of internal records; raised with each change of a type that travels or rests in this encoding.
pub(crate) const VERSION: u8 = 5;

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

/// Encodes `value`.
pub fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>, WireError> {
    let mut out = Vec::with_capacity(256);
    out.push(VERSION);
    postcard::to_extend(value, out).map_err(WireError::Encode)
}

/// Decodes what [`encode`] wrote.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, WireError> {
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
