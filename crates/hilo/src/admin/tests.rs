//! Over a real node of two tenants: who has no token sees nothing, and no token of one tenant sees the other.

use super::*;
use crate::{
    captures,
    node::Node,
    place,
    serve::{self, Listeners},
};
use hilo_contracts::{capture, codec};
use hilo_dashboard::{Asked, MetricPage, MetricQuery, Snapshot, SourceError, Trace};
use hilo_service::{Entry, Form, Need, Scope};
use prometheus::Registry;
use proptest::prelude::*;
use reqwest::{blocking::Client, redirect::Policy};
use serde_json::{Value, json};
use std::{collections::BTreeSet, thread};
use tokio::{runtime::Runtime, sync::oneshot, task::JoinHandle};

/// Readers of all tenants and of one.
const READERS: &str = r#"
[readers.all]
token = "all-token"
role = "operator"
[readers.numbers]
token = "numbers-token"
role = "analyst"
[readers.acme]
token = "acme-token"
role = "operator"
tenants = ["acme"]
[readers.nobody]
token = "nobody-token"
role = "operator"
tenants = []
"#;

struct Running {
    base: String,
    client: Client,
    runtime: Runtime,
    end: Option<oneshot::Sender<()>>,
    served: Option<JoinHandle<anyhow::Result<bool>>>,
    node: Option<Arc<Node>>,
    folder: tempfile::TempDir,
}

impl Running {
    /// A node on `listen`, with these readers and what both tenants sent.
    fn start(listen: &str, readers: &str, lines: &[Value]) -> Self {
        let text = format!(
            "[admin]\nlisten = \"{listen}\"\n{readers}\n[tenants.acme]\napi_tokens = [\"a\"]\n[tenants.beta]\napi_tokens = [\"b\"]\n"
        );
        let config = Config::read(Some(("hilo.toml".to_owned(), &text)), std::iter::empty()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let tenants = place::tenants(&config).unwrap();
        let node = Arc::new(Node::start(folder.path(), &tenants).unwrap());
        let records = lines.iter().map(|line| {
            let raw = capture::from_line(line.to_string().as_bytes(), None, 0).unwrap();
            captures::record(&codec::raw(), &raw).unwrap()
        });
        node.raw.append(records.collect()).wait().unwrap();
        let plan = Plan::new(&config).unwrap();
        let secrets = place::secrets(&config).unwrap();
        let runtime = Runtime::new().unwrap();
        let (end, ended) = oneshot::channel();
        let (admin, http) = runtime.block_on(async {
            let admin = plan.bind().await.unwrap();
            (admin, TcpListener::bind("127.0.0.1:0").await.unwrap())
        });
        let base = format!("http://127.0.0.1:{}", admin.address.port());
        let shared = Arc::clone(&node);
        let served = runtime.spawn(async move {
            let listeners = Listeners {
                http,
                hosts: Vec::new(),
                admin,
            };
            let setup = serve::Setup {
                label: "test",
                tenants: &tenants,
                secrets,
                listeners,
                crm: None,
            };
            serve::serve(shared, setup, async {
                drop(ended.await);
            })
            .await
        });
        Self {
            base,
            client: Client::builder().no_proxy().redirect(Policy::none()).build().unwrap(),
            runtime,
            end: Some(end),
            served: Some(served),
            node: Some(node),
            folder,
        }
    }

    fn get(&self, token: Option<&str>, path: &str) -> (u16, String) {
        let mut request = self.client.get(format!("{}{path}", self.base));
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        let answer = request.send().unwrap();
        // A stream has no end: its status is enough.
        let is_stream = path == "/events" && answer.status() == 200;
        let status = answer.status().as_u16();
        (
            status,
            if is_stream {
                String::new()
            } else {
                answer.text().unwrap()
            },
        )
    }

    /// Waits until what was sent is on the page.
    fn settle(&self, phone: &str) {
        while self.get(Some("all-token"), &format!("/v1/trace/{phone}")).0 != 200
            || !self.get(Some("all-token"), "/v1/metrics").1.contains("traffic_inbound")
        {
            thread::yield_now();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.end.take());
        if let Some(served) = self.served.take() {
            let ended = self.runtime.block_on(served);
            assert!(ended.is_ok() || thread::panicking());
        }
        if let Some(node) = self.node.take().and_then(Arc::into_inner) {
            drop(node.finish());
        }
        assert!(self.folder.path().is_dir());
    }
}

/// A source that is never asked.
struct Nowhere;

impl Source for Nowhere {
    fn snapshot(&self, _: &Scope) -> Result<Snapshot, SourceError> {
        Err(SourceError::NotFound)
    }

