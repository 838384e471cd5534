//! Arguments of the binary.

mod crm;

pub(crate) use crm::{Crm, Mapping, Portal, Rejected, SimulateCrm, SimulatedCrm};

use crate::{
    bench::kafka::{MOST, Part},
    kafka::role::Role,
};
use clap::{Args, Parser, Subcommand, ValueEnum, builder::RangedU64ValueParser, value_parser};
use std::{path::PathBuf, time::Duration};

/// WhatsApp Business events into a CRM's truth.
#[derive(Debug, Parser)]
#[command(name = "hilo", version, max_term_width = 110)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// The main job on this machine: a simulated platform, all roles, a live dashboard.
    Demo(Demo),
    /// A simulated platform that sends to a gateway somewhere else.
    Simulate(Simulate),
    /// All roles in one process on the embedded engine, for real use on one machine.
    Up(Up),
    /// A new link that lets this machine's user into the dashboard, once: for `hilo up` and `hilo demo` without readers.
    LoginLink(LoginLink),
    /// The named roles on Kafka, as many processes as you like.
    Run(Run),
    /// How far each group is behind on Kafka, as the broker knows it: also of one that has no members.
    Lag(Lag),
    /// Topics as code: what each must be, is, and how it becomes so.
    Topics(Topics),
    /// Contracts as code, at the schema registry.
    Schemas(Schemas),
    /// Append captures to the raw topic, as the gateway would: webhook bodies, and lines of the sources whatsapp, outbound,
    /// inbox, crm, platform, identity, clock.
    Ingest(Ingest),
    /// Run the whole topology over captures, deterministically and at full speed.
    Replay(Replay),
    /// Decode a topic to ndjson.
    Export(Export),
    /// Everything that happened to a delivery, message or person, in order.
    Trace(Trace),
    /// Who is who: people, suggestions to merge them, and decisions.
    Identity(Identity),
    /// What people said about being written to, what follows from it, and whether the record is whole.
    Consent(Consent),
    /// The numbers.
    Metrics(Metrics),
    /// What is or was true of numbers, templates, accounts and portfolios.
    Account(Account),
    /// Dead letters: what could not be read, with its reason.
    Dlq(Dlq),
    /// The CRM: what a portal must have, and what it refused.
    #[command(subcommand)]
    Crm(Crm),
    /// Mappings as configuration: checked, and what a change would do in the CRM.
    #[command(subcommand)]
    Mapping(Mapping),
    /// A CRM for trying: it behaves as the real one, and misbehaves on demand.
    SimulateCrm(SimulateCrm),
    /// The topology as text, JSON or a picture.
    Topology(Topology),
    /// A way back after the machine's clock was wrong.
    #[command(subcommand)]
    Clock(Clock),
    /// What is wrong with the set-up, and how to mend it.
    Doctor(Doctor),
    /// Measure this machine: replay, gateway, CRM and Kafka.
    Bench(Bench),
}

/// Where the data and the configuration are.
#[derive(Args, Debug, Clone, Default)]
pub(crate) struct Place {
    /// Configuration file [default: ./hilo.toml if there].
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Folder of the embedded engine [default: storage.data_dir of the configuration].
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(crate) struct Demo {
    /// Items a second that the platform sends, on average; it begins slowly.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=20_000))]
    pub rate: u32,
    /// How long it sends, for example 30s, 5m; without it, until interrupted.
    #[arg(long, value_parser = duration)]
    pub duration: Option<Duration>,
    /// Seed of the simulated world.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Port of the dashboard; 0 takes a free one. The webhooks take another.
    #[arg(long, default_value_t = 8080)]
    pub port: u16,
    /// Folder to keep the data in [default: a temporary one, removed at the end].
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Print the summary as JSON.
    #[arg(long)]
    pub json: bool,
}

#[derive(Args)]
pub(crate) struct Simulate {
    /// Address of the gateway, without a path.
    #[arg(long, value_name = "URL")]
    pub to: String,
    /// Tenant that it sends as.
    #[arg(long)]
    pub tenant: String,
    /// Signs the webhooks.
    #[arg(
        long,
        env = "HILO_SIMULATE_APP_SECRET",
        hide_env_values = true,
        value_name = "SECRET"
    )]
    pub app_secret: String,
    /// Bearer token of the tenant's other lines.
    #[arg(long, env = "HILO_SIMULATE_API_TOKEN", hide_env_values = true, value_name = "SECRET")]
    pub api_token: String,
    /// Items a second.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=20_000))]
    pub rate: u32,
    /// How long it sends, for example 30s, 5m; without it, until interrupted.
    #[arg(long, value_parser = duration)]
    pub duration: Option<Duration>,
    /// Seed of the simulated world.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Print the counts as JSON.
    #[arg(long)]
    pub json: bool,
}

