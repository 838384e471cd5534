//! Records that are being worked on. A part of the writer that writes a record, or publishes that it is deferred, holds it
//! until that is kept. So the outcomes of a record are published in the order in which things happened.

use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
};

/// Keys of records that are held.
#[derive(Debug, Default)]
pub(crate) struct Claims(Mutex<BTreeSet<String>>);

/// Held records; let go when this is dropped, also where a round ends in a hurry.
#[derive(Debug)]
pub(crate) struct Claim<'a> {
    claims: &'a Claims,
    keys: BTreeSet<String>,
}

impl Claims {
    /// Holds those that nobody holds.
    pub(crate) fn hold<'a>(&self, keys: impl Iterator<Item = &'a str>) -> Claim<'_> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let keys = keys
            .filter(|key| held.insert((*key).to_owned()))
            .map(str::to_owned)
            .collect();
        Claim { claims: self, keys }
    }
}

impl Claim<'_> {
    /// Whether this holds a record.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.keys.contains(key)
    }
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        let mut held = self.claims.0.lock().unwrap_or_else(PoisonError::into_inner);
        for key in &self.keys {
            held.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_held_by_one_until_it_lets_go() {
        let claims = Claims::default();
        let first = claims.hold(["a", "b"].into_iter());
        let second = claims.hold(["b", "c"].into_iter());
        assert!(first.has("a") && first.has("b") && !second.has("b") && second.has("c"));
        drop(first);
        assert!(claims.hold(["b", "c"].into_iter()).has("b"));
    }
}
