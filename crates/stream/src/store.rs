//! Typed state of a processor: values live decoded in a cache; what changed is encoded once per commit.
//!
//! Reads go cache → backend. A commit takes the changed entries ([`StateStore::drain_dirty`]); an abort forgets them
//! ([`StateStore::discard_dirty`]), so that the next read sees what was last committed.

use crate::wire::{self, WireError};
use rustc_hash::FxHashMap;
use serde::{Serialize, de::DeserializeOwned};

/// State that could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The medium failed.
    #[error("store {store} cannot be read: {source}; check the disk of the data directory")]
    Backend {
        /// Name of the store.
        store: &'static str,
        /// What the medium says.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// An entry of another release, or a torn one.
    #[error("entry of store {store}: {source}")]
    Entry {
        /// Name of the store.
        store: &'static str,
        /// What the decoder says.
        source: WireError,
    },
}

/// Where committed state rests: SQLite for the embedded and the Kafka engine; absent in memory.
pub trait Backend: Send {
    /// The committed value of a key.
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Box<dyn std::error::Error + Send + Sync>>;

    /// Calls `visit` for each committed entry.
    fn scan(&self, visit: &mut dyn FnMut(&[u8], &[u8])) -> Result<(), Box<dyn std::error::Error + Send + Sync>>;
}

/// One changed entry: its key and its encoded value, or `None` when it was removed.
pub type Change<'a> = (&'a [u8], Option<Vec<u8>>);

/// What an engine sees of a store.
pub trait StateStore {
    /// Name, unique within the processor.
    fn name(&self) -> &'static str;

    /// Gives the store its committed state.
    fn attach(&mut self, backend: Box<dyn Backend>) -> Result<(), StoreError>;

    /// Hands each entry that changed since the last call to `visit`, in key order, and takes it as committed.
    fn drain_dirty(&mut self, visit: &mut dyn FnMut(Change)) -> Result<(), StoreError>;

    /// Forgets what changed since the last [`StateStore::drain_dirty`].
    fn discard_dirty(&mut self) -> Result<(), StoreError>;
}

struct Entry<V> {
    /// `None`: known to be absent.
    value: Option<V>,
    dirty: bool,
    /// Commit in which the entry was last used.
    used: u32,
}

/// Entries kept decoded between commits; beyond it, those that the last commit interval did not touch go.
const CACHE_ENTRIES: usize = 200_000;

/// A typed keyspace.
pub struct Store<V> {
    name: &'static str,
    cache: FxHashMap<Box<[u8]>, Entry<V>>,
    dirty: Vec<Box<[u8]>>,
    backend: Option<Box<dyn Backend>>,
    commit: u32,
}

impl<V: Serialize + DeserializeOwned + Send> Store<V> {
    /// An empty store in memory, until an engine attaches a backend.
    #[must_use]
    pub fn new(name: &'static str) -> Self {
        Self {
            name,
            cache: FxHashMap::default(),
            dirty: Vec::new(),
            backend: None,
            commit: 0,
        }
    }

    fn load(&mut self, key: &[u8]) -> Result<&mut Entry<V>, StoreError> {
        // Two look-ups instead of one: the borrow checker cannot see that the early return ends the first borrow.
        if !self.cache.contains_key(key) {
            let bytes = match &self.backend {
                Some(backend) => backend.get(key).map_err(|source| StoreError::Backend {
                    store: self.name,
                    source,
                })?,
                None => None,
            };
            let value = bytes
                .map(|bytes| wire::decode(&bytes))
                .transpose()
                .map_err(|source| StoreError::Entry {
                    store: self.name,
                    source,
                })?;
            self.cache.insert(
                key.into(),
                Entry {
                    value,
                    dirty: false,
                    used: self.commit,
                },
            );
        }
        let commit = self.commit;
        match self.cache.get_mut(key) {
            Some(entry) => {
                entry.used = commit;
                Ok(entry)
            }
            None => Err(StoreError::Backend {
                store: self.name,
                source: "entry vanished from the cache".into(),
            }),
        }
    }

