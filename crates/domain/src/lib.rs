//! The words of the domain, as pure functions and values: no I/O, no clock, no environment.
#![doc = include_str!("../README.md")]

pub mod category;
pub mod consent;
pub mod error_class;
pub mod error_policy;
pub mod hash;
pub mod identifier;
pub mod json;
mod numbering;
pub mod opt_out;
pub mod phone;
pub mod read;
pub mod status;
pub mod text;
pub mod time;
pub mod window;

pub use error_class::ErrorClass;
pub use error_policy::{Action, ErrorPolicy};
pub use identifier::{Identifier, IdentifierKind};
pub use opt_out::{OptOut, OptOutWords};
pub use phone::Phone;
pub use status::{StatusFold, StatusRank};
pub use time::Millis;
