//! What another mapping would change, record by record and field by field: the gate before anyone feels it.

use super::Mappings;
use crate::values::{Object, Values};
use hilo_contracts::facts::CrmField;
use std::collections::BTreeMap;

/// A record, by the values that a mapping sees.
#[derive(Clone, Debug)]
pub struct DiffRecord {
    /// Object.
    pub object: Object,
    /// Its key.
    pub key: String,
    /// Country that decides which overlay it has.
    pub country: Option<String>,
    /// What is known of it.
    pub values: Values,
}

/// What would become of one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldChange {
    /// Property.
    pub name: String,
    /// What the old mapping writes; none: nothing.
    pub before: Option<CrmField>,
    /// What the new mapping writes; none: nothing.
    pub after: Option<CrmField>,
}

/// What would become of one record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordChange {
    /// Object.
    pub object: Object,
    /// Its key.
    pub key: String,
    /// Mapping of old and new.
    pub mappings: (String, String),
    /// By property.
    pub fields: Vec<FieldChange>,
}

/// Records that the new mapping would write otherwise, in their order.
pub fn diff<'a>(
    old: &'a Mappings,
    new: &'a Mappings,
    records: impl IntoIterator<Item = DiffRecord> + 'a,
) -> impl Iterator<Item = RecordChange> + 'a {
    records.into_iter().filter_map(move |record| {
        let (before, after) = (old.of(record.country.as_deref()), new.of(record.country.as_deref()));
        let fields = changes(
            before.fields(record.object, &record.values),
            after.fields(record.object, &record.values),
        );
        (!fields.is_empty()).then(|| RecordChange {
            object: record.object,
            key: record.key,
            mappings: (before.name().to_owned(), after.name().to_owned()),
            fields,
        })
    })
}

/// Fields that differ, by name.
#[must_use]
pub fn changes(before: Vec<CrmField>, after: Vec<CrmField>) -> Vec<FieldChange> {
    let mut fields: BTreeMap<String, (Option<CrmField>, Option<CrmField>)> = BTreeMap::new();
    for field in before {
        let name = field.name.clone();
        fields.entry(name).or_default().0 = Some(field);
    }
    for field in after {
        let name = field.name.clone();
        fields.entry(name).or_default().1 = Some(field);
    }
    fields
        .into_iter()
        .filter(|(_, (before, after))| before != after)
        .map(|(name, (before, after))| FieldChange { name, before, after })
        .collect()
}
