//! `hilo demo`: the main job, with a simulated platform.

use crate::{
    admin,
    cli::Demo,
    commands::up,
    failure::Failure,
    node::Node,
    replay::Summary,
    say::say,
    serve::{self, Listeners},
    topology::{self, Tenants},
};
use anyhow::{Context as _, ensure};
use hilo_gateway::{Secret, TenantSecrets, Tenants as Secrets};
use hilo_golden::Golden;
use hilo_service::clock::now;
use hilo_simulator::{
    Profile, Simulator, Tally,
    sender::{self, Credentials, Report, Target},
};
use hilo_stream::embedded::Log;
use std::{collections::BTreeMap, path::Path, sync::Arc, time::Duration};
use tokio::{net::TcpListener, sync::watch};

/// Secrets of the simulated tenant: the server listens on loopback only.
const APP_SECRET: &str = "demo-app-secret";
const API_TOKEN: &str = "demo-api-token";
/// How long what is not acknowledged at the end is tried again.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) fn run(arguments: &Demo) -> Result<(), Failure> {
    let temporary = match &arguments.data_dir {
        Some(_) => None,
        None => Some(tempfile::tempdir().context("cannot make a temporary folder")?),
    };
    let dir = match (&arguments.data_dir, &temporary) {
        (Some(dir), _) => dir.clone(),
        (None, Some(folder)) => folder.path().to_owned(),
        (None, None) => return Err(Failure::failed(anyhow::anyhow!("no folder for the data"))),
    };
    let fresh = !dir.join("raw.db").exists();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let tenants = Tenants::default();
    let report = runtime.block_on(play(arguments, &dir, &tenants))?;
    Ok(summarise(arguments, &dir, fresh, &tenants, &report)?)
}

async fn play(arguments: &Demo, dir: &Path, tenants: &Tenants) -> Result<Report, Failure> {
    let start = now();
    let profile = Profile::demo(start, arguments.rate);
    let names = profile.tenants.clone();
    let simulator = Simulator::new(arguments.seed, profile);
    let admin = admin::Plan::local(arguments.port).bind().await.with_context(|| {
        format!(
            "port {} is taken: choose another with --port, or --port 0 for a free one",
            arguments.port
        )
    })?;
    // Only the simulated platform sends there.
    let http = TcpListener::bind(("127.0.0.1", 0)).await?;
    let base_url = format!("http://{}", http.local_addr()?);
    let node = Arc::new(Node::start(dir, tenants)?);
    let link = admin.link(dir)?;
    if arguments.json {
        eprintln!("dashboard: {link}\nwebhooks:  {base_url}");
    } else {
        say!("dashboard: {link}   (it lets you in once; Ctrl-C ends the demo)")?;
        say!("webhooks:  {base_url}")?;
    }
    let listeners = Listeners {
        http,
        hosts: Vec::new(),
        admin,
    };
    let secrets = Secrets::new(names.iter().map(|name| (name.clone(), secrets())))?;
    let target = Target {
        base_url,
        tenants: names
            .into_iter()
            .map(|name| (name, credentials()))
            .collect::<BTreeMap<_, _>>(),
        patience: PATIENCE,
    };
    let (end, ended) = watch::channel(false);
    let mut ended_server = ended.clone();
    let server = serve::serve(Arc::clone(&node), "demo", tenants, secrets, listeners, async move {
        // A dropped sender means that the platform failed: then there is nothing to serve any more either.
        drop(ended_server.wait_for(|ended| *ended).await);
    });
    let platform = async {
        let report = sender::send(simulator, start, &target, over(arguments.duration)).await;
        end.send_replace(true);
        report
    };
    let (served, report) = tokio::join!(server, platform);
    served?;
    let report = report.context("the simulated platform cannot send")?;
    // A line that says what the clock's last one said would be its duplicate.
    node.tick(now() + 1)?;
    up::sole(node)?.finish()?;
    Ok(report)
}

/// Resolves after `duration`, or when somebody interrupts.
pub(crate) async fn over(duration: Option<Duration>) {
    match duration {
        Some(duration) => tokio::select! {
            () = tokio::time::sleep(duration) => {}
            () = hilo_service::interrupted() => {}
        },
        None => hilo_service::interrupted().await,
    }
}

fn secrets() -> TenantSecrets {
    TenantSecrets {
        verify_token: Secret::new("demo-verify-token"),
        app_secrets: Secret::new(APP_SECRET).into_iter().collect(),
        api_tokens: Secret::new(API_TOKEN).into_iter().collect(),
    }
}

