//! `hilo up`: all roles in one process on the embedded engine.

use crate::{
    admin,
    cli::Up,
    failure::Failure,
    node::Node,
    place,
    say::say,
    serve::{self, Listeners},
};
use anyhow::Context as _;
use std::sync::Arc;
use tokio::net::TcpListener;

pub(crate) fn run(arguments: &Up) -> Result<(), Failure> {
    let (config, dir) = place::open(&arguments.place)?;
    let secrets = place::secrets(&config)?;
    let tenants = place::tenants(&config);
    if config.tenants.is_empty() {
        return Err(Failure::usage(anyhow::anyhow!(
            "no tenant is configured, so nobody could send anything: add [tenants.NAME] to hilo.toml (see README.md)"
        )));
    }
    let admin = admin::Plan::new(&config)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind(&config.http.listen)
            .await
            .with_context(|| format!("cannot listen on {}; is another hilo running?", config.http.listen))?;
        let admin = admin.bind().await?;
        let node = Arc::new(Node::start(&dir, &tenants)?);
        say!("webhooks:  http://{}", listener.local_addr()?)?;
        say!("dashboard: {}", admin.link(&dir)?)?;
        let done = serve::serve(
            Arc::clone(&node),
            "up",
            &tenants,
            secrets,
            Listeners {
                http: listener,
                hosts: config.http.hosts.clone(),
                admin,
            },
            hilo_service::interrupted(),
        )
        .await?;
        if !done {
            tracing::warn!("some requests were not finished in time; the platform sends them again");
        }
        finish(node)
    })
}

/// Stops a node that nobody else holds any more.
pub(crate) fn finish(node: Arc<Node>) -> Result<(), Failure> {
    let node = Arc::into_inner(node).context("a part of the server still holds the node: this is a defect of Hilo")?;
    node.finish()?;
    Ok(())
}
