//! One lane: rounds of writes for one CRM of one tenant, as fast as its budget and its answers allow.

use super::{Common, Shared, WriterError, standing, standing::Leave};
use crate::{facts, sink::Trouble, worker::State};
use hilo_domain::Millis;
use hilo_service::clock;
use std::{sync::Arc, time::Duration};

pub(super) struct Runner {
    pub(super) common: Common,
    pub(super) shared: Arc<Shared>,
    /// Whether the places of records wait for their outcomes.
    pub(super) tells_rest: bool,
}

impl Runner {
    pub(super) fn new(common: Common, shared: Arc<Shared>, tells_rest: bool) -> Self {
        Self {
            common,
            shared,
            tells_rest,
        }
    }

    pub(super) async fn run(self) -> Result<(), WriterError> {
        let mut stop = self.common.stop.subscribe();
        loop {
            if *stop.borrow_and_update() {
                return Ok(());
            }
            let now = clock::now();
            let leave = standing::of(&self.shared).leave(now);
            let did = match leave {
                Leave::Wait(_) => 0,
                Leave::Probe => self.probe().await,
                Leave::One | Leave::Go => self.guarded(leave == Leave::One).await?,
            };
            self.tell().await?;
            self.common.progress.notify_one();
            if did > 0 {
                continue;
            }
            let sleep = self.sleep(leave).await?;
            tokio::select! {
                () = tokio::time::sleep(sleep) => {}
                () = self.shared.wake.notified(), if !matches!(leave, Leave::Wait(_)) => {}
                _ = stop.changed() => {}
            }
        }
    }

    /// A round, which ends at once where somebody is in a hurry: then outcomes are unknown, and all of it is repeated.
    async fn guarded(&self, one: bool) -> Result<usize, WriterError> {
        let mut hurry = self.common.hurry.subscribe();
        let gate = self.common.gate.read().await;
        let did = tokio::select! {
            did = self.round(one) => did,
            _ = hurry.wait_for(|hurry| *hurry) => Ok(0),
        };
        drop(gate);
        did
    }

    async fn probe(&self) -> usize {
        match self.shared.sink.probe().await {
            Ok(()) => {
                standing::of(&self.shared).answers();
                tracing::info!(
                    tenant = self.shared.lane.tenant,
                    sink = self.shared.lane.sink,
                    "the CRM answers again"
                );
                1
            }
            Err(trouble) => {
                self.refused(&trouble);
                // Whatever it was: it is asked again at the same pace, so that no error budget is burnt.
                standing::of(&self.shared).put_off(self.next_probe());
                0
            }
        }
    }

    pub(super) fn refused(&self, trouble: &Trouble) {
        let was = standing::of(&self.shared).state().clone();
        standing::of(&self.shared).refused(trouble, self.next_probe());
        let is = standing::of(&self.shared).state().as_str();
        if was.as_str() != is {
            let (tenant, sink, code) = (&self.shared.lane.tenant, &self.shared.lane.sink, trouble.code());
            tracing::warn!(tenant, sink, code, state = is, "the CRM takes nothing for now");
        }
    }

    fn next_probe(&self) -> Millis {
        clock::now() + millis(self.common.settings.probe)
    }

    async fn sleep(&self, leave: Leave) -> Result<Duration, WriterError> {
        let idle = self.common.settings.idle;
        let until = if let Leave::Wait(until) = leave {
            Some(until)
        } else {
            let lane = self.shared.lane.clone();
            self.common.links.call(move |db| db.next_due(&lane)).await?
        };
        let left = until.map_or(
            idle,
            |until| Duration::from_millis((until - clock::now()).max(1) as u64),
        );
        Ok(left.min(idle))
    }

    /// Publishes how the CRM is: when that changes, and now and then what is left of the budget.
    async fn tell(&self) -> Result<(), WriterError> {
        let now = clock::now();
        let budget = self.shared.sink.budget();
        let state = standing::of(&self.shared).state().clone();
        {
            let mut standing = standing::of(&self.shared);
            let due = match &standing.told {
                // An open CRM of which nothing is known is no news.
                None => state != State::Open || budget.daily_remaining.is_some(),
                Some((told, remaining, at)) => {
                    let changed = told.as_str() != state.as_str();
                    let spent = *remaining != budget.daily_remaining;
                    changed || (spent && now - at >= millis(self.common.settings.budget_facts))
                }
            };
            if !due {
                return Ok(());
            }
            standing.told = Some((state.clone(), budget.daily_remaining, now));
        }
        let trouble = match &state {
            State::Open => None,
            State::Paused { code, until } => Some((*code, Some(*until), None)),
            State::Stopped { code, missing, .. } => Some((*code, None, missing.clone())),
        };
        let daily = (budget.daily, budget.daily_remaining);
        let fact = facts::of_sink(&self.shared.lane, state.as_str(), trouble, daily, now);
        Ok(self.common.outcomes.publish(vec![fact]).await?)
    }
}

pub(super) fn millis(duration: Duration) -> Millis {
    Millis::try_from(duration.as_millis()).unwrap_or(Millis::MAX / 4)
}
