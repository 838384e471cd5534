//! Who asks: a token or a session becomes a [`Reader`], or the request ends here.

use crate::{
    Hosts, Lease, LoginCodes, Peer, Problem, Reader, Readers, Role, Scope, Sessions,
    attempts::{Attempts, nobody},
    clock,
    routes::{Entry, Form, Need},
};
use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header, request::Parts},
    middleware::Next,
    response::{IntoResponse as _, Redirect, Response},
};
use std::{net::SocketAddr, sync::Arc, time::Instant};
use tracing::error;

/// Who may read on one listener.
pub struct Access {
    readers: Readers,
    sessions: Sessions,
    codes: Option<LoginCodes>,
    attempts: Attempts,
    pub(crate) hosts: Hosts,
    pub(crate) is_loopback: bool,
    cookie: String,
}

/// A request's reader, as long as the answer may go on, and a new id for the cookie where one is due.
type Identified = (Reader, Lease, Option<String>);

impl Access {
    /// Access over the listener on `address`, which answers to `names` beside its own. `codes` let the local user in:
    /// give them only where no reader is configured.
    #[must_use]
    pub fn new(address: SocketAddr, names: &[String], readers: Readers, codes: Option<LoginCodes>) -> Self {
        Self {
            readers,
            sessions: Sessions::default(),
            codes,
            attempts: Attempts::default(),
            hosts: Hosts::of(&address.to_string(), names),
            is_loopback: address.ip().is_loopback(),
            // Cookies know no ports: two nodes of one machine would end each other's sessions.
            cookie: format!("hilo_{}", address.port()),
        }
    }

    /// Whether links with a one-time code let somebody in.
    #[must_use]
    pub fn has_codes(&self) -> bool {
        self.codes.is_some()
    }

    /// Whether anybody has a token.
    #[must_use]
    pub fn has_readers(&self) -> bool {
        !self.readers.is_empty()
    }

    /// Opens a session for a reader and gives its cookie. Whatever proves who somebody is ends here: today a token or a
    /// one-time code, later an identity provider.
    pub fn admit(&self, reader: Reader, headers: &HeaderMap) -> Result<HeaderValue, Problem> {
        // The browser may have had another one; whoever knew its id is out.
        if let Some(old) = self.session_id(headers) {
            self.sessions.close(old);
        }
        let id = self.sessions.open(reader, Instant::now()).map_err(|failure| {
            error!(%failure, "the system gives no random bits, so nobody can log in");
            internal()
        })?;
        self.cookie(&id, headers)
    }

    /// The reader of a token that somebody typed; `None` where it is nobody's.
    pub fn by_token(&self, token: &str, from: Option<Peer>) -> Result<Option<Reader>, Problem> {
        self.attempt(from, || Ok(self.readers.by_token(token.trim().as_bytes()).cloned()))
    }

    /// The local user, by the one-time code of a link; `None` where it is not or no longer good.
    pub fn by_code(&self, code: &str, from: Option<Peer>) -> Result<Option<Reader>, Problem> {
        let Some(codes) = &self.codes else { return Ok(None) };
        self.attempt(from, || {
            let good = codes.redeem(code.trim(), clock::now()).map_err(|failure| {
                error!(%failure, "the file of the one-time code cannot be read or written");
                internal()
            })?;
            Ok(good.then(|| Reader {
                name: "local".to_owned(),
                role: Role::Operator,
                scope: Scope::All,
            }))
        })
    }

    fn attempt(
        &self,
        from: Option<Peer>,
        try_it: impl FnOnce() -> Result<Option<Reader>, Problem>,
    ) -> Result<Option<Reader>, Problem> {
        // Without an address all are one, so that the bound holds.
        let from = from.unwrap_or_else(nobody);
        self.attempts.take(from, Instant::now()).map_err(|seconds| {
            Problem::new(
                StatusCode::TOO_MANY_REQUESTS,
                "too_many_attempts",
                "too many wrong tokens came from this address",
                "wait, and check the token",
            )
            .retry_after(seconds)
        })?;
        let found = try_it()?;
        if found.is_some() {
            self.attempts.give_back(from);
        }
        Ok(found)
    }

    /// Ends the session of a request, and gives the cookie that forgets it.
    pub fn log_out(&self, headers: &HeaderMap) -> Result<HeaderValue, Problem> {
        if let Some(id) = self.session_id(headers) {
            self.sessions.close(id);
        }
        HeaderValue::from_str(&format!(
            "{}=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict",
            self.cookie
        ))
        .map_err(|_| internal())
    }

    fn cookie(&self, id: &str, headers: &HeaderMap) -> Result<HeaderValue, Problem> {
        // A proxy that ends TLS says so. Who lies about it keeps their own cookie from themselves.
        let forwarded = headers.get("x-forwarded-proto").and_then(|proto| proto.to_str().ok());
        let secure = if forwarded.is_some_and(|proto| proto.trim_start().starts_with("https")) {
            "; Secure"
        } else {
            ""
        };
        HeaderValue::from_str(&format!(
            "{}={id}; Path=/; HttpOnly; SameSite=Strict{secure}",
            self.cookie
        ))
        .map_err(|_| internal())
    }

