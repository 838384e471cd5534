//! Arguments of the commands about CRMs and mappings.

use super::{Place, Reveal};
use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Which CRM of the configuration.
#[derive(Args, Debug, Clone)]
pub(crate) struct Portal {
    /// The CRM.
    #[arg(long, default_value = "hubspot")]
    pub sink: String,
    /// Tenant [default: the only one with a CRM].
    #[arg(long)]
    pub tenant: Option<String>,
    /// Configuration file [default: ./hilo.toml if there].
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Print as JSON.
    #[arg(long)]
    pub json: bool,
}

#[derive(Subcommand, Debug)]
pub(crate) enum Crm {
    /// What `apply` would make in the portal, and what it cannot mend.
    Plan(Portal),
    /// Make the properties, options, groups and pipelines that are missing. Nothing is altered or removed.
    Apply(Portal),
    /// Whether the portal has all that the mapping needs; exit code 1 if not.
    Verify(Portal),
    /// Records that the CRM refused.
    #[command(subcommand)]
    Rejected(Rejected),
}

#[derive(Subcommand, Debug)]
pub(crate) enum Rejected {
    /// By code, with what to do.
    List {
        #[command(flatten)]
        place: Place,
        /// Only those with this code.
        #[arg(long)]
        code: Option<String>,
        /// Print as JSON, one record a line.
        #[arg(long)]
        json: bool,
    },
    /// One record; what it should hold is shown with --reveal only.
    Show {
        /// Its key, as listed.
        record_key: String,
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        reveal: Reveal,
    },
    /// Try them again, after the cause is mended; a running writer takes them up by itself.
    Retry {
        /// Key of one record.
        record_key: Option<String>,
        /// All with this code.
        #[arg(long, conflicts_with = "record_key")]
        code: Option<String>,
        /// All.
        #[arg(long, conflicts_with_all = ["record_key", "code"])]
        all: bool,
        #[command(flatten)]
        place: Place,
        /// Print the count as JSON.
        #[arg(long)]
        json: bool,
    },
}

#[derive(Subcommand, Debug)]
pub(crate) enum Mapping {
    /// Types, unknown sources, holes of catalogues, limits; exit code 1 where something is wrong.
    Validate {
        /// Folder with mapping.toml and its overlays, or `default` [default: that of the configuration].
        folder: Option<PathBuf>,
        /// Also against what the portal of the configuration says of itself.
        #[arg(long)]
        live: bool,
        #[command(flatten)]
        portal: Portal,
    },
    /// What another mapping would change in the CRM, record by record: the gate before anyone feels it.
    Diff {
        /// Folder of the mapping that holds, or `default`.
        old: PathBuf,
        /// Folder of the other one, or `default`.
        new: PathBuf,
        /// Captures to compare over.
        #[arg(long = "in", value_name = "FILE", num_args = 1.., required_unless_present = "data_dir")]
        inputs: Vec<PathBuf>,
        /// Or the raw log of this data directory.
        #[arg(long, value_name = "DIR", conflicts_with = "inputs")]
        data_dir: Option<PathBuf>,
        /// Records that are printed at most; the counts are of all.
        #[arg(long, default_value_t = 50)]
        limit: usize,
        /// Show values; they are personal data.
        #[arg(long)]
        values: bool,
        /// Print as JSON, one record a line.
        #[arg(long)]
        json: bool,
    },
}

#[derive(ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SimulatedCrm {
    /// HubSpot.
    Hubspot,
}

#[derive(Args)]
pub(crate) struct SimulateCrm {
    /// Which CRM.
    pub which: SimulatedCrm,
    /// Address to listen on.
    #[arg(long, default_value = "127.0.0.1:8095")]
    pub listen: String,
    /// Token that it accepts.
    #[arg(long, env = "HILO_SIMULATE_CRM_TOKEN", hide_env_values = true, value_name = "SECRET")]
    pub token: Option<String>,
}

impl std::fmt::Debug for SimulateCrm {
    fn fmt(&self, formatter: &mut std::fmt::Formatter) -> std::fmt::Result {
        // It holds a secret.
        formatter
            .debug_struct("SimulateCrm")
            .field("which", &self.which)
            .field("listen", &self.listen)
            .finish_non_exhaustive()
    }
}
