//! The live page: numbers, templates, conversations, lag.
#![doc = include_str!("../README.md")]

mod assets;
mod audit;
mod catalogue;
mod chart;
mod format;
mod http;
mod live;
mod login;
pub mod mask;
pub mod meter;
pub mod model;
mod page;
mod row;
mod sections;
mod source;
pub mod trace;
mod trace_page;

pub use audit::Audit;
pub use http::routes;
pub use login::routes as login_routes;
pub use model::Snapshot;
pub use source::{Asked, MetricPage, MetricQuery, Source, SourceError};
pub use trace::{Stage, Step, Trace};
pub use trace_page::{Sight, to_json};
