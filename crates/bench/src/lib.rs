//! Load and measurement: what this machine does with the gateway.
#![doc = include_str!("../README.md")]

mod disk;
mod gateway;
mod load;
mod micros;
mod process;
mod report;
pub mod requests;
mod spread;
mod threads;

pub use gateway::{BenchError, GatewayBench, run_gateway};
pub use load::{Load, Loaded, load};
pub use process::{
    ThreadSeconds, machine_seconds, peak_resident_bytes, process_seconds, reset_peak, this_thread_seconds,
    thread_seconds,
};
pub use report::{GatewayReport, Milliseconds};
pub use spread::Spread;
pub use threads::ThreadGroups;
