//! `hilo run`: the named roles on Kafka.

use crate::{
    admin::{self, Admin, Pages},
    audit::AuditFile,
    cli::Run,
    config::Config,
    crm::{
        kafka::{TopicInlet, TopicOutcomes},
        metrics::CrmMetrics,
        writer::{self, Running},
    },
    failure::Failure,
    kafka::{
        self, Place,
        groups::{self, Watcher},
        raw::{KafkaLog, tick},
        role::Role,
        start,
    },
    place,
    say::say,
    serve::closes,
    topology,
};
use anyhow::{Context as _, anyhow};
use axum::Router;
use hilo_crm_writer::Settings;
use hilo_gateway::{Gateway, Limits};
use hilo_kafka::{Engine, Measures, Plan};
use hilo_service::{Health, Hosts, ServeLimits, answering_to, serve};
use hilo_stream::embedded::DataDir;
use hilo_views::{Follower, Kafka, Pulse, View};
use prometheus::Registry;
use std::{collections::BTreeSet, path::Path, sync::Arc, time::Duration};
use tokio::{net::TcpListener, runtime::Runtime, sync::watch};

/// A lane that has not moved for so long hangs: liveness says so, and Kubernetes starts the process anew.
const HANGS: Duration = Duration::from_secs(90);
/// Records that wait for so long without any being applied: the reader hangs.
const STALLED: Duration = Duration::from_mins(1);
/// How long the reader may take for the batch in hand at the end.
const BATCH_IN_HAND: Duration = Duration::from_millis(2_500);
/// Session of a member of a group, where the configuration names none.
const SESSION: Duration = Duration::from_secs(10);
/// How often it is looked whether something has ended.
const LOOK: Duration = Duration::from_millis(200);

pub(crate) fn run(arguments: &Run) -> Result<(), Failure> {
    let (config, dir) = place::open(&arguments.place)?;
    let place = Place::new(&config)?;
    let admin = admin::Plan::new(&config)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    // From the beginning: who is told to end while it starts ends well too.
    let mut interrupted = {
        let _within = runtime.enter();
        runtime.spawn(hilo_service::interrupted())
    };
    let roles: BTreeSet<Role> = arguments.roles.iter().copied().collect();
    let registry = Registry::new();
    let measures = Arc::new(Measures::new(&registry)?);
    let processors: Vec<&'static str> = roles
        .iter()
        .flat_map(|role| role.processors().iter().copied())
        .collect();
    // State and the golden record are of one process; a gateway keeps nothing.
    let keeps = !processors.is_empty() || roles.contains(&Role::Golden) || roles.contains(&Role::Crm);
    let held = keeps.then(|| DataDir::open(&dir)).transpose()?;
    let admin = runtime.block_on(admin.bind())?;
    let (place, keeps_ids) = (Arc::new(place), keeps.then(|| dir.clone()));
    let Some(framing) = runtime.block_on(start::framing(&place, keeps_ids, &admin, &registry, &mut interrupted))?
    else {
        return Ok(());
    };
    let topics = Arc::new(Kafka::new(
        &place.cluster,
        &framing,
        &place.topology,
        Some(Arc::clone(&measures)),
    ));
    let follower = roles
        .contains(&Role::Golden)
        .then(|| Follower::start(&topics, &dir))
        .transpose()?;
    let crm = roles
        .contains(&Role::Crm)
        .then(|| crm(&config, &dir, &place, &framing, &measures, &runtime))
        .transpose()?;
    if let Some(crm) = &crm {
        registry.register(Box::new(CrmMetrics::new(crm.status.clone())?))?;
    }
    let engine = lanes(&config, &dir, &place, processors, &framing, &measures)?;
    let watcher = roles
        .contains(&Role::Lag)
        .then(|| {
            let has_crm = config.tenants.values().any(|tenant| tenant.crm.is_some());
            Ok::<_, Failure>(Watcher::start(&place, groups::expected(&place, has_crm), &registry)?)
        })
        .transpose()?;
    let log = roles
        .contains(&Role::Gateway)
        .then(|| KafkaLog::new(&place.cluster, &framing))
        .transpose()?;
    let pulse = follower.as_ref().map(Follower::pulse);
    let view = pulse
        .clone()
        .map(|pulse| View::new("Kafka", &dir, &place.topology, topics, pulse));
    let (closing, closed) = watch::channel(false);
    let view = view.transpose()?;
    let writing = log.clone().map(|log| gateway(&config, log, &registry)).transpose()?;
    let health = health(&measures, pulse, watcher.as_ref(), &registry);
    let served = runtime.block_on(async {
        let names: Vec<String> = roles.iter().map(|role| format!("{role:?}").to_lowercase()).collect();
        let names = names.join(" ");
        let http = match &writing {
            Some(_) => {
                let listener = TcpListener::bind(&config.http.listen).await.with_context(|| {
                    format!("cannot listen on {}; is another hilo running?", config.http.listen)
                })?;
                say!("{names}: webhooks http://{}", listener.local_addr()?)?;
                Some(listener)
            }
            None => None,
        };
        greet(&names, &admin, &dir, view.is_some())?;
        let pages = view.map(|source| Pages {
            source: Arc::new(source),
            audit: Arc::new(AuditFile::new(&dir)),
            closing: closed.clone(),
        });
        let (admin, reading) = admin.router(&dir, health, pages);
        let clock = log.clone().map(|log| tokio::spawn(tick(log)));
        let end = async {
            tokio::select! {
                _ = &mut interrupted => {}
                () = ended(engine.as_ref(), follower.as_ref()) => tracing::error!("a part of this process has ended, so all of it ends"),
                () = writer::ended(crm.as_ref()) => tracing::error!("the writer of the CRM has ended, so all of the process ends"),
            }
            // Open event streams would keep the server from ending.
            closing.send_replace(true);
        };
        let write = async {
            if let Some((listener, app)) = http.zip(writing) {
                serve(listener, app, ServeLimits::default(), closes(closed.clone())).await;
            }
        };
        let read = serve(admin, reading, ServeLimits::default(), closes(closed.clone()));
        tokio::join!(end, write, read);
        if let Some(clock) = clock {
            clock.abort();
        }
        Ok::<_, Failure>(())
    });
    let wrote = match crm {
        Some(crm) => runtime.block_on(crm.stop()).map_err(Failure::failed),
        None => Ok(()),
    };
    let stopped = engine.map_or(Ok(()), Engine::stop).map_err(kafka::failure);
    let followed = follower
        .map_or(Ok(()), |follower| follower.stop_within(BATCH_IN_HAND))
        .map_err(Failure::failed);
    drop(watcher);
    if let Some(log) = log {
        log.finish()?;
    }
    drop(held);
    // A blocking task of a request that nobody waits for any more does not hold the exit.
    runtime.shutdown_timeout(LOOK);
    served.and(wrote).and(stopped).and(followed)
}

