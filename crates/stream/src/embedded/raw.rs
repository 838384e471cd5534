//! The raw log: many callers share one synchronised commit.

use super::directory::DataDir;
use super::queue::{Append, Queue};
use super::receipt::{Receipt, receipt};
use super::{Backoff, EmbeddedError, Space, log, passes, sqlite};
use crate::Record;
use rusqlite::{Connection, params};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// File of the raw log in the data directory.
pub(super) const FILE: &str = "raw.db";

/// Its table.
pub(super) const TABLE: &str = "log";

const SCHEMA: &str = "CREATE TABLE log(offset INTEGER PRIMARY KEY, key BLOB NOT NULL, timestamp INTEGER NOT NULL, \
                      value BLOB NOT NULL, version INTEGER NOT NULL) STRICT;";

/// Opens the file to write, or makes it.
pub(super) fn open(path: &Path) -> Result<Connection, EmbeddedError> {
    sqlite::open(path, 4_096, SCHEMA, |_| Ok(vec![TABLE.to_owned()]))
}

/// Least time from one commit to the next. An idle log commits at once; under a steady load callers share commits, each
/// of which costs as much as fifty records.
const PACE: Duration = Duration::from_millis(2);

/// Pages in the file's own log after which they are copied into the file. An appended page never changes again, so nothing
/// is saved by waiting, and everybody waits for the copy: with 8,000 pages 55 ms, which is the p99 of an acknowledgement
/// at 5,000 deliveries a second.
const CHECKPOINT_PAGES: u32 = 1_000;

/// The end of the log, and who waits for it to move.
pub(super) struct Tail {
    len: Mutex<u64>,
    moved: Condvar,
}

impl Tail {
    fn new(len: u64) -> Self {
        Self {
            len: Mutex::new(len),
            moved: Condvar::new(),
        }
    }

    pub(super) fn len(&self) -> u64 {
        *self.lock()
    }

    fn publish(&self, len: u64) {
        *self.lock() = len;
        self.moved.notify_all();
    }

    /// Wakes everybody who waits, so that they look at what else they wait for.
    pub(super) fn interrupt(&self) {
        // Under the lock: a waiter between its look at the flag and its wait would miss it.
        let len = self.lock();
        self.moved.notify_all();
        drop(len);
    }

    /// Blocks until the log is longer than `len`, `deadline` is there or, after an interruption, `wakes` says so.
    pub(super) fn wait(&self, len: u64, deadline: Option<Instant>, wakes: impl Fn() -> bool) -> u64 {
        let mut now = self.lock();
        while *now <= len && !wakes() {
            now = match deadline.map(|deadline| deadline.saturating_duration_since(Instant::now())) {
                Some(Duration::ZERO) => break,
                Some(left) => {
                    let (now, _) = self
                        .moved
                        .wait_timeout(now, left)
                        .unwrap_or_else(PoisonError::into_inner);
                    now
                }
                None => self.moved.wait(now).unwrap_or_else(PoisonError::into_inner),
            };
        }
        *now
    }

    fn lock(&self) -> MutexGuard<'_, u64> {
        self.len.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A durable log of the raw topic. Offsets are 0, 1, 2, … without gaps.
pub struct RawLog {
    path: PathBuf,
    topic: &'static str,
    queue: Arc<Queue>,
    tail: Arc<Tail>,
    writer: Option<JoinHandle<()>>,
    /// The directory is ours as long as the writer is there.
    _directory: DataDir,
}

impl RawLog {
    /// Opens the log of `topic`, or makes it.
    pub fn open(directory: &DataDir, topic: &'static str) -> Result<Self, EmbeddedError> {
        let path = directory.path().join(FILE);
        let connection = open(&path)?;
        connection
            .pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)
            .map_err(sqlite::failed(&path, "opened"))?;
        let len = log::len(&connection, TABLE).map_err(sqlite::failed(&path, "read"))?;
        let queue = Arc::new(Queue::default());
        let tail = Arc::new(Tail::new(len));
        let writer = Writer {
            path: path.clone(),
            connection,
            version: log::version(topic),
            len,
            queue: Arc::clone(&queue),
            tail: Arc::clone(&tail),
            backoff: Backoff::default(),
            refuses: None,
        };
        let thread = std::thread::Builder::new()
            .name("raw-log".to_owned())
            .spawn(move || writer.run())
            .map_err(|source| EmbeddedError::Io {
                path: path.clone(),
                doing: "served by a thread",
                cause: Arc::new(source),
            })?;
        Ok(Self {
            path,
            topic,
            queue,
            tail,
            writer: Some(thread),
            _directory: directory.clone(),
        })
    }

    /// Appends records, all or none, one behind the other. Blocks while the queue is full.
    pub fn append(&self, records: Vec<Record>) -> Receipt {
        self.submit(records, Queue::push)
    }

