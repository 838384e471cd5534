//! Who is who: the identity graph of a tenant.
#![doc = include_str!("../README.md")]
