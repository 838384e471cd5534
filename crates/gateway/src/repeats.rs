//! Requests that may come again: by their `Idempotency-Key`, or because nobody knows yet what became of them.
//!
//! A request is remembered by hashes and its receipt only. The lines and ids of an answer are computed from the body and
//! the receipt, so a repetition computes the same ones. What is forgotten does no harm where lines have an `at`: the same
//! line is the same fact.

use hilo_domain::Millis;
use sha2::{Digest as _, Sha256};
use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{sync::watch, time::Instant};

/// Keys of one tenant; beyond it the oldest is forgotten.
const KEYS: usize = 10_000;
/// How long a key is remembered.
const KEPT: Duration = Duration::from_hours(24);

/// A hash of something that is long or secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Fingerprint([u8; 32]);

impl Fingerprint {
    pub(crate) fn of(parts: &[&[u8]]) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        Self(hash.finalize().into())
    }
}

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The log has it and has not answered.
    Waits,
    /// Durable.
    Kept,
    /// Not kept, as far as anybody knows: the next one with this body appends it again, as of the same receipt.
    Failed,
}

/// One request that may come again.
#[derive(Debug)]
pub(crate) struct Remembered {
    body: Fingerprint,
    /// Stands for an `at` that a line does not have, also when the request comes again.
    pub(crate) received_at: Millis,
    outcome: watch::Sender<Outcome>,
}

impl Remembered {
    fn new(body: Fingerprint, received_at: Millis) -> Arc<Self> {
        Arc::new(Self {
            body,
            received_at,
            outcome: watch::Sender::new(Outcome::Waits),
        })
    }

    pub(crate) fn settle(&self, outcome: Outcome) {
        self.outcome.send_replace(outcome);
    }

    /// Resolves when the log has answered. A sender of this channel is always there.
    pub(crate) async fn outcome(&self) -> Outcome {
        let mut outcome = self.outcome.subscribe();
        let settled = outcome.wait_for(|outcome| *outcome != Outcome::Waits).await;
        settled.map_or(Outcome::Failed, |outcome| *outcome)
    }
}

/// What a request is.
#[derive(Debug)]
pub(crate) enum Request {
    /// The first of its kind, or the first after one that failed: its lines are to be appended.
    First(Arc<Remembered>),
    /// It came before.
    Again(Arc<Remembered>),
    /// Its key came before with another body.
    OtherBody,
}

/// All requests that may come again, by tenant.
#[derive(Default)]
pub(crate) struct Repeats(Mutex<HashMap<String, Requests>>);

#[derive(Default)]
struct Requests {
    by_id: HashMap<Fingerprint, (Instant, Arc<Remembered>)>,
    /// In the order in which they began; an entry that is no longer in `by_id` as of that time is passed over.
    order: VecDeque<(Instant, Fingerprint)>,
}

impl Repeats {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Requests>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A request of `tenant` with this body, and this key or none.
    pub(crate) fn request(&self, tenant: &str, key: Option<&[u8]>, body: Fingerprint, now: Millis) -> Request {
        let id = id(key, body);
        let mut tenants = self.lock();
        let requests = tenants.entry(tenant.to_owned()).or_default();
        requests.forget_old();
        if let Some((_, before)) = requests.by_id.get(&id) {
            if before.body != body {
                return Request::OtherBody;
            }
            let mut failed = false;
            before.outcome.send_if_modified(|outcome| {
                failed = *outcome == Outcome::Failed;
                if failed {
                    *outcome = Outcome::Waits;
                }
                failed
            });
            return if failed {
                Request::First(Arc::clone(before))
            } else {
                Request::Again(Arc::clone(before))
            };
        }
        let first = Remembered::new(body, now);
        if key.is_some() {
            requests.remember(id, &first);
        }
        Request::First(first)
    }

    /// A request without a key to which the log did not answer: the same body is its repetition, once.
    pub(crate) fn remember_unanswered(&self, tenant: &str, request: &Arc<Remembered>) {
        let mut tenants = self.lock();
        let requests = tenants.entry(tenant.to_owned()).or_default();
        requests.remember(id(None, request.body), request);
    }

