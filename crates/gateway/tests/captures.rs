//! Sends, inbox and CRM events, over HTTP.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a helper that fails is a test that fails"
)]

mod support;

use hilo_gateway::{DurableLog, Limits, LogError};
use hilo_service::ServeLimits;
use hilo_stream::Record;
use reqwest::Response;
use serde_json::{Value, json};
use std::time::Duration;
use support::{Memory, Refusing, Server, problem};
use tokio::sync::watch;

fn bodies(log: &Memory) -> Vec<Value> {
    log.raws()
        .iter()
        .map(|raw| serde_json::from_slice(&raw.body).unwrap())
        .collect()
}

/// One good line of each address.
const OUTBOUND: &str = r#"{"at":"2026-05-04T13:00:00Z","message_id":"m1","to":{"phone":"+56961234567"}}"#;
const ASSIGNED: &str = r#"{"event":"assigned","user":{"phone":"9 6123 4567"}}"#;
const WON: &str = r#"{"event":"deal_won","user":{"user_id":"CL.1"}}"#;

async fn answer(response: Response) -> Value {
    assert_eq!(response.status(), 200);
    response.json().await.unwrap()
}

#[tokio::test]
async fn lines_become_records_of_the_tokens_tenant() {
    let log = Memory::default();
    let server = Server::start(log.clone()).await;
    let one = answer(server.capture("/v1/outbound", "token-acme", OUTBOUND).await).await;
    assert_eq!(one, json!({"accepted": 1, "delivery_ids": [log.raws()[0].delivery_id]}));
    let other = r#"{"event":"resolved","tenant":"other","source":"inbox","user":{"user_id":"CL.1"}}"#;
    let two = format!("{other}\n{}\n", other.replace("resolved", "tagged"));
    let two = answer(server.capture("/v1/inbox", "token-other", &two).await).await;
    assert_eq!(two["accepted"], 2);
    answer(server.capture("/v1/crm/hubspot", "token-acme", WON).await).await;
    let number = r#"{"waba_id":"310","number":{"id":"210","quality_rating":"GREEN"}}"#;
    answer(server.capture("/v1/platform", "token-acme", number).await).await;
    let raws = log.raws();
    let named: Vec<(&str, &str)> = raws
        .iter()
        .map(|raw| (raw.source.as_str(), raw.tenant.as_str()))
        .collect();
    let expected = [
        ("outbound", "acme"),
        ("inbox", "other"),
        ("inbox", "other"),
        ("crm", "acme"),
        ("platform", "acme"),
    ];
    assert_eq!(named, expected);
    let ids: Vec<&str> = raws[1..3].iter().map(|raw| raw.delivery_id.as_str()).collect();
    assert_eq!(two["delivery_ids"], json!(ids));
    let bodies = bodies(&log);
    assert_eq!(
        (&bodies[0]["source"], &bodies[0]["tenant"]),
        (&"outbound".into(), &"acme".into())
    );
    assert!(
        raws[0].received_at > 1_777_899_600_000,
        "the receipt is ours, whatever the line says"
    );
    assert_eq!(bodies[3]["system"], "hubspot");
    assert_eq!(bodies[4]["number"]["quality_rating"], "GREEN");
    assert!(bodies[4]["at"].is_string(), "the receipt stands for a missing at");
    let series = r#"hilo_gateway_records_total{endpoint="inbox"}"#;
    assert_eq!(server.measured(series).as_deref(), Some("2"));
}

#[tokio::test]
async fn without_a_known_token_nothing_is_read() {
    let log = Memory::default();
    let server = Server::start(log.clone()).await;
    for path in [
        "/v1/outbound",
        "/v1/inbox",
        "/v1/platform",
        "/v1/identity",
        "/v1/crm/hubspot",
    ] {
        for token in ["", " ", "token-acm", "token-acmee", "test_app_secret"] {
            assert_eq!(
                server.capture(path, token, "{}").await.status(),
                401,
                "{path} {token:?}"
            );
        }
        assert_eq!(server.post(path, "{}").send().await.unwrap().status(), 401);
        let basic = server
            .post(path, "{}")
            .header("Authorization", "Basic token-acme")
            .send()
            .await
            .unwrap();
        assert_eq!(basic.status(), 401);
    }
    assert!(log.raws().is_empty());
}

