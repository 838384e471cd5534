//! Associations of records that were just written, in batches, by the CRM's default labels: doing it twice is no harm.

use super::{
    HubSpot,
    bodies::{Id, Inputs, Pair, Unpair},
    properties::item_trouble,
};
use crate::sink::{Linked, Trouble};
use hilo_crm::values::Object;
use std::collections::BTreeMap;

/// A record with its id, and those that it has to belong to, or no longer should.
pub(super) struct Wanted<'a> {
    pub(super) index: usize,
    pub(super) remote_id: String,
    pub(super) add: Vec<&'a Linked>,
    pub(super) remove: Vec<&'a Linked>,
}

impl HubSpot {
    /// Makes associations; gives the trouble of each record that has some, by its index.
    pub(super) async fn associate(&self, from: Object, wanted: &[Wanted<'_>]) -> BTreeMap<usize, Trouble> {
        let mut troubles = BTreeMap::new();
        // Removed first: an old id may lead to a record that is added again.
        for to in Object::ALL {
            let stale: Vec<(usize, Unpair)> = wanted
                .iter()
                .flat_map(|one| {
                    one.remove
                        .iter()
                        .filter(|linked| linked.object == to)
                        .map(move |linked| (one, linked))
                })
                .map(|(one, linked)| {
                    let Pair { from, to } = pair(&one.remote_id, &linked.remote_id);
                    (one.index, Unpair { from, to: vec![to] })
                })
                .collect();
            self.remove(from, to, stale, &mut troubles).await;
            let pairs: Vec<(usize, Pair)> = wanted
                .iter()
                .flat_map(|one| {
                    one.add
                        .iter()
                        .filter(|linked| linked.object == to)
                        .map(move |linked| (one, linked))
                })
                .map(|(one, linked)| (one.index, pair(&one.remote_id, &linked.remote_id)))
                .collect();
            self.add(from, to, pairs, &mut troubles).await;
        }
        troubles
    }

    async fn add(&self, from: Object, to: Object, pairs: Vec<(usize, Pair)>, troubles: &mut BTreeMap<usize, Trouble>) {
        let path = self.client.version().associations(from, to, "associate/default");
        let mut open = vec![pairs];
        while let Some(pairs) = open.pop() {
            if pairs.is_empty() {
                continue;
            }
            let body = Inputs {
                inputs: pairs.iter().map(|(_, pair)| pair.clone()).collect(),
            };
            let trouble = match self.client.post(&path, &body, &[]).await {
                Ok(answer) if answer.errors.is_empty() && !answer.results.is_empty() => continue,
                Ok(answer) => match answer.items().first() {
                    Some(item) => item_trouble(item, &[]),
                    None => Trouble::again("no_result"),
                },
                Err(refusal) => refusal.trouble,
            };
            // One wrong id must not keep the others from it. The CRM does not name it reliably.
            let one_is_wrong = matches!(
                trouble,
                Trouble::Reject { .. } | Trouble::Retry { code: "not_found", .. }
            );
            if one_is_wrong && pairs.len() > 1 {
                let mut pairs = pairs;
                let half = pairs.split_off(pairs.len() / 2);
                open.extend([pairs, half]);
                continue;
            }
            for (index, _) in pairs {
                troubles.entry(index).or_insert_with(|| trouble.clone());
            }
        }
    }

    async fn remove(
        &self,
        from: Object,
        to: Object,
        stale: Vec<(usize, Unpair)>,
        troubles: &mut BTreeMap<usize, Trouble>,
    ) {
        if stale.is_empty() {
            return;
        }
        let path = self.client.version().associations(from, to, "archive");
        let body = Inputs {
            inputs: stale.iter().map(|(_, unpair)| unpair.clone()).collect(),
        };
        match self.client.post(&path, &body, &[]).await {
            Ok(_) => {}
            // A record that is gone has no associations.
            Err(refusal) if refusal.trouble.code() == "not_found" => {}
            Err(refusal) => {
                for (index, _) in stale {
                    troubles.entry(index).or_insert_with(|| refusal.trouble.clone());
                }
            }
        }
    }
}

fn pair(from: &str, to: &str) -> Pair {
    Pair {
        from: Id::from(from),
        to: Id::from(to),
    }
}
