//! M4: a reader that does not get on is seen by the figures at once, by the probes after a minute.

use crate::{
    judge::Judge,
    room::{
        capture::BETA,
        genuine::{self, Genuine, wait_derived},
        node::{Node, Room, Settings},
        until,
    },
    scale::Scale,
};
use anyhow::{Context as _, Result};
use rusqlite::Connection;
use std::time::{Duration, Instant};

/// Without progress for this time, a node with work is not alive.
const STALL: Duration = Duration::from_mins(1);
/// What a check may be late by.
const LATE: Duration = Duration::from_secs(30);
/// How long the short one holds the reader up.
const SHORT: Duration = Duration::from_secs(3);

pub(crate) async fn attack(room: &Room, scale: &Scale, judge: &mut Judge) -> Result<()> {
    let node = Node::start(room, Settings::default()).await?;
    let text = BETA.text("wamid.genuine.first", "5215512345699", "hola");
    BETA.signed(&text).send(node.http).await?;
    wait_derived(&node, "wamid.genuine.first", LATE).await?;
    let lag = async || node.measure("hilo_reader_lag_records", "").await;
    judge.check("the lag of a reader is a figure", lag().await?.is_some(), || {
        "there is no hilo_reader_lag_records".to_owned()
    });

    // Another program holds the golden record, as a backup or a shell does.
    let holder = Connection::open(node.data_dir().join("golden.db"))?;
    holder.busy_timeout(LATE)?;
    holder
        .execute_batch("begin immediate")
        .context("the golden record cannot be held")?;
    let genuine = Genuine::start(node.http, BETA, scale.pace, LATE);
    let begun = Instant::now();
    let seen = until("the reader's lag shows", LATE, async || {
        Ok(lag().await?.filter(|lag| *lag > 0.0))
    })
    .await;
    judge.check("the lag of a reader that is held up shows", seen.is_ok(), || {
        format!("not in {} s", LATE.as_secs())
    });
    if scale.long {
        let health = until("health sees the stall", STALL + LATE, async || {
            Ok(node.probe("/healthz").await.ok().filter(|answer| answer.status == 503))
        })
        .await;
        judge.figure("health_failed_after_s", begun.elapsed().as_secs());
        judge.check(
            "/healthz fails while nothing moves and work waits",
            health.is_ok(),
            || "it stays 200".to_owned(),
        );
        judge.check(
            "it does not fail before a minute is over",
            health.is_err() || begun.elapsed() > STALL - LATE,
            || format!("after {} s", begun.elapsed().as_secs()),
        );
        if let Ok(health) = health {
            judge.check(
                "/healthz gives the reason",
                health.text().contains("golden") || health.text().contains("reader"),
                || health.brief(),
            );
        }
        let ready = node.probe("/readyz").await?;
        judge.check(
            "/readyz names what is behind",
            ready.status == 503 && ready.text().len() > 10,
            || ready.brief(),
        );
    } else {
        tokio::time::sleep(SHORT).await;
        let health = node.probe("/healthz").await?;
        judge.check("a short wait is no stall", health.status == 200, || health.brief());
    }
    holder.execute_batch("rollback")?;
    drop(holder);
    genuine.end().await?.judge(&node, scale, judge).await?;
    for path in ["/healthz", "/readyz"] {
        let well = until("it is well", STALL + LATE, async || {
            Ok(node.probe(path).await.ok().filter(|answer| answer.status == 200))
        })
        .await;
        judge.check("it goes on by itself", well.is_ok(), || format!("{path} is not 200"));
    }
    let caught_up = until("the reader has caught up", STALL + LATE, async || {
        Ok(lag().await?.filter(|lag| *lag < 1.0))
    })
    .await;
    judge.check("the reader catches up by itself", caught_up.is_ok(), || {
        "its lag does not end".to_owned()
    });
    let after = genuine::derived_after(&node, BETA, "wamid.genuine.after", scale.derived).await;
    judge.check("deliveries go on", after.is_ok(), || {
        format!("{:#}", after.err().unwrap_or_else(|| anyhow::anyhow!("?")))
    });
    Ok(())
}
