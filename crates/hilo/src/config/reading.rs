//! How a tenant's items are read: its own numbers and accounts, the phone app's texts, words of opt-out.

use super::settings::{Settings, Written};
use anyhow::{Result, bail, ensure};
use hilo_normalize::Tenant;

/// A key with a list of texts.
struct Key {
    path: &'static [&'static str],
    add: fn(&mut Tenant, &str) -> bool,
    /// What is wrong with a text that cannot be added, and what to write.
    refused: &'static str,
}

const OWN_NUMBERS: Key = Key {
    path: &["own_numbers"],
    add: Tenant::add_own_number,
    refused: "is no phone number: write for example +56221234567",
};
const ACCOUNTS: Key = Key {
    path: &["accounts"],
    add: Tenant::add_account,
    refused: "is no id of an account or portfolio: write its digits",
};
const AUTO_REPLIES: Key = Key {
    path: &["auto_replies"],
    add: Tenant::add_auto_reply,
    refused: "is no text: write what the phone app answers by itself, or remove it",
};
const WORDS: Key = Key {
    path: &["opt_out", "words"],
    add: Tenant::add_opt_out,
    refused: "is empty without emoji, punctuation and spaces: write a word, or remove it",
};

/// What the sections of a tenant say.
pub(super) fn read(settings: &Settings, name: &str, country: Option<String>) -> Result<Tenant> {
    let mut tenant = Tenant::of(country);
    for key in [OWN_NUMBERS, AUTO_REPLIES, WORDS] {
        key.read(settings, name, &mut tenant)?;
    }
    let found = ACCOUNTS.read(settings, name, &mut tenant)?;
    // With an empty list no account would be the tenant's own. A tenant that takes all leaves the key out.
    let accounts = ["tenants", name, "accounts"];
    let written = settings.keys().find(|(path, _)| path.iter().eq(accounts));
    if let (0, Some((_, origin))) = (found, written) {
        bail!("{origin}: tenants.{name}.accounts is empty: name the tenant's accounts, or remove the key to take all");
    }
    Ok(tenant)
}

impl Key {
    /// How many texts the list has.
    fn read(&self, settings: &Settings, name: &str, tenant: &mut Tenant) -> Result<usize> {
        let path: Vec<&str> = ["tenants", name].iter().chain(self.path).copied().collect();
        let texts = settings.list(&path)?;
        for Written { value, origin } in &texts {
            ensure!(
                (self.add)(tenant, value),
                "{origin}: {} {value:?} {}",
                path.join("."),
                self.refused
            );
        }
        Ok(texts.len())
    }
}
