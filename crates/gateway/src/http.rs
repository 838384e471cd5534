//! Addresses and what happens at each.

use crate::{
    body::{self, Received, Room},
    captures::Claims,
    log::{DurableLog, LogError},
    measures::{ACCEPTED, Endpoint, Measures, UNKNOWN_TENANT},
    notice::Notice,
    refusal::Refusal,
    signature::Signature,
    tenants::{Tenants, is_tenant_name},
};
use axum::{
    Json, Router,
    body::Body,
    extract::{
        Path, Query, State,
        rejection::{PathRejection, QueryRejection},
    },
    http::{HeaderMap, StatusCode, header},
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
use hilo_stream::Record;
use prometheus::Registry;
use serde::Deserialize;
use serde_json::json;
use std::{
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};
use tokio::time::timeout;
use tracing::{error, warn};

/// From this size on a body is hashed on a thread of its own, so that the small ones beside it do not wait.
const LARGE: usize = 256 << 10;

/// Bounds of one gateway.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of a body.
    pub body: usize,
    /// Time for a body to arrive.
    pub body_time: Duration,
    /// Time for the log to make it durable. The platform waits longer than this.
    pub append_time: Duration,
    /// Bytes of bodies in memory at once.
    pub in_flight: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body: 3 << 20,
            body_time: Duration::from_secs(10),
            append_time: Duration::from_secs(8),
            in_flight: 64 << 20,
        }
    }
}

/// Takes deliveries and captures into a log.
pub struct Gateway<L> {
    log: L,
    tenants: Tenants,
    limits: Limits,
    room: Room,
    codec: AvroCodec<Raw>,
    measures: Measures,
    stray: Notice,
    unsigned: Notice,
    refused: Notice,
}

impl<L: DurableLog> Gateway<L> {
    /// A gateway in front of `log`; it counts in `registry`.
    pub fn new(log: L, tenants: Tenants, limits: Limits, registry: &Registry) -> Result<Self, prometheus::Error> {
        Ok(Self {
            log,
            tenants,
            limits,
            room: Room::new(limits.in_flight),
            codec: codec::raw(),
            measures: Measures::new(registry)?,
            stray: Notice::default(),
            unsigned: Notice::default(),
            refused: Notice::default(),
        })
    }

