//! `hilo mapping`: mappings checked, and what a change would do in the CRM.

use super::crm::{chosen, is_default, listed, one, refused};
use crate::{
    captures,
    cli::{Mapping, Portal},
    crm,
    failure::Failure,
    pipeline, place,
    say::say,
    topology::{Tenants, topology},
};
use anyhow::Result as Anyhow;
use hilo_contracts::{
    codec::{self, Codec as _},
    facts::{CrmField, CrmRecord},
    topics,
};
use hilo_crm::{
    campaigns::Campaigns,
    mapping::{self, Findings, Mappings, changes, validate_live},
    project::Target,
};
use hilo_crm_writer::provision;
use hilo_stream::{Record, embedded::Log};
use serde_json::json;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// Records read at once.
const CHUNK: usize = 10_000;

pub(crate) fn run(command: &Mapping) -> Result<(), Failure> {
    match command {
        Mapping::Validate { folder, live, portal } => validate(folder.as_deref(), *live, portal),
        Mapping::Diff {
            old,
            new,
            inputs,
            data_dir,
            limit,
            values,
            json,
        } => {
            let compared = Compared {
                old: records(old, inputs, data_dir.as_deref())?,
                new: records(new, inputs, data_dir.as_deref())?,
            };
            compared.print(*limit, *values, *json)
        }
    }
}

fn validate(folder: Option<&Path>, live: bool, portal: &Portal) -> Result<(), Failure> {
    let folder = match folder {
        Some(folder) => Some(folder.to_owned()),
        None => {
            let config = place::config(portal.config.as_deref())?;
            one(&config, portal)?.2.mapping.clone()
        }
    };
    let (mappings, mut findings) = match &folder {
        Some(folder) if !is_default(folder) => mapping::validate(&crm::files(folder).map_err(Failure::usage)?),
        _ => (
            Some(Mappings::default_hubspot().map_err(anyhow::Error::from)?),
            Findings::default(),
        ),
    };
    if let Some(mappings) = mappings.as_ref().filter(|_| live) {
        let (account, _) = chosen(portal)?;
        let client = account.client()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let found = runtime
            .block_on(provision::portal(&client))
            .map_err(anyhow::Error::from)?;
        findings.extend(validate_live(&mappings.manifest(), &found));
    }
    if portal.json {
        say!("{}", json!({"findings": listed(&findings)}))?;
    } else {
        for finding in findings.iter() {
            say!("{finding}")?;
        }
        if let Some(mappings) = mappings.filter(|_| !findings.has_errors()) {
            let countries: Vec<&str> = mappings.countries().collect();
            say!(
                "the mapping {} is good; overlays: {}",
                mappings.name(),
                countries.join(" ")
            )?;
        }
    }
    refused(&findings)
}

/// What the CRM should hold under a mapping, over the same input: the last revision of each record.
fn records(folder: &Path, inputs: &[PathBuf], data_dir: Option<&Path>) -> Result<BTreeMap<String, CrmRecord>, Failure> {
    let target = Target {
        sink: "hubspot".to_owned(),
        mappings: crm::named(folder).map_err(Failure::usage)?,
        campaigns: Campaigns::default(),
    };
    let mut tenants = Tenants::default();
    tenants.crm.others = Some(target);
    let raw: Box<dyn Iterator<Item = Anyhow<Record>> + Send> = match data_dir {
        Some(dir) => {
            place::must_exist(dir)?;
            Box::new(RawRecords::new(Log::open(dir, &topology(&tenants)?)))
        }
        None => Box::new(captures::records(inputs)?),
    };
    let codec = codec::crm_record();
    let mut found = BTreeMap::new();
    pipeline::run(&tenants, raw, |batch| {
        for record in batch.iter().filter(|record| record.topic == topics::CRM_RECORD) {
            let desired = codec.decode(&record.value)?;
            found.insert(desired.record_key.clone(), desired);
        }
        Ok(())
    })?;
    Ok(found)
}

