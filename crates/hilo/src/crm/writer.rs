//! The writer of this process: its sinks from the configuration, and its thread of life beside the other roles.

use super::{
    embedded::{LogInlet, LogOutcomes},
    kafka::{TopicInlet, TopicOutcomes},
};
use crate::config::{Config, Crm, configured};
use anyhow::{Context as _, Result, anyhow};
use hilo_crm_writer::{
    Budget, FILE, Inlet, Lane, Links, Outcomes, Settings, Sink, Status, Token, Writer,
    hubspot::{ApiVersion, Client, HubSpot, Portal},
};
use hilo_stream::{Topology, embedded::ProgressWatch};
use std::{
    collections::BTreeMap,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{sync::watch, task::JoinHandle};

/// Calls in ten seconds before the portal has said its own limit: that of the smallest portals.
const BURST: (u64, Duration) = (100, Duration::from_secs(10));
/// How long an answer of the CRM may take; then its outcome is unknown, and the request is repeated.
const TIMEOUT: Duration = Duration::from_secs(30);
/// How often it is looked whether the writer has ended.
const LOOK: Duration = Duration::from_millis(500);
/// How soon labels that a portal did not know are looked for again.
const RELABEL: Duration = Duration::from_mins(1);

/// The CRM of one tenant, and how it is reached.
#[derive(Clone)]
pub(crate) struct Account {
    pub tenant: String,
    pub sink: String,
    pub base_url: String,
    pub token: Token,
    pub version: ApiVersion,
}

impl Account {
    /// Reads the token from where it is kept.
    pub(crate) fn of(tenant: &str, crm: &Crm) -> Result<Self> {
        let at = || format!("tenants.{tenant}.crm.{}", crm.sink);
        let text = crm.token.text()?;
        let token = Token::new(&text).with_context(|| {
            format!(
                "{}.token is empty, or holds what no header can: copy it anew from the portal",
                at()
            )
        })?;
        Ok(Self {
            tenant: tenant.to_owned(),
            sink: crm.sink.clone(),
            base_url: crm.base_url.clone(),
            token,
            version: crm.api_version,
        })
    }

    /// A client with a budget of its own.
    pub(crate) fn client(&self) -> Result<Client> {
        let (max, interval) = BURST;
        self.client_with(&Arc::new(Budget::new(max, interval)))
    }

    fn client_with(&self, budget: &Arc<Budget>) -> Result<Client> {
        let portal = Portal {
            base: self.base_url.clone(),
            token: self.token.clone(),
            version: self.version,
            timeout: TIMEOUT,
        };
        Ok(Client::new(portal, Arc::clone(budget))?)
    }
}

/// All CRMs of the configuration.
pub(crate) fn accounts(config: &Config) -> Result<Vec<Account>> {
    configured(&config.tenants)
        .map(|(tenant, _, crm)| Account::of(tenant, crm))
        .collect()
}

/// Sinks by tenant; tenants with one portal share its budget.
fn sinks(accounts: &[Account]) -> Result<BTreeMap<Lane, Arc<dyn Sink>>> {
    let mut budgets: Vec<(&str, &Token, Arc<Budget>)> = Vec::new();
    let mut sinks: BTreeMap<Lane, Arc<dyn Sink>> = BTreeMap::new();
    for account in accounts {
        let known = budgets
            .iter()
            .find(|(base, token, _)| *base == account.base_url && **token == account.token);
        let budget = match known {
            Some((_, _, budget)) => Arc::clone(budget),
            None => {
                let budget = Arc::new(Budget::new(BURST.0, BURST.1));
                budgets.push((&account.base_url, &account.token, Arc::clone(&budget)));
                budget
            }
        };
        let lane = Lane {
            tenant: account.tenant.clone(),
            sink: account.sink.clone(),
        };
        let client = Arc::new(account.client_with(&budget)?);
        sinks.insert(lane, Arc::new(HubSpot::new(client, RELABEL)));
    }
    Ok(sinks)
}

/// A writer that runs.
pub(crate) struct Running {
    stop: watch::Sender<bool>,
    /// For an inlet that can end.
    ends: Arc<AtomicBool>,
    task: JoinHandle<Result<()>>,
    pub status: Status,
}

impl Running {
    /// Over the embedded log; `None` where no tenant has a CRM.
    pub(crate) fn on_log(
        accounts: &[Account],
        dir: &Path,
        topology: &Topology,
        watch: ProgressWatch,
        outcomes: hilo_stream::embedded::Inlet,
        rebuilds: u64,
        settings: Settings,
    ) -> Result<Option<Self>> {
        if accounts.is_empty() {
            return Ok(None);
        }
        let links = Links::open(&dir.join(FILE))?;
        let ends = Arc::new(AtomicBool::new(false));
        let next = links.offset(0)?.unwrap_or_default();
        let inlet = LogInlet::new(dir, topology, watch, next, Arc::clone(&ends)).after_rebuild(rebuilds);
        let outcomes = Arc::new(LogOutcomes::new(outcomes));
        Self::start(accounts, links, inlet, outcomes, ends, settings).map(Some)
    }

    /// On Kafka.
    pub(crate) fn on_topics(
        accounts: &[Account],
        dir: &Path,
        inlet: TopicInlet,
        outcomes: TopicOutcomes,
        settings: Settings,
    ) -> Result<Self> {
        let file = dir.join(FILE);
        // The topic has the links: what a former owner of partitions left here may be older.
        for suffix in ["", "-wal", "-shm"] {
            let mut leftover = file.clone().into_os_string();
            leftover.push(suffix);
            if Path::new(&leftover).exists() {
                std::fs::remove_file(&leftover)
                    .with_context(|| format!("cannot remove {}", Path::new(&leftover).display()))?;
            }
        }
        let links = Links::open(&file)?;
        let ends = Arc::default();
        Self::start(accounts, links, inlet, Arc::new(outcomes), ends, settings)
    }

    fn start(
        accounts: &[Account],
        links: Links,
        mut inlet: impl Inlet + 'static,
        outcomes: Arc<dyn Outcomes>,
        ends: Arc<AtomicBool>,
        settings: Settings,
    ) -> Result<Self> {
        let writer = Writer::new(links, outcomes, sinks(accounts)?, settings);
        let status = writer.status();
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(async move { Ok(writer.run(&mut inlet, stopped).await?) });
        Ok(Self {
            stop,
            ends,
            task,
            status,
        })
    }

    /// Whether it has ended, which it does by a failure only.
    pub(crate) fn has_ended(&self) -> bool {
        self.task.is_finished()
    }

    /// Ends after the requests in hand.
    pub(crate) async fn stop(self) -> Result<()> {
        self.stop.send_replace(true);
        joined(self.task).await
    }

    /// Writes all that is there, and ends.
    pub(crate) async fn finish(self, patience: Duration) -> Result<()> {
        self.ends.store(true, Ordering::Release);
        let stop = self.stop;
        let late = async {
            tokio::time::sleep(patience).await;
            stop.send_replace(true);
            std::future::pending::<()>().await;
        };
        tokio::select! {
            ended = joined(self.task) => ended,
            () = late => Ok(()),
        }
    }
}

/// Resolves when a writer has ended by itself; never where there is none.
pub(crate) async fn ended(running: Option<&Running>) {
    let Some(running) = running else {
        return std::future::pending().await;
    };
    while !running.has_ended() {
        tokio::time::sleep(LOOK).await;
    }
}

async fn joined(task: JoinHandle<Result<()>>) -> Result<()> {
    task.await
        .unwrap_or_else(|_| Err(anyhow!("the writer of the CRM panicked: this is a defect of Hilo")))
}
