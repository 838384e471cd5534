//! The live page: numbers, templates, conversations, lag.
#![doc = include_str!("../README.md")]