    fn trace(&self, _: &Scope, _: &str, _: &Asked) -> Result<Trace, SourceError> {
        Err(SourceError::NotFound)
    }

    fn metrics(&self, _: &Scope, _: &MetricQuery) -> Result<MetricPage, SourceError> {
        Err(SourceError::NotFound)
    }
}

/// The routes of a node: from the table that serves them.
fn entries() -> Vec<Entry> {
    struct Nothing;
    impl Audit for Nothing {
        fn revealed(&self, _: &str, _: &str, _: &str) -> Result<(), String> {
            Ok(())
        }
    }
    let (_, closing) = watch::channel(false);
    let access = Arc::new(Access::new(
        "127.0.0.1:1".parse().unwrap(),
        &[],
        Readers::default(),
        None,
    ));
    let pages = Pages {
        source: Arc::new(Nowhere),
        audit: Arc::new(Nothing),
        closing,
    };
    let table = table(Health::new(&Registry::new()), Some(pages), &access);
    table.entries().cloned().collect()
}

/// A path of a route: its variable part is `id`.
fn filled(path: &str, id: &str) -> String {
    let id: String = id
        .bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect();
    match path {
        "/trace" => format!("/trace?id={id}"),
        _ => path.replace("{*id}", &id).replace("{name}", "live.js"),
    }
}

#[test]
fn without_a_token_no_route_answers() {
    let entries = entries();
    let paths: BTreeSet<&str> = entries.iter().map(|entry| entry.path).collect();
    for known in [
        "/",
        "/events",
        "/trace",
        "/v1/trace/{*id}",
        "/v1/metrics",
        "/metrics",
        "/healthz",
        "/login",
    ] {
        assert!(paths.contains(known), "{known} is not in the table: {paths:?}");
    }
    for (listen, readers) in [
        ("127.0.0.1:0", ""),
        ("127.0.0.1:0", READERS),
        ("0.0.0.0:0", READERS),
        ("[::]:0", READERS),
    ] {
        let is_open = !listen.starts_with("127");
        let node = Running::start(listen, readers, &[]);
        for entry in entries.iter().filter(|entry| entry.method == "GET") {
            let path = filled(entry.path, "x");
            let expected = match (entry.need, entry.form) {
                (Need::Nothing, _) => 200,
                (Need::Process, _) => {
                    if is_open {
                        401
                    } else {
                        200
                    }
                }
                (_, Form::Page) => 303,
                (_, Form::Api) => 401,
            };
            let (status, body) = node.get(None, &path);
            if path == "/readyz" {
                // Open, whatever it says.
                assert!(matches!(status, 200 | 503), "{status}: {body}");
                continue;
            }
            assert_eq!(status, expected, "{path} on {listen}: {body}");
            if expected == 401 {
                let code = serde_json::from_str::<Value>(&body).unwrap()["code"].clone();
                assert_eq!(code, "no_token", "{path}");
                // Somebody else's token is none.
                assert_eq!(node.get(Some("guess"), &path).0, 401);
            }
        }
        assert_eq!(node.get(None, "/no-such-page").0, 404);
    }
}

#[test]
fn a_listener_for_all_without_readers_is_refused_with_the_key_that_mends_it() {
    for (listen, refused) in [
        ("0.0.0.0:8090", true),
        ("[::]:8090", true),
        ("10.0.0.1:8090", true),
        ("hilo.example:8090", true),
        ("127.0.0.1:8090", false),
        ("[::1]:8090", false),
        ("localhost:8090", false),
    ] {
        let text = format!("[admin]\nlisten = \"{listen}\"\n");
        let config = Config::read(Some(("hilo.toml".to_owned(), &text)), std::iter::empty()).unwrap();
        match Plan::new(&config) {
            Err(failure) => {
                assert!(refused && failure.code() == 2, "{listen}");
                let said = failure.to_string();
                assert!(
                    said.contains("[readers.NAME]") && said.contains("admin.listen"),
                    "{said}"
                );
            }
            Ok(_) => assert!(!refused, "{listen}"),
        }
    }
}

#[test]
fn what_is_deployed_asks_for_tokens_and_prometheus_has_one() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    let file = |path: &str| std::fs::read_to_string(format!("{root}/{path}")).unwrap();
    let variables = [
        ("HILO__KAFKA__INSTANCE", "one"),
        ("HILO__READERS__PROMETHEUS__TOKEN", "scrape"),
        ("HILO__READERS__DEMO__TOKEN", "demo"),
    ];
    let variables = variables.map(|(name, value)| (name.into(), value.into()));
    let text = file("deploy/hilo.toml");
    let config = Config::read(Some(("hilo.toml".to_owned(), &text)), variables.into_iter()).unwrap();
    assert!(Plan::new(&config).is_ok());
    let scraper = config.readers().unwrap().by_token(b"scrape").unwrap().clone();
    assert_eq!(scraper.scope, Scope::All);
    let port = config.admin.listen.rsplit_once(':').unwrap().1.to_owned();
    let prometheus = file("deploy/prometheus/prometheus.yml");
    let compose = file("docker-compose.yml");
    assert!(
        prometheus.contains(&format!("port: {port}\n")) && compose.contains(&format!(":{port}\"")),
        "{port}"
    );
    for shared in [&text, &prometheus, &compose] {
        assert!(shared.contains("/etc/hilo/metrics_token"), "{shared}");
    }
}

