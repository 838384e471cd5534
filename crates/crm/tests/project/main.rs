//! `project`: what facts make of records, by scenario, in any order, and by the definitions.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;
mod default;
mod definitions;
mod identity;
mod order;
mod sales;
mod tickets;