    /// The value of `key`.
    pub fn get(&mut self, key: &[u8]) -> Result<Option<&V>, StoreError> {
        Ok(self.load(key)?.value.as_ref())
    }

    /// The value of `key`, to be changed in place: it counts as changed.
    pub fn get_mut(&mut self, key: &[u8]) -> Result<Option<&mut V>, StoreError> {
        self.load(key)?;
        match self.cache.get_mut(key) {
            Some(Entry {
                value: Some(value),
                dirty,
                ..
            }) => {
                if !*dirty {
                    *dirty = true;
                    self.dirty.push(key.into());
                }
                Ok(Some(value))
            }
            _ => Ok(None),
        }
    }

    /// The value of `key`, made by `default` when absent, to be changed in place.
    pub fn get_or_insert_with(&mut self, key: &[u8], default: impl FnOnce() -> V) -> Result<&mut V, StoreError> {
        self.load(key)?;
        match self.cache.get_mut(key) {
            Some(Entry { value, dirty, .. }) => {
                if !*dirty {
                    *dirty = true;
                    self.dirty.push(key.into());
                }
                Ok(value.get_or_insert_with(default))
            }
            None => Err(StoreError::Backend {
                store: self.name,
                source: "entry vanished from the cache".into(),
            }),
        }
    }

    /// Sets the value of `key`.
    pub fn put(&mut self, key: &[u8], value: V) {
        self.set(key, Some(value));
    }

    /// Removes `key`.
    pub fn remove(&mut self, key: &[u8]) {
        self.set(key, None);
    }

    fn set(&mut self, key: &[u8], value: Option<V>) {
        let entry = self.cache.entry(key.into()).or_insert(Entry {
            value: None,
            dirty: false,
            used: 0,
        });
        entry.value = value;
        entry.used = self.commit;
        if !entry.dirty {
            entry.dirty = true;
            self.dirty.push(key.into());
        }
    }

    /// Calls `visit` for each entry, committed or not, in key order.
    pub fn scan(&mut self, mut visit: impl FnMut(&[u8], &V)) -> Result<(), StoreError> {
        let mut keys: Vec<Box<[u8]>> = self.cache.keys().cloned().collect();
        if let Some(backend) = &self.backend {
            let cache = &self.cache;
            backend
                .scan(&mut |key, _| {
                    if !cache.contains_key(key) {
                        keys.push(key.into());
                    }
                })
                .map_err(|source| StoreError::Backend {
                    store: self.name,
                    source,
                })?;
        }
        keys.sort_unstable();
        for key in keys {
            if let Some(value) = self.load(&key)?.value.as_ref() {
                visit(&key, value);
            }
        }
        Ok(())
    }
}

impl<V: Serialize + DeserializeOwned + Send> StateStore for Store<V> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn attach(&mut self, backend: Box<dyn Backend>) -> Result<(), StoreError> {
        self.cache.clear();
        self.dirty.clear();
        self.backend = Some(backend);
        Ok(())
    }

    fn drain_dirty(&mut self, visit: &mut dyn FnMut(Change)) -> Result<(), StoreError> {
        let mut keys = std::mem::take(&mut self.dirty);
        keys.sort_unstable();
        for key in keys {
            if let Some(entry) = self.cache.get_mut(&key) {
                entry.dirty = false;
                let bytes = entry
                    .value
                    .as_ref()
                    .map(wire::encode)
                    .transpose()
                    .map_err(|source| StoreError::Entry {
                        store: self.name,
                        source,
                    })?;
                visit((&key, bytes));
            }
        }
        if self.backend.is_some() && self.cache.len() > CACHE_ENTRIES {
            let commit = self.commit;
            self.cache.retain(|_, entry| entry.used == commit);
        }
        self.commit = self.commit.wrapping_add(1);
        Ok(())
    }

    fn discard_dirty(&mut self) -> Result<(), StoreError> {
        for key in std::mem::take(&mut self.dirty) {
            self.cache.remove(&key);
        }
        Ok(())
    }
}