/// The raw log of a data directory.
struct RawRecords {
    log: Log,
    next: u64,
    read: std::vec::IntoIter<Record>,
}

impl RawRecords {
    fn new(log: Log) -> Self {
        Self {
            log,
            next: 0,
            read: Vec::new().into_iter(),
        }
    }
}

impl Iterator for RawRecords {
    type Item = Anyhow<Record>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(record) = self.read.next() {
            return Some(Ok(record));
        }
        match self.log.read(topics::RAW, self.next, CHUNK) {
            Ok(records) => {
                self.next = records.last()?.0 + 1;
                let records: Vec<Record> = records.into_iter().map(|(_, record)| record).collect();
                self.read = records.into_iter();
                self.read.next().map(Ok)
            }
            Err(error) => Some(Err(error.into())),
        }
    }
}

struct Compared {
    old: BTreeMap<String, CrmRecord>,
    new: BTreeMap<String, CrmRecord>,
}

impl Compared {
    fn print(&self, limit: usize, values: bool, as_json: bool) -> Result<(), Failure> {
        let mut counts: BTreeMap<(&'static str, String), usize> = BTreeMap::new();
        let keys: std::collections::BTreeSet<&String> = self.old.keys().chain(self.new.keys()).collect();
        let mut shown = 0;
        for key in keys {
            let (old, new) = (self.old.get(key), self.new.get(key));
            let Some(record) = new.or(old) else { continue };
            let fields = |record: Option<&CrmRecord>| record.map_or_else(Vec::new, |record| record.fields.clone());
            let differing = changes(fields(old), fields(new));
            let same = |get: fn(&CrmRecord) -> &str| old.map(get) == new.map(get);
            let links = old.map(|record| &record.associations) == new.map(|record| &record.associations);
            if old.is_some() == new.is_some() && differing.is_empty() && same(|record| &record.kind) && links {
                continue;
            }
            let what = match (old, new) {
                (None, _) => "added",
                (_, None) => "gone",
                _ => "changed",
            };
            *counts.entry((what, record.object.clone())).or_default() += 1;
            if shown >= limit {
                continue;
            }
            shown += 1;
            let show = |field: &Option<CrmField>| match field {
                None => "nothing".to_owned(),
                Some(CrmField { value: None, .. }) => "empty".to_owned(),
                Some(CrmField { value: Some(value), .. }) if values || value.starts_with('@') => format!("{value:?}"),
                Some(CrmField { value: Some(value), .. }) => format!("{} characters", value.chars().count()),
            };
            if as_json {
                let fields: Vec<_> = differing
                    .iter()
                    .map(|change| json!({"name": change.name, "before": show(&change.before), "after": show(&change.after)}))
                    .collect();
                say!(
                    "{}",
                    json!({"record_key": key, "object": record.object, "change": what, "mapping": record.mapping, "fields": fields})
                )?;
                continue;
            }
            say!("{what} {} {key} ({})", record.object, record.mapping)?;
            for change in &differing {
                say!(
                    "    {:<28} {} → {}",
                    change.name,
                    show(&change.before),
                    show(&change.after)
                )?;
            }
        }
        if as_json {
            return Ok(());
        }
        let total: usize = counts.values().sum();
        if total == 0 {
            say!("no record would change; {} are the same under both", self.new.len())?;
            return Ok(());
        }
        let listed: Vec<String> = counts
            .iter()
            .map(|((what, object), count)| format!("{count} {object}s {what}"))
            .collect();
        say!(
            "{total} records of {}: {}",
            self.old.len().max(self.new.len()),
            listed.join(", ")
        )?;
        if total > shown {
            say!("{} of them are shown; --limit shows more", shown)?;
        }
        if !values {
            say!("values are personal data, so their lengths stand here; --values shows them")?;
        }
        Ok(())
    }
}
