//! H1: traces are looked up, not searched for; too many of them are refused, and go with their connections.

use crate::{
    judge::Judge,
    room::{
        capture::BETA,
        dataset::dataset,
        genuine::{Genuine, derived_after},
        http::{Request, attacker, connect},
        latency::percentile,
        node::{ANA, Node, OLGA, Room, Settings},
    },
    scale::Scale,
};
use anyhow::Result;
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};
use tokio::{io::AsyncWriteExt as _, task::JoinSet};

/// Each attacker's machine asks for so many.
const PER_ADDRESS: usize = 16;
/// An answer within this time came.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) async fn attack(room: &Room, scale: &Scale, judge: &mut Judge) -> Result<()> {
    let settings = Settings {
        wait: false,
        ..Settings::default()
    };
    let mut node = Node::prepare(room, settings).await?;
    let data = dataset("h1", scale.items);
    node.ingest(&data.lines).await?;
    node.start_again().await?;
    node.ready(scale.patience).await?;
    crate::room::genuine::wait_derived(&node, &data.last, scale.patience).await?;

    let genuine = Genuine::start(node.http, BETA, scale.pace, PATIENCE);
    let answers = together(&node, scale.traces).await;
    judge.figure("answers", format!("{answers:?}"));
    let known = answers
        .iter()
        .filter(|(status, _)| ["200", "404", "429"].contains(&status.as_str()));
    let known: usize = known.map(|(_, count)| count).sum();
    judge.check("each trace has an answer", known == scale.traces, || {
        format!("{answers:?}")
    });
    let begun = Instant::now();
    let page = Request::get("/")
        .bearer(ANA.token)
        .send_within(node.admin, PATIENCE)
        .await;
    judge.figure("page_ms", begun.elapsed().as_millis() as u64);
    judge.check(
        "the page answers beside them",
        page.is_ok_and(|page| page.status == 200),
        || format!("not in {} s", begun.elapsed().as_secs()),
    );

    // Askers that leave at once must not keep the node busy.
    for number in 0..scale.traces {
        let mut stream = connect(node.admin, attacker(number / PER_ADDRESS), None).await?;
        let request = Request::get(&format!("/v1/trace/gone-{number}")).bearer(OLGA.token);
        // The server may have closed it already.
        drop(stream.write_all(&request.bytes(node.admin)).await);
    }
    let after = derived_after(&node, BETA, "wamid.after.h1", scale.derived).await;
    if let Ok(after) = &after {
        judge.figure("derived_ms", after.as_millis() as u64);
    }
    judge.check("what comes after them becomes a fact in time", after.is_ok(), || {
        format!("not in {} s", scale.derived.as_secs())
    });
    genuine.end().await?.judge(&node, scale, judge).await?;

    let (mut found, mut missing) = (Vec::new(), Vec::new());
    // Look-ups by one reader alone, to measure.
    for number in 0..if scale.long { 100 } else { 20 } {
        for (id, times) in [
            (data.last.clone(), &mut found),
            (format!("wamid.none.{number}"), &mut missing),
        ] {
            let begun = Instant::now();
            node.trace(&id).await?;
            times.push(begun.elapsed());
        }
    }
    let (found, missing) = (percentile(&found, 99), percentile(&missing, 99));
    judge.figure("trace_p99_ms", found.round());
    judge.figure("missing_p99_ms", missing.round());
    // The contract's 10 ms are the look-up; connection, log-in and JSON come on top of it, and tests run beside the short one.
    let limit = if scale.long { 50.0 } else { 1_000.0 };
    judge.check("a trace is a look-up", found.max(missing) < limit, || {
        format!("p99 {found:.0} ms, of nothing {missing:.0} ms")
    });
    Ok(())
}

/// Traces at once, each on a connection of its own; how many had which answer.
async fn together(node: &Node<'_>, count: usize) -> BTreeMap<String, usize> {
    let mut asking = JoinSet::new();
    for number in 0..count {
        let request = Request::get(&format!("/v1/trace/nothing-here-{number}"))
            .bearer(OLGA.token)
            .from(attacker(number / PER_ADDRESS));
        let admin = node.admin;
        asking.spawn(async move {
            match request.send_within(admin, PATIENCE).await {
                Ok(answer) => answer.status.to_string(),
                Err(_) => "none".to_owned(),
            }
        });
    }
    let mut answers = BTreeMap::new();
    for answer in asking.join_all().await {
        *answers.entry(answer).or_default() += 1;
    }
    answers
}
