//! Orders to the simulator itself, over HTTP.

use crate::{
    inspect::State,
    misbehaviour::{Misbehaviour, When},
    server::HubSpot,
};
use axum::{
    Json, Router,
    body::Body,
    extract::{Query, State as Shared, rejection::JsonRejection},
    http::{Response, StatusCode},
    response::IntoResponse as _,
    routing::{get, post},
};
use hilo_service::Problem;
use serde::Deserialize;

/// An order over HTTP: `{"what":{"kind":"server_error"},"when":{"times":3}}`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    what: Misbehaviour,
    #[serde(default)]
    when: When,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    millis: i64,
}

#[derive(Deserialize)]
struct Looking {
    /// `no` gives the counts only.
    records: Option<String>,
}

/// Addresses of the simulator itself.
pub(crate) fn routes() -> Router<HubSpot> {
    Router::new()
        .route("/_simulator/state", get(state))
        .route("/_simulator/misbehave", post(misbehave))
        .route("/_simulator/behave", post(behave))
        .route("/_simulator/release", post(release))
        .route("/_simulator/advance", post(advance))
        .route("/_simulator/reset", post(reset))
}

async fn state(Shared(hubspot): Shared<HubSpot>, Query(looking): Query<Looking>) -> Json<State> {
    Json(hubspot.look(looking.records.as_deref() != Some("no")))
}

async fn misbehave(Shared(hubspot): Shared<HubSpot>, order: Result<Json<Order>, JsonRejection>) -> Response<Body> {
    match order {
        Ok(Json(order)) => {
            hubspot.misbehave(order.what, order.when);
            StatusCode::NO_CONTENT.into_response()
        }
        Err(error) => bad_order(&error).into_response(),
    }
}

async fn advance(Shared(hubspot): Shared<HubSpot>, order: Result<Json<Advance>, JsonRejection>) -> Response<Body> {
    match order {
        Ok(Json(order)) => {
            hubspot.advance(order.millis);
            StatusCode::NO_CONTENT.into_response()
        }
        Err(error) => bad_order(&error).into_response(),
    }
}

fn bad_order(error: &JsonRejection) -> Problem {
    Problem::new(
        StatusCode::BAD_REQUEST,
        "bad_order",
        format!("the order cannot be understood: {}", error.body_text()),
        "the crate's README lists kinds and fields",
    )
}

async fn behave(Shared(hubspot): Shared<HubSpot>) -> StatusCode {
    hubspot.behave();
    StatusCode::NO_CONTENT
}

async fn release(Shared(hubspot): Shared<HubSpot>) -> StatusCode {
    hubspot.release();
    StatusCode::NO_CONTENT
}

async fn reset(Shared(hubspot): Shared<HubSpot>) -> StatusCode {
    hubspot.reset();
    StatusCode::NO_CONTENT
}
