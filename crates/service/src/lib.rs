//! What every process of Hilo shares: readers, the clock, error answers.
#![doc = include_str!("../README.md")]

pub mod clock;
mod problem;
mod reader;

pub use problem::Problem;
pub use reader::{Reader, Role, Scope};
