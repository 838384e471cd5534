//! Associations that the CRM has: asked for where the links file does not know them.
//!
//! Example: a writer moved a message from ticket A to ticket B and was killed before it kept that. The message now has to
//! move to ticket C. Only the CRM knows that B has to go.

use super::{
    HubSpot, KEY,
    answers::{Answer, list, text},
    bodies::{Id, Inputs},
    properties::item_trouble,
};
use crate::sink::{Linked, Trouble};
use hilo_crm::values::Object;
use std::collections::{BTreeMap, BTreeSet};

/// Objects whose records others belong to.
const PARENTS: [Object; 3] = [Object::Contact, Object::Ticket, Object::Deal];

/// A record of which nobody knows what it belongs to.
pub(super) struct Doubtful<'a> {
    pub(super) index: usize,
    pub(super) remote_id: String,
    /// What it should belong to.
    pub(super) parents: &'a [Linked],
}

/// Records that some no longer should belong to, and the trouble of those where that stays unknown; by their index.
type Superfluous = (BTreeMap<usize, Vec<Linked>>, BTreeMap<usize, Trouble>);

/// A record, and one that it belongs to and should not.
type Suspect = (usize, String);

impl HubSpot {
    /// Looks for associations that should not be. One with a record that is not ours is somebody's work, and stays.
    pub(super) async fn superfluous(&self, from: Object, doubtful: &[Doubtful<'_>]) -> Superfluous {
        let (mut superfluous, mut troubles) = (BTreeMap::new(), BTreeMap::new());
        for one in doubtful {
            superfluous.insert(one.index, Vec::new());
        }
        // Each belongs to records of the objects before its own.
        for to in PARENTS.into_iter().take_while(|to| *to != from) {
            let suspects = self.suspects(from, to, doubtful, &mut troubles).await;
            match self.ours(to, &suspects).await {
                Ok(ours) => {
                    for (index, remote_id) in suspects {
                        if let (Some(record_key), Some(list)) = (ours.get(&remote_id), superfluous.get_mut(&index)) {
                            list.push(Linked {
                                object: to,
                                record_key: record_key.clone(),
                                remote_id,
                            });
                        }
                    }
                }
                Err(trouble) => {
                    for (index, _) in suspects {
                        troubles.entry(index).or_insert_with(|| trouble.clone());
                    }
                }
            }
        }
        (superfluous, troubles)
    }

    /// Associations with records of an object that should not be there. People may have made some of them.
    async fn suspects(
        &self,
        from: Object,
        to: Object,
        doubtful: &[Doubtful<'_>],
        troubles: &mut BTreeMap<usize, Trouble>,
    ) -> Vec<Suspect> {
        if doubtful.is_empty() {
            return Vec::new();
        }
        let body = Inputs {
            inputs: doubtful.iter().map(|one| Id::from(one.remote_id.as_str())).collect(),
        };
        let path = self.client.version().associations(from, to, "read");
        let answer = match self.client.post(&path, &body, &[]).await {
            Ok(answer) => answer,
            Err(refusal) => {
                for one in doubtful {
                    troubles.entry(one.index).or_insert_with(|| refusal.trouble.clone());
                }
                return Vec::new();
            }
        };
        let others = read(&answer);
        let mut suspects = Vec::new();
        for one in doubtful {
            match others.get(&one.remote_id) {
                Some(Ok(ids)) => {
                    let should = |id: &&String| {
                        let is_it = |parent: &Linked| parent.object == to && parent.remote_id == **id;
                        one.parents.iter().any(is_it)
                    };
                    suspects.extend(ids.iter().filter(|id| !should(id)).map(|id| (one.index, id.clone())));
                }
                Some(Err(trouble)) => {
                    troubles.entry(one.index).or_insert_with(|| trouble.clone());
                }
                // It said yes and did not look.
                None => {
                    troubles.entry(one.index).or_insert_with(|| Trouble::again("no_result"));
                }
            }
        }
        suspects
    }

    /// Our keys of those that have one, by the CRM's ids.
    async fn ours(&self, object: Object, suspects: &[Suspect]) -> Result<BTreeMap<String, String>, Trouble> {
        let ids: BTreeSet<&str> = suspects.iter().map(|(_, id)| id.as_str()).collect();
        let ids: Vec<&str> = ids.into_iter().collect();
        let mut ours = BTreeMap::new();
        for ids in ids.chunks(super::BATCH) {
            let found = self.read_by_id(object, ids.iter().copied(), &[]).await;
            for found in found.map_err(|refusal| refusal.trouble)? {
                if let Some(key) = found.value(KEY) {
                    ours.insert(found.id.clone(), key.to_owned());
                }
            }
        }
        Ok(ours)
    }
}

/// What an answer says of each record: the ids of its others, or why they are not known.
fn read(answer: &Answer) -> BTreeMap<String, Result<Vec<String>, Trouble>> {
    let mut others = BTreeMap::new();
    for item in answer.items() {
        let none = item.words().iter().any(|word| word.ends_with("NO_ASSOCIATIONS_FOUND"));
        for id in item.about() {
            let said = if none {
                Ok(Vec::new())
            } else {
                Err(item_trouble(&item, &[]))
            };
            others.insert(id, said);
        }
    }
    for result in &answer.results {
        if let Some(id) = result.get("from").and_then(|from| text(from.get("id")?)) {
            let ids = list(result, "to").iter().filter_map(|to| text(to.get("toObjectId")?));
            others.insert(id, Ok(ids.collect()));
        }
    }
    others
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_says_of_each_record_what_it_belongs_to() {
        let answer = Answer::parse(
            br#"{"status": "COMPLETE", "results": [{"from": {"id": "7"}, "to": [
                   {"toObjectId": 512, "associationTypes": []}, {"toObjectId": "513", "associationTypes": []}]}],
                 "errors": [
                   {"category": "OBJECT_NOT_FOUND", "subCategory": "crm.associations.NO_ASSOCIATIONS_FOUND",
                    "message": "No contact is associated with communication 8.", "context": {"fromObjectId": ["8"]}},
                   {"category": "INTERNAL_ERROR", "message": "later", "context": {"fromObjectId": ["9"]}}]}"#,
        );
        let read = read(&answer);
        assert_eq!(read["7"], Ok(vec!["512".to_owned(), "513".to_owned()]));
        assert_eq!(read["8"], Ok(Vec::new()));
        assert!(read["9"].is_err());
        assert_eq!(read.len(), 3);
    }
}