/// What a tenant sent; every name and number of it has `word` or `number` in it.
fn story(tenant: &str, word: &str, number: u32, people: u32) -> Vec<Value> {
    let mut lines = Vec::new();
    for person in 0..people {
        let phone = format!("569{number}{person:02}");
        let at = 1_777_899_600 + i64::from(person) * 60;
        let metadata =
            json!({"display_phone_number": format!("5622{number}"), "phone_number_id": format!("21{number}")});
        let webhook = |value: Value| {
            json!({"source": "whatsapp", "tenant": tenant, "received_at": "2026-05-04T14:00:00Z", "body": {
                "object": "whatsapp_business_account", "entry": [{"id": format!("31{number}"), "changes": [
                    {"field": "messages", "value": value}]}]}})
        };
        lines.push(webhook(json!({"messaging_product": "whatsapp", "metadata": metadata,
            "contacts": [{"wa_id": phone, "profile": {"name": format!("{word} Camila")}}],
            "messages": [{"from": phone, "id": format!("wamid.{word}{person}"), "timestamp": at.to_string(), "type": "text",
                "text": {"body": format!("hola {word}")}}]})));
        lines.push(
            json!({"source": "outbound", "tenant": tenant, "at": "2026-05-04T14:00:00Z",
            "phone_number_id": format!("21{number}"), "message_id": format!("wamid.{word}out{person}"),
            "command_id": format!("{word}-command-{person}"), "to": {"phone": format!("+{phone}")}, "type": "template",
            "template": {"name": format!("{word}_plantilla"), "language": "es", "category": "utility"},
            "campaign": format!("{word}_campana"), "segment": format!("{word}_segmento"),
            "author": {"kind": "agent", "id": format!("{word}@example.cl")}}),
        );
        lines.push(webhook(
            json!({"messaging_product": "whatsapp", "metadata": metadata, "statuses": [
            {"id": format!("wamid.{word}out{person}"), "status": "delivered", "timestamp": (at + 3_700).to_string(),
                "recipient_id": phone}]}),
        ));
        lines.push(json!({"source": "inbox", "tenant": tenant, "at": "2026-05-04T14:10:00Z", "user": {"phone": format!("+{phone}")},
            "phone_number_id": format!("21{number}"), "event": "assigned", "agent": format!("{word}@example.cl"),
            "queue": format!("{word}_cola")}));
        lines.push(json!({"source": "whatsapp", "tenant": tenant, "body": format!("{word} no json {person}")}));
    }
    lines.push(json!({"source": "clock", "at": "2026-05-08T00:00:00Z"}));
    lines
}

