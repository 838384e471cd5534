//! Attacks a running node and says what held and what fell.
#![doc = include_str!("../README.md")]

mod attacks;
mod judge;
mod room;
mod scale;

pub use judge::{Outcome, Verdict};
pub use room::node::Engine;

use anyhow::{Result, ensure};
use attacks::Attack;
use futures_util::{StreamExt as _, stream};
use judge::Judge;
use room::node::Room;
use scale::Scale;
use std::{path::PathBuf, time::Instant};
use tokio::time::timeout;

/// What is attacked, and how.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The `hilo` binary whose nodes are started and attacked.
    pub hilo: PathBuf,
    /// Where its roles run.
    pub engine: Engine,
    /// The numbers with which the findings were found, instead of some that a test has time for.
    pub long: bool,
    /// Findings by name (`C1`); empty: all.
    pub only: Vec<String>,
    /// A binary from before the admin listener: shows that the checks can fall.
    pub one_listener: bool,
}

/// Runs the attacks, the long ones one after the other; `tell` hears of each when it has ended.
pub async fn run(plan: &Plan, mut tell: impl FnMut(&Outcome)) -> Result<Vec<Outcome>> {
    for name in &plan.only {
        let known = attacks::ALL.iter().any(|attack| attack.finding == name);
        ensure!(known, "there is no finding {name}; there are {}", attacks::names());
    }
    let room = Room::new(&plan.hilo, plan.engine.clone(), plan.one_listener)?;
    let scale = if plan.long { Scale::long() } else { Scale::short() };
    let scale = if room.is_kafka() { scale.on_kafka() } else { scale };
    let wanted = attacks::ALL.iter().filter(|attack| {
        let is_asked_for = plan.only.is_empty() || plan.only.iter().any(|name| name == attack.finding);
        is_asked_for && attack.runs_on(room.is_kafka())
    });
    let attacks: Vec<_> = wanted.map(|attack| attacked(attack, &room, &scale)).collect();
    let mut attacks = stream::iter(attacks).buffer_unordered(scale.at_once);
    let mut outcomes = Vec::new();
    while let Some(outcome) = attacks.next().await {
        tell(&outcome);
        outcomes.push(outcome);
    }
    ensure!(
        !outcomes.is_empty(),
        "none of the findings asked for can be attacked on this engine"
    );
    Ok(outcomes)
}

async fn attacked(attack: &Attack, room: &Room, scale: &Scale) -> Outcome {
    let begun = Instant::now();
    let mut judge = Judge::default();
    let ended = match timeout(scale.patience, (attack.run)(room, scale, &mut judge)).await {
        Ok(ended) => ended,
        Err(_) => Err(anyhow::anyhow!("not done in {} s", scale.patience.as_secs())),
    };
    Outcome::of(attack.finding, attack.title, judge, ended, begun.elapsed())
}

/// Names and titles of all findings.
pub fn findings() -> impl Iterator<Item = (&'static str, &'static str)> {
    attacks::ALL.iter().map(|attack| (attack.finding, attack.title))
}
