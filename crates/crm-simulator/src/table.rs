//! The records of one object: by id, by unique value, and what searches see of them.

use crate::{
    catalogue,
    definition::Definition,
    object::Object,
    pipeline::{Pipeline, Stage},
};
use std::collections::{BTreeMap, HashMap};

/// Names to values.
pub(crate) type Properties = BTreeMap<String, String>;

/// A record.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(crate) id: u64,
    pub(crate) properties: Properties,
    pub(crate) created_at: i64,
    pub(crate) updated_at: i64,
    pub(crate) archived_at: Option<i64>,
    /// Ids that it had before merges.
    pub(crate) merged: Vec<u64>,
    /// What searches see.
    pub(crate) indexed: Option<Properties>,
    /// Call and time of the last change that searches do not see yet.
    pub(crate) changed: Option<(u64, i64)>,
}

/// Definitions and records of an object.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    pub(crate) definitions: BTreeMap<String, Definition>,
    /// Names to labels.
    pub(crate) groups: BTreeMap<String, String>,
    pub(crate) pipelines: Vec<Pipeline>,
    pub(crate) records: BTreeMap<u64, Record>,
    /// Ids of merged records to what they became.
    pub(crate) became: HashMap<u64, u64>,
    unique: HashMap<String, HashMap<String, u64>>,
}

impl Table {
    pub(crate) fn new(object: Object, now: i64) -> Self {
        let definitions = catalogue::definitions(object, now);
        let unique = definitions.values().filter(|one| one.unique);
        Self {
            unique: unique.map(|one| (one.name.clone(), HashMap::new())).collect(),
            groups: BTreeMap::from([(catalogue::group(object), format!("{} information", object.singular()))]),
            pipelines: catalogue::pipelines(object, now),
            records: BTreeMap::new(),
            became: HashMap::new(),
            definitions,
        }
    }

    /// Adds a definition.
    pub(crate) fn define(&mut self, definition: Definition) {
        if definition.unique {
            self.unique.entry(definition.name.clone()).or_default();
        }
        self.definitions.insert(definition.name.clone(), definition);
    }

    /// Whether a property is one whose values are unique.
    pub(crate) fn is_unique(&self, property: &str) -> bool {
        self.unique.contains_key(property)
    }

    /// Who holds a unique value.
    pub(crate) fn holder(&self, property: &str, value: &str) -> Option<u64> {
        self.unique.get(property)?.get(value).copied()
    }

    /// A record that is there, by its id or by one that it had before a merge.
    pub(crate) fn living(&self, id: u64) -> Option<&Record> {
        let id = self.became.get(&id).copied().unwrap_or(id);
        self.records.get(&id).filter(|record| record.archived_at.is_none())
    }

    /// Puts a record in the place of what was there, and keeps unique values right.
    pub(crate) fn put(&mut self, record: Record) -> Option<Record> {
        let before = self.take(record.id);
        if record.archived_at.is_none() {
            for (property, holders) in &mut self.unique {
                if let Some(value) = record.properties.get(property) {
                    holders.insert(value.clone(), record.id);
                }
            }
        }
        self.records.insert(record.id, record);
        before
    }

    /// Takes a record out.
    pub(crate) fn take(&mut self, id: u64) -> Option<Record> {
        let record = self.records.remove(&id)?;
        for (property, holders) in &mut self.unique {
            if let Some(value) = record.properties.get(property)
                && holders.get(value) == Some(&id)
            {
                holders.remove(value);
            }
        }
        Some(record)
    }

    /// Takes a definition and all its values away.
    pub(crate) fn undefine(&mut self, name: &str) {
        self.definitions.remove(name);
        self.unique.remove(name);
        for record in self.records.values_mut() {
            record.properties.remove(name);
        }
    }

    /// A stage and its pipeline.
    pub(crate) fn stage(&self, id: &str) -> Option<(&Pipeline, &Stage)> {
        self.pipelines
            .iter()
            .find_map(|pipeline| Some((pipeline, pipeline.stages.iter().find(|stage| stage.id == id)?)))
    }
}
