//! HTTP in: webhooks and captures, durable before they are acknowledged.
#![doc = include_str!("../README.md")]

mod body;
mod captures;
mod http;
mod log;
mod measures;
mod pool;
mod refusal;
mod repeats;
mod room;
mod signature;
mod tenants;

pub use http::{Gateway, GatewayError, Limits, router};
pub use log::{DurableLog, LogError};
pub use tenants::{Secret, TenantError, TenantSecrets, Tenants, is_tenant_name};
