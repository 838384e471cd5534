//! What became of a batch: outcomes are published, then kept. Then the writer commits their places.

use super::{
    WriterError,
    lane::{Runner, millis},
    plan::{settled, wait},
    standing, status,
};
use crate::{
    facts::{self, Told},
    links::{Rest, Settled, Wait, Waiting},
    sink::{Act, Item, Known, Linked, Outcome, Trouble},
};
use hilo_contracts::facts::CrmWrite;
use hilo_crm::values::Object;
use hilo_service::clock;

/// Codes of requests that failed as a whole, so that no record is to blame.
const WHOLE: [&str; 3] = ["unavailable", "timeout", "unreachable"];

/// A record is published as deferred once, when it has failed so often: single failures are no news.
const TELL_DEFERRED_AT: u32 = 3;

/// What became of one record.
pub(super) enum One {
    /// It is at rest.
    Rests(Box<(Settled, Waiting)>),
    /// It waits on.
    Waits(Wait),
}

/// What became of a batch.
#[derive(Default)]
pub(super) struct Ended {
    pub(super) rests: Vec<(Settled, Waiting)>,
    pub(super) waits: Vec<Wait>,
    deferred: Vec<CrmWrite>,
    /// Ids that turned out to be gone: our key and the id.
    gone: Vec<(String, String)>,
    created: u64,
}

impl Runner {
    /// Takes the standing of the CRM from the outcomes of a request.
    pub(super) fn note(&self, outcomes: &[Outcome]) {
        let mut failed = None;
        let mut answered = false;
        for outcome in outcomes {
            match outcome {
                Outcome::Failed { trouble, .. } => match trouble {
                    Trouble::Pause { .. } | Trouble::Stop { .. } => return self.refused(trouble),
                    Trouble::Retry { code, .. } if WHOLE.contains(code) => failed = Some(*code),
                    Trouble::Retry { .. } | Trouble::Reject { .. } => answered = true,
                },
                Outcome::Done(_) | Outcome::Conflict { .. } => answered = true,
            }
        }
        let settings = &self.common.settings;
        match failed {
            Some(code) if !answered => {
                standing::of(&self.shared).failed(code, &settings.backoff, settings.breaker, clock::now());
            }
            _ if answered => standing::of(&self.shared).succeeded(clock::now()),
            _ => {}
        }
    }

    /// What an outcome means for a record. Gives an item to write again where the record of a conflict can be adopted.
    pub(super) fn conclude(
        &self,
        object: Object,
        waiting: &Waiting,
        item: &Item,
        outcome: Outcome,
        ended: &mut Ended,
    ) -> Option<Item> {
        let attempts = waiting.attempts + 1;
        match outcome {
            Outcome::Done(known) => {
                ended.created += u64::from(known.created);
                let rest = done(item, known);
                ended
                    .rests
                    .push((settled(object, waiting, attempts, rest), waiting.clone()));
            }
            Outcome::Conflict { existing, holder: None } if item.act == Act::Upsert => {
                return Some(Item {
                    act: Act::Adopt(existing),
                    ..item.clone()
                });
            }
            // Two writers made it at once: the next upsert finds it.
            Outcome::Conflict {
                holder: Some(holder), ..
            } if holder == waiting.record.record_key => {
                self.put_off(object, waiting, &Trouble::again("locked"), None, ended);
            }
            Outcome::Conflict { .. } => refuse(object, waiting, "unique_conflict", None, None, ended),
            Outcome::Failed { trouble, partly } => match trouble {
                Trouble::Reject { code, field } => refuse(object, waiting, code, field, partly, ended),
                Trouble::Retry { code, .. } => {
                    if code == "vanished" {
                        ended
                            .gone
                            .extend(item.remote_id.clone().map(|id| (waiting.record.record_key.clone(), id)));
                    }
                    if code == "not_found" {
                        let parents = item.parents.iter().chain(&item.stale);
                        ended
                            .gone
                            .extend(parents.map(|linked| (linked.record_key.clone(), linked.remote_id.clone())));
                    }
                    self.put_off(object, waiting, &trouble, partly, ended);
                }
                Trouble::Pause { .. } | Trouble::Stop { .. } => {
                    self.put_off(object, waiting, &trouble, partly, ended);
                }
            },
        }
        None
    }

