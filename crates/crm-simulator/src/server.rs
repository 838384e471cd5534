//! The portal over HTTP: each call is met, may go wrong on purpose, and is answered.

use crate::{
    answer::Answer,
    calls::Call,
    control,
    failure::Failure,
    gate::unauthorized,
    inspect::{Counts, State},
    misbehaviour::{Misbehaviour, When},
    options::Options,
    page, path,
    portal::Portal,
    rate::Policy,
};
use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State as Shared},
    http::{Response, request::Parts},
    routing::any,
};
use futures_util::stream;
use hilo_service::{Hosts, ServeLimits, answering_to, serve};
use serde_json::json;
use std::{
    future::Future,
    io,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{net::TcpListener, sync::Notify, time};

/// Bytes of a body.
const MOST: usize = 16 << 20;
/// Held answers must not keep a process that is to end.
const END: Duration = Duration::from_millis(500);

/// A HubSpot: the portal of one customer. Clones are the same portal.
#[derive(Clone)]
pub struct HubSpot(Arc<Inner>);

struct Inner {
    portal: Mutex<Portal>,
    held: AtomicUsize,
    release: Notify,
}

impl HubSpot {
    /// A new portal.
    #[must_use]
    pub fn new(options: Options) -> Self {
        Self(Arc::new(Inner {
            portal: Mutex::new(Portal::new(options)),
            held: AtomicUsize::new(0),
            release: Notify::new(),
        }))
    }

    pub(crate) fn portal(&self) -> MutexGuard<'_, Portal> {
        self.0.portal.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state, with all records.
    #[must_use]
    pub fn state(&self) -> State {
        self.look(true)
    }

    /// Counts only.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.portal().counts.clone()
    }

    /// Answers that are held at this time.
    #[must_use]
    pub fn held(&self) -> usize {
        self.0.held.load(Ordering::SeqCst)
    }

    pub(crate) fn look(&self, with_records: bool) -> State {
        let mut state = self.portal().state(with_records);
        state.held = self.held();
        state
    }

    /// From now on, something goes wrong.
    pub fn misbehave(&self, what: Misbehaviour, when: When) {
        self.portal().misbehave(what, when);
    }

    /// Nothing goes wrong any more, and rules are as they were at first. What is held is let go.
    pub fn behave(&self) {
        let mut portal = self.portal();
        portal.misbehaviours.clear();
        let Portal { rules, options, .. } = &mut *portal;
        rules.clone_from(&options.rules);
        drop(portal);
        self.release();
    }

    /// Ends the connections whose answers are held.
    pub fn release(&self) {
        self.0.release.notify_waiters();
    }

    /// Moves the portal's time on.
    pub fn advance(&self, millis: i64) {
        self.portal().time.advance(millis);
    }

    /// A new portal with the same settings.
    pub fn reset(&self) {
        let mut portal = self.portal();
        *portal = Portal::new(portal.options.clone());
        drop(portal);
        self.release();
    }

    /// All addresses: the API, the page at `/`, and `/_simulator`.
    pub fn router(&self) -> Router {
        page::routes()
            .merge(control::routes())
            .route("/{*path}", any(api))
            .with_state(self.clone())
    }

    /// Serves until `until` resolves.
    pub async fn serve(&self, listener: TcpListener, until: impl Future<Output = ()>) {
        let address = listener
            .local_addr()
            .map(|address| address.to_string())
            .unwrap_or_default();
        let limits = ServeLimits {
            end_time: END,
            ..ServeLimits::default()
        };
        let app = answering_to(Hosts::of(&address, &[]), self.router());
        serve(listener, app, limits, until).await;
    }

    /// Meets a call: counts it, and says what goes wrong with it.
    fn meet(&self, call: Option<&Call<'_>>, path: &str) -> Option<Misbehaviour> {
        let mut portal = self.portal();
        portal.calls += 1;
        let shape = call.map_or_else(|| "other".to_owned(), Call::shape);
        *portal.counts.calls.entry(shape).or_default() += 1;
        portal.mischief(path)
    }

    fn count(&self, status: u16) {
        *self.portal().counts.statuses.entry(status).or_default() += 1;
    }

    /// The connection ends without an answer.
    fn broken(&self) -> Response<Body> {
        self.count(0);
        let end = io::Error::new(io::ErrorKind::ConnectionReset, "the connection ends on purpose");
        Response::new(Body::from_stream(stream::iter([Err::<Vec<u8>, _>(end)])))
    }

    /// Keeps an answer back.
    async fn hold(&self, millis: u64) {
        let released = self.0.release.notified();
        let held = Held::new(&self.0.held);
        tokio::select! {
            () = time::sleep(Duration::from_millis(millis)) => {}
            () = released => {}
        }
        drop(held);
    }

    async fn answer(&self, parts: &Parts, body: &[u8]) -> Response<Body> {
        let path = parts.uri.path();
        let address = path::parse(path);
        let call = address.as_ref().map(|(version, words)| Call {
            method: &parts.method,
            version: *version,
            parts: words.iter().map(String::as_str).collect(),
            query: path::pairs(parts.uri.query().unwrap_or_default()),
            body,
        });
        let fault = self.meet(call.as_ref(), path);
        let Some(call) = call else {
            let answer = self.portal().refusal(&Failure::no_address());
            return self.send(answer);
        };
        let serve = || self.portal().serve(&call, &parts.headers);
        match fault {
            None | Some(Misbehaviour::Rule(_)) => self.send(serve()),
            Some(Misbehaviour::Slow { millis }) => {
                self.hold(millis).await;
                self.send(serve())
            }
            Some(Misbehaviour::PartialFailure { share }) => {
                let answer = {
                    let mut portal = self.portal();
                    portal.failing_share = Some(share);
                    let answer = portal.serve(&call, &parts.headers);
                    portal.failing_share = None;
                    answer
                };
                self.send(answer)
            }
            Some(Misbehaviour::DropBefore) => self.broken(),
            Some(Misbehaviour::DropAfter) => {
                drop(serve());
                self.broken()
            }
            Some(Misbehaviour::HoldAfter { millis }) => {
                drop(serve());
                self.hold(millis).await;
                self.broken()
            }
            Some(fault) => {
                let answer = self.portal().faulty(&fault, path);
                self.send(answer)
            }
        }
    }

    fn send(&self, answer: Answer) -> Response<Body> {
        self.count(answer.status);
        answer.response()
    }
}

