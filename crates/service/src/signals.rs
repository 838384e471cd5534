//! When a process is asked to end.

use std::{future::Future, io, pin::pin};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::warn;

/// Resolves at the first Ctrl-C or SIGTERM after the call, also at one that comes before it is awaited: who calls it first
/// ends well whenever it is told to. To be called within a runtime.
pub fn interrupted() -> impl Future<Output = ()> + Send {
    let terminated = signal(SignalKind::terminate());
    let interrupted = signal(SignalKind::interrupt());
    async {
        tokio::select! {
            () = pin!(heard("SIGTERM", terminated)) => {}
            () = pin!(heard("Ctrl-C", interrupted)) => {}
        }
    }
}

async fn heard(name: &'static str, signal: io::Result<Signal>) {
    match signal {
        Ok(mut signal) => {
            signal.recv().await;
        }
        Err(error) => {
            warn!(%error, "{name} cannot be heard");
            std::future::pending::<()>().await;
        }
    }
}
