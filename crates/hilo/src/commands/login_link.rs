//! `hilo login-link`: a new link into the pages of a running node. Who can write into its data directory may have one.

use crate::{cli::LoginLink, failure::Failure, place, say::say};
use anyhow::{Context as _, anyhow};
use hilo_service::{LoginCodes, clock};

pub(crate) fn run(arguments: &LoginLink) -> Result<(), Failure> {
    let (_, dir) = place::open(&arguments.place)?;
    place::must_exist(&dir)?;
    let link = LoginCodes::new(&dir)
        .renewed(clock::now())
        .with_context(|| format!("cannot write a log-in code to {}", dir.display()))?;
    let Some(link) = link else {
        return Err(Failure::usage(anyhow!(
            "nobody serves pages from {} without readers: start `hilo up`, or log in with a token of [readers.NAME]",
            dir.display()
        )));
    };
    say!("{link}")?;
    Ok(())
}
