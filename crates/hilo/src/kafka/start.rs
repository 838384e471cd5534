//! A start: a cluster or a registry that does not answer is waited for, and the probes say so. What cannot pass ends it.

use super::{Place, contracts, failure};
use crate::{admin::Admin, failure::Failure};
use hilo_kafka::{EngineError, Framing, topics};
use hilo_service::Health;
use prometheus::Registry;
use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{sync::watch, task::JoinHandle};

/// Wait after a look; doubled up to the longest.
const FIRST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(10);

/// The contracts, once the cluster has its topics and their ids are known; `None`: somebody ended the process before.
/// `dir` is that of a process that keeps something; without it this is a gateway.
pub(crate) async fn framing(
    place: &Arc<Place>,
    dir: Option<PathBuf>,
    admin: &Admin,
    registry: &Registry,
    interrupted: &mut JoinHandle<()>,
) -> Result<Option<Arc<Framing>>, Failure> {
    let plans = place.plans()?;
    let waits = Arc::new(Mutex::new("it has just begun".to_owned()));
    let health = {
        let waits = Arc::clone(&waits);
        let why = move || {
            Err(format!(
                "the process starts: {}",
                waits.lock().unwrap_or_else(PoisonError::into_inner)
            ))
        };
        Health::new(registry).ready_when("start", why)
    };
    let (ended, end) = watch::channel(false);
    let probes = admin.start(health, crate::serve::closes(end))?;
    let mut wait = FIRST;
    let result = loop {
        let (place, plans, dir) = (Arc::clone(place), plans.clone(), dir.clone());
        let look = tokio::task::spawn_blocking(move || {
            topics::require(&place.cluster, &plans)?;
            match dir {
                Some(dir) => contracts::framing(&place, &dir),
                None => contracts::of_raw(&place),
            }
        });
        let looked = tokio::select! {
            looked = look => looked.map_err(Failure::failed)?,
            _ = &mut *interrupted => return Ok(None),
        };
        match looked {
            Err(error) if EngineError::is_silence(&error) => {
                tracing::warn!(%error, wait_ms = wait.as_millis(), "the start waits");
                *waits.lock().unwrap_or_else(PoisonError::into_inner) = error.to_string();
            }
            other => break other.map_err(failure),
        }
        tokio::select! {
            () = tokio::time::sleep(wait) => wait = LONGEST.min(wait * 2),
            _ = &mut *interrupted => return Ok(None),
        }
    };
    ended.send_replace(true);
    // The next server takes over; requests under way are answered.
    drop(probes.await);
    Ok(Some(Arc::new(result?)))
}
