//! A round: the oldest records of each object, those that others belong to first, in batches.

use super::{
    WriterError,
    finish::Ended,
    lane::Runner,
    plan::Planned,
    standing::{self, Leave},
};
use crate::{
    links::Waiting,
    sink::{Item, Outcome},
};
use futures_util::{StreamExt as _, stream};
use hilo_crm::values::Object;
use hilo_service::clock;

/// Objects of which none belongs to another one of the same step.
const STEPS: [&[Object]; 4] = [
    &[Object::Contact],
    &[Object::Ticket],
    &[Object::Deal],
    &[Object::Communication, Object::Task],
];

/// After so many failures a record goes alone: it may be what makes its batches fail.
const ALONE_AFTER: u32 = 4;

impl Runner {
    /// Writes what is due; gives how many records it was about. With `one`, a single batch.
    pub(super) async fn round(&self, one: bool) -> Result<usize, WriterError> {
        let capabilities = self.shared.sink.capabilities();
        let parallel = if one { 1 } else { capabilities.parallel };
        let mut did = 0;
        for step in STEPS {
            let mut batches: Vec<(Object, Vec<Waiting>)> = Vec::new();
            let mut claims = Vec::new();
            for object in step {
                let (lane, object, limit) = (self.shared.lane.clone(), *object, capabilities.batch * parallel);
                let now = clock::now();
                let mut taken = self
                    .common
                    .links
                    .call(move |db| db.take(&lane, object, limit, now))
                    .await?;
                let claim = self
                    .shared
                    .claims
                    .hold(taken.iter().map(|waiting| waiting.record.record_key.as_str()));
                taken.retain(|waiting| claim.has(&waiting.record.record_key));
                claims.push(claim);
                batches.extend(
                    split(taken, capabilities.batch)
                        .into_iter()
                        .map(|batch| (object, batch)),
                );
            }
            if one {
                batches.truncate(1);
            }
            did += batches.iter().map(|(_, batch)| batch.len()).sum::<usize>();
            let mut running = stream::iter(batches)
                .map(|(object, batch)| self.batch(object, batch))
                .buffer_unordered(parallel);
            while let Some(ended) = running.next().await {
                ended?;
            }
            drop(running);
            drop(claims);
            let leave = standing::of(&self.shared).leave(clock::now());
            let closed = !matches!(leave, Leave::Go | Leave::One) || *self.common.stop.borrow();
            if closed || (one && did > 0) {
                break;
            }
        }
        Ok(did)
    }

    async fn batch(&self, object: Object, mut batch: Vec<Waiting>) -> Result<(), WriterError> {
        // A batch of the same round may have closed the CRM.
        let leave = standing::of(&self.shared).leave(clock::now());
        if !matches!(leave, Leave::Go | Leave::One) {
            return Ok(());
        }
        let mut ended = Ended::default();
        if let Err(trouble) = self.look_up(object, &mut batch).await? {
            self.note(std::slice::from_ref(&Outcome::from(trouble.clone())));
            for waiting in &batch {
                self.put_off(object, waiting, &trouble, None, &mut ended);
            }
            return self.finish(ended).await;
        }
        let names = self.names(object, &batch).await?;
        let mut planned = Vec::new();
        for waiting in batch {
            match self.plan(object, &waiting, &names) {
                Planned::Write(item) => planned.push((waiting, *item)),
                Planned::Ended(one) => ended.push(*one),
            }
        }
        if !planned.is_empty() {
            self.write(object, planned, &mut ended).await?;
        }
        self.finish(ended).await
    }

    async fn write(&self, object: Object, planned: Vec<(Waiting, Item)>, ended: &mut Ended) -> Result<(), WriterError> {
        let (waiting, items): (Vec<Waiting>, Vec<Item>) = planned.into_iter().unzip();
        self.doubt(&items).await?;
        let outcomes = self.shared.sink.write(object, &items).await;
        self.note(&outcomes);
        let mut adopt = Vec::new();
        for ((waiting, item), outcome) in waiting.into_iter().zip(items).zip(outcomes) {
            if let Some(again) = self.conclude(object, &waiting, &item, outcome, ended) {
                adopt.push((waiting, again));
            }
        }
        if adopt.is_empty() {
            return Ok(());
        }
        let (waiting, items): (Vec<Waiting>, Vec<Item>) = adopt.into_iter().unzip();
        let outcomes = self.shared.sink.write(object, &items).await;
        self.note(&outcomes);
        for ((waiting, item), outcome) in waiting.into_iter().zip(items).zip(outcomes) {
            // An item that adopts does not ask to adopt again.
            drop(self.conclude(object, &waiting, &item, outcome, ended));
        }
        Ok(())
    }

    /// A writer that is killed between a change of associations and its outcome must not take the old ones for true.
    async fn doubt(&self, items: &[Item]) -> Result<(), WriterError> {
        let change = |item: &&Item| !item.associated.is_empty() && item.associated != item.parents;
        let keys: Vec<String> = items
            .iter()
            .filter(change)
            .map(|item| item.record.record_key.clone())
            .collect();
        if keys.is_empty() {
            return Ok(());
        }
        let lane = self.shared.lane.clone();
        Ok(self
            .common
            .links
            .call(move |db| db.doubt_associations(&lane, &keys))
            .await?)
    }
}

/// Batches of records; those that failed often each in one of its own.
fn split(taken: Vec<Waiting>, batch: usize) -> Vec<Vec<Waiting>> {
    let (alone, together): (Vec<Waiting>, Vec<Waiting>) =
        taken.into_iter().partition(|waiting| waiting.attempts >= ALONE_AFTER);
    let mut batches = Vec::new();
    let mut rest = together.into_iter().peekable();
    while rest.peek().is_some() {
        batches.push(rest.by_ref().take(batch).collect());
    }
    batches.extend(alone.into_iter().map(|waiting| vec![waiting]));
    batches
}
