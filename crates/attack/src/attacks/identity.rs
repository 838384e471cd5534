//! C3 and M8: what costs more than it should in identity and in threads. One tenant pays for it, the other notices nothing.

use crate::{
    judge::Judge,
    room::{
        capture::{ACME, BETA, now, seconds},
        genuine::{Genuine, derived_after},
        http::Request,
        node::{Node, Room, Settings},
    },
    scale::Scale,
};
use anyhow::{Result, ensure};
use serde_json::{Value, json};
use std::time::Duration;

/// Lines of one request at most, by the contract.
const LINES: usize = 10_000;
/// Messages of one body at most, so that it stays under the limit of its bytes.
const MESSAGES: usize = 5_000;
/// Time of its own for each request of an attack: a slow machine is no finding here.
const PATIENCE: Duration = Duration::from_mins(2);

pub(crate) async fn crowd(room: &Room, scale: &Scale, judge: &mut Judge) -> Result<()> {
    let node = Node::start(room, Settings::default()).await?;
    let at = now();
    let line = |number: usize, to: Value| ACME.outbound(&format!("wamid.crowd.{number}"), &to, &at);
    let crowd: Vec<Value> = (0..scale.identifiers)
        .map(|number| {
            line(
                number,
                json!({"phone": "+56900000000", "user_id": format!("CL.crowd{number}")}),
            )
        })
        .collect();
    let phones: Vec<Value> = (0..scale.identifiers)
        .map(|number| {
            line(
                100_000 + number,
                json!({"phone": format!("+569{:08}", 20_000_000 + number), "user_id": "CL.phones"}),
            )
        })
        .collect();
    for (name, lines) in [("one_number_ms", crowd), ("one_user_ms", phones)] {
        let genuine = Genuine::start(node.http, BETA, scale.pace, PATIENCE);
        for lines in lines.chunks(LINES) {
            accepted(&node, &ACME.lines("/v1/outbound", lines)).await?;
        }
        others_go_on(&node, name, scale, judge).await?;
        genuine.end().await?.judge(&node, scale, judge).await?;
    }
    let facts = node.export("identity").await?;
    let is_placeholder = |fact: &Value| fact.to_string().contains("placeholder");
    judge.check(
        "a number of thousands is said to be a placeholder",
        facts.iter().any(is_placeholder),
        || format!("none of {} facts of identity says so", facts.len()),
    );
    Ok(())
}

pub(crate) async fn threads(room: &Room, scale: &Scale, judge: &mut Judge) -> Result<()> {
    let node = Node::start(room, Settings::default()).await?;
    let begin = seconds() - 3_600;
    let message = |number: usize, from: &str| {
        let at = begin + number as i64 / 10;
        json!({"from": from, "id": format!("wamid.{from}.{number}"), "timestamp": at.to_string(), "type": "text", "text": {"body": "a"}})
    };
    let thread: Vec<Value> = (0..scale.thread).map(|number| message(number, "56961234567")).collect();
    for messages in thread.chunks(MESSAGES) {
        accepted(&node, &ACME.signed(&ACME.delivery(&json!({"messages": messages})))).await?;
    }
    others_go_on(&node, "thread_ms", scale, judge).await?;

    let from = |number: usize| format!("569{:08}", 30_000_000 + number);
    let contacts: Vec<Value> = (0..scale.contacts)
        .map(|number| json!({"wa_id": from(number)}))
        .collect();
    let messages: Vec<Value> = (0..scale.contacts)
        .map(|number| message(number, &from(number)))
        .collect();
    let body = ACME.delivery(&json!({"contacts": contacts, "messages": messages}));
    judge.figure("contacts_bytes", body.to_string().len());
    accepted(&node, &ACME.signed(&body)).await?;
    others_go_on(&node, "contacts_ms", scale, judge).await
}

async fn accepted(node: &Node<'_>, request: &Request) -> Result<()> {
    let answer = request.send_within(node.http, PATIENCE).await?;
    ensure!(
        answer.status == 200,
        "what the attack needs is not accepted: {} {}",
        request.path,
        answer.brief()
    );
    Ok(())
}

/// The other tenant's next delivery becomes a fact in time, and the node is well.
async fn others_go_on(node: &Node<'_>, name: &str, scale: &Scale, judge: &mut Judge) -> Result<()> {
    let waited = derived_after(node, BETA, &format!("wamid.after.{name}"), scale.derived).await;
    if let Ok(waited) = &waited {
        judge.figure(name, waited.as_millis() as u64);
    }
    judge.check(
        "the other tenant's next delivery becomes a fact in time",
        waited.is_ok(),
        || format!("{name}: not in {} s", scale.derived.as_secs()),
    );
    let health = node.probe("/healthz").await?;
    judge.check("the node is alive", health.status == 200, || health.brief());
    Ok(())
}
