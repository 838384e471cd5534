//! `[readers.NAME]`: who may read, what, and whose.

use super::{
    Tenant,
    secret::SecretRef,
    settings::{Settings, Written},
};
use anyhow::{Result, bail, ensure};
use hilo_gateway::is_tenant_name;
use hilo_service::{Reader, Readers, Role, Scope};
use std::collections::{BTreeMap, BTreeSet};

/// A reader, before the token is read.
#[derive(Clone, Debug)]
pub(crate) struct ReaderConfig {
    token: SecretRef,
    role: Role,
    scope: Scope,
}

const ROLES: [(&str, Role); 3] = [
    ("analyst", Role::Analyst),
    ("viewer", Role::Viewer),
    ("operator", Role::Operator),
];

/// The sections.
pub(super) fn read(settings: &Settings, tenants: &BTreeMap<String, Tenant>) -> Result<BTreeMap<String, ReaderConfig>> {
    let mut readers = BTreeMap::new();
    for (name, origin) in settings.subsections("readers") {
        ensure!(
            is_tenant_name(name),
            "{origin}: readers.{name}: use 1 to 64 letters, digits, - and _"
        );
        let text = |key: &str| settings.text(&["readers", name, key]);
        let Some(token) = text("token")? else {
            bail!("{origin}: readers.{name} needs token: what the reader shows, as env:NAME or file:PATH");
        };
        let role = match text("role")? {
            None => bail!(
                "{origin}: readers.{name} needs role: analyst (numbers), viewer (masked) or operator (may reveal)"
            ),
            Some(Written { value, origin }) => match ROLES.iter().find(|(role, _)| *role == value) {
                Some((_, role)) => *role,
                None => bail!("{origin}: readers.{name}.role {value:?} is none: write analyst, viewer or operator"),
            },
        };
        let of = ["readers", name, "tenants"];
        let named = settings.list(&of)?;
        for Written { value, origin } in &named {
            ensure!(
                tenants.contains_key(value),
                "{origin}: readers.{name}.tenants names {value:?}, which is no tenant of this configuration"
            );
        }
        // An empty list is nobody's, not everybody's.
        let is_written = settings.keys().any(|(path, _)| path.iter().eq(of));
        let scope = if is_written {
            Scope::Tenants(named.into_iter().map(|written| written.value).collect::<BTreeSet<_>>())
        } else {
            Scope::All
        };
        let token = SecretRef::new(&format!("readers.{name}.token"), token)?;
        readers.insert(name.to_owned(), ReaderConfig { token, role, scope });
    }
    Ok(readers)
}

/// The readers with their tokens, from where those are kept.
pub(super) fn resolve(configured: &BTreeMap<String, ReaderConfig>) -> Result<Readers> {
    let mut readers = Vec::new();
    for (name, config) in configured {
        // It may not be empty: everybody has an empty token.
        config.token.resolve()?;
        let reader = Reader {
            name: name.clone(),
            role: config.role,
            scope: config.scope.clone(),
        };
        readers.push((reader, config.token.text()?));
    }
    Ok(Readers::new(
        readers
            .iter()
            .map(|(reader, token)| (reader.clone(), token.trim().as_bytes())),
    )?)
}
