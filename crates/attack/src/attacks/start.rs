//! H5 and M9: how a node comes up, and how it goes.

use crate::{
    judge::Judge,
    room::{
        capture::BETA,
        dataset::dataset,
        genuine::{self, wait_derived},
        http::{PATIENCE, Request, attacker, connect},
        node::{Node, OLGA, Room, Settings},
        numbers::{rows, total},
        until,
    },
    scale::Scale,
};
use anyhow::{Result, ensure};
use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};
use tokio::io::AsyncWriteExt as _;

/// A node has ended within this time after SIGTERM, whatever it was at.
const END: Duration = Duration::from_secs(10);
/// Between two looks while it comes up.
const LOOK: Duration = Duration::from_millis(5);
/// The number that is looked at.
const QUERY: &str = "/v1/metrics?definition=delivery_rate&tenant=acme";

/// What it says about acme's deliveries: nothing while it does not know.
pub(crate) async fn delivered(node: &Node<'_>) -> Result<Option<(u64, u64)>> {
    let answer = Request::get(QUERY)
        .bearer(OLGA.token)
        .send_within(node.admin, Duration::from_secs(10))
        .await?;
    Ok(match answer.status {
        503 => None,
        200 => Some(total(&rows(&answer), "acme", "delivery_rate").unwrap_or_default()),
        _ => anyhow::bail!("GET {QUERY}: {}", answer.brief()),
    })
}

pub(crate) async fn numbers(room: &Room, scale: &Scale, judge: &mut Judge) -> Result<()> {
    let settings = Settings {
        wait: false,
        ..Settings::default()
    };
    let mut node = Node::prepare(room, settings).await?;
    let first = dataset("h5", scale.items);
    node.ingest(&first.lines).await?;
    node.start_again().await?;
    node.ready(scale.patience).await?;
    wait_derived(&node, &first.last, scale.patience).await?;
    let right = (first.delivered, first.accepted);
    until("the numbers are right", scale.patience, async || {
        Ok(delivered(&node).await.ok().flatten().filter(|found| *found == right))
    })
    .await?;

    node.kill().await?;
    watch(&mut node, None, right, "after a kill", scale, judge).await?;
    node.terminate().await?;
    // It comes up with work to do: what it had is old.
    let second = dataset("h5b", scale.items / 2);
    node.ingest(&second.lines).await?;
    let right = (right.0 + second.delivered, right.1 + second.accepted);
    watch(&mut node, None, right, "after a start with a backlog", scale, judge).await
}

/// Starts it, or one of its processes, and asks again and again: each answer is the right number, or that there is none yet.
pub(crate) async fn watch(
    node: &mut Node<'_>,
    part: Option<&str>,
    right: (u64, u64),
    when: &str,
    scale: &Scale,
    judge: &mut Judge,
) -> Result<()> {
    match part {
        Some(part) => node.start_one(part)?,
        None => node.start_again().await?,
    }
    let begun = Instant::now();
    let (mut wrong, mut answers) = (BTreeSet::new(), 0);
    let ready_before = loop {
        let is_ready = node.probe("/readyz").await.is_ok_and(|answer| answer.status == 200);
        if let Ok(found) = delivered(node).await {
            answers += 1;
            if let Some(found) = found.filter(|found| *found != right) {
                wrong.insert(found);
            }
            if is_ready {
                break found;
            }
        }
        ensure!(begun.elapsed() < scale.patience, "it is never ready {when}");
        tokio::time::sleep(LOOK).await;
    };
    judge.figure(
        &format!("{}_ready_ms", when.replace(' ', "_")),
        begun.elapsed().as_millis() as u64,
    );
    judge.figure(&format!("{}_answers", when.replace(' ', "_")), answers);
    judge.check("no wrong number is told", wrong.is_empty(), || {
        format!(
            "{when}: {} wrong ones, as {:?} instead of {right:?}",
            wrong.len(),
            wrong.first()
        )
    });
    judge.check(
        "where it is ready, its numbers are right",
        ready_before == Some(right),
        || format!("{when}: ready with {ready_before:?}, right is {right:?}"),
    );
    Ok(())
}

pub(crate) async fn end(room: &Room, scale: &Scale, judge: &mut Judge) -> Result<()> {
    let settings = Settings {
        wait: false,
        ..Settings::default()
    };
    let mut node = Node::prepare(room, settings).await?;
    let data = dataset("m9", scale.backlog);
    node.ingest(&data.lines).await?;
    node.start_again().await?;
    // As soon as it listens, it is told to end: the backlog waits, clients hold what they have.
    let answered = until("it listens", PATIENCE, async || {
        let line = BETA.signed(&BETA.text("wamid.genuine.before", "5215512345699", "hola"));
        Ok(line.send(node.http).await.ok().filter(|answer| answer.status == 200))
    })
    .await;
    ensure!(
        answered.is_ok(),
        "it takes no delivery while it has a backlog: {:#?}",
        answered.err()
    );
    let mut held = Vec::new();
    for number in 0..16 {
        for (to, path) in [
            (node.http, "/"),
            (node.admin, "/"),
            (node.admin, "/events"),
            (node.admin, "/v1/trace/nothing"),
        ] {
            let Ok(mut stream) = connect(to, attacker(number), Some(4 << 10)).await else {
                continue;
            };
            let request = Request::get(path).bearer(OLGA.token).bytes(to).repeat(20);
            drop(tokio::time::timeout(Duration::from_millis(20), stream.write_all(&request)).await);
            held.push(stream);
        }
    }
    let (took, well) = node.terminate().await?;
    judge.figure("end_ms", took.as_millis() as u64);
    judge.check("SIGTERM ends it in time", took < END, || {
        format!("after {:.1} s", took.as_secs_f64())
    });
    judge.check("it ends well", well, || {
        "it was killed, or ended with an error".to_owned()
    });
    drop(held);

    let kept = genuine::ids(&node.export("raw").await?);
    judge.check(
        "what was acknowledged before is kept",
        kept.contains("wamid.genuine.before"),
        || "it is not in the log".to_owned(),
    );
    node.start_again().await?;
    node.ready(scale.patience).await?;
    let right = (data.delivered, data.accepted);
    let done = until("the backlog is done", scale.patience, async || {
        Ok(delivered(&node).await.ok().flatten().filter(|found| *found == right))
    })
    .await;
    judge.check("the backlog is done after the next start", done.is_ok(), || {
        format!("the numbers are never {right:?}")
    });
    let (took, well) = node.terminate().await?;
    judge.figure("idle_end_ms", took.as_millis() as u64);
    judge.check("without a backlog it ends well", well && took < END, || {
        format!("after {:.1} s", took.as_secs_f64())
    });
    Ok(())
}
