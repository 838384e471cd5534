//! A node behind its two listeners: webhooks and captures on one, pages, numbers, traces, probes and metrics on the other.

use crate::{
    admin::{Admin, Pages},
    audit::AuditFile,
    crm::metrics::CrmMetrics,
    node::Node,
    runtime_metrics::RuntimeMetrics,
    topology,
    topology::Tenants,
};
use anyhow::Result;
use hilo_crm_writer::Status;
use hilo_gateway::{Gateway, Limits, Tenants as Secrets};
use hilo_service::{Health, Hosts, ServeLimits, answering_to, clock};
use hilo_stream::embedded::Backoff;
use prometheus::Registry;
use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};
use tokio::{net::TcpListener, sync::watch};
use tracing::warn;

/// How often time enters the log.
const TICK: Duration = Duration::from_secs(1);

/// Where a node is reached.
pub(crate) struct Listeners {
    /// For webhooks and captures.
    pub http: TcpListener,
    /// Names that it answers to; none: every name.
    pub hosts: Vec<String>,
    /// For readers.
    pub admin: Admin,
}

/// What a node runs with.
pub(crate) struct Setup<'a> {
    /// Its name on the page.
    pub label: &'a str,
    pub tenants: &'a Tenants,
    pub secrets: Secrets,
    pub listeners: Listeners,
    /// The writer's state, where a tenant has a CRM.
    pub crm: Option<Status>,
}

/// Serves `node` until `end` resolves and what was under way is finished; whether all of it was.
pub(crate) async fn serve(node: Arc<Node>, setup: Setup<'_>, end: impl Future<Output = ()>) -> Result<bool> {
    let Setup {
        label,
        tenants,
        secrets,
        listeners,
        crm,
    } = setup;
    let topology = topology::topology(tenants)?;
    let registry = Registry::new();
    registry.register(Box::new(RuntimeMetrics::new(
        node.watch.clone(),
        node.pulse(),
        &node.dir,
        &topology,
    )?))?;
    if let Some(status) = crm {
        registry.register(Box::new(CrmMetrics::new(status)?))?;
    }
    let gateway =
        Gateway::new(Arc::clone(&node.raw), secrets, Limits::default(), &registry)?.settings(tenants.settings.clone());
    let (alive, ready) = (node.pulse(), node.pulse());
    let health = Health::new(&registry)
        .alive_when("engine", move || alive.beats())
        .ready_when("numbers", move || ready.ready());
    let source = node.view(label, &topology)?;
    let (closing, closed) = watch::channel(false);
    let pages = Pages {
        source: Arc::new(source),
        audit: Arc::new(AuditFile::new(&node.dir)),
        closing: closed.clone(),
    };
    let (admin, reading) = listeners.admin.router(&node.dir, health, Some(pages));
    let writing = answering_to(Hosts::only(&listeners.hosts), hilo_gateway::router(gateway));
    let clock = Clock::start(node);
    let ended = async {
        end.await;
        // Open event streams would keep the server from ending; a closed receiver means that there is none.
        closing.send_replace(true);
    };
    let ((), wrote, read) = tokio::join!(
        ended,
        hilo_service::serve(listeners.http, writing, ServeLimits::default(), closes(closed.clone())),
        hilo_service::serve(admin, reading, ServeLimits::default(), closes(closed)),
    );
    clock.stop();
    Ok(wrote && read)
}

/// Resolves when the process is to end.
pub(crate) async fn closes(mut closed: watch::Receiver<bool>) {
    // A sender that is gone closes too.
    drop(closed.wait_for(|closed| *closed).await);
}

/// Puts the time into the log, once a second: the one place where the machine's clock enters the pipeline.
struct Clock {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Clock {
    fn start(node: Arc<Node>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            let mut notice = Backoff::default();
            loop {
                thread::park_timeout(TICK);
                if stopped.load(Ordering::Acquire) {
                    break;
                }
                if let Err(error) = node.tick(clock::now())
                    && notice.is_due()
                {
                    warn!(%error, "the time cannot be put into the log");
                }
            }
        });
        Self { stop, thread }
    }

    fn stop(self) {
        self.stop.store(true, Ordering::Release);
        self.thread.thread().unpark();
        if self.thread.join().is_err() {
            warn!("the clock's thread panicked");
        }
    }
}
