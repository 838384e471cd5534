//! What to do with a record that waits: which records go before it, and which request it becomes.

use super::{
    WriterError,
    finish::{Ended, One},
    lane::{Runner, millis},
};
use crate::{
    links::{Parent, Rest, Settled, Wait, Waiting},
    sink::{Act, Item, Linked, Trouble},
};
use hilo_crm::values::Object;
use hilo_service::clock;
use std::collections::{BTreeMap, BTreeSet};

/// A plan.
pub(super) enum Planned {
    /// It goes to the CRM.
    Write(Box<Item>),
    /// It does not, for now or for good.
    Ended(Box<One>),
}

impl Runner {
    /// Looks up what is not known here: records that others belong to, and records that have to go.
    pub(super) async fn look_up(
        &self,
        object: Object,
        batch: &mut [Waiting],
    ) -> Result<Result<(), Trouble>, WriterError> {
        let mut wanted: BTreeMap<Object, BTreeSet<String>> = BTreeMap::new();
        for waiting in batch.iter() {
            for parent in &waiting.parents {
                if let Parent::Unknown(object, key) = parent {
                    wanted.entry(*object).or_default().insert(key.clone());
                }
            }
            if goes(waiting)
                && waiting
                    .link
                    .as_ref()
                    .is_none_or(|link| link.kind != "merged" && link.own_id().is_none())
            {
                wanted
                    .entry(object)
                    .or_default()
                    .insert(waiting.record.record_key.clone());
            }
        }
        let at_once = self.shared.sink.capabilities().batch;
        let mut found: Vec<Linked> = Vec::new();
        for (object, keys) in wanted {
            let keys: Vec<String> = keys.into_iter().collect();
            for keys in keys.chunks(at_once) {
                match self.shared.sink.find(object, keys).await {
                    Ok(ids) => found.extend(ids.into_iter().map(|(record_key, remote_id)| Linked {
                        object,
                        record_key,
                        remote_id,
                    })),
                    Err(trouble) => return Ok(Err(trouble)),
                }
            }
        }
        if found.is_empty() {
            return Ok(Ok(()));
        }
        for waiting in batch.iter_mut() {
            for parent in &mut waiting.parents {
                if let Parent::Unknown(_, key) = parent
                    && let Some(linked) = found.iter().find(|linked| linked.record_key == *key)
                {
                    *parent = Parent::There(linked.clone());
                }
            }
            if let Some(own) = found
                .iter()
                .find(|linked| linked.record_key == waiting.record.record_key)
            {
                let link = waiting.link.get_or_insert_default();
                link.remote_id = Some(own.remote_id.clone());
                "known".clone_into(&mut link.kind);
            }
        }
        let (lane, now) = (self.shared.lane.clone(), clock::now());
        self.common.links.call(move |db| db.found(&lane, &found, now)).await?;
        Ok(Ok(()))
    }

    /// Names of our properties, where the batch has a merge.
    pub(super) async fn names(&self, object: Object, batch: &[Waiting]) -> Result<Vec<String>, WriterError> {
        if object != Object::Contact || batch.iter().all(|waiting| waiting.record.kind != "aliased") {
            return Ok(Vec::new());
        }
        let lane = self.shared.lane.clone();
        Ok(self.common.links.call(move |db| db.our_names(&lane)).await?)
    }

    pub(super) fn plan(&self, object: Object, waiting: &Waiting, names: &[String]) -> Planned {
        let record = &waiting.record;
        let own = waiting.link.as_ref().and_then(|link| link.own_id()).map(str::to_owned);
        match record.kind.as_str() {
            "deleted" => match own {
                Some(remote_id) => write(waiting, Act::Archive { remote_id }, Vec::new()),
                None => rest(object, waiting, Rest::Deleted),
            },
            "aliased" => self.alias(object, waiting, own, names),
            _ => {
                let mut parents = Vec::new();
                for parent in &waiting.parents {
                    match self.parent(object, waiting, parent) {
                        Ok(Some(linked)) => parents.push(linked),
                        Ok(None) => {
                            return Planned::Ended(Box::new(rejected(object, waiting, "parent_deleted", None)));
                        }
                        Err(one) => return Planned::Ended(one),
                    }
                }
                parents.sort();
                parents.dedup();
                let act = match (&own, &record.adopt_id) {
                    (None, Some(id)) => Act::Adopt(id.clone()),
                    _ => Act::Upsert,
                };
                write(waiting, act, parents)
            }
        }
    }

