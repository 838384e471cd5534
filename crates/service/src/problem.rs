//! The one form of an error answer over HTTP: `{"code","error","hint"}`, with the numbers that belong to it.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Map, Value};
use std::borrow::Cow;

/// Why a request has no answer. Its text holds no personal data and no secret.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    status: StatusCode,
    code: &'static str,
    error: Cow<'static, str>,
    hint: Cow<'static, str>,
    more: Map<String, Value>,
    retry_after: Option<u32>,
}

impl Problem {
    /// `code` is stable and listed in the catalogue; `error` says what failed; `hint` says what to do.
    #[must_use]
    pub fn new(
        status: StatusCode,
        code: &'static str,
        error: impl Into<Cow<'static, str>>,
        hint: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            status,
            code,
            error: error.into(),
            hint: hint.into(),
            more: Map::new(),
            retry_after: None,
        }
    }

    /// A defect of Hilo. Its cause is in the log of the process, never in the answer.
    #[must_use]
    pub fn internal() -> Self {
        Problem::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "the request failed by a defect of Hilo",
            "send it again; the process's log has the cause",
        )
    }

    /// Adds a field of its own, such as `line` or `field`.
    #[must_use]
    pub fn with(mut self, field: &str, value: impl Into<Value>) -> Self {
        self.more.insert(field.to_owned(), value.into());
        self
    }

    /// Says after how many seconds a new attempt makes sense.
    #[must_use]
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// What failed.
    #[must_use]
    pub fn error(&self) -> &str {
        &self.error
    }

    /// The status of the answer.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut body = Map::new();
        body.insert("code".to_owned(), self.code.into());
        body.insert("error".to_owned(), self.error.into_owned().into());
        body.insert("hint".to_owned(), self.hint.into_owned().into());
        body.extend(self.more);
        let mut response = (self.status, Json(Value::Object(body))).into_response();
        if let Some(seconds) = self.retry_after {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
