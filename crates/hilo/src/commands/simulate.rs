//! `hilo simulate`: the platform for a gateway that runs somewhere else.

use super::demo;
use crate::{cli::Simulate, failure::Failure, say::say};
use anyhow::{Context as _, anyhow};
use hilo_simulator::{
    Profile, Simulator,
    sender::{self, Credentials, Target},
};

pub(crate) fn run(arguments: &Simulate) -> Result<(), Failure> {
    if !arguments.to.starts_with("http://") && !arguments.to.starts_with("https://") {
        return Err(Failure::usage(anyhow!(
            "--to {:?} is no address: write for example http://127.0.0.1:8080",
            arguments.to
        )));
    }
    let start = hilo_service::clock::now();
    let profile = Profile {
        tenants: vec![arguments.tenant.clone()],
        ..Profile::demo(start, arguments.rate)
    };
    let credentials = Credentials {
        app_secret: arguments.app_secret.clone(),
        api_token: arguments.api_token.clone(),
    };
    let target = Target {
        base_url: arguments.to.clone(),
        tenants: [(arguments.tenant.clone(), credentials)].into(),
        patience: demo::PATIENCE,
    };
    let simulator = Simulator::new(arguments.seed, profile);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let report = runtime
        .block_on(sender::send(simulator, start, &target, demo::over(arguments.duration)))
        .context("the simulated platform cannot send")?;
    let sent = &report.acknowledged;
    if arguments.json {
        let text = serde_json::json!({"acknowledged_items": sent.items, "acknowledged_requests": sent.lines,
            "unacknowledged_deliveries": report.unacknowledged, "refused_deliveries": report.refused,
            "retries": report.retries});
        say!("{text}")?;
    } else {
        say!(
            "{} items in {} requests acknowledged; {} requests not in time, {} refused, {} retries",
            sent.items,
            sent.lines,
            report.unacknowledged,
            report.refused,
            report.retries
        )?;
    }
    match report.first_refusal {
        None => Ok(()),
        Some(reason) => Err(Failure::failed(anyhow!(
            "{} deliveries were refused, the first because {reason}: look at --tenant and the secrets",
            report.refused
        ))),
    }
}
