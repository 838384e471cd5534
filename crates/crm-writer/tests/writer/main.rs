//! The writer against the simulated portal.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "parts of tests"
)]

#[path = "../support/mod.rs"]
mod support;

mod associations;
mod basics;
mod chaos;
mod lanes;
mod lost;
mod over;
mod provisioning;
mod trouble;
mod types;
