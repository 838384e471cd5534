//! Writing records: what each request holds, and what its answer means for each record.

use super::{
    HubSpot, KEY,
    answers::{Answer, Found},
    associate::Wanted,
    associated::Doubtful,
    bodies::{Inputs, Write},
    classify::{Verdict, classify},
    labels::is_label,
    properties::{item_trouble, properties},
};
use crate::sink::{Act, Item, Known, Linked, Outcome, Trouble};
use hilo_crm::values::Object;
use std::collections::{BTreeMap, BTreeSet};

type Outcomes = [Option<Outcome>];

/// What is sent of one record.
#[derive(Clone)]
struct Sent {
    index: usize,
    write: Write,
    /// Properties with the rule `if_empty` that hold something afterwards.
    filled: Vec<String>,
}

impl HubSpot {
    /// Creates or updates records, then their associations.
    pub(super) async fn write_records(
        &self,
        object: Object,
        items: &[Item],
        indexes: &[usize],
        outcomes: &mut Outcomes,
    ) {
        if indexes.is_empty() {
            return;
        }
        let of = |index: &usize| items.get(*index).map(|item| (*index, item));
        let chosen: Vec<(usize, &Item)> = indexes.iter().filter_map(of).collect();
        let (upserts, updates) = match self.prepare(object, &chosen, outcomes).await {
            Ok(prepared) => prepared,
            Err(trouble) => {
                for (index, _) in chosen {
                    set(outcomes, index, trouble.clone().into());
                }
                return;
            }
        };
        self.send(object, "batch/upsert", upserts, outcomes).await;
        self.send(object, "batch/update", updates, outcomes).await;
        self.name_holders(object, outcomes).await;
        self.find_vanished(object, items, outcomes).await;
        let (superfluous, mut troubles) = self.superfluous(object, &doubtful(&chosen, outcomes)).await;
        let mut wanted = Vec::new();
        for (index, item) in &chosen {
            if let Some(Some(Outcome::Done(known))) = outcomes.get(*index) {
                let remove: &[Linked] = match superfluous.get(index) {
                    // A record that is new there belongs to nobody yet, whatever the link says.
                    _ if known.created => &[],
                    Some(superfluous) => superfluous,
                    None => &item.stale,
                };
                let has = |linked: &&Linked| !known.created && remove.is_empty() && item.associated.contains(linked);
                wanted.push(Wanted {
                    index: *index,
                    remote_id: known.remote_id.clone(),
                    add: item.parents.iter().filter(|linked| !has(linked)).collect(),
                    remove: remove.iter().collect(),
                });
            }
        }
        wanted.retain(|one| !troubles.contains_key(&one.index));
        troubles.extend(self.associate(object, &wanted).await);
        for (index, item) in &chosen {
            let Some(slot) = outcomes.get_mut(*index) else {
                continue;
            };
            *slot = match (slot.take(), troubles.remove(index)) {
                (Some(Outcome::Done(known)), Some(trouble)) => Some(Outcome::Failed {
                    trouble,
                    partly: Some(known),
                }),
                (Some(Outcome::Done(known)), None) => Some(Outcome::Done(Known {
                    associated: item.parents.clone(),
                    ..known
                })),
                (other, _) => other,
            };
        }
    }

    /// Names become ids, and what the CRM's people filled in is left alone.
    async fn prepare(
        &self,
        object: Object,
        chosen: &[(usize, &Item)],
        outcomes: &mut Outcomes,
    ) -> Result<(Vec<Sent>, Vec<Sent>), Trouble> {
        let names: BTreeSet<&str> = chosen
            .iter()
            .flat_map(|(_, item)| item.record.fields.iter().filter_map(|field| field.value.as_deref()))
            .filter(|value| is_label(value))
            .collect();
        let ids = if names.is_empty() {
            BTreeMap::new()
        } else {
            self.labels.resolve(&self.client, object, names.iter().copied()).await?
        };
        let known = self.look(object, chosen).await.map_err(|refusal| refusal.trouble)?;
        let (mut upserts, mut updates) = (Vec::new(), Vec::new());
        for (index, item) in chosen {
            let now = match &item.act {
                Act::Adopt(id) => known.by_id.get(id),
                _ => known.by_key.get(&item.record.record_key),
            };
            let holder = now
                .and_then(|found| found.value(KEY))
                .filter(|holder| *holder != item.record.record_key);
            if let (Act::Adopt(id), Some(holder)) = (&item.act, holder) {
                let (existing, holder) = (id.clone(), Some(holder.to_owned()));
                set(outcomes, *index, Outcome::Conflict { existing, holder });
                continue;
            }
            match properties(item, now, &ids) {
                Ok((properties, filled)) => {
                    let id = match (&item.act, now) {
                        (Act::Adopt(_), Some(found)) => Some(found.id.clone()),
                        _ => None,
                    };
                    let write = Write {
                        id_property: id.is_none().then_some(KEY),
                        id: id.clone().unwrap_or_else(|| item.record.record_key.clone()),
                        object_write_trace_id: format!("{}.{}", item.record.record_key, item.record.revision),
                        properties,
                    };
                    let list = if id.is_some() { &mut updates } else { &mut upserts };
                    list.push(Sent {
                        index: *index,
                        write,
                        filled,
                    });
                }
                Err(field) => {
                    let code = "unknown_label";
                    set(
                        outcomes,
                        *index,
                        Trouble::Reject {
                            code,
                            field: Some(field),
                        }
                        .into(),
                    );
                }
            }
        }
        Ok((upserts, updates))
    }

