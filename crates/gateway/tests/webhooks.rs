//! Signed deliveries and the challenge, over HTTP.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a helper that fails is a test that fails"
)]

mod support;

use hilo_gateway::Limits;
use hilo_service::ServeLimits;
use proptest::prelude::*;
use support::{BODY, Memory, SECRET, Server, error, signature};

const LIMIT: usize = 3 << 20;

#[tokio::test]
async fn the_documented_vectors_are_accepted_and_their_bytes_kept() {
    let log = Memory::default();
    let server = Server::start(log.clone()).await;
    let vectors = [
        (BODY, "dec6a680679a968e7e0319355b23599cbfc54502c0784668e9618baa0c633756"),
        (
            r#"{"object": "whatsapp_business_account", "entry": []}"#,
            "56cbbaf4961c6cfdae48b7f116c047e5eb513d2c931baae63a2bc1afd26f803a",
        ),
        (
            r#"{"t":"caf\u00e9 \ud83d\ude00 a\/b"}"#,
            "0b7ec4a3bb12ab921ea2dd6b2a9b879e5ad089a68276e2e06becc7defb4a2a1d",
        ),
        (
            r#"{"t":"café 😀 a/b"}"#,
            "c745d74f9456d921d62ce9fd3fd7c52b25c060f4c863abfae70b45c25d68fff4",
        ),
    ];
    for (body, hex) in vectors {
        let response = server.signed(body, &format!("sha256={hex}")).send().await.unwrap();
        assert_eq!(response.status(), 200, "{body}");
    }
    let raws = log.raws();
    let bodies: Vec<&[u8]> = raws.iter().map(|raw| raw.body.as_slice()).collect();
    assert_eq!(bodies, vectors.map(|(body, _)| body.as_bytes()));
    assert!(
        raws.iter()
            .all(|raw| raw.tenant == "acme" && raw.source == "whatsapp" && raw.received_at > 0)
    );
    let counted = server.measured(r#"hilo_gateway_requests_total{endpoint="whatsapp",outcome="accepted"}"#);
    assert_eq!(counted.as_deref(), Some("4"));
}

#[tokio::test]
async fn what_is_not_signed_by_the_tenant_is_refused_and_not_kept() {
    let log = Memory::default();
    let server = Server::start(log.clone()).await;
    let good = signature(SECRET, BODY.as_bytes());
    for header in [
        signature("wrong", BODY.as_bytes()),
        signature("", BODY.as_bytes()),
        signature("other_secret", BODY.as_bytes()),
        signature(SECRET, b"{}"),
        good[..70].to_owned(),
        good.to_uppercase(),
        good.replace("sha256=", "sha1="),
        format!("sha256={}", good["sha256=".len()..].to_uppercase()),
        "sha256=".to_owned(),
        String::new(),
    ] {
        let response = server.signed(BODY, &header).send().await.unwrap();
        let (status, told, hint) = error(response).await;
        assert_eq!(status, 401, "{header}");
        assert!(
            told.contains("signature") && hint.contains("X-Hub-Signature-256"),
            "{told} {hint}"
        );
    }
    let none = server.post("/webhooks/whatsapp/acme", BODY).send().await.unwrap();
    assert_eq!(none.status(), 401);
    let twice = server
        .signed(BODY, &good)
        .header("X-Hub-Signature-256", &good)
        .send()
        .await
        .unwrap();
    assert_eq!(twice.status(), 401);
    let legacy = server
        .post("/webhooks/whatsapp/acme", BODY)
        .header("X-Hub-Signature", &good)
        .send()
        .await
        .unwrap();
    assert_eq!(legacy.status(), 401);
    assert!(log.raws().is_empty());
}

#[tokio::test]
async fn both_secrets_of_a_rotation_sign() {
    let log = Memory::default();
    let server = Server::start(log.clone()).await;
    for secret in ["new_secret", SECRET] {
        let response = server
            .signed(BODY, &signature(secret, BODY.as_bytes()))
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), 200, "{secret}");
    }
    assert_eq!(log.raws().len(), 2);
}

#[tokio::test]
async fn a_tenant_without_secrets_is_closed() {
    let log = Memory::default();
    let server = Server::start(log.clone()).await;
    for secret in ["", SECRET, "other_secret"] {
        let header = signature(secret, BODY.as_bytes());
        let request = server
            .post("/webhooks/whatsapp/silent", BODY)
            .header("X-Hub-Signature-256", header);
        assert_eq!(request.send().await.unwrap().status(), 401, "{secret}");
    }
    assert!(log.raws().is_empty());
}

#[tokio::test]
async fn an_unknown_tenant_is_kept_apart_when_well_signed_and_refused_otherwise() {
    let log = Memory::default();
    let server = Server::start(log.clone()).await;
    for (tenant, secret, status) in [
        ("nobody", SECRET, 200),
        ("nobody", "other_secret", 200),
        ("nobody", "wrong", 401),
        ("nobody", "", 401),
        ("no%20name", SECRET, 404),
        ("%ff", "wrong", 401),
    ] {
        let header = signature(secret, BODY.as_bytes());
        let path = format!("/webhooks/whatsapp/{tenant}");
        let response = server
            .post(&path, BODY)
            .header("X-Hub-Signature-256", header)
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), status, "{tenant} {secret}");
    }
    let raws = log.raws();
    assert_eq!(raws.len(), 2);
    // Not `whatsapp`: a secret of one tenant must not make facts of another, also not of one that is to come.
    assert!(
        raws.iter()
            .all(|raw| raw.source == "invalid" && raw.tenant == "nobody" && raw.body == BODY.as_bytes())
    );
    let series = r#"hilo_gateway_requests_total{endpoint="whatsapp",outcome="unknown_tenant"}"#;
    assert_eq!(server.measured(series).as_deref(), Some("2"));
}

