//! Why a request was not accepted, as the sender is told.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use std::borrow::Cow;

/// Seconds after which a sender may try again. The platform does so by itself, for days.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("5");

/// Why a request was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// No subscription with that token.
    Challenge,
    /// No signature, or not ours.
    Signature,
    /// No bearer token, or not ours.
    Token,
    /// No such address.
    Address,
    /// A method that the address has not.
    Method,
    /// A capture line that cannot be taken.
    Line { line: usize, problem: Problem },
    /// Nothing in it.
    Empty,
    /// More than the limit, in bytes.
    TooLarge(usize),
    /// The body did not arrive in time.
    TooSlow,
    /// The body broke off.
    Broken,
    /// Too many bytes are being handled.
    Busy,
    /// The log's queue is full.
    LogFull,
    /// The log cannot write.
    LogFailed,
    /// The log did not answer in time.
    LogSlow,
    /// Not ready, and why is in the log.
    Internal,
}

/// What is wrong with a capture line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Problem {
    /// No JSON.
    NoJson,
    /// JSON, but no object.
    NoObject,
    /// A key twice.
    Ambiguous,
    /// `tenant` is another one than the token's.
    OtherTenant,
    /// `source` is another one than the address's.
    OtherSource,
    /// `system` is another one than the address's.
    OtherSystem,
    /// `at` is no instant.
    At,
}

impl Refusal {
    /// For the counter.
    pub(crate) fn outcome(self) -> &'static str {
        match self {
            Self::Challenge => "bad_challenge",
            Self::Signature => "bad_signature",
            Self::Token => "bad_token",
            Self::Address => "unknown_address",
            Self::Method => "wrong_method",
            Self::Line {
                problem: Problem::OtherTenant,
                ..
            } => "other_tenant",
            Self::Line { .. } | Self::Empty => "bad_line",
            Self::TooLarge(_) => "too_large",
            Self::TooSlow => "too_slow",
            Self::Broken => "broken_off",
            Self::Busy => "busy",
            Self::LogFull => "log_full",
            Self::LogFailed => "log_failed",
            Self::LogSlow => "log_slow",
            Self::Internal => "internal",
        }
    }

    fn status(self) -> StatusCode {
        match self {
            Self::Challenge
            | Self::Line {
                problem: Problem::OtherTenant,
                ..
            } => StatusCode::FORBIDDEN,
            Self::Signature | Self::Token => StatusCode::UNAUTHORIZED,
            Self::Address => StatusCode::NOT_FOUND,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::Line { .. } | Self::Empty | Self::Broken => StatusCode::BAD_REQUEST,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::Busy | Self::LogFull | Self::LogFailed | Self::LogSlow => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn error(self) -> Cow<'static, str> {
        match self {
            Self::Challenge => "the webhook cannot be verified".into(),
            Self::Signature => "the signature is missing or wrong".into(),
            Self::Token => "the bearer token is missing or unknown".into(),
            Self::Address => "there is nothing at this address".into(),
            Self::Method => "this address has another method".into(),
            Self::Line { line, problem } => format!("line {line} {}", problem.error()).into(),
            Self::Empty => "there is no line in the body".into(),
            Self::TooLarge(limit) => format!("the body is larger than {limit} bytes").into(),
            Self::TooSlow => "the body did not arrive in time".into(),
            Self::Broken => "the body broke off".into(),
            Self::Busy => "too much is being received at once".into(),
            Self::LogFull | Self::LogFailed | Self::LogSlow => "the log cannot take it now".into(),
            Self::Internal => "the request failed by a defect of Hilo".into(),
        }
    }

    fn hint(self) -> &'static str {
        match self {
            Self::Challenge => "type tenants.<name>.verify_token into the platform's webhook form",
            Self::Signature => {
                "X-Hub-Signature-256 is sha256= and the lower-case HMAC of the raw body by one of tenants.<name>.app_secrets"
            }
            Self::Token => "send Authorization: Bearer and one of tenants.<name>.api_tokens",
            Self::Address => {
                "POST to /webhooks/whatsapp/{tenant}, /v1/outbound, /v1/inbox, /v1/platform, /v1/identity or /v1/crm/{system}"
            }
            Self::Method => "POST captures and deliveries; GET the challenge, /healthz, /readyz and /metrics",
            Self::Line { problem, .. } => problem.hint(),
            Self::Empty => "send one JSON object, or several, one a line",
            Self::TooLarge(_) => "send fewer lines at once",
            Self::TooSlow | Self::Broken => "send it again, whole",
            Self::Busy | Self::LogFull | Self::LogFailed | Self::LogSlow => {
                "nothing of it is promised: send it again after the seconds of Retry-After"
            }
            Self::Internal => "send it again; the process's log has the cause",
        }
    }
}

impl Problem {
    fn error(self) -> &'static str {
        match self {
            Self::NoJson => "is no JSON",
            Self::NoObject => "is no JSON object",
            Self::Ambiguous => "has source, tenant, system or at twice",
            Self::OtherTenant => "names another tenant than the token's",
            Self::OtherSource => "names another source than the address",
            Self::OtherSystem => "names another system than the address",
            Self::At => "has an at that is no instant",
        }
    }

    fn hint(self) -> &'static str {
        match self {
            Self::NoJson | Self::NoObject => "nothing was taken; send one JSON object, or several, one a line",
            Self::Ambiguous => "nothing was taken; name each key once",
            Self::OtherTenant => "nothing was taken; leave tenant out, or use that tenant's token",
            Self::OtherSource => "nothing was taken; leave source out, or use the address of that source",
            Self::OtherSystem => "nothing was taken; leave system out, or use the address of that system",
            Self::At => "nothing was taken; write at like \"2026-05-04T13:00:00Z\"",
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = Json(serde_json::json!({"error": self.error(), "hint": self.hint()}));
        let mut response = (self.status(), body).into_response();
        if self.status() == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, RETRY_AFTER);
        }
        response
    }
}
