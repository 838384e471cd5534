//! The platform as a server that misbehaves on demand: seeded, signed traffic.
#![doc = include_str!("../README.md")]
