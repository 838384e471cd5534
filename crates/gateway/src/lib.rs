//! HTTP in: webhooks and captures, durable before they are acknowledged.
#![doc = include_str!("../README.md")]
