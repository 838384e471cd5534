//! Ids made of hashes. Personal data never stands in a key, a header or a file name, so what names a
//! person or a message there is the hash of it.

use smallvec::SmallVec;

/// 128-bit id over length-prefixed parts, so that ("ab","c") and ("a","bc") differ.
///
/// The parts are gathered and hashed at once: they are short, and the state of an incremental hasher costs more than they.
#[derive(Clone)]
pub struct IdHasher(SmallVec<[u8; 256]>);

impl IdHasher {
    /// A hasher for one kind of id; different `domain` texts never give the same id.
    #[must_use]
    pub fn new(domain: &str) -> Self {
        Self(SmallVec::from_slice(domain.as_bytes()))
    }

    /// Adds one part.
    pub fn update(&mut self, part: &[u8]) -> &mut Self {
        self.0.extend_from_slice(&(part.len() as u64).to_le_bytes());
        self.0.extend_from_slice(part);
        self
    }

    /// The first 16 bytes of the hash.
    #[must_use]
    pub fn bytes(&self) -> [u8; 16] {
        let mut out = [0; 16];
        out.copy_from_slice(&blake3::hash(&self.0).as_bytes()[..16]);
        out
    }

    /// The id as 32 lower-case hexadecimal digits.
    #[must_use]
    pub fn hex(&self) -> String {
        to_hex(&self.bytes())
    }
}

/// An id over `parts`, as 32 hexadecimal digits.
#[must_use]
pub fn id(domain: &str, parts: &[&[u8]]) -> String {
    let mut hasher = IdHasher::new(domain);
    for part in parts {
        hasher.update(part);
    }
    hasher.hex()
}

/// The whole 256-bit hash over `parts`, as 64 hexadecimal digits: for chains, where nobody may find another content.
#[must_use]
pub fn digest(domain: &str, parts: &[&[u8]]) -> String {
    let mut hasher = IdHasher::new(domain);
    for part in parts {
        hasher.update(part);
    }
    to_hex(blake3::hash(&hasher.0).as_bytes())
}

/// Bytes as lower-case hexadecimal digits.
#[must_use]
pub fn to_hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut out = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        out.push(char::from(DIGITS[usize::from(byte >> 4)]));
        out.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_and_domains_do_not_run_together() {
        let ids = [
            id("x", &[b"ab", b"c"]),
            id("x", &[b"a", b"bc"]),
            id("y", &[b"ab", b"c"]),
        ];
        assert!(ids[0] != ids[1] && ids[0] != ids[2] && ids.iter().all(|id| id.len() == 32));
    }
}
