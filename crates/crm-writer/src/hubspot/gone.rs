//! Records that go: archived, or merged into another one.

use super::{
    HubSpot, KEY, Refusal,
    bodies::{Inputs, Merge, Write},
    properties::item_trouble,
};
use crate::sink::{Known, Linked, Outcome, Trouble};
use hilo_crm::values::Object;

impl HubSpot {
    /// Puts a record away; one that is not there is away already.
    pub(super) async fn archive(&self, object: Object, remote_id: &str) -> Outcome {
        let path = self.client.version().objects(object, remote_id);
        match self.client.delete(&path).await {
            Ok(_) => done(remote_id),
            Err(refusal) if refusal.status == 404 => done(remote_id),
            Err(refusal) => refusal.trouble.into(),
        }
    }

    /// Merges a record into another one, which may get a new id. Our properties of the one that goes are emptied first:
    /// the CRM fills gaps of the other one with them otherwise, and what we say of that person would be wrong.
    pub(super) async fn merge(&self, object: Object, into: &Linked, remote_id: &str, ours: &[String]) -> Outcome {
        match self.merged(object, into, remote_id, ours).await {
            Ok(outcome) => outcome,
            Err(refusal) => refusal.trouble.into(),
        }
    }

    async fn merged(
        &self,
        object: Object,
        into: &Linked,
        remote_id: &str,
        ours: &[String],
    ) -> Result<Outcome, Refusal> {
        // A request that was carried out without an answer shows here: both ids lead to one record.
        let winner = match self.united(object, into, remote_id).await? {
            (id, true) => return Ok(done(&id)),
            (id, false) => id,
        };
        let empty: Vec<String> = ours.iter().filter(|name| *name != KEY).cloned().collect();
        if !empty.is_empty() {
            let write = Write {
                id: remote_id.to_owned(),
                id_property: None,
                object_write_trace_id: format!("{remote_id}.merge"),
                properties: empty.iter().map(|name| (name.clone(), String::new())).collect(),
            };
            let path = self.client.version().objects(object, "batch/update");
            let answer = self.client.post(&path, &Inputs { inputs: vec![write] }, &empty).await?;
            if answer.found().is_empty() {
                let item = answer.items().into_iter().next();
                let trouble = item.map_or(Trouble::again("no_result"), |item| item_trouble(&item, &empty));
                return Ok(trouble.into());
            }
        }
        let body = Merge {
            primary_object_id: winner,
            object_id_to_merge: remote_id.to_owned(),
        };
        let path = self.client.version().objects(object, "merge");
        let answer = self.client.post(&path, &body, &[]).await?;
        match super::text(&answer.id) {
            Some(id) => Ok(done(&id)),
            None => Ok(Trouble::again("no_result").into()),
        }
    }

    /// The other one's id as it is now, and whether both are one record already.
    async fn united(&self, object: Object, into: &Linked, remote_id: &str) -> Result<(String, bool), Refusal> {
        let one = self
            .read_by_id(object, [into.remote_id.as_str()].into_iter(), &[])
            .await?;
        let Some(winner) = one.first() else {
            // The other one was removed in the CRM, or its id is old: it is looked up again by our key.
            let found = self
                .read_by_key(object, [into.record_key.as_str()].into_iter(), &[])
                .await?;
            return match found.get(&into.record_key) {
                Some(_) => Err(Refusal::of("not_found")),
                None => Err(Refusal::of("no_parent_yet")),
            };
        };
        let two = self.read_by_id(object, [remote_id].into_iter(), &[]).await?;
        // The one that goes may be gone altogether.
        let one = two.first().is_none_or(|loser| loser.id == winner.id);
        Ok((winner.id.clone(), one))
    }
}

fn done(id: &str) -> Outcome {
    Outcome::Done(Known {
        remote_id: id.to_owned(),
        ..Known::default()
    })
}
