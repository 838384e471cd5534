//! `hilo simulate-crm`: a CRM for trying.

use crate::{
    cli::{SimulateCrm, SimulatedCrm},
    failure::Failure,
    say::say,
};
use anyhow::Context as _;
use hilo_crm_simulator::{HubSpot, Options};
use tokio::net::TcpListener;

pub(crate) fn run(arguments: &SimulateCrm) -> Result<(), Failure> {
    let SimulatedCrm::Hubspot = arguments.which;
    let mut options = Options::default();
    if let Some(token) = &arguments.token {
        options.token.clone_from(token);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind(&arguments.listen)
            .await
            .with_context(|| format!("cannot listen on {}: choose another with --listen", arguments.listen))?;
        let address = listener.local_addr()?;
        say!("a simulated HubSpot: http://{address}   (Ctrl-C ends it; what it holds is gone then)")?;
        if arguments.token.is_none() {
            say!("its token:           {}", options.token)?;
        }
        HubSpot::new(options).serve(listener, hilo_service::interrupted()).await;
        Ok::<_, anyhow::Error>(())
    })?;
    Ok(())
}