#[tokio::test]
async fn a_body_need_not_be_json() {
    let log = Memory::default();
    let server = Server::start(log.clone()).await;
    for body in [&b""[..], b"\xff\xfe\x00", b"{", b"[]"] {
        assert_eq!(server.deliver(body).await.status(), 200);
    }
    let kept: Vec<Vec<u8>> = log.raws().into_iter().map(|raw| raw.body).collect();
    assert_eq!(kept, [&b""[..], b"\xff\xfe\x00", b"{", b"[]"]);
}

#[tokio::test]
async fn three_mebibytes_are_the_limit() {
    let log = Memory::default();
    let server = Server::start(log.clone()).await;
    for (size, status) in [(LIMIT - 1, 200), (LIMIT, 200), (LIMIT + 1, 413), (3 * LIMIT, 413)] {
        assert_eq!(server.deliver(vec![b' '; size]).await.status(), status, "{size}");
    }
    let unsigned = server
        .post("/webhooks/whatsapp/acme", vec![b' '; LIMIT + 1])
        .send()
        .await
        .unwrap();
    assert_eq!(error(unsigned).await.0, 401, "a stranger's body is not read");
    let huge = server.deliver(vec![b' '; 20 << 20]).await;
    let (status, told, hint) = error(huge).await;
    assert_eq!(status, 413, "it is seen although the body was cut off");
    assert!(told.contains("3145728") && !hint.contains("lines"), "{told} {hint}");
    let sizes: Vec<usize> = log.raws().iter().map(|raw| raw.body.len()).collect();
    assert_eq!(sizes, [LIMIT - 1, LIMIT]);
}

#[tokio::test]
async fn a_large_body_is_checked_too() {
    let log = Memory::default();
    let server = Server::start(log.clone()).await;
    let body = vec![b'x'; 1 << 20];
    let wrong = server
        .signed(body.clone(), &signature("wrong", &body))
        .send()
        .await
        .unwrap();
    assert_eq!(wrong.status(), 401);
    assert!(log.raws().is_empty());
}

#[tokio::test]
async fn bodies_at_once_are_bounded() {
    let limits = Limits {
        small_bodies: 100,
        ..Limits::default()
    };
    let server = Server::bounded(Memory::default(), limits, ServeLimits::default()).await;
    let busy = server.deliver(vec![b' '; 101]).await;
    assert_eq!(busy.headers()["retry-after"], "5");
    assert_eq!(error(busy).await.0, 503);
    assert_eq!(
        server.deliver(vec![b' '; 100]).await.status(),
        200,
        "the room is free again"
    );
}

#[tokio::test]
async fn the_challenge_is_answered_to_whoever_knows_the_token() {
    let server = Server::start(Memory::default()).await;
    let ask = async |tenant: &str, query: &str| {
        let url = server.url(&format!("/webhooks/whatsapp/{tenant}?{query}"));
        server.client.get(url).send().await.unwrap()
    };
    let answer = ask(
        "acme",
        "hub.mode=subscribe&hub.challenge=%3Cb%3E1158201444&hub.verify_token=verify-acme",
    )
    .await;
    assert_eq!(answer.status(), 200);
    assert!(
        answer.headers()["content-type"]
            .to_str()
            .unwrap()
            .starts_with("text/plain")
    );
    assert_eq!(answer.text().await.unwrap(), "<b>1158201444");
    for (tenant, query) in [
        ("acme", "hub.mode=subscribe&hub.challenge=1&hub.verify_token=verify-acm"),
        ("acme", "hub.mode=subscribe&hub.challenge=1&hub.verify_token="),
        ("acme", "hub.mode=subscribe&hub.challenge=1"),
        (
            "acme",
            "hub.mode=unsubscribe&hub.challenge=1&hub.verify_token=verify-acme",
        ),
        ("acme", "hub.mode=subscribe&hub.verify_token=verify-acme"),
        (
            "acme",
            "hub.mode=subscribe&hub.challenge=1&hub.verify_token=x&hub.verify_token=verify-acme",
        ),
        ("acme", ""),
        (
            "other",
            "hub.mode=subscribe&hub.challenge=1&hub.verify_token=verify-acme",
        ),
        ("silent", "hub.mode=subscribe&hub.challenge=1&hub.verify_token="),
        ("nobody", "hub.mode=subscribe&hub.challenge=1&hub.verify_token="),
    ] {
        assert_eq!(ask(tenant, query).await.status(), 403, "{tenant} {query}");
    }
}

#[test]
fn no_mutation_of_a_signed_delivery_is_accepted() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let log = Memory::default();
    let server = runtime.block_on(Server::start(log.clone()));
    let good = signature(SECRET, BODY.as_bytes());
    let visible = prop::collection::vec(0x20..0x7f_u8, 0..80);
    let strategy = (
        prop::collection::vec(any::<u8>(), 0..60),
        prop_oneof![visible, Just(good.clone().into_bytes())],
        prop::sample::select(vec!["acme", "other", "silent", "nobody", "%00", ".."]),
    );
    proptest!(ProptestConfig::with_cases(200), |((body, header, tenant) in strategy)| {
        prop_assume!(body != BODY.as_bytes());
        let request = server.post(&format!("/webhooks/whatsapp/{tenant}"), body).header("X-Hub-Signature-256", header);
        let status = runtime.block_on(request.send()).unwrap().status().as_u16();
        prop_assert!(matches!(status, 401 | 404 | 405), "{}", status);
    });
    assert!(log.raws().is_empty());
    assert_eq!(
        runtime.block_on(server.deliver(BODY)).status(),
        200,
        "and it still serves"
    );
}
