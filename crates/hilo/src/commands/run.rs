//! `hilo run`: the named roles on Kafka.

use crate::{
    cli::Run,
    config::Config,
    failure::Failure,
    kafka::{
        self, Place,
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
use hilo_views::{Follower, Kafka, Pulse, View};
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
    topics::require(&place.cluster, &place.plans()?).map_err(Failure::failed)?;
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
    let topics = Arc::new(Kafka::new(&place.cluster, &framing, &place.topology, Some(Arc::clone(&measures))));
    let follower = roles
        .contains(&Role::Golden)
        .then(|| Follower::start(&topics, &dir))
        .transpose()?;
    let engine = lanes(&config, &dir, &place, processors, &framing, &measures)?;
    let log = roles
        .contains(&Role::Gateway)
        .then(|| KafkaLog::new(&place.cluster, &framing))
        .transpose()?;
    let pulse = follower.as_ref().map(Follower::pulse);
    let view = pulse.clone().map(|pulse| View::new("Kafka", &dir, &place.topology, topics, pulse));
    let (closing, closed) = watch::channel(false);
    let ready = {
        let measures = Arc::clone(&measures);
        move || {
            measures.all_ready()?;
            pulse.as_ref().map_or(Ok(()), Pulse::ready)
        }
    };
    let app = app(&config, log.clone(), view.transpose()?, closed, ready, &measures, &registry)?;
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
                () = ended(engine.as_ref(), follower.as_ref()) => tracing::error!("a part of this process has ended, so all of it ends"),
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
    let stopped = engine.map_or(Ok(()), Engine::stop).map_err(Failure::failed);
    let followed = follower.map_or(Ok(()), Follower::stop).map_err(Failure::failed);
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
    let Some(settings) = kafka::lane_settings(config, dir).filter(|_| !processors.is_empty()) else {
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
    Ok(Some(Engine::start(&plan)?))
}

/// Addresses of the process: probes and metrics always, webhooks of a gateway, the page beside a golden record.
fn app(
    config: &Config,
    log: Option<KafkaLog>,
    page: Option<View>,
    closed: watch::Receiver<bool>,
    ready: impl Fn() -> Result<(), String> + Clone + Send + Sync + 'static,
    measures: &Arc<Measures>,
    registry: &Registry,
) -> Result<Router, Failure> {
    let app = page.map_or_else(Router::new, |page| {
        hilo_dashboard::router(Arc::new(page), closed).layer(axum::Extension(serve::everybody()))
    });
    let alive = Arc::clone(measures);
    if let Some(log) = log {
        if config.tenants.is_empty() {
            return Err(Failure::usage(anyhow!(
                "no tenant is configured, so nobody could send anything: add [tenants.NAME] to hilo.toml (see README.md)"
            )));
        }
        let gateway = Gateway::new(log, place::secrets(config)?, Limits::default(), registry)?
            .alive_when(move || alive.alive(HANGS))
            .ready_when(ready);
        return Ok(app.merge(hilo_gateway::router(gateway)));
    }
    let registry = registry.clone();
    let answer = |result: Result<(), String>| match result {
        Ok(()) => (StatusCode::OK, "ok\n".to_owned()),
        Err(reason) => (StatusCode::SERVICE_UNAVAILABLE, format!("{reason}\n")),
    };
    Ok(app
        .route("/healthz", get(async move || answer(alive.alive(HANGS))))
        .route("/readyz", get(async move || answer(ready())))
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
async fn ended(engine: Option<&Engine>, follower: Option<&Follower>) {
    loop {
        tokio::time::sleep(LOOK).await;
        if engine.is_some_and(|engine| engine.has_ended(Duration::ZERO)) || follower.is_some_and(Follower::has_ended) {
            return;
        }
    }
}
