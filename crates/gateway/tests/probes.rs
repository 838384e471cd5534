//! The answers to strangers, and what the metrics say.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a helper that fails is a test that fails"
)]

mod support;

use support::{Memory, Server, error};

#[tokio::test]
async fn a_wrong_method_is_told_and_labels_name_nobody() {
    let server = Server::start(Memory::default()).await;
    let put = server
        .client
        .put(server.url("/webhooks/whatsapp/acme"))
        .send()
        .await
        .unwrap();
    assert_eq!(error(put).await.0, 405);
    let got = server.client.get(server.url("/v1/inbox")).send().await.unwrap();
    assert_eq!(error(got).await.0, 405);
    assert_eq!(server.deliver(r#"{"from":"56900000000"}"#).await.status(), 200);
    let text = prometheus::TextEncoder::new()
        .encode_to_string(&server.registry.gather())
        .unwrap();
    assert!(
        text.contains("hilo_gateway_acknowledge_seconds_count{endpoint=\"whatsapp\"} 1"),
        "{text}"
    );
    assert!(!text.contains("56900000000") && !text.contains("acme"), "{text}");
}
