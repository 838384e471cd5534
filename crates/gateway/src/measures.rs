//! What is counted: by address and outcome, never by who.

use prometheus::{Histogram, HistogramOpts, HistogramVec, IntCounterVec, Opts, Registry};
use std::time::Duration;

/// Seconds to an acknowledgement; the goal is 10 ms for 99 of 100.
const BUCKETS: [f64; 13] = [
    0.000_5, 0.001, 0.002, 0.003, 0.005, 0.007_5, 0.01, 0.015, 0.025, 0.05, 0.1, 0.5, 5.0,
];

/// Outcome of a request that was taken.
pub(crate) const ACCEPTED: &str = "accepted";
/// Outcome of a well-signed delivery to an address without a tenant.
pub(crate) const UNKNOWN_TENANT: &str = "unknown_tenant";

/// Outcome of lines that were only checked.
pub(crate) const CHECKED: &str = "checked";
/// Outcome of a request that came before: it has the same answer, and nothing is kept again.
pub(crate) const REPEATED: &str = "repeated";

/// An address, as a label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Endpoint {
    Challenge,
    WhatsApp,
    Outbound,
    Inbox,
    /// Polled snapshots of numbers and templates.
    Platform,
    /// Decisions about who is who.
    Identity,
    Crm,
}

impl Endpoint {
    /// Whether what is sent there are capture lines.
    pub(crate) fn takes_lines(self) -> bool {
        !matches!(self, Self::Challenge | Self::WhatsApp)
    }

    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Challenge => "challenge",
            Self::WhatsApp => "whatsapp",
            Self::Outbound => "outbound",
            Self::Inbox => "inbox",
            Self::Platform => "platform",
            Self::Identity => "identity",
            Self::Crm => "crm",
        }
    }
}

pub(crate) struct Measures {
    requests: IntCounterVec,
    bytes: IntCounterVec,
    records: IntCounterVec,
    acknowledged: HistogramVec,
}

impl Measures {
    pub(crate) fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let counter = |name: &str, help: &str, labels: &[&str]| -> Result<IntCounterVec, prometheus::Error> {
            let counter = IntCounterVec::new(Opts::new(name, help), labels)?;
            registry.register(Box::new(counter.clone()))?;
            Ok(counter)
        };
        let options = HistogramOpts::new(
            "hilo_gateway_acknowledge_seconds",
            "Time from the head of a request to the answer that its bytes are durable.",
        );
        let acknowledged = HistogramVec::new(options.buckets(BUCKETS.to_vec()), &["endpoint"])?;
        registry.register(Box::new(acknowledged.clone()))?;
        Ok(Self {
            requests: counter(
                "hilo_gateway_requests_total",
                "Requests by outcome.",
                &["endpoint", "outcome"],
            )?,
            bytes: counter(
                "hilo_gateway_accepted_bytes_total",
                "Bytes of accepted bodies.",
                &["endpoint"],
            )?,
            records: counter(
                "hilo_gateway_records_total",
                "Records appended to the log.",
                &["endpoint"],
            )?,
            acknowledged,
        })
    }

    pub(crate) fn count(&self, endpoint: Endpoint, outcome: &'static str) {
        self.requests.with_label_values(&[endpoint.label(), outcome]).inc();
    }

    pub(crate) fn taken(&self, endpoint: Endpoint, bytes: usize, records: usize, after: Duration) {
        let label = &[endpoint.label()];
        self.bytes.with_label_values(label).inc_by(bytes as u64);
        self.records.with_label_values(label).inc_by(records as u64);
        let histogram: Histogram = self.acknowledged.with_label_values(label);
        histogram.observe(after.as_secs_f64());
    }
}
