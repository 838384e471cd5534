//! Memory for bodies. Small ones have room of their own; of the room of large ones a client has a fair share.

use crate::refusal::Refusal;
use hilo_service::Peer;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// From this size on a body is large. Deliveries of the platform have some hundred bytes to some kilobytes.
pub(crate) const LARGE: usize = 64 << 10;

/// Bytes that may be in memory at once over all requests.
#[derive(Clone)]
pub(crate) struct Room(Arc<Mutex<Free>>);

struct Free {
    small: usize,
    large: usize,
    /// Of the large ones.
    taken: HashMap<Peer, usize>,
}

impl Room {
    pub(crate) fn new(small: usize, large: usize) -> Self {
        Self(Arc::new(Mutex::new(Free {
            small,
            large,
            taken: HashMap::new(),
        })))
    }

    /// Where a body goes whose size is announced, or not: then it may be large. Nothing is taken yet.
    pub(crate) fn enter(&self, announced: Option<usize>, peer: Peer) -> Held {
        Held {
            room: self.clone(),
            large: announced.is_none_or(|bytes| bytes >= LARGE).then_some(peer),
            bytes: 0,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Free> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    pub(crate) fn free(&self) -> (usize, usize) {
        let free = self.lock();
        (free.small, free.large)
    }
}

/// What one body holds of the room, until it is dropped.
pub(crate) struct Held {
    room: Room,
    /// Whose it is, where it is a large one.
    large: Option<Peer>,
    bytes: usize,
}

impl Held {
    /// Taken as bytes arrive, not as they are announced: an announcement costs the sender nothing.
    ///
    /// A client may hold as much of the room for large bodies as it leaves free for others: alone one half, beside
    /// another a third. So nobody shuts others out, and a proxy, which is one client, is never refused for being one.
    pub(crate) fn take(&mut self, bytes: usize) -> Result<(), Refusal> {
        let mut free = self.room.lock();
        match self.large {
            None => free.small = free.small.checked_sub(bytes).ok_or(Refusal::Busy)?,
            Some(peer) => {
                let left = free.large.checked_sub(bytes).ok_or(Refusal::Busy)?;
                let own = free.taken.get(&peer).copied().unwrap_or_default() + bytes;
                if own > left {
                    return Err(Refusal::Busy);
                }
                free.large = left;
                free.taken.insert(peer, own);
            }
        }
        self.bytes += bytes;
        Ok(())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut free = self.room.lock();
        match self.large {
            None => free.small += self.bytes,
            Some(peer) => {
                free.large += self.bytes;
                if let Some(own) = free.taken.get_mut(&peer) {
                    *own -= self.bytes;
                    if *own == 0 {
                        free.taken.remove(&peer);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn peer(last: u8) -> Peer {
        Peer::at([192, 0, 2, last].into())
    }

    #[test]
    fn small_bodies_have_room_that_large_ones_cannot_take() {
        let room = Room::new(10, 1_000);
        let mut large: Vec<Held> = (0..200).map(|last| room.enter(None, peer(last))).collect();
        while large.iter_mut().any(|held| held.take(1).is_ok()) {}
        let mut small = room.enter(Some(10), peer(1));
        assert_eq!(small.take(10), Ok(()));
        assert_eq!(room.enter(Some(1), peer(2)).take(1), Err(Refusal::Busy));
        drop(small);
        assert_eq!(room.enter(Some(1), peer(2)).take(1), Ok(()));
        drop(large);
        assert_eq!(room.free(), (10, 1_000));
    }

    #[test]
    fn a_client_takes_no_more_of_the_room_than_it_leaves() {
        let room = Room::new(0, 900);
        let mut greedy: Vec<Held> = (0..10).map(|_| room.enter(Some(LARGE), peer(1))).collect();
        let served = greedy.iter_mut().filter_map(|held| held.take(100).ok()).count();
        assert_eq!(
            served, 4,
            "of 900: 400 taken and 500 left; a fifth would be 500 and 400"
        );
        let mut other = room.enter(Some(LARGE), peer(2));
        assert_eq!((other.take(200), other.take(100)), (Ok(()), Err(Refusal::Busy)));
    }

    proptest! {
        #[test]
        fn what_is_taken_comes_back(steps in prop::collection::vec((0..4u8, 0..3usize, 0..300usize), 0..60)) {
            let room = Room::new(500, 900);
            let mut held: Vec<Held> = Vec::new();
            for (who, what, bytes) in steps {
                match what {
                    0 => held.push(room.enter((who % 2 == 0).then_some(bytes), peer(who))),
                    1 => held.iter_mut().take(1 + usize::from(who)).for_each(|held| {
                        let _ = held.take(bytes);
                    }),
                    _ => drop(held.pop()),
                }
                let (small, large) = room.free();
                let sum = |large: bool| -> usize {
                    held.iter().filter(|held| held.large.is_some() == large).map(|held| held.bytes).sum()
                };
                prop_assert_eq!((small + sum(false), large + sum(true)), (500, 900));
            }
            drop(held);
            prop_assert_eq!(room.free(), (500, 900));
            prop_assert!(room.lock().taken.is_empty());
        }
    }
}