/// Every text in a value, and the names of its keys.
fn texts(value: &Value, out: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => {
            out.insert(text.clone());
            if let Ok(inner @ (Value::Object(_) | Value::Array(_))) = serde_json::from_str(text) {
                texts(&inner, out);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| texts(item, out)),
        Value::Object(fields) => fields.values().for_each(|inner| texts(inner, out)),
        _ => {}
    }
}

#[test]
fn the_token_of_one_tenant_never_sees_the_other() {
    const NUMBER: u32 = 771_234;
    let mut lines = story("acme", "acme", 551_234, 2);
    lines.extend(story("beta", "betaword", NUMBER, 3));
    let node = Running::start("127.0.0.1:0", READERS, &lines);
    node.settle(&format!("+569{NUMBER}00"));
    // All that the other tenant's records hold, each as an id: people, sessions, events, deliveries, messages, names.
    let mut ids = BTreeSet::new();
    for person in 0..3 {
        let (status, story) = node.get(
            Some("all-token"),
            &format!("/v1/trace/+569{NUMBER}{person:02}?reveal=1&reason=a%20test"),
        );
        assert_eq!(status, 200, "{story}");
        texts(&serde_json::from_str(&story).unwrap(), &mut ids);
    }
    let foreign = |text: &str| text.contains("beta") || text.contains(&NUMBER.to_string());
    assert!(
        ids.iter().any(|id| id.starts_with("p_")) && ids.iter().any(|id| foreign(id)),
        "{ids:?}"
    );
    ids.extend(
        [
            "number:delivery_rate:betaword_plantilla",
            "outcome:emitted",
            "reason:not_json",
        ]
        .map(str::to_owned),
    );
    let ids: Vec<String> = ids.into_iter().filter(|id| !id.is_empty() && id.len() < 200).collect();
    let paths: Vec<Entry> = entries().into_iter().filter(|entry| entry.method == "GET").collect();
    let config = ProptestConfig {
        cases: 300,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    proptest!(config, |(id in prop::sample::select(ids), entry in prop::sample::select(paths),
        token in prop::sample::select(vec!["acme-token", "nobody-token"]), reveal in any::<bool>())| {
        let mut path = filled(entry.path, &id);
        if reveal && entry.path == "/v1/trace/{*id}" {
            path.push_str("?reveal=1&reason=a%20test");
        }
        if entry.path == "/v1/metrics" {
            path.push_str("?tenant=beta");
        }
        let (status, body) = node.get(Some(token), &path);
        let is_of_all = entry.need == Need::Process;
        prop_assert!(is_of_all || matches!(status, 200 | 404), "{} {}: {}", status, path, body);
        // What was asked for may be said back: masked, and to who reveals as it is.
        let told = body.replace(&id, "");
        prop_assert!(!foreign(&told), "{} sees {}: {}", token, path, body);
        let names_one = entry.path.contains("{*id}") || entry.path == "/trace";
        if names_one && (foreign(&id) || id.starts_with("p_")) && !id.starts_with("number:") {
            prop_assert_eq!(status, 404, "{} finds {}", token, path);
        }
    });
    // Labels name nobody, whoever looks.
    let measured = node.get(Some("all-token"), "/metrics").1;
    assert!(
        measured.contains("hilo_engine_commits_total") && !foreign(&measured),
        "{measured}"
    );
    // And a stream says no more than the page.
    let mut stream = node
        .client
        .get(format!("{}/events", node.base))
        .bearer_auth("acme-token")
        .send()
        .unwrap();
    let mut first = vec![0; 1 << 16];
    let read = std::io::Read::read(&mut stream, &mut first).unwrap();
    let first = String::from_utf8_lossy(&first[..read]);
    assert!(first.contains("event: change") && !foreign(&first), "{first}");
    drop(stream);
    assert!(node.get(Some("acme-token"), "/v1/metrics").1.contains("acme_plantilla"));
}
