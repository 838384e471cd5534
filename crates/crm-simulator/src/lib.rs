//! A HubSpot for tests and the demo: stateful, strict, misbehaving on demand.
#![doc = include_str!("../README.md")]

mod answer;
mod association;
mod calls;
mod catalogue;
mod clock;
mod control;
mod definition;
mod failure;
mod gate;
mod inspect;
mod misbehaviour;
mod object;
mod options;
mod page;
mod path;
mod pipeline;
mod portal;
mod rate;
mod server;
mod table;
mod write;

pub use clock::Clock;
pub use inspect::{Counts, Seen, State};
pub use misbehaviour::{Misbehaviour, When};
pub use object::Object;
pub use options::{App, Conflicts, Options, Owner, Rule, SearchLag};
pub use server::HubSpot;
