//! The topology: which processors run over which topics. A new processor is one line here.

use anyhow::Result;
use hilo_contracts::topics;
use hilo_crm::project::Config as CrmConfig;
use hilo_metrics::Config as MetricsConfig;
use hilo_stream::{ProcessorError, ProcessorSpec, Record, TopicKind, TopicSpec, Topology};
use std::collections::BTreeMap;

/// What the processors need to know of the configuration.
#[derive(Clone, Debug, Default)]
pub struct Tenants {
    /// How items are read, by tenant.
    pub settings: BTreeMap<String, hilo_normalize::Tenant>,
    /// IANA time zone, by tenant.
    pub time_zones: BTreeMap<String, String>,
    /// CRM, by tenant.
    pub crm: CrmConfig,
}

/// All processors, in the order in which records flow.
pub fn topology(tenants: &Tenants) -> Result<Topology> {
    let processors: Vec<ProcessorSpec> = vec![
        hilo_normalize::normalize_spec(tenants.settings.clone()),
        hilo_deduplicate::spec(),
        hilo_normalize::count_spec(),
        hilo_identity::spec(),
        hilo_conversation::spec(),
        hilo_status::spec(),
        hilo_consent::spec(),
        hilo_account::spec(),
        hilo_metrics::spec(&MetricsConfig {
            time_zones: tenants.time_zones.clone(),
        })?,
        hilo_crm::spec(&tenants.crm),
    ];
    Ok(Topology::new(vec![raw(), crm_write()], processors)?)
}

/// What the writers of the CRMs tell: no processor makes it.
fn crm_write() -> TopicSpec {
    TopicSpec {
        name: topics::CRM_WRITE,
        kind: TopicKind::Derived,
        key: "tenant, sink, object and record",
        schema: Some(topics::CRM_WRITE),
        kept: "compacted: the last outcome of each record stays, for it is the link to the CRM's own record",
        doc: "What became of each desired record in its CRM, and how the CRM is.",
    }
}

/// The topic that everything starts from.
fn raw() -> TopicSpec {
    TopicSpec {
        name: topics::RAW,
        kind: TopicKind::Raw,
        key: "hash of the first contact, else of the subject",
        schema: Some(topics::RAW),
        kept: "30 days: long enough to rebuild everything after a mistake, short enough for personal data in the clear",
        doc: "One record a delivery or capture line: the verbatim bytes and their receipt.",
    }
}

/// A record that no processor could take, as a dead letter: whole, with its reason.
pub fn dead_letter(record: &Record, reason: &'static str, detail: &str) -> Result<Record, ProcessorError> {
    hilo_normalize::dead_letter(record, reason, detail)
}
