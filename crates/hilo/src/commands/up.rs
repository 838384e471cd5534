//! `hilo up`: all roles in one process on the embedded engine.

use crate::{
    admin,
    cli::Up,
    crm::writer::{self, Running},
    failure::Failure,
    node::Node,
    place,
    say::say,
    serve::{self, Listeners, Setup},
    topology,
};
use anyhow::Context as _;
use hilo_crm_writer::Settings;
use std::{sync::Arc, time::Duration};
use tokio::net::TcpListener;

pub(crate) fn run(arguments: &Up) -> Result<(), Failure> {
    let (config, dir) = place::open(&arguments.place)?;
    let secrets = place::secrets(&config)?;
    let tenants = place::tenants(&config)?;
    if config.tenants.is_empty() {
        return Err(Failure::usage(anyhow::anyhow!(
            "no tenant is configured, so nobody could send anything: add [tenants.NAME] to hilo.toml (see README.md)"
        )));
    }
    let accounts = writer::accounts(&config).map_err(Failure::usage)?;
    let admin = admin::Plan::new(&config)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let ended = runtime.block_on(async {
        let interrupted = hilo_service::interrupted();
        let listener = TcpListener::bind(&config.http.listen)
            .await
            .with_context(|| format!("cannot listen on {}; is another hilo running?", config.http.listen))?;
        let admin = admin.bind().await?;
        let node = Arc::new(Node::start(&dir, &tenants)?);
        let pulse = node.pulse();
        let crm = Running::on_log(
            &accounts,
            &dir,
            &topology::topology(&tenants)?,
            node.watch.clone(),
            node.inlet.clone(),
            node.rebuilds,
            Settings::default(),
        )?;
        let end = async {
            tokio::select! {
                () = interrupted => {}
                () = writer::ended(crm.as_ref()) => tracing::error!("the writer of the CRM has ended, so all of the process ends"),
                reason = pulse.ended() => tracing::error!(reason, "a part of this process has ended, so all of it ends"),
            }
        };
        say!("webhooks:  http://{}", listener.local_addr()?)?;
        say!("dashboard: {}", admin.link(&dir)?)?;
        let done = serve::serve(
            Arc::clone(&node),
            Setup {
                label: "up",
                tenants: &tenants,
                secrets,
                listeners: Listeners {
                    http: listener,
                    hosts: config.http.hosts.clone(),
                    admin,
                },
                crm: crm.as_ref().map(|crm| crm.status.clone()),
            },
            end,
        )
        .await?;
        if !done {
            tracing::warn!("some requests were not finished in time; the platform sends them again");
        }
        let lived = pulse.lives();
        // Before the engine: its last outcomes still enter the log.
        let wrote = match crm {
            Some(crm) => crm.stop().await,
            None => Ok(()),
        };
        sole(node)?.stop()?;
        wrote?;
        lived.map_err(|reason| Failure::failed(anyhow::anyhow!(reason)))
    });
    // A blocking task of a request that nobody waits for any more does not hold the exit.
    runtime.shutdown_timeout(BLOCKING);
    ended
}

/// How long tasks that block may take at the end.
const BLOCKING: Duration = Duration::from_secs(1);

/// A node that nobody else holds any more.
pub(crate) fn sole(node: Arc<Node>) -> anyhow::Result<Node> {
    Arc::into_inner(node).context("a part of the server still holds the node: this is a defect of Hilo")
}
