//! Tables and views. Times are milliseconds since 1970, UTC.

/// Layout of the tables; raised with each change of them. An older file is built again from the log.
pub(crate) const LAYOUT: i64 = 11;

/// Everything that a new file gets.
pub(crate) const SCHEMA: &str = concat!(include_str!("tables.sql"), include_str!("views.sql"));
