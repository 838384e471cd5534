//! The pages' source over a golden record and an engine.

use crate::{
    GOLDEN_DB, behind,
    cards::{self, Meters, TREND},
    crm,
    engine::{Engine, Shelf, Waiting},
    follower::Pulse,
    page,
    story::{self, Reading},
    warnings,
};
use anyhow::Result;
use hilo_dashboard::{
    Asked, MetricPage, MetricQuery, Snapshot, Source, SourceError, Trace,
    meter::Series,
    model::{Lag, Warning},
};
use hilo_golden::{Golden, Tenants};
use hilo_service::{Scope, clock};
use hilo_stream::Topology;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Conversations shown.
const CONVERSATIONS: usize = 12;
/// Steps that a page shows: the latest of them.
const STEPS: usize = 500;
/// Scopes whose flows are remembered: those of the configured readers.
const SCOPES: usize = 100;

/// Shows what a [`Follower`](crate::Follower) wrote. Each question has connections of its own, so none waits for another
/// or for the writer.
pub struct View {
    label: String,
    dir: PathBuf,
    engine: Arc<dyn Engine>,
    topology: Topology,
    pulse: Pulse,
    /// Connections to the golden record that nobody uses now.
    golden: Mutex<Vec<Golden>>,
    /// And to the topics.
    shelves: Mutex<Vec<Box<dyn Shelf>>>,
    flows: Mutex<BTreeMap<Scope, Meters>>,
    lag: Mutex<Series>,
    /// What else its reader must know: the health of the process.
    concerns: Box<dyn Fn() -> Vec<Warning> + Send + Sync>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An error of ours as it came, any other one as a store that does not answer.
fn unavailable(error: anyhow::Error) -> SourceError {
    error
        .downcast::<SourceError>()
        .unwrap_or_else(|error| SourceError::Unavailable(format!("{error:#}")))
}

impl View {
    /// The golden record in `dir`, over `engine`; `label` says on the page what runs here.
    pub fn new(label: &str, dir: &Path, topology: &Topology, engine: Arc<impl Engine>, pulse: Pulse) -> Result<Self> {
        let view = Self {
            label: label.to_owned(),
            dir: dir.to_owned(),
            engine,
            topology: topology.clone(),
            pulse,
            golden: Mutex::default(),
            shelves: Mutex::default(),
            flows: Mutex::default(),
            lag: Mutex::new(Series::new(TREND)),
            concerns: Box::new(Vec::new),
        };
        // A file that cannot be read is said at the start.
        view.with_golden(|_| Ok(()))?;
        Ok(view)
    }

    /// Shows what `concerns` gives above the numbers, worst first.
    #[must_use]
    pub fn warn_of(mut self, concerns: impl Fn() -> Vec<Warning> + Send + Sync + 'static) -> Self {
        self.concerns = Box::new(concerns);
        self
    }

    /// Asks the golden record through a connection that nobody else uses meanwhile.
    fn with_golden<T>(&self, ask: impl FnOnce(&Golden) -> Result<T>) -> Result<T> {
        let kept = locked(&self.golden).pop();
        let golden = match kept {
            Some(golden) => golden,
            None => Golden::open_read_only(&self.dir.join(GOLDEN_DB))?,
        };
        let answer = ask(&golden)?;
        locked(&self.golden).push(golden);
        Ok(answer)
    }

    fn tenants(golden: &Golden, scope: &Scope) -> Result<Tenants> {
        Ok(match scope {
            Scope::All => golden.tenants()?,
            Scope::Tenants(names) => Tenants::of(names.iter().map(String::as_str)),
        })
    }

    fn caught_up(&self) -> Result<(), SourceError> {
        self.pulse.ready().map_err(SourceError::CatchingUp)
    }

    /// The story of an id, `limit` steps at most; `None` when nothing is known by it.
    pub fn story(&self, scope: &Scope, id: &str, limit: usize, asked: &Asked) -> Result<Option<Trace>> {
        let kept = locked(&self.shelves).pop();
        let mut shelf = match kept {
            Some(shelf) => shelf,
            None => self.engine.shelf()?,
        };
        let told = self.with_golden(|golden| {
            let mut reading = Reading {
                golden,
                shelf: shelf.as_mut(),
                topology: &self.topology,
                tenants: &Self::tenants(golden, scope)?,
                asked,
                limit,
            };
            match behind::behind(&mut reading, id) {
                Some(trace) => trace.map(Some),
                None => story::tell(&mut reading, id),
            }
        })?;
        locked(&self.shelves).push(shelf);
        Ok(told)
    }

    /// A page of the rows of the numbers.
    pub fn page(&self, scope: &Scope, query: &MetricQuery) -> Result<MetricPage> {
        self.with_golden(|golden| {
            let mut tenants = Self::tenants(golden, scope)?;
            if let Some(wanted) = &query.tenant {
                tenants = Tenants::of(tenants.names().iter().filter(|tenant| *tenant == wanted));
            }
            page::page(golden, &tenants, query)
        })
    }

    fn state(&self, scope: &Scope) -> Result<Snapshot> {
        let waiting = self.engine.waiting();
        self.with_golden(|golden| {
            let tenants = Self::tenants(golden, scope)?;
            let counters = golden.counters(&tenants)?;
            let now = golden.newest()?;
            let statuses = warnings::count(&counters, "statuses", "");
            let flows = {
                let mut all = locked(&self.flows);
                if all.len() >= SCOPES && !all.contains_key(scope) {
                    all.clear();
                }
                let meters = all.entry(scope.clone()).or_default();
                cards::flows(meters, golden, &tenants, statuses, clock::now())?
            };
            let recent = golden.recent_conversations(&tenants, CONVERSATIONS)?;
            Ok(Snapshot {
                now,
                label: self.label.clone(),
                warnings: (self.concerns)()
                    .into_iter()
                    .chain(warnings::warnings(&waiting, &counters))
                    .collect(),
                outcomes: warnings::outcomes(&counters),
                flows,
                lag: self.lag(&waiting),
                crms: crm::cards(golden, &tenants)?,
                numbers: cards::numbers(golden, &tenants, now)?,
                templates: cards::templates(golden, &tenants)?,
                conversations: recent.into_iter().map(cards::conversation).collect(),
                senders: cards::senders(golden, &tenants)?,
                dead_letters: warnings::dead_letters(&counters),
            })
        })
    }

    fn lag(&self, waiting: &Waiting) -> Lag {
        let mut lag = locked(&self.lag);
        lag.push(clock::now(), waiting.seconds);
        Lag {
            records: waiting.records,
            seconds: waiting.seconds,
            trend: lag.points(),
            trace: format!("{}emitted", behind::OUTCOME),
        }
    }
}

impl Source for View {
    fn snapshot(&self, scope: &Scope) -> Result<Snapshot, SourceError> {
        self.caught_up()?;
        self.state(scope).map_err(unavailable)
    }

    fn trace(&self, scope: &Scope, id: &str, asked: &Asked) -> Result<Trace, SourceError> {
        match self.story(scope, id, STEPS, asked).map_err(unavailable)? {
            Some(trace) => Ok(trace),
            // What is not read yet may be known in a moment.
            None => Err(self.caught_up().err().unwrap_or(SourceError::NotFound)),
        }
    }

    fn metrics(&self, scope: &Scope, query: &MetricQuery) -> Result<MetricPage, SourceError> {
        self.caught_up()?;
        self.page(scope, query).map_err(unavailable)
    }
}
