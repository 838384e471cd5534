//! `hilo crm`: what a portal must have, and what it refused.

use crate::{
    audit,
    cli::{Crm, Place, Portal, Rejected, Reveal},
    config::{self, Config},
    crm::{self, writer::Account},
    failure::Failure,
    place,
    say::say,
};
use anyhow::anyhow;
use hilo_crm::mapping::{Findings, Mappings, Severity};
use hilo_crm_writer::{
    FILE, Lane, Links, Which,
    provision::{self, Found},
};
use hilo_domain::time::to_rfc3339;
use hilo_service::clock;
use serde_json::json;
use std::{collections::BTreeMap, path::Path};

/// Refused records that are listed for each CRM.
const LISTED: usize = 10_000;

pub(crate) fn run(command: &Crm) -> Result<(), Failure> {
    match command {
        Crm::Plan(portal) => plan(portal),
        Crm::Apply(portal) => apply(portal),
        Crm::Verify(portal) => verify(portal),
        Crm::Rejected(Rejected::List { place, code, json }) => list(place, code.as_deref(), *json),
        Crm::Rejected(Rejected::Show {
            record_key,
            place,
            reveal,
        }) => show(place, reveal, record_key),
        Crm::Rejected(Rejected::Retry {
            record_key,
            code,
            all,
            place,
            json,
        }) => retry(place, record_key.as_deref(), code.as_deref(), *all, *json),
    }
}

/// A tenant's CRM with its mapping.
pub(super) fn chosen(portal: &Portal) -> Result<(Account, Mappings), Failure> {
    let config = place::config(portal.config.as_deref())?;
    let (name, tenant, crm) = one(&config, portal)?;
    let account = Account::of(name, crm).map_err(Failure::usage)?;
    let mappings = crm::mappings_of(name, tenant, crm).map_err(Failure::usage)?;
    Ok((account, mappings))
}

/// The one CRM that is meant.
pub(super) fn one<'a>(
    config: &'a Config,
    portal: &Portal,
) -> Result<(&'a String, &'a config::Tenant, &'a config::Crm), Failure> {
    let mut found: Vec<_> = config::configured(&config.tenants)
        .filter(|(name, _, crm)| crm.sink == portal.sink && portal.tenant.as_ref().is_none_or(|wanted| wanted == *name))
        .collect();
    match (found.pop(), found.is_empty()) {
        (Some(one), true) => Ok(one),
        (Some(_), false) => Err(Failure::usage(anyhow!(
            "several tenants have a CRM: say which with --tenant NAME"
        ))),
        (None, _) => Err(Failure::usage(anyhow!(
            "no such CRM is configured: add [tenants.NAME.crm.{}] with its token to hilo.toml (see README.md)",
            portal.sink
        ))),
    }
}

fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?)
}

fn plan(portal: &Portal) -> Result<(), Failure> {
    let (account, mappings) = chosen(portal)?;
    let client = account.client()?;
    let found = runtime()?.block_on(Found::read(&client)).map_err(anyhow::Error::from)?;
    let plan = provision::plan(&mappings.manifest(), &found);
    print(&plan.steps, &plan.drift, "would do", portal.json)?;
    Ok(())
}

fn apply(portal: &Portal) -> Result<(), Failure> {
    let (account, mappings) = chosen(portal)?;
    let (client, manifest) = (account.client()?, mappings.manifest());
    let (steps, left) = runtime()?
        .block_on(async {
            let steps = provision::apply(&client, &manifest).await?;
            Ok::<_, provision::ProvisionError>((steps, provision::verify(&client, &manifest).await?))
        })
        .map_err(anyhow::Error::from)?;
    print(&steps, &left, "done", portal.json)?;
    refused(&left)
}

fn verify(portal: &Portal) -> Result<(), Failure> {
    let (account, mappings) = chosen(portal)?;
    let client = account.client()?;
    let findings = runtime()?
        .block_on(provision::verify(&client, &mappings.manifest()))
        .map_err(anyhow::Error::from)?;
    print(&[], &findings, "done", portal.json)?;
    if findings.is_empty() && !portal.json {
        say!("the portal has all that the mapping {} needs", mappings.name())?;
    }
    refused(&findings)
}

fn print(steps: &[provision::Step], findings: &Findings, how: &str, as_json: bool) -> Result<(), Failure> {
    if as_json {
        let steps: Vec<String> = steps.iter().map(ToString::to_string).collect();
        say!("{}", json!({"steps": steps, "findings": listed(findings)}))?;
        return Ok(());
    }
    for step in steps {
        say!("{how}: {step}")?;
    }
    for finding in findings.iter() {
        say!("{finding}")?;
    }
    if steps.is_empty() && how == "would do" && findings.is_empty() {
        say!("nothing is missing")?;
    }
    Ok(())
}

/// Findings for a program.
pub(super) fn listed(findings: &Findings) -> Vec<serde_json::Value> {
    let one = |finding: &hilo_crm::mapping::Finding| {
        json!({"file": finding.origin.file, "line": finding.origin.line, "severity": finding.severity.as_str(),
            "code": finding.code, "field": finding.field, "message": finding.message, "action": finding.action})
    };
    findings.iter().map(one).collect()
}

