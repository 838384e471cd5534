//! Typed state of a processor: values live decoded in a cache; what changed is encoded once per commit.
//!
//! Reads go cache → backend. A commit takes the changed entries ([`StateStore::drain_dirty`]); an abort forgets them
//! ([`StateStore::discard_dirty`]), so that the next read sees what was last committed.

use crate::shape::{ShapeError, Shapes};
use crate::wire::{self, WireError};
use indexmap::IndexMap;
use rustc_hash::FxBuildHasher;
use serde::{Serialize, de::DeserializeOwned};
use smallvec::SmallVec;

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

    /// Calls `visit` for each committed entry whose key begins with `prefix`, in key order.
    fn scan(
        &self,
        prefix: &[u8],
        visit: &mut dyn FnMut(&[u8], &[u8]),
    ) -> Result<(), Box<dyn std::error::Error + Send + Sync>>;
}

/// One changed entry: its key and its encoded value, or `None` when it was removed.
pub type Change<'a> = (&'a [u8], Option<Vec<u8>>);

/// What an engine sees of a store.
pub trait StateStore {
    /// Name, unique within the processor.
    fn name(&self) -> &'static str;

    /// Adds the shape of its entries.
    fn shape(&self, shapes: &mut Shapes) -> Result<(), ShapeError>;

    /// Gives the store its committed state.
    fn attach(&mut self, backend: Box<dyn Backend>) -> Result<(), StoreError>;

    /// Whether an entry changed since the last [`StateStore::drain_dirty`].
    fn is_dirty(&self) -> bool;

    /// Hands each entry that changed since the last call to `visit`, in key order, and takes it as committed.
    fn drain_dirty(&mut self, visit: &mut dyn FnMut(Change)) -> Result<(), StoreError>;

    /// Forgets what changed since the last [`StateStore::drain_dirty`], also what was derived from it.
    fn discard_dirty(&mut self) -> Result<(), StoreError>;
}

struct Entry<V> {
    /// `None`: known to be absent.
    value: Option<V>,
    dirty: bool,
    /// Commit in which the entry was last used.
    used: u32,
}

/// A key in the cache. Most are hashes or ids, and stand in the entry itself: no allocation, and nothing to follow when
/// they are compared.
type Key = SmallVec<[u8; 32]>;

/// Entries kept decoded between commits; beyond it, the half that was not used for longest goes.
const CACHE_ENTRIES: usize = 200_000;

/// A typed keyspace.
pub struct Store<V> {
    name: &'static str,
    cache: IndexMap<Key, Entry<V>, FxBuildHasher>,
    /// Places of changed entries in `cache`. Places move only where this list is empty: at eviction and after a
    /// discard.
    dirty: Vec<usize>,
    backend: Option<Box<dyn Backend>>,
    commit: u32,
    capacity: usize,
}

impl<V: Serialize + DeserializeOwned + Send> Store<V> {
    /// An empty store in memory, until an engine attaches a backend.
    #[must_use]
    pub fn new(name: &'static str) -> Self {
        Self {
            name,
            cache: IndexMap::default(),
            dirty: Vec::new(),
            backend: None,
            commit: 0,
            capacity: CACHE_ENTRIES,
        }
    }

    /// The value of `key`.
    pub fn get(&mut self, key: &[u8]) -> Result<Option<&V>, StoreError> {
        Ok(self.find(key)?.and_then(|place| self.cache[place].value.as_ref()))
    }

    /// The value of `key`, to be changed in place: it counts as changed.
    pub fn get_mut(&mut self, key: &[u8]) -> Result<Option<&mut V>, StoreError> {
        match self.find(key)? {
            Some(place) if self.cache[place].value.is_some() => Ok(self.change(place).value.as_mut()),
            _ => Ok(None),
        }
    }

