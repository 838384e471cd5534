//! Why a request was not accepted, as the sender reads it.

use crate::measures::Endpoint;
use axum::http::StatusCode;
use hilo_normalize::LineProblem;
use hilo_service::Problem;

/// Seconds after which a sender may try again. The platform does so by itself, for days.
const RETRY_AFTER: u32 = 5;

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
    /// A part of the address behind `?` that is not known.
    Query,
    /// A capture line that cannot be taken.
    Line { line: usize, problem: LineProblem },
    /// Nothing in it.
    Empty,
    /// More lines than the limit.
    TooManyLines(usize),
    /// No idempotency key.
    Key,
    /// An idempotency key that came before with another body.
    KeyReused,
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

/// A line that names another tenant than its token: a question of rights, not of form.
pub(crate) const OTHER_TENANT: LineProblem = LineProblem {
    code: "other_tenant",
    error: "names another tenant than the token's",
    field: "tenant",
    allowed: &[],
};

impl Refusal {
    /// For the counter.
    pub(crate) fn outcome(self) -> &'static str {
        match self {
            Self::Challenge => "bad_challenge",
            Self::Signature => "bad_signature",
            Self::Token => "bad_token",
            Self::Address => "unknown_address",
            Self::Query => "bad_query",
            Self::Line {
                problem: OTHER_TENANT, ..
            } => "other_tenant",
            Self::Line { .. } | Self::Empty => "bad_line",
            Self::TooManyLines(_) => "too_many_lines",
            Self::Key => "bad_idempotency_key",
            Self::KeyReused => "idempotency_key_reused",
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

    /// The answer at an address.
    pub(crate) fn problem(self, endpoint: Endpoint) -> Problem {
        match self {
            Self::Challenge => Problem::new(
                StatusCode::FORBIDDEN,
                "bad_challenge",
                "the webhook cannot be verified",
                "type tenants.<name>.verify_token into the platform's webhook form",
            ),
            Self::Signature => Problem::new(
                StatusCode::UNAUTHORIZED,
                "bad_signature",
                "the signature is missing or wrong",
                "X-Hub-Signature-256 is sha256= and the lower-case HMAC of the raw body by one of tenants.<name>.app_secrets",
            ),
            Self::Token => Problem::new(
                StatusCode::UNAUTHORIZED,
                "bad_token",
                "the bearer token is missing or unknown",
                "send Authorization: Bearer and one of tenants.<name>.api_tokens",
            ),
            Self::Address => Problem::new(
                StatusCode::NOT_FOUND,
                "unknown_address",
                "there is nothing at this address",
                "names of tenants and systems are 1 to 64 letters, digits, - and _",
            ),
            Self::Query => Problem::new(
                StatusCode::BAD_REQUEST,
                "bad_query",
                "the address has a parameter that is not known, or a value that it does not take",
                "the only parameter is dry_run, with 1 or 0",
            )
            .with("allowed", vec!["dry_run=1", "dry_run=0"]),
            Self::Line { line, problem } => line_problem(line, problem),
            Self::Empty => Problem::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "no_lines",
                "there is no line in the body",
                "send one JSON object, or several, one a line",
            ),
            Self::TooManyLines(limit) => Problem::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "too_many_lines",
                format!("the body has more than {limit} lines"),
                "nothing was taken; send fewer lines at once",
            )
            .with("limit", limit),
            Self::Key => Problem::new(
                StatusCode::BAD_REQUEST,
                "bad_idempotency_key",
                "the Idempotency-Key is no key",
                "send one, of 1 to 255 visible ASCII characters, such as a UUID",
            ),
            Self::KeyReused => Problem::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "idempotency_key_reused",
                "this Idempotency-Key came before with another body or at another address",
                "nothing was taken; a new request needs a new key",
            ),
            Self::TooLarge(limit) => Problem::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "too_large",
                format!("the body is larger than {limit} bytes"),
                if endpoint.takes_lines() {
                    "nothing was taken; send fewer lines at once"
                } else {
                    "the platform sends no delivery that is larger; look at what stands in front of Hilo"
                },
            )
            .with("limit", limit),
            Self::TooSlow => Problem::new(
                StatusCode::REQUEST_TIMEOUT,
                "too_slow",
                "the body did not arrive in time",
                "send it again, whole, at 64 KiB a second or more",
            ),
            Self::Broken => Problem::new(
                StatusCode::BAD_REQUEST,
                "broken_off",
                "the body broke off",
                "send it again, whole",
            ),
            Self::Busy => Problem::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "busy",
                "too much is being received at once",
                "nothing was taken; send it again after the seconds of Retry-After",
            )
            .retry_after(RETRY_AFTER),
            Self::LogFull => Problem::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "log_full",
                "the log cannot take it now",
                "nothing was taken; send it again after the seconds of Retry-After",
            )
            .retry_after(RETRY_AFTER),
            Self::LogFailed => Problem::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "log_failed",
                "the log cannot write now",
                "nothing of it is promised; send the same again after the seconds of Retry-After",
            )
            .retry_after(RETRY_AFTER),
            Self::LogSlow => Problem::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "log_slow",
                "the log has it and has not said yet that it is durable",
                "send the same again after the seconds of Retry-After: it is known again and is not kept twice",
            )
            .retry_after(RETRY_AFTER),
            Self::Internal => Problem::internal(),
        }
    }
}

fn line_problem(line: usize, problem: LineProblem) -> Problem {
    let status = if problem == OTHER_TENANT {
        StatusCode::FORBIDDEN
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    };
    let hint = match problem {
        OTHER_TENANT => "nothing was taken; leave tenant out, or use that tenant's token",
        _ if problem.field.is_empty() => "nothing was taken; send one JSON object, or several, one a line",
        _ => "nothing was taken; mend the line, and send all of them again",
    };
    Problem::new(status, problem.code, format!("line {line} {}", problem.error), hint)
        .with("line", line)
        .with("field", problem.field)
        .with("allowed", problem.allowed.to_vec())
}
