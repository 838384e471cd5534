//! `hilo` as a library: what its tests run without a process of its own. See the project's README.

// A reader of our output may go away: that is an error to handle, and `println!` panics.
#![deny(clippy::print_stdout)]

mod admin;
mod audit;
mod bench;
pub mod captures;
mod cli;
mod commands;
mod config;
mod crm;
mod failure;
mod kafka;
mod node;
pub mod pipeline;
mod place;
mod progress;
mod pulse;
mod rebuild;
pub mod replay;
mod runtime_metrics;
mod say;
mod serve;
pub mod topology;
mod trace;

use clap::Parser as _;
use cli::{Cli, Command};
use std::{
    io::{IsTerminal as _, stderr},
    process::ExitCode,
};
use tracing_subscriber::EnvFilter;

/// Registers what `hilo up` shows at `/metrics` of its engine: for the test that holds dashboards and alerts against it.
#[doc(hidden)]
pub fn register_runtime_metrics(
    registry: &prometheus::Registry,
    engine: &hilo_stream::embedded::RunningEngine,
    raw: &std::sync::Arc<hilo_stream::embedded::RawLog>,
    dir: &std::path::Path,
    topology: &hilo_stream::Topology,
) -> prometheus::Result<()> {
    let pulse = pulse::Pulse::new(dir, engine.watch(), raw, hilo_views::Pulse::default());
    let metrics = runtime_metrics::RuntimeMetrics::new(engine.watch(), pulse, dir, topology)?;
    registry.register(Box::new(metrics))
}

/// Registers what a process with a writer of CRMs shows at `/metrics`: for the same test.
#[doc(hidden)]
pub fn register_crm_metrics(
    registry: &prometheus::Registry,
    status: hilo_crm_writer::Status,
) -> prometheus::Result<()> {
    registry.register(Box::new(crm::metrics::CrmMetrics::new(status)?))
}

/// The program: reads the arguments, runs the command, says what failed.
#[must_use]
pub fn main() -> ExitCode {
    let filter = EnvFilter::try_from_env("HILO_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(stderr)
        // Colours in a file are noise.
        .with_ansi(stderr().is_terminal())
        .init();
    let cli = Cli::parse();
    let result = match &cli.command {
        Command::Demo(arguments) => commands::demo::run(arguments),
        Command::Simulate(arguments) => commands::simulate::run(arguments),
        Command::Up(arguments) => commands::up::run(arguments),
        Command::LoginLink(arguments) => commands::login_link::run(arguments),
        Command::Run(arguments) => commands::run::run(arguments),
        Command::Lag(arguments) => commands::lag::run(arguments),
        Command::Topics(arguments) => commands::topics::run(arguments),
        Command::Schemas(arguments) => commands::schemas::run(arguments),
        Command::Ingest(arguments) => commands::ingest::run(arguments),
        Command::Replay(arguments) => commands::replay::run(arguments),
        Command::Export(arguments) => commands::export::run(arguments),
        Command::Trace(arguments) => commands::trace::run(arguments),
        Command::Account(arguments) => commands::account::run(arguments),
        Command::Identity(arguments) => commands::identity::run(arguments),
        Command::Consent(arguments) => commands::consent::run(arguments),
        Command::Metrics(arguments) => commands::metrics::run(arguments),
        Command::Dlq(arguments) => commands::dlq::run(arguments),
        Command::Crm(arguments) => commands::crm::run(arguments),
        Command::Mapping(arguments) => commands::mapping::run(arguments),
        Command::SimulateCrm(arguments) => commands::simulate_crm::run(arguments),
        Command::Topology(arguments) => commands::topology::run(arguments),
        Command::Clock(cli::Clock::Mend(arguments)) => commands::clock::mend(arguments),
        Command::Doctor(arguments) => commands::doctor::run(arguments),
        Command::Bench(arguments) => commands::bench::run(arguments),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) if failure.is_broken_pipe() => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("hilo: {}", say::plain(&failure.to_string()));
            ExitCode::from(failure.code())
        }
    }
}