    /// Appends records, all or none, one behind the other; the receipt says [`EmbeddedError::QueueFull`] instead of
    /// blocking.
    pub fn try_append(&self, records: Vec<Record>) -> Receipt {
        self.submit(records, Queue::try_push)
    }

    fn submit(&self, records: Vec<Record>, push: fn(&Queue, Append)) -> Receipt {
        let (reply, receipt) = receipt();
        match records.iter().find(|record| record.topic != self.topic) {
            Some(stray) => reply.send(Err(EmbeddedError::UnknownTopic(stray.topic.to_owned()))),
            None => push(&self.queue, Append { records, reply }),
        }
        receipt
    }

    /// Number of records on the disk: the offset of the next one.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.tail.len()
    }

    /// Whether there is no record.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Blocks until there are more than `len` records or `timeout` is over, and says how many there are.
    #[must_use]
    pub fn wait(&self, len: u64, timeout: Duration) -> u64 {
        self.tail.wait(len, Some(Instant::now() + timeout), || false)
    }

    /// Whether it may still take records: its writer has not ended by a fault that does not pass.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.writer.as_ref().is_some_and(|writer| !writer.is_finished())
    }

    /// Topic of the records.
    #[must_use]
    pub fn topic(&self) -> &'static str {
        self.topic
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn tail(&self) -> Arc<Tail> {
        Arc::clone(&self.tail)
    }
}

impl Drop for RawLog {
    /// Writes what waits.
    fn drop(&mut self) {
        self.queue.close();
        if let Some(writer) = self.writer.take()
            && writer.join().is_err()
        {
            tracing::error!(file = %self.path.display(), "the raw log's writer panicked");
        }
    }
}

struct Writer {
    path: PathBuf,
    connection: Connection,
    /// Of the records' contract.
    version: u32,
    len: u64,
    queue: Arc<Queue>,
    tail: Arc<Tail>,
    backoff: Backoff,
    /// After a fault: until when nothing is tried, and what the fault was.
    refuses: Option<(Instant, EmbeddedError)>,
}

impl Writer {
    fn run(mut self) {
        let mut earliest = Instant::now();
        while let Some(batch) = self.queue.take(earliest) {
            earliest = Instant::now() + PACE;
            let mut offsets = Vec::with_capacity(batch.len());
            let mut next = self.len;
            for append in &batch {
                let first = next;
                next += append.records.len() as u64;
                offsets.push(first..next);
            }
            let written = match self.refusal() {
                Some(error) => Err(error),
                None => self.write(&batch).map_err(sqlite::failed(&self.path, "written")),
            };
            match written {
                Ok(()) => {
                    if self.backoff.is_failing() {
                        tracing::info!("the raw log takes records again");
                        self.backoff.reset();
                        self.refuses = None;
                    }
                    self.len = next;
                    self.tail.publish(next);
                    for (append, range) in batch.into_iter().zip(offsets) {
                        append.reply.send(Ok(range));
                    }
                }
                Err(error) => {
                    if self.backoff.is_due() {
                        tracing::error!(%error, "the raw log refuses records; their senders send them again");
                    }
                    let goes_on = passes(&error);
                    for append in batch {
                        append.reply.send(Err(error.clone()));
                    }
                    if !goes_on {
                        return;
                    }
                    if self.refuses.as_ref().is_none_or(|(until, _)| *until <= Instant::now()) {
                        self.refuses = Some((Instant::now() + self.backoff.failed(), error));
                    }
                }
            }
        }
    }

    /// Why nothing is written now: the disk is short of room, or the last attempt failed a moment ago.
    fn refusal(&self) -> Option<EmbeddedError> {
        let is_short = self
            .path
            .parent()
            .is_some_and(|dir| Space::of(dir).is_ok_and(|space| space.is_short()));
        if is_short {
            return Some(EmbeddedError::DiskFull {
                path: self.path.clone(),
            });
        }
        match &self.refuses {
            // There is room again.
            Some((_, EmbeddedError::DiskFull { .. })) | None => None,
            Some((until, error)) => (Instant::now() < *until).then(|| error.clone()),
        }
    }

    /// The transaction of one batch; dropped on an error, it is rolled back and the next batch starts afresh.
    fn write(&mut self, batch: &[Append]) -> Result<(), rusqlite::Error> {
        let transaction = self.connection.transaction()?;
        {
            let mut insert = transaction.prepare_cached("INSERT INTO log VALUES (?1, ?2, ?3, ?4, ?5)")?;
            let records = batch.iter().flat_map(|append| &append.records);
            for (offset, record) in (self.len..).zip(records) {
                insert.execute(params![
                    offset.cast_signed(),
                    record.key,
                    record.timestamp,
                    record.value,
                    self.version
                ])?;
            }
        }
        transaction.commit()
    }
}

impl Drop for Writer {
    /// However the thread ends, nobody waits for it in vain.
    fn drop(&mut self) {
        self.queue.abandon();
    }
}
