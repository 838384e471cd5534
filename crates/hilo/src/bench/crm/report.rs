//! What came of it, and what the documented limits make of the calls.

use hilo_crm_simulator::Counts;
use serde::Serialize;
use std::fmt;

/// Calls that HubSpot documents for ten seconds (Professional and Enterprise), and for a day.
const BURST: f64 = 190.0;
/// What the writer uses of them in the long run; the rest is for bursts and for other apps.
const SHARE: f64 = 0.7;
const DAY: f64 = 625_000.0;

/// What a portal was asked for.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct Asked {
    /// All calls: they count for the day.
    pub calls: u64,
    /// Those of them that do not count for ten seconds: batches about associations.
    pub exempt: u64,
}

impl Asked {
    pub(super) fn of(counts: &Counts) -> Self {
        Self {
            calls: counts.calls.values().sum(),
            exempt: counts.calls_of("/crm/associations/"),
        }
    }

    pub(super) fn since(self, before: &Self) -> Self {
        Self {
            calls: self.calls - before.calls,
            exempt: self.exempt - before.exempt,
        }
    }

    /// How long these calls take at the documented limit: computed, nobody waited for it.
    fn seconds(self) -> f64 {
        (self.calls - self.exempt) as f64 / (BURST * SHARE / 10.0)
    }
}

/// A file of links.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct Grown {
    pub links: u64,
    pub seconds: f64,
    pub cpu_seconds: f64,
    pub peak_memory_bytes: u64,
    pub file_bytes: u64,
}

/// All of it.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Report {
    pub(super) conversations: u64,
    /// From the first delivery to the last.
    pub(super) seconds_of_world: f64,
    pub(super) records: u64,
    pub(super) revisions: u64,
    /// Seconds in which anything was told.
    pub(super) windows: u64,
    /// A call for each revision, and one for each association of a new record: computed.
    pub(super) each_revision: Asked,
    /// The writer, second by second: counted by the portal.
    pub(super) as_they_happen: Asked,
    /// The writer, all at once: counted by the portal.
    pub(super) at_once: Asked,
    /// How long that took with a portal without limits in the same process.
    pub(super) seconds_at_once: f64,
    pub(super) links: Grown,
}

impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        let minutes = self.seconds_of_world / 60.0;
        writeln!(
            out,
            "{} conversations in {minutes:.0} minutes: {} records in {} revisions, told in {} seconds",
            self.conversations, self.records, self.revisions, self.windows
        )?;
        for (name, asked, how) in [
            ("a call each revision", self.each_revision, "computed"),
            ("as they happen", self.as_they_happen, "counted"),
            ("all at once", self.at_once, "counted"),
        ] {
            writeln!(
                out,
                "  {name:<22} {:>9} calls ({how}), {:.2} a conversation, {:.1} % of a day's; {:.0} s at the documented limit (computed)",
                asked.calls,
                asked.calls as f64 / self.conversations.max(1) as f64,
                asked.calls as f64 / DAY * 100.0,
                asked.seconds()
            )?;
        }
        writeln!(
            out,
            "all at once, over HTTP to a portal without limits in this process: {:.1} s, {:.0} records/s",
            self.seconds_at_once,
            self.records as f64 / self.seconds_at_once.max(f64::EPSILON)
        )?;
        let links = &self.links;
        let count = links.links.max(1) as f64;
        write!(
            out,
            "the writer alone, with a CRM that answers at once: {:.0} records/s, {:.0} µs of CPU each\n\
             {} links: file {} MB, {:.0} bytes each; peak memory {} MB",
            count / links.seconds.max(f64::EPSILON),
            links.cpu_seconds * 1e6 / count,
            links.links,
            links.file_bytes >> 20,
            links.file_bytes as f64 / count,
            links.peak_memory_bytes >> 20
        )
    }
}
