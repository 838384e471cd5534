//! Fan-out of deliveries into items, and removal of duplicates.
#![doc = include_str!("../README.md")]
