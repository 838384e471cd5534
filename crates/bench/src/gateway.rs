//! The gateway on the embedded log, under load. Both are in this process: the gateway on a runtime of its own with named
//! threads, so that what each part costs is told apart.

use crate::{
    disk,
    load::{Load, load},
    micros, process,
    report::{GatewayReport, Milliseconds},
    requests,
};
use hdrhistogram::Histogram;
use hilo_contracts::topics;
use hilo_gateway::{
    DurableLog, Gateway, GatewayError, Limits, LogError, Secret, TenantError, TenantSecrets, Tenants, router,
};
use hilo_service::{ServeLimits, serve};
use hilo_stream::{
    Record,
    embedded::{DataDir, EmbeddedError, RawLog},
};
use prometheus::Registry;
use std::{
    io,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};
use tokio::{net::TcpListener, sync::oneshot};

const TENANT: &str = "bench";
const SECRET: &str = "bench-secret";
/// Different deliveries: enough that they share no cache line, few enough to be made at once.
const DELIVERIES: usize = 2_000;
/// Threads of the gateway's runtime.
const GATEWAY_THREAD: &str = "gateway";

/// What is measured.
#[derive(Clone, Debug)]
pub struct GatewayBench {
    /// Deliveries a second.
    pub rate: u32,
    /// How long.
    pub duration: Duration,
    /// Keep-alive connections.
    pub connections: usize,
    /// Bytes of a body.
    pub body_bytes: usize,
    /// Folder on the disk that is measured; a new folder in it is used and removed.
    pub dir: PathBuf,
}

/// A measurement that could not be made.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// Sockets, files or threads.
    #[error("the measurement broke off: {0}")]
    Io(#[from] io::Error),
    /// The log.
    #[error(transparent)]
    Log(#[from] EmbeddedError),
    /// The gateway.
    #[error(transparent)]
    Gateway(#[from] GatewayError),
    /// The gateway's tenant.
    #[error(transparent)]
    Tenant(#[from] TenantError),
    /// More records or fewer than answers.
    #[error("{acknowledged} deliveries were acknowledged and {kept} are in the log: this is a defect of Hilo")]
    Lost {
        /// Answers with 200.
        acknowledged: u64,
        /// Records in the log.
        kept: u64,
    },
}

/// The log, and how long it takes to make records durable.
struct Timed {
    log: Arc<RawLog>,
    durable: Arc<Mutex<Histogram<u64>>>,
}

impl DurableLog for Timed {
    async fn append(&self, records: Vec<Record>) -> Result<(), LogError> {
        let started = Instant::now();
        let appended = DurableLog::append(&self.log, records).await;
        let elapsed = started.elapsed();
        micros::record(
            &mut self.durable.lock().unwrap_or_else(PoisonError::into_inner),
            elapsed,
        );
        appended
    }
}

/// Measures the gateway. Every acknowledged delivery is in the log at the end, or it is an error.
pub fn run_gateway(bench: &GatewayBench) -> Result<GatewayReport, BenchError> {
    let folder = tempfile::tempdir_in(&bench.dir)?;
    let disk = disk::synchronised_writes(folder.path())?;
    let requests = requests::signed(TENANT, SECRET.as_bytes(), DELIVERIES, bench.body_bytes);
    let log = Arc::new(RawLog::open(&DataDir::open(folder.path())?, topics::RAW)?);
    let durable = Arc::new(Mutex::new(micros::histogram()?));
    let secrets = TenantSecrets {
        app_secrets: Secret::new(SECRET).into_iter().collect(),
        ..TenantSecrets::default()
    };
    let tenants = Tenants::new([(TENANT.to_owned(), secrets)])?;
    let timed = Timed {
        log: Arc::clone(&log),
        durable: Arc::clone(&durable),
    };
    let gateway = Gateway::new(timed, tenants, Limits::default(), &Registry::new())?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .thread_name(GATEWAY_THREAD)
        .enable_all()
        .build()?;
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
    let address = listener.local_addr()?;
    let (end, ended) = oneshot::channel::<()>();
    let serve_limits = ServeLimits {
        connections: bench.connections.max(1),
        ..ServeLimits::default()
    };
    let served = runtime.spawn(serve(listener, router(gateway), serve_limits, async {
        drop(ended.await);
    }));

    let before = process::thread_seconds();
    let total_before = process::process_seconds();
    let asked = Load {
        rate: bench.rate,
        duration: bench.duration,
        connections: bench.connections,
    };
    let loaded = load(address, &requests, asked)?;
    let after = process::thread_seconds();
    let total = process::process_seconds() - total_before;

    drop(end);
    runtime.block_on(served).map_err(io::Error::other)?;
    let spent = |name: &str| {
        let at = |threads: &process::ThreadSeconds| threads.get(name).copied().unwrap_or_default();
        at(&after) - at(&before)
    };
    let acknowledged = loaded.statuses.get(&200).copied().unwrap_or_default();
    // A request that got no answer may still have been kept: then the platform sends it again.
    let unsure = loaded.failed + loaded.statuses.get(&503).copied().unwrap_or_default();
    let kept = log.len();
    if kept < acknowledged || kept > acknowledged + unsure {
        return Err(BenchError::Lost { acknowledged, kept });
    }
    let (gateway_seconds, log_seconds) = (spent(GATEWAY_THREAD), spent("raw-log"));
    let durable = durable.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(GatewayReport {
        rate: bench.rate,
        connections: bench.connections,
        body_bytes: bench.body_bytes,
        seconds: loaded.elapsed.as_secs_f64(),
        acknowledged,
        throughput: acknowledged as f64 / loaded.elapsed.as_secs_f64(),
        statuses: loaded.statuses,
        failed: loaded.failed,
        latency: Milliseconds::of(&loaded.latency),
        durable: Milliseconds::of(&durable),
        disk: Milliseconds::of(&disk),
        cpu_seconds_gateway: gateway_seconds,
        cpu_seconds_log: log_seconds,
        cpu_seconds_load: (total - gateway_seconds - log_seconds).max(0.0),
        peak_resident_bytes: process::peak_resident_bytes(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_run_acknowledges_and_keeps_everything() {
        let home = tempfile::tempdir().unwrap();
        let bench = GatewayBench {
            rate: 200,
            duration: Duration::from_millis(500),
            connections: 4,
            body_bytes: 850,
            dir: home.path().to_owned(),
        };
        let report = run_gateway(&bench).unwrap();
        assert_eq!((report.acknowledged, report.failed), (100, 0));
        assert!(report.latency.max >= report.latency.p99 && report.latency.p99 >= report.latency.p50);
        assert!(
            report.latency.max >= report.durable.p50,
            "an answer takes longer than its commit"
        );
        let json: serde_json::Value = serde_json::to_value(&report).unwrap();
        assert_eq!(json["acknowledged"], 100);
        assert!(report.to_string().contains("100 acknowledged"), "{report}");
        assert!(
            std::fs::read_dir(home.path()).unwrap().next().is_none(),
            "nothing is left over"
        );
    }
}
