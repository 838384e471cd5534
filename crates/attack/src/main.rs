//! `hilo-attack`: attacks nodes of a binary, prints one line a finding.

use anyhow::{Context as _, Result};
use clap::{Parser, ValueEnum};
use hilo_attack::{Engine, Outcome, Plan, Verdict};
use std::{
    io::{Write as _, stdout},
    path::PathBuf,
    process::ExitCode,
};
use tokio::signal::unix::{SignalKind, signal};

/// Starts nodes of a `hilo` binary on this machine, attacks them, and says what held and what fell.
#[derive(Debug, Parser)]
#[command(name = "hilo-attack", version, max_term_width = 110)]
struct Cli {
    /// The binary that is attacked [default: `hilo` beside this one].
    #[arg(long, value_name = "PATH")]
    hilo: Option<PathBuf>,
    /// Where its roles run.
    #[arg(long, value_enum, default_value_t = On::Embedded)]
    engine: On,
    /// Broker of the Kafka roles [default: one of its own].
    #[arg(long, value_name = "HOST:PORT", requires = "registry")]
    bootstrap: Option<String>,
    /// Registry of the Kafka roles, Confluent's API [default: one of its own].
    #[arg(long, value_name = "URL", requires = "bootstrap")]
    registry: Option<String>,
    /// Fewer and lower numbers, but every kind: about a minute and a half.
    #[arg(long, conflicts_with = "long")]
    short: bool,
    /// The numbers with which the findings were found [default].
    #[arg(long)]
    long: bool,
    /// Only these findings, as C1,H2.
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    only: Vec<String>,
    /// Print as JSON, one finding a line.
    #[arg(long)]
    json: bool,
    /// List the findings.
    #[arg(long)]
    list: bool,
    /// A binary from before the admin listener, to see that checks can fall.
    #[arg(long, hide = true)]
    one_listener: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum On {
    /// `hilo up`.
    Embedded,
    /// `hilo run ROLE...`.
    Kafka,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(&cli) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            // Nobody is left to hear of a closed standard error.
            drop(writeln!(std::io::stderr(), "hilo-attack: {error:#}"));
            ExitCode::from(2)
        }
    }
}

fn run(cli: &Cli) -> Result<bool> {
    if cli.list {
        for (name, title) in hilo_attack::findings() {
            writeln!(stdout(), "{name:<3} {title}")?;
        }
        return Ok(true);
    }
    let hilo = match &cli.hilo {
        Some(path) => path.clone(),
        None => std::env::current_exe()?.with_file_name("hilo"),
    };
    // They end with this process: a broker of its own is killed when it is dropped.
    let own = match (cli.engine, &cli.bootstrap) {
        (On::Kafka, None) => Some(own_cluster()?),
        _ => None,
    };
    let engine = match (cli.engine, &own) {
        (On::Embedded, _) => Engine::Embedded,
        (On::Kafka, Some((broker, registry))) => Engine::Kafka {
            bootstrap: broker.address(),
            registry: registry.url(),
        },
        (On::Kafka, None) => Engine::Kafka {
            bootstrap: cli.bootstrap.clone().unwrap_or_default(),
            registry: cli.registry.clone().unwrap_or_default(),
        },
    };
    let plan = Plan {
        hilo,
        engine,
        long: !cli.short,
        only: cli.only.clone(),
        one_listener: cli.one_listener,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let outcomes = runtime.block_on(async {
        let mut terminated = signal(SignalKind::terminate())?;
        // Whichever comes first: when the attacks are dropped, so are the processes that they started.
        tokio::select! {
            outcomes = hilo_attack::run(&plan, |outcome| tell(cli.json, outcome)) => outcomes,
            _ = tokio::signal::ctrl_c() => anyhow::bail!("interrupted"),
            _ = terminated.recv() => anyhow::bail!("told to end"),
        }
    })?;
    let of = |verdict| outcomes.iter().filter(|outcome| outcome.verdict == verdict).count();
    let (held, fell, skipped) = (of(Verdict::Held), of(Verdict::Fell), of(Verdict::Skipped));
    if !cli.json {
        writeln!(stdout(), "{held} held, {fell} fell, {skipped} skipped")?;
    }
    Ok(fell == 0 && (skipped == 0 || std::env::var_os("CI").is_none()))
}

fn own_cluster() -> Result<(hilo_testbed::Broker, hilo_testbed::SchemaRegistry)> {
    let missing = "no broker can be started here; name one by --bootstrap and --registry";
    let broker = hilo_testbed::Broker::start().context(missing)?;
    Ok((broker, hilo_testbed::SchemaRegistry::start().context(missing)?))
}

fn tell(json: bool, outcome: &Outcome) {
    let line = if json {
        serde_json::to_string(outcome).unwrap_or_default()
    } else {
        outcome.line()
    };
    // Whoever reads this has gone: the exit code still says it.
    drop(writeln!(stdout(), "{line}"));
}