    /// A record waits on, or has failed too often.
    pub(super) fn put_off(
        &self,
        object: Object,
        waiting: &Waiting,
        trouble: &Trouble,
        partly: Option<Known>,
        ended: &mut Ended,
    ) {
        let settings = &self.common.settings;
        let (after, attempts) = match trouble {
            Trouble::Retry { after, .. } => {
                let attempts = waiting.attempts + 1;
                let wait = settings.backoff.wait(attempts).max(after.unwrap_or_default());
                (millis(wait), attempts)
            }
            // The lane as a whole waits: the record is no worse than before.
            _ => (0, waiting.attempts),
        };
        if attempts >= settings.attempts && !standing::of(&self.shared).is_failing() {
            let code = if trouble.code() == "no_result" {
                "no_result"
            } else {
                "kept_failing"
            };
            return refuse(object, waiting, code, None, partly, ended);
        }
        let mut wait = wait(object, waiting, after, None);
        wait.attempts = attempts;
        wait.partly = partly;
        if attempts == TELL_DEFERRED_AT && attempts > waiting.attempts {
            let link = waiting.link.as_ref();
            let told = Told {
                kind: "deferred",
                until: Some(wait.due),
                code: Some(trouble.code()),
                remote_id: link.and_then(|link| link.remote_id.clone()),
                content_hash: link.and_then(|link| link.content_hash.clone()),
                attempts,
                ..Told::of(&waiting.record)
            };
            ended
                .deferred
                .push(facts::of_record(&self.shared.lane, told, clock::now()));
        }
        ended.waits.push(wait);
    }

    /// Publishes outcomes, then keeps them. A writer that dies in between publishes them again, which changes nothing.
    pub(super) async fn finish(&self, ended: Ended) -> Result<(), WriterError> {
        let Ended {
            rests,
            waits,
            mut deferred,
            gone,
            created,
        } = ended;
        let now = clock::now();
        let mut rested = Vec::with_capacity(rests.len());
        let mut settled = Vec::with_capacity(rests.len());
        {
            let mut counters = status::counters(&self.shared);
            counters.deferred += deferred.len() as u64;
            counters.created += created;
            for (one, waiting) in rests {
                match &one.rest {
                    Rest::Rejected { code, .. } => *counters.rejected.entry((*code).to_owned()).or_default() += 1,
                    Rest::Merged { into: None, .. } => counters.skipped += 1,
                    Rest::Written(_) | Rest::Merged { .. } | Rest::Deleted => counters.written += 1,
                }
                deferred.push(facts::of_record(&self.shared.lane, outcome(&one, &waiting), now));
                rested.push((one.record_key.clone(), one.revision));
                settled.push(one);
            }
        }
        if !deferred.is_empty() {
            self.common.outcomes.publish(deferred).await?;
        }
        let lane = self.shared.lane.clone();
        self.common
            .links
            .call(move |db| {
                db.settle(&lane, &settled, &waits, now)?;
                gone.iter().try_for_each(|(key, id)| db.gone(&lane, key, id))
            })
            .await?;
        if self.tells_rest && !rested.is_empty() {
            // A writer that has ended commits no places.
            drop(self.common.rested.send((self.shared.lane.clone(), rested)));
        }
        Ok(())
    }
}

fn refuse(
    object: Object,
    waiting: &Waiting,
    code: &'static str,
    field: Option<String>,
    partly: Option<Known>,
    ended: &mut Ended,
) {
    let rest = Rest::Rejected {
        code,
        field,
        blocked_by: None,
        partly,
    };
    ended
        .rests
        .push((settled(object, waiting, waiting.attempts + 1, rest), waiting.clone()));
}

fn done(item: &Item, known: Known) -> Rest {
    let merged = |into| Rest::Merged {
        into,
        alias_of: item.record.alias_of.clone(),
    };
    match &item.act {
        Act::Upsert | Act::Adopt(_) => Rest::Written(known),
        Act::Merge { into, .. } => merged(Some(Linked {
            remote_id: known.remote_id,
            ..into.clone()
        })),
        Act::Archive { .. } if item.record.kind == "aliased" => merged(None),
        Act::Archive { .. } => Rest::Deleted,
    }
}

fn outcome<'a>(one: &'a Settled, waiting: &'a Waiting) -> Told<'a> {
    let told = Told {
        kind: one.rest.kind(),
        content_hash: Some(one.content_hash.clone()),
        attempts: one.attempts,
        ..Told::of(&waiting.record)
    };
    match &one.rest {
        Rest::Written(known) => Told {
            remote_id: Some(known.remote_id.clone()),
            ..told
        },
        Rest::Merged { into, .. } => Told {
            remote_id: into.as_ref().map(|into| into.remote_id.clone()),
            ..told
        },
        Rest::Deleted => told,
        Rest::Rejected {
            code, field, partly, ..
        } => {
            let link = waiting.link.as_ref().filter(|link| link.own_id().is_some());
            let (remote_id, content_hash) = match partly {
                // Half of it is written: what the CRM holds now has no hash.
                Some(known) => (Some(known.remote_id.clone()), None),
                None => (
                    link.and_then(|link| link.remote_id.clone()),
                    link.and_then(|link| link.content_hash.clone()),
                ),
            };
            Told {
                remote_id,
                content_hash,
                code: Some(code),
                field: field.clone(),
                ..told
            }
        }
    }
}
