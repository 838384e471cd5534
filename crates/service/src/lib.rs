//! What every process of Hilo shares: the server, readers, the clock, error answers.
#![doc = include_str!("../README.md")]

pub mod clock;
mod notice;
mod problem;
mod reader;
mod server;

pub use notice::Notice;
pub use problem::Problem;
pub use reader::{Reader, Role, Scope};
pub use server::{Peer, ServeLimits, serve};
