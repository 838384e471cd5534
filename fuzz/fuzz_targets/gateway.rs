#![no_main]
#![allow(dead_code, reason = "one body of several")]

#[path = "../../crates/hilo/tests/fuzz/bodies.rs"]
mod bodies;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| bodies::gateway(bytes));
