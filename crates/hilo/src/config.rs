//! Configuration: one TOML file, every key overridable by the environment (`HILO__HTTP__LISTEN=…`). Unknown keys are
//! refused with the nearest known one; an error names the line or the variable, and never quotes what may be a secret.

mod crm;
mod kafka;
mod keys;
mod readers;
mod reading;
mod registry;
mod secret;
mod settings;
#[cfg(test)]
mod tests;

use anyhow::{Context as _, Result, anyhow, bail, ensure};
pub(crate) use crm::{Crm, configured};
use hilo_crm::campaigns::Campaigns;
use hilo_gateway::{TenantSecrets, is_tenant_name};
use jiff::tz::TimeZone;
pub(crate) use kafka::Kafka;
pub(crate) use readers::ReaderConfig;
pub(crate) use registry::Registry;
use secret::SecretRef;
use settings::{Origin, Settings, Written};
use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
};

/// Where the configuration is looked for when nobody names a file.
const DEFAULT_FILE: &str = "hilo.toml";

/// The whole configuration.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    pub http: Listener,
    pub admin: Listener,
    /// Who may read, by name.
    pub readers: BTreeMap<String, ReaderConfig>,
    pub storage: Storage,
    /// Absent: the embedded engine.
    pub kafka: Option<Kafka>,
    pub registry: Option<Registry>,
    pub tenants: BTreeMap<String, Tenant>,
}

/// A listener: `[http]` for webhooks and captures, `[admin]` for pages, numbers, traces, probes and metrics.
#[derive(Clone, Debug)]
pub(crate) struct Listener {
    /// Address with a port.
    pub listen: String,
    /// Names that it answers to. On loopback beside its own; elsewhere none means every name.
    pub hosts: Vec<String>,
}

impl Listener {
    fn on(listen: &str) -> Self {
        Self {
            listen: listen.to_owned(),
            hosts: Vec::new(),
        }
    }

    fn read(settings: &Settings, section: &str, default: Self) -> Result<Self> {
        let hosts = settings.list(&[section, "hosts"])?;
        Ok(Self {
            listen: listen(settings, section)?.unwrap_or(default.listen),
            hosts: hosts.into_iter().map(|written| written.value).collect(),
        })
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            http: Listener::on("127.0.0.1:8080"),
            admin: Listener::on("127.0.0.1:8090"),
            readers: BTreeMap::new(),
            storage: Storage::default(),
            kafka: None,
            registry: None,
            tenants: BTreeMap::new(),
        }
    }
}

/// Storage of the embedded engine.
#[derive(Clone, Debug)]
pub(crate) struct Storage {
    pub data_dir: PathBuf,
}

impl Default for Storage {
    fn default() -> Self {
        Self {
            data_dir: PathBuf::from("data"),
        }
    }
}

/// One tenant.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tenant {
    /// What the platform shows when the webhook is subscribed.
    pub verify_token: Option<SecretRef>,
    /// Any of them verifies a signature.
    pub app_secrets: Vec<SecretRef>,
    /// Bearer tokens of `/v1/*`.
    pub api_tokens: Vec<SecretRef>,
    /// ISO 3166 code that completes local phone forms.
    pub country: Option<String>,
    /// How its items are read.
    pub reading: hilo_normalize::Tenant,
    /// IANA zone of hours and days.
    pub time_zone: Option<String>,
    /// The CRM that is written to.
    pub crm: Option<Crm>,
    /// Campaigns by ad or token.
    pub campaigns: Campaigns,
}

impl Config {
    /// Reads the file (`path`, else `./hilo.toml` if there) and the environment.
    pub(crate) fn load(path: Option<&Path>) -> Result<Self> {
        let file = match path {
            Some(path) => {
                ensure!(path.is_file(), "there is no configuration file {}", path.display());
                Some(path)
            }
            None => Some(Path::new(DEFAULT_FILE)).filter(|path| path.is_file()),
        };
        let text = match file {
            Some(file) => {
                let read = fs::read_to_string(file);
                Some((
                    file,
                    read.with_context(|| format!("cannot read the configuration file {}", file.display()))?,
                ))
            }
            None => None,
        };
        let file = text
            .as_ref()
            .map(|(file, text)| (file.display().to_string(), text.as_str()));
        Self::read(file, std::env::vars_os())
    }

    /// Reads a file's name and text, and variables.
    pub(crate) fn read(
        file: Option<(String, &str)>,
        variables: impl Iterator<Item = (OsString, OsString)>,
    ) -> Result<Self> {
        let mut settings = Settings::default();
        if let Some((name, text)) = file {
            settings.add_file(&name, text)?;
        }
        settings.add_environment(variables)?;
        keys::check(&settings)?;
        let default = Self::default();
        let tenants = tenants(&settings)?;
        Ok(Self {
            http: Listener::read(&settings, "http", default.http)?,
            admin: Listener::read(&settings, "admin", default.admin)?,
            readers: readers::read(&settings, &tenants)?,
            storage: Storage {
                data_dir: data_dir(&settings)?.unwrap_or(default.storage.data_dir),
            },
            kafka: kafka::read(&settings)?,
            registry: registry::read(&settings)?,
            tenants,
        })
    }

