//! Sessions of browsers: random ids in a cookie, of which the server keeps the hashes only.

use crate::{Fingerprint, Reader, fingerprint::random};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use tokio::{sync::watch, time::sleep};

/// A session that nobody uses ends after it. An open page is use.
const IDLE: Duration = Duration::from_hours(1);
/// A session ends after it, used or not.
const WHOLE: Duration = Duration::from_hours(12);
/// After it the id is replaced by a new one.
const ROTATION: Duration = Duration::from_mins(15);
/// How long the id before is still good: for requests that were under way.
const GRACE: Duration = Duration::from_mins(1);
/// Sessions at once; a further one ends the one that was not used for longest.
const MOST: usize = 1_024;
/// Sessions of one reader at once.
const MOST_OF_ONE: usize = 64;

/// All open sessions. They are in memory: a new start ends them.
#[derive(Clone, Default)]
pub struct Sessions(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    sessions: BTreeMap<u64, Session>,
    /// Hash of an id → session.
    ids: BTreeMap<[u8; 32], u64>,
    next: u64,
}

struct Session {
    reader: Reader,
    started: Instant,
    seen: Instant,
    id: [u8; 32],
    issued: Instant,
    previous: Option<([u8; 32], Instant)>,
    /// Dropped with the session, which ends the streams that it opened.
    closing: watch::Sender<()>,
}

impl Session {
    fn is_over(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.seen) >= IDLE || now.saturating_duration_since(self.started) >= WHOLE
    }
}

/// A session that a request belongs to.
pub(crate) struct Found {
    pub(crate) reader: Reader,
    pub(crate) lease: Lease,
    /// The id that the browser must use from now on.
    pub(crate) fresh: Option<String>,
}

impl Sessions {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens a session and gives its id.
    pub(crate) fn open(&self, reader: Reader, now: Instant) -> Result<String, getrandom::Error> {
        let id = random()?;
        let key = Fingerprint::of(id.as_bytes()).key();
        let mut inner = self.lock();
        inner.make_room(&reader, now);
        let serial = inner.next;
        inner.next += 1;
        inner.ids.insert(key, serial);
        inner.sessions.insert(
            serial,
            Session {
                reader,
                started: now,
                seen: now,
                id: key,
                issued: now,
                previous: None,
                closing: watch::Sender::new(()),
            },
        );
        Ok(id)
    }

    /// The session of an id. Where `rotates` an old id is replaced.
    pub(crate) fn find(&self, id: &str, rotates: bool, now: Instant) -> Option<Found> {
        let key = Fingerprint::of(id.as_bytes()).key();
        let mut inner = self.lock();
        let serial = *inner.ids.get(&key)?;
        let session = inner.sessions.get_mut(&serial)?;
        let is_past = session
            .previous
            .is_some_and(|(previous, until)| previous == key && now >= until);
        if session.is_over(now) {
            inner.remove(serial);
            return None;
        }
        if is_past {
            return None;
        }
        session.seen = now;
        let due = rotates && session.id == key && now.saturating_duration_since(session.issued) >= ROTATION;
        // Without random bits the old id goes on: the next request tries again.
        let fresh = due.then(random).and_then(Result::ok);
        let reader = session.reader.clone();
        let closing = session.closing.subscribe();
        if let Some(fresh) = &fresh {
            let new = Fingerprint::of(fresh.as_bytes()).key();
            let old = session.previous.replace((session.id, now + GRACE));
            session.id = new;
            session.issued = now;
            inner.ids.insert(new, serial);
            if let Some((old, _)) = old {
                inner.ids.remove(&old);
            }
        }
        drop(inner);
        let lease = Lease(Some(Held {
            sessions: self.clone(),
            serial,
            closing,
        }));
        Some(Found { reader, lease, fresh })
    }

    /// Ends the session of an id, and the streams that it opened.
    pub(crate) fn close(&self, id: &str) {
        let key = Fingerprint::of(id.as_bytes()).key();
        let mut inner = self.lock();
        if let Some(serial) = inner.ids.get(&key).copied() {
            inner.remove(serial);
        }
    }

    /// Notes that a session is in use; how long it may still last, `None` where it has ended.
    fn touch(&self, serial: u64, now: Instant) -> Option<Duration> {
        let mut inner = self.lock();
        let session = inner.sessions.get_mut(&serial)?;
        if session.is_over(now) {
            inner.remove(serial);
            return None;
        }
        session.seen = now;
        Some(WHOLE.saturating_sub(now.saturating_duration_since(session.started)))
    }
}

impl Inner {
    fn remove(&mut self, serial: u64) {
        if let Some(session) = self.sessions.remove(&serial) {
            self.ids.remove(&session.id);
            if let Some((previous, _)) = session.previous {
                self.ids.remove(&previous);
            }
        }
    }

