//! A gateway on a loopback port, and logs that do what a test tells them.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::panic,
    reason = "shared by test files, each uses a part"
)]

use hilo_contracts::{
    codec::{self, Codec as _},
    facts::Raw,
};
use hilo_gateway::{DurableLog, Gateway, Limits, LogError, Secret, TenantSecrets, Tenants, router};
use hilo_service::{ServeLimits, serve};
use hilo_stream::Record;
use hmac::{Hmac, Mac as _};
use prometheus::Registry;
use reqwest::{Client, RequestBuilder, Response};
use serde_json::Value;
use sha2::Sha256;
use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};

pub(crate) const SECRET: &str = "test_app_secret";
pub(crate) const BODY: &str = r#"{"object":"whatsapp_business_account","entry":[]}"#;

/// Keeps records in memory.
#[derive(Clone, Default)]
pub(crate) struct Memory(Arc<Mutex<Vec<Record>>>);

impl Memory {
    pub(crate) fn raws(&self) -> Vec<Raw> {
        let codec = codec::raw();
        self.0
            .lock()
            .unwrap()
            .iter()
            .map(|record| codec.decode(&record.value).unwrap())
            .collect()
    }
}

impl DurableLog for Memory {
    async fn append(&self, records: Vec<Record>) -> Result<(), LogError> {
        self.0.lock().unwrap().extend(records);
        Ok(())
    }
}

/// Never takes anything, and says so.
pub(crate) struct Refusing(pub(crate) LogError);

impl DurableLog for Refusing {
    async fn append(&self, _: Vec<Record>) -> Result<(), LogError> {
        Err(self.0.clone())
    }
}

/// Takes everything and never answers.
pub(crate) struct Hung;

impl DurableLog for Hung {
    async fn append(&self, _: Vec<Record>) -> Result<(), LogError> {
        std::future::pending().await
    }
}

/// A defect.
pub(crate) struct Panicking;

impl DurableLog for Panicking {
    async fn append(&self, _: Vec<Record>) -> Result<(), LogError> {
        panic!("the log has a defect")
    }
}

pub(crate) fn secret(text: &str) -> Secret {
    Secret::new(text).unwrap()
}

pub(crate) fn tenants() -> Tenants {
    let acme = TenantSecrets {
        verify_token: Some(secret("verify-acme")),
        app_secrets: vec![secret("new_secret"), secret(SECRET)],
        api_tokens: vec![secret("token-acme")],
    };
    let other = TenantSecrets {
        verify_token: None,
        app_secrets: vec![secret("other_secret")],
        api_tokens: vec![secret("token-other")],
    };
    let silent = TenantSecrets::default();
    Tenants::new([
        ("acme".to_owned(), acme),
        ("other".to_owned(), other),
        ("silent".to_owned(), silent),
    ])
    .unwrap()
}

pub(crate) fn signature(secret: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(body);
    format!("sha256={:x}", mac.finalize().into_bytes())
}

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) client: Client,
    pub(crate) registry: Registry,
    end: Option<oneshot::Sender<()>>,
    served: JoinHandle<bool>,
}

impl Server {
    pub(crate) async fn start(log: impl DurableLog) -> Self {
        Self::bounded(log, Limits::default(), ServeLimits::default()).await
    }

    pub(crate) async fn bounded(log: impl DurableLog, limits: Limits, serve_limits: ServeLimits) -> Self {
        let registry = Registry::new();
        let settings = [("acme".to_owned(), hilo_normalize::Tenant::of(Some("CL".to_owned())))];
        let gateway = Gateway::new(log, tenants(), limits, &registry)
            .unwrap()
            .settings(settings.into());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (end, ended) = oneshot::channel();
        let served = tokio::spawn(serve(listener, router(gateway), serve_limits, async {
            drop(ended.await);
        }));
        let client = Client::builder().no_proxy().build().unwrap();
        Self {
            address,
            client,
            registry,
            end: Some(end),
            served,
        }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn post(&self, path: &str, body: impl Into<Vec<u8>>) -> RequestBuilder {
        self.client.post(self.url(path)).body(body.into())
    }

    /// A delivery for `acme` with this header.
    pub(crate) fn signed(&self, body: impl Into<Vec<u8>>, signature: &str) -> RequestBuilder {
        self.post("/webhooks/whatsapp/acme", body)
            .header("X-Hub-Signature-256", signature)
    }

    /// A well-signed delivery for `acme`.
    pub(crate) async fn deliver(&self, body: impl Into<Vec<u8>>) -> Response {
        let body = body.into();
        let signature = signature(SECRET, &body);
        self.signed(body, &signature).send().await.unwrap()
    }

    pub(crate) async fn capture(&self, path: &str, token: &str, body: &str) -> Response {
        self.post(path, body).bearer_auth(token).send().await.unwrap()
    }

    /// A line of the metrics.
    pub(crate) fn measured(&self, series: &str) -> Option<String> {
        let text = prometheus::TextEncoder::new()
            .encode_to_string(&self.registry.gather())
            .unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix(series))?;
        Some(line.trim().to_owned())
    }

    /// Tells the server to end; it goes on finishing its requests.
    pub(crate) fn end(&mut self) {
        drop(self.end.take());
    }

    /// Whether the server finished its requests.
    pub(crate) async fn ended(mut self) -> bool {
        self.end();
        self.served.await.unwrap()
    }
}

/// Status and the two texts of an error. It has a code too.
pub(crate) async fn error(response: Response) -> (u16, String, String) {
    let (status, body) = problem(response).await;
    let text = |key: &str| body[key].as_str().unwrap().to_owned();
    assert!(!text("code").is_empty());
    (status, text("error"), text("hint"))
}

/// Status and body of an answer in JSON.
pub(crate) async fn problem(response: Response) -> (u16, Value) {
    let status = response.status().as_u16();
    (status, response.json().await.unwrap())
}
