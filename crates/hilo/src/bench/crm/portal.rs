//! A simulated portal without limits in this process, and the real writer that writes to it over HTTP.

use super::{CHUNK, report::Asked};
use anyhow::{Context as _, Result, anyhow, ensure};
use hilo_contracts::facts::{CrmRecord, CrmWrite};
use hilo_crm::project::Target;
use hilo_crm_simulator::{HubSpot as Simulator, Object, Options};
use hilo_crm_writer::{
    Budget, EdgeError, Event, FILE, Inlet, Lane, Links, Outcomes, Place, Reply, Settings, Sink, Token, Writer,
    hubspot::{self, ApiVersion, Client, HubSpot},
    provision,
};
use std::{
    collections::{BTreeMap, VecDeque},
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};
use tokio::{net::TcpListener, sync::watch};

/// Outcomes that nobody reads.
pub(super) struct Unread;

impl Outcomes for Unread {
    fn publish(&self, _: Vec<CrmWrite>) -> Reply<'_, Result<(), EdgeError>> {
        Box::pin(async { Ok(()) })
    }
}

/// Records that are there, and then an end.
pub(super) struct Given<I> {
    records: I,
    next: i64,
}

impl<I: Iterator<Item = CrmRecord> + Send> Given<I> {
    /// Records from this offset on.
    pub(super) fn new(records: I, next: i64) -> Self {
        Self { records, next }
    }
}

impl<I: Iterator<Item = CrmRecord> + Send> Inlet for Given<I> {
    fn next(&mut self) -> Reply<'_, Result<Event, EdgeError>> {
        // Nothing is taken before somebody asks: the writer makes futures that it drops.
        Box::pin(async {
            let records: Vec<(Place, CrmRecord)> = (self.next..)
                .map(|offset| Place { partition: 0, offset })
                .zip(self.records.by_ref().take(CHUNK))
                .collect();
            self.next += records.len() as i64;
            Ok(if records.is_empty() {
                Event::End
            } else {
                Event::Records(records)
            })
        })
    }
}

/// The lane of the simulated tenant.
pub(super) fn lane() -> Lane {
    Lane {
        tenant: "demo".to_owned(),
        sink: "hubspot".to_owned(),
    }
}

/// A portal that has all that the mapping needs, and a writer's file.
pub(super) struct Portal {
    simulator: Simulator,
    sink: Arc<dyn Sink>,
    links: Links,
    next: AtomicI64,
    /// Calls that made it ready.
    before: Asked,
    _folder: tempfile::TempDir,
}

impl Portal {
    pub(super) async fn new(target: &Target) -> Result<Self> {
        let simulator = Simulator::new(Options::unlimited());
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let portal = hubspot::Portal {
            base: format!("http://{}", listener.local_addr()?),
            token: Token::new(&Options::default().token).context("the simulator's token is none")?,
            version: ApiVersion::default(),
            timeout: Duration::from_secs(30),
        };
        let server = simulator.clone();
        tokio::spawn(async move { server.serve(listener, std::future::pending()).await });
        let budget = Arc::new(Budget::new(u64::from(u32::MAX), Duration::from_secs(1)));
        let client = Arc::new(Client::new(portal, budget)?);
        provision::apply(&client, &target.mappings.manifest()).await?;
        let folder = tempfile::tempdir()?;
        let before = Asked::of(&simulator.counts());
        Ok(Self {
            simulator,
            sink: Arc::new(HubSpot::new(client, Duration::from_mins(1))),
            links: Links::open(&folder.path().join(FILE))?,
            next: AtomicI64::new(0),
            before,
            _folder: folder,
        })
    }

    /// Gives these records to the writer at once, and returns when nothing waits.
    pub(super) async fn write(&self, records: Vec<CrmRecord>) -> Result<()> {
        let next = self.next.fetch_add(records.len() as i64, Ordering::Relaxed);
        let records = VecDeque::from(records);
        let mut inlet = Given::new(records.into_iter(), next);
        let sinks: BTreeMap<Lane, Arc<dyn Sink>> = [(lane(), Arc::clone(&self.sink))].into();
        let writer = Writer::new(self.links.clone(), Arc::new(Unread), sinks, Settings::default());
        let (_go_on, stop) = watch::channel(false);
        Ok(writer.run(&mut inlet, stop).await?)
    }

    /// What it was asked for by the writer.
    pub(super) fn asked(&self) -> Asked {
        Asked::of(&self.simulator.counts()).since(&self.before)
    }

    /// An error where it does not hold so many records, or refused some.
    pub(super) fn holds(&self, wanted: u64) -> Result<()> {
        let census = self.links.census(&lane())?;
        ensure!(census.waiting == 0, "{} records still wait", census.waiting);
        let state = self.simulator.state();
        let held: usize = Object::ALL.iter().map(|object| state.of(*object).len()).sum();
        if held as u64 == wanted {
            return Ok(());
        }
        Err(anyhow!(
            "the portal holds {held} records of {wanted}; refused: {:?}, links: {:?}",
            census.rejected,
            census.kinds
        ))
    }
}
