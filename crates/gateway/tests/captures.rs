//! Sends, inbox and CRM events, over HTTP.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a helper that fails is a test that fails"
)]

mod support;

use hilo_gateway::LogError;
use serde_json::Value;
use support::{Memory, Refusing, Server, error};

fn bodies(log: &Memory) -> Vec<Value> {
    log.raws()
        .iter()
        .map(|raw| serde_json::from_slice(&raw.body).unwrap())
        .collect()
}

#[tokio::test]
async fn lines_become_records_of_the_tokens_tenant() {
    let log = Memory::default();
    let server = Server::start(log.clone()).await;
    let one = server
        .capture(
            "/v1/outbound",
            "token-acme",
            r#"{"at":"2026-05-04T13:00:00Z","message_id":"m1"}"#,
        )
        .await;
    assert_eq!(
        (
            one.status().as_u16(),
            one.json::<Value>().await.unwrap()["accepted"].as_u64()
        ),
        (200, Some(1))
    );
    let two = "{\"event\":\"assigned\"}\n{\"event\":\"resolved\",\"tenant\":\"other\",\"source\":\"inbox\"}\n";
    assert_eq!(
        server
            .capture("/v1/inbox", "token-other", two)
            .await
            .json::<Value>()
            .await
            .unwrap()["accepted"],
        2
    );
    let crm = server
        .capture("/v1/crm/hubspot", "token-acme", r#"{"event":"deal_won"}"#)
        .await;
    assert_eq!(crm.status(), 200);
    let number = r#"{"waba_id":"310","number":{"id":"210","quality_rating":"GREEN"}}"#;
    let platform = server.capture("/v1/platform", "token-acme", number).await;
    assert_eq!(platform.status(), 200);
    let named: Vec<(String, String)> = log.raws().into_iter().map(|raw| (raw.source, raw.tenant)).collect();
    let expected = [
        ("outbound", "acme"),
        ("inbox", "other"),
        ("inbox", "other"),
        ("crm", "acme"),
        ("platform", "acme"),
    ];
    assert_eq!(
        named,
        expected.map(|(source, tenant)| (source.to_owned(), tenant.to_owned()))
    );
    let bodies = bodies(&log);
    assert_eq!(
        (&bodies[0]["source"], &bodies[0]["tenant"]),
        (&"outbound".into(), &"acme".into())
    );
    assert_eq!(log.raws()[0].received_at, 1_777_899_600_000);
    assert_eq!(bodies[3]["system"], "hubspot");
    assert_eq!(bodies[4]["number"]["quality_rating"], "GREEN");
    assert!(bodies[4]["at"].is_string(), "the receipt stands for a missing at");
    let series = r#"hilo_gateway_records_total{endpoint="inbox"}"#;
    assert_eq!(server.measured(series).await.as_deref(), Some("2"));
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
async fn a_bad_line_is_told_and_none_is_taken() {
    let log = Memory::default();
    let server = Server::start(log.clone()).await;
    for (path, body, status, expected) in [
        ("/v1/outbound", "", 400, "no line"),
        ("/v1/outbound", "hello", 400, "line 1 is no JSON"),
        ("/v1/outbound", "[]", 400, "line 1 is no JSON object"),
        ("/v1/outbound", "{}\n7", 400, "line 2 is no JSON object"),
        (
            "/v1/outbound",
            "{}\n{\"tenant\":\"other\"}",
            403,
            "line 2 names another tenant",
        ),
        ("/v1/inbox", "{\"source\":\"outbound\"}", 400, "another source"),
        ("/v1/platform", "{\"source\":\"inbox\"}", 400, "another source"),
        ("/v1/crm/hubspot", "{\"system\":\"salesforce\"}", 400, "another system"),
        ("/v1/inbox", "{\"at\":\"today\"}", 400, "no instant"),
    ] {
        let (found, told, hint) = error(server.capture(path, "token-acme", body).await).await;
        assert_eq!(found, status, "{path} {body}");
        assert!(told.contains(expected), "{told}");
        assert!(!hint.is_empty());
    }
    let large = format!("{{\"text\":\"{}\"}}", "x".repeat(3 << 20));
    assert_eq!(server.capture("/v1/inbox", "token-acme", &large).await.status(), 413);
    assert_eq!(
        server.capture("/v1/crm/no%20name", "token-acme", "{}").await.status(),
        404
    );
    assert!(log.raws().is_empty());
}

#[tokio::test]
async fn a_log_that_fails_is_told() {
    let server = Server::start(Refusing(LogError::Full)).await;
    let response = server.capture("/v1/outbound", "token-acme", "{}").await;
    assert_eq!(response.headers()["retry-after"], "5");
    assert_eq!(error(response).await.0, 503);
}