fn credentials() -> Credentials {
    Credentials {
        app_secret: APP_SECRET.to_owned(),
        api_token: API_TOKEN.to_owned(),
    }
}

/// Prints what the platform sent and what became of it; an error when the counts do not add up.
fn summarise(arguments: &Demo, dir: &Path, fresh: bool, tenants: &Tenants, report: &Report) -> anyhow::Result<()> {
    let topology = topology::topology(tenants)?;
    let counts = Log::open(dir, &topology).counts()?;
    let golden = Golden::open_read_only(&dir.join(hilo_views::GOLDEN_DB))?;
    let summary = Summary::new(
        |name, label| {
            counts
                .get(&(name.to_owned(), label.to_owned()))
                .copied()
                .unwrap_or_default()
        },
        crate::replay::reasons(
            counts
                .iter()
                .map(|((name, label), count)| (name.as_str(), label.as_str(), *count)),
        ),
        &golden,
    )?;
    let sent = &report.acknowledged;
    let others = summary.lines.saturating_sub(sent.lines.unsigned_abs());
    if arguments.json {
        let text = serde_json::json!({"acknowledged_items": sent.items, "unacknowledged_deliveries": report.unacknowledged,
            "retries": report.retries, "summary": summary});
        say!("{text}")?;
    } else {
        let outcomes = &summary.outcomes;
        say!()?;
        say!(
            "the platform sent     {:>9} items in {} deliveries and {} lines, acknowledged after they were durable",
            sent.items,
            sent.deliveries,
            sent.lines - sent.deliveries
        )?;
        if report.unacknowledged > 0 {
            say!("not acknowledged      {:>9} deliveries", report.unacknowledged)?;
        }
        say!(
            "hilo counted          {:>9} items, {}",
            summary.items,
            if fresh {
                format!("{others} of them clock lines")
            } else {
                "with the clock lines and what the folder held before".to_owned()
            }
        )?;
        say!(
            "  = {} emitted + {} duplicate + {} unclassified + {} dead letters",
            outcomes.emitted,
            outcomes.duplicate,
            outcomes.unclassified,
            outcomes.dead_letter
        )?;
        say!(
            "golden record         {:>9} people, {} sessions, {} messages received, {} sent, {} orphans, {} statuses",
            summary.persons,
            summary.sessions,
            summary.messages_received,
            summary.messages_sent,
            summary.orphans,
            summary.statuses
        )?;
        if let Some(dir) = &arguments.data_dir {
            say!(
                "look further          hilo metrics --data-dir {0} · hilo export status --data-dir {0}",
                dir.display()
            )?;
        }
    }
    ensure!(
        report.refused == 0,
        "{} deliveries were refused: {:?}",
        report.refused,
        report.first_refusal
    );
    // Only when nothing was there before or came twice for want of an answer do the two sides compare to the item.
    if fresh && report.unacknowledged == 0 && report.retries == 0 {
        let expected = expected(sent, others);
        let found = Counted::new(&summary);
        ensure!(found == expected, "counts differ: sent {expected:?}, found {found:?}");
    }
    Ok(())
}

/// What the platform and Hilo count alike.
#[derive(Debug, PartialEq, Eq)]
struct Counted {
    items: u64,
    outcomes: [u64; 4],
    messages: [u64; 3],
    statuses: u64,
}

impl Counted {
    fn new(summary: &Summary) -> Self {
        let outcomes = &summary.outcomes;
        Self {
            items: summary.items,
            outcomes: [
                outcomes.emitted,
                outcomes.duplicate,
                outcomes.unclassified,
                outcomes.dead_letter,
            ],
            messages: [summary.messages_received, summary.messages_sent, summary.orphans],
            statuses: summary.statuses,
        }
    }
}

/// What must be counted of what was sent, by the simulator's own counts, and of the clock's lines.
fn expected(sent: &Tally, clock_lines: u64) -> Counted {
    let of = |count: i64| count.unsigned_abs();
    Counted {
        items: of(sent.items) + clock_lines,
        outcomes: [
            of(sent.emitted) + clock_lines,
            of(sent.duplicate),
            of(sent.unclassified),
            of(sent.dead_letter),
        ],
        messages: [of(sent.messages_received), of(sent.messages_sent), of(sent.orphans)],
        statuses: of(sent.statuses),
    }
}
