//! A portal in the test's own process, an inlet and outcomes in memory, and ways to kill the writer.
#![allow(dead_code, reason = "each test uses some of it")]

pub(crate) mod records;
pub(crate) mod traffic;

use axum::{
    extract::Request,
    middleware::{Next, from_fn},
    response::Response,
};
use hilo_contracts::facts::{CrmRecord, CrmWrite};
use hilo_crm::{
    mapping::{Created, Group, Manifest, Origin, Property},
    values::Object,
};
use hilo_crm_simulator::{HubSpot as Simulator, Options};
use hilo_crm_writer::{
    Backoff, Budget, EdgeError, Event, Inlet, Lane, Links, Outcomes, Place, Reply, Settings, Sink, Token, Wanted,
    Writer, WriterError,
    hubspot::{ApiVersion, Client, HubSpot, Portal},
    provision,
};
use std::{
    collections::BTreeMap,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};
use tokio::{
    net::TcpListener,
    sync::{Notify, watch},
};

pub(crate) const TOKEN: &str = "pat-hilo-simulator";

pub(crate) fn lane() -> Lane {
    Lane {
        tenant: "acme".into(),
        sink: "hubspot".into(),
    }
}

/// Where the writer dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Death {
    /// A request has come to the CRM and is not carried out.
    BeforeCall,
    /// It is carried out and not answered.
    AfterCall,
    /// Outcomes are to be published.
    BeforePublish,
    /// They are published and not kept.
    AfterPublish,
}

/// Kills after so many steps of a kind.
pub(crate) struct Trap {
    armed: Mutex<Option<Death>>,
    left: AtomicI64,
    sprung: Notify,
}

impl Trap {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            armed: Mutex::new(None),
            left: AtomicI64::new(0),
            sprung: Notify::new(),
        })
    }

    pub(crate) fn arm(&self, death: Death, after: i64) {
        self.left.store(after, Ordering::SeqCst);
        *self.armed.lock().unwrap() = Some(death);
    }

    pub(crate) fn disarm(&self) {
        *self.armed.lock().unwrap() = None;
    }

    /// Ends only when the trap is not for this step, or not yet: the writer is dropped while it waits.
    async fn step(&self, death: Death) {
        let armed = *self.armed.lock().unwrap() == Some(death);
        if armed && self.left.fetch_sub(1, Ordering::SeqCst) <= 0 {
            self.disarm();
            self.sprung.notify_one();
            std::future::pending::<()>().await;
        }
    }

    pub(crate) async fn sprung(&self) {
        self.sprung.notified().await;
    }
}

/// A portal with an address.
pub(crate) struct Crm {
    pub(crate) simulator: Simulator,
    pub(crate) base: String,
}

impl Crm {
    pub(crate) async fn start(options: Options, trap: &Arc<Trap>) -> Self {
        let simulator = Simulator::new(options);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let trap = Arc::clone(trap);
        let through = move |request: Request, next: Next| {
            let trap = Arc::clone(&trap);
            async move {
                trap.step(Death::BeforeCall).await;
                let answer: Response = next.run(request).await;
                trap.step(Death::AfterCall).await;
                answer
            }
        };
        let router = simulator.router().layer(from_fn(through));
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { simulator, base }
    }

    pub(crate) fn portal(&self) -> Portal {
        Portal {
            base: self.base.clone(),
            token: Token::new(TOKEN).unwrap(),
            version: ApiVersion::default(),
            timeout: Duration::from_secs(2),
        }
    }

    pub(crate) async fn provisioned(self) -> Self {
        let client = client(self.portal());
        provision::apply(&client, &manifest()).await.unwrap();
        self
    }

    pub(crate) fn sinks(&self) -> BTreeMap<Lane, Arc<dyn Sink>> {
        Self::sinks_of(self.portal())
    }

    pub(crate) fn sinks_of(portal: Portal) -> BTreeMap<Lane, Arc<dyn Sink>> {
        let sink: Arc<dyn Sink> = Arc::new(HubSpot::new(client(portal), Duration::from_millis(1)));
        [(lane(), sink)].into()
    }
}

pub(crate) fn client(portal: Portal) -> Arc<Client> {
    let budget = Arc::new(Budget::new(1_000_000, Duration::from_secs(1)));
    Arc::new(Client::new(portal, budget).unwrap())
}

/// Impatient, so that nothing waits long.
pub(crate) fn settings() -> Settings {
    Settings {
        backoff: Backoff {
            base: Duration::from_millis(1),
            cap: Duration::from_millis(20),
        },
        attempts: 20,
        parent_lookups: 5,
        probe: Duration::from_millis(5),
        idle: Duration::from_millis(5),
        drain: Duration::from_secs(5),
        window: 300,
        budget_facts: Duration::from_millis(50),
        breaker: 5,
    }
}

/// A topic in memory: what is committed is forgotten by nobody.
pub(crate) struct Log {
    pub(crate) records: Vec<CrmRecord>,
    pub(crate) committed: i64,
}

