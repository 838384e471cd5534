//! M2 and M3: what one request may cost, and what it is told.

use crate::{
    judge::Judge,
    room::{
        capture::{ACME, BETA, now},
        genuine::{self, Genuine, derived_after},
        http::{Answer, Request},
        node::{Node, Room, Settings},
        until,
    },
    scale::Scale,
};
use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use std::time::Duration;

/// Lines of a request at most.
const LINES: usize = 10_000;
/// An answer to a large request came within this time.
const PATIENCE: Duration = Duration::from_mins(2);
/// MiB on disk that four bodies of 3 MiB may become: kept once, in the log and with their dead letters' bookkeeping.
const DISK: u64 = 64 << 20;

pub(crate) async fn fan_out(room: &Room, scale: &Scale, judge: &mut Judge) -> Result<()> {
    let node = Node::start(room, Settings::default()).await?;
    derived_after(&node, BETA, "wamid.before", PATIENCE).await?;
    node.forget_peak();
    let (before, disk) = (node.memory()?, node.disk());
    let genuine = Genuine::start(node.http, BETA, scale.pace, PATIENCE);
    let bodies = wide(scale.fan_out);
    for (place, body) in &bodies {
        ensure!(body.len() <= 3 << 20, "{place}: {} bytes", body.len());
        let answer = ACME.signed_bytes(body.clone()).send_within(node.http, PATIENCE).await?;
        judge.check("a wide body is kept", answer.status == 200, || {
            format!("{place}: {}", answer.brief())
        });
    }
    let after = derived_after(&node, BETA, "wamid.after.wide", scale.derived).await;
    if let Ok(after) = &after {
        judge.figure("derived_ms", after.as_millis() as u64);
    }
    judge.check(
        "the other tenant's next delivery becomes a fact in time",
        after.is_ok(),
        || format!("not in {} s", scale.derived.as_secs()),
    );
    too_many_lines(&node, judge).await?;
    genuine.end().await?.judge(&node, scale, judge).await?;
    let grown = node.peak()?.saturating_sub(before);
    judge.figure("grown_mib", grown);
    judge.check("a wide body costs a bounded room", grown < scale.memory, || {
        format!("{grown} MiB more")
    });
    if !room.is_kafka() {
        let written = node.disk().saturating_sub(disk);
        judge.figure("written_mib", written >> 20);
        // Genuine deliveries are in it too, some of 300 KB each.
        let allowed = DISK
            + node
                .export("raw")
                .await?
                .iter()
                .map(|line| line.to_string().len() as u64)
                .sum::<u64>()
                * 3;
        judge.check("a wide body is kept once", written < allowed, || {
            format!("{} MiB written, allowed {}", written >> 20, allowed >> 20)
        });
    }
    let letters = until("each wide body has its dead letter", PATIENCE, async || {
        let letters = node.export("dead_letter").await?;
        Ok((letters.len() >= bodies.len()).then_some(letters))
    })
    .await?;
    judge.figure("dead_letters", letters.len());
    let expected = letters.len() == bodies.len() && letters.iter().all(|letter| letter["reason"] == "too_many_items");
    judge.check("a wide body is one dead letter", expected, || {
        format!(
            "{} dead letters, the first {}",
            letters.len(),
            letters.first().map_or(&Value::Null, |letter| &letter["reason"])
        )
    });
    again(&node, judge).await
}

