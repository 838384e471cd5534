//! Routes, and the headers that every answer carries.

use crate::live::{Live, Refusal, Turn};
use crate::row::Row;
use crate::source::{MAX_METRIC_ROWS, METRIC_ROWS, MetricPage, MetricQuery, Source, SourceError};
use crate::{assets, page, trace_page};
use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::map_response;
use axum::response::sse::{KeepAlive, Sse};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Router};
use futures_util::stream;
use hilo_contracts::facts::Metric;
use hilo_domain::time::parse_rfc3339;
use hilo_service::{Problem, Reader};
use serde::Deserialize;
use std::convert::Infallible;
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

async fn index(State(live): State<Arc<Live>>, Extension(reader): Extension<Reader>) -> Response {
    let frame = live.frame(&reader.scope).await;
    // A page without numbers is no good answer to a program that looks at the status.
    let status = frame.failure.as_ref().map_or(StatusCode::OK, |error| problem(error).status());
    (status, Html(page::index(&frame.label, &frame.sections).into_string())).into_response()
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
    match live.trace(reader.scope, id.clone()).await {
        Ok(trace) => Html(trace_page::render(&trace).into_string()).into_response(),
        Err(refusal) => {
            let refused = refused(&refusal);
            let page = trace_page::missing(&id, refused.error());
            (refused.status(), Html(page.into_string())).into_response()
        }
    }
}

async fn trace_json(
    State(live): State<Arc<Live>>,
    Extension(reader): Extension<Reader>,
    Path(id): Path<String>,
) -> Response {
    match live.trace(reader.scope, id).await {
        Ok(trace) => Json(trace_page::to_json(&trace)).into_response(),
        Err(refusal) => refused(&refusal).into_response(),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    tenant: Option<String>,
    definition: Option<String>,
    since: Option<String>,
    until: Option<String>,
    after: Option<String>,
    limit: Option<usize>,
}

impl Wanted {
    fn query(self) -> Result<MetricQuery, Problem> {
        let time = |name: &str, text: Option<String>| match text {
            None => Ok(None),
            Some(text) => parse_rfc3339(&text)
                .map(Some)
                .ok_or_else(|| bad(format!("`{name}` is no time"), "write it like 2026-05-04T13:00:00Z")),
        };
        let limit = self.limit.unwrap_or(METRIC_ROWS);
        if limit == 0 || limit > MAX_METRIC_ROWS {
            return Err(bad(
                "`limit` is out of range".to_owned(),
                "ask for 1 to 10,000 rows, and follow the header Link for more",
            ));
        }
        Ok(MetricQuery {
            tenant: self.tenant,
            definition: self.definition,
            since: time("since", self.since)?,
            until: time("until", self.until)?,
            after: self.after,
            limit,
        })
    }
}

/// A page of the numbers as a JSON array; the header `Link` has the address of the next page.
async fn metrics(
    State(live): State<Arc<Live>>,
    Extension(reader): Extension<Reader>,
    RawQuery(asked): RawQuery,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Response {
    let query = match wanted {
        Ok(Query(wanted)) => wanted.query(),
        Err(error) => Err(bad(error.body_text(), "see the parameters in the README of the dashboard")),
    };
    let query = match query {
        Ok(query) => query,
        Err(problem) => return problem.into_response(),
    };
    let (MetricPage { rows, next }, turn) = match live.metrics(reader.scope, query).await {
        Ok(page) => page,
        Err(refusal) => return refused(&refusal).into_response(),
    };
    let link = next.and_then(|next| {
        let same = asked.as_deref().unwrap_or_default().split('&');
        let same = same.filter(|pair| !pair.is_empty() && !pair.starts_with("after="));
        let after = format!("after={next}");
        let query: Vec<&str> = same.chain([after.as_str()]).collect();
        HeaderValue::from_str(&format!("</v1/metrics?{}>; rel=\"next\"", query.join("&"))).ok()
    });
    let mut response = ([(header::CONTENT_TYPE, "application/json")], json_array(rows, turn)).into_response();
    if let Some(link) = link {
        response.headers_mut().insert(header::LINK, link);
    }
    response
}

/// Rows that are written at once.
const CHUNK: usize = 100;

/// Rows as a JSON array, written as fast as they are read; the turn is over with the last of them.
fn json_array(rows: Vec<Metric>, turn: Turn) -> Body {
    let begun = (rows, 0, turn);
    Body::from_stream(stream::unfold(Some(begun), |state| async {
        let (rows, from, turn) = state?;
        let upto = rows.len().min(from + CHUNK);
        let mut text = if from == 0 { b"[".to_vec() } else { Vec::new() };
        for (place, row) in rows[from..upto].iter().enumerate() {
            if from + place > 0 {
                text.push(b',');
            }
            // A row has text keys and finite numbers only, and a vector takes all bytes.
            drop(serde_json::to_writer(&mut text, &Row(row)));
        }
        let rest = (upto < rows.len()).then_some((rows, upto, turn));
        if rest.is_none() {
            text.push(b']');
        }
        Some((Ok::<_, Infallible>(Bytes::from(text)), rest))
    }))
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

fn problem(error: &SourceError) -> Problem {
    let (status, code, hint) = match error {
        SourceError::NotFound => (
            StatusCode::NOT_FOUND,
            "not_found",
            "check it for a missing character, or look in `hilo dlq list`",
        ),
        SourceError::Unavailable(_) | SourceError::Abandoned => (
            StatusCode::SERVICE_UNAVAILABLE,
            "unavailable",
            "try again; if it lasts, read the last errors in the log",
        ),
        SourceError::CatchingUp(_) => (
            StatusCode::SERVICE_UNAVAILABLE,
            "catching_up",
            "wait until /readyz answers 200: what was there at the start is still being read",
        ),
        SourceError::BadCursor => (
            StatusCode::BAD_REQUEST,
            "bad_query",
            "follow the header Link of the page before, or leave `after` out",
        ),
    };
    let problem = Problem::new(status, code, error.to_string(), hint);
    match error {
        SourceError::CatchingUp(_) => problem.retry_after(2),
        _ => problem,
    }
}

fn refused(refusal: &Refusal) -> Problem {
    match refusal {
        Refusal::Source(error) => problem(error),
        Refusal::Busy => Problem::new(
            StatusCode::TOO_MANY_REQUESTS,
            "busy",
            "too many such questions are being answered",
            "ask again in a second",
        )
        .retry_after(1),
    }
}

fn bad(error: String, hint: &'static str) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "bad_query", error, hint)
}
