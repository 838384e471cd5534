//! The places of a listener: who has one, and who gives one up when all are taken.

use super::{ServeLimits, seat::Seat};
use crate::Peer;
use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::{sync::Notify, time::Instant};

/// A look at all connections makes room for one in so many of them, so that a flood does not make us look each time.
const SHARE: usize = 64;

/// All places.
pub(super) struct Places {
    limits: ServeLimits,
    held: Mutex<Held>,
    left: Notify,
}

#[derive(Default)]
struct Held {
    next: u64,
    seats: BTreeMap<u64, Arc<Seat>>,
}

impl Places {
    pub(super) fn new(limits: ServeLimits) -> Self {
        Self {
            limits,
            held: Mutex::default(),
            left: Notify::new(),
        }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn are_full(&self) -> bool {
        self.held().seats.len() >= self.limits.connections.max(1)
    }

    /// Takes a place for a new connection.
    pub(super) fn take(self: &Arc<Self>, peer: Peer) -> Place {
        let seat = Arc::new(Seat::new(peer, Instant::now()));
        let mut held = self.held();
        let number = held.next;
        held.next += 1;
        held.seats.insert(number, Arc::clone(&seat));
        drop(held);
        Place {
            places: Arc::clone(self),
            number,
            seat,
        }
    }

    /// Resolves when a connection has left since the last look.
    pub(super) async fn left(&self) {
        self.left.notified().await;
    }

    /// Closes connections that have had their time.
    pub(super) fn close_overdue(&self, now: Instant) {
        for seat in self.held().seats.values() {
            if seat.is_overdue(now, &self.limits) {
                seat.close();
            }
        }
    }

    /// Closes all.
    pub(super) fn close_all(&self) {
        for seat in self.held().seats.values() {
            seat.close();
        }
    }

    /// Closes some connections that wait for their client: strangers first, of the client that holds the most places,
    /// the oldest first. So a client that opens many takes them from itself. Says how many; none while all are served.
    pub(super) fn shed(&self, now: Instant) -> usize {
        let mut held = self.held();
        let mut by_peer: HashMap<Peer, usize> = HashMap::new();
        for seat in held.seats.values() {
            *by_peer.entry(seat.peer).or_default() += 1;
        }
        let mut waiting: Vec<_> = held
            .seats
            .iter()
            .filter_map(|(number, seat)| {
                let (known, since) = seat.waits(now)?;
                let places = by_peer.get(&seat.peer).copied().unwrap_or_default();
                Some((known, Reverse(places), since, *number))
            })
            .collect();
        let many = (self.limits.connections / SHARE).max(1).min(waiting.len());
        if many == 0 {
            return 0;
        }
        waiting.select_nth_unstable(many - 1);
        for (.., number) in &waiting[..many] {
            if let Some(seat) = held.seats.remove(number) {
                seat.close();
            }
        }
        many
    }
}

/// The place of one connection, until it is dropped.
pub(super) struct Place {
    places: Arc<Places>,
    number: u64,
    seat: Arc<Seat>,
}

impl Place {
    pub(super) fn seat(&self) -> &Arc<Seat> {
        &self.seat
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.held().seats.remove(&self.number);
        self.places.left.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn peer(last: u8) -> Peer {
        Peer::at([192, 0, 2, last].into())
    }

    fn places(connections: usize) -> Arc<Places> {
        Arc::new(Places::new(ServeLimits {
            connections,
            ..ServeLimits::default()
        }))
    }

    fn later(millis: u64) -> Instant {
        Instant::now() + Duration::from_millis(millis)
    }

    fn has(places: &Places, place: &Place) -> bool {
        places.held().seats.contains_key(&place.number)
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_that_is_served_keeps_its_place_and_what_waits_gives_its_up() {
        let places = places(2);
        let (served, waits) = (places.take(peer(1)), places.take(peer(1)));
        served.seat().request(false);
        assert!(places.are_full());
        assert_eq!(places.shed(Instant::now()), 0, "nobody has waited for long yet");
        assert_eq!(places.shed(later(100)), 1);
        assert!(has(&places, &served) && !has(&places, &waits));
        assert_eq!(places.shed(later(10_000)), 0, "the one that is left is served");
        waits.seat().closed().await;
    }

    #[tokio::test(start_paused = true)]
    async fn who_holds_the_most_places_gives_up_first_and_strangers_before_others() {
        let places = places(4);
        let quiet = places.take(peer(1));
        tokio::time::advance(Duration::from_secs(1)).await;
        let crowd: Vec<Place> = (0..3).map(|_| places.take(peer(2))).collect();
        let known = crowd[0].seat();
        known.request(false);
        known.answer(true, false, false);
        known.answered();
        for expected in [1, 2] {
            assert_eq!(places.shed(later(200)), 1);
            assert!(
                !has(&places, &crowd[expected]),
                "the oldest of the strangers in the crowd"
            );
        }
        assert!(
            has(&places, &quiet),
            "the oldest of all, but of a client with one place"
        );
        assert_eq!(places.shed(later(200)), 1);
        assert!(!has(&places, &quiet) && has(&places, &crowd[0]));
    }

    #[tokio::test(start_paused = true)]
    async fn each_phase_has_its_time() {
        let places = places(8);
        let limits = ServeLimits::default();
        let overdue = |place: &Place, after: Duration| place.seat().is_overdue(Instant::now() + after, &limits);
        let almost = |time: Duration| time.saturating_sub(Duration::from_millis(1));
        let head = places.take(peer(1));
        assert!(!overdue(&head, almost(limits.head_time)) && overdue(&head, limits.head_time));
        let body = places.take(peer(1));
        body.seat().request(true);
        assert!(!overdue(&body, almost(limits.stall_time)) && overdue(&body, limits.stall_time));
        let work = places.take(peer(1));
        work.seat().request(true);
        work.seat().body_end(true);
        assert!(!overdue(&work, Duration::from_hours(1)), "the wait is ours");
        work.seat().answer(true, false, false);
        assert!(!overdue(&work, Duration::from_hours(1)), "an event stream");
        work.seat().write_waits();
        assert!(!overdue(&work, almost(limits.stall_time)) && overdue(&work, limits.stall_time));
        work.seat().wrote();
        work.seat().answered();
        assert!(!overdue(&work, almost(limits.idle_time)) && overdue(&work, limits.idle_time));
        work.seat().read();
        assert!(overdue(&work, limits.head_time), "a head has begun");
    }
}
