//! What the gateway needs of a log.

use hilo_stream::{
    Record,
    embedded::{EmbeddedError, RawLog},
};
use std::{future::Future, sync::Arc};
use tokio::sync::oneshot;

/// Why a log did not take records. Nobody may be told that they are kept.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LogError {
    /// Too much waits already.
    #[error("the log's queue is full")]
    Full,
    /// It has them and has not answered in time: they may be kept all the same.
    #[error("the log has not answered in time")]
    Slow,
    /// It cannot write.
    #[error("the log cannot write: {0}")]
    Unavailable(String),
}

/// A log that says when its records are safe.
pub trait DurableLog: Send + Sync + 'static {
    /// Appends `records`, all or none, and resolves once they outlive a power loss. It never blocks the thread: without
    /// room it says so. A caller that stops waiting takes nothing back.
    fn append(&self, records: Vec<Record>) -> impl Future<Output = Result<(), LogError>> + Send;
}

impl<L: DurableLog> DurableLog for Arc<L> {
    fn append(&self, records: Vec<Record>) -> impl Future<Output = Result<(), LogError>> + Send {
        L::append(self, records)
    }
}

impl DurableLog for RawLog {
    async fn append(&self, records: Vec<Record>) -> Result<(), LogError> {
        let (sender, receiver) = oneshot::channel();
        self.try_append(records).then(move |appended| {
            // Nobody listens any more when the request ran out of time.
            drop(sender.send(appended));
        });
        match receiver.await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(EmbeddedError::QueueFull)) => Err(LogError::Full),
            Ok(Err(error)) => Err(LogError::Unavailable(error.to_string())),
            Err(_) => Err(LogError::Unavailable("its writer ended".to_owned())),
        }
    }
}
