//! The promise that a record is on the disk, for callers that block and for callers that do not.

use super::EmbeddedError;
use std::ops::Range;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// Offsets of the records of one append, once they are on the disk.
pub type Appended = Result<Range<u64>, EmbeddedError>;

type Callback = Box<dyn FnOnce(Appended) + Send>;

enum State {
    Pending,
    Awaited(Callback),
    Done(Appended),
    Taken,
}

struct Shared {
    state: Mutex<State>,
    done: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Every state is whole: it is replaced, never changed in place.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What an append gives back at once.
pub struct Receipt(Arc<Shared>);

impl Receipt {
    /// Blocks until the records are on the disk, or cannot be.
    pub fn wait(self) -> Appended {
        let mut state = self.0.lock();
        loop {
            match std::mem::replace(&mut *state, State::Taken) {
                State::Done(result) => return result,
                State::Taken => return Err(EmbeddedError::Closed),
                pending => *state = pending,
            }
            state = self.0.done.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Calls `done` when the records are on the disk, or cannot be: at once if that is known already, else from the
    /// writer's thread, which goes on afterwards. So `done` only hands the result over, for example to a one-shot channel.
    pub fn then(self, done: impl FnOnce(Appended) + Send + 'static) {
        let mut state = self.0.lock();
        match std::mem::replace(&mut *state, State::Taken) {
            State::Done(result) => {
                drop(state);
                done(result);
            }
            _ => *state = State::Awaited(Box::new(done)),
        }
    }
}

/// The writer's side: it answers exactly once, by being dropped if not before.
pub(super) struct Reply(Option<Arc<Shared>>);

impl Reply {
    pub(super) fn send(mut self, result: Appended) {
        if let Some(shared) = self.0.take() {
            settle(&shared, result);
        }
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        if let Some(shared) = self.0.take() {
            settle(&shared, Err(EmbeddedError::Closed));
        }
    }
}

fn settle(shared: &Shared, result: Appended) {
    let mut state = shared.lock();
    if let State::Awaited(callback) = std::mem::replace(&mut *state, State::Taken) {
        drop(state);
        callback(result);
    } else {
        *state = State::Done(result);
        shared.done.notify_all();
    }
}

/// A receipt and the reply that settles it.
pub(super) fn receipt() -> (Reply, Receipt) {
    let shared = Arc::new(Shared {
        state: Mutex::new(State::Pending),
        done: Condvar::new(),
    });
    (Reply(Some(Arc::clone(&shared))), Receipt(shared))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[test]
    fn settles_a_waiting_thread_and_a_callback_before_and_after() {
        let (reply, blocking) = receipt();
        let thread = std::thread::spawn(move || blocking.wait());
        reply.send(Ok(3..5));
        assert_eq!(thread.join().unwrap().unwrap(), 3..5);

        let (sender, results) = mpsc::channel();
        let (reply, early) = receipt();
        let notify = sender.clone();
        early.then(move |result| notify.send(result).unwrap());
        reply.send(Ok(5..6));
        let (reply, late) = receipt();
        reply.send(Ok(6..7));
        late.then(move |result| sender.send(result).unwrap());
        assert_eq!(results.recv().unwrap().unwrap(), 5..6);
        assert_eq!(results.recv().unwrap().unwrap(), 6..7);
    }

    #[test]
    fn a_writer_that_ends_answers_too() {
        let (reply, waited) = receipt();
        drop(reply);
        assert!(matches!(waited.wait(), Err(EmbeddedError::Closed)));
    }
}