impl Portal {
    /// The answer of a call that was not carried out.
    fn faulty(&mut self, fault: &Misbehaviour, path: &str) -> Answer {
        match fault {
            Misbehaviour::TooManyRequests { retry_after } => self.too_many(Policy::TenSecondly, *retry_after),
            Misbehaviour::DailyLimit { retry_after } => self.too_many(Policy::Daily, *retry_after),
            Misbehaviour::BadGateway => Answer::html(
                502,
                "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>",
            ),
            Misbehaviour::Unavailable => self.refusal(&Failure::new(
                503,
                "SERVICE_UNAVAILABLE",
                "The service is temporarily unavailable",
            )),
            Misbehaviour::Locked => {
                self.refusal(&Failure::new(423, "LOCKED", "The resource is locked; try again later"))
            }
            Misbehaviour::Migrating { retry_after } => self
                .refusal(&Failure::new(
                    477,
                    "MIGRATION_IN_PROGRESS",
                    "The portal is being migrated",
                ))
                .with("retry-after", retry_after),
            Misbehaviour::Unauthorized => self.refusal(&unauthorized()),
            Misbehaviour::EmptyResults => {
                let now = hilo_domain::time::to_rfc3339(self.now());
                let status = if path.ends_with("/create") { 201 } else { 200 };
                let body = json!({
                    "status": "COMPLETE", "requestedAt": now, "startedAt": now, "completedAt": now, "results": [],
                });
                Answer::json(status, body)
            }
            _ => self.refusal(&Failure::new(500, "INTERNAL_ERROR", "internal error")),
        }
    }
}

/// One of the answers that are held, however its waiting ends.
struct Held<'a>(&'a AtomicUsize);

impl<'a> Held<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(count)
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

async fn api(Shared(hubspot): Shared<HubSpot>, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    match to_bytes(body, MOST).await {
        Ok(body) => hubspot.answer(&parts, &body).await,
        Err(_) => {
            let failure = Failure::new(413, "VALIDATION_ERROR", "the body is too long, or did not arrive whole");
            let answer = hubspot.portal().refusal(&failure);
            hubspot.send(answer)
        }
    }
}
