//! Threads, sessions, first responses.
#![doc = include_str!("../README.md")]
