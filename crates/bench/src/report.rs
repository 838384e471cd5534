//! What was measured, as text and as JSON.

use crate::micros;
use hdrhistogram::Histogram;
use serde::Serialize;
use std::{collections::BTreeMap, fmt, io, time::Duration};

/// A distribution of times, in milliseconds.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Milliseconds {
    /// Median.
    pub p50: f64,
    /// 90 of 100.
    pub p90: f64,
    /// 99 of 100.
    pub p99: f64,
    /// 999 of 1000.
    #[serde(rename = "p99_9")]
    pub p999: f64,
    /// The slowest.
    pub max: f64,
}

impl Milliseconds {
    /// Of times, each up to a minute.
    pub fn of_times(times: impl IntoIterator<Item = Duration>) -> io::Result<Self> {
        let mut histogram = micros::histogram()?;
        for time in times {
            micros::record(&mut histogram, time);
        }
        Ok(Self::of(&histogram))
    }

    /// Of a histogram of microseconds.
    #[must_use]
    pub fn of(micros: &Histogram<u64>) -> Self {
        let at = |quantile| micros.value_at_quantile(quantile) as f64 / 1e3;
        Self {
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            p999: at(0.999),
            max: micros.max() as f64 / 1e3,
        }
    }
}

impl fmt::Display for Milliseconds {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        let Self {
            p50,
            p90,
            p99,
            p999,
            max,
        } = self;
        write!(
            formatter,
            "p50 {p50:.2}, p90 {p90:.2}, p99 {p99:.2}, p99.9 {p999:.2}, max {max:.2} ms"
        )
    }
}

/// The gateway under load.
#[derive(Clone, Debug, Serialize)]
pub struct GatewayReport {
    /// Deliveries a second that were asked for.
    pub rate: u32,
    /// Keep-alive connections.
    pub connections: usize,
    /// Bytes of a body.
    pub body_bytes: usize,
    /// From the first scheduled time to the last answer.
    pub seconds: f64,
    /// Answers with 200. Each of these deliveries was found in the log.
    pub acknowledged: u64,
    /// Acknowledged deliveries a second.
    pub throughput: f64,
    /// Answers by status.
    pub statuses: BTreeMap<u16, u64>,
    /// Requests without an answer.
    pub failed: u64,
    /// From the scheduled time of a delivery to the end of its answer.
    pub latency: Milliseconds,
    /// Of it: from the append to the receipt that it is on the disk.
    pub durable: Milliseconds,
    /// What the disk needs for 64 KiB and a synchronisation, without anything else to do.
    pub disk: Milliseconds,
    /// CPU of the gateway's runtime: HTTP, signatures, encoding.
    pub cpu_seconds_gateway: f64,
    /// CPU of the log's writer.
    pub cpu_seconds_log: f64,
    /// CPU of the load generator.
    pub cpu_seconds_load: f64,
    /// Greatest resident size of the process, the load generator included; none where the system does not tell.
    pub peak_resident_bytes: Option<u64>,
}

impl fmt::Display for GatewayReport {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        let each = |seconds: f64| seconds * 1e6 / (self.acknowledged.max(1) as f64);
        let refused: u64 = self
            .statuses
            .iter()
            .filter(|(status, _)| **status != 200)
            .map(|(_, count)| count)
            .sum();
        writeln!(
            formatter,
            "{} acknowledged in {:.1} s: {:.0} a second of {} asked for, {} bytes each, {} connections; {refused} refused, {} failed",
            self.acknowledged, self.seconds, self.throughput, self.rate, self.body_bytes, self.connections, self.failed
        )?;
        writeln!(formatter, "acknowledged after  {}", self.latency)?;
        writeln!(formatter, "  of it, the log    {}", self.durable)?;
        writeln!(formatter, "  the disk alone    {} for 64 KiB", self.disk)?;
        writeln!(
            formatter,
            "CPU a delivery      gateway {:.1} µs, log {:.1} µs, load generator {:.1} µs",
            each(self.cpu_seconds_gateway),
            each(self.cpu_seconds_log),
            each(self.cpu_seconds_load)
        )?;
        match self.peak_resident_bytes {
            Some(bytes) => write!(
                formatter,
                "peak memory         {} MB, load generator included",
                bytes >> 20
            ),
            None => write!(formatter, "peak memory         the system does not tell"),
        }
    }
}
