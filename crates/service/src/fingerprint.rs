//! Secrets are compared by their hash, so that neither content nor length shows in the time that it takes.

use sha2::{Digest as _, Sha256};
use subtle::{Choice, ConstantTimeEq as _};

/// SHA-256 of a secret.
#[derive(Clone)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// The fingerprint of `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// Whether both are of the same secret; takes the same time either way.
    #[must_use]
    pub fn is(&self, other: &Self) -> Choice {
        self.0.ct_eq(&other.0)
    }

    /// The fingerprint as a key of a map, for secrets of 256 random bits only: nobody can steer where those fall.
    pub(crate) fn key(&self) -> [u8; 32] {
        self.0
    }

    /// As hexadecimal digits.
    pub(crate) fn hex(&self) -> String {
        hilo_domain::hash::to_hex(&self.0)
    }
}

/// 256 random bits as hexadecimal digits.
pub(crate) fn random() -> Result<String, getrandom::Error> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)?;
    Ok(hilo_domain::hash::to_hex(&bytes))
}
