//! What has to be made anew, and when: at the next tick, or when a deadline has passed.

use super::Key;
use hilo_domain::Millis;
use hilo_stream::{StateStore, Store, StoreError, Timers};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// So much is marked before it is made without a tick: a replay has few ticks, and one of them must not hold all.
const ENOUGH: u32 = 1_000;
/// Of a mark that is for now.
const NOW: Millis = Millis::MIN;
/// Key of the one entry of a store that has one.
const ONLY: &[u8] = b"";

/// What records are made of. What others belong to is made first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Subject {
    Person,
    Session,
    Deal,
    Message,
}

/// A subject and its key.
pub(super) type Marked = (Subject, Vec<u8>);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Clock {
    now: Millis,
    marked: u32,
    /// Configuration by which records were made last.
    config: Option<Key>,
}

impl Default for Clock {
    fn default() -> Self {
        Self {
            now: Millis::MIN,
            marked: 0,
            config: None,
        }
    }
}

/// Marks and deadlines.
pub(super) struct Due {
    timers: Timers,
    clock: Store<Clock>,
}

impl Due {
    pub(super) fn new() -> Self {
        Self {
            timers: Timers::new("due"),
            clock: Store::new("clock"),
        }
    }

    pub(super) fn stores(&mut self) -> [&mut dyn StateStore; 2] {
        [&mut self.timers, &mut self.clock]
    }

    /// The greatest time that a clock record brought.
    pub(super) fn now(&mut self) -> Result<Millis, StoreError> {
        Ok(self.clock.get(ONLY)?.map_or(Millis::MIN, |clock| clock.now))
    }

    /// A subject has changed.
    pub(super) fn changed(&mut self, subject: Subject, id: &[u8]) -> Result<(), StoreError> {
        let key = key(b'a', subject, id);
        if self.timers.deadline(&key)? != Some(NOW) {
            self.timers.schedule(&key, NOW)?;
            self.clock.get_or_insert_with(ONLY, Clock::default)?.marked += 1;
        }
        Ok(())
    }

    /// A subject changes by time alone, next at `at`; `None`: it does not.
    pub(super) fn wake(&mut self, subject: Subject, id: &[u8], at: Option<Millis>) -> Result<(), StoreError> {
        let key = key(b'b', subject, id);
        match at {
            Some(at) => self.timers.schedule(&key, at),
            None => self.timers.cancel(&key),
        }
    }

    /// Notes by which configuration records are made. Gives whether it is another one than before.
    pub(super) fn configured(&mut self, config: Key) -> Result<bool, StoreError> {
        let had = self.clock.get(ONLY)?.and_then(|clock| clock.config);
        if had == Some(config) {
            return Ok(false);
        }
        self.clock.get_or_insert_with(ONLY, Clock::default)?.config = Some(config);
        Ok(had.is_some())
    }

    /// A subject has to be made anew by another configuration, at `at`.
    pub(super) fn again(&mut self, subject: Subject, id: &[u8], at: Millis) -> Result<(), StoreError> {
        self.timers.schedule(&key(b'c', subject, id), at)
    }

    /// Whether so much is marked that it should be made.
    pub(super) fn is_enough(&mut self) -> Result<bool, StoreError> {
        Ok(self.clock.get(ONLY)?.is_some_and(|clock| clock.marked >= ENOUGH))
    }

    /// Takes what is marked, and with a tick what is due by time; in the order in which it is made.
    pub(super) fn take(&mut self, tick: Option<Millis>) -> Result<BTreeSet<Marked>, StoreError> {
        let clock = self.clock.get(ONLY)?.copied().unwrap_or_default();
        let now = tick.map_or(clock.now, |tick| tick.max(clock.now));
        if now != clock.now || clock.marked > 0 {
            self.clock.put(
                ONLY,
                Clock {
                    now,
                    marked: 0,
                    ..clock
                },
            );
        }
        let until = if tick.is_some() { now } else { NOW };
        let due = self.timers.due(until);
        Ok(due.into_iter().filter_map(|(_, key)| subject(key)).collect())
    }
}

fn key(part: u8, subject: Subject, id: &[u8]) -> Vec<u8> {
    let mut key = Vec::with_capacity(id.len() + 2);
    key.extend([part, subject as u8]);
    key.extend_from_slice(id);
    key
}

fn subject(mut key: Vec<u8>) -> Option<Marked> {
    let subject = match key.get(1)? {
        0 => Subject::Person,
        1 => Subject::Session,
        2 => Subject::Deal,
        3 => Subject::Message,
        _ => return None,
    };
    key.drain(..2);
    Some((subject, key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_come_with_each_taking_and_deadlines_with_their_time() {
        let mut due = Due::new();
        due.changed(Subject::Message, b"m").unwrap();
        due.changed(Subject::Person, b"p").unwrap();
        due.changed(Subject::Person, b"p").unwrap();
        due.wake(Subject::Session, b"s", Some(50)).unwrap();
        let taken = |due: &mut Due, tick| due.take(tick).unwrap().into_iter().collect::<Vec<_>>();
        assert_eq!(
            taken(&mut due, None),
            [(Subject::Person, b"p".to_vec()), (Subject::Message, b"m".to_vec())]
        );
        assert_eq!(taken(&mut due, Some(49)), []);
        assert_eq!(taken(&mut due, Some(50)), [(Subject::Session, b"s".to_vec())]);
        due.wake(Subject::Session, b"s", Some(60)).unwrap();
        due.wake(Subject::Session, b"s", None).unwrap();
        assert_eq!(taken(&mut due, Some(99)), []);
        assert_eq!(taken(&mut due, Some(70)), [], "time may go back");
        assert_eq!(due.now().unwrap(), 99);
    }

    #[test]
    fn enough_is_counted_by_subjects() {
        let mut due = Due::new();
        for number in 0..ENOUGH - 1 {
            due.changed(Subject::Deal, &number.to_le_bytes()).unwrap();
            due.changed(Subject::Deal, &number.to_le_bytes()).unwrap();
        }
        assert!(!due.is_enough().unwrap());
        due.changed(Subject::Person, b"x").unwrap();
        assert!(due.is_enough().unwrap());
        assert_eq!(due.take(None).unwrap().len(), ENOUGH as usize);
        assert!(!due.is_enough().unwrap());
    }
}
