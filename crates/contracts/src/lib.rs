//! What travels between processors and to readers.
#![doc = include_str!("../README.md")]

pub mod facts;
pub mod item;
pub mod keys;
pub mod topics;
