//! Committed state in memory: for the test driver, and for tests of processors.

use crate::store::{Backend, Change};
use std::collections::BTreeMap;
use std::error::Error;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Encoded entries of one store, in key order.
pub type Entries = BTreeMap<Vec<u8>, Vec<u8>>;

/// Encoded entries of one store; clones share them.
#[derive(Clone, Debug, Default)]
pub struct MemoryBackend {
    entries: Arc<Mutex<Entries>>,
}

impl MemoryBackend {
    /// Applies a change that a store handed over.
    pub fn apply(&self, change: Change) {
        let (key, value) = change;
        match value {
            Some(value) => self.lock().insert(key.to_vec(), value),
            None => self.lock().remove(key),
        };
    }

    /// A copy of the entries.
    #[must_use]
    pub fn entries(&self) -> Entries {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Entries> {
        // A panic elsewhere cannot tear a map entry: single inserts and removals are all that happens under the lock.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Backend for MemoryBackend {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Box<dyn Error + Send + Sync>> {
        Ok(self.lock().get(key).cloned())
    }

    fn scan(&self, prefix: &[u8], visit: &mut dyn FnMut(&[u8], &[u8])) -> Result<(), Box<dyn Error + Send + Sync>> {
        let entries = self.lock();
        let from = entries.range(prefix.to_vec()..);
        for (key, value) in from.take_while(|(key, _)| key.starts_with(prefix)) {
            visit(key, value);
        }
        Ok(())
    }
}
