//! The admin listener: pages, numbers, traces, probes and metrics, for readers only.

use crate::{config::Config, failure::Failure};
use anyhow::{Context as _, anyhow};
use axum::Router;
use hilo_dashboard::{Audit, Source, login_routes};
use hilo_service::{Access, Health, LoginCodes, Readers, Routes, ServeLimits, clock, is_loopback, serve};
use std::{net::SocketAddr, os::fd::AsFd as _, path::Path, sync::Arc};
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};

/// What is known before anything is opened: where to listen, and who may read.
pub(crate) struct Plan {
    listen: String,
    hosts: Vec<String>,
    readers: Readers,
}

impl Plan {
    /// Of the configuration; one by which anybody could read is refused.
    pub(crate) fn new(config: &Config) -> Result<Self, Failure> {
        let readers = config.readers().map_err(Failure::usage)?;
        let listen = config.admin.listen.clone();
        if readers.is_empty() && !is_loopback(&listen) {
            return Err(Failure::usage(anyhow!(
                "admin.listen {listen} can be reached from other machines and nobody has a token, so anybody could read: \
                 add [readers.NAME] with token and role, or set admin.listen to 127.0.0.1:8090"
            )));
        }
        Ok(Self {
            listen,
            hosts: config.admin.hosts.clone(),
            readers,
        })
    }

    /// On a port of this machine, for its user.
    pub(crate) fn local(port: u16) -> Self {
        Self {
            listen: format!("127.0.0.1:{port}"),
            hosts: Vec::new(),
            readers: Readers::default(),
        }
    }

    /// Takes the port.
    pub(crate) async fn bind(self) -> anyhow::Result<Admin> {
        let listener = TcpListener::bind(&self.listen).await.with_context(|| {
            format!(
                "cannot listen on {}; is another hilo running? Another port: admin.listen",
                self.listen
            )
        })?;
        let address = listener.local_addr()?;
        // A name may lead elsewhere than its word says.
        anyhow::ensure!(
            !self.readers.is_empty() || address.ip().is_loopback(),
            "admin.listen {} is {address}, which other machines can reach, and nobody has a token: add [readers.NAME]",
            self.listen
        );
        Ok(Admin {
            listener,
            address,
            hosts: self.hosts,
            readers: self.readers,
        })
    }
}

/// An open admin listener.
pub(crate) struct Admin {
    pub(crate) listener: TcpListener,
    pub(crate) address: SocketAddr,
    hosts: Vec<String>,
    readers: Readers,
}

/// What is behind a log-in.
pub(crate) struct Pages {
    pub source: Arc<dyn Source>,
    pub audit: Arc<dyn Audit>,
    /// Ends their streams.
    pub closing: watch::Receiver<bool>,
}

impl Admin {
    /// Where a person begins: a link that lets the local user in, once; where readers are configured, the pages.
    pub(crate) fn link(&self, dir: &Path) -> anyhow::Result<String> {
        let base = format!("http://{}", self.address);
        let codes = LoginCodes::new(dir);
        let link = if self.readers.is_empty() {
            codes.link(&base, clock::now())
        } else {
            codes.forget().map(|()| format!("{base}/login"))
        };
        link.with_context(|| format!("cannot write the log-in code to {}", dir.display()))
    }

    /// Answers probes while the process still starts, until `end`: alive, and not ready for the reason that `health` says.
    pub(crate) fn start(
        &self,
        health: Health,
        end: impl Future<Output = ()> + Send + 'static,
    ) -> anyhow::Result<JoinHandle<()>> {
        // The same socket once more. So a client that connects between the two servers is answered by the second one.
        let socket = self.listener.as_fd().try_clone_to_owned()?;
        let socket = TcpListener::from_std(std::net::TcpListener::from(socket))?;
        let access = Arc::new(Access::new(self.address, &self.hosts, self.readers.clone(), None));
        let router = table(health, None, &access).behind(access);
        Ok(tokio::spawn(async move {
            serve(socket, router, ServeLimits::default(), end).await;
        }))
    }

    /// Everything on it. `dir` holds the one-time code.
    pub(crate) fn router(self, dir: &Path, health: Health, pages: Option<Pages>) -> (TcpListener, Router) {
        let local = self.readers.is_empty() && pages.is_some();
        let codes = local.then(|| LoginCodes::new(dir));
        let access = Arc::new(Access::new(self.address, &self.hosts, self.readers, codes));
        (self.listener, table(health, pages, &access).behind(access))
    }
}

/// The table of its routes.
pub(crate) fn table(health: Health, pages: Option<Pages>, access: &Arc<Access>) -> Routes {
    let routes = health.routes();
    match pages {
        Some(Pages { source, audit, closing }) => routes
            .merge(hilo_dashboard::routes(source, audit, closing))
            .merge(login_routes(access)),
        None => routes,
    }
}

#[cfg(test)]
#[allow(clippy::panic, reason = "a test fails by panicking")]
mod tests;