/// An error where findings forbid the use of a mapping.
pub(super) fn refused(findings: &Findings) -> Result<(), Failure> {
    let errors = findings.iter().filter(|finding| finding.severity == Severity::Error);
    match errors.count() {
        0 => Ok(()),
        1 => Err(Failure::failed(anyhow!("1 error; mend it and try again"))),
        errors => Err(Failure::failed(anyhow!("{errors} errors; mend them and try again"))),
    }
}

/// The links of a data directory, which a running writer may hold too.
fn links(place: &Place) -> Result<(Links, std::path::PathBuf), Failure> {
    let (_, dir) = place::open(place)?;
    place::must_exist(&dir)?;
    let file = dir.join(FILE);
    if !file.exists() {
        return Err(Failure::usage(anyhow!(
            "no writer of a CRM ever ran in {}: name its data directory with --data-dir",
            dir.display()
        )));
    }
    Ok((Links::open(&file).map_err(anyhow::Error::from)?, dir))
}

fn lanes(links: &Links) -> Result<Vec<Lane>, Failure> {
    Ok(links.lanes().map_err(anyhow::Error::from)?)
}

fn list(place: &Place, code: Option<&str>, as_json: bool) -> Result<(), Failure> {
    let (links, _) = links(place)?;
    let which = code.map_or(Which::All, Which::Code);
    let mut by_code: BTreeMap<(String, String, String), (u64, String, &'static str)> = BTreeMap::new();
    for lane in lanes(&links)? {
        for one in links.rejected(&lane, which, LISTED).map_err(anyhow::Error::from)? {
            if as_json {
                say!(
                    "{}",
                    json!({"tenant": one.lane.tenant, "sink": one.lane.sink, "object": one.object, "record_key": one.record_key,
                        "revision": one.revision, "code": one.code, "field": one.field, "blocked_by": one.blocked_by,
                        "at": to_rfc3339(one.at), "attempts": one.attempts, "action": one.action})
                )?;
                continue;
            }
            let of = (
                one.code,
                one.field.unwrap_or_default(),
                format!("{} {} {}", one.lane.tenant, one.lane.sink, one.object),
            );
            let entry = by_code
                .entry(of)
                .or_insert_with(|| (0, one.record_key, one.action.unwrap_or_default()));
            entry.0 += 1;
        }
    }
    if as_json {
        return Ok(());
    }
    for ((code, field, of), (count, example, action)) in &by_code {
        say!("{count:>8}  {code:<20} {field:<24} {of}   for example {example}")?;
        say!("          {action}")?;
    }
    if by_code.is_empty() {
        say!("nothing is refused")?;
    }
    Ok(())
}

fn show(place: &Place, reveal: &Reveal, key: &str) -> Result<(), Failure> {
    let (links, dir) = links(place)?;
    for lane in lanes(&links)? {
        let Some(body) = links.rejected_body(&lane, key).map_err(anyhow::Error::from)? else {
            continue;
        };
        audit::revealed(reveal, &dir, "crm_record", key)?;
        let one = &body.rejected;
        let fields: Vec<serde_json::Value> = body
            .record
            .fields
            .iter()
            .map(|field| match (&field.value, reveal.shown) {
                (value, true) => json!({"name": field.name, "value": value, "write": field.write}),
                (Some(value), false) => {
                    json!({"name": field.name, "length": value.chars().count(), "write": field.write})
                }
                (None, false) => json!({"name": field.name, "value": null, "write": field.write}),
            })
            .collect();
        say!(
            "{}",
            json!({"tenant": one.lane.tenant, "sink": one.lane.sink, "object": one.object, "record_key": one.record_key,
                "revision": one.revision, "code": one.code, "field": one.field, "blocked_by": one.blocked_by,
                "at": to_rfc3339(one.at), "attempts": one.attempts, "action": one.action,
                "mapping": body.record.mapping, "facts": body.record.facts, "fields": fields})
        )?;
        return Ok(());
    }
    Err(Failure::failed(anyhow!(
        "no refused record has the key {key:?}; `hilo crm rejected list --json` names them"
    )))
}

fn retry(place: &Place, key: Option<&str>, code: Option<&str>, all: bool, as_json: bool) -> Result<(), Failure> {
    let which = match (key, code, all) {
        (Some(key), _, _) => Which::Key(key),
        (_, Some(code), _) => Which::Code(code),
        (_, _, true) => Which::All,
        _ => {
            return Err(Failure::usage(anyhow!(
                "say which records: a key, --code CODE or --all"
            )));
        }
    };
    let (links, _) = links(place)?;
    let mut count = 0;
    for lane in lanes(&links)? {
        count += links.retry(&lane, which, clock::now()).map_err(anyhow::Error::from)?;
    }
    if as_json {
        say!("{}", json!({"retried": count}))?;
    } else {
        say!("{count} records are tried again, by the writer that runs or by the next one")?;
    }
    Ok(())
}

/// Whether a folder of a mapping is the built-in one.
pub(super) fn is_default(folder: &Path) -> bool {
    folder == Path::new("default")
}
