//! Load and measurement: what this machine does with the gateway.
#![doc = include_str!("../README.md")]

mod disk;
mod gateway;
mod load;
mod micros;
mod process;
mod report;
mod requests;

pub use gateway::{BenchError, GatewayBench, run_gateway};
pub use load::{Load, Loaded, load};
pub use process::{ThreadSeconds, peak_resident_bytes, process_seconds, thread_seconds};
pub use report::{GatewayReport, Milliseconds};
