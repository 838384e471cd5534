//! All keys that there are, and the nearest one to a key that is not.

use super::settings::Settings;
use anyhow::{Result, bail};
use std::collections::BTreeSet;

/// Stands for a name that the user chooses.
const ANY: &str = "*";

const KNOWN: [&[&str]; 46] = [
    &["http", "listen"],
    &["http", "hosts"],
    &["admin", "listen"],
    &["admin", "hosts"],
    &["readers", ANY, "token"],
    &["readers", ANY, "role"],
    &["readers", ANY, "tenants"],
    &["storage", "data_dir"],
    &["kafka", "bootstrap_servers"],
    &["kafka", "topic_prefix"],
    &["kafka", "partitions"],
    &["kafka", "replication"],
    &["kafka", "lanes"],
    &["kafka", "commit_interval_ms"],
    &["kafka", "transaction_timeout_ms"],
    &["kafka", "session_timeout_ms"],
    &["kafka", "instance"],
    &["kafka", "security_protocol"],
    &["kafka", "ca_file"],
    &["kafka", "certificate_file"],
    &["kafka", "key_file"],
    &["kafka", "sasl_mechanism"],
    &["kafka", "username"],
    &["kafka", "password"],
    &["registry", "url"],
    &["registry", "ca_file"],
    &["registry", "username"],
    &["registry", "password"],
    &["tenants", ANY, "verify_token"],
    &["tenants", ANY, "app_secrets"],
    &["tenants", ANY, "api_tokens"],
    &["tenants", ANY, "country"],
    &["tenants", ANY, "time_zone"],
    &["tenants", ANY, "own_numbers"],
    &["tenants", ANY, "accounts"],
    &["tenants", ANY, "auto_replies"],
    &["tenants", ANY, "opt_out", "words"],
    &["tenants", ANY, "crm", ANY, "token"],
    &["tenants", ANY, "crm", ANY, "base_url"],
    &["tenants", ANY, "crm", ANY, "api_version"],
    &["tenants", ANY, "crm", ANY, "mapping"],
    &["tenants", ANY, "ads", ANY, "campaign"],
    &["tenants", ANY, "ads", ANY, "source"],
    &["tenants", ANY, "ads", ANY, "medium"],
    &["tenants", ANY, "ads", ANY, "content"],
    &["tenants", ANY, "ads", ANY],
];

/// `ads` is a file or a table, and an ad in it a campaign or a table.
fn is_either(path: &[String]) -> bool {
    (3..=4).contains(&path.len()) && path[0] == "tenants" && path[2] == "ads"
}

/// Refuses the first key or section that does not exist.
pub(super) fn check(settings: &Settings) -> Result<()> {
    for (path, origin) in settings.sections() {
        if is_either(path) {
            continue;
        }
        if is_key(path) {
            bail!(
                "{origin}: {} is a key, not a section: write it as {} = …",
                path.join("."),
                last(path)
            );
        }
        if !is_section(path) {
            bail!("{origin}: there is no section [{}]{}", path.join("."), nearest(path));
        }
    }
    for (path, origin) in settings.keys() {
        if is_either(path) {
            continue;
        }
        if is_section(path) {
            let key = path.join(".");
            bail!(
                "{origin}: {key} is a section, not a key: write [{key}{}] and its keys under it",
                below(path)
            );
        }
        if !is_key(path) {
            bail!("{origin}: there is no key {}{}", path.join("."), nearest(path));
        }
    }
    Ok(())
}

fn last(path: &[String]) -> &str {
    path.last().map_or("", String::as_str)
}

/// `.NAME` where the user has to choose one.
fn below(path: &[String]) -> &'static str {
    let chosen = KNOWN
        .iter()
        .any(|known| known.get(path.len()) == Some(&ANY) && begins(known, path));
    if chosen { ".NAME" } else { "" }
}

fn begins(known: &[&str], path: &[String]) -> bool {
    known.len() >= path.len()
        && known
            .iter()
            .zip(path)
            .all(|(known, part)| *known == ANY || known == part)
}

fn is_key(path: &[String]) -> bool {
    KNOWN
        .iter()
        .any(|known| known.len() == path.len() && begins(known, path))
}

fn is_section(path: &[String]) -> bool {
    KNOWN
        .iter()
        .any(|known| known.len() > path.len() && begins(known, path))
}

/// The nearest name in place of the first part that nobody knows.
fn nearest(path: &[String]) -> String {
    let good = (0..path.len())
        .rev()
        .find(|&length| is_section(&path[..length]))
        .unwrap_or_default();
    let wrong = &path[good];
    let names: BTreeSet<&str> = KNOWN
        .iter()
        .filter(|known| begins(known, &path[..good]))
        .filter_map(|known| known.get(good).copied())
        .filter(|name| *name != ANY)
        .collect();
    let similarity = |name: &str| strsim::jaro_winkler(name, &wrong.to_lowercase());
    let best = names.into_iter().max_by(|a, b| similarity(a).total_cmp(&similarity(b)));
    best.map(|name| format!("; did you mean {name:?}?")).unwrap_or_default()
}
