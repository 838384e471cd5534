//! What every process of Hilo shares: the server, readers, health, the clock, signals, error answers.
#![doc = include_str!("../README.md")]

mod access;
mod attempts;
pub mod clock;
mod fingerprint;
mod health;
mod hosts;
mod login_code;
mod notice;
mod peer;
mod problem;
mod reader;
mod readers;
mod routes;
mod server;
mod sessions;
mod signals;

pub use access::Access;
pub use fingerprint::Fingerprint;
pub use health::Health;
pub use hosts::{Hosts, answering_to, is_loopback};
pub use login_code::LoginCodes;
pub use notice::Notice;
pub use peer::Peer;
pub use problem::Problem;
pub use reader::{Reader, Role, Scope};
pub use readers::{Readers, SharedToken};
pub use routes::{Entry, Form, Need, Routes};
pub use server::{ServeLimits, serve};
pub use sessions::{Lease, Sessions};
pub use signals::interrupted;
