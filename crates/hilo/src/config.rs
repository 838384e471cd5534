//! Configuration: one TOML file, every key overridable by the environment (`HILO__HTTP__LISTEN=…`). Unknown keys are
//! refused with the nearest known one; secrets are read from where they are kept and never printed.

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use figment::{
    Figment,
    error::Kind,
    providers::{Env, Format as _, Toml},
};
use hilo_gateway::{Secret, TenantSecrets, is_tenant_name};
use serde::Deserialize;
use std::{
    collections::BTreeMap,
    fmt, fs,
    path::{Path, PathBuf},
};

/// Where the configuration is looked for when nobody names a file.
const DEFAULT_FILE: &str = "hilo.toml";
/// Prefix of the environment's keys; levels are separated by two underscores.
const ENVIRONMENT: &str = "HILO__";

/// The whole configuration.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Config {
    pub http: Http,
    pub storage: Storage,
    pub tenants: BTreeMap<String, Tenant>,
}

/// HTTP.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Http {
    /// Address of webhooks, captures, dashboard, health and metrics.
    pub listen: String,
}

impl Default for Http {
    fn default() -> Self {
        Self { listen: "127.0.0.1:8080".to_owned() }
    }
}

/// Storage of the embedded engine.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Storage {
    pub data_dir: PathBuf,
}

impl Default for Storage {
    fn default() -> Self {
        Self { data_dir: PathBuf::from("data") }
    }
}

/// One tenant.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Tenant {
    /// What the platform shows when the webhook is subscribed.
    pub verify_token: Option<SecretRef>,
    /// Any of them verifies a signature.
    pub app_secrets: Vec<SecretRef>,
    /// Bearer tokens of `/v1/*`.
    pub api_tokens: Vec<SecretRef>,
    /// ISO 3166 code that completes local phone forms.
    pub country: Option<String>,
    /// IANA zone of hours and days.
    pub time_zone: Option<String>,
}

/// A secret as it is written: literal, `env:NAME` or `file:PATH`.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub(crate) struct SecretRef(String);

impl fmt::Debug for SecretRef {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("SecretRef(…)")
    }
}

impl SecretRef {
    /// The secret itself. `key` names it in errors.
    fn resolve(&self, key: &str) -> Result<Secret> {
        let text = if let Some(name) = self.0.strip_prefix("env:") {
            std::env::var(name).map_err(|_| anyhow!("{key}: the environment has no {name}; set it, or point to a file"))?
        } else if let Some(path) = self.0.strip_prefix("file:") {
            let text = fs::read_to_string(path).with_context(|| format!("{key}: cannot read the secret's file {path}"))?;
            text.trim_end_matches(['\r', '\n']).to_owned()
        } else {
            self.0.clone()
        };
        Secret::new(&text).ok_or_else(|| anyhow!("{key} is empty: an empty secret would let everybody in"))
    }
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
        let mut figment = Figment::new();
        if let Some(file) = file {
            figment = figment.merge(Toml::file_exact(file));
        }
        let config: Self =
            figment.merge(Env::prefixed(ENVIRONMENT).split("__")).extract().map_err(|error| explain(&error))?;
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> Result<()> {
        let listen = &self.http.listen;
        ensure!(
            listen.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok()),
            "http.listen {listen:?} is no address with a port: write for example 127.0.0.1:8080"
        );
        for (name, tenant) in &self.tenants {
            ensure!(
                is_tenant_name(name),
                "tenants.{name}: use 1 to 64 letters, digits, - and _, for it is part of the webhook's address"
            );
            if let Some(country) = &tenant.country {
                ensure!(
                    country.len() == 2 && country.bytes().all(|byte| byte.is_ascii_uppercase()),
                    "tenants.{name}.country {country:?} is no ISO 3166 code: write for example CL"
                );
            }
        }
        Ok(())
    }

    /// The tenants' secrets, from where they are kept.
    pub(crate) fn secrets(&self) -> Result<Vec<(String, TenantSecrets)>> {
        self.tenants
            .iter()
            .map(|(name, tenant)| {
                let all = |list: &[SecretRef], key: &str| {
                    let key = format!("tenants.{name}.{key}");
                    list.iter().map(|secret| secret.resolve(&key)).collect::<Result<Vec<_>>>()
                };
                let verify_token = tenant.verify_token.as_ref();
                let secrets = TenantSecrets {
                    verify_token: verify_token
                        .map(|token| token.resolve(&format!("tenants.{name}.verify_token")))
                        .transpose()?,
                    app_secrets: all(&tenant.app_secrets, "app_secrets")?,
                    api_tokens: all(&tenant.api_tokens, "api_tokens")?,
                };
                if secrets.app_secrets.is_empty() && secrets.api_tokens.is_empty() {
                    bail!("tenants.{name} has neither app_secrets nor api_tokens, so nothing of it could come in");
                }
                Ok((name.clone(), secrets))
            })
            .collect()
    }
}

