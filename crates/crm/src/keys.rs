//! Keys of records and hashes of what they hold. They never change: a CRM holds them for ever.

use crate::values::Object;
use hilo_contracts::facts::CrmRecord;
use hilo_domain::hash::{self, IdHasher};

/// Our own key of a record, by what it is of: the parts of its natural id, for example a session's.
#[must_use]
pub fn record_key(tenant: &str, object: Object, natural: &[&str]) -> String {
    let mut parts: Vec<&[u8]> = vec![tenant.as_bytes(), object.as_str().as_bytes()];
    parts.extend(natural.iter().map(|part| part.as_bytes()));
    format!("gr_{}", &hash::id("crm_record", &parts)[..24])
}

/// Key of a record on its topics. The state of a sink as a whole has an empty object and key.
#[must_use]
pub fn record_topic_key(tenant: &str, sink: &str, object: &str, record_key: &str) -> Vec<u8> {
    let mut hasher = IdHasher::new("crm_topic");
    for part in [tenant, sink, object, record_key] {
        hasher.update(part.as_bytes());
    }
    hasher.bytes().to_vec()
}

/// Hash of what a CRM has to hold: records of one hash need no write.
#[must_use]
pub fn content_hash(record: &CrmRecord) -> String {
    let mut parts: Vec<&[u8]> = vec![record.kind.as_bytes()];
    parts.push(record.alias_of.as_deref().unwrap_or_default().as_bytes());
    parts.push(record.adopt_id.as_deref().unwrap_or_default().as_bytes());
    for field in &record.fields {
        let value = field.value.as_deref();
        let mark: &[u8] = if value.is_some() { b"=" } else { b"-" };
        parts.extend([field.name.as_bytes(), mark, value.unwrap_or_default().as_bytes()]);
        parts.push(field.write.as_bytes());
    }
    parts.push(b"belongs to");
    for association in &record.associations {
        parts.extend([association.object.as_bytes(), association.record_key.as_bytes()]);
    }
    hash::id("crm_content", &parts)[..32].to_owned()
}
