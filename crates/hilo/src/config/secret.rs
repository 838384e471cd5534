//! Secrets as they are written: a literal, `env:NAME` or `file:PATH`.

use super::settings::Written;
use anyhow::{Context as _, Result, anyhow, ensure};
use hilo_gateway::Secret;
use std::{fmt, fs};

/// A secret before it is read. Reading waits until somebody needs it: a replay with the configuration of production does
/// not need its secrets.
#[derive(Clone)]
pub(crate) struct SecretRef {
    /// Where it stands, for errors: key, and file or variable.
    key: String,
    text: String,
}

impl fmt::Debug for SecretRef {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("SecretRef(…)")
    }
}

impl SecretRef {
    /// A reference; one that is empty, or points nowhere, is refused at once.
    pub(super) fn new(key: &str, Written { value: text, origin }: Written<String>) -> Result<Self> {
        let pointed = text
            .strip_prefix("env:")
            .or_else(|| text.strip_prefix("file:"))
            .unwrap_or(&text);
        ensure!(
            !pointed.trim().is_empty(),
            "{origin}: {key} is empty: an empty secret would let everybody in; write it, env:NAME or file:PATH"
        );
        Ok(Self {
            key: format!("{origin}: {key}"),
            text,
        })
    }

    /// The secret itself, as the gateway compares it.
    pub(super) fn resolve(&self) -> Result<Secret> {
        let key = &self.key;
        Secret::new(&self.text()?).ok_or_else(|| anyhow!("{key} is empty: an empty secret would let everybody in"))
    }

    /// The secret's text.
    pub(crate) fn text(&self) -> Result<String> {
        let Self { key, text } = self;
        Ok(if let Some(name) = text.strip_prefix("env:") {
            std::env::var(name)
                .map_err(|_| anyhow!("{key}: the environment has no {name}; set it, or use file:PATH"))?
        } else if let Some(path) = text.strip_prefix("file:") {
            let text =
                fs::read_to_string(path).with_context(|| format!("{key}: cannot read the secret's file {path}"))?;
            // Editors end a file with a line break.
            text.trim_end_matches(['\r', '\n']).to_owned()
        } else {
            text.clone()
        })
    }
}
