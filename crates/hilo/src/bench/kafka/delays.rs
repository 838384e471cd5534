//! From the moment when a webhook was due to the fact that a reader of the topics sees.

use super::stage::Stage;
use crate::kafka::raw::{KafkaLog, tick, wall_clock};
use anyhow::{Context as _, Result, anyhow, ensure};
use hilo_bench::{
    Load, Loaded, Milliseconds, load,
    requests::{self, is_status},
};
use hilo_contracts::{
    codec::{self, Codec as _},
    topics,
};
use hilo_gateway::{Gateway, Limits, Secret, TenantSecrets, Tenants, router};
use hilo_kafka::{Measures, Reader, Received};
use hilo_service::{ServeLimits, serve};
use prometheus::Registry;
use serde::Serialize;
use std::{
    fmt, io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};
use tokio::{net::TcpListener, sync::oneshot};

/// Deliveries a second.
const RATE: u32 = 1_000;
/// How long.
const DURATION: Duration = Duration::from_secs(20);
/// Keep-alive connections.
const CONNECTIONS: usize = 64;
/// Whose the deliveries are: nobody has been told of them before.
const TENANT: &str = "bench";
const SECRET: &str = "bench-secret";
/// No fact has come for so long: what was there before has been read.
const QUIET: Duration = Duration::from_secs(3);
/// How long the last facts are waited for after the last answer.
const PATIENCE: Duration = Duration::from_secs(30);
/// Facts taken at once: each batch has one time of arrival.
const AT_ONCE: usize = 500;

/// Deliveries through the gateway, and the facts that came of them.
#[derive(Debug, Serialize)]
pub(crate) struct Delays {
    deliveries: u64,
    /// Deliveries that were answered and seen as a fact.
    facts: u64,
    deliveries_per_second: f64,
    /// From when a request was due to the end of its answer.
    answered: Milliseconds,
    /// From when a request was due to its fact.
    fact: Milliseconds,
    /// Of each processor on the way.
    hops: Vec<Hop>,
}

/// What the commits of a processor were like meanwhile.
#[derive(Debug, Serialize)]
struct Hop {
    processor: &'static str,
    commits: u64,
    milliseconds_each: f64,
}

/// Processors between a delivery and its fact.
const WAY: [&str; 5] = ["normalize", "deduplicate", "identity", "conversation", "status"];

impl fmt::Display for Delays {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        writeln!(
            out,
            "webhook to fact           {} of {} deliveries became facts, at {:.0} a second",
            self.facts, self.deliveries, self.deliveries_per_second
        )?;
        writeln!(out, "  answered after          {}", self.answered)?;
        write!(out, "  a fact after            {}", self.fact)?;
        for hop in &self.hops {
            write!(
                out,
                "\n    {:<22}{:>5} commits, {:.1} ms each",
                hop.processor, hop.commits, hop.milliseconds_each
            )?;
        }
        Ok(())
    }
}

/// Sends signed deliveries at a fixed rate to a gateway on this cluster, whose lanes run, and waits for all their facts.
pub(super) fn measure(stage: &Stage, measures: &Measures) -> Result<Delays> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("gateway")
        .enable_all()
        .build()?;
    let log = KafkaLog::new(&stage.cluster, stage.framing)?;
    let (end, ended) = oneshot::channel::<()>();
    let (address, served) = gateway(&runtime, log.clone(), ended)?;
    let clock = runtime.spawn(tick(log.clone()));
    let requests = requests::traffic(
        TENANT,
        SECRET.as_bytes(),
        (f64::from(RATE) * DURATION.as_secs_f64()) as usize,
        wall_clock() / 1_000,
    );
    let mut reader = Reader::open(
        &stage.cluster,
        &[topics::CONVERSATION, topics::STATUS],
        Arc::clone(stage.framing),
        |_, _| 0,
    )?;
    // Facts of before, and what the first record of the time ends.
    while !reader.read(50_000, QUIET)?.is_empty() {}

    let before = WAY.map(|processor| measures.commits(processor));
    let done = AtomicBool::new(false);
    let count = requests.len();
    let (loaded, arrived) = thread::scope(|scope| -> Result<(Loaded, Vec<Option<Instant>>)> {
        let follower = thread::Builder::new()
            .name("facts".to_owned())
            .spawn_scoped(scope, || follow(&mut reader, count, &done))?;
        let asked = Load {
            rate: RATE,
            duration: DURATION,
            connections: CONNECTIONS,
        };
        let loaded = load(address, &requests, asked);
        done.store(true, Ordering::Release);
        let arrived = follower
            .join()
            .map_err(|_| anyhow!("the reader of the facts stopped: this is a defect of Hilo"))?;
        Ok((loaded?, arrived?))
    })?;
    clock.abort();
    drop(end);
    runtime.block_on(served).map_err(io::Error::other)?;
    log.finish()?;
    let hops = WAY.iter().zip(before).map(|(processor, (commits, seconds))| {
        let (commits_now, seconds_now) = measures.commits(processor);
        let commits = commits_now - commits;
        Hop {
            processor,
            commits,
            milliseconds_each: (seconds_now - seconds) * 1e3 / commits.max(1) as f64,
        }
    });
    report(&loaded, &arrived, hops.collect())
}

