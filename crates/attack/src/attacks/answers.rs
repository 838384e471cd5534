//! L2 and L5: what answers tell beside their content, and their one shape.

use crate::{
    judge::Judge,
    room::{
        capture::{ACME, BETA, signature},
        http::{Answer, Request},
        latency::percentile,
        node::{ANA, Node, OLGA, Room, Settings},
        process::Process,
    },
    scale::Scale,
};
use anyhow::Result;
use std::{
    fs,
    time::{Duration, Instant},
};
use tokio::process::Command;

/// Rounds of measurement; the tenants take turns within each.
const ROUNDS: usize = 120;
/// Bytes whose signature is computed.
const LENGTH: usize = 200 << 10;
/// The fastest answers differ by less than this. Two more secrets were 57 % more.
const RATIO: f64 = 1.3;
/// Bytes above what is read of a body that is too large.
const HUGE: usize = 14 << 20;

pub(crate) async fn tenants(room: &Room, _: &Scale, judge: &mut Judge) -> Result<()> {
    let node = Node::start(room, Settings::default()).await?;
    let body = vec![b'a'; LENGTH];
    let wrong = signature("no secret of theirs", &body);
    // Two secrets, one secret, no such tenant.
    let paths = [
        ACME.webhook_path(),
        BETA.webhook_path(),
        "/webhooks/whatsapp/gamma".to_owned(),
    ];
    let mut times: [Vec<Duration>; 3] = Default::default();
    let mut said = Vec::new();
    for round in 0..ROUNDS + 10 {
        for (path, times) in paths.iter().zip(&mut times) {
            let request = Request::post(path, body.clone()).header("X-Hub-Signature-256", wrong.clone());
            let begun = Instant::now();
            let answer = request.send(node.http).await?;
            // The first ones warm everything up.
            if round >= 10 {
                times.push(begun.elapsed());
            }
            if round == 0 {
                said.push((answer.status, answer.text()));
            }
        }
    }
    judge.check(
        "each name has the same answer",
        said.iter().all(|answer| *answer == said[0]) && said[0].0 == 401,
        || format!("{said:?}"),
    );
    // The fastest: what other work on this machine adds is above it.
    let fastest = times.each_ref().map(|times| percentile(times, 2));
    for (name, fastest) in ["two_secrets_us", "one_secret_us", "unknown_us"]
        .into_iter()
        .zip(fastest)
    {
        judge.figure(name, (fastest * 1_000.0).round());
    }
    let (least, most) = fastest.iter().fold((f64::MAX, 0.0_f64), |(least, most), time| {
        (least.min(*time), most.max(*time))
    });
    judge.check(
        "the time of an answer does not tell which tenants exist",
        most / least < RATIO,
        || format!("{fastest:.2?} ms with two secrets, with one, and of nobody"),
    );
    Ok(())
}

pub(crate) async fn shape(room: &Room, _: &Scale, judge: &mut Judge) -> Result<()> {
    let node = Node::start(room, Settings::default()).await?;
    let webhook = ACME.webhook_path();
    let public = [
        (404, Request::get("/nothing")),
        (404, Request::post("/v1/nothing", "").bearer(ACME.api_token)),
        (405, Request::get("/v1/outbound")),
        (405, Request::get(&webhook).method("DELETE")),
        (401, Request::post(&webhook, "{}")),
        (401, Request::post("/v1/outbound", "{}")),
        (
            403,
            Request::post("/v1/outbound", r#"{"tenant":"beta"}"#).bearer(ACME.api_token),
        ),
    ];
    for (status, request) in public {
        one_shape(&request, &request.send(node.http).await?, status, judge);
    }
    let read = [
        (404, Request::get("/nothing").bearer(OLGA.token)),
        (404, Request::get("/v1/trace/wamid.none").bearer(OLGA.token)),
        (405, Request::post("/v1/metrics", "").bearer(OLGA.token)),
        (400, Request::get("/v1/metrics?since=yesterday").bearer(OLGA.token)),
        (400, Request::get("/v1/metrics?nonsense=1").bearer(OLGA.token)),
        (401, Request::get("/v1/metrics")),
        (401, Request::get("/v1/trace/x").bearer("wrong")),
    ];
    for (status, request) in read {
        one_shape(&request, &request.send(node.admin).await?, status, judge);
    }
    let empty = Request::get("/trace?").bearer(ANA.token).send(node.admin).await?;
    judge.check(
        "a page that misses its id is an answer",
        (300..500).contains(&empty.status) && !empty.text().contains("deserialize"),
        || empty.brief(),
    );
    for (name, to, paths) in [
        (
            "read side",
            node.admin,
            &["/metrics", "/healthz", "/readyz", "/v1/metrics", "/"][..],
        ),
        ("public", node.http, &["/nothing"]),
    ] {
        for path in paths {
            let answer = Request::get(path).bearer(OLGA.token).send(to).await?;
            for (header, value) in [("x-content-type-options", "nosniff"), ("cache-control", "no-store")] {
                let set = answer.header(header).is_some_and(|set| set.contains(value));
                judge.check("all answers have the same headers", set, || {
                    format!("{name} {path} lacks {header}: {value}")
                });
            }
        }
    }

    // More than is read: the sender sees the answer, not a broken pipe.
    let huge = ACME.signed_bytes(vec![b' '; HUGE]);
    let answer = huge.send(node.http).await;
    let said = answer.as_ref().map_or_else(|error| format!("{error:#}"), Answer::brief);
    judge.check(
        "a body that is too large is 413",
        answer.as_ref().is_ok_and(|answer| answer.status == 413),
        || said.clone(),
    );
    judge.check("a webhook is not advised on lines", !said.contains("lines"), || {
        said.clone()
    });
    causes_once(room, judge).await
}

fn one_shape(request: &Request, answer: &Answer, status: u16, judge: &mut Judge) {
    let body = answer.json();
    let whole = ["code", "error", "hint"]
        .iter()
        .all(|field| body[field].as_str().is_some_and(|text| !text.is_empty()));
    let json = answer
        .header("content-type")
        .is_some_and(|kind| kind.starts_with("application/json"));
    judge.check(
        "errors have one shape",
        answer.status == status && whole && json,
        || {
            format!(
                "{} is {} instead of {status} with code, error, hint",
                request.path,
                answer.brief()
            )
        },
    );
}

/// A start that fails says why, once.
async fn causes_once(room: &Room, judge: &mut Judge) -> Result<()> {
    if room.is_kafka() {
        return Ok(());
    }
    let mut node = Node::prepare(room, Settings::default()).await?;
    fs::write(node.data_dir(), "no folder")?;
    let mut command = Command::new(&room.hilo);
    command.arg("up").arg("--config").arg(node.config());
    let mut process = Process::start(&mut command, node.folder.join("start.log"))?;
    let status = process.end_within(Duration::from_secs(20)).await?;
    let said = process.tail();
    judge.check(
        "a start on a file instead of a folder is refused",
        status.is_some_and(|status| !status.success()),
        || said.clone(),
    );
    let twice = said
        .split(": ")
        .collect::<Vec<_>>()
        .windows(2)
        .any(|pair| pair[0] == pair[1]);
    judge.check("a cause is said once", !twice, || said.clone());
    node.kill().await
}
