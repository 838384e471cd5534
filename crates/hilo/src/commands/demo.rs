//! `hilo demo`: the main job, with a simulated platform.

use crate::{
    admin,
    cli::Demo,
    commands::up,
    crm::{
        self,
        writer::{Account, Running},
    },
    failure::Failure,
    node::Node,
    replay::Summary,
    say::say,
    serve::{self, Listeners, Setup},
    topology::{self, Tenants},
};
use anyhow::{Context as _, ensure};
use hilo_crm_simulator::{HubSpot, Options};
use hilo_crm_writer::{Settings, Token, hubspot::ApiVersion, provision};
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
/// How long the writer may take at the end for what the CRM does not hold yet: its limits are those of a real one.
const PATIENCE_OF_THE_CRM: Duration = Duration::from_mins(2);
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
    let mut tenants = Tenants::default();
    tenants.crm.others = Some(crm::default_target()?);
    let (report, portal) = runtime.block_on(play(arguments, &dir, &tenants))?;
    summarise(arguments, &dir, fresh, &tenants, &report)?;
    Ok(crm_summary(arguments, &dir, fresh, &portal)?)
}

async fn play(arguments: &Demo, dir: &Path, tenants: &Tenants) -> Result<(Report, HubSpot), Failure> {
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
    let portal = HubSpot::new(Options::default());
    let crm_page = TcpListener::bind(("127.0.0.1", 0)).await?;
    let account = Account {
        tenant: names[0].clone(),
        sink: "hubspot".to_owned(),
        base_url: format!("http://{}", crm_page.local_addr()?),
        token: Token::new(&Options::default().token).context("the simulator's token is none")?,
        version: ApiVersion::default(),
    };
    let (close_crm, closes_crm) = watch::channel(false);
    let simulated_crm = tokio::spawn({
        let portal = portal.clone();
        async move { portal.serve(crm_page, serve::closes(closes_crm)).await }
    });
    let manifest = crm::default_target()?.mappings.manifest();
    provision::apply(&account.client()?, &manifest)
        .await
        .map_err(anyhow::Error::from)?;
    let node = Arc::new(Node::start(dir, tenants)?);
    let crm = Running::on_log(
        std::slice::from_ref(&account),
        dir,
        &topology::topology(tenants)?,
        node.watch.clone(),
        node.inlet.clone(),
        node.rebuilds,
        Settings::default(),
    )?;
    let link = admin.link(dir)?;
    if arguments.json {
        eprintln!(
            "dashboard: {link}\ncrm:       {}\nwebhooks:  {base_url}",
            account.base_url
        );
    } else {
        say!("dashboard: {link}   (it lets you in once; Ctrl-C ends the demo)")?;
        say!(
            "crm:       {}   (a simulated HubSpot that fills while you look)",
            account.base_url
        )?;
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
    let setup = Setup {
        label: "demo",
        tenants,
        secrets,
        listeners,
        crm: crm.as_ref().map(|crm| crm.status.clone()),
    };
    let server = serve::serve(Arc::clone(&node), setup, async move {
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
    if let Some(crm) = crm {
        // What came of the last item is among the desired records, and then it is written.
        let (watch, len) = (node.watch.clone(), node.raw.len());
        tokio::task::spawn_blocking(move || watch.wait_for(len))
            .await
            .map_err(anyhow::Error::from)?;
        crm.finish(PATIENCE_OF_THE_CRM).await?;
    }
    close_crm.send_replace(true);
    simulated_crm.await.map_err(anyhow::Error::from)?;
    up::sole(node)?.finish()?;
    Ok((report, portal))
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

/// Prints what the CRM should hold, what became of it, and what it holds; an error when these do not add up.
fn crm_summary(arguments: &Demo, dir: &Path, fresh: bool, portal: &HubSpot) -> anyhow::Result<()> {
    let golden = Golden::open_read_only(&dir.join(hilo_views::GOLDEN_DB))?;
    let states = golden.crm_states(&golden.tenants()?)?;
    let desired: i64 = states.iter().flat_map(|state| state.records.values()).sum();
    let of = |kind: &str| -> i64 { states.iter().filter_map(|state| state.outcomes.get(kind)).sum() };
    let (held, rejected) = (of("written") + of("skipped"), of("rejected"));
    let waiting: i64 = states.iter().map(|state| state.waiting).sum();
    let found = portal.state();
    let in_portal: i64 = hilo_crm_simulator::Object::ALL
        .iter()
        .map(|object| found.of(*object).len() as i64)
        .sum();
    if arguments.json {
        eprintln!(
            "{}",
            serde_json::json!({"crm": {"desired": desired, "held": held, "rejected": rejected, "waiting": waiting, "in_portal": in_portal}})
        );
    } else {
        say!(
            "the CRM should hold   {desired:>9} records = {held} written or already so + {rejected} rejected + {waiting} waiting"
        )?;
        let objects: Vec<String> = hilo_crm_simulator::Object::ALL
            .iter()
            .map(|object| format!("{} {}", found.of(*object).len(), object.name()))
            .collect();
        say!("the CRM holds         {in_portal:>9} records: {}", objects.join(", "))?;
    }
    if fresh && waiting == 0 {
        ensure!(
            desired == held + rejected && held == in_portal,
            "the CRM should hold {desired} records; {held} are told as held and {rejected} as rejected, and it holds {in_portal}"
        );
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
