//! Timers by event time: the engines' clocks never fire them, only time that the log brought.

use crate::shape::{ShapeError, Shapes};
use crate::store::{Backend, Change, StateStore, Store, StoreError};
use hilo_domain::Millis;
use std::collections::BTreeSet;

/// A persisted set of deadlines, at most one a key.
///
/// The deadlines rest in a [`Store`]; the queue in deadline order is derived from it and kept in memory, 24 bytes and the
/// key for each timer.
pub struct Timers {
    deadlines: Store<Millis>,
    queue: BTreeSet<(Millis, Box<[u8]>)>,
}

impl Timers {
    /// No timers, until an engine attaches a backend.
    #[must_use]
    pub fn new(name: &'static str) -> Self {
        Self {
            deadlines: Store::new(name),
            queue: BTreeSet::new(),
        }
    }

    /// Sets the timer of `key` to `at`, whatever it was.
    pub fn schedule(&mut self, key: &[u8], at: Millis) -> Result<(), StoreError> {
        match self.deadlines.get(key)?.copied() {
            Some(had) if had == at => return Ok(()),
            Some(had) => {
                self.queue.remove(&(had, key.into()));
            }
            None => {}
        }
        self.deadlines.put(key, at);
        self.queue.insert((at, key.into()));
        Ok(())
    }

    /// Removes the timer of `key`, if there is one.
    pub fn cancel(&mut self, key: &[u8]) -> Result<(), StoreError> {
        if let Some(had) = self.deadlines.get(key)?.copied() {
            self.queue.remove(&(had, key.into()));
            self.deadlines.remove(key);
        }
        Ok(())
    }

    /// Deadline of `key`.
    pub fn deadline(&mut self, key: &[u8]) -> Result<Option<Millis>, StoreError> {
        Ok(self.deadlines.get(key)?.copied())
    }

    /// Takes the timers whose deadline is `now` or before, in the order of (deadline, key).
    pub fn due(&mut self, now: Millis) -> Vec<(Millis, Vec<u8>)> {
        let mut due = Vec::new();
        while let Some((at, _)) = self.queue.first()
            && *at <= now
        {
            if let Some((at, key)) = self.queue.pop_first() {
                self.deadlines.remove(&key);
                due.push((at, key.into_vec()));
            }
        }
        due
    }

    fn rebuild(&mut self) -> Result<(), StoreError> {
        self.queue.clear();
        let queue = &mut self.queue;
        self.deadlines.scan(|key, &at| {
            queue.insert((at, key.into()));
        })
    }
}

impl StateStore for Timers {
    fn name(&self) -> &'static str {
        self.deadlines.name()
    }

    fn shape(&self, shapes: &mut Shapes) -> Result<(), ShapeError> {
        self.deadlines.shape(shapes)
    }

    fn attach(&mut self, backend: Box<dyn Backend>) -> Result<(), StoreError> {
        self.deadlines.attach(backend)?;
        self.rebuild()
    }

    fn is_dirty(&self) -> bool {
        self.deadlines.is_dirty()
    }

    fn drain_dirty(&mut self, visit: &mut dyn FnMut(Change)) -> Result<(), StoreError> {
        self.deadlines.drain_dirty(visit)
    }

    fn discard_dirty(&mut self) -> Result<(), StoreError> {
        self.deadlines.discard_dirty()?;
        self.rebuild()
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
        Schedule(u8, Millis),
        Cancel(u8),
        Due(Millis),
        Commit,
        Discard,
        Restart,
    }

    fn acts() -> impl Strategy<Value = Vec<Act>> {
        let act = prop_oneof![
            6 => (0u8..12, -5i64..30).prop_map(|(key, at)| Act::Schedule(key, at)),
            2 => (0u8..12).prop_map(Act::Cancel),
            3 => (-5i64..30).prop_map(Act::Due),
            2 => Just(Act::Commit),
            2 => Just(Act::Discard),
            1 => Just(Act::Restart),
        ];
        prop::collection::vec(act, 1..100)
    }

    proptest! {
        #[test]
        fn fires_in_order_and_keeps_to_commits(acts in acts()) {
            let backend = MemoryBackend::default();
            let open = || {
                let mut timers = Timers::new("timers");
                timers.attach(Box::new(backend.clone())).unwrap();
                timers
            };
            let mut timers = open();
            let mut committed: BTreeMap<Vec<u8>, Millis> = BTreeMap::new();
            let mut now = committed.clone();
            for act in acts {
                match act {
                    Act::Schedule(key, at) => {
                        timers.schedule(&[key], at).unwrap();
                        now.insert(vec![key], at);
                        prop_assert_eq!(timers.deadline(&[key]).unwrap(), Some(at));
                    }
                    Act::Cancel(key) => {
                        timers.cancel(&[key]).unwrap();
                        now.remove(&vec![key]);
                        prop_assert_eq!(timers.deadline(&[key]).unwrap(), None);
                    }
                    Act::Due(time) => {
                        let mut expected: Vec<(Millis, Vec<u8>)> = now
                            .iter()
                            .filter(|(_, at)| **at <= time)
                            .map(|(key, at)| (*at, key.clone()))
                            .collect();
                        expected.sort();
                        now.retain(|_, at| *at > time);
                        prop_assert_eq!(timers.due(time), expected);
                    }
                    Act::Commit => {
                        timers.drain_dirty(&mut |change| backend.apply(change)).unwrap();
                        committed.clone_from(&now);
                    }
                    Act::Discard => {
                        timers.discard_dirty().unwrap();
                        now.clone_from(&committed);
                    }
                    Act::Restart => {
                        timers = open();
                        now.clone_from(&committed);
                    }
                }
            }
        }
    }
}
