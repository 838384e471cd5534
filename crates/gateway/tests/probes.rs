//! Health, readiness, and the answers to strangers.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a helper that fails is a test that fails"
)]

mod support;

use hilo_gateway::{Gateway, Limits, router};
use hilo_service::{ServeLimits, serve};
use prometheus::Registry;
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};
use support::{Memory, Server, error, tenants};
use tokio::net::TcpListener;

#[tokio::test]
async fn ready_when_told_so_and_healthy_all_the_time() {
    let ready = Arc::new(AtomicBool::new(false));
    let asked = Arc::clone(&ready);
    let gateway = Gateway::new(Memory::default(), tenants(), Limits::default(), &Registry::new())
        .unwrap()
        .ready_when(move || {
            asked
                .load(Ordering::Relaxed)
                .then_some(())
                .ok_or("stores are being restored".to_owned())
        });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(serve(
        listener,
        router(gateway),
        ServeLimits::default(),
        std::future::pending(),
    ));
    let get = async |path: &str| reqwest::get(format!("http://{address}{path}")).await.unwrap();
    let waiting = error(get("/readyz").await).await;
    assert_eq!((waiting.0, waiting.1.as_str()), (503, "stores are being restored"));
    assert_eq!(get("/healthz").await.status(), 200);
    ready.store(true, Ordering::Relaxed);
    assert_eq!(get("/readyz").await.status(), 200);
    server.abort();
}

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
    let text = server
        .client
        .get(server.url("/metrics"))
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    assert!(
        text.contains("hilo_gateway_acknowledge_seconds_count{endpoint=\"whatsapp\"} 1"),
        "{text}"
    );
    assert!(!text.contains("56900000000") && !text.contains("acme"), "{text}");
}
