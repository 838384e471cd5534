//! H4: a line of one tenant moves time for nobody.

use crate::{
    judge::Judge,
    room::{
        capture::{ACME, BETA, now},
        genuine::wait_derived,
        node::{BEA, Node, Room, Settings},
        numbers, until,
    },
    scale::Scale,
};
use anyhow::{Result, ensure};
use hilo_domain::time::to_rfc3339;
use hilo_service::clock;
use serde_json::{Value, json};
use std::time::Duration;

/// A time that nobody has reached.
const FUTURE: &str = "2028-01-01T00:00:00Z";
/// Long enough for a machine with tests beside this.
const PATIENCE: Duration = Duration::from_mins(1);

pub(crate) async fn attack(room: &Room, _: &Scale, judge: &mut Judge) -> Result<()> {
    let mut node = Node::start(room, Settings::default()).await?;
    let opened = BETA.text("wamid.beta.open", "5215512345678", "hola");
    ensure!(
        BETA.signed(&opened).send(node.http).await?.status == 200,
        "a genuine delivery is refused"
    );
    wait_derived(&node, "wamid.beta.open", PATIENCE).await?;

    for (path, line) in lines(FUTURE) {
        refused(&node, path, &line, judge).await?;
    }
    // Six minutes are more than the five that clocks may differ; four are less.
    let after = |minutes: i64| to_rfc3339(clock::now() + minutes * 60_000);
    let line = |id: &str, at: &str| ACME.outbound(id, &json!({"phone": "+56961234567"}), at);
    refused(&node, "/v1/outbound", &line("wamid.six", &after(6)), judge).await?;
    let near = ACME
        .lines("/v1/outbound", &[line("wamid.four", &after(4))])
        .send(node.http)
        .await?;
    judge.check("a clock that goes 4 minutes ahead is borne", near.status == 200, || {
        near.brief()
    });
    // Good lines beside a bad one are not taken either: all or none.
    let before = node.export("raw").await?.len();
    let mixed = [line("wamid.good", &now()), line("wamid.bad", FUTURE)];
    let answer = ACME.lines("/v1/outbound", &mixed).send(node.http).await?;
    let kept = node
        .export("raw")
        .await?
        .iter()
        .filter(|line| line.to_string().contains("wamid.good"))
        .count();
    judge.check(
        "a request is taken whole or not at all",
        answer.status == 422 && kept == 0,
        || format!("{} and {kept} lines kept, {before} before", answer.brief()),
    );

    // The platform's own times cannot be refused, and must not move time either.
    let mut far = ACME.text("wamid.far", "56961234567", "hola");
    far["entry"][0]["changes"][0]["value"]["messages"][0]["timestamp"] = json!("1830297600");
    ensure!(
        ACME.signed(&far).send(node.http).await?.status == 200,
        "a signed delivery is refused"
    );
    wait_derived(&node, "wamid.far", PATIENCE).await?;
    still(&node, "a line from 2028", judge).await?;

    // What is in a log already, with its receipt.
    node.terminate().await?;
    let mut old = line("wamid.logged", FUTURE);
    old["tenant"] = ACME.name.into();
    old["received_at"] = now().into();
    node.ingest(&format!("{old}\n")).await?;
    node.start_again().await?;
    let letters = until("the logged line is a dead letter", PATIENCE, async || {
        let letters = node.export("dead_letter").await?;
        Ok(letters
            .iter()
            .any(|letter| letter.to_string().contains("wamid.logged") || letter["reason"] == "from_the_future")
            .then_some(letters))
    })
    .await;
    let reasons: Vec<Value> = letters
        .iter()
        .flatten()
        .map(|letter| letter["reason"].clone())
        .collect();
    judge.check(
        "a logged line from the future is a dead letter",
        reasons.contains(&json!("from_the_future")),
        || format!("{reasons:?}"),
    );
    still(&node, "a logged line from 2028 and a restart", judge).await
}

/// Lines with a time, one of each path.
fn lines(at: &str) -> Vec<(&'static str, Value)> {
    let user = json!({"phone": "+56961234567"});
    vec![
        ("/v1/outbound", ACME.outbound("wamid.future", &user, at)),
        (
            "/v1/inbox",
            json!({"source": "inbox", "at": at, "phone_number_id": ACME.phone_number_id, "user": user, "event": "assigned", "agent": "ana"}),
        ),
        (
            "/v1/crm/hubspot",
            json!({"source": "crm", "at": at, "system": "hubspot", "event": "deal_won", "deal_id": "d1", "user": user}),
        ),
        (
            "/v1/identity",
            json!({"source": "identity", "at": at, "event": "merge", "user": user, "other": {"phone": "+56961234568"}, "actor": "ana", "reason": "x"}),
        ),
    ]
}

async fn refused(node: &Node<'_>, path: &str, line: &Value, judge: &mut Judge) -> Result<()> {
    let answer = ACME.lines(path, std::slice::from_ref(line)).send(node.http).await?;
    let is_named = answer.status == 422 && answer.code() == "from_the_future";
    judge.check("a line from the future is refused by its code", is_named, || {
        format!("{path} {}: {}", line["at"], answer.brief())
    });
    Ok(())
}

/// The other tenant's hour is not over, and its session is open.
async fn still(node: &Node<'_>, after: &str, judge: &mut Judge) -> Result<()> {
    let id = format!("wamid.beta.after.{}", after.len());
    let answer = BETA
        .signed(&BETA.text(&id, "5215512345678", "hola"))
        .send(node.http)
        .await?;
    ensure!(answer.status == 200, "a genuine delivery: {}", answer.brief());
    wait_derived(node, &id, PATIENCE).await?;
    let rows = until("there are numbers of beta", PATIENCE, async || {
        let rows = numbers::all(node, BEA).await;
        Ok(rows
            .ok()
            .filter(|rows| rows.iter().any(|row| row["tenant"] == BETA.name)))
    })
    .await?;
    let early: Vec<&Value> = rows.iter().filter(|row| row["is_final"] == true).collect();
    judge.check("no number of the other tenant is final", early.is_empty(), || {
        format!(
            "after {after}, {} are, as {}",
            early.len(),
            early.first().map(ToString::to_string).unwrap_or_default()
        )
    });
    let closed = node.export("conversation").await?;
    let closed = closed
        .iter()
        .filter(|fact| fact["tenant"] == BETA.name && fact["kind"] == "session_closed")
        .count();
    judge.check("no session of the other tenant is closed", closed == 0, || {
        format!("after {after}, {closed} are")
    });
    Ok(())
}