    fn session_id<'a>(&self, headers: &'a HeaderMap) -> Option<&'a str> {
        let cookies = headers.get_all(header::COOKIE).iter();
        cookies
            .filter_map(|cookies| cookies.to_str().ok())
            .flat_map(|cookies| cookies.split(';'))
            .find_map(|cookie| cookie.trim().strip_prefix(&self.cookie)?.strip_prefix('='))
    }

    fn identify(&self, request: &Parts, rotates: bool) -> Result<Option<Identified>, Problem> {
        if let Some(token) = bearer(&request.headers) {
            let found = self.attempt(request.extensions.get().copied(), || {
                Ok(self.readers.by_token(token).cloned())
            })?;
            return match found {
                Some(reader) => Ok(Some((reader, Lease::endless(), None))),
                None => Err(wrong_token()),
            };
        }
        let found = self
            .session_id(&request.headers)
            .and_then(|id| self.sessions.find(id, rotates, Instant::now()));
        Ok(found.map(|found| (found.reader, found.lease, found.fresh)))
    }
}

fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let value = headers.get(header::AUTHORIZATION)?.as_bytes();
    let (scheme, token) = value.split_at_checked("Bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"Bearer ").then(|| token.trim_ascii())
}

fn internal() -> Problem {
    Problem::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "internal",
        "the request failed",
        "the log of the process says why",
    )
}

/// What to do without a token.
const SEND_TOKEN: &str =
    "send `Authorization: Bearer TOKEN` with the token of a reader, [readers.NAME] of hilo.toml, or log in at /login";

fn no_token() -> Problem {
    Problem::new(
        StatusCode::UNAUTHORIZED,
        "no_token",
        "a reader's token is asked for",
        SEND_TOKEN,
    )
}

fn wrong_token() -> Problem {
    Problem::new(
        StatusCode::UNAUTHORIZED,
        "wrong_token",
        "this token is no reader's",
        SEND_TOKEN,
    )
}

fn cross_origin() -> Problem {
    Problem::new(
        StatusCode::FORBIDDEN,
        "cross_origin",
        "another site's page sent this",
        "use the page itself; a proxy in front must pass the Host header on",
    )
}

/// What a reader may not see of a route; `None` where nothing is in the way.
fn forbidden(need: Need, reader: &Reader) -> Option<Problem> {
    match need {
        Need::Process if reader.scope != Scope::All => Some(Problem::new(
            StatusCode::FORBIDDEN,
            "tenant",
            "these counts are of all tenants",
            "use a reader without tenants",
        )),
        Need::Records if reader.role < Role::Viewer => Some(Problem::new(
            StatusCode::FORBIDDEN,
            "role",
            "a reader of the role analyst sees numbers only",
            "use a reader of the role viewer or operator",
        )),
        _ => None,
    }
}

/// What one route asks of who asks.
pub(crate) type Guard = (Arc<Access>, Entry);

/// Lets a request through with its reader, or answers it.
pub(crate) async fn guard(State((access, entry)): State<Guard>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let answers_page = entry.form == Form::Page;
    if parts.method == Method::POST && !is_same_origin(&parts) {
        return cross_origin().into_response();
    }
    let is_open = match entry.need {
        Need::Nothing => true,
        Need::Process => access.is_loopback,
        Need::Numbers | Need::Records => false,
    };
    if is_open {
        return next.run(Request::from_parts(parts, body)).await;
    }
    let (reader, lease, fresh) = match access.identify(&parts, answers_page) {
        Ok(Some(identified)) => identified,
        Ok(None) if answers_page => return to_login(&parts).into_response(),
        Ok(None) => {
            let mut response = no_token().into_response();
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            return response;
        }
        Err(problem) => return problem.into_response(),
    };
    if let Some(problem) = forbidden(entry.need, &reader) {
        return problem.into_response();
    }
    let fresh = fresh.and_then(|id| access.cookie(&id, &parts.headers).ok());
    parts.extensions.insert(reader);
    parts.extensions.insert(lease);
    let mut response = next.run(Request::from_parts(parts, body)).await;
    if let Some(cookie) = fresh {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

/// To the log-in, and from there to where somebody wanted to go.
fn to_login(request: &Parts) -> Redirect {
    let wanted = request.uri.path_and_query().map_or("/", |wanted| wanted.as_str());
    if request.method != Method::GET || wanted == "/" {
        return Redirect::to("/login");
    }
    let encoded: String = wanted
        .bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'/' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect();
    Redirect::to(&format!("/login?next={encoded}"))
}

/// Whether a page of this site sent it. Browsers say where a form came from; what does not say it is no browser of today.
fn is_same_origin(request: &Parts) -> bool {
    let header = |name: &str| request.headers.get(name).and_then(|value| value.to_str().ok());
    let own = request
        .uri
        .authority()
        .map_or_else(|| header("host"), |own| Some(own.as_str()));
    match header("origin") {
        Some(origin) => origin
            .split_once("://")
            .is_some_and(|(_, from)| own.is_some_and(|own| from.eq_ignore_ascii_case(own))),
        None => header("sec-fetch-site") == Some("same-origin"),
    }
}
