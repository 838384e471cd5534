//! `[tenants.NAME.crm.hubspot]` and `[tenants.NAME.ads]`: the CRM of a tenant, and the campaigns of its ads.

use super::{
    Tenant,
    secret::SecretRef,
    settings::{Origin, Settings, Written},
};
use anyhow::{Context as _, Result, bail, ensure};
use hilo_crm::campaigns::{Campaign, Campaigns};
use hilo_crm_writer::hubspot::ApiVersion;
use std::{collections::BTreeMap, fs, path::PathBuf};

/// The CRMs that there are writers for.
pub(crate) const SINKS: [&str; 1] = ["hubspot"];
/// Where HubSpot is.
const HUBSPOT: &str = "https://api.hubapi.com";

/// A CRM of a tenant.
#[derive(Clone, Debug)]
pub(crate) struct Crm {
    /// `hubspot`.
    pub sink: String,
    /// Address without a path.
    pub base_url: String,
    /// Of a service key or private app.
    pub token: SecretRef,
    /// Version of the API.
    pub api_version: ApiVersion,
    /// Folder with mapping.toml and its overlays; absent: the default mapping.
    pub mapping: Option<PathBuf>,
}

/// The CRM of a tenant: one at most.
pub(super) fn read(settings: &Settings, tenant: &str) -> Result<Option<Crm>> {
    let of = |path: &[String]| match path {
        [outer, name, crm, sink] if outer == "tenants" && name == tenant && crm == "crm" => Some(sink.clone()),
        _ => None,
    };
    let sinks: Vec<(String, Origin)> = settings
        .sections()
        .filter_map(|(path, origin)| Some((of(path)?, origin.clone())))
        .collect();
    let Some((sink, origin)) = sinks.first().cloned() else {
        return Ok(None);
    };
    if let Some((other, origin)) = sinks.get(1) {
        bail!("{origin}: tenants.{tenant} has two CRMs, {sink} and {other}: keep one");
    }
    ensure!(
        SINKS.contains(&sink.as_str()),
        "{origin}: there is no writer for the CRM {sink:?}: write [tenants.{tenant}.crm.hubspot]"
    );
    let text = |key: &str| settings.text(&["tenants", tenant, "crm", &sink, key]);
    let Some(token) = text("token")? else {
        bail!(
            "{origin}: tenants.{tenant}.crm.{sink} needs token: the service key of the portal, as env:NAME or file:PATH"
        );
    };
    let base_url = match text("base_url")? {
        None => HUBSPOT.to_owned(),
        Some(Written { value, origin }) => {
            ensure!(
                value.starts_with("https://") || value.starts_with("http://"),
                "{origin}: tenants.{tenant}.crm.{sink}.base_url is no http address: write for example {HUBSPOT}"
            );
            value.trim_end_matches('/').to_owned()
        }
    };
    let api_version = match text("api_version")? {
        None => ApiVersion::default(),
        Some(Written { value, origin }) => match ApiVersion::parse(&value) {
            Some(version) => version,
            None => bail!(
                "{origin}: tenants.{tenant}.crm.{sink}.api_version {value:?} is not supported: write {}",
                ApiVersion::ALL.map(ApiVersion::as_str).join(" or ")
            ),
        },
    };
    Ok(Some(Crm {
        token: SecretRef::new(&format!("tenants.{tenant}.crm.{sink}.token"), token)?,
        base_url,
        api_version,
        mapping: text("mapping")?.map(|written| PathBuf::from(written.value)),
        sink,
    }))
}

/// The campaigns of a tenant: of its table, and of the file that it names.
pub(super) fn campaigns(settings: &Settings, tenant: &str) -> Result<Campaigns> {
    let at = ["tenants", tenant, "ads"];
    if settings.keys().any(|(path, _)| path.iter().eq(at)) {
        let Some(Written { value, origin }) = settings.text(&at)? else {
            return Ok(Campaigns::default());
        };
        let text = fs::read_to_string(&value)
            .with_context(|| format!("{origin}: tenants.{tenant}.ads: cannot read {value}"))?;
        let is_csv = std::path::Path::new(&value)
            .extension()
            .is_some_and(|extension| extension.eq_ignore_ascii_case("csv"));
        let parsed = if is_csv {
            Campaigns::parse_csv(&text)
        } else {
            Campaigns::parse(&text)
        };
        return parsed.with_context(|| format!("{origin}: tenants.{tenant}.ads: {value}"));
    }
    let mut table: BTreeMap<String, Campaign> = BTreeMap::new();
    let paths: Vec<Vec<String>> = settings
        .keys()
        .map(|(path, _)| path.clone())
        .filter(|path| path.len() > 3 && path.iter().zip(at).all(|(part, wanted)| part == wanted))
        .collect();
    for path in paths {
        let parts: Vec<&str> = path.iter().map(String::as_str).collect();
        let value = settings.text(&parts)?.map(|written| written.value);
        let campaign = table.entry(path[3].clone()).or_default();
        match parts.get(4) {
            None | Some(&"campaign") => campaign.campaign = value,
            Some(&"source") => campaign.source = value,
            Some(&"medium") => campaign.medium = value,
            Some(_) => campaign.content = value,
        }
    }
    Ok(table.into_iter().collect())
}

/// Tenants that have a CRM.
pub(crate) fn configured(tenants: &BTreeMap<String, Tenant>) -> impl Iterator<Item = (&String, &Tenant, &Crm)> {
    tenants
        .iter()
        .filter_map(|(name, tenant)| Some((name, tenant, tenant.crm.as_ref()?)))
}