#[tokio::test]
async fn a_bad_line_is_named_with_code_field_and_what_is_allowed_and_none_is_taken() {
    let log = Memory::default();
    let server = Server::start(log.clone()).await;
    let tomorrow = hilo_domain::time::to_rfc3339(hilo_service::clock::now() + 86_400_000);
    for (path, body, status, code, line, field) in [
        ("/v1/outbound", "{}".to_owned(), 422, "no_id", 1, "message_id"),
        ("/v1/outbound", r#"{"foo":1}"#.to_owned(), 422, "no_id", 1, "message_id"),
        (
            "/v1/outbound",
            r#"{"message_id":"m"}"#.to_owned(),
            422,
            "no_person",
            1,
            "to",
        ),
        ("/v1/outbound", "hello".to_owned(), 422, "not_json", 1, ""),
        ("/v1/outbound", format!("{OUTBOUND}\n7"), 422, "not_object", 2, ""),
        (
            "/v1/outbound",
            OUTBOUND.replace("+56961234567", "no phone"),
            422,
            "bad_phone",
            1,
            "to.phone",
        ),
        (
            "/v1/outbound",
            format!("{OUTBOUND}{{\"tenant\":\"other\"}}"),
            403,
            "other_tenant",
            2,
            "tenant",
        ),
        (
            "/v1/outbound",
            OUTBOUND.replace("2026-05-04T13:00:00Z", &tomorrow),
            422,
            "from_the_future",
            1,
            "at",
        ),
        (
            "/v1/inbox",
            ASSIGNED.replace("assigned", "explode"),
            422,
            "unknown_event",
            1,
            "event",
        ),
        (
            "/v1/inbox",
            r#"{"source":"outbound"}"#.to_owned(),
            422,
            "other_source",
            1,
            "source",
        ),
        ("/v1/inbox", r#"{"at":"today"}"#.to_owned(), 422, "bad_time", 1, "at"),
        ("/v1/crm/foo", WON.to_owned(), 422, "unknown_system", 1, "system"),
        (
            "/v1/crm/hubspot",
            r#"{"system":"salesforce"}"#.to_owned(),
            422,
            "other_system",
            1,
            "system",
        ),
        ("/v1/identity", "{}".to_owned(), 422, "no_event", 1, "event"),
        (
            "/v1/platform",
            "{}".to_owned(),
            422,
            "no_number_or_template",
            1,
            "number",
        ),
    ] {
        let (found, told) = problem(server.capture(path, "token-acme", &body).await).await;
        assert_eq!(
            (found, &told["code"], &told["line"], &told["field"]),
            (status, &json!(code), &json!(line), &json!(field)),
            "{path} {body}"
        );
        assert!(told["error"].as_str().unwrap().starts_with(&format!("line {line} ")));
        assert!(told["hint"].is_string() && told["allowed"].is_array());
    }
    let explode = server
        .capture("/v1/inbox", "token-acme", &ASSIGNED.replace("assigned", "explode"))
        .await;
    let events = [
        "assigned",
        "unassigned",
        "handed_off",
        "resolved",
        "reopened",
        "snoozed",
        "tagged",
        "rated",
    ];
    assert_eq!(problem(explode).await.1["allowed"], json!(events));
    for (path, body, status, code) in [
        ("/v1/outbound", String::new(), 422, "no_lines"),
        ("/v1/crm/no%20name", WON.to_owned(), 404, "unknown_address"),
        ("/v1/inbox?dryrun=1", ASSIGNED.to_owned(), 400, "bad_query"),
        ("/v1/inbox?dry_run=perhaps", ASSIGNED.to_owned(), 400, "bad_query"),
        (
            "/v1/inbox",
            format!("{{\"text\":\"{}\"}}", "x".repeat(3 << 20)),
            413,
            "too_large",
        ),
        ("/v1/inbox", ASSIGNED.repeat(10_001), 413, "too_many_lines"),
    ] {
        let (found, told) = problem(server.capture(path, "token-acme", &body).await).await;
        assert_eq!((found, &told["code"]), (status, &json!(code)), "{path}");
    }
    assert!(log.raws().is_empty());
    assert_eq!(
        server
            .capture("/v1/inbox", "token-acme", &ASSIGNED.repeat(10_000))
            .await
            .status(),
        200
    );
}

#[tokio::test]
async fn a_dry_run_checks_and_keeps_nothing() {
    let log = Memory::default();
    let server = Server::start(log.clone()).await;
    let checked = answer(server.capture("/v1/inbox?dry_run=1", "token-acme", ASSIGNED).await).await;
    assert_eq!(checked, json!({"dry_run": true, "accepted": 0, "checked": 1}));
    let bad = server.capture("/v1/inbox?dry_run=1", "token-acme", "{}").await;
    assert_eq!(problem(bad).await.0, 422);
    assert!(log.raws().is_empty());
    answer(server.capture("/v1/inbox?dry_run=0", "token-acme", ASSIGNED).await).await;
    assert_eq!(log.raws().len(), 1);
}

async fn keyed(server: &Server, path: &str, token: &str, key: &str, body: &str) -> Response {
    let request = server
        .post(path, body)
        .bearer_auth(token)
        .header("Idempotency-Key", key);
    request.send().await.unwrap()
}

#[tokio::test]
async fn a_key_gives_one_answer_and_keeps_its_lines_once() {
    let log = Memory::default();
    let server = Server::start(log.clone()).await;
    let inbox = async |key: &str, body: &str| keyed(&server, "/v1/inbox", "token-acme", key, body).await;
    // Nothing of it was taken, so the mended body may have the key.
    assert_eq!(inbox("k1", "{}").await.status(), 422);
    // Both lines lack `at`: they are as of the receipt of the first request.
    let first = answer(inbox("k1", ASSIGNED).await).await;
    let again = inbox("k1", ASSIGNED).await;
    assert_eq!(again.headers()["idempotency-replayed"], "true");
    assert_eq!(answer(again).await, first);
    assert_eq!(log.raws().len(), 1);
    let other_body = ASSIGNED.replace("assigned", "resolved");
    for reused in [
        inbox("k1", &other_body).await,
        keyed(&server, "/v1/crm/hubspot", "token-acme", "k1", ASSIGNED).await,
    ] {
        let (status, told) = problem(reused).await;
        assert_eq!((status, &told["code"]), (422, &json!("idempotency_key_reused")));
    }
    for key in ["", " ", "a b", &"k".repeat(256)] {
        assert_eq!(
            problem(inbox(key, ASSIGNED).await).await.1["code"],
            "bad_idempotency_key",
            "{key:?}"
        );
    }
    // Another tenant's key is another key; and another key is another request.
    let others = keyed(
        &server,
        "/v1/inbox",
        "token-other",
        "k1",
        r#"{"event":"tagged","user":{"user_id":"CL.1"}}"#,
    );
    answer(others.await).await;
    answer(inbox("k2", &other_body).await).await;
    assert_eq!(log.raws().len(), 3);
    let series = r#"hilo_gateway_requests_total{endpoint="inbox",outcome="repeated"}"#;
    assert_eq!(server.measured(series).as_deref(), Some("1"));
}

/// Answers when the test says so; keeps count of what it was given.
#[derive(Clone)]
struct Slow {
    given: Memory,
    answer: watch::Sender<Option<Result<(), LogError>>>,
}

impl DurableLog for Slow {
    async fn append(&self, records: Vec<Record>) -> Result<(), LogError> {
        self.given.append(records).await?;
        let mut answer = self.answer.subscribe();
        answer.wait_for(Option::is_some).await.unwrap().clone().unwrap()
    }
}

#[tokio::test]
async fn what_the_log_has_and_did_not_answer_is_known_again_with_a_key_and_without() {
    let log = Slow {
        given: Memory::default(),
        answer: watch::Sender::new(None),
    };
    let limits = Limits {
        append_time: Duration::from_millis(20),
        ..Limits::default()
    };
    let server = Server::bounded(log.clone(), limits, ServeLimits::default()).await;
    let plain = async |body: &str| server.capture("/v1/inbox", "token-acme", body).await;
    let with_key = async |body: &str| keyed(&server, "/v1/inbox", "token-acme", "k", body).await;
    let tagged = ASSIGNED.replace("assigned", "tagged");
    for attempt in 0..3 {
        for response in [plain(ASSIGNED).await, with_key(&tagged).await] {
            assert!(response.headers().contains_key("retry-after"));
            let (status, told) = problem(response).await;
            assert_eq!((status, &told["code"]), (503, &json!("log_slow")), "attempt {attempt}");
        }
    }
    assert_eq!(log.given.raws().len(), 2, "each was given to the log once");
    log.answer.send_replace(Some(Ok(())));
    let ids: Vec<String> = log.given.raws().into_iter().map(|raw| raw.delivery_id).collect();
    assert_eq!(answer(plain(ASSIGNED).await).await["delivery_ids"], json!(ids[..1]));
    assert_eq!(answer(with_key(&tagged).await).await["delivery_ids"], json!(ids[1..]));
    assert_eq!(log.given.raws().len(), 2);
    // It has its answer: the same words without a key are a new event now.
    answer(plain(ASSIGNED).await).await;
    answer(with_key(&tagged).await).await;
    assert_eq!(log.given.raws().len(), 3);
}

#[tokio::test]
async fn what_the_log_refused_is_appended_again_as_of_its_first_receipt() {
    let log = Slow {
        given: Memory::default(),
        answer: watch::Sender::new(Some(Err(LogError::Unavailable("broken".to_owned())))),
    };
    let server = Server::start(log.clone()).await;
    let send = async || keyed(&server, "/v1/inbox", "token-acme", "k", ASSIGNED).await;
    assert_eq!(problem(send().await).await.1["code"], "log_failed");
    log.answer.send_replace(Some(Ok(())));
    answer(send().await).await;
    let raws = log.given.raws();
    assert_eq!(
        (raws.len(), &raws[0]),
        (2, &raws[1]),
        "a duplicate, should the first have been kept"
    );
}

#[tokio::test]
async fn a_log_that_fails_is_told() {
    let server = Server::start(Refusing(LogError::Full)).await;
    let response = server.capture("/v1/outbound", "token-acme", OUTBOUND).await;
    assert_eq!(response.headers()["retry-after"], "5");
    assert_eq!(problem(response).await.1["code"], "log_full");
}
