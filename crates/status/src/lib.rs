//! What became of each message: the status fold.
#![doc = include_str!("../README.md")]
