//! The CRMs of the tenants: mappings from their folders, and the writers that make the CRMs so.

pub(crate) mod embedded;
pub(crate) mod kafka;
pub(crate) mod metrics;
pub(crate) mod writer;

use crate::config::{Config, Crm, Tenant, configured};
use anyhow::{Context as _, Result, bail};
use hilo_crm::{
    campaigns::Campaigns,
    mapping::Mappings,
    project::{Config as CrmConfig, Target},
};
use std::{fs, path::Path};

/// What `project` does for each tenant.
pub(crate) fn config(config: &Config) -> Result<CrmConfig> {
    let mut targets = CrmConfig::default();
    for (name, tenant, crm) in configured(&config.tenants) {
        let target = Target {
            sink: crm.sink.clone(),
            mappings: mappings_of(name, tenant, crm)?,
            campaigns: tenant.campaigns.clone(),
        };
        targets.tenants.insert(name.clone(), target);
    }
    Ok(targets)
}

/// The mapping of a tenant: of its folder, else the one that Hilo brings, at home in the tenant's country.
pub(crate) fn mappings_of(name: &str, tenant: &Tenant, crm: &Crm) -> Result<Mappings> {
    match (&crm.mapping, &tenant.country) {
        (Some(folder), _) => mappings(folder).with_context(|| format!("tenants.{name}.crm.{}.mapping", crm.sink)),
        (None, Some(country)) => Ok(Mappings::default_for(country, &[])?),
        (None, None) => Ok(Mappings::default_hubspot()?),
    }
}

/// HubSpot with the default mapping.
pub(crate) fn default_target() -> Result<Target> {
    Ok(Target {
        sink: "hubspot".to_owned(),
        mappings: Mappings::default_hubspot()?,
        campaigns: Campaigns::default(),
    })
}

/// The files of a mapping: name and text, in the order of their names.
pub(crate) fn files(folder: &Path) -> Result<Vec<(String, String)>> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read the folder {}", folder.display()))?;
    let mut files = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
            let name = path
                .file_name()
                .map(|name| name.to_string_lossy().into_owned())
                .unwrap_or_default();
            files.push((name, text));
        }
    }
    files.sort_unstable();
    if files.is_empty() {
        bail!(
            "there is no mapping in {}: it needs mapping.toml, and may have CL.toml, BR.toml, …",
            folder.display()
        );
    }
    Ok(files)
}

/// The mapping of a folder, or the one that Hilo brings where the name is `default`.
pub(crate) fn named(name: &Path) -> Result<Mappings> {
    if name == Path::new("default") {
        return Ok(Mappings::default_hubspot()?);
    }
    mappings(name)
}

/// The mapping in a folder; without a fault.
pub(crate) fn mappings(folder: &Path) -> Result<Mappings> {
    match Mappings::parse(&files(folder)?) {
        Ok(mappings) => Ok(mappings),
        Err(findings) => bail!(
            "the mapping in {} cannot be used: {findings}; `hilo mapping validate {}` lists all of it",
            folder.display(),
            folder.display()
        ),
    }
}
