//! `hilo`: one binary.
fn main() {}
