//! H3: numbers come in pages, and cost the node no more memory than it has set aside for them.

use crate::{
    judge::Judge,
    room::{
        capture::BETA,
        dataset::dataset,
        genuine::{Genuine, wait_derived},
        http::{Request, attacker, connect},
        node::{Node, OLGA, Room, Settings},
        until,
    },
    scale::Scale,
};
use anyhow::Result;
use std::{collections::BTreeMap, time::Duration};
use tokio::{io::AsyncWriteExt as _, task::JoinSet};

/// Each attacker's machine opens so many connections.
const PER_ADDRESS: usize = 16;
/// Bytes of one page at most.
const PAGE: usize = 2 << 20;
/// An answer within this time came.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) async fn attack(room: &Room, scale: &Scale, judge: &mut Judge) -> Result<()> {
    let settings = Settings {
        wait: false,
        ..Settings::default()
    };
    let mut node = Node::prepare(room, settings).await?;
    let data = dataset("h3", scale.items);
    node.ingest(&data.lines).await?;
    node.start_again().await?;
    node.ready(scale.patience).await?;
    wait_derived(&node, &data.last, scale.patience).await?;

    let one = until("there are numbers", scale.patience, async || {
        let answer = node.read("/v1/metrics").await?;
        Ok((answer.status == 200 && answer.body.len() > 1_000).then_some(answer))
    })
    .await?;
    judge.figure("answer_bytes", one.body.len());
    judge.check("an answer is a page", one.body.len() <= PAGE, || {
        format!("{} bytes", one.body.len())
    });

    node.forget_peak();
    let before = node.memory()?;
    let genuine = Genuine::start(node.http, BETA, scale.pace, PATIENCE);
    let mut unread = Vec::new();
    for number in 0..scale.tables {
        let mut stream = connect(node.admin, attacker(number / PER_ADDRESS), Some(4 << 10)).await?;
        let request = Request::get("/v1/metrics").bearer(OLGA.token);
        // The server may have closed it already.
        drop(stream.write_all(&request.bytes(node.admin)).await);
        unread.push(stream);
    }
    tokio::time::sleep(scale.while_attacked).await;
    let answers = read(&node, scale.tables).await;
    judge.figure("answers", format!("{answers:?}"));
    judge.check("each reader has an answer", !answers.contains_key("none"), || {
        format!("{answers:?}")
    });
    genuine.end().await?.judge(&node, scale, judge).await?;
    let grown = node.peak()?.saturating_sub(before);
    judge.figure("memory_mib", before);
    judge.figure("grown_mib", grown);
    judge.check(
        "unread answers are not kept without bound",
        grown < scale.memory,
        || format!("{grown} MiB more"),
    );
    drop(unread);
    Ok(())
}

/// Readers at once that do read, from other addresses.
async fn read(node: &Node<'_>, count: usize) -> BTreeMap<String, usize> {
    let mut asking = JoinSet::new();
    for number in 0..count {
        let request = Request::get("/v1/metrics")
            .bearer(OLGA.token)
            .from(attacker(100 + number / PER_ADDRESS));
        let admin = node.admin;
        asking.spawn(async move {
            let answer = request.send_within(admin, PATIENCE).await;
            answer.map_or_else(|_| "none".to_owned(), |answer| answer.status.to_string())
        });
    }
    let mut answers = BTreeMap::new();
    for answer in asking.join_all().await {
        *answers.entry(answer).or_default() += 1;
    }
    answers
}
