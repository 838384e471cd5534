//! The groups of a Hilo, and how far each is behind: looked at from outside.

use super::Place;
use crate::crm;
use hilo_contracts::topics;
use hilo_golden::FOLLOWED;
use hilo_kafka::{
    EngineError,
    lag::{Group, LagMeasures, Standing, Watch},
};
use hilo_service::clock;
use prometheus::Registry;
use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

/// How often a watcher looks.
const EVERY: Duration = Duration::from_secs(10);
/// A look that is older says nothing any more.
const OLD: Duration = Duration::from_mins(1);
/// How often it is looked whether to stop.
const GLANCE: Duration = Duration::from_millis(100);

/// All groups: of the processors, of the writers of CRMs, of the golden record.
pub(crate) fn all(place: &Place) -> Vec<Group> {
    let read = |topics: &[&'static str]| Group::read(&place.topology, topics);
    let mut groups = Group::of_processors(&place.topology, |_| true);
    groups.push(Group {
        name: crm::kafka::GROUP.to_owned(),
        topics: read(&[topics::CRM_RECORD]),
        joins: true,
    });
    groups.push(Group {
        name: hilo_views::GOLDEN.to_owned(),
        topics: read(&FOLLOWED),
        joins: false,
    });
    groups
}

/// The groups that are to be seen: those of CRMs only where a tenant has one.
pub(crate) fn expected(place: &Place, has_crm: bool) -> Vec<Group> {
    let of_crm = |group: &Group| group.name == crm::kafka::GROUP || group.name == "hilo.project";
    all(place)
        .into_iter()
        .filter(|group| has_crm || !of_crm(group))
        .collect()
}

/// Looks once.
pub(crate) fn look(place: &Place, groups: Vec<Group>) -> Result<Vec<Standing>, EngineError> {
    Watch::open(&place.cluster, groups)?.look()
}

/// Looks again and again on a thread of its own, and exports what it sees.
pub(crate) struct Watcher {
    stop: Arc<AtomicBool>,
    last: Arc<Mutex<Last>>,
    thread: Option<JoinHandle<()>>,
}

struct Last {
    at: Instant,
    /// Why the last look failed.
    failure: Option<String>,
    seen: bool,
}

impl Watcher {
    pub(crate) fn start(place: &Place, groups: Vec<Group>, registry: &Registry) -> anyhow::Result<Self> {
        let measures = LagMeasures::new(registry)?;
        let stop = Arc::new(AtomicBool::new(false));
        let last = Arc::new(Mutex::new(Last {
            at: Instant::now(),
            failure: None,
            seen: false,
        }));
        let (stopped, seen, cluster) = (Arc::clone(&stop), Arc::clone(&last), place.cluster.clone());
        let thread = thread::Builder::new().name("lag".to_owned()).spawn(move || {
            let mut watch = None;
            while !stopped.load(Ordering::Acquire) {
                let result = match &mut watch {
                    Some(watch) => Watch::look(watch),
                    None => Watch::open(&cluster, groups.clone()).and_then(|opened| watch.insert(opened).look()),
                };
                let failure = result.map(|standings| measures.see(&standings, clock::now())).err();
                if let Some(error) = &failure {
                    tracing::warn!(%error, "the groups cannot be looked at");
                }
                {
                    let mut last = seen.lock().unwrap_or_else(PoisonError::into_inner);
                    last.failure = failure.map(|error| error.to_string());
                    if last.failure.is_none() {
                        (last.at, last.seen) = (Instant::now(), true);
                    }
                }
                let begun = Instant::now();
                while begun.elapsed() < EVERY && !stopped.load(Ordering::Acquire) {
                    thread::sleep(GLANCE);
                }
            }
        })?;
        Ok(Self {
            stop,
            last,
            thread: Some(thread),
        })
    }

    /// Whether what is exported is of now, for the probes.
    pub(crate) fn ready(&self) -> impl Fn() -> Result<(), String> + Send + Sync + 'static {
        let last = Arc::clone(&self.last);
        move || {
            let last = last.lock().unwrap_or_else(PoisonError::into_inner);
            match &last.failure {
                Some(failure) => Err(format!("the groups cannot be looked at: {failure}")),
                None if !last.seen => Err("the groups were not looked at yet".to_owned()),
                None if last.at.elapsed() > OLD => Err(format!(
                    "the groups were looked at {} s ago",
                    last.at.elapsed().as_secs()
                )),
                None => Ok(()),
            }
        }
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}
