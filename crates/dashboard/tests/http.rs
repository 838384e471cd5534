//! The routes as a program sees them.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

mod support;

use reqwest::header::HeaderMap;
use reqwest::{Client, Response, StatusCode};
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use support::{Fake, HOSTILE, MESSAGE, serve};
use tokio::sync::watch;

struct Server {
    base: String,
    fake: Arc<Fake>,
    close: watch::Sender<bool>,
    client: Client,
}

impl Server {
    async fn start() -> Self {
        let fake = Arc::new(Fake::default());
        let (address, close) = serve(Arc::clone(&fake)).await;
        Self {
            base: format!("http://{address}"),
            fake,
            close,
            client: Client::builder().no_proxy().build().unwrap(),
        }
    }

    async fn get(&self, path: &str) -> Response {
        self.client.get(format!("{}{path}", self.base)).send().await.unwrap()
    }

    async fn json(&self, path: &str) -> (StatusCode, Value) {
        let response = self.get(path).await;
        (response.status(), response.json().await.unwrap())
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).map_or("", |value| value.to_str().unwrap())
}

/// The next event of a stream; `None` at its end.
async fn event(stream: &mut Response, buffer: &mut String) -> Option<Value> {
    loop {
        if let Some((event, rest)) = buffer.clone().split_once("\n\n") {
            rest.clone_into(buffer);
            if let Some(data) = event.lines().find_map(|line| line.strip_prefix("data: ")) {
                return Some(serde_json::from_str(data).unwrap());
            }
        } else {
            buffer.push_str(std::str::from_utf8(&stream.chunk().await.ok()??).unwrap());
        }
    }
}

