//! Genuine deliveries beside an attack: how long each waits for its 200, and whether each that got one is in the log.

use super::{capture::Tenant, http, latency::percentile, node::Node};
use crate::{judge::Judge, scale::Scale};
use anyhow::Result;
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{
    task::{JoinHandle, JoinSet},
    time::{MissedTickBehavior, interval},
};

/// Every so many deliveries one is large: those are hashed elsewhere.
const LARGE_EACH: usize = 10;
/// Bytes of a large one.
const LARGE: usize = 300 << 10;

/// Traffic that goes on until it is ended.
pub(crate) struct Genuine {
    stop: Arc<AtomicBool>,
    task: JoinHandle<Tally>,
}

/// What became of it.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub acknowledged: Vec<String>,
    pub latencies: Vec<Duration>,
    pub refused: BTreeMap<String, usize>,
}

impl Genuine {
    /// Sends at a pace of its own, whether or not earlier deliveries have their answers.
    pub(crate) fn start(to: SocketAddr, tenant: Tenant, each: Duration, patience: Duration) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let task = tokio::spawn(async move {
            let mut pace = interval(each);
            pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
            let (mut under_way, mut sent) = (JoinSet::new(), 0);
            while !stopped.load(Ordering::Acquire) {
                pace.tick().await;
                sent += 1;
                under_way.spawn(deliver(to, tenant, sent, patience));
            }
            let mut tally = Tally::default();
            for (id, waited, outcome) in under_way.join_all().await {
                tally.latencies.push(waited);
                match outcome {
                    Ok(()) => tally.acknowledged.push(id),
                    Err(why) => *tally.refused.entry(why).or_default() += 1,
                }
            }
            tally
        });
        Self { stop, task }
    }

    /// Waits for the answers of what was sent.
    pub(crate) async fn end(self) -> Result<Tally> {
        self.stop.store(true, Ordering::Release);
        Ok(self.task.await?)
    }
}

async fn deliver(
    to: SocketAddr,
    tenant: Tenant,
    number: usize,
    patience: Duration,
) -> (String, Duration, Result<(), String>) {
    let id = format!("wamid.genuine.{}.{number}", tenant.name);
    let length = if number.is_multiple_of(LARGE_EACH) { LARGE } else { 40 };
    let from = format!("5696{:07}", number % 500);
    let request = tenant.signed(&tenant.text(&id, &from, &"hola ".repeat(length / 5)));
    let begun = Instant::now();
    let outcome = match request.send_within(to, patience).await {
        Ok(answer) if answer.status == 200 => Ok(()),
        Ok(answer) => Err(answer.status.to_string()),
        Err(_) => Err("no answer".to_owned()),
    };
    (id, begun.elapsed(), outcome)
}

impl Tally {
    /// Judges the waits, and that the log has all that was acknowledged.
    pub(crate) async fn judge(&self, node: &Node<'_>, scale: &Scale, judge: &mut Judge) -> Result<()> {
        let p99 = percentile(&self.latencies, 99);
        judge.figure("genuine", self.latencies.len());
        judge.figure("p50_ms", percentile(&self.latencies, 50).round());
        judge.figure("p99_ms", p99.round());
        let refused: usize = self.refused.values().sum();
        judge.check("every genuine delivery is acknowledged", refused == 0, || {
            format!("{refused} of {} are not: {:?}", self.latencies.len(), self.refused)
        });
        let limit = scale.p99_ms;
        judge.check("genuine deliveries are quick", p99 < limit, || {
            format!("p99 {p99:.0} ms, allowed {limit} ms")
        });
        let lost = self.lost(&node.export("raw").await?);
        judge.figure("lost", lost);
        judge.check("nothing acknowledged is lost", lost == 0, || {
            format!("{lost} acknowledged deliveries are not in the log")
        });
        Ok(())
    }

    fn lost(&self, exported: &[Value]) -> usize {
        let kept = ids(exported);
        self.acknowledged.iter().filter(|id| !kept.contains(*id)).count()
    }
}

/// Ids of messages in what `hilo export raw` printed.
pub(crate) fn ids(exported: &[Value]) -> BTreeSet<String> {
    let bodies = exported.iter().filter_map(|line| line["body"].as_str());
    bodies
        .flat_map(|body| {
            body.split(|sign: char| !(sign.is_ascii_alphanumeric() || sign == '.' || sign == '_' || sign == '-'))
        })
        .filter(|word| word.starts_with("wamid."))
        .map(str::to_owned)
        .collect()
}

/// How long until a genuine delivery of `tenant` can be traced as a fact; the limit where it never is.
pub(crate) async fn derived_after(node: &Node<'_>, tenant: Tenant, id: &str, limit: Duration) -> Result<Duration> {
    let begun = Instant::now();
    let request = tenant.signed(&tenant.text(id, "5215512345699", "hola"));
    let answer = request.send_within(node.http, http::PATIENCE).await?;
    anyhow::ensure!(answer.status == 200, "a genuine delivery: {}", answer.brief());
    wait_derived(node, id, limit.saturating_sub(begun.elapsed())).await?;
    Ok(begun.elapsed())
}

/// Waits until a message is a fact.
pub(crate) async fn wait_derived(node: &Node<'_>, id: &str, limit: Duration) -> Result<()> {
    super::until(&format!("the message {id} is a fact"), limit, async || {
        let answer = node.trace(id).await;
        Ok(answer
            .is_ok_and(|answer| answer.text().contains("hilo.conversation"))
            .then_some(()))
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_was_acknowledged_and_is_not_in_the_log_is_lost() {
        let tally = Tally {
            acknowledged: vec!["wamid.genuine.beta.1".to_owned(), "wamid.genuine.beta.10".to_owned()],
            ..Tally::default()
        };
        let line = |id: &str| json!({"body": json!({"messages": [{"id": id}]}).to_string()});
        assert_eq!(tally.lost(&[line("wamid.genuine.beta.10")]), 1);
        assert_eq!(
            tally.lost(&[line("wamid.genuine.beta.10"), line("wamid.genuine.beta.1")]),
            0
        );
    }
}
