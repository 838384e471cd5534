//! How hard the attacks are.

use std::time::Duration;

/// Numbers of one run. The long ones are those with which the findings were found.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scale {
    pub long: bool,
    /// Connections that never read.
    pub readers_that_do_not: usize,
    /// Connections with half a head.
    pub half_heads: usize,
    /// Traces at once.
    pub traces: usize,
    /// Requests of all numbers at once.
    pub tables: usize,
    /// Items in the log before the read side is attacked.
    pub items: usize,
    /// Identifiers of one cluster.
    pub identifiers: usize,
    /// Messages of one thread.
    pub thread: usize,
    /// Contacts of one body.
    pub contacts: usize,
    /// Heads without an end.
    pub endless_heads: usize,
    /// Elements of a body that fans out.
    pub fan_out: usize,
    /// Lines that wait while the node is told to end.
    pub backlog: usize,
    /// How long genuine traffic runs beside an attack.
    pub while_attacked: Duration,
    /// Between two genuine deliveries.
    pub pace: Duration,
    /// Genuine deliveries wait less than this. The short one only tells a stall from a slow machine with tests beside it.
    pub p99_ms: f64,
    /// A delivery of the other tenant is a fact within this time, whatever the first one sent.
    pub derived: Duration,
    /// MiB that an attack may add to what the node holds.
    pub memory: u64,
    /// Attacks at once: those of the short form mostly wait.
    pub at_once: usize,
    /// How long an attack may take.
    pub patience: Duration,
}

impl Scale {
    pub(crate) fn short() -> Self {
        Self {
            long: false,
            readers_that_do_not: 384,
            half_heads: 384,
            traces: 64,
            tables: 24,
            items: 6_000,
            identifiers: 2_000,
            thread: 2_000,
            contacts: 2_000,
            endless_heads: 128,
            fan_out: 1_000_000,
            backlog: 6_000,
            while_attacked: Duration::from_secs(2),
            pace: Duration::from_millis(40),
            p99_ms: 3_000.0,
            derived: Duration::from_secs(30),
            memory: 512,
            at_once: 4,
            patience: Duration::from_mins(3),
        }
    }

    /// Roles on a broker are more processes, and the broker is one.
    pub(crate) fn on_kafka(self) -> Self {
        Self {
            at_once: self.at_once.div_ceil(2),
            ..self
        }
    }

    pub(crate) fn long() -> Self {
        Self {
            long: true,
            readers_that_do_not: 2_048,
            half_heads: 2_100,
            traces: 600,
            tables: 300,
            items: 275_000,
            identifiers: 10_000,
            thread: 15_000,
            contacts: 10_000,
            endless_heads: 2_000,
            fan_out: 1_000_000,
            backlog: 275_000,
            while_attacked: Duration::from_secs(20),
            pace: Duration::from_millis(50),
            p99_ms: 250.0,
            derived: Duration::from_secs(10),
            memory: 512,
            at_once: 1,
            patience: Duration::from_mins(20),
        }
    }
}