    fn make_room(&mut self, reader: &Reader, now: Instant) {
        let over: Vec<u64> = self
            .sessions
            .iter()
            .filter(|(_, session)| session.is_over(now))
            .map(|(serial, _)| *serial)
            .collect();
        for serial in over {
            self.remove(serial);
        }
        let least_used = |inner: &Self, only: Option<&str>| {
            let of = |session: &Session| only.is_none_or(|name| session.reader.name == name);
            let mut found = inner.sessions.iter().filter(|(_, session)| of(session));
            let count = found.clone().count();
            let oldest = found.by_ref().min_by_key(|(serial, session)| (session.seen, **serial));
            (count, oldest.map(|(serial, _)| *serial))
        };
        for (only, most) in [(Some(reader.name.as_str()), MOST_OF_ONE), (None, MOST)] {
            if let (count, Some(serial)) = least_used(self, only)
                && count >= most
            {
                self.remove(serial);
            }
        }
    }
}

/// How long an answer may go on: a stream of events ends with the session that opened it.
#[derive(Clone)]
pub struct Lease(Option<Held>);

#[derive(Clone)]
struct Held {
    sessions: Sessions,
    serial: u64,
    closing: watch::Receiver<()>,
}

impl Lease {
    /// Of a request with a token: it ends with its connection.
    #[must_use]
    pub fn endless() -> Self {
        Self(None)
    }

    /// Resolves when the session ends. Until then it counts as used.
    pub async fn ended(&mut self) {
        let Some(held) = &mut self.0 else {
            return std::future::pending().await;
        };
        while let Some(left) = held.sessions.touch(held.serial, Instant::now()) {
            tokio::select! {
                changed = held.closing.changed() => if changed.is_err() { return },
                () = sleep(left.min(IDLE / 2)) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Role, Scope};
    use proptest::prelude::*;

    fn reader(name: &str) -> Reader {
        Reader {
            name: name.to_owned(),
            role: Role::Viewer,
            scope: Scope::All,
        }
    }

    #[test]
    fn a_session_ends_by_log_out_idleness_and_age() {
        let (sessions, start) = (Sessions::default(), Instant::now());
        let id = sessions.open(reader("ana"), start).unwrap();
        assert_eq!(id.len(), 64);
        assert!(sessions.find("", false, start).is_none() && sessions.find(&id[1..], false, start).is_none());
        assert_eq!(sessions.find(&id, false, start).unwrap().reader.name, "ana");
        sessions.close(&id);
        assert!(sessions.find(&id, false, start).is_none());

        let id = sessions.open(reader("ana"), start).unwrap();
        let almost = (start + IDLE).checked_sub(Duration::from_secs(1)).unwrap();
        assert!(sessions.find(&id, false, almost).is_some());
        assert!(sessions.find(&id, false, almost + IDLE).is_none());

        let id = sessions.open(reader("ana"), start).unwrap();
        let mut now = start;
        while now < start + WHOLE {
            assert!(sessions.find(&id, false, now).is_some());
            now += IDLE / 2;
        }
        assert!(sessions.find(&id, false, now).is_none());
        let inner = sessions.lock();
        assert!(inner.sessions.is_empty() && inner.ids.is_empty());
    }

    #[test]
    fn an_old_id_is_replaced_and_soon_no_longer_good() {
        let (sessions, start) = (Sessions::default(), Instant::now());
        let id = sessions.open(reader("ana"), start).unwrap();
        let later = start + ROTATION;
        assert!(sessions.find(&id, false, later).unwrap().fresh.is_none());
        let fresh = sessions.find(&id, true, later).unwrap().fresh.unwrap();
        assert_ne!(fresh, id);
        // A request that was under way.
        assert!(sessions.find(&id, true, later).unwrap().fresh.is_none());
        assert!(sessions.find(&id, true, later + GRACE).is_none());
        assert!(sessions.find(&fresh, true, later + GRACE).is_some());
        sessions.close(&fresh);
        assert!(sessions.lock().ids.is_empty());
    }

    #[tokio::test]
    async fn a_stream_ends_with_its_session() {
        let sessions = Sessions::default();
        let id = sessions.open(reader("ana"), Instant::now()).unwrap();
        let mut lease = sessions.find(&id, false, Instant::now()).unwrap().lease;
        let waits = tokio::spawn(async move { lease.ended().await });
        sessions.close(&id);
        waits.await.unwrap();
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        /// Whatever is opened, used and closed: the bounds hold, and each id leads to its own reader or to nobody.
        #[test]
        fn bounds_hold(steps in prop::collection::vec((0..200_usize, 0..4_u8, 0..4_000_u64), 1..600)) {
            let (sessions, mut now) = (Sessions::default(), Instant::now());
            let mut known: Vec<(String, String)> = Vec::new();
            for (which, action, seconds) in steps {
                now += Duration::from_secs(seconds / 10);
                match (action, known.get(which % known.len().max(1)).cloned()) {
                    (0, Some((id, _))) => sessions.close(&id),
                    (1, Some((id, name))) => {
                        if let Some(found) = sessions.find(&id, true, now) {
                            prop_assert_eq!(&found.reader.name, &name);
                            known.extend(found.fresh.map(|fresh| (fresh, name)));
                        }
                    }
                    _ => {
                        let name = format!("reader-{}", which % 3);
                        known.push((sessions.open(reader(&name), now).unwrap(), name));
                    }
                }
                let inner = sessions.lock();
                prop_assert!(inner.sessions.len() <= 3 * MOST_OF_ONE);
                prop_assert!(inner.ids.len() <= 2 * inner.sessions.len());
            }
        }
    }
}
