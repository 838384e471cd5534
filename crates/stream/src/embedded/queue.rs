//! What waits for the raw log's writer, bounded in bytes: a delivery may have three megabytes.

use super::EmbeddedError;
use super::receipt::Reply;
use crate::Record;
use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// Bytes that may wait: a second or two of a slow disk.
const QUEUE_BYTES: usize = 64 << 20;
/// Bytes in one transaction.
const BATCH_BYTES: usize = 16 << 20;

/// Records of one caller, kept together.
pub(super) struct Append {
    pub(super) records: Vec<Record>,
    pub(super) reply: Reply,
}

impl Append {
    fn bytes(&self) -> usize {
        self.records
            .iter()
            .map(|record| record.key.len() + record.value.len() + 64)
            .sum()
    }
}

#[derive(Default)]
struct Waiting {
    appends: VecDeque<(usize, Append)>,
    bytes: usize,
    closed: bool,
    /// The writer waits for a moment, not for an append: only a whole batch wakes it.
    pacing: bool,
}

#[derive(Default)]
pub(super) struct Queue {
    waiting: Mutex<Waiting>,
    filled: Condvar,
    drained: Condvar,
}

impl Queue {
    /// Queues `append`, after waiting for room if there is none.
    pub(super) fn push(&self, append: Append) {
        let bytes = append.bytes();
        let mut waiting = self.lock();
        while !waiting.closed && !has_room(&waiting, bytes) {
            waiting = self.drained.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
        self.put(waiting, bytes, append);
    }

    /// Queues `append`, or answers it when there is no room.
    pub(super) fn try_push(&self, append: Append) {
        let bytes = append.bytes();
        let waiting = self.lock();
        if !waiting.closed && !has_room(&waiting, bytes) {
            drop(waiting);
            append.reply.send(Err(EmbeddedError::QueueFull));
        } else {
            self.put(waiting, bytes, append);
        }
    }

    /// Takes what waits, up to a batch; blocks while there is nothing, and until `earliest` unless a whole batch waits.
    /// `None` when the queue is closed and empty.
    pub(super) fn take(&self, earliest: Instant) -> Option<Vec<Append>> {
        let mut waiting = self.lock();
        while waiting.appends.is_empty() {
            if waiting.closed {
                return None;
            }
            waiting = self.filled.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
        waiting.pacing = true;
        while !waiting.closed && waiting.bytes < BATCH_BYTES {
            let left = earliest.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            waiting = self
                .filled
                .wait_timeout(waiting, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        waiting.pacing = false;
        let mut batch = Vec::new();
        let mut total = 0;
        while let Some((bytes, _)) = waiting.appends.front() {
            if total > 0 && total + bytes > BATCH_BYTES {
                break;
            }
            total += bytes;
            batch.extend(waiting.appends.pop_front().map(|(_, append)| append));
        }
        waiting.bytes -= total;
        self.drained.notify_all();
        Some(batch)
    }

    /// Takes no more; what waits is still written.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.filled.notify_all();
        self.drained.notify_all();
    }

    /// Refuses what waits, and everything after.
    pub(super) fn abandon(&self) {
        self.close();
        let left = std::mem::take(&mut self.lock().appends);
        // Callbacks run here: outside the lock.
        drop(left);
    }

    fn put(&self, mut waiting: MutexGuard<'_, Waiting>, bytes: usize, append: Append) {
        if waiting.closed {
            drop(waiting);
            append.reply.send(Err(EmbeddedError::Closed));
            return;
        }
        waiting.bytes += bytes;
        waiting.appends.push_back((bytes, append));
        if !waiting.pacing || waiting.bytes >= BATCH_BYTES {
            self.filled.notify_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A single append may be larger than the whole room; it goes in when nothing else waits.
fn has_room(waiting: &Waiting, bytes: usize) -> bool {
    waiting.appends.is_empty() || waiting.bytes + bytes <= QUEUE_BYTES
}

#[cfg(test)]
mod tests {
    use super::super::receipt::{Receipt, receipt};
    use super::*;

    fn append(bytes: usize) -> (Append, Receipt) {
        let (reply, receipt) = receipt();
        let record = Record {
            topic: "hilo.raw",
            key: Vec::new(),
            value: vec![0; bytes],
            timestamp: 0,
        };
        let records = vec![record];
        (Append { records, reply }, receipt)
    }

    #[test]
    fn a_full_queue_refuses_and_takes_again_when_drained() {
        let queue = Queue::default();
        queue.try_push(append(QUEUE_BYTES * 2).0);
        let (late, refused) = append(1);
        queue.try_push(late);
        assert!(matches!(refused.wait(), Err(EmbeddedError::QueueFull)));
        assert_eq!(queue.take(Instant::now()).unwrap().len(), 1);
        queue.try_push(append(1).0);
        queue.try_push(append(BATCH_BYTES).0);
        assert_eq!(queue.take(Instant::now()).unwrap().len(), 1, "a batch has its bound");
        queue.close();
        let (late, refused) = append(1);
        queue.push(late);
        assert!(matches!(refused.wait(), Err(EmbeddedError::Closed)));
        assert_eq!(queue.take(Instant::now()).unwrap().len(), 1, "what waits is written");
        assert!(queue.take(Instant::now()).is_none());
    }
}
