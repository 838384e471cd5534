//! What tests and people may look at: records as they are, and counts of what was asked.

use crate::{association::Place, object::Object, portal::Portal};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Counts since the portal began.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Calls by method and address, ids left out.
    pub calls: BTreeMap<String, u64>,
    /// Answers by status. Those that never left count under 0.
    pub statuses: BTreeMap<u16, u64>,
    /// Misbehaviour that happened, by kind.
    pub misbehaved: BTreeMap<String, u64>,
    /// Fields of inputs that were ignored without a word, as the real one does: each is a mistake of the client.
    pub ignored: BTreeMap<String, u64>,
}

impl Counts {
    /// Calls whose name contains `part`.
    #[must_use]
    pub fn calls_of(&self, part: &str) -> u64 {
        let named = self.calls.iter().filter(|(name, _)| name.contains(part));
        named.map(|(_, count)| count).sum()
    }
}

/// A record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// Its id.
    pub id: String,
    /// Its values.
    pub properties: BTreeMap<String, String>,
    /// Whether it was put away.
    pub archived: bool,
    /// Ids that it had before merges.
    pub merged: Vec<String>,
    /// Ids that it is associated with, by object, in the order of the ids.
    pub associations: BTreeMap<String, Vec<String>>,
}

/// A portal at one time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// Records by the name of their object.
    pub records: BTreeMap<String, Vec<Seen>>,
    /// Counts.
    pub counts: Counts,
    /// Associations, each counted once.
    pub associations: usize,
    /// Calls of this day.
    pub daily_used: u32,
    /// Answers that are held.
    pub held: usize,
}

impl State {
    /// Records of an object that are not archived.
    #[must_use]
    pub fn of(&self, object: Object) -> Vec<&Seen> {
        let records = self.records.get(object.name()).map(Vec::as_slice).unwrap_or_default();
        records.iter().filter(|record| !record.archived).collect()
    }
}

impl Portal {
    /// The state, with records or without.
    pub(crate) fn state(&self, with_records: bool) -> State {
        let records = self.tables.iter().filter(|_| with_records).map(|(object, table)| {
            let seen = table.records.values().map(|record| Seen {
                id: record.id.to_string(),
                properties: record.properties.clone(),
                archived: record.archived_at.is_some(),
                merged: record.merged.iter().map(u64::to_string).collect(),
                associations: self.associated((*object, record.id)),
            });
            (object.name().to_owned(), seen.collect())
        });
        State {
            records: records.collect(),
            counts: self.counts.clone(),
            associations: self.associations.count(),
            daily_used: self.rate.used(),
            held: 0,
        }
    }

    fn associated(&self, place: Place) -> BTreeMap<String, Vec<String>> {
        let by_object = Object::ALL.into_iter().map(|object| {
            let ids = self.associations.with(place, object).map(|(id, _)| id.to_string());
            (object.name().to_owned(), ids.collect::<Vec<_>>())
        });
        by_object.filter(|(_, ids)| !ids.is_empty()).collect()
    }
}