    /// Forgets a request: nothing of it was taken, or a repetition of it has its answer.
    pub(crate) fn forget(&self, tenant: &str, key: Option<&[u8]>, request: &Arc<Remembered>) {
        let id = id(key, request.body);
        if let Some(requests) = self.lock().get_mut(tenant)
            && requests
                .by_id
                .get(&id)
                .is_some_and(|(_, known)| Arc::ptr_eq(known, request))
        {
            requests.by_id.remove(&id);
        }
    }
}

fn id(key: Option<&[u8]>, Fingerprint(body): Fingerprint) -> Fingerprint {
    match key {
        Some(key) => Fingerprint::of(&[b"key", key]),
        None => Fingerprint::of(&[b"body", &body]),
    }
}

impl Requests {
    fn remember(&mut self, id: Fingerprint, request: &Arc<Remembered>) {
        let now = Instant::now();
        self.by_id.insert(id, (now, Arc::clone(request)));
        self.order.push_back((now, id));
        self.forget_old();
    }

    fn forget_old(&mut self) {
        while let Some((began, id)) = self.order.front().copied()
            && (self.order.len() > KEYS || began.elapsed() >= KEPT)
        {
            self.order.pop_front();
            if self.by_id.get(&id).is_some_and(|(of, _)| *of == began) {
                self.by_id.remove(&id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(text: &str) -> Fingerprint {
        Fingerprint::of(&[text.as_bytes()])
    }

    fn first(request: Request) -> Arc<Remembered> {
        match request {
            Request::First(first) => first,
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_key_is_of_one_body_and_one_tenant_for_a_day() {
        let repeats = Repeats::default();
        let one = first(repeats.request("acme", Some(b"k"), body("a"), 1));
        assert!(matches!(
            repeats.request("acme", Some(b"k"), body("b"), 2),
            Request::OtherBody
        ));
        let Request::Again(again) = repeats.request("acme", Some(b"k"), body("a"), 2) else {
            panic!("it came before");
        };
        assert_eq!(again.received_at, 1, "the receipt of the first");
        one.settle(Outcome::Kept);
        assert_eq!(again.outcome().await, Outcome::Kept);
        first(repeats.request("beta", Some(b"k"), body("b"), 3));
        first(repeats.request("acme", Some(b"other"), body("a"), 3));
        tokio::time::advance(KEPT).await;
        assert_eq!(first(repeats.request("acme", Some(b"k"), body("b"), 4)).received_at, 4);
    }

    #[tokio::test]
    async fn what_failed_is_tried_again_as_of_its_first_receipt() {
        let repeats = Repeats::default();
        first(repeats.request("acme", Some(b"k"), body("a"), 1)).settle(Outcome::Failed);
        let second = first(repeats.request("acme", Some(b"k"), body("a"), 2));
        assert_eq!(second.received_at, 1);
        assert!(matches!(
            repeats.request("acme", Some(b"k"), body("a"), 3),
            Request::Again(_)
        ));
        repeats.forget("acme", Some(b"k"), &second);
        assert_eq!(first(repeats.request("acme", Some(b"k"), body("b"), 4)).received_at, 4);
    }

    #[tokio::test]
    async fn without_a_key_only_what_was_not_answered_is_known_again_and_once() {
        let repeats = Repeats::default();
        first(repeats.request("acme", None, body("a"), 1));
        let second = first(repeats.request("acme", None, body("a"), 2));
        repeats.remember_unanswered("acme", &second);
        let Request::Again(again) = repeats.request("acme", None, body("a"), 3) else {
            panic!("nobody knows what became of it");
        };
        assert_eq!(again.received_at, 2);
        repeats.forget("acme", None, &again);
        first(repeats.request("acme", None, body("a"), 4));
    }

    #[tokio::test]
    async fn keys_are_bounded_for_each_tenant() {
        let repeats = Repeats::default();
        first(repeats.request("quiet", Some(b"k"), body("a"), 1));
        for number in 0..=KEYS {
            first(repeats.request("loud", Some(number.to_string().as_bytes()), body("a"), 1));
        }
        assert_eq!(repeats.lock()["loud"].by_id.len(), KEYS);
        first(repeats.request("loud", Some(b"0"), body("b"), 2));
        assert!(matches!(
            repeats.request("quiet", Some(b"k"), body("a"), 2),
            Request::Again(_)
        ));
    }
}
