//! Addresses and what happens at each.

use crate::{
    body::{self, Received},
    captures::Claims,
    log::{DurableLog, LogError},
    measures::{ACCEPTED, CHECKED, Endpoint, Measures, REPEATED, UNKNOWN_TENANT},
    pool::Pool,
    refusal::Refusal,
    repeats::{Fingerprint, Outcome, Remembered, Repeats, Request as Repeat},
    room::{LARGE, Room},
    signature::Signature,
    tenants::{Tenants, is_tenant_name},
};
use axum::{
    Json, Router,
    body::{Body, Bytes},
    extract::{
        Path, Query, Request, State,
        rejection::{PathRejection, QueryRejection},
    },
    http::{Extensions, HeaderMap, HeaderName, HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use hilo_contracts::{
    capture,
    codec::{self, AvroCodec, Codec as _},
    facts::Raw,
    topics,
};
use hilo_domain::Millis;
use hilo_normalize::Tenant;
use hilo_service::{Notice, Peer, clock};
use hilo_stream::Record;
use prometheus::Registry;
use serde::Deserialize;
use serde_json::json;
use std::{
    collections::BTreeMap,
    hint::black_box,
    io,
    net::Ipv4Addr,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{task::JoinHandle, time::timeout};
use tracing::{error, warn};

/// Threads for signatures of large bodies, and how many may wait: the room for bodies bounds them too.
const SIGNATURES: (usize, usize) = (2, 64);
/// The same for large bodies of lines.
const LINES: (usize, usize) = (1, 16);

const IDEMPOTENCY_KEY: &str = "idempotency-key";
/// Says that the answer is that of an earlier request.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// Bounds of one gateway.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of a body.
    pub body: usize,
    /// Time for a body to arrive.
    pub body_time: Duration,
    /// Time for the log to make it durable. The platform waits longer than this.
    pub append_time: Duration,
    /// Bytes in memory at once of bodies below 64 KiB: enough for every connection to have one.
    pub small_bodies: usize,
    /// Bytes in memory at once of all other bodies.
    pub large_bodies: usize,
    /// Lines of one request.
    pub lines: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body: 3 << 20,
            body_time: Duration::from_secs(10),
            append_time: Duration::from_secs(8),
            small_bodies: 2_048 * LARGE,
            large_bodies: 64 << 20,
            lines: 10_000,
        }
    }
}

