//! Types of associations that HubSpot defines, and who is associated with whom.

use crate::object::Object;
use std::collections::{BTreeMap, BTreeSet};

/// One record.
pub(crate) type Place = (Object, u64);

/// From, to, type id, type id of the way back. The first of a pair is its default.
const TYPES: [(Object, Object, u32, u32); 18] = [
    (Object::Contacts, Object::Tickets, 15, 16),
    (Object::Contacts, Object::Deals, 4, 3),
    (Object::Deals, Object::Tickets, 27, 28),
    (Object::Communications, Object::Contacts, 81, 82),
    (Object::Communications, Object::Tickets, 83, 84),
    (Object::Communications, Object::Deals, 85, 86),
    (Object::Communications, Object::Companies, 87, 88),
    (Object::Notes, Object::Contacts, 202, 201),
    (Object::Notes, Object::Companies, 190, 189),
    (Object::Notes, Object::Deals, 214, 213),
    (Object::Notes, Object::Tickets, 228, 227),
    (Object::Tasks, Object::Contacts, 204, 203),
    (Object::Tasks, Object::Companies, 192, 191),
    (Object::Tasks, Object::Deals, 216, 215),
    (Object::Tasks, Object::Tickets, 230, 229),
    (Object::Contacts, Object::Companies, 279, 280),
    (Object::Tickets, Object::Companies, 339, 340),
    (Object::Deals, Object::Companies, 341, 342),
];

fn ways() -> impl Iterator<Item = (Object, Object, u32, u32)> {
    TYPES
        .into_iter()
        .flat_map(|(from, to, there, back)| [(from, to, there, back), (to, from, back, there)])
}

/// The type without a label from one object to another.
pub(crate) fn default_type(from: Object, to: Object) -> Option<u32> {
    ways().find(|way| way.0 == from && way.1 == to).map(|way| way.2)
}

/// Where a type leads from an object; `None` when it does not begin there.
pub(crate) fn leads_to(from: Object, type_id: u32) -> Option<Object> {
    ways().find(|way| way.0 == from && way.2 == type_id).map(|way| way.1)
}

fn way_back(from: Object, type_id: u32) -> Option<u32> {
    ways().find(|way| way.0 == from && way.2 == type_id).map(|way| way.3)
}

/// Who is associated with whom; each association is kept from both sides.
#[derive(Clone, Debug, Default)]
pub(crate) struct Associations {
    of: BTreeMap<Place, BTreeMap<Place, BTreeSet<u32>>>,
}

impl Associations {
    /// Associates; doing it again changes nothing. Says whether it is new.
    pub(crate) fn add(&mut self, from: Place, to: Place, type_id: u32) -> bool {
        let back = way_back(from.0, type_id);
        let new = self.of.entry(from).or_default().entry(to).or_default().insert(type_id);
        if let Some(back) = back {
            self.of.entry(to).or_default().entry(from).or_default().insert(back);
        }
        new
    }

    /// Takes one type away, or all.
    pub(crate) fn remove(&mut self, from: Place, to: Place, type_id: Option<u32>) {
        self.remove_side(from, to, type_id);
        self.remove_side(to, from, type_id.and_then(|type_id| way_back(from.0, type_id)));
    }

    fn remove_side(&mut self, from: Place, to: Place, type_id: Option<u32>) {
        let Some(others) = self.of.get_mut(&from) else { return };
        let empty = match (others.get_mut(&to), type_id) {
            (Some(types), Some(type_id)) => {
                types.remove(&type_id);
                types.is_empty()
            }
            _ => true,
        };
        if empty {
            others.remove(&to);
        }
        if others.is_empty() {
            self.of.remove(&from);
        }
    }

    /// Takes a record out of all its associations.
    pub(crate) fn forget(&mut self, place: Place) {
        for (other, _) in self.of.remove(&place).unwrap_or_default() {
            self.remove_side(other, place, None);
        }
    }

    /// Gives the associations of one record to another.
    pub(crate) fn hand_over(&mut self, from: Place, to: Place) {
        for (other, types) in self.of.get(&from).cloned().unwrap_or_default() {
            for type_id in types {
                self.add(to, other, type_id);
            }
        }
        self.forget(from);
    }

    /// Of a record with those of an object: id and types.
    pub(crate) fn with(&self, place: Place, object: Object) -> impl Iterator<Item = (u64, &BTreeSet<u32>)> {
        self.of
            .get(&place)
            .into_iter()
            .flatten()
            .filter(move |(other, _)| other.0 == object)
            .map(|(other, types)| (other.1, types))
    }

    /// How many there are, each counted once.
    pub(crate) fn count(&self) -> usize {
        self.of
            .values()
            .flat_map(BTreeMap::values)
            .map(BTreeSet::len)
            .sum::<usize>()
            / 2
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_belongs_to_one_pair_and_one_way() {
        assert_eq!(default_type(Object::Tickets, Object::Contacts), Some(16));
        assert_eq!(default_type(Object::Communications, Object::Contacts), Some(81));
        assert_eq!(leads_to(Object::Contacts, 81), None);
        assert_eq!(leads_to(Object::Contacts, 82), Some(Object::Communications));
        let mut seen = BTreeSet::new();
        assert!(
            ways().all(|way| seen.insert(way.2)),
            "a type id stands for one way only"
        );
    }

    #[test]
    fn both_sides_know_and_forget() {
        let (contact, ticket, other) = ((Object::Contacts, 1), (Object::Tickets, 2), (Object::Contacts, 3));
        let mut associations = Associations::default();
        assert!(associations.add(contact, ticket, 15));
        assert!(!associations.add(contact, ticket, 15));
        let types = |associations: &Associations, place, object| {
            associations
                .with(place, object)
                .map(|(id, types)| (id, types.iter().copied().collect::<Vec<_>>()))
                .collect::<Vec<_>>()
        };
        assert_eq!(types(&associations, ticket, Object::Contacts), [(1, vec![16])]);
        associations.hand_over(contact, other);
        assert_eq!(types(&associations, ticket, Object::Contacts), [(3, vec![16])]);
        assert_eq!(associations.count(), 1);
        associations.remove(ticket, other, Some(16));
        assert_eq!(associations.count(), 0);
    }
}
