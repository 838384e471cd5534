//! The pages, their stream and the queries behind them.

use crate::audit::Audit;
use crate::live::{Live, Sight as PageSight};
use crate::row::Row;
use crate::source::{MetricQuery, Source, SourceError};
use crate::trace::Trace;
use crate::trace_page::{REASON, Sight};
use crate::{assets, page, trace_page};
use axum::extract::rejection::{FormRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::sse::{KeepAlive, Sse};
use axum::response::{Html, IntoResponse, Response};
use axum::{Extension, Form, Json};
use hilo_domain::time::parse_rfc3339;
use hilo_service::{Form as AnswerForm, Lease, Need, Problem, Reader, Role, Routes};
use serde::Deserialize;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// What the handlers share.
#[derive(Clone)]
struct Pages {
    live: Arc<Live>,
    audit: Arc<dyn Audit>,
}

/// The page, its stream and the queries behind it, for [`Routes::behind`]. The streams end once `closing` says true or its
/// sender is gone, so that a graceful shutdown does not wait for them, and with the session that opened them.
pub fn routes(source: Arc<dyn Source>, audit: Arc<dyn Audit>, closing: watch::Receiver<bool>) -> Routes {
    use AnswerForm::{Api, Page};
    let pages = Pages {
        live: Arc::new(Live::new(source, closing)),
        audit,
    };
    let own = || pages.clone();
    Routes::default()
        .get("/", Page, Need::Numbers, index, own())
        .get("/events", Api, Need::Numbers, events, own())
        .get("/trace", Page, Need::Records, lookup, own())
        .post("/trace", Page, Need::Records, reveal_lookup, own())
        .get("/trace/{*id}", Page, Need::Records, trace, own())
        .post("/trace/{*id}", Page, Need::Records, reveal, own())
        .get("/v1/trace/{*id}", Api, Need::Records, trace_json, own())
        .get("/v1/metrics", Api, Need::Numbers, metrics, own())
        // The log-in looks like the rest of the page; these files are in the public source.
        .get("/assets/{name}", Api, Need::Nothing, asset, ())
}

async fn index(State(pages): State<Pages>, Extension(reader): Extension<Reader>) -> Html<String> {
    let frame = pages.live.frame(&PageSight::of(&reader)).await;
    Html(page::index(&reader, &frame.label, &frame.sections).into_string())
}

async fn events(
    State(pages): State<Pages>,
    Extension(reader): Extension<Reader>,
    Extension(lease): Extension<Lease>,
) -> Response {
    match pages.live.stream(PageSight::of(&reader), lease) {
        Some(stream) => {
            let alive = KeepAlive::new().interval(Duration::from_secs(15));
            // A proxy that collects an answer before it passes it on would make the page stand still.
            ([("x-accel-buffering", "no")], Sse::new(stream).keep_alive(alive)).into_response()
        }
        None => Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "too_many_streams",
            "too many pages are open",
            "close some, or reload for a static one",
        )
        .retry_after(5)
        .into_response(),
    }
}

/// The story of `id` for a reader; where it is revealed, that is recorded first.
async fn story(pages: Pages, reader: &Reader, id: String, reason: Option<String>) -> Result<Trace, SourceError> {
    let Reader { name, scope, .. } = reader.clone();
    let audit = pages.audit;
    let question = move |source: &dyn Source| {
        let found = source.trace(&scope, &id)?;
        if let Some(reason) = reason {
            audit.revealed(&name, &reason, &id).map_err(SourceError::Unavailable)?;
        }
        Ok(found)
    };
    pages.live.ask(question).await
}

/// The reason, where somebody may reveal and says why.
fn reason(reader: &Reader, reason: Option<String>) -> Result<String, Problem> {
    if reader.role < Role::Operator {
        return Err(Problem::new(
            StatusCode::FORBIDDEN,
            "role",
            "a reader of this role sees masked records only",
            "use a reader of the role operator",
        ));
    }
    let reason = reason.unwrap_or_default().trim().to_owned();
    if reason.is_empty() || reason.chars().count() > REASON {
        return Err(Problem::new(
            StatusCode::BAD_REQUEST,
            "no_reason",
            "personal data is shown with a reason only, of 1 to 500 characters",
            "say why: reason=TEXT",
        ));
    }
    Ok(reason)
}

#[derive(Deserialize)]
struct Lookup {
    id: String,
}

#[derive(Deserialize)]
struct Reason {
    reason: String,
}

type WantedId = Result<Query<Lookup>, QueryRejection>;
type GivenReason = Result<Form<Reason>, FormRejection>;