/// Why there is no gateway.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    /// Its counters.
    #[error("the gateway's counters cannot be registered")]
    Counters(#[from] prometheus::Error),
    /// Its threads.
    #[error("the gateway cannot start its threads")]
    Threads(#[from] io::Error),
}

/// Takes deliveries and captures into a log.
pub struct Gateway<L> {
    log: L,
    tenants: Tenants,
    limits: Limits,
    /// What the configuration says of each tenant, for reading lines.
    settings: BTreeMap<String, Tenant>,
    room: Room,
    signatures: Pool,
    lines: Pool,
    repeats: Repeats,
    codec: AvroCodec<Raw>,
    measures: Measures,
    stray: Notice,
    unsigned: Notice,
    refused: Notice,
}

impl<L: DurableLog> Gateway<L> {
    /// A gateway in front of `log`; it counts in `registry`.
    pub fn new(log: L, tenants: Tenants, limits: Limits, registry: &Registry) -> Result<Self, GatewayError> {
        Ok(Self {
            log,
            tenants,
            limits,
            settings: BTreeMap::new(),
            room: Room::new(limits.small_bodies, limits.large_bodies),
            signatures: Pool::new("signatures", SIGNATURES.0, SIGNATURES.1)?,
            lines: Pool::new("lines", LINES.0, LINES.1)?,
            repeats: Repeats::default(),
            codec: codec::raw(),
            measures: Measures::new(registry)?,
            stray: Notice::default(),
            unsigned: Notice::default(),
            refused: Notice::default(),
        })
    }

    /// Reads lines as `normalize` does, by what the configuration says of each tenant.
    #[must_use]
    pub fn settings(mut self, settings: BTreeMap<String, Tenant>) -> Self {
        self.settings = settings;
        self
    }

    async fn receive(&self, extensions: &Extensions, body: Body) -> Result<Received, Refusal> {
        let peer = extensions.get::<Peer>().copied();
        let peer = peer.unwrap_or_else(|| Peer::at(Ipv4Addr::UNSPECIFIED.into()));
        body::read(body, self.limits.body, self.limits.body_time, &self.room, peer).await
    }

    fn record(&self, raw: &Raw) -> Result<Record, Refusal> {
        let value = self.codec.encode(raw).map_err(|error| {
            error!(%error, "a delivery cannot be encoded");
            Refusal::Internal
        })?;
        Ok(Record {
            topic: topics::RAW,
            key: capture::raw_key(raw),
            value,
            timestamp: raw.received_at,
        })
    }

    /// Resolves when the records are durable. Only then may anybody be told so.
    async fn keep(&self, records: Vec<Record>) -> Result<(), Refusal> {
        let appended = timeout(self.limits.append_time, self.log.append(records)).await;
        appended
            .unwrap_or(Err(LogError::Slow))
            .map_err(|error| self.not_kept(error))
    }

    fn not_kept(&self, error: LogError) -> Refusal {
        let due = self.refused.is_due();
        let refusal = match error {
            LogError::Full => Refusal::LogFull,
            LogError::Slow => Refusal::LogSlow,
            LogError::Unavailable(reason) => {
                if due {
                    error!(
                        reason,
                        "deliveries are refused, the log cannot write; their senders try again"
                    );
                }
                return Refusal::LogFailed;
            }
        };
        if due {
            warn!(
                reason = refusal.outcome(),
                "deliveries are refused, the log does not keep up; their senders try again"
            );
        }
        refusal
    }

    fn answer(&self, endpoint: Endpoint, result: Result<Response, Refusal>) -> Response {
        result.unwrap_or_else(|refusal| {
            self.measures.count(endpoint, refusal.outcome());
            refusal.problem(endpoint).into_response()
        })
    }

    /// The record of a delivery whose signature is right, and how it is counted.
    fn verified(&self, tenant: &str, signature: &Signature, body: &[u8]) -> Result<(Record, &'static str), Refusal> {
        let known = self.tenants.knows(tenant);
        if !signature.verifies(body, self.tenants.keys(tenant)) {
            if known && self.unsigned.is_due() {
                warn!(
                    tenant,
                    "a delivery is not signed by any of the tenant's app_secrets and is refused"
                );
            }
            return Err(Refusal::Signature);
        }
        let mut raw = capture::from_webhook(tenant, clock::now(), body);
        if known {
            return Ok((self.record(&raw)?, ACCEPTED));
        }
        if !is_tenant_name(tenant) {
            return Err(Refusal::Address);
        }
        if self.stray.is_due() {
            warn!(
                tenant,
                "a well-signed delivery came for a tenant that is not configured and is kept as a dead letter: \
                 configure the tenant, or mend the address in the platform's webhook form"
            );
        }
        capture::INVALID.clone_into(&mut raw.source);
        Ok((self.record(&raw)?, UNKNOWN_TENANT))
    }

    /// Checks a refused delivery with as many keys more as a delivery for nobody is checked with: the time of a 401 does
    /// not say which tenants exist. What is signed well never comes here, so it costs genuine deliveries nothing.
    async fn take_as_long(self: &Arc<Self>, tenant: String, signature: Signature, bytes: Bytes) -> Result<(), Refusal> {
        let cost = bytes.len() * self.tenants.others(&tenant).len();
        let hash = move |gateway: &Self| {
            black_box(signature.verifies(&bytes, gateway.tenants.others(&tenant)));
        };
        if cost < LARGE {
            hash(self);
            return Ok(());
        }
        let gateway = Arc::clone(self);
        self.signatures.run(move || hash(&gateway)).await
    }

    async fn delivery(self: &Arc<Self>, tenant: String, head: &Parts, body: Body) -> Result<Response, Refusal> {
        let started = Instant::now();
        // Before the body: without a signature nobody reads it.
        let signature = Signature::of(&head.headers).ok_or(Refusal::Signature)?;
        let received = self.receive(&head.extensions, body).await?;
        let length = received.bytes.len();
        // Each key hashes the whole body: what takes long does not delay the small ones beside it.
        let verified = if length * self.tenants.keys(&tenant).len() < LARGE {
            self.verified(&tenant, &signature, &received.bytes)
        } else {
            let (gateway, name, bytes) = (Arc::clone(self), tenant.clone(), received.bytes.clone());
            self.signatures
                .run(move || gateway.verified(&name, &signature, &bytes))
                .await?
        };
        if matches!(verified, Err(Refusal::Signature)) {
            self.take_as_long(tenant, signature, received.bytes.clone()).await?;
        }
        let (record, outcome) = verified?;
        self.keep(vec![record]).await?;
        self.measures.count(Endpoint::WhatsApp, outcome);
        self.measures.taken(Endpoint::WhatsApp, length, 1, started.elapsed());
        Ok(StatusCode::OK.into_response())
    }

    async fn capture(
        self: &Arc<Self>,
        endpoint: Endpoint,
        system: Option<&str>,
        head: &Parts,
        body: Body,
    ) -> Result<Response, Refusal> {
        let started = Instant::now();
        // Before the body: a stranger's is not read.
        let token = bearer(&head.headers).ok_or(Refusal::Token)?;
        let tenant = self.tenants.tenant_of_token(token).ok_or(Refusal::Token)?;
        let only_check = asks_for_a_check(head)?;
        let key = idempotency_key(&head.headers)?;
        let received = self.receive(&head.extensions, body).await?;
        let bytes = received.bytes.len();
        let system_bytes = system.unwrap_or_default().as_bytes();
        let fingerprint = Fingerprint::of(&[endpoint.label().as_bytes(), system_bytes, &received.bytes]);
        let now = clock::now();
        if only_check {
            let (raws, _) = self.lines(endpoint, tenant, system, &received, now).await?;
            self.measures.count(endpoint, CHECKED);
            return Ok(Json(json!({"dry_run": true, "accepted": 0, "checked": raws.len()})).into_response());
        }
        let (request, is_first) = match self.repeats.request(tenant, key, fingerprint, now) {
            Repeat::First(request) => (request, true),
            Repeat::Again(request) => (request, false),
            Repeat::OtherBody => return Err(Refusal::KeyReused),
        };
        let lines = self
            .lines(endpoint, tenant, system, &received, request.received_at)
            .await;
        let (ids, records) = lines.inspect_err(|_| {
            if is_first {
                // Nothing of it was taken: the mended body may have the same key.
                request.settle(Outcome::Failed);
                self.repeats.forget(tenant, key, &request);
            }
        })?;
        let accepted = ids.len();
        let mut response = Json(json!({"accepted": accepted, "delivery_ids": ids})).into_response();
        if is_first {
            let appending = self.append(Arc::clone(&request), records);
            let appended = timeout(self.limits.append_time, appending).await;
            let appended = appended.map_or(Err(LogError::Slow), |ended| {
                ended.unwrap_or_else(|_| Err(LogError::Unavailable("its task panicked".to_owned())))
            });
            if appended == Err(LogError::Slow) && key.is_none() {
                self.repeats.remember_unanswered(tenant, &request);
            }
            appended.map_err(|error| self.not_kept(error))?;
            self.measures.count(endpoint, ACCEPTED);
            self.measures.taken(endpoint, bytes, accepted, started.elapsed());
        } else {
            let outcome = timeout(self.limits.append_time, request.outcome()).await;
            match outcome {
                Ok(Outcome::Kept) => {}
                Ok(Outcome::Failed | Outcome::Waits) => return Err(Refusal::LogFailed),
                Err(_) => return Err(self.not_kept(LogError::Slow)),
            }
            if key.is_none() {
                self.repeats.forget(tenant, None, &request);
            }
            self.measures.count(endpoint, REPEATED);
            response
                .headers_mut()
                .insert(REPLAYED, HeaderValue::from_static("true"));
        }
        Ok(response)
    }

    /// Appends, also when the client leaves or stops waiting, and notes what became of it.
    fn append(self: &Arc<Self>, request: Arc<Remembered>, records: Vec<Record>) -> JoinHandle<Result<(), LogError>> {
        let gateway = Arc::clone(self);
        tokio::spawn(async move {
            let appended = gateway.log.append(records).await;
            request.settle(if appended.is_ok() {
                Outcome::Kept
            } else {
                Outcome::Failed
            });
            appended
        })
    }

    /// Ids and records of lines, all or none. Many of them are read on a thread of their own.
    async fn lines(
        self: &Arc<Self>,
        endpoint: Endpoint,
        tenant: &str,
        system: Option<&str>,
        received: &Received,
        received_at: Millis,
    ) -> Result<(Vec<String>, Vec<Record>), Refusal> {
        if received.bytes.len() < LARGE {
            return self.read_lines(endpoint, tenant, system, &received.bytes, received_at);
        }
        let (gateway, bytes) = (Arc::clone(self), received.bytes.clone());
        let (tenant, system) = (tenant.to_owned(), system.map(str::to_owned));
        self.lines
            .run(move || gateway.read_lines(endpoint, &tenant, system.as_deref(), &bytes, received_at))
            .await?
    }

    fn read_lines(
        &self,
        endpoint: Endpoint,
        tenant: &str,
        system: Option<&str>,
        body: &[u8],
        received_at: Millis,
    ) -> Result<(Vec<String>, Vec<Record>), Refusal> {
        let unknown = Tenant::default();
        let claims = Claims {
            endpoint,
            tenant,
            system,
            received_at,
            settings: self.settings.get(tenant).unwrap_or(&unknown),
            most_lines: self.limits.lines,
        };
        let raws = claims.records(body)?;
        let records: Result<Vec<Record>, Refusal> = raws.iter().map(|raw| self.record(raw)).collect();
        Ok((raws.into_iter().map(|raw| raw.delivery_id).collect(), records?))
    }
}

/// All addresses of a gateway: what `[http] listen` serves.
pub fn router<L: DurableLog>(gateway: Gateway<L>) -> Router {
    Router::new()
        .route("/webhooks/whatsapp/{tenant}", get(challenge::<L>).post(deliver::<L>))
        .route("/v1/outbound", post(outbound::<L>))
        .route("/v1/inbox", post(inbox::<L>))
        .route("/v1/platform", post(platform::<L>))
        .route("/v1/identity", post(identity::<L>))
        .route("/v1/crm/{system}", post(crm::<L>))
        .with_state(Arc::new(gateway))
}

type Shared<L> = State<Arc<Gateway<L>>>;

#[derive(Deserialize)]
struct Subscription {
    #[serde(rename = "hub.mode")]
    mode: String,
    #[serde(rename = "hub.verify_token")]
    verify_token: String,
    #[serde(rename = "hub.challenge")]
    challenge: String,
}

async fn challenge<L: DurableLog>(
    State(gateway): Shared<L>,
    tenant: Result<Path<String>, PathRejection>,
    query: Result<Query<Subscription>, QueryRejection>,
) -> Response {
    let tenant = tenant.map(|Path(tenant)| tenant).unwrap_or_default();
    let result = match query {
        Ok(Query(asked))
            if asked.mode == "subscribe"
                && gateway
                    .tenants
                    .verifies_subscription(&tenant, asked.verify_token.as_bytes()) =>
        {
            gateway.measures.count(Endpoint::Challenge, ACCEPTED);
            // As text, whatever it says; the server adds that nobody may guess another type.
            let headers = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];
            Ok((headers, asked.challenge).into_response())
        }
        _ => Err(Refusal::Challenge),
    };
    gateway.answer(Endpoint::Challenge, result)
}

