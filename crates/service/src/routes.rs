//! The table of an admin listener's routes: who may ask what. A route cannot be added without saying so.

use crate::{Access, Problem, access};
use axum::{
    Router,
    extract::{Request, State},
    handler::Handler,
    http::{HeaderValue, Method, StatusCode, header},
    middleware::{Next, from_fn_with_state, map_response},
    response::{IntoResponse as _, Response},
    routing::{self, MethodRouter},
};
use std::sync::Arc;

/// Nothing but our own files, no frames, no foreign base: what an attacker smuggles into a text cannot run.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// How a route answers whoever has no session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// For people: leads to the log-in.
    Page,
    /// For programs: 401.
    Api,
}

/// What a route asks of its reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Nothing: it shows nobody's data.
    Nothing,
    /// On loopback nothing, else a reader of all tenants: counts of the process.
    Process,
    /// Any reader: numbers.
    Numbers,
    /// A viewer or an operator: records of people.
    Records,
}

/// One route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its method.
    pub method: Method,
    /// Its path, as the router writes it: `/v1/trace/{*id}`.
    pub path: &'static str,
    /// How it answers whoever has no session.
    pub form: Form,
    /// What it asks of its reader.
    pub need: Need,
}

/// Routes, until they are put behind an [`Access`].
#[derive(Default)]
pub struct Routes(Vec<(Entry, MethodRouter)>);

impl Routes {
    /// Adds a GET route.
    #[must_use]
    pub fn get<H, T, S>(self, path: &'static str, form: Form, need: Need, handler: H, state: S) -> Self
    where
        H: Handler<T, S>,
        T: 'static,
        S: Clone + Send + Sync + 'static,
    {
        self.add(Method::GET, path, form, need, routing::get(handler).with_state(state))
    }

    /// Adds a POST route. Pages of other sites cannot send to it.
    #[must_use]
    pub fn post<H, T, S>(self, path: &'static str, form: Form, need: Need, handler: H, state: S) -> Self
    where
        H: Handler<T, S>,
        T: 'static,
        S: Clone + Send + Sync + 'static,
    {
        self.add(Method::POST, path, form, need, routing::post(handler).with_state(state))
    }

    fn add(mut self, method: Method, path: &'static str, form: Form, need: Need, route: MethodRouter) -> Self {
        let entry = Entry {
            method,
            path,
            form,
            need,
        };
        self.0.push((entry, route));
        self
    }

    /// Both tables.
    #[must_use]
    pub fn merge(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// The table.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.0.iter().map(|(entry, _)| entry)
    }

    /// The router that asks each request who it is, and gives handlers their [`crate::Reader`] and [`crate::Lease`] as
    /// extensions.
    pub fn behind(self, access: Arc<Access>) -> Router {
        let mut router = Router::new();
        for (entry, route) in self.0 {
            let path = entry.path;
            let guard = from_fn_with_state((Arc::clone(&access), entry), access::guard);
            router = router.route(path, route.layer(guard));
        }
        router
            .fallback(async || not_found())
            .method_not_allowed_fallback(async || wrong_method())
            .layer(from_fn_with_state(access, own_name))
            .layer(map_response(headers))
    }
}

fn not_found() -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "unknown_address",
        "there is no such address",
        "the README lists them; webhooks and /v1 writes are on http.listen",
    )
}

fn wrong_method() -> Problem {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "wrong_method",
        "the address has no such method",
        "the Allow header lists those it has",
    )
}

/// Answers to the listener's own names only.
async fn own_name(State(access): State<Arc<Access>>, request: Request, next: Next) -> Response {
    // An orchestrator asks for a process by its address; on loopback that is a local name anyway.
    let is_probe = !access.is_loopback && matches!(request.uri().path(), "/healthz" | "/readyz");
    let (parts, body) = request.into_parts();
    match access.hosts.check(&parts) {
        Err(problem) if !is_probe => problem.into_response(),
        _ => next.run(Request::from_parts(parts, body)).await,
    }
}

/// Headers of every answer.
async fn headers(mut response: Response) -> Response {
    let headers = response.headers_mut();
    let fixed = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // With none at all a browser hides even from us where a form came from.
        (header::REFERRER_POLICY, "same-origin"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    response
}
