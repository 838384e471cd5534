//! The pages, their stream and the queries behind them.

use crate::audit::Audit;
use crate::live::{Live, Refusal, Sight as PageSight, Turn};
use crate::row::Row;
use crate::source::{MAX_METRIC_ROWS, METRIC_ROWS, MetricPage, MetricQuery, Source, SourceError};
use crate::trace::Trace;
use crate::trace_page::{REASON, Sight};
use crate::{assets, page, trace_page};
use axum::body::{Body, Bytes};
use axum::extract::rejection::{FormRejection, QueryRejection};
use axum::extract::{Path, Query, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::sse::{KeepAlive, Sse};
use axum::response::{Html, IntoResponse, Response};
use axum::{Extension, Form, Json};
use futures_util::stream;
use hilo_contracts::facts::Metric;
use hilo_domain::time::parse_rfc3339;
use hilo_service::{Form as AnswerForm, Lease, Need, Problem, Reader, Role, Routes};
use serde::Deserialize;
use std::borrow::Cow;
use std::convert::Infallible;
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

async fn index(State(pages): State<Pages>, Extension(reader): Extension<Reader>) -> Response {
    let frame = pages.live.frame(&PageSight::of(&reader)).await;
    // A page without numbers is no good answer to a program that looks at the status.
    let status = frame
        .failure
        .as_ref()
        .map_or(StatusCode::OK, |error| problem(error).status());
    let page = page::index(&reader, &frame.label, &frame.sections);
    (status, Html(page.into_string())).into_response()
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
async fn story(pages: &Pages, reader: &Reader, id: &str, reason: Option<String>) -> Result<Trace, Refusal> {
    let found = pages.live.trace(reader.scope.clone(), id.to_owned()).await?;
    if let Some(reason) = reason {
        let (audit, name, id) = (Arc::clone(&pages.audit), reader.name.clone(), id.to_owned());
        let kept = tokio::task::spawn_blocking(move || audit.revealed(&name, &reason, &id)).await;
        kept.unwrap_or_else(|_| Err("who looks cannot be recorded, so nothing is shown".to_owned()))
            .map_err(|failure| Refusal::Source(SourceError::Unavailable(failure)))?;
    }
    Ok(found)
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
        Err(_) => bad("the query cannot be understood", "write the id to trace: /trace?id=ID").into_response(),
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
        Err(_) => bad("the query cannot be understood", "write the id to trace: /trace?id=ID").into_response(),
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
    let sight = if reason.is_some() {
        Sight::Revealed
    } else {
        Sight::Masked
    };
    match story(&pages, reader, id, reason).await {
        Ok(trace) => Html(trace_page::render(reader, &trace, sight).into_string()).into_response(),
        Err(refusal) => {
            let refused = refused(&refusal);
            let page = trace_page::missing(reader, id, refused.error());
            (refused.status(), Html(page.into_string())).into_response()
        }
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
        return Err(bad(
            "the query cannot be understood",
            "write /v1/trace/ID, or /v1/trace/ID?reveal=1&reason=TEXT",
        ));
    };
    let reason = match wanted.reveal.as_deref() {
        None | Some("0") => None,
        Some("1") => Some(reason(&reader, wanted.reason)?),
        Some(_) => return Err(bad("the query cannot be understood", "reveal is 1 or 0")),
    };
    let sight = if reason.is_some() {
        Sight::Revealed
    } else {
        Sight::Masked
    };
    let trace = story(&pages, &reader, &id, reason)
        .await
        .map_err(|refusal| refused(&refusal))?;
    Ok(Json(trace_page::to_json(&trace, sight)).into_response())
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
    State(pages): State<Pages>,
    Extension(reader): Extension<Reader>,
    RawQuery(asked): RawQuery,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Response {
    let query = match wanted {
        Ok(Query(wanted)) => wanted.query(),
        Err(error) => Err(bad(
            error.body_text(),
            "see the parameters in the README of the dashboard",
        )),
    };
    let query = match query {
        Ok(query) => query,
        Err(problem) => return problem.into_response(),
    };
    let (MetricPage { rows, next }, turn) = match pages.live.metrics(reader.scope, query).await {
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

fn bad(error: impl Into<Cow<'static, str>>, hint: &'static str) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "bad_query", error, hint)
}