    fn alias(&self, object: Object, waiting: &Waiting, own: Option<String>, names: &[String]) -> Planned {
        let merged = |into| {
            let alias_of = waiting.record.alias_of.clone();
            rest(object, waiting, Rest::Merged { into, alias_of })
        };
        let Some(remote_id) = own else {
            return merged(None);
        };
        if object != Object::Contact {
            return write(waiting, Act::Archive { remote_id }, Vec::new());
        }
        let Some(into) = waiting.parents.last() else {
            return write(waiting, Act::Archive { remote_id }, Vec::new());
        };
        match self.parent(object, waiting, into) {
            // An operator merged them in the CRM.
            Ok(Some(into)) if into.remote_id == remote_id => merged(Some(into)),
            Ok(Some(into)) => {
                let ours = names.to_vec();
                write(waiting, Act::Merge { into, remote_id, ours }, Vec::new())
            }
            Ok(None) => write(waiting, Act::Archive { remote_id }, Vec::new()),
            Err(one) => Planned::Ended(one),
        }
    }

    /// `None`: that record was deleted.
    fn parent(&self, object: Object, waiting: &Waiting, parent: &Parent) -> Result<Option<Linked>, Box<One>> {
        match parent {
            Parent::There(linked) => Ok(Some(linked.clone())),
            Parent::Deleted => Ok(None),
            Parent::Waits(key) => Err(Box::new(One::Waits(wait(object, waiting, 0, Some(key.clone()))))),
            Parent::Rejected(key) => Err(Box::new(rejected(
                object,
                waiting,
                "parent_rejected",
                Some(key.clone()),
            ))),
            Parent::Unknown(_, key) => {
                let lookups = waiting.lookups + 1;
                if lookups > self.common.settings.parent_lookups {
                    return Err(Box::new(rejected(object, waiting, "parent_missing", Some(key.clone()))));
                }
                let mut wait = wait(
                    object,
                    waiting,
                    millis(self.common.settings.backoff.wait(lookups)),
                    None,
                );
                wait.lookups = lookups;
                Err(Box::new(One::Waits(wait)))
            }
        }
    }
}

/// Whether the CRM should not hold it as a record of its own.
fn goes(waiting: &Waiting) -> bool {
    matches!(waiting.record.kind.as_str(), "deleted" | "aliased")
}

fn write(waiting: &Waiting, act: Act, parents: Vec<Linked>) -> Planned {
    let link = waiting.link.as_ref().filter(|link| link.own_id().is_some());
    let associated = link.map(|link| link.associated.clone()).unwrap_or_default();
    // Also where only the id is another one now: the old one may lead to a record that it was merged into.
    let stale = associated
        .iter()
        .filter(|linked| !parents.contains(linked))
        .cloned()
        .collect();
    Planned::Write(Box::new(Item {
        record: waiting.record.clone(),
        act,
        remote_id: link.and_then(|link| link.remote_id.clone()),
        filled: link.map(|link| link.filled.clone()).unwrap_or_default(),
        associated,
        parents,
        stale,
    }))
}

fn rest(object: Object, waiting: &Waiting, rest: Rest) -> Planned {
    Planned::Ended(Box::new(rests(object, waiting, rest)))
}

fn rejected(object: Object, waiting: &Waiting, code: &'static str, blocked_by: Option<String>) -> One {
    let rest = Rest::Rejected {
        code,
        field: None,
        blocked_by,
        partly: None,
    };
    rests(object, waiting, rest)
}

fn rests(object: Object, waiting: &Waiting, rest: Rest) -> One {
    One::Rests(Box::new((
        settled(object, waiting, waiting.attempts, rest),
        waiting.clone(),
    )))
}

pub(super) fn wait(object: Object, waiting: &Waiting, after: i64, blocked_by: Option<String>) -> Wait {
    Wait {
        object,
        record_key: waiting.record.record_key.clone(),
        revision: waiting.record.revision,
        due: clock::now() + after,
        attempts: waiting.attempts,
        lookups: waiting.lookups,
        blocked_by,
        partly: None,
    }
}

pub(super) fn settled(object: Object, waiting: &Waiting, attempts: u32, rest: Rest) -> Settled {
    Settled {
        object,
        record_key: waiting.record.record_key.clone(),
        revision: waiting.record.revision,
        attempts,
        content_hash: waiting.record.content_hash.clone(),
        rest,
    }
}

impl Ended {
    pub(super) fn push(&mut self, one: One) {
        match one {
            One::Rests(rests) => self.rests.push(*rests),
            One::Waits(wait) => self.waits.push(wait),
        }
    }
}