    /// The readers, with their tokens from where those are kept.
    pub(crate) fn readers(&self) -> Result<hilo_service::Readers> {
        readers::resolve(&self.readers)
    }

    /// The tenants' secrets, from where they are kept.
    pub(crate) fn secrets(&self) -> Result<Vec<(String, TenantSecrets)>> {
        self.tenants
            .iter()
            .map(|(name, tenant)| {
                let all = |list: &[SecretRef]| list.iter().map(SecretRef::resolve).collect::<Result<Vec<_>>>();
                let secrets = TenantSecrets {
                    verify_token: tenant.verify_token.as_ref().map(SecretRef::resolve).transpose()?,
                    app_secrets: all(&tenant.app_secrets)?,
                    api_tokens: all(&tenant.api_tokens)?,
                };
                if secrets.app_secrets.is_empty() && secrets.api_tokens.is_empty() {
                    bail!("tenants.{name} has neither app_secrets nor api_tokens, so nothing of it could come in");
                }
                Ok((name.clone(), secrets))
            })
            .collect()
    }
}

fn listen(settings: &Settings, section: &str) -> Result<Option<String>> {
    let Some(Written { value, origin }) = settings.text(&[section, "listen"])? else {
        return Ok(None);
    };
    ensure!(
        is_address(&value),
        "{origin}: {section}.listen {value:?} is no address with a port: write for example 127.0.0.1:8080"
    );
    Ok(Some(value))
}

fn data_dir(settings: &Settings) -> Result<Option<PathBuf>> {
    let Some(Written { value, origin }) = settings.text(&["storage", "data_dir"])? else {
        return Ok(None);
    };
    ensure!(
        !value.trim().is_empty(),
        "{origin}: storage.data_dir is empty: name a folder"
    );
    Ok(Some(value.into()))
}

/// The one key without which a section says nothing.
fn required(settings: &Settings, section: &str, key: &str) -> Result<Option<Written<String>>> {
    let value = settings.text(&[section, key])?;
    match settings.section(&[section]) {
        Some(origin) if value.is_none() => bail!("{origin}: [{section}] needs {key}: set it, or remove the section"),
        _ => Ok(value),
    }
}

fn tenants(settings: &Settings) -> Result<BTreeMap<String, Tenant>> {
    let mut tenants = BTreeMap::new();
    for (name, origin) in settings.subsections("tenants") {
        ensure!(
            is_tenant_name(name),
            "{origin}: tenants.{name}: use 1 to 64 letters, digits, - and _, for it is part of the webhook's address"
        );
        tenants.insert(name.to_owned(), tenant(settings, name)?);
    }
    Ok(tenants)
}

fn tenant(settings: &Settings, name: &str) -> Result<Tenant> {
    let text = |key: &str| settings.text(&["tenants", name, key]);
    let secret = |written: Written<String>, key: &str| SecretRef::new(&format!("tenants.{name}.{key}"), written);
    let list = |key: &str| -> Result<Vec<SecretRef>> {
        let written = settings.list(&["tenants", name, key])?;
        written.into_iter().map(|written| secret(written, key)).collect()
    };
    let country = match text("country")? {
        Some(Written { value, origin }) => Some(country(value, name, &origin)?),
        None => None,
    };
    let time_zone = match text("time_zone")? {
        Some(Written { value, origin }) => Some(time_zone(value, name, &origin)?),
        None => None,
    };
    Ok(Tenant {
        verify_token: text("verify_token")?
            .map(|written| secret(written, "verify_token"))
            .transpose()?,
        app_secrets: list("app_secrets")?,
        api_tokens: list("api_tokens")?,
        reading: reading::read(settings, name, country.clone())?,
        country,
        time_zone,
        crm: crm::read(settings, name)?,
        campaigns: crm::campaigns(settings, name)?,
    })
}

fn country(code: String, tenant: &str, origin: &Origin) -> Result<String> {
    ensure!(
        code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_uppercase()),
        "{origin}: tenants.{tenant}.country {code:?} is no ISO 3166 code: write for example CL"
    );
    Ok(code)
}

fn time_zone(zone: String, tenant: &str, origin: &Origin) -> Result<String> {
    TimeZone::get(&zone).map_err(|_| {
        anyhow!("{origin}: tenants.{tenant}.time_zone {zone:?} is no IANA zone: write for example America/Santiago")
    })?;
    Ok(zone)
}

/// Host and port.
fn is_address(text: &str) -> bool {
    text.rsplit_once(':').is_some_and(|(host, port)| {
        let bare = !host.contains([':', '/', ' ']);
        let bracketed = host.starts_with('[') && host.ends_with(']');
        !host.is_empty() && (bare || bracketed) && port.parse::<u16>().is_ok()
    })
}