/// Bodies just under the limit, each wide at another place.
fn wide(count: usize) -> Vec<(&'static str, Vec<u8>)> {
    let of = |element: &str, count: usize| format!("[{}{element}]", format!("{element},").repeat(count - 1));
    let many = of("{}", count);
    let body = |text: String| text.into_bytes();
    let value = |array: &str, elements: &str| {
        format!(
            r#"{{"object":"whatsapp_business_account","entry":[{{"id":"{}","changes":[{{"field":"messages","value":{{"metadata":{{"phone_number_id":"{}"}},"{array}":{elements}}}}}]}}]}}"#,
            ACME.waba, ACME.phone_number_id
        )
    };
    vec![
        ("messages", body(value("messages", &many))),
        ("statuses", body(value("statuses", &of("0", count * 3 / 2)))),
        (
            "changes",
            body(format!(
                r#"{{"object":"whatsapp_business_account","entry":[{{"id":"{}","changes":{many}}}]}}"#,
                ACME.waba
            )),
        ),
        (
            "entry",
            body(format!(r#"{{"object":"whatsapp_business_account","entry":{many}}}"#)),
        ),
    ]
}

async fn too_many_lines(node: &Node<'_>, judge: &mut Judge) -> Result<()> {
    let line = |number: usize| {
        ACME.outbound(
            &format!("wamid.lines.{number}"),
            &json!({"user_id": format!("CL.{}", number % 50)}),
            &now(),
        )
    };
    let many: Vec<Value> = (0..=LINES).map(line).collect();
    let empty = Request::post("/v1/outbound", "{}\n".repeat(1_040_000)).bearer(ACME.api_token);
    for (name, request) in [
        ("10,001 lines", ACME.lines("/v1/outbound", &many)),
        ("1,040,000 empty objects", empty),
    ] {
        let answer = request.send_within(node.http, PATIENCE).await?;
        judge.check(
            "too many lines are 413 with a code",
            answer.status == 413 && !answer.code().is_empty(),
            || format!("{name}: {}", answer.brief()),
        );
    }
    let answer = ACME
        .lines("/v1/outbound", &many[..LINES])
        .send_within(node.http, PATIENCE)
        .await?;
    judge.check("10,000 lines are taken", answer.status == 200, || answer.brief());
    Ok(())
}

/// A sender that repeats what it has no answer to.
async fn again(node: &Node<'_>, judge: &mut Judge) -> Result<()> {
    let line = |id: &str| ACME.outbound(id, &json!({"phone": "+56961234567"}), "2026-01-05T10:00:00Z");
    let lines = [line("wamid.key.1"), line("wamid.key.2")];
    let request = ACME.lines("/v1/outbound", &lines).header("Idempotency-Key", "order-77");
    let (first, second) = (request.send(node.http).await?, request.send(node.http).await?);
    judge.check(
        "a repeated key has the same answer",
        first.status == 200 && second.status == 200 && ids(&first) == ids(&second),
        || format!("{} then {}", first.brief(), second.brief()),
    );
    let kept = |raw: &[Value]| {
        raw.iter()
            .filter(|line| line.to_string().contains("wamid.key.1"))
            .count()
    };
    let count = kept(&node.export("raw").await?);
    judge.check("a repeated key is kept once", count == 1, || format!("{count} times"));
    let other = ACME
        .lines("/v1/outbound", &[line("wamid.key.3")])
        .header("Idempotency-Key", "order-77")
        .send(node.http)
        .await?;
    judge.check(
        "a key with other lines is no repetition in silence",
        other.status != 200 || ids(&other) != ids(&first),
        || other.brief(),
    );
    Ok(())
}

/// Delivery ids of an answer.
fn ids(answer: &Answer) -> Vec<String> {
    let body = answer.json();
    let list = body["delivery_ids"].as_array().cloned().unwrap_or_default();
    list.iter().filter_map(|id| id.as_str().map(str::to_owned)).collect()
}

pub(crate) async fn lines(room: &Room, _: &Scale, judge: &mut Judge) -> Result<()> {
    let node = Node::start(room, Settings::default()).await?;
    derived_after(&node, BETA, "wamid.before", PATIENCE).await?;
    let good = || ACME.outbound("wamid.good", &json!({"phone": "+56961234567"}), &now());
    let bad = bad();
    judge.figure("kinds", bad.len());
    for (name, path, line) in &bad {
        let answer = ACME.lines(path, std::slice::from_ref(line)).send(node.http).await?;
        let body = answer.json();
        let named = answer.status == 422 && !answer.code().is_empty() && body["line"] == 1 && body["field"].is_string();
        judge.check(
            "a line that cannot become a fact is refused, with line, field and code",
            named,
            || format!("{name}: {}", answer.brief()),
        );
    }
    // The third of four.
    let mixed = ACME
        .lines("/v1/outbound", &[good(), good(), json!({"source": "outbound"}), good()])
        .send(node.http)
        .await?;
    judge.check(
        "the line that is wrong is counted right",
        mixed.status == 422 && mixed.json()["line"] == 3,
        || mixed.brief(),
    );
    let text = Request::post("/v1/outbound", "no json")
        .bearer(ACME.api_token)
        .send(node.http)
        .await?;
    judge.check(
        "what is no JSON is refused by a code",
        matches!(text.status, 400 | 422) && !text.code().is_empty(),
        || text.brief(),
    );

    let dry = ACME.lines("/v1/outbound?dry_run=1", &[good()]).send(node.http).await?;
    judge.check("a dry run says that all is well", dry.status == 200, || dry.brief());
    let bad = ACME
        .lines("/v1/outbound?dry_run=1", &[json!({})])
        .send(node.http)
        .await?;
    judge.check("a dry run says what is wrong", bad.status == 422, || bad.brief());
    let raw = node.export("raw").await?;
    let kept = raw.iter().filter(|line| line["tenant"] == ACME.name).count();
    judge.check("nothing of a refused or dry request is kept", kept == 0, || {
        format!("{kept} lines are in the log")
    });

    let taken = ACME.lines("/v1/outbound", &[good(), good()]).send(node.http).await?;
    let ids = ids(&taken);
    judge.check(
        "accepted lines have their delivery ids",
        taken.status == 200 && ids.len() == 2,
        || taken.brief(),
    );
    let delivery = ids.first().context("no delivery id")?;
    let found = until("the delivery is found by its id", PATIENCE, async || {
        Ok(node.trace(delivery).await.ok().filter(|answer| answer.status == 200))
    })
    .await;
    judge.check("a delivery id leads to what became of it", found.is_ok(), || {
        format!("{delivery} is not found")
    });
    let letters = node.export("dead_letter").await?;
    judge.check("what was accepted is no dead letter", letters.is_empty(), || {
        format!("{}", letters[0])
    });
    let kept = genuine::ids(&node.export("raw").await?);
    judge.check("what was accepted is in the log", kept.contains("wamid.good"), || {
        "it is not".to_owned()
    });
    Ok(())
}

/// Lines that can become no fact.
fn bad() -> Vec<(&'static str, &'static str, Value)> {
    let at = now();
    let user = json!({"phone": "+56961234567"});
    let without = |field: &str| {
        let mut line = ACME.outbound("wamid.bad", &user, &at);
        if let Some(line) = line.as_object_mut() {
            line.remove(field);
        }
        line
    };
    let with = |field: &str, value: Value| {
        let mut line = ACME.outbound("wamid.bad", &user, &at);
        line[field] = value;
        line
    };
    let inbox = |event: &str| json!({"source": "inbox", "at": at, "phone_number_id": ACME.phone_number_id, "user": user, "event": event, "agent": "ana"});
    vec![
        ("nothing", "/v1/outbound", json!({})),
        ("another object", "/v1/outbound", json!({"foo": 1})),
        ("no recipient", "/v1/outbound", without("to")),
        ("no id", "/v1/outbound", without("message_id")),
        ("no phone", "/v1/outbound", with("to", json!({"phone": "not a phone"}))),
        ("an empty recipient", "/v1/outbound", with("to", json!({}))),
        ("no time", "/v1/outbound", with("at", json!("yesterday"))),
        ("an unknown event", "/v1/inbox", inbox("explode")),
        (
            "an inbox line without a user",
            "/v1/inbox",
            json!({"source": "inbox", "at": at, "event": "assigned", "phone_number_id": "1"}),
        ),
        (
            "an identity line without an event",
            "/v1/identity",
            json!({"source": "identity", "at": at, "user": user, "actor": "ana", "reason": "x"}),
        ),
        (
            "an unknown decision",
            "/v1/identity",
            json!({"source": "identity", "at": at, "event": "explode", "user": user, "actor": "ana", "reason": "x"}),
        ),
        (
            "an unknown system",
            "/v1/crm/foo",
            json!({"source": "crm", "at": at, "event": "deal_won", "deal_id": "d", "user": user}),
        ),
        (
            "an unknown event of a CRM",
            "/v1/crm/hubspot",
            json!({"source": "crm", "at": at, "event": "explode", "deal_id": "d", "user": user}),
        ),
    ]
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn wide_bodies_are_json_within_the_limit() {
        for (place, body) in wide(1_000_000) {
            assert!(body.len() <= 3 << 20, "{place}: {}", body.len());
        }
        for (place, body) in wide(20) {
            let body: Value = serde_json::from_slice(&body).unwrap();
            assert!(body.to_string().matches("{}").count() >= 20 || place == "statuses");
        }
    }
}