async fn deliver<L: DurableLog>(
    State(gateway): Shared<L>,
    tenant: Result<Path<String>, PathRejection>,
    request: Request,
) -> Response {
    let tenant = tenant.map(|Path(tenant)| tenant).unwrap_or_default();
    let (head, body) = request.into_parts();
    let result = gateway.delivery(tenant, &head, body).await;
    gateway.answer(Endpoint::WhatsApp, result)
}

async fn take<L: DurableLog>(gateway: Arc<Gateway<L>>, endpoint: Endpoint, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let result = gateway.capture(endpoint, None, &head, body).await;
    gateway.answer(endpoint, result)
}

async fn outbound<L: DurableLog>(State(gateway): Shared<L>, request: Request) -> Response {
    take(gateway, Endpoint::Outbound, request).await
}

async fn inbox<L: DurableLog>(State(gateway): Shared<L>, request: Request) -> Response {
    take(gateway, Endpoint::Inbox, request).await
}

async fn platform<L: DurableLog>(State(gateway): Shared<L>, request: Request) -> Response {
    take(gateway, Endpoint::Platform, request).await
}

async fn identity<L: DurableLog>(State(gateway): Shared<L>, request: Request) -> Response {
    take(gateway, Endpoint::Identity, request).await
}

async fn crm<L: DurableLog>(
    State(gateway): Shared<L>,
    system: Result<Path<String>, PathRejection>,
    request: Request,
) -> Response {
    let (head, body) = request.into_parts();
    let result = match system {
        Ok(Path(system)) if is_tenant_name(&system) => gateway.capture(Endpoint::Crm, Some(&system), &head, body).await,
        _ => Err(Refusal::Address),
    };
    gateway.answer(Endpoint::Crm, result)
}

fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let value = headers.get(header::AUTHORIZATION)?.as_bytes();
    let (scheme, token) = value.split_at_checked("Bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"Bearer ").then(|| token.trim_ascii())
}

/// What stands behind `?` of an address of lines.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wishes {
    dry_run: Option<String>,
}

/// Whether lines are only to be checked. A misspelt wish is refused: it would keep what nobody wanted to be kept.
fn asks_for_a_check(head: &Parts) -> Result<bool, Refusal> {
    let Query(wishes) = Query::<Wishes>::try_from_uri(&head.uri).map_err(|_| Refusal::Query)?;
    match wishes.dry_run.as_deref() {
        None | Some("0" | "false") => Ok(false),
        Some("1" | "true") => Ok(true),
        Some(_) => Err(Refusal::Query),
    }
}

/// The key under which a request may come again.
fn idempotency_key(headers: &HeaderMap) -> Result<Option<&[u8]>, Refusal> {
    let mut keys = headers.get_all(IDEMPOTENCY_KEY).iter();
    let Some(key) = keys.next() else { return Ok(None) };
    let key = key.as_bytes();
    let visible = key.iter().all(u8::is_ascii_graphic);
    (keys.next().is_none() && visible && (1..=255).contains(&key.len()))
        .then_some(Some(key))
        .ok_or(Refusal::Key)
}