/// The role, as `hilo run gateway` puts it together.
fn gateway(
    runtime: &tokio::runtime::Runtime,
    log: KafkaLog,
    ended: oneshot::Receiver<()>,
) -> Result<(SocketAddr, tokio::task::JoinHandle<bool>)> {
    let secrets = TenantSecrets {
        app_secrets: Secret::new(SECRET).into_iter().collect(),
        ..TenantSecrets::default()
    };
    let tenants = Tenants::new([(TENANT.to_owned(), secrets)])?;
    let gateway = Gateway::new(log, tenants, Limits::default(), &Registry::new())?;
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
    let address = listener.local_addr()?;
    let served = runtime.spawn(serve(listener, router(gateway), ServeLimits::default(), async {
        // Whoever ended it may be gone.
        drop(ended.await);
    }));
    Ok((address, served))
}

/// When the first fact of each delivery came.
fn follow(reader: &mut Reader, count: usize, done: &AtomicBool) -> Result<Vec<Option<Instant>>> {
    let mut arrived = vec![None; count];
    let mut missing = count;
    let mut last_answer = None;
    while missing > 0 {
        let received = reader.read(AT_ONCE, Duration::from_millis(20))?;
        let now = Instant::now();
        for one in &received {
            if let Some(number) = delivery(one)?
                && let Some(place @ None) = arrived.get_mut(number)
            {
                *place = Some(now);
                missing -= 1;
            }
        }
        if done.load(Ordering::Acquire) && last_answer.get_or_insert(now).elapsed() > PATIENCE {
            break;
        }
    }
    Ok(arrived)
}

/// Which delivery a fact tells of: a message is told by the conversation, a status by the topic of statuses.
fn delivery(received: &Received) -> Result<Option<usize>> {
    let of_statuses = received.record.topic == topics::STATUS;
    let message = if of_statuses {
        Some(codec::status().decode(&received.record.value)?.message_id)
    } else {
        codec::conversation().decode(&received.record.value)?.message_id
    };
    let number = message.as_deref().and_then(requests::number);
    Ok(number.filter(|number| is_status(*number) == of_statuses))
}

fn report(loaded: &Loaded, arrived: &[Option<Instant>], hops: Vec<Hop>) -> Result<Delays> {
    let answered = loaded.statuses.get(&200).copied().unwrap_or_default();
    let due = |number: usize| loaded.start + Duration::from_nanos(number as u64 * 1_000_000_000 / u64::from(RATE));
    let delays: Vec<Duration> = arrived
        .iter()
        .enumerate()
        .filter_map(|(number, at)| Some(at.as_ref()?.saturating_duration_since(due(number))))
        .collect();
    let facts = delays.len() as u64;
    ensure!(
        answered == arrived.len() as u64 && facts == answered,
        "{} deliveries were sent, {answered} answered with 200 (others: {:?}, {} without an answer), {facts} are facts",
        arrived.len(),
        loaded.statuses,
        loaded.failed
    );
    Ok(Delays {
        deliveries: arrived.len() as u64,
        facts,
        deliveries_per_second: answered as f64 / loaded.elapsed.as_secs_f64(),
        answered: Milliseconds::of(&loaded.latency),
        fact: Milliseconds::of_times(delays).context("the delays cannot be counted")?,
        hops,
    })
}
