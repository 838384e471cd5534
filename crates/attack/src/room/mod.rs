//! What every attack needs: a node to attack, a client that does what no decent client does, and genuine traffic beside it.

pub(crate) mod capture;
pub(crate) mod dataset;
pub(crate) mod genuine;
pub(crate) mod http;
pub(crate) mod latency;
pub(crate) mod node;
pub(crate) mod numbers;
pub(crate) mod process;
pub(crate) mod tmpfs;

use anyhow::{Result, bail};
use std::{
    future::Future,
    time::{Duration, Instant},
};

/// Between two looks at a node.
const LOOK: Duration = Duration::from_millis(25);

/// Asks again until there is an answer; an error names what was waited for.
pub(crate) async fn until<T, F>(what: &str, patience: Duration, mut ask: impl FnMut() -> F) -> Result<T>
where
    F: Future<Output = Result<Option<T>>>,
{
    let begun = Instant::now();
    loop {
        if let Some(found) = ask().await? {
            return Ok(found);
        }
        if begun.elapsed() > patience {
            bail!("waited {} s in vain until {what}", patience.as_secs());
        }
        tokio::time::sleep(LOOK).await;
    }
}