    /// The value of `key`, made by `default` when absent, to be changed in place.
    pub fn get_or_insert_with(&mut self, key: &[u8], default: impl FnOnce() -> V) -> Result<&mut V, StoreError> {
        let place = match self.find(key)? {
            Some(place) => place,
            None => self.insert(key, None),
        };
        Ok(self.change(place).value.get_or_insert_with(default))
    }

    /// Sets the value of `key`.
    pub fn put(&mut self, key: &[u8], value: V) {
        self.set(key, Some(value));
    }

    /// Removes `key`.
    pub fn remove(&mut self, key: &[u8]) {
        self.set(key, None);
    }

    /// Calls `visit` for each entry, committed or not, in key order. Entries that are not in the cache do not enter it.
    pub fn scan(&mut self, visit: impl FnMut(&[u8], &V)) -> Result<(), StoreError> {
        self.scan_of(&[], visit)
    }

    /// As [`Store::scan`], for the entries whose keys begin with `prefix`.
    pub fn scan_of(&mut self, prefix: &[u8], mut visit: impl FnMut(&[u8], &V)) -> Result<(), StoreError> {
        let mut cached: Vec<(&[u8], &Entry<V>)> = self
            .cache
            .iter()
            .map(|(key, entry)| (key.as_slice(), entry))
            .filter(|(key, _)| key.starts_with(prefix))
            .collect();
        cached.sort_unstable_by_key(|(key, _)| *key);
        let mut cached = cached.into_iter().peekable();
        let mut broken = None;
        if let Some(backend) = &self.backend {
            backend
                .scan(prefix, &mut |key, bytes| {
                    while let Some((had, entry)) = cached.next_if(|(had, _)| *had < key) {
                        if let Some(value) = &entry.value {
                            visit(had, value);
                        }
                    }
                    if cached.peek().is_some_and(|(had, _)| *had == key) {
                        return;
                    }
                    match wire::from_bytes(bytes) {
                        Ok(value) => visit(key, &value),
                        Err(error) => broken = broken.take().or(Some(error)),
                    }
                })
                .map_err(|source| StoreError::Backend {
                    store: self.name,
                    source,
                })?;
        }
        for (key, entry) in cached {
            if let Some(value) = &entry.value {
                visit(key, value);
            }
        }
        match broken {
            Some(source) => Err(StoreError::Entry {
                store: self.name,
                source,
            }),
            None => Ok(()),
        }
    }

    /// Place of `key` in the cache, from the backend if need be; `None` when it is absent and nothing rests below.
    fn find(&mut self, key: &[u8]) -> Result<Option<usize>, StoreError> {
        if let Some((place, _, entry)) = self.cache.get_full_mut(key) {
            entry.used = self.commit;
            return Ok(Some(place));
        }
        let Some(backend) = &self.backend else {
            return Ok(None);
        };
        let bytes = backend.get(key).map_err(|source| StoreError::Backend {
            store: self.name,
            source,
        })?;
        let value = bytes
            .map(|bytes| wire::from_bytes(&bytes))
            .transpose()
            .map_err(|source| StoreError::Entry {
                store: self.name,
                source,
            })?;
        Ok(Some(self.insert(key, value)))
    }

    fn insert(&mut self, key: &[u8], value: Option<V>) -> usize {
        let entry = Entry {
            value,
            dirty: false,
            used: self.commit,
        };
        self.cache.insert_full(Key::from_slice(key), entry).0
    }

    fn set(&mut self, key: &[u8], value: Option<V>) {
        let place = match self.cache.get_index_of(key) {
            Some(place) => place,
            None => self.insert(key, None),
        };
        self.change(place).value = value;
    }

    /// The entry at `place`, noted as changed.
    fn change(&mut self, place: usize) -> &mut Entry<V> {
        let entry = &mut self.cache[place];
        entry.used = self.commit;
        if !std::mem::replace(&mut entry.dirty, true) {
            self.dirty.push(place);
        }
        entry
    }

    fn key(&self, place: usize) -> &[u8] {
        self.cache.get_index(place).map_or(&[], |(key, _)| key.as_slice())
    }

