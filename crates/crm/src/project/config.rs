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

/// The tenant of a fact, without decoding it: each fact that `project` reads begins with its id and its tenant. A
/// tenant without a CRM costs no more than this.
pub(super) fn tenant_of(datum: &[u8]) -> Option<&str> {
    let (id, rest) = length(datum)?;
    let (tenant, rest) = length(rest.get(id..)?)?;
    std::str::from_utf8(rest.get(..tenant)?).ok()
}

/// An Avro length, and what follows it.
fn length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut value = 0u64;
    for (place, byte) in bytes.iter().enumerate().take(9) {
        value |= u64::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            // Zigzag: a length is even; an odd one is negative, and no length.
            return (value & 1 == 0).then(|| ((value >> 1) as usize, &bytes[place + 1..]));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use hilo_contracts::{
        codec::{self, Codec as _},
        facts::{Consent, Conversation, Identity, Status},
    };

    #[test]
    fn the_tenant_of_each_fact_stands_where_it_is_looked_for() {
        let tenant = "acme-".repeat(40);
        let (event_id, tenant) = ("e".repeat(70), tenant.as_str());
        let mut data = vec![
            codec::identity()
                .encode(&Identity {
                    event_id: event_id.clone(),
                    tenant: tenant.into(),
                    ..Identity::default()
                })
                .unwrap(),
        ];
        data.push(
            codec::conversation()
                .encode(&Conversation {
                    event_id: event_id.clone(),
                    tenant: tenant.into(),
                    ..Conversation::default()
                })
                .unwrap(),
        );
        data.push(
            codec::status()
                .encode(&Status {
                    event_id: event_id.clone(),
                    tenant: tenant.into(),
                    ..Status::default()
                })
                .unwrap(),
        );
        data.push(
            codec::consent()
                .encode(&Consent {
                    event_id,
                    tenant: tenant.into(),
                    ..Consent::default()
                })
                .unwrap(),
        );
        for datum in data {
            assert_eq!(tenant_of(&datum), Some(tenant));
        }
        assert_eq!(tenant_of(&[]), None);
        assert_eq!(tenant_of(&[0xff; 12]), None);
        assert_eq!(tenant_of(&[2]), None);
    }
}
