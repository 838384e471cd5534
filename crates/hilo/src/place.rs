//! Where a command finds its configuration and its data.

use crate::{cli::Place, config::Config, crm, failure::Failure, topology::Tenants};
use anyhow::anyhow;
use hilo_gateway::Tenants as Secrets;
use std::path::{Path, PathBuf};

/// The configuration, and the data directory: the argument's, else the configuration's.
pub(crate) fn open(place: &Place) -> Result<(Config, PathBuf), Failure> {
    let config = config(place.config.as_deref())?;
    let dir = place
        .data_dir
        .clone()
        .unwrap_or_else(|| config.storage.data_dir.clone());
    Ok((config, dir))
}

/// The configuration of `path`, else of `./hilo.toml` if there.
pub(crate) fn config(path: Option<&Path>) -> Result<Config, Failure> {
    Config::load(path).map_err(Failure::usage)
}

/// Commands that only read do not make a directory by accident.
pub(crate) fn must_exist(dir: &Path) -> Result<(), Failure> {
    if dir.is_dir() {
        return Ok(());
    }
    Err(Failure::usage(anyhow!(
        "there is no data directory {}: name it with --data-dir",
        dir.display()
    )))
}

/// What the processors need of the tenants.
pub(crate) fn tenants(config: &Config) -> Result<Tenants, Failure> {
    let each = || config.tenants.iter().map(|(name, tenant)| (name.clone(), tenant));
    Ok(Tenants {
        settings: each().map(|(name, tenant)| (name, tenant.reading.clone())).collect(),
        time_zones: each()
            .filter_map(|(name, tenant)| Some((name, tenant.time_zone.clone()?)))
            .collect(),
        crm: crm::config(config).map_err(Failure::usage)?,
    })
}

/// What the gateway needs of the tenants.
pub(crate) fn secrets(config: &Config) -> Result<Secrets, Failure> {
    let secrets = config.secrets().map_err(Failure::usage)?;
    Secrets::new(secrets).map_err(Failure::usage)
}