    /// Lets go of the older half of a full cache; what this commit used stays.
    fn evict(&mut self) {
        let mut ages: Vec<u32> = self
            .cache
            .values()
            .map(|entry| self.commit.wrapping_sub(entry.used))
            .collect();
        let middle = ages.len() / 2;
        let (_, &mut median, _) = ages.select_nth_unstable(middle);
        let commit = self.commit;
        self.cache.retain(|_, entry| {
            let age = commit.wrapping_sub(entry.used);
            age == 0 || age < median
        });
    }
}

impl<V: Serialize + DeserializeOwned + Send> StateStore for Store<V> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn shape(&self, shapes: &mut Shapes) -> Result<(), ShapeError> {
        shapes.add::<V>(format!("store {}", self.name))
    }

    fn attach(&mut self, backend: Box<dyn Backend>) -> Result<(), StoreError> {
        self.cache.clear();
        self.dirty.clear();
        self.backend = Some(backend);
        Ok(())
    }

    fn is_dirty(&self) -> bool {
        !self.dirty.is_empty()
    }

    fn drain_dirty(&mut self, visit: &mut dyn FnMut(Change)) -> Result<(), StoreError> {
        let mut places = std::mem::take(&mut self.dirty);
        places.sort_unstable_by(|&one, &other| self.key(one).cmp(self.key(other)));
        for &place in &places {
            if let Some((key, entry)) = self.cache.get_index_mut(place) {
                entry.dirty = false;
                let bytes =
                    entry
                        .value
                        .as_ref()
                        .map(wire::to_bytes)
                        .transpose()
                        .map_err(|source| StoreError::Entry {
                            store: self.name,
                            source,
                        })?;
                visit((key, bytes));
            }
        }
        // The list keeps its memory for the next commit.
        places.clear();
        self.dirty = places;
        if self.backend.is_some() && self.cache.len() > self.capacity {
            self.evict();
        }
        self.commit = self.commit.wrapping_add(1);
        Ok(())
    }

    fn discard_dirty(&mut self) -> Result<(), StoreError> {
        let mut places = std::mem::take(&mut self.dirty);
        // From the end: what takes a removed entry's place is never one that is still to go.
        places.sort_unstable();
        for place in places.into_iter().rev() {
            self.cache.swap_remove_index(place);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MemoryBackend;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    #[derive(Clone, Debug)]
    enum Act {
        Put(u8, u32),
        Add(u8),
        Change(u8),
        Remove(u8),
        Look(u8),
        Scan,
        ScanOf(u8),
        Commit,
        Discard,
        Restart,
    }

    fn acts() -> impl Strategy<Value = Vec<Act>> {
        let key = 0u8..24;
        let act = prop_oneof![
            4 => (key.clone(), any::<u32>()).prop_map(|(key, value)| Act::Put(key, value)),
            4 => key.clone().prop_map(Act::Add),
            2 => key.clone().prop_map(Act::Change),
            3 => key.clone().prop_map(Act::Remove),
            3 => key.prop_map(Act::Look),
            1 => Just(Act::Scan),
            1 => (0u8..4).prop_map(Act::ScanOf),
            3 => Just(Act::Commit),
            2 => Just(Act::Discard),
            1 => Just(Act::Restart),
        ];
        prop::collection::vec(act, 1..120)
    }

    /// A key of two bytes: several begin alike.
    fn two(key: u8) -> [u8; 2] {
        [key / 8, key % 8]
    }

    fn open(backend: &MemoryBackend, capacity: usize) -> Store<u32> {
        let mut store = Store::new("numbers");
        store.capacity = capacity;
        store.attach(Box::new(backend.clone())).unwrap();
        store
    }

    proptest! {
        /// Against two plain maps: what is committed, and what is now.
        #[test]
        fn is_a_map_with_commits(acts in acts(), capacity in 0usize..16) {
            let backend = MemoryBackend::default();
            let mut store = open(&backend, capacity);
            let mut committed: BTreeMap<Vec<u8>, u32> = BTreeMap::new();
            let mut now = committed.clone();
            for act in acts {
                match act {
                    Act::Put(key, value) => {
                        store.put(&two(key), value);
                        now.insert(two(key).to_vec(), value);
                    }
                    Act::Add(key) => {
                        let value = store.get_or_insert_with(&two(key), || 7).unwrap();
                        *value = value.wrapping_add(1);
                        let model = now.entry(two(key).to_vec()).or_insert(7);
                        *model = model.wrapping_add(1);
                    }
                    Act::Change(key) => {
                        let (value, model) = (store.get_mut(&two(key)).unwrap(), now.get_mut(two(key).as_slice()));
                        prop_assert_eq!(value.is_some(), model.is_some());
                        if let (Some(value), Some(model)) = (value, model) {
                            *value = value.rotate_left(3);
                            *model = model.rotate_left(3);
                        }
                    }
                    Act::Remove(key) => {
                        store.remove(&two(key));
                        now.remove(two(key).as_slice());
                    }
                    Act::Look(key) => prop_assert_eq!(store.get(&two(key)).unwrap(), now.get(two(key).as_slice())),
                    Act::Scan => {
                        let mut seen = Vec::new();
                        store.scan(|key, value| seen.push((key.to_vec(), *value))).unwrap();
                        prop_assert_eq!(seen, now.clone().into_iter().collect::<Vec<_>>());
                    }
                    Act::ScanOf(first) => {
                        let mut seen = Vec::new();
                        store.scan_of(&[first], |key, value| seen.push((key.to_vec(), *value))).unwrap();
                        let found = now.clone().into_iter().filter(|(key, _)| key[0] == first);
                        prop_assert_eq!(seen, found.collect::<Vec<_>>());
                    }
                    Act::Commit => {
                        let mut keys = Vec::new();
                        store.drain_dirty(&mut |change| {
                            keys.push(change.0.to_vec());
                            backend.apply(change);
                        }).unwrap();
                        prop_assert!(keys.is_sorted());
                        committed.clone_from(&now);
                        let encoded: BTreeMap<_, _> =
                            committed.iter().map(|(key, value)| (key.clone(), wire::to_bytes(value).unwrap())).collect();
                        prop_assert_eq!(backend.entries(), encoded);
                    }
                    Act::Discard => {
                        store.discard_dirty().unwrap();
                        now.clone_from(&committed);
                    }
                    Act::Restart => {
                        store = open(&backend, capacity);
                        now.clone_from(&committed);
                    }
                }
            }
        }
    }

    #[test]
    fn a_full_cache_lets_go_of_what_was_not_used_for_longest() {
        let backend = MemoryBackend::default();
        let mut store = open(&backend, 8);
        let commit = |store: &mut Store<u32>| store.drain_dirty(&mut |change| backend.apply(change)).unwrap();
        for key in 0..8 {
            store.put(&[key], 1);
            commit(&mut store);
        }
        assert_eq!(store.cache.len(), 8);
        store.get(&[0]).unwrap();
        store.put(&[8], 1);
        commit(&mut store);
        assert!(store.cache.len() <= 5, "{}", store.cache.len());
        for recent in [0u8, 7, 8] {
            assert!(store.cache.contains_key(&[recent][..]), "{recent}");
        }
        for key in 0..9 {
            assert_eq!(store.get(&[key]).unwrap(), Some(&1));
        }
    }

    #[test]
    fn an_entry_of_another_release_is_an_error_that_names_the_store() {
        let backend = MemoryBackend::default();
        backend.apply((b"k", Some(vec![wire::VERSION + 1, 0])));
        let mut store = open(&backend, 8);
        let told = store.get(b"k").unwrap_err().to_string();
        assert!(told.contains("numbers"), "{told}");
        assert!(store.scan(|_, _| ()).is_err());
    }
}
