//! The metrics aggregator: numbers computed from the topics, incrementally.
#![doc = include_str!("../README.md")]
#![allow(dead_code)]

mod numbers;
mod windows;
