//! The platform as a client that misbehaves on demand: seeded traffic, as captures and over signed HTTP.
#![doc = include_str!("../README.md")]

mod account;
mod campaign;
pub mod capture;
mod conversation;
mod delivery;
mod event;
mod identity;
mod inbound;
mod outbound;
mod people;
mod profile;
mod random;
pub mod sender;
mod tally;
mod text;
mod vocabulary;
mod world;

pub use event::{Event, Kind, Path};
pub use people::Country;
pub use profile::Profile;
pub use tally::Tally;
pub use world::Simulator;
