//! Makes a CRM equal to the desired records.
#![doc = include_str!("../README.md")]

mod backoff;
mod budget;
mod edge;
mod facts;
pub mod hubspot;
mod links;
pub mod provision;
mod secret;
mod settings;
mod sink;
mod worker;

pub use backoff::Backoff;
pub use budget::{Budget, BudgetView, Limits};
pub use edge::{EdgeError, Event, Inlet, Outcomes, Past, Place, Reply, Wanted};
pub use facts::Lane;
pub use hilo_contracts::crm_codes as codes;
pub use links::{Census, FILE, Link, Links, LinksError, Rejected, RejectedBody, Which};
pub use secret::Token;
pub use settings::Settings;
pub use sink::{Act, Capabilities, Item, Known, Linked, Outcome, Sink, Trouble};
pub use worker::{Counters, LaneStatus, State, Status, Writer, WriterError};