impl std::fmt::Debug for Simulate {
    fn fmt(&self, formatter: &mut std::fmt::Formatter) -> std::fmt::Result {
        // It holds secrets.
        formatter
            .debug_struct("Simulate")
            .field("to", &self.to)
            .field("tenant", &self.tenant)
            .finish_non_exhaustive()
    }
}

#[derive(Args, Debug)]
pub(crate) struct Up {
    #[command(flatten)]
    pub place: Place,
}

#[derive(Args, Debug)]
pub(crate) struct LoginLink {
    #[command(flatten)]
    pub place: Place,
}

#[derive(Args, Debug)]
pub(crate) struct Run {
    /// Roles of this process.
    #[arg(required = true, value_name = "ROLE", value_enum)]
    pub roles: Vec<Role>,
    #[command(flatten)]
    pub place: Place,
}

#[derive(Args, Debug)]
pub(crate) struct Lag {
    /// Configuration file [default: ./hilo.toml if there].
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Print as JSON, one group a line.
    #[arg(long)]
    pub json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Topics {
    #[arg(value_enum)]
    pub command: TopicsCommand,
    /// Configuration file [default: ./hilo.toml if there].
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Print as JSON, one topic or right a line.
    #[arg(long)]
    pub json: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum TopicsCommand {
    /// What must be there.
    List,
    /// Compare it with the cluster.
    Check,
    /// Make what is missing, set what is set otherwise.
    Apply,
    /// What each role, and who applies, may do at the cluster: an access control list.
    Rights,
}

#[derive(Args, Debug)]
pub(crate) struct Schemas {
    #[arg(value_enum)]
    pub command: SchemasCommand,
    /// Configuration file [default: ./hilo.toml if there].
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Print as JSON, one version a line.
    #[arg(long)]
    pub json: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum SchemasCommand {
    /// What there is.
    List,
    /// Whether the registry has it.
    Check,
    /// Register it, when a release is deployed.
    Register,
}

#[derive(Args, Debug)]
pub(crate) struct Ingest {
    /// Captures (ndjson); `-` reads standard input.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    #[command(flatten)]
    pub place: Place,
    /// Print the counts as JSON.
    #[arg(long)]
    pub json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Replay {
    /// Captures (ndjson); `-` reads standard input.
    #[arg(long = "in", required = true, num_args = 1.., value_name = "FILE")]
    pub inputs: Vec<PathBuf>,
    /// Folder for the results.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Configuration file [default: ./hilo.toml if there].
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Print the summary as JSON.
    #[arg(long)]
    pub json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Export {
    /// Topic, with or without `hilo.` (raw, identity, conversation, status, account, metric, dead_letter, unclassified).
    pub topic: String,
    /// First event time (RFC 3339).
    #[arg(long, value_parser = instant)]
    pub from: Option<i64>,
    /// First event time no longer exported (RFC 3339).
    #[arg(long, value_parser = instant)]
    pub to: Option<i64>,
    #[command(flatten)]
    pub place: Place,
}

#[derive(Args, Debug)]
pub(crate) struct Trace {
    /// Delivery, event, message, person or session id, or what a person is known by: phone, user id, `wa_id`.
    pub id: String,
    #[command(flatten)]
    pub place: Place,
    #[command(flatten)]
    pub reveal: Reveal,
    /// Print as JSON.
    #[arg(long)]
    pub json: bool,
}

/// Shows personal data as it is, and records who looked.
#[derive(Args, Debug, Clone, Default)]
pub(crate) struct Reveal {
    /// Show personal data; needs a reason, and is recorded in audit.ndjson of the data directory.
    #[arg(long = "reveal", requires = "reason")]
    pub shown: bool,
    /// Why personal data is shown.
    #[arg(long, value_name = "TEXT", requires = "shown")]
    pub reason: Option<String>,
    /// Who looks [default: the user of this system].
    #[arg(
        long,
        env = "USER",
        value_name = "NAME",
        default_value = "unknown",
        hide_env_values = true
    )]
    pub actor: String,
}

#[derive(Args, Debug)]
pub(crate) struct Identity {
    #[command(subcommand)]
    pub command: IdentityCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum IdentityCommand {
    /// A person: identifiers with their times, suggestions, decisions; masked.
    Show {
        /// Person id (also of somebody merged), phone, user id, `wa_id`, or `kind:value`.
        id: String,
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        reveal: Reveal,
        /// Print as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Who may be one person, with what speaks for it and against it; masked.
    Review {
        /// Only this tenant.
        #[arg(long)]
        tenant: Option<String>,
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        reveal: Reveal,
        /// Print as JSON, one suggestion a line.
        #[arg(long)]
        json: bool,
    },
    /// Two people are one, for all of their history.
    Merge(Decide),
    /// The suggestion that two people are one is refused.
    Reject(Decide),
    /// A person's identifier is somebody else's, for all of its history.
    Split {
        /// The person.
        person: String,
        /// The identifier that goes: phone, user id, `wa_id` or `kind:value`.
        identifier: String,
        #[command(flatten)]
        decided: Decided,
    },
    /// Take back what was decided about a person (`merge`, `split` or `reject`), as if it had never been.
    Unmerge {
        /// The person.
        person: String,
        /// The other side, where several decisions hold: a person id or an identifier.
        other: Option<String>,
        #[command(flatten)]
        decided: Decided,
    },
}

#[derive(Args, Debug)]
pub(crate) struct Decide {
    /// One person: id, phone, user id, `wa_id`, or `kind:value`.
    pub one: String,
    /// The other one; also a record of a CRM, as `hubspot_id:512`.
    pub other: String,
    #[command(flatten)]
    pub decided: Decided,
}

/// Who decides, and why.
#[derive(Args, Debug)]
pub(crate) struct Decided {
    /// Who decides.
    #[arg(long, value_name = "NAME")]
    pub actor: String,
    /// Why.
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    #[command(flatten)]
    pub place: Place,
    /// Print as JSON.
    #[arg(long)]
    pub json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Consent {
    /// Person id, phone, user id, `wa_id`, or `kind:value`; without it, every chain is verified.
    pub id: Option<String>,
    /// What was known at this instant (RFC 3339) [default: now].
    #[arg(long, value_parser = instant, value_name = "TIME")]
    pub as_of: Option<i64>,
    #[command(flatten)]
    pub place: Place,
    #[command(flatten)]
    pub reveal: Reveal,
    /// Print as JSON.
    #[arg(long)]
    pub json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Metrics {
    /// Only this metric, for example delivery_rate or delivery_rate@1.
    #[arg(long)]
    pub definition: Option<String>,
    /// Only windows that end after this instant (RFC 3339); without it, the rows over all input.
    #[arg(long, value_parser = instant)]
    pub since: Option<i64>,
    /// Only this tenant.
    #[arg(long)]
    pub tenant: Option<String>,
    #[command(flatten)]
    pub place: Place,
    /// Print as JSON, one row a line.
    #[arg(long)]
    pub json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Account {
    /// Id of a number, template, account or portfolio, or a template's name [default: all].
    pub subject: Option<String>,
    /// What was true at this instant (RFC 3339) [default: now].
    #[arg(long, value_parser = instant, value_name = "INSTANT")]
    pub as_of: Option<i64>,
    /// All observations up to then instead of the latest of each kind.
    #[arg(long)]
    pub history: bool,
    #[command(flatten)]
    pub place: Place,
    /// Print as JSON, one observation a line.
    #[arg(long)]
    pub json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Dlq {
    #[command(subcommand)]
    pub command: DlqCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DlqCommand {
    /// Dead letters by reason.
    List {
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        reveal: Reveal,
        /// Print as JSON, one dead letter a line; masked.
        #[arg(long)]
        json: bool,
    },
    /// One dead letter, with the original; masked.
    Show {
        /// Its event id, as listed.
        event_id: String,
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        reveal: Reveal,
    },
    /// Put the deliveries of dead letters through again, after the cause is mended.
    Replay {
        /// Only those with this reason.
        #[arg(long)]
        reason: Option<String>,
        /// Only the one with this event id.
        #[arg(long)]
        event_id: Option<String>,
        #[command(flatten)]
        place: Place,
        /// Print the count as JSON.
        #[arg(long)]
        json: bool,
    },
}

#[derive(Args, Debug)]
pub(crate) struct Topology {
    /// Write the picture (SVG) to this file.
    #[arg(long, value_name = "FILE")]
    pub svg: Option<PathBuf>,
    /// Print as JSON.
    #[arg(long)]
    pub json: bool,
}

#[derive(Subcommand, Debug)]
pub(crate) enum Clock {
    /// Set the receipt of records that say they were received in the future, and compute everything again.
    Mend(ClockMend),
}

#[derive(Args, Debug)]
pub(crate) struct ClockMend {
    #[command(flatten)]
    pub place: Place,
    /// Print as JSON.
    #[arg(long)]
    pub json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Doctor {
    #[command(flatten)]
    pub place: Place,
    /// Print as JSON.
    #[arg(long)]
    pub json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Bench {
    #[command(subcommand)]
    pub command: BenchCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum BenchCommand {
    /// Items a second through the whole topology in memory, CPU and peak memory.
    Replay {
        /// Items of the generated capture.
        #[arg(long, default_value_t = 1_000_000)]
        items: u64,
        /// Seed of the capture.
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// Print as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Lanes on a broker against a bare copy in the same run, delays, and the restore of state.
    Kafka {
        /// Measure this only.
        #[arg(long)]
        only: Option<Part>,
        /// Items of the generated capture.
        #[arg(long, default_value_t = 200_000)]
        items: u64,
        /// Rounds of the bare copy and normalize, after one that does not count.
        #[arg(long, default_value_t = 5, value_parser = RangedU64ValueParser::<usize>::new().range(1..=1_000))]
        rounds: usize,
        /// People whose state is restored.
        #[arg(long, default_value_t = 1_000_000, value_parser = value_parser!(u64).range(1..=MOST))]
        people: u64,
        /// Configuration file with [kafka] [default: ./hilo.toml if there].
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
        /// Print as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Calls that a CRM is asked for, with and without joining revisions; the writer's speed; memory and file of its links.
    Crm {
        /// Conversations of the generated world.
        #[arg(long, default_value_t = 10_000, value_parser = value_parser!(u64).range(1..=1_000_000))]
        conversations: u64,
        /// Links of the file that is measured.
        #[arg(long, default_value_t = 1_000_000, value_parser = value_parser!(u64).range(1..=100_000_000))]
        links: u64,
        /// Seed of the world.
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// Print as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Time to the acknowledgement of a signed delivery, at a given rate, with durable commits.
    Gateway {
        /// Deliveries a second.
        #[arg(long, default_value_t = 5_000)]
        rate: u32,
        /// How long.
        #[arg(long, value_parser = duration, default_value = "20s")]
        duration: Duration,
        /// Connections.
        #[arg(long, default_value_t = 64)]
        connections: usize,
        /// Bytes of a delivery's body.
        #[arg(long, default_value_t = 850)]
        body_bytes: usize,
        /// Folder on the disk to measure; a temporary one is made in it.
        #[arg(long, value_name = "DIR", default_value = ".")]
        dir: PathBuf,
        /// Print as JSON.
        #[arg(long)]
        json: bool,
    },
}

fn duration(text: &str) -> Result<Duration, String> {
    let span: jiff::SignedDuration = text
        .parse()
        .map_err(|_| format!("{text:?} is no duration: write for example 30s, 5m or 2h"))?;
    Duration::try_from(span).map_err(|_| format!("{text:?} is no positive duration"))
}

fn instant(text: &str) -> Result<i64, String> {
    hilo_domain::time::parse_rfc3339(text)
        .ok_or_else(|| format!("{text:?} is no instant: write for example 2026-05-04T13:00:00Z"))
}
