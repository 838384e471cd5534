//! The golden record: contacts, conversations, messages, cases in SQLite.
#![doc = include_str!("../README.md")]
