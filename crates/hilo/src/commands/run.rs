//! `hilo run`: the named roles on Kafka.

use crate::{
    cli::Run,
    config::Config,
    failure::Failure,
    kafka::{
        self, Place,
        golden::Ledger,
        page::LedgerSource,
        raw::{KafkaLog, tick},
        role::Role,
    },
    place,
    say::say,
    serve, topology,
};
use anyhow::{Context as _, anyhow};
use axum::{Router, http::StatusCode, routing::get};
use hilo_gateway::{Gateway, Limits, ServeLimits};
use hilo_kafka::{Engine, Measures, Plan, topics};
use hilo_stream::embedded::DataDir;
use prometheus::{Registry, TextEncoder};
use std::{collections::BTreeSet, path::Path, sync::Arc, time::Duration};
use tokio::{net::TcpListener, sync::watch};

/// A lane that has not moved for so long hangs: liveness says so, and Kubernetes starts the process anew.
const HANGS: Duration = Duration::from_secs(90);
/// How often it is looked whether something has ended.
const LOOK: Duration = Duration::from_millis(200);

pub(crate) fn run(arguments: &Run) -> Result<(), Failure> {
    let (config, dir) = place::open(&arguments.place)?;
    let place = Place::new(&config)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    // From the beginning: who is told to end while it starts ends well too.
    let interrupted = runtime.spawn(serve::interrupted());
    let roles: BTreeSet<Role> = arguments.roles.iter().copied().collect();
    topics::require(&place.cluster, &place.plans()?).map_err(kafka::failure)?;
    let framing = place.framing()?;
    let registry = Registry::new();
    let measures = Arc::new(Measures::new(&registry)?);
    let processors: Vec<&'static str> = roles
        .iter()
        .flat_map(|role| role.processors().iter().copied())
        .collect();
    // State and the golden record are of one process; a gateway keeps nothing.
    let keeps = !processors.is_empty() || roles.contains(&Role::Golden);
    let held = keeps.then(|| DataDir::open(&dir)).transpose()?;
    let ledger = roles
        .contains(&Role::Golden)
        .then(|| Ledger::start(&place.cluster, &framing, &dir, &measures))
        .transpose()?;
    let engine = lanes(&config, &dir, &place, processors, &framing, &measures)?;
    let log = roles
        .contains(&Role::Gateway)
        .then(|| KafkaLog::new(&place.cluster, &framing))
        .transpose()?;
    let page = ledger
        .as_ref()
        .map(|ledger| LedgerSource::new(&dir, Arc::clone(&ledger.table), Arc::clone(&ledger.kept)))
        .transpose()?;
    let (closing, closed) = watch::channel(false);
    let app = app(&config, log.clone(), page, closed, &measures, &registry)?;
    let served = runtime.block_on(async {
        let listener = TcpListener::bind(&config.http.listen)
            .await
            .with_context(|| format!("cannot listen on {}; is another hilo running?", config.http.listen))?;
        let names: Vec<String> = roles.iter().map(|role| format!("{role:?}").to_lowercase()).collect();
        say!("{}: http://{}", names.join(" "), listener.local_addr()?)?;
        let clock = log.clone().map(|log| tokio::spawn(tick(log)));
        let end = async {
            tokio::select! {
                _ = interrupted => {}
                () = ended(engine.as_ref(), ledger.as_ref()) => tracing::error!("a part of this process has ended, so all of it ends"),
            }
            // Open event streams would keep the server from ending.
            closing.send_replace(true);
        };
        hilo_gateway::serve(listener, app, ServeLimits::default(), end).await;
        if let Some(clock) = clock {
            clock.abort();
        }
        Ok::<_, Failure>(())
    });
    let stopped = engine.map_or(Ok(()), Engine::stop).map_err(kafka::failure);
    let followed = ledger.map_or(Ok(()), Ledger::stop).map_err(Failure::failed);
    if let Some(log) = log {
        log.finish()?;
    }
    drop(held);
    served.and(stopped).and(followed)
}

fn lanes(
    config: &Config,
    dir: &Path,
    place: &Place,
    processors: Vec<&'static str>,
    framing: &Arc<hilo_kafka::Framing>,
    measures: &Arc<Measures>,
) -> Result<Option<Engine>, Failure> {
    if processors.is_empty() {
        return Ok(None);
    }
    let Some(settings) = kafka::lane_settings(config, dir)? else {
        return Ok(None);
    };
    let plan = Plan {
        topology: place.topology.clone(),
        processors,
        cluster: place.cluster.clone(),
        framing: Arc::clone(framing),
        dead_letter: topology::dead_letter,
        settings,
        measures: Arc::clone(measures),
    };
    Ok(Some(Engine::start(&plan).map_err(kafka::failure)?))
}

/// Addresses of the process: probes and metrics always, webhooks of a gateway, the page beside a golden record.
fn app(
    config: &Config,
    log: Option<KafkaLog>,
    page: Option<LedgerSource>,
    closed: watch::Receiver<bool>,
    measures: &Arc<Measures>,
    registry: &Registry,
) -> Result<Router, Failure> {
    let app = page.map_or_else(Router::new, |page| {
        hilo_dashboard::router(Arc::new(page), closed).layer(axum::Extension(serve::everybody()))
    });
    let (alive, ready) = (Arc::clone(measures), Arc::clone(measures));
    if let Some(log) = log {
        if config.tenants.is_empty() {
            return Err(Failure::usage(anyhow!(
                "no tenant is configured, so nobody could send anything: add [tenants.NAME] to hilo.toml (see README.md)"
            )));
        }
        let gateway = Gateway::new(log, place::secrets(config)?, Limits::default(), registry)?
            .alive_when(move || alive.alive(HANGS))
            .ready_when(move || ready.all_ready());
        return Ok(app.merge(hilo_gateway::router(gateway)));
    }
    let registry = registry.clone();
    let answer = |result: Result<(), String>| match result {
        Ok(()) => (StatusCode::OK, "ok\n".to_owned()),
        Err(reason) => (StatusCode::SERVICE_UNAVAILABLE, format!("{reason}\n")),
    };
    Ok(app
        .route("/healthz", get(async move || answer(alive.alive(HANGS))))
        .route("/readyz", get(async move || answer(ready.all_ready())))
        .route(
            "/metrics",
            get(async move || {
                TextEncoder::new()
                    .encode_to_string(&registry.gather())
                    .map_err(|error| (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))
            }),
        ))
}

/// Resolves when a lane or a reader has ended for good.
async fn ended(engine: Option<&Engine>, ledger: Option<&Ledger>) {
    loop {
        tokio::time::sleep(LOOK).await;
        if engine.is_some_and(|engine| engine.has_ended(Duration::ZERO)) || ledger.is_some_and(Ledger::has_ended) {
            return;
        }
    }
}
