//! What `hilo run` can be: the words of the domain.

use clap::ValueEnum;

/// A part of Hilo that one process or several run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Role {
    /// Webhooks and captures over HTTP into the raw topic; puts the time there once a second.
    Gateway,
    /// Deliveries into items, without duplicates; what became of them, counted.
    Normalize,
    /// Who is who.
    Identity,
    /// Threads, sessions, first responses.
    Conversation,
    /// What became of each message.
    Status,
    /// Numbers, templates, accounts.
    Account,
    /// What people said about being written to.
    Consent,
    /// The numbers.
    Metrics,
    /// What CRMs should hold, by the mappings.
    Project,
    /// Makes the CRMs hold it; as many processes as you like share the work.
    Crm,
    /// The golden record, and the numbers at `/v1/metrics`; one process for each copy of it.
    Golden,
    /// How far every group is behind, for Prometheus: seen from outside, so that a role that has died is seen. One process.
    Lag,
}

impl Role {
    /// Processors of the topology that it runs.
    pub(crate) fn processors(self) -> &'static [&'static str] {
        match self {
            Self::Gateway | Self::Golden | Self::Crm | Self::Lag => &[],
            Self::Normalize => &["normalize", "deduplicate", "count"],
            Self::Identity => &["identity"],
            Self::Conversation => &["conversation"],
            Self::Status => &["status"],
            Self::Account => &["account"],
            Self::Consent => &["consent"],
            Self::Metrics => &["metrics"],
            Self::Project => &["project"],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::topology::{self, Tenants};

    #[test]
    fn every_processor_belongs_to_one_role() {
        let mut run: Vec<&str> = Role::value_variants()
            .iter()
            .flat_map(|role| role.processors().iter().copied())
            .collect();
        run.sort_unstable();
        let topology = topology::topology(&Tenants::default()).unwrap();
        let mut all: Vec<&str> = topology.processors().iter().map(|processor| processor.name).collect();
        all.sort_unstable();
        assert_eq!(run, all);
    }
}
