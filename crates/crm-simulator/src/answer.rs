//! Answers: status, headers and body before they are written.

use axum::{
    body::Body,
    http::{HeaderName, HeaderValue, Response, StatusCode, header},
};
use serde_json::Value;

/// What a call is answered with.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Content,
    pub(crate) headers: Vec<(&'static str, String)>,
}

/// What is in it.
#[derive(Clone, Debug)]
pub(crate) enum Content {
    Json(Value),
    Html(String),
    None,
}

impl Answer {
    pub(crate) fn json(status: u16, body: Value) -> Self {
        Self {
            status,
            body: Content::Json(body),
            headers: Vec::new(),
        }
    }

    pub(crate) fn html(status: u16, body: impl Into<String>) -> Self {
        Self {
            status,
            body: Content::Html(body.into()),
            headers: Vec::new(),
        }
    }

    pub(crate) fn none() -> Self {
        Self {
            status: 204,
            body: Content::None,
            headers: Vec::new(),
        }
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl std::fmt::Display) -> Self {
        self.headers.push((name, value.to_string()));
        self
    }

    pub(crate) fn response(self) -> Response<Body> {
        let (kind, body) = match self.body {
            Content::Json(body) => (Some("application/json;charset=utf-8"), Body::from(body.to_string())),
            Content::Html(body) => (Some("text/html; charset=utf-8"), Body::from(body)),
            Content::None => (None, Body::empty()),
        };
        let mut response = Response::new(body);
        *response.status_mut() = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        if let Some(kind) = kind {
            response
                .headers_mut()
                .insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        }
        for (name, value) in self.headers {
            if let Ok(value) = HeaderValue::from_str(&value) {
                response.headers_mut().insert(HeaderName::from_static(name), value);
            }
        }
        response
    }
}
