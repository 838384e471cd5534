//! The writer against the simulated portal.

#[path = "../support/mod.rs"]
mod support;

mod basics;
mod chaos;
mod lanes;
mod provisioning;
mod trouble;
