//! Names of topics that only the engine knows.

/// Time travels here: each clock record is told to every partition of it.
pub const TIME: &str = "hilo.time";

/// The changelog of a processor, without the prefix.
#[must_use]
pub fn changelog(processor: &str) -> String {
    format!("hilo.{processor}.changelog")
}
