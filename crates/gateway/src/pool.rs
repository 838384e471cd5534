//! Threads of our own for what takes milliseconds: signatures of large bodies, and reading many lines. Nothing else runs
//! there, so that a page or a trace never delays a delivery; and what waits is bounded.

use crate::refusal::Refusal;
use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
};
use tokio::sync::oneshot;

type Job = Box<dyn FnOnce() + Send>;

/// A few threads and a bounded queue. The threads end with the pool.
pub(crate) struct Pool(SyncSender<Job>);

impl Pool {
    pub(crate) fn new(name: &str, threads: usize, queue: usize) -> io::Result<Self> {
        let (sender, receiver) = sync_channel(queue);
        let receiver = Arc::new(Mutex::new(receiver));
        for _ in 0..threads {
            let receiver = Arc::clone(&receiver);
            thread::Builder::new()
                .name(name.to_owned())
                .spawn(move || work(&receiver))?;
        }
        Ok(Self(sender))
    }

    /// The result of `work`; busy when too much waits already.
    pub(crate) async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Refusal> {
        let (sender, receiver) = oneshot::channel();
        let job: Job = Box::new(move || {
            // A client that has left waits for nothing.
            if !sender.is_closed() {
                drop(sender.send(work()));
            }
        });
        self.0.try_send(job).map_err(|_| Refusal::Busy)?;
        receiver.await.map_err(|_| Refusal::Internal)
    }
}

fn work(jobs: &Mutex<Receiver<Job>>) {
    loop {
        let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = job else { return };
        // The panic hook has written what happened; whoever waits hears that there is no answer.
        drop(catch_unwind(AssertUnwindSafe(job)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_ends_its_job_only_and_a_full_queue_is_busy() {
        let pool = Arc::new(Pool::new("test", 1, 1).unwrap());
        let defect = pool.run(|| -> usize { std::panic::panic_any("a defect") }).await;
        assert_eq!(defect, Err(Refusal::Internal));
        let (sender, receiver) = std::sync::mpsc::channel::<()>();
        let (started, has_started) = oneshot::channel();
        let first = tokio::spawn({
            let pool = Arc::clone(&pool);
            async move {
                pool.run(move || {
                    started.send(()).unwrap();
                    receiver.recv().is_ok()
                })
                .await
            }
        });
        has_started.await.unwrap();
        let waits = pool.run(|| 2);
        let mut waits = std::pin::pin!(waits);
        tokio::select! {
            biased;
            done = &mut waits => panic!("the only thread is taken: {done:?}"),
            () = std::future::ready(()) => {}
        }
        assert_eq!(pool.run(|| 3).await, Err(Refusal::Busy));
        sender.send(()).unwrap();
        assert_eq!(waits.await, Ok(2));
        assert_eq!(first.await.unwrap(), Ok(true));
    }
}
