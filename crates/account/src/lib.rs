//! Quality, limits and templates of the business side.
#![doc = include_str!("../README.md")]