fn ids(event: &Value) -> Vec<&str> {
    let sections = event["sections"].as_array().unwrap();
    sections.iter().map(|section| section["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn the_page_is_whole_without_a_script_and_closed_to_foreign_ones() {
    let server = Server::start().await;
    let response = server.get("/").await;
    let policy = header(response.headers(), "content-security-policy").to_owned();
    assert!(
        policy.starts_with("default-src 'none'; script-src 'self';") && !policy.contains("unsafe"),
        "{policy}"
    );
    assert_eq!(header(response.headers(), "cache-control"), "no-store");
    assert_eq!(header(response.headers(), "x-content-type-options"), "nosniff");
    let page = response.text().await.unwrap();
    for told in [
        "Messages received",
        "Delivery rate",
        "cita_manana",
        "CL ··· 4567",
        "not json",
        "&lt;img src=x",
    ] {
        assert!(page.contains(told), "{told}");
    }
    for foreign in [HOSTILE, "http://", "https://", "style=", "onclick", "61234567"] {
        assert!(!page.contains(foreign), "{foreign}");
    }
}

#[tokio::test]
async fn a_stream_begins_with_everything_goes_on_with_changes_and_ends_at_closing() {
    let server = Server::start().await;
    let mut stream = server.get("/events").await;
    assert_eq!(header(stream.headers(), "content-type"), "text/event-stream");
    let mut buffer = String::new();
    let first = event(&mut stream, &mut buffer).await.unwrap();
    assert_eq!(
        ids(&first),
        [
            "clock",
            "warnings",
            "flow",
            "outcomes",
            "numbers",
            "templates",
            "conversations",
            "senders",
            "dead_letters"
        ]
    );
    let second = event(&mut stream, &mut buffer).await.unwrap();
    assert!(
        ids(&second).contains(&"flow") && !ids(&second).contains(&"warnings"),
        "{second}"
    );
    server.close.send(true).unwrap();
    while event(&mut stream, &mut buffer).await.is_some() {}
}

#[tokio::test]
async fn many_pages_ask_the_source_once_and_too_many_are_refused() {
    let server = Server::start().await;
    let mut open = Vec::new();
    for _ in 0..64 {
        let stream = server.get("/events").await;
        assert_eq!(stream.status(), StatusCode::OK);
        open.push(stream);
    }
    let refused = server.get("/events").await;
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(header(refused.headers(), "retry-after"), "5");
    for stream in &mut open {
        assert!(event(stream, &mut String::new()).await.is_some());
    }
    // The first events of 64 streams come from few snapshots, not from one each.
    assert!(server.fake.step.load(Ordering::SeqCst) < 64);
    server.close.send(true).unwrap();
    for stream in &mut open {
        while event(stream, &mut String::new()).await.is_some() {}
    }
    server.close.send(false).unwrap();
    assert_eq!(server.get("/events").await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_source_that_fails_is_told_and_comes_back() {
    let server = Server::start().await;
    server.fake.broken.store(true, Ordering::SeqCst);
    let page = server.get("/").await.text().await.unwrap();
    assert!(page.contains("golden.db does not answer"));
    let mut stream = server.get("/events").await;
    let mut buffer = String::new();
    assert_eq!(ids(&event(&mut stream, &mut buffer).await.unwrap()), ["warnings"]);
    server.fake.broken.store(false, Ordering::SeqCst);
    let back = event(&mut stream, &mut buffer).await.unwrap();
    assert!(
        ids(&back).contains(&"warnings") && ids(&back).contains(&"numbers"),
        "{back}"
    );
}

#[tokio::test]
async fn rows_are_filtered_and_bad_questions_refused() {
    let server = Server::start().await;
    let (status, rows) = server.json("/v1/metrics?definition=delivery_rate@1&tenant=acme").await;
    assert_eq!((status, rows.as_array().unwrap().len()), (StatusCode::OK, 100));
    assert_eq!(rows[0]["metric"], "delivery_rate");
    assert!(rows[0]["window"].is_null() && rows[0]["dimensions"].is_object() && rows[0]["numerator"].is_i64());
    let (_, rows) = server
        .json("/v1/metrics?definition=fcr_rate&since=2026-05-04T14:00:00Z")
        .await;
    assert_eq!(rows, serde_json::json!([]));
    for bad in ["since=yesterday", "until=1", "metrik=x", "limit=0", "limit=10001", "after=x"] {
        let (status, answer) = server.json(&format!("/v1/metrics?{bad}")).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{bad}");
        assert_eq!(answer["code"], "bad_query");
        assert!(!answer["error"].as_str().unwrap().is_empty() && !answer["hint"].as_str().unwrap().is_empty());
    }
}

#[tokio::test]
async fn pages_of_rows_follow_one_another_and_are_the_whole() {
    let server = Server::start().await;
    let (_, whole) = server.json("/v1/metrics?limit=10000").await;
    let mut path = "/v1/metrics?limit=170".to_owned();
    let mut rows = Vec::new();
    loop {
        let response = server.get(&path).await;
        let link = header(response.headers(), "link").to_owned();
        let page: Value = response.json().await.unwrap();
        assert!(page.as_array().unwrap().len() <= 170);
        rows.extend(page.as_array().unwrap().clone());
        let Some(next) = link.strip_prefix('<').and_then(|link| link.split_once(">; rel=\"next\"")) else {
            break;
        };
        assert!(next.0.contains("limit=170"), "{link}");
        path = next.0.to_owned();
    }
    assert_eq!((Value::from(rows), whole.as_array().unwrap().len()), (whole.clone(), 1_200));
}

#[tokio::test]
async fn two_traces_run_four_wait_more_are_busy_and_who_leaves_is_not_worked_for() {
    let server = Server::start().await;
    let ask = || {
        let request = server.client.get(format!("{}/v1/trace/endless", server.base));
        tokio::spawn(async move { request.send().await })
    };
    // Whichever comes last of seven is refused; the others wait for an answer that does not come.
    let mut asking: Vec<_> = (0..7).map(|_| ask()).collect();
    let last = loop {
        if let Some(last) = asking.iter().position(tokio::task::JoinHandle::is_finished) {
            break asking.swap_remove(last).await.unwrap().unwrap();
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(last.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(header(last.headers(), "retry-after"), "1");
    assert_eq!(last.json::<Value>().await.unwrap()["code"], "busy");
    while server.fake.running.load(Ordering::SeqCst) < 2 {
        tokio::task::yield_now().await;
    }
    assert!(!asking.iter().any(tokio::task::JoinHandle::is_finished));
    for one in asking.drain(..) {
        one.abort();
    }
    // Who has left is not worked for: there is room again.
    loop {
        if server.get("/v1/trace/a-message").await.status() == StatusCode::OK {
            break;
        }
        tokio::task::yield_now().await;
    }
    while server.fake.running.load(Ordering::SeqCst) > 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_trace_is_masked_for_programs_too() {
    let server = Server::start().await;
    let (status, trace) = server.json(&format!("/v1/trace/{MESSAGE}")).await;
    assert_eq!((status, trace["steps"].as_array().unwrap().len()), (StatusCode::OK, 5));
    let text = trace.to_string();
    for secret in ["56961234567", "Camila", "Hola", &MESSAGE[6..20]] {
        assert!(!text.contains(secret), "{secret}");
    }
    let (status, answer) = server.json("/v1/trace/missing").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert!(answer["code"] == "not_found" && answer["hint"].as_str().unwrap().contains("hilo dlq list"));
    let page = server.get("/trace/%3Cscript%3E").await;
    assert_eq!(page.status(), StatusCode::NOT_FOUND);
    assert!(page.text().await.unwrap().contains("&lt;script&gt;"));
    // A base64 id may hold slashes.
    assert_eq!(
        server.get("/v1/trace/wamid.AB/CD%2FEF==").await.status(),
        StatusCode::OK
    );
}

#[tokio::test]
async fn assets_are_asked_for_again_only_when_they_changed() {
    let server = Server::start().await;
    for (name, kind) in [
        ("dashboard.css", "text/css"),
        ("live.js", "text/javascript"),
        ("morph.js", "text/javascript"),
        ("icon.svg", "image/svg+xml"),
    ] {
        let path = format!("/assets/{name}");
        let response = server.get(&path).await;
        assert!(header(response.headers(), "content-type").starts_with(kind));
        let tag = header(response.headers(), "etag").to_owned();
        assert!(!response.text().await.unwrap().is_empty());
        let again = server
            .client
            .get(format!("{}{path}", server.base))
            .header("if-none-match", tag)
            .send()
            .await
            .unwrap();
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
    }
    assert_eq!(server.get("/assets/Cargo.toml").await.status(), StatusCode::NOT_FOUND);
}