/// The writer of the CRMs, as a member of the group of writers.
fn crm(
    config: &Config,
    dir: &Path,
    place: &Place,
    framing: &Arc<hilo_kafka::Framing>,
    measures: &Arc<Measures>,
    runtime: &Runtime,
) -> Result<Running, Failure> {
    let accounts = writer::accounts(config).map_err(Failure::usage)?;
    if accounts.is_empty() {
        return Err(Failure::usage(anyhow!(
            "no tenant has a CRM, so there is nothing to write: add [tenants.NAME.crm.hubspot] to hilo.toml (see README.md)"
        )));
    }
    let session_timeout = config.kafka.as_ref().map_or(SESSION, |kafka| kafka.session_timeout);
    let inlet = TopicInlet::join(&place.cluster, framing, session_timeout, measures).map_err(kafka::failure)?;
    let outcomes = TopicOutcomes::new(&place.cluster, framing).map_err(kafka::failure)?;
    let _within = runtime.enter();
    Ok(Running::on_topics(
        &accounts,
        dir,
        inlet,
        outcomes,
        Settings::default(),
    )?)
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

/// Says where the process is, and how its local user gets in where it has pages.
fn greet(names: &str, admin: &Admin, dir: &Path, has_pages: bool) -> anyhow::Result<()> {
    if has_pages {
        say!("{names}: dashboard {}", admin.link(dir)?)?;
    } else {
        say!("{names}: http://{}", admin.address)?;
    }
    Ok(())
}

/// What the probes of a process ask, and its metrics.
fn health(measures: &Arc<Measures>, numbers: Option<Pulse>, watcher: Option<&Watcher>, registry: &Registry) -> Health {
    let (alive, ready) = (Arc::clone(measures), Arc::clone(measures));
    let health = Health::new(registry)
        .alive_when("lanes", move || alive.alive(HANGS))
        .ready_when("lanes", move || ready.all_ready());
    let health = match watcher {
        Some(watcher) => health.ready_when("lag", watcher.ready()),
        None => health,
    };
    match numbers {
        Some(numbers) => {
            let moving = numbers.clone();
            health
                .alive_when("numbers", move || moving.moves_within(STALLED))
                .ready_when("numbers", move || numbers.ready())
        }
        None => health,
    }
}

/// Webhooks and captures.
fn gateway(config: &Config, log: KafkaLog, registry: &Registry) -> Result<Router, Failure> {
    if config.tenants.is_empty() {
        return Err(Failure::usage(anyhow!(
            "no tenant is configured, so nobody could send anything: add [tenants.NAME] to hilo.toml (see README.md)"
        )));
    }
    let gateway = Gateway::new(log, place::secrets(config)?, Limits::default(), registry)?
        .settings(place::tenants(config)?.settings);
    Ok(answering_to(
        Hosts::only(&config.http.hosts),
        hilo_gateway::router(gateway),
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