/// Reads it.
pub(crate) struct LogInlet<'a> {
    pub(crate) log: &'a mut Log,
    pub(crate) next: i64,
    pub(crate) local: bool,
    pub(crate) batch: usize,
    pub(crate) first: Option<Event>,
}

impl<'a> LogInlet<'a> {
    /// Starts where the links file or the group says.
    pub(crate) fn new(log: &'a mut Log, links: &Links, local: bool) -> Self {
        let next = if local {
            links.offset(0).unwrap().unwrap_or(0)
        } else {
            log.committed
        };
        Self {
            log,
            next,
            local,
            batch: 50,
            first: None,
        }
    }
}

impl Inlet for LogInlet<'_> {
    fn next(&mut self) -> Reply<'_, Result<Event, EdgeError>> {
        Box::pin(async {
            if let Some(first) = self.first.take() {
                return Ok(first);
            }
            let start = usize::try_from(self.next).unwrap();
            let end = (start + self.batch).min(self.log.records.len());
            if start == end {
                return Ok(Event::End);
            }
            let place = |offset: usize| Place {
                partition: 0,
                offset: offset as i64,
            };
            let records = (start..end)
                .map(|at| (place(at), self.log.records[at].clone()))
                .collect();
            self.next = end as i64;
            Ok(Event::Records(records))
        })
    }

    fn commit(&mut self, place: Place) -> Reply<'_, Result<(), EdgeError>> {
        assert!(place.offset + 1 > self.log.committed, "commits go forward");
        self.log.committed = place.offset + 1;
        Box::pin(async { Ok(()) })
    }

    fn latest<'a>(&'a mut self, _: i32, wanted: &'a [Wanted]) -> Reply<'a, Result<Vec<CrmRecord>, EdgeError>> {
        let newest = records::newest(&self.log.records);
        let found = wanted
            .iter()
            .filter_map(|wanted| newest.get(&wanted.record_key).cloned())
            .collect();
        Box::pin(async { Ok(found) })
    }

    fn is_local(&self) -> bool {
        self.local
    }
}

/// Facts in the order in which they were published.
#[derive(Clone)]
pub(crate) struct Facts {
    pub(crate) all: Arc<Mutex<Vec<CrmWrite>>>,
    trap: Arc<Trap>,
}

impl Facts {
    pub(crate) fn new(trap: &Arc<Trap>) -> Self {
        Self {
            all: Arc::default(),
            trap: Arc::clone(trap),
        }
    }

    /// The newest fact of each record.
    pub(crate) fn latest(&self) -> BTreeMap<String, CrmWrite> {
        let all = self.all.lock().unwrap();
        all.iter()
            .filter_map(|fact| Some((fact.record_key.clone()?, fact.clone())))
            .collect()
    }

    pub(crate) fn of_sink(&self) -> Vec<CrmWrite> {
        let all = self.all.lock().unwrap();
        all.iter().filter(|fact| fact.kind == "sink").cloned().collect()
    }
}

impl Outcomes for Facts {
    fn publish(&self, facts: Vec<CrmWrite>) -> Reply<'_, Result<(), EdgeError>> {
        Box::pin(async move {
            self.trap.step(Death::BeforePublish).await;
            self.all.lock().unwrap().extend(facts);
            self.trap.step(Death::AfterPublish).await;
            Ok(())
        })
    }
}

/// Runs a writer until the log is worked off.
pub(crate) async fn run(
    dir: &Path,
    log: &mut Log,
    facts: &Facts,
    sinks: BTreeMap<Lane, Arc<dyn Sink>>,
    settings: Settings,
    local: bool,
) -> Result<(), WriterError> {
    let links = Links::open(&dir.join(hilo_crm_writer::FILE)).unwrap();
    let mut inlet = LogInlet::new(log, &links, local);
    let writer = Writer::new(links, Arc::new(facts.clone()), sinks, settings);
    let (_keep, stop) = watch::channel(false);
    writer.run(&mut inlet, stop).await
}

/// What the tests' records need of a portal.
pub(crate) fn manifest() -> Manifest {
    let ours = |object: Object, name: &str, unique: bool| Property {
        object,
        name: name.into(),
        create: Some(Created {
            label: name.into(),
            group: "whatsapp".into(),
            description: "Of the test.".into(),
        }),
        kind: "string".into(),
        field_type: "text".into(),
        options: Vec::new(),
        unique,
        origin: Origin::default(),
    };
    let mut manifest = Manifest::default();
    for object in Object::ALL {
        manifest.groups.push(Group {
            object,
            name: "whatsapp".into(),
            label: "WhatsApp".into(),
        });
        manifest.properties.push(ours(object, "wa_key", true));
        manifest.properties.push(ours(object, "wa_revision", false));
        manifest.properties.push(ours(object, "wa_note", false));
    }
    manifest.properties.push(ours(Object::Contact, "wa_id", true));
    manifest
}
