//! Routes, and the headers that every answer carries.

use crate::live::Live;
use crate::row::Row;
use crate::source::{MetricQuery, Source, SourceError};
use crate::{assets, page, trace_page};
use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::map_response;
use axum::response::sse::{KeepAlive, Sse};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Router};
use hilo_domain::time::parse_rfc3339;
use hilo_service::Reader;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// Nothing but our own files, no frames, no foreign base: what an attacker smuggles into a text cannot run.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The page, its stream and the queries behind it. Each request carries its [`Reader`] as an extension: whoever serves
/// the router puts it there, and what has none is refused with 500. The streams end once `closing` says true or its sender is gone, so
/// that a graceful shutdown does not wait for them.
pub fn router(source: Arc<dyn Source>, closing: watch::Receiver<bool>) -> Router {
    Router::new()
        .route("/", get(index))
        .route("/events", get(events))
        .route("/trace", get(lookup))
        .route("/trace/{*id}", get(trace))
        .route("/v1/trace/{*id}", get(trace_json))
        .route("/v1/metrics", get(metrics))
        .route("/assets/{name}", get(asset))
        .layer(map_response(guard))
        .with_state(Arc::new(Live::new(source, closing)))
}

async fn guard(mut response: Response) -> Response {
    let headers = response.headers_mut();
    let fixed = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    response
}

async fn index(State(live): State<Arc<Live>>, Extension(reader): Extension<Reader>) -> Html<String> {
    let frame = live.frame(&reader.scope).await;
    Html(page::index(&frame.label, &frame.sections).into_string())
}

async fn events(State(live): State<Arc<Live>>, Extension(reader): Extension<Reader>) -> Response {
    match live.stream(reader.scope) {
        Some(stream) => {
            let alive = KeepAlive::new().interval(Duration::from_secs(15));
            // A proxy that collects an answer before it passes it on would make the page stand still.
            ([("x-accel-buffering", "no")], Sse::new(stream).keep_alive(alive)).into_response()
        }
        None => (
            StatusCode::SERVICE_UNAVAILABLE,
            [(header::RETRY_AFTER, "5")],
            "too many open pages; close some, or reload for a static one",
        )
            .into_response(),
    }
}

#[derive(Deserialize)]
struct Lookup {
    id: String,
}

async fn lookup(state: State<Arc<Live>>, reader: Extension<Reader>, Query(Lookup { id }): Query<Lookup>) -> Response {
    trace(state, reader, Path(id)).await
}

async fn trace(
    State(live): State<Arc<Live>>,
    Extension(reader): Extension<Reader>,
    Path(id): Path<String>,
) -> Response {
    let id = id.trim().to_owned();
    let asked = id.clone();
    match live.ask(move |source| source.trace(&reader.scope, &asked)).await {
        Ok(trace) => Html(trace_page::render(&trace).into_string()).into_response(),
        Err(error) => (
            status(&error),
            Html(trace_page::missing(&id, &error.to_string()).into_string()),
        )
            .into_response(),
    }
}

async fn trace_json(
    State(live): State<Arc<Live>>,
    Extension(reader): Extension<Reader>,
    Path(id): Path<String>,
) -> Response {
    match live.ask(move |source| source.trace(&reader.scope, &id)).await {
        Ok(trace) => Json(trace_page::to_json(&trace)).into_response(),
        Err(error) => refused(status(&error), &error.to_string()),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    tenant: Option<String>,
    definition: Option<String>,
    since: Option<String>,
}

async fn metrics(
    State(live): State<Arc<Live>>,
    Extension(reader): Extension<Reader>,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Response {
    let Query(wanted) = match wanted {
        Ok(wanted) => wanted,
        Err(error) => return refused(StatusCode::BAD_REQUEST, &error.body_text()),
    };
    let since = match wanted.since.as_deref().map(|text| parse_rfc3339(text).ok_or(text)) {
        None => None,
        Some(Ok(at)) => Some(at),
        Some(Err(_)) => {
            let help = "`since` is no time; write it like 2026-05-04T13:00:00Z";
            return refused(StatusCode::BAD_REQUEST, help);
        }
    };
    let query = MetricQuery {
        tenant: wanted.tenant,
        definition: wanted.definition,
        since,
    };
    match live.ask(move |source| source.metrics(&reader.scope, &query)).await {
        Ok(rows) => Json(rows.iter().map(Row).collect::<Vec<_>>()).into_response(),
        Err(error) => refused(status(&error), &error.to_string()),
    }
}

async fn asset(Path(name): Path<String>, request: HeaderMap) -> Response {
    let Some(asset) = assets::find(&name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let etag = asset.etag();
    let known = request
        .get(header::IF_NONE_MATCH)
        .is_some_and(|sent| sent.as_bytes() == etag.as_bytes());
    let headers = [
        (header::CONTENT_TYPE, asset.media_type.to_owned()),
        (header::CACHE_CONTROL, "no-cache".to_owned()),
        (header::ETAG, etag),
    ];
    if known {
        (StatusCode::NOT_MODIFIED, headers).into_response()
    } else {
        (headers, asset.content).into_response()
    }
}

fn status(error: &SourceError) -> StatusCode {
    match error {
        SourceError::NotFound => StatusCode::NOT_FOUND,
        SourceError::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
    }
}

fn refused(status: StatusCode, reason: &str) -> Response {
    (status, Json::<Value>(json!({"error": reason}))).into_response()
}
