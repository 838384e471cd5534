//! What a process says of itself: `/healthz`, `/readyz`, `/metrics`.

use crate::{
    Problem, Routes,
    routes::{Form, Need},
};
use axum::{
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
};
use prometheus::{Registry, TextEncoder};
use serde_json::{Map, Value};
use std::sync::Arc;
use tracing::error;

type Check = Box<dyn Fn() -> Result<(), String> + Send + Sync>;

/// Named checks of a process, and its metrics. A check answers at once; its error says what is wrong, and names nobody.
pub struct Health {
    alive: Vec<(&'static str, Check)>,
    ready: Vec<(&'static str, Check)>,
    registry: Registry,
}

impl Health {
    /// Of a process whose metrics are in `registry`: healthy and ready until a check says otherwise.
    #[must_use]
    pub fn new(registry: &Registry) -> Self {
        Self {
            alive: Vec::new(),
            ready: Vec::new(),
            registry: registry.clone(),
        }
    }

    /// Adds to what `/healthz` asks. Where it fails, a new start may mend it.
    #[must_use]
    pub fn alive_when(
        mut self,
        name: &'static str,
        check: impl Fn() -> Result<(), String> + Send + Sync + 'static,
    ) -> Self {
        self.alive.push((name, Box::new(check)));
        self
    }

    /// Adds to what `/readyz` asks. Where it fails, nobody should be sent here for now.
    #[must_use]
    pub fn ready_when(
        mut self,
        name: &'static str,
        check: impl Fn() -> Result<(), String> + Send + Sync + 'static,
    ) -> Self {
        self.ready.push((name, Box::new(check)));
        self
    }

    /// The addresses.
    #[must_use]
    pub fn routes(self) -> Routes {
        let shared = Arc::new(self);
        Routes::default()
            .get("/healthz", Form::Api, Need::Nothing, healthz, Arc::clone(&shared))
            .get("/readyz", Form::Api, Need::Nothing, readyz, Arc::clone(&shared))
            .get("/metrics", Form::Api, Need::Process, metrics, shared)
    }
}

/// Runs the checks; all that fail are named, and said in one text.
fn failed(checks: &[(&'static str, Check)]) -> Option<(String, Map<String, Value>)> {
    let failed: Vec<(&str, String)> = checks
        .iter()
        .filter_map(|(name, check)| Some((*name, check().err()?)))
        .collect();
    let reasons: Vec<&str> = failed.iter().map(|(_, reason)| reason.as_str()).collect();
    let text = reasons.join("; ");
    let named = failed
        .iter()
        .map(|(name, reason)| ((*name).to_owned(), reason.as_str().into()));
    let named: Map<String, Value> = named.collect();
    (!failed.is_empty()).then_some((text, named))
}

async fn healthz(State(health): State<Arc<Health>>) -> Result<&'static str, Problem> {
    let Some((error, checks)) = failed(&health.alive) else {
        return Ok("ok\n");
    };
    let hint = "start the process anew; its log says why";
    Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "not_alive", error, hint).with("checks", checks))
}

async fn readyz(State(health): State<Arc<Health>>) -> Result<&'static str, Problem> {
    let Some((error, checks)) = failed(&health.ready) else {
        return Ok("ready\n");
    };
    let hint = "it becomes ready by itself, or the log of the process says why not";
    Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "not_ready", error, hint).with("checks", checks))
}

async fn metrics(State(health): State<Arc<Health>>) -> Response {
    match TextEncoder::new().encode_to_string(&health.registry.gather()) {
        Ok(text) => ([(header::CONTENT_TYPE, prometheus::TEXT_FORMAT)], text).into_response(),
        Err(error) => {
            error!(%error, "the metrics cannot be written");
            let problem = Problem::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "internal",
                "the metrics cannot be written",
                "the log of the process says why",
            );
            problem.into_response()
        }
    }
}
