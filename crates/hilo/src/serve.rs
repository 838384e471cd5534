//! A node behind its HTTP addresses: gateway, dashboard, health and metrics on one listener.

use crate::{node::Node, runtime_metrics::RuntimeMetrics, source::NodeSource, topology, topology::Tenants};
use anyhow::Result;
use hilo_gateway::{Gateway, Limits, Tenants as Secrets};
use hilo_service::{Reader, Role, Scope, ServeLimits};
use prometheus::Registry;
use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, SystemTime},
};
use tokio::{net::TcpListener, sync::watch};
use tracing::warn;

/// How often time enters the log.
const TICK: Duration = Duration::from_secs(1);

/// Serves `node` until `end` resolves and what was under way is finished; whether all of it was.
pub(crate) async fn serve(
    node: Arc<Node>,
    label: &str,
    tenants: &Tenants,
    secrets: Secrets,
    listener: TcpListener,
    end: impl Future<Output = ()>,
) -> Result<bool> {
    let topology = topology::topology(tenants)?;
    let registry = Registry::new();
    registry.register(Box::new(RuntimeMetrics::new(node.watch.clone(), &node.dir, &topology)?))?;
    let (alive, ready) = (node.pulse(), node.pulse());
    let gateway = Gateway::new(Arc::clone(&node.raw), secrets, Limits::default(), &registry)?
        .regions(tenants.countries.clone())
        .alive_when(move || alive.beats())
        .ready_when(move || ready.beats());
    let source = NodeSource::new(label, &node.dir, &topology, node.watch.clone(), Arc::clone(&node.table))?;
    let (closing, closed) = watch::channel(false);
    let pages = hilo_dashboard::router(Arc::new(source), closed).layer(axum::Extension(everybody()));
    let app = hilo_gateway::router(gateway).merge(pages);
    let clock = Clock::start(node);
    let ended = async {
        end.await;
        // Open event streams would keep the server from ending; a closed receiver means that there is none.
        closing.send_replace(true);
    };
    let finished = hilo_service::serve(listener, app, ServeLimits::default(), ended).await;
    clock.stop();
    Ok(finished)
}

/// Whoever reaches the listener, until readers are known.
pub(crate) fn everybody() -> Reader {
    Reader {
        name: "local".to_owned(),
        role: Role::Operator,
        scope: Scope::All,
    }
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
            loop {
                thread::park_timeout(TICK);
                if stopped.load(Ordering::Acquire) {
                    break;
                }
                let now = SystemTime::now()
                    .duration_since(SystemTime::UNIX_EPOCH)
                    .unwrap_or_default();
                if let Err(error) = node.tick(now.as_millis() as hilo_domain::Millis) {
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

/// Resolves at the first Ctrl-C or SIGTERM.
pub(crate) async fn interrupted() {
    let terminated = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(error) => {
                warn!(%error, "SIGTERM cannot be heard");
                std::future::pending::<()>().await;
            }
        }
    };
    tokio::select! {
        () = terminated => {}
        heard = tokio::signal::ctrl_c() => {
            if let Err(error) = heard {
                warn!(%error, "Ctrl-C cannot be heard");
                std::future::pending::<()>().await;
            }
        }
    }
}
