//! What one connection is doing, since when, and whether it has had its time.

use super::ServeLimits;
use crate::Peer;
use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{sync::Notify, time::Instant};

/// Requests of one piece of bytes. Clients that wait for answers send one; a hundred at once are a flood.
const PIPELINED: u32 = 16;
/// A connection that has waited for its client so long may be closed where places are scarce.
const SETTLED: Duration = Duration::from_millis(100);
/// The same in the middle of a body: the network makes such pauses by itself.
const SETTLED_BODY: Duration = Duration::from_millis(200);
/// Longest time without a byte while a client's unread bytes are thrown away.
const LINGER: Duration = Duration::from_secs(2);
/// Longest time for all of them.
const LINGER_WHOLE: Duration = Duration::from_secs(10);

/// What a connection is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Nothing is asked.
    Idle,
    /// A head is arriving. A new connection begins here: a client that connects has something to ask.
    Head,
    /// A body is arriving.
    Body,
    /// The request is being served: the wait is ours.
    Work,
    /// The answer has no more to send but what its handler makes next.
    Answer,
    /// All is said; what the client still sends is thrown away, so that it can read the answer.
    Linger,
}

#[derive(Debug)]
struct State {
    phase: Phase,
    /// Begin of the phase; in a body and in lingering, the last byte.
    since: Instant,
    /// Begin of lingering.
    lingering: Option<Instant>,
    /// Since when the client has read nothing of what waits for it.
    stuck: Option<Instant>,
    /// Something was answered with success: it is no stranger.
    known: bool,
    /// Bytes of the client are left that nobody will read.
    cut_off: bool,
    /// The client sends no more.
    ended: bool,
    /// Requests since the last bytes came.
    pipelined: u32,
}

/// One connection, as seen by the server.
pub(super) struct Seat {
    pub(super) peer: Peer,
    state: Mutex<State>,
    close: Notify,
}

impl Seat {
    pub(super) fn new(peer: Peer, now: Instant) -> Self {
        Self {
            peer,
            state: Mutex::new(State {
                phase: Phase::Head,
                since: now,
                lingering: None,
                stuck: None,
                known: false,
                cut_off: false,
                ended: false,
                pipelined: 0,
            }),
            close: Notify::new(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enter(&self, phase: Phase) {
        let mut state = self.state();
        state.phase = phase;
        state.since = Instant::now();
    }

    /// Bytes came.
    pub(super) fn read(&self) {
        let mut state = self.state();
        state.pipelined = 0;
        match state.phase {
            Phase::Idle => {
                state.phase = Phase::Head;
                state.since = Instant::now();
            }
            Phase::Linger => state.since = Instant::now(),
            // A head has its time as a whole; a body counts its own frames; the rest is a request too early.
            Phase::Head | Phase::Body | Phase::Work | Phase::Answer => {}
        }
    }

    /// The client sends no more.
    pub(super) fn read_end(&self) {
        self.state().ended = true;
    }

    /// The client read something.
    pub(super) fn wrote(&self) {
        self.state().stuck = None;
    }

    /// There is something to read for the client, and no room to send it.
    pub(super) fn write_waits(&self) {
        self.state().stuck.get_or_insert_with(Instant::now);
    }

    /// A head is whole. Whether so many came at once that the connection ends with this one.
    pub(super) fn request(&self, has_body: bool) -> bool {
        let mut state = self.state();
        state.phase = if has_body { Phase::Body } else { Phase::Work };
        state.since = Instant::now();
        state.pipelined += 1;
        state.pipelined >= PIPELINED
    }

    /// A part of a body came.
    pub(super) fn body_part(&self) {
        self.state().since = Instant::now();
    }

    /// The body is whole, or nobody reads it any more.
    pub(super) fn body_end(&self, whole: bool) {
        let mut state = self.state();
        if state.phase == Phase::Body {
            state.phase = Phase::Work;
            state.since = Instant::now();
        }
        state.cut_off |= !whole;
    }

    /// The answer is there. Whether the connection ends with it: bytes are left unread, or a stranger was refused.
    pub(super) fn answer(&self, succeeded: bool, refused: bool, last: bool) -> bool {
        let mut state = self.state();
        state.phase = Phase::Answer;
        state.since = Instant::now();
        state.known |= succeeded;
        let ends = state.cut_off || last || refused && !state.known;
        state.cut_off |= ends;
        ends
    }

    /// All of the answer is on its way.
    pub(super) fn answered(&self) {
        self.enter(Phase::Idle);
    }

    /// Nothing more will be written. Whether bytes of the client have to be waited for.
    pub(super) fn finish(&self) -> bool {
        let mut state = self.state();
        // A head that could not be read was refused, and more of it may come.
        let lingers = !state.ended && (state.cut_off || state.phase == Phase::Head);
        if lingers && state.phase != Phase::Linger {
            state.phase = Phase::Linger;
            state.since = Instant::now();
            state.lingering = Some(state.since);
        }
        lingers
    }

    /// Whether it has had its time.
    pub(super) fn is_overdue(&self, now: Instant, limits: &ServeLimits) -> bool {
        let state = self.state();
        let over = |since: Instant, time: Duration| now.saturating_duration_since(since) >= time;
        let phase = match state.phase {
            Phase::Idle => over(state.since, limits.idle_time),
            Phase::Head => over(state.since, limits.head_time),
            Phase::Body => over(state.since, limits.stall_time),
            Phase::Linger => {
                over(state.since, LINGER) || state.lingering.is_some_and(|began| over(began, LINGER_WHOLE))
            }
            Phase::Work | Phase::Answer => false,
        };
        phase || state.stuck.is_some_and(|since| over(since, limits.stall_time))
    }

    /// Since when it waits for its client, where it may be closed for others, and whether it is no stranger.
    pub(super) fn waits(&self, now: Instant) -> Option<(bool, Instant)> {
        let state = self.state();
        let settled = |since: Instant, time: Duration| now.saturating_duration_since(since) >= time;
        let since = match (state.stuck, state.phase) {
            (Some(stuck), _) => settled(stuck, SETTLED).then_some(stuck),
            (None, Phase::Idle | Phase::Head | Phase::Linger) => settled(state.since, SETTLED).then_some(state.since),
            (None, Phase::Body) => settled(state.since, SETTLED_BODY).then_some(state.since),
            (None, Phase::Work | Phase::Answer) => None,
        };
        since.map(|since| (state.known, since))
    }

    /// Ends the connection, whatever it is doing.
    pub(super) fn close(&self) {
        self.close.notify_one();
    }

    /// Resolves when it is to end.
    pub(super) async fn closed(&self) {
        self.close.notified().await;
    }
}