/// Errors of the library in our words: where, what, and the nearest known key.
fn explain(error: &figment::Error) -> anyhow::Error {
    let place = error.metadata.as_ref().and_then(|metadata| metadata.source.as_ref()).map(ToString::to_string);
    let place = place.unwrap_or_else(|| "the environment".to_owned());
    let path = error.path.join(".");
    match &error.kind {
        Kind::UnknownField(name, known) => {
            let nearest = known.iter().max_by(|a, b| {
                strsim::jaro_winkler(a, name).total_cmp(&strsim::jaro_winkler(b, name))
            });
            let whole = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            let hint = nearest.map(|nearest| format!("; did you mean {nearest:?}?")).unwrap_or_default();
            anyhow!("{place}: there is no key {whole:?}{hint}")
        }
        // The value may be a secret: the library's text for these kinds quotes it.
        Kind::InvalidType(_, wanted) | Kind::InvalidValue(_, wanted) => {
            anyhow!("{place}: key {path:?} should be {wanted}")
        }
        other => anyhow!("{place}: {other}"),
    }
}

#[cfg(test)]
#[allow(clippy::result_large_err, reason = "the library's own test helper returns its error by value")]
mod tests {
    use super::*;
    use figment::Jail;

    fn load(text: &str, environment: &[(&str, &str)]) -> Result<Config, String> {
        let mut result = Err(String::new());
        Jail::expect_with(|jail| {
            jail.create_file("hilo.toml", text)?;
            for (name, value) in environment {
                jail.set_env(name, value);
            }
            result = Config::load(None).map_err(|error| format!("{error:#}"));
            Ok(())
        });
        result
    }

    const TENANT: &str = "[tenants.acme]\napp_secrets = [\"env:ACME_SECRET\"]\napi_tokens = [\"literal\"]\n";

    #[test]
    fn the_environment_overrides_the_file() {
        let config = load("[http]\nlisten = \"0.0.0.0:1\"\n", &[("HILO__HTTP__LISTEN", "127.0.0.1:9")]).unwrap();
        assert_eq!(config.http.listen, "127.0.0.1:9");
        assert_eq!(config.storage.data_dir, Path::new("data"));
    }

    #[test]
    fn an_unknown_key_names_the_nearest_known_one() {
        let error = load("[http]\nlisten_on = \"x\"\n", &[]).unwrap_err();
        assert!(error.contains("http.listen_on") && error.contains("\"listen\""), "{error}");
        let error = load("[tenants.acme]\napp_secret = [\"x\"]\n", &[]).unwrap_err();
        assert!(error.contains("app_secrets"), "{error}");
    }

    #[test]
    fn errors_never_quote_a_value_that_may_be_secret() {
        let error = load("[tenants.acme]\napp_secrets = \"hunter2\"\n", &[]).unwrap_err();
        assert!(!error.contains("hunter2") && error.contains("app_secrets"), "{error}");
        let config = load("[tenants.acme]\napp_secrets = [\"hunter2\"]\n", &[]).unwrap();
        assert!(!format!("{config:?}").contains("hunter2"));
    }

    #[test]
    fn secrets_come_from_where_they_are_kept_and_are_never_empty() {
        let secrets = |environment: &[(&str, &str)]| {
            let mut result = Ok(0);
            Jail::expect_with(|jail| {
                jail.create_file("hilo.toml", TENANT)?;
                for (name, value) in environment {
                    jail.set_env(name, value);
                }
                let config = Config::load(None).map_err(|error| error.to_string())?;
                result = config.secrets().map(|list| list.len()).map_err(|error| error.to_string());
                Ok(())
            });
            result
        };
        assert_eq!(secrets(&[("ACME_SECRET", "s")]), Ok(1));
        assert!(secrets(&[]).unwrap_err().contains("ACME_SECRET"));
        assert!(secrets(&[("ACME_SECRET", "  ")]).unwrap_err().contains("empty"));
    }
}