    /// Sends records; where the whole is refused for one of them, halves are sent until that one is found.
    async fn send(&self, object: Object, call: &str, sent: Vec<Sent>, outcomes: &mut Outcomes) {
        let path = self.client.version().objects(object, call);
        let mut open = vec![sent];
        while let Some(mut sent) = open.pop() {
            if sent.is_empty() {
                continue;
            }
            let names: BTreeSet<String> = sent
                .iter()
                .flat_map(|one| one.write.properties.keys().cloned())
                .collect();
            let names: Vec<String> = names.into_iter().collect();
            let body = Inputs {
                inputs: sent.iter().map(|one| one.write.clone()).collect(),
            };
            match self.client.post(&path, &body, &names).await {
                Ok(answer) => assign(&answer, sent, outcomes),
                Err(refusal) => {
                    let one_is_wrong =
                        matches!(refusal.verdict, Verdict::Reject | Verdict::Conflict) || refusal.status == 404;
                    if !one_is_wrong {
                        for one in sent {
                            set(outcomes, one.index, refusal.trouble.clone().into());
                        }
                    } else if let [one] = sent.as_slice() {
                        let outcome = refused(&refusal.answer, refusal.verdict, refusal.trouble);
                        set(outcomes, one.index, outcome);
                    } else if let Trouble::Reject {
                        code: "missing_property" | "read_only_property",
                        field: Some(field),
                    } = &refusal.trouble
                    {
                        // All records with that property share its fate: halving would ask for each of them.
                        let (with, without): (Vec<Sent>, Vec<Sent>) = sent
                            .into_iter()
                            .partition(|one| one.write.properties.contains_key(field));
                        for one in with {
                            set(outcomes, one.index, refusal.trouble.clone().into());
                        }
                        open.push(without);
                    } else {
                        let half = sent.split_off(sent.len() / 2);
                        open.extend([sent, half]);
                    }
                }
            }
        }
    }
}

/// Records that are not new, and of which nobody knows what they belong to.
fn doubtful<'a>(chosen: &[(usize, &'a Item)], outcomes: &Outcomes) -> Vec<Doubtful<'a>> {
    chosen
        .iter()
        .filter(|(_, item)| item.associated.is_empty())
        .filter_map(|(index, item)| match outcomes.get(*index) {
            Some(Some(Outcome::Done(known))) if !known.created => Some(Doubtful {
                index: *index,
                remote_id: known.remote_id.clone(),
                parents: &item.parents,
            }),
            _ => None,
        })
        .collect()
}

/// Gives each record its part of an answer: by our key, by the trace id, or by the id.
fn assign(answer: &Answer, sent: Vec<Sent>, outcomes: &mut Outcomes) {
    let found = answer.found();
    let errors: Vec<(Vec<String>, Answer)> = answer.items().into_iter().map(|item| (item.about(), item)).collect();
    for one in sent {
        let key = one.write.properties.get(KEY).map(String::as_str);
        let is_it = |found: &&Found| {
            found.value(KEY).map_or_else(
                || found.trace.as_ref() == Some(&one.write.object_write_trace_id) || found.id == one.write.id,
                |value| Some(value) == key,
            )
        };
        let outcome = if let Some(found) = found.iter().find(is_it) {
            Outcome::Done(Known {
                remote_id: found.id.clone(),
                created: found.new,
                // A record that somebody removed, and that is new again, holds only what was sent.
                filled: one
                    .filled
                    .into_iter()
                    .filter(|n| !found.new || one.write.properties.contains_key(n))
                    .collect(),
                associated: Vec::new(),
            })
        } else if let Some((_, item)) = errors
            .iter()
            .find(|(about, _)| about.contains(&one.write.object_write_trace_id) || about.contains(&one.write.id))
        {
            let names: Vec<String> = one.write.properties.keys().cloned().collect();
            let verdict = classify(0, item, names.iter()).verdict;
            refused(item, verdict, item_trouble(item, &names))
        } else {
            // It said yes and did nothing.
            Trouble::again("no_result").into()
        };
        set(outcomes, one.index, outcome);
    }
}

/// What a refusal of one record means.
fn refused(answer: &Answer, verdict: Verdict, trouble: Trouble) -> Outcome {
    match (verdict, answer.holder()) {
        // Whose the other record is shows when it is read.
        (Verdict::Conflict, Some(existing)) => Outcome::Conflict { existing, holder: None },
        _ => trouble.into(),
    }
}

fn set(outcomes: &mut Outcomes, index: usize, outcome: Outcome) {
    if let Some(slot) = outcomes.get_mut(index) {
        *slot = Some(outcome);
    }
}
