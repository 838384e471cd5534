//! The page: records as a CRM shows them.

use crate::server::HubSpot;
use axum::{Router, routing::get};

/// The addresses of the page.
pub(crate) fn routes() -> Router<HubSpot> {
    Router::new().route("/", get(async || "HubSpot"))
}
