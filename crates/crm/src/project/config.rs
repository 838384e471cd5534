//! Which tenant has which CRM, and by which mapping.

use super::{Key, key};
use crate::{
    campaigns::Campaigns,
    mapping::{Mapping, Mappings},
};
use std::{collections::BTreeMap, fmt::Write as _};

/// What `project` is told by the configuration.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// CRM by tenant.
    pub tenants: BTreeMap<String, Target>,
    /// CRM of every tenant that is not named; without it they have none.
    pub others: Option<Target>,
}

/// The CRM of a tenant.
#[derive(Clone, Debug)]
pub struct Target {
    /// Name of the sink: `hubspot`.
    pub sink: String,
    /// What its records hold.
    pub mappings: Mappings,
    /// Campaigns of ads and tracked tokens.
    pub campaigns: Campaigns,
}

impl Config {
    /// The CRM of a tenant.
    #[must_use]
    pub fn of(&self, tenant: &str) -> Option<&Target> {
        self.tenants.get(tenant).or(self.others.as_ref())
    }

    /// Whether nobody has a CRM.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tenants.is_empty() && self.others.is_none()
    }
}

impl Config {
    /// What records are made by, as a hash.
    pub(super) fn hash(&self) -> Key {
        let mut text = String::new();
        let named = self.tenants.iter().map(|(name, target)| (name.as_str(), target));
        for (name, target) in named.chain(self.others.iter().map(|target| ("", target))) {
            let mappings: Vec<&str> = target.mappings.all().map(Mapping::hash).collect();
            let _ = writeln!(text, "{name:?} {:?} {mappings:?} {:?}", target.sink, target.campaigns);
        }
        key("crm_config", &[text.as_bytes()])
    }
}
