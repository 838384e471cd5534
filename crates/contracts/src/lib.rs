//! What travels between processors and to readers.
#![doc = include_str!("../README.md")]

pub mod capture;
pub mod codec;
pub mod compatibility;
pub mod crm_codes;
mod datum;
pub mod details;
pub mod door;
pub mod facts;
pub mod item;
pub mod json;
pub mod keys;
mod scan;
pub mod schemas;
mod shape;
pub mod stored;
pub mod tally;
pub mod topics;
mod transcode;

pub use codec::ContractError;
pub use scan::without_lone_surrogates;
