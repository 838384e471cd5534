//! `[registry]`: where contracts are registered.

use super::{
    is_address, required,
    secret::SecretRef,
    settings::{Settings, Written},
};
use anyhow::{Result, bail, ensure};
use std::path::PathBuf;

/// A schema registry with Confluent's API.
#[derive(Clone, Debug)]
pub(crate) struct Registry {
    /// Address of the API. It may hold a name and a password, so it is never printed.
    pub url: String,
    /// Certificates that its own must come from, beside the public ones.
    pub ca_file: Option<PathBuf>,
    /// Name and password.
    pub login: Option<(String, SecretRef)>,
}

impl Registry {
    /// Host and port.
    pub(crate) fn address(&self) -> Option<String> {
        let (scheme, rest) = self.url.split_once("://")?;
        let port = match scheme {
            "http" => "80",
            "https" => "443",
            _ => return None,
        };
        let host = authority(rest)?.rsplit('@').next()?;
        if is_address(host) {
            return Some(host.to_owned());
        }
        (!host.is_empty() && !host.contains(':')).then(|| format!("{host}:{port}"))
    }

    fn names_a_user(&self) -> bool {
        let rest = self.url.split_once("://").map(|(_, rest)| rest);
        rest.and_then(authority)
            .is_some_and(|authority| authority.contains('@'))
    }
}

/// What stands between the scheme of an address and its path.
fn authority(rest: &str) -> Option<&str> {
    rest.split(['/', '?', '#']).next()
}

/// The section; `None` where there is none.
pub(super) fn read(settings: &Settings) -> Result<Option<Registry>> {
    let Some(Written { value, origin }) = required(settings, "registry", "url")? else {
        return Ok(None);
    };
    let login = match (
        settings.text(&["registry", "username"])?,
        settings.text(&["registry", "password"])?,
    ) {
        (None, None) => None,
        (Some(name), Some(password)) => Some((name.value, SecretRef::new("registry.password", password)?)),
        (Some(Written { origin, .. }), None) => {
            bail!("{origin}: registry.username needs registry.password: set both, or none")
        }
        (None, Some(Written { origin, .. })) => {
            bail!("{origin}: registry.password needs registry.username: set both, or none")
        }
    };
    let registry = Registry {
        url: value,
        ca_file: settings
            .text(&["registry", "ca_file"])?
            .map(|written| written.value.into()),
        login,
    };
    // An address may hold a password: it is not quoted.
    ensure!(
        registry.address().is_some(),
        "{origin}: registry.url is no http address: write for example http://127.0.0.1:8081"
    );
    ensure!(
        registry.login.is_none() || !registry.names_a_user(),
        "{origin}: registry.url holds a user and registry.username names one: write it in one place"
    );
    Ok(Some(registry))
}