    async fn receive(&self, body: Body) -> Result<Received, Refusal> {
        body::read(body, self.limits.body, self.limits.body_time, &self.room).await
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
        let refusal = match timeout(self.limits.append_time, self.log.append(records)).await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(LogError::Full)) => Refusal::LogFull,
            Ok(Err(LogError::Unavailable(reason))) => {
                if self.refused.is_due() {
                    error!(
                        reason,
                        "deliveries are refused, the log cannot write; their senders try again"
                    );
                }
                return Err(Refusal::LogFailed);
            }
            Err(_) => Refusal::LogSlow,
        };
        if self.refused.is_due() {
            warn!(
                reason = refusal.outcome(),
                "deliveries are refused, the log does not keep up; their senders try again"
            );
        }
        Err(refusal)
    }

    fn answer(&self, endpoint: Endpoint, result: Result<Response, Refusal>) -> Response {
        result.unwrap_or_else(|refusal| {
            self.measures.count(endpoint, refusal.outcome());
            refusal.into_response()
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
        let mut raw = capture::from_webhook(tenant, wall_clock(), body);
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

    async fn delivery(self: &Arc<Self>, tenant: String, headers: &HeaderMap, body: Body) -> Result<Response, Refusal> {
        let started = Instant::now();
        let received = self.receive(body).await?;
        let signature = Signature::of(headers).ok_or(Refusal::Signature)?;
        let length = received.bytes.len();
        let (record, outcome) = if length < LARGE {
            self.verified(&tenant, &signature, &received.bytes)?
        } else {
            let (gateway, bytes) = (Arc::clone(self), received.bytes.clone());
            let verified = tokio::task::spawn_blocking(move || gateway.verified(&tenant, &signature, &bytes));
            verified.await.map_err(|_| Refusal::Internal)??
        };
        self.keep(vec![record]).await?;
        self.measures.count(Endpoint::WhatsApp, outcome);
        self.measures.taken(Endpoint::WhatsApp, length, 1, started.elapsed());
        Ok(StatusCode::OK.into_response())
    }

    async fn capture(
        &self,
        endpoint: Endpoint,
        system: Option<&str>,
        headers: &HeaderMap,
        body: Body,
    ) -> Result<Response, Refusal> {
        let started = Instant::now();
        let token = bearer(headers).ok_or(Refusal::Token)?;
        let tenant = self.tenants.tenant_of_token(token).ok_or(Refusal::Token)?;
        let received = self.receive(body).await?;
        let claims = Claims {
            endpoint,
            tenant,
            system,
            received_at: wall_clock(),
        };
        let raws = claims.records(&received.bytes)?;
        let records: Result<Vec<Record>, Refusal> = raws.iter().map(|raw| self.record(raw)).collect();
        self.keep(records?).await?;
        self.measures.count(endpoint, ACCEPTED);
        self.measures
            .taken(endpoint, received.bytes.len(), raws.len(), started.elapsed());
        Ok(Json(json!({"accepted": raws.len()})).into_response())
    }
}

/// All addresses of a gateway: what `[http] listen` serves.
pub fn router<L: DurableLog>(gateway: Gateway<L>) -> Router {
    Router::new()
        .route(
            "/webhooks/whatsapp/{tenant}",
            get(challenge::<L>).post(deliver::<L>).fallback(wrong_method),
        )
        .route("/v1/outbound", post(outbound::<L>).fallback(wrong_method))
        .route("/v1/inbox", post(inbox::<L>).fallback(wrong_method))
        .route("/v1/platform", post(platform::<L>).fallback(wrong_method))
        .route("/v1/identity", post(identity::<L>).fallback(wrong_method))
        .route("/v1/crm/{system}", post(crm::<L>).fallback(wrong_method))
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
            let headers = [
                (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
                (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            ];
            Ok((headers, asked.challenge).into_response())
        }
        _ => Err(Refusal::Challenge),
    };
    gateway.answer(Endpoint::Challenge, result)
}

async fn deliver<L: DurableLog>(
    State(gateway): Shared<L>,
    tenant: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let tenant = tenant.map(|Path(tenant)| tenant).unwrap_or_default();
    let result = gateway.delivery(tenant, &headers, body).await;
    gateway.answer(Endpoint::WhatsApp, result)
}

async fn outbound<L: DurableLog>(State(gateway): Shared<L>, headers: HeaderMap, body: Body) -> Response {
    let result = gateway.capture(Endpoint::Outbound, None, &headers, body).await;
    gateway.answer(Endpoint::Outbound, result)
}

async fn inbox<L: DurableLog>(State(gateway): Shared<L>, headers: HeaderMap, body: Body) -> Response {
    let result = gateway.capture(Endpoint::Inbox, None, &headers, body).await;
    gateway.answer(Endpoint::Inbox, result)
}

async fn platform<L: DurableLog>(State(gateway): Shared<L>, headers: HeaderMap, body: Body) -> Response {
    let result = gateway.capture(Endpoint::Platform, None, &headers, body).await;
    gateway.answer(Endpoint::Platform, result)
}

async fn identity<L: DurableLog>(State(gateway): Shared<L>, headers: HeaderMap, body: Body) -> Response {
    let result = gateway.capture(Endpoint::Identity, None, &headers, body).await;
    gateway.answer(Endpoint::Identity, result)
}

async fn crm<L: DurableLog>(
    State(gateway): Shared<L>,
    system: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let result = match system {
        Ok(Path(system)) if is_tenant_name(&system) => {
            gateway.capture(Endpoint::Crm, Some(&system), &headers, body).await
        }
        _ => Err(Refusal::Address),
    };
    gateway.answer(Endpoint::Crm, result)
}

async fn wrong_method() -> Response {
    Refusal::Method.into_response()
}

fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let value = headers.get(header::AUTHORIZATION)?.as_bytes();
    let (scheme, token) = value.split_at_checked("Bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"Bearer ").then(|| token.trim_ascii())
}

fn wall_clock() -> Millis {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| since.as_millis() as Millis)
}
