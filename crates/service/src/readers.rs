//! The configured readers, found by their token.

use crate::{Fingerprint, Reader};

/// Readers and the fingerprints of their tokens.
#[derive(Clone, Default)]
pub struct Readers(Vec<(Fingerprint, Reader)>);

/// Two readers with one token: the token says who reads.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("readers {0} and {1} have the same token: give each its own, for the token says who reads")]
pub struct SharedToken(String, String);

impl Readers {
    /// Readers with their tokens.
    pub fn new<'a>(readers: impl IntoIterator<Item = (Reader, &'a [u8])>) -> Result<Self, SharedToken> {
        let mut known = Self::default();
        for (reader, token) in readers {
            if let Some(other) = known.by_token(token) {
                return Err(SharedToken(other.name.clone(), reader.name));
            }
            known.0.push((Fingerprint::of(token), reader));
        }
        Ok(known)
    }

    /// Whether nobody is configured.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The reader whose token this is. All tokens are compared, whichever fits.
    #[must_use]
    pub fn by_token(&self, token: &[u8]) -> Option<&Reader> {
        let given = Fingerprint::of(token);
        let mut found = None;
        for (fingerprint, reader) in &self.0 {
            if fingerprint.is(&given).into() {
                found = Some(reader);
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Role, Scope};

    fn reader(name: &str) -> Reader {
        Reader {
            name: name.to_owned(),
            role: Role::Viewer,
            scope: Scope::All,
        }
    }

    #[test]
    fn a_token_names_one_reader() {
        let readers = Readers::new([(reader("ana"), &b"1"[..]), (reader("bea"), b"2")]).unwrap();
        assert_eq!(readers.by_token(b"2").unwrap().name, "bea");
        assert!(readers.by_token(b"3").is_none() && readers.by_token(b"").is_none());
        let shared = Readers::new([(reader("ana"), &b"1"[..]), (reader("bea"), b"1")]);
        assert_eq!(shared.err(), Some(SharedToken("ana".to_owned(), "bea".to_owned())));
        assert!(Readers::default().is_empty() && Readers::default().by_token(b"").is_none());
    }
}