async fn lookup(state: State<Pages>, reader: Extension<Reader>, wanted: WantedId) -> Response {
    match wanted {
        Ok(Query(Lookup { id })) => trace(state, reader, Path(id)).await,
        Err(_) => bad_query("write the id to trace: /trace?id=ID").into_response(),
    }
}

async fn reveal_lookup(
    state: State<Pages>,
    reader: Extension<Reader>,
    wanted: WantedId,
    given: GivenReason,
) -> Response {
    match wanted {
        Ok(Query(Lookup { id })) => reveal(state, reader, Path(id), given).await,
        Err(_) => bad_query("write the id to trace: /trace?id=ID").into_response(),
    }
}

async fn trace(State(pages): State<Pages>, Extension(reader): Extension<Reader>, Path(id): Path<String>) -> Response {
    show(pages, &reader, id.trim(), None).await
}

async fn reveal(
    State(pages): State<Pages>,
    Extension(reader): Extension<Reader>,
    Path(id): Path<String>,
    given: GivenReason,
) -> Response {
    match reason(&reader, given.ok().map(|Form(given)| given.reason)) {
        Ok(reason) => show(pages, &reader, id.trim(), Some(reason)).await,
        Err(problem) => problem.into_response(),
    }
}

async fn show(pages: Pages, reader: &Reader, id: &str, reason: Option<String>) -> Response {
    let sight = if reason.is_some() { Sight::Revealed } else { Sight::Masked };
    match story(pages, reader, id.to_owned(), reason).await {
        Ok(trace) => Html(trace_page::render(reader, &trace, sight).into_string()).into_response(),
        Err(error) => (
            status(&error),
            Html(trace_page::missing(reader, id, &error.to_string()).into_string()),
        )
            .into_response(),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Revealing {
    reveal: Option<String>,
    reason: Option<String>,
}

async fn trace_json(
    State(pages): State<Pages>,
    Extension(reader): Extension<Reader>,
    Path(id): Path<String>,
    wanted: Result<Query<Revealing>, QueryRejection>,
) -> Result<Response, Problem> {
    let Ok(Query(wanted)) = wanted else {
        return Err(bad_query("write /v1/trace/ID, or /v1/trace/ID?reveal=1&reason=TEXT"));
    };
    let reason = match wanted.reveal.as_deref() {
        None | Some("0") => None,
        Some("1") => Some(reason(&reader, wanted.reason)?),
        Some(_) => return Err(bad_query("reveal is 1 or 0")),
    };
    let sight = if reason.is_some() { Sight::Revealed } else { Sight::Masked };
    let trace = story(pages, &reader, id, reason).await.map_err(|error| problem(&error))?;
    Ok(Json(trace_page::to_json(&trace, sight)).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    tenant: Option<String>,
    definition: Option<String>,
    since: Option<String>,
}

async fn metrics(
    State(pages): State<Pages>,
    Extension(reader): Extension<Reader>,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<Response, Problem> {
    let Ok(Query(wanted)) = wanted else {
        return Err(bad_query("the keys are tenant, definition and since"));
    };
    let since = match wanted.since.as_deref() {
        None => None,
        Some(text) => match parse_rfc3339(text) {
            Some(at) => Some(at),
            None => return Err(bad_query("`since` is a time like 2026-05-04T13:00:00Z")),
        },
    };
    let query = MetricQuery {
        tenant: wanted.tenant,
        definition: wanted.definition,
        since,
    };
    let rows = pages.live.ask(move |source| source.metrics(&reader.scope, &query)).await;
    let rows = rows.map_err(|error| problem(&error))?;
    Ok(Json(rows.iter().map(Row).collect::<Vec<_>>()).into_response())
}

async fn asset(Path(name): Path<String>, request: HeaderMap) -> Response {
    let Some(asset) = assets::find(&name) else {
        return Problem::new(
            StatusCode::NOT_FOUND,
            "not_found",
            "there is no such file",
            "reload the page",
        )
        .into_response();
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

fn problem(error: &SourceError) -> Problem {
    let (code, hint) = match error {
        SourceError::NotFound => ("not_found", "check the id"),
        SourceError::Unavailable(_) => ("unavailable", "try again; the log of the process says what failed"),
    };
    Problem::new(status(error), code, error.to_string(), hint)
}

fn bad_query(hint: &'static str) -> Problem {
    Problem::new(
        StatusCode::BAD_REQUEST,
        "bad_query",
        "the query cannot be understood",
        hint,
    )
}
