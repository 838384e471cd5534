//! Which places of the topic are at rest: a partition is committed up to its first open place.

use crate::{edge::Place, facts::Lane};
use std::collections::{BTreeMap, HashMap};

/// Open places, where they have to wait for a published outcome.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    /// Whether each place from the first open one on is at rest.
    places: BTreeMap<i32, BTreeMap<i64, bool>>,
    by_key: HashMap<(Lane, String), Vec<(i64, Place)>>,
    open: usize,
}

impl Ledger {
    /// A place is open until its record, or a newer revision of it, comes to rest.
    pub(crate) fn opened(&mut self, lane: &Lane, record_key: &str, revision: i64, place: Place) {
        self.places
            .entry(place.partition)
            .or_default()
            .insert(place.offset, false);
        self.by_key
            .entry((lane.clone(), record_key.to_owned()))
            .or_default()
            .push((revision, place));
        self.open += 1;
    }

    /// A place was at rest from the start.
    pub(crate) fn passed(&mut self, place: Place) -> Option<Place> {
        self.places
            .entry(place.partition)
            .or_default()
            .insert(place.offset, true);
        self.frontier(place.partition)
    }

    /// Records came to rest; gives the places up to which their partitions can be committed.
    pub(crate) fn settle(&mut self, lane: &Lane, rested: &[(String, i64)]) -> Vec<Place> {
        let mut touched = Vec::new();
        for (key, revision) in rested {
            let key = (lane.clone(), key.clone());
            let Some(open) = self.by_key.get_mut(&key) else {
                continue;
            };
            open.retain(|(waiting, place)| {
                if waiting > revision {
                    return true;
                }
                if let Some(at_rest) = self
                    .places
                    .get_mut(&place.partition)
                    .and_then(|p| p.get_mut(&place.offset))
                {
                    *at_rest = true;
                }
                self.open -= 1;
                touched.push(place.partition);
                false
            });
            if open.is_empty() {
                self.by_key.remove(&key);
            }
        }
        touched.sort_unstable();
        touched.dedup();
        touched
            .into_iter()
            .filter_map(|partition| self.frontier(partition))
            .collect()
    }

    /// A partition is another writer's now.
    pub(crate) fn forget(&mut self, partition: i32) {
        self.places.remove(&partition);
        self.by_key.retain(|_, open| {
            let before = open.len();
            open.retain(|(_, place)| place.partition != partition);
            self.open -= before - open.len();
            !open.is_empty()
        });
    }

    /// How many places are open.
    pub(crate) fn open(&self) -> usize {
        self.open
    }

    fn frontier(&mut self, partition: i32) -> Option<Place> {
        let places = self.places.get_mut(&partition)?;
        let mut last = None;
        while let Some(entry) = places.first_entry().filter(|entry| *entry.get()) {
            last = Some(*entry.key());
            entry.remove();
        }
        last.map(|offset| Place { partition, offset })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(offset: i64) -> Place {
        Place { partition: 3, offset }
    }

    #[test]
    fn a_partition_is_committed_up_to_its_first_open_place() {
        let lane = Lane {
            tenant: "t".into(),
            sink: "s".into(),
        };
        let mut ledger = Ledger::default();
        ledger.opened(&lane, "a", 1, at(10));
        ledger.opened(&lane, "b", 1, at(11));
        assert_eq!(ledger.passed(at(12)), None, "10 is open");
        ledger.opened(&lane, "a", 2, at(13));
        assert_eq!(ledger.settle(&lane, &[("b".into(), 1)]), [], "10 is open still");
        assert_eq!(
            ledger.settle(&lane, &[("a".into(), 1)]),
            [at(12)],
            "revision 2 of it is not at rest"
        );
        assert_eq!(
            (ledger.open(), ledger.settle(&lane, &[("a".into(), 9)])),
            (1, vec![at(13)])
        );
        assert_eq!(ledger.open(), 0);
    }

    #[test]
    fn a_newer_revision_at_rest_settles_older_places() {
        let lane = Lane {
            tenant: "t".into(),
            sink: "s".into(),
        };
        let mut ledger = Ledger::default();
        ledger.opened(&lane, "a", 1, at(1));
        ledger.opened(&lane, "a", 2, at(2));
        assert_eq!(ledger.settle(&lane, &[("a".into(), 2)]), [at(2)]);
        ledger.opened(&lane, "a", 3, at(3));
        ledger.forget(3);
        assert_eq!(
            (ledger.open(), ledger.settle(&lane, &[("a".into(), 3)])),
            (0, vec![]),
            "another writer's"
        );
    }
}
